"""The queue's outcomes follow the chain, and numbers come back when a group fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.blocks import Outcome
from ledger.projection import (
    Acceptance,
    NewGroup,
    NumbersExhaustedError,
    QueueState,
    Store,
    number_pool,
    queued,
)
from ledger.projection.rebuild import rebuild
from verifier.operations import Code, Operation, Reason

NOW_S = 1_790_000_500
LATER_S = NOW_S + 3_600


def _accept(store: Store, town: Any, domain: Any, *indexes: int, valid_until: int = LATER_S) -> NewGroup:
    operations = [
        Operation(
            code=Code.ISSUE, subject=town.seller, number=town.number(i), month=321, terms=100, ref=town.script.salt()
        )
        for i in indexes
    ]
    signed = town.script.signed(operations, town.seller, valid_until)
    group = NewGroup(signed.group.digest(domain), signed)
    store.accept(Acceptance((group,)), queue_limit=10_000, now_s=NOW_S)
    return group


def _reserve(store: Store, town: Any, count: int, *, expires_at: int = LATER_S, now_s: int = NOW_S) -> list[int]:
    numbers = store.write(
        lambda connection: number_pool.reserve(connection, town.seller, count, expires_at=expires_at, now_s=now_s)
    )
    return [number - town.first_number for number in numbers]


def _state(store: Store, digest: bytes) -> queued.GroupStatus:
    with store.reading() as connection:
        status = queued.status(connection, digest)
    assert status is not None
    return status


def _record(store: Store, town: Any, tools: SimpleNamespace, group: NewGroup, outcome: Outcome, **answer: Any) -> None:
    if outcome is Outcome.APPLIED:
        rows = [(op.number, 100, 0) for op in group.signed.group.operations]
        town.script.issue(town.seller, *rows)
        made = town.script._pending.pop()
        answer["events"] = tuple(
            type(event)(event.number, operation.what, event.state, event.head)
            for event, operation in zip(made.events, group.signed.group.operations, strict=True)
        )
    town.script.include(town.script.sequenced(group.signed, outcome, **answer))
    town.script.seal()
    tools.project(store, town.script.blocks[-1:])


def test_applied_group_is_recorded_and_its_numbers_are_gone(
    lived: tuple[Store, Any], domain: Any, tools: SimpleNamespace
) -> None:
    store, town = lived
    assert _reserve(store, town, 3) == [0, 1, 2]
    group = _accept(store, town, domain, 0, 1)
    _record(store, town, tools, group, Outcome.APPLIED)
    status = _state(store, group.digest)
    assert (status.state, status.block, status.reason) == (QueueState.RECORDED, town.script.head().number, 0)
    with store.reading() as connection:
        assert number_pool.reserved(connection, town.seller, NOW_S) == (town.number(2),)
    assert _reserve(store, town, 2) == [3, 4]


def test_refused_group_says_why_and_its_numbers_come_back_first(
    lived: tuple[Store, Any], domain: Any, tools: SimpleNamespace
) -> None:
    store, town = lived
    assert _reserve(store, town, 4) == [0, 1, 2, 3]
    group = _accept(store, town, domain, 1, 2)
    _record(
        store, town, tools, group, Outcome.REFUSED, reason=int(Reason.QUOTA_EXCEEDED), refused_number=town.number(2)
    )
    status = _state(store, group.digest)
    assert (status.state, status.reason) == (QueueState.REFUSED, Reason.QUOTA_EXCEEDED)
    assert status.refused_number == town.number(2)
    assert _reserve(store, town, 3) == [1, 2, 4]


def test_malformed_group_of_another_signature_does_not_end_ours(
    lived: tuple[Store, Any], domain: Any, tools: SimpleNamespace
) -> None:
    from dataclasses import replace

    store, town = lived
    group = _accept(store, town, domain, 0)
    forged = NewGroup(group.digest, replace(group.signed, r=group.signed.r + 1))
    _record(store, town, tools, forged, Outcome.MALFORMED, signer=b"")
    assert _state(store, group.digest).state is QueueState.ACCEPTED
    _record(store, town, tools, group, Outcome.MALFORMED, signer=b"")
    assert _state(store, group.digest).state is QueueState.MALFORMED


def test_replay_does_not_change_a_recorded_outcome(
    lived: tuple[Store, Any], domain: Any, tools: SimpleNamespace
) -> None:
    store, town = lived
    group = _accept(store, town, domain, 0)
    _record(store, town, tools, group, Outcome.APPLIED)
    block = town.script.head().number
    _record(store, town, tools, group, Outcome.MALFORMED)
    assert (_state(store, group.digest).state, _state(store, group.digest).block) == (QueueState.RECORDED, block)


def test_group_that_came_by_another_way_is_known_by_its_digest(
    lived: tuple[Store, Any], tools: SimpleNamespace
) -> None:
    store, town = lived
    digest = town.script.issue(town.seller, (town.number(0), 100, 0))
    group = town.script._pending[0]
    town.script.seal()
    town.script.include(town.script.sequenced(group.signed, Outcome.MALFORMED))
    town.script.seal()
    tools.project(store, town.script.blocks[-2:])
    status = _state(store, digest)
    assert (status.state, status.accepted_at) == (QueueState.RECORDED, None)
    with store.reading() as connection:
        assert queued.status(connection, b"\x00" * 32) is None


def test_group_expires_after_its_time_and_gives_its_numbers_back(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    group = _accept(store, town, domain, 0, valid_until=NOW_S + 10)
    kept = _accept(store, town, domain, 1, valid_until=NOW_S + 11)
    with store.writing_alone() as connection:
        assert queued.expire(connection, NOW_S + 10) == []
        assert queued.any_expired(connection, NOW_S + 11)
        assert queued.expire(connection, NOW_S + 11) == [group.digest]
    assert _state(store, group.digest).state is QueueState.EXPIRED
    assert _state(store, kept.digest).state is QueueState.ACCEPTED
    assert _reserve(store, town, 2) == [0, 2]


def test_batch_is_taken_in_order_and_within_both_limits(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    groups = [_accept(store, town, domain, *range(5 * i, 5 * i + 5)) for i in range(4)]
    with store.reading() as connection:
        taken = queued.take(connection, operations_max=14, calldata_size_max=98_304)
        assert [group.digest for group in taken] == [group.digest for group in groups[:2]]
        size = 132 + 2 * (96 + 5 * 128)
        assert len(queued.take(connection, operations_max=512, calldata_size_max=size)) == 2
        assert len(queued.take(connection, operations_max=512, calldata_size_max=size - 1)) == 1
        assert len(queued.take(connection, operations_max=1, calldata_size_max=1)) == 1
        rest = queued.take(connection, operations_max=512, calldata_size_max=98_304, skip=[groups[0].digest])
        assert [group.digest for group in rest] == [group.digest for group in groups[1:]]


def test_calldata_is_counted_as_the_chain_encodes_it(lived: tuple[Store, Any], domain: Any) -> None:
    from ledger.chain.calldata import encode_apply
    from ledger.projection.queued import CALLDATA_FIXED_SIZE, CALLDATA_HEAD_SIZE, CALLDATA_OPERATION_SIZE

    store, town = lived
    signed = [_accept(store, town, domain, *range(10 * i, 10 * i + i)).signed for i in range(1, 4)]
    counted = CALLDATA_FIXED_SIZE + 3 * CALLDATA_HEAD_SIZE + 6 * CALLDATA_OPERATION_SIZE
    assert len(encode_apply(signed)) == counted


def test_rebuild_sequences_again_what_the_chain_lost(
    lived: tuple[Store, Any], domain: Any, tools: SimpleNamespace
) -> None:
    store, town = lived
    kept, lost = _accept(store, town, domain, 0), _accept(store, town, domain, 1)
    _record(store, town, tools, kept, Outcome.APPLIED)
    _record(store, town, tools, lost, Outcome.APPLIED)
    del town.script.blocks[-1]
    rebuild(store.engine, town.script)
    assert _state(store, kept.digest).state is QueueState.RECORDED
    assert (_state(store, lost.digest).state, _state(store, lost.digest).block) == (QueueState.ACCEPTED, None)


def test_reservation_that_ended_is_given_to_the_next(lived: tuple[Store, Any]) -> None:
    store, town = lived
    assert _reserve(store, town, 2, expires_at=NOW_S + 5) == [0, 1]
    assert _reserve(store, town, 1, now_s=NOW_S + 4) == [2]
    assert _reserve(store, town, 1, now_s=NOW_S + 5) == [0]


def test_numbers_given_back_are_free_and_used_ones_are_not(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    assert _reserve(store, town, 3) == [0, 1, 2]
    _accept(store, town, domain, 1)
    store.write(lambda connection: number_pool.give_back(connection, town.seller, [town.number(i) for i in range(3)]))
    assert _reserve(store, town, 3) == [0, 2, 3]


def test_stranger_gives_nothing_back_and_has_no_numbers(lived: tuple[Store, Any]) -> None:
    store, town = lived
    assert _reserve(store, town, 1) == [0]
    store.write(lambda connection: number_pool.give_back(connection, town.stranger, [town.number(0)]))
    assert _reserve(store, town, 1) == [1]
    with pytest.raises(NumbersExhaustedError) as caught:
        store.write(
            lambda connection: number_pool.reserve(connection, town.stranger, 1, expires_at=LATER_S, now_s=NOW_S)
        )
    assert (caught.value.seller, caught.value.wanted, caught.value.free) == (town.stranger, 1, 0)


def test_used_up_segment_says_so_and_gives_out_nothing(lived: tuple[Store, Any]) -> None:
    store, town = lived
    for _ in range(9):
        _reserve(store, town, 1000)
    _reserve(store, town, 995)
    with pytest.raises(NumbersExhaustedError, match="5 free numbers"):
        _reserve(store, town, 6)
    assert _reserve(store, town, 5) == [9995, 9996, 9997, 9998, 9999]


def test_new_segment_is_used_when_the_first_is_full(lived: tuple[Store, Any], tools: SimpleNamespace) -> None:
    store, town = lived
    for _ in range(10):
        _reserve(store, town, 1000)
    town.script.allot(town.seller, town.first_number + 50_000, 2)
    town.script.seal()
    tools.project(store, town.script.blocks[-1:])
    assert _reserve(store, town, 2) == [50_000, 50_001]


def test_number_issued_by_another_way_is_skipped(lived: tuple[Store, Any], tools: SimpleNamespace) -> None:
    store, town = lived
    assert _reserve(store, town, 2, expires_at=NOW_S + 1) == [0, 1]
    for index in (1, 3):
        town.script.issue(town.seller, (town.number(index), 100, 0))
    town.script.seal()
    tools.project(store, town.script.blocks[-1:])
    assert _reserve(store, town, 3, now_s=NOW_S + 2) == [0, 2, 4]


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(st.tuples(st.sampled_from("rgue"), st.integers(1, 5)), max_size=12))
def test_no_number_is_held_twice(
    tmp_path_factory: pytest.TempPathFactory, tools: SimpleNamespace, domain: Any, actions: list[tuple[str, int]]
) -> None:
    town = tools.Town()
    held: set[int] = set()
    used: set[int] = set()
    now_s = NOW_S
    with Store.create(f"sqlite:///{tmp_path_factory.mktemp('pool') / 'l.sqlite'}") as store:
        tools.project(store, town.script.blocks)
        for action, count in actions:
            if action == "r":
                got = _reserve(store, town, count, expires_at=now_s + 100, now_s=now_s)
                assert not held & set(got)
                assert not used & set(got)
                below = set(range(max(got))) - held - used - set(got)
                assert not below, "a lower free number was left out"
                held |= set(got)
            elif action == "g" and held:
                back = sorted(held)[:count]
                numbers = [town.number(i) for i in back]
                store.write(lambda connection, numbers=numbers: number_pool.give_back(connection, town.seller, numbers))
                held -= set(back)
            elif action == "u" and held:
                taken = sorted(held)[-count:]
                _accept(store, town, domain, *taken, valid_until=LATER_S * 2)
                held -= set(taken)
                used |= set(taken)
            elif action == "e":
                now_s += 100
                held.clear()
