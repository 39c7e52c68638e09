"""Groups are whole or nothing, batches carry on past a bad group, and too little gas decides nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.drafts import RESERVED_CODES
from tests.contract.wire import (
    RevertedError,
    Signed,
    calldata,
    checksum,
    decode_event,
    key_of,
    send_transaction,
)
from tests.contract.world import NUMBER, World
from verifier.hashing import keccak256
from verifier.operations import GROUP_OPERATIONS_MAX, Code, Reason


def reverts(world: World, send: Callable[[], object]) -> None:
    before = world.storage_root()
    with pytest.raises(RevertedError):
        send()
    assert world.storage_root() == before


def raw(world: World, data: bytes, gas: int = 200_000_000) -> None:
    send_transaction(world.tester, checksum(world.address), data, gas)


# -- codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(RESERVED_CODES))
def test_reserved_and_unknown_codes_are_refused(world: World, code: int) -> None:
    world.do("clerk", world.issue_operation())
    for number in (world.ids["employer"], NUMBER):
        operation = world.by("employer", Code(1), number, version=1)
        operation = type(operation)(**{**{f: getattr(operation, f) for f in operation.__slots__}, "code": code})
        assert world.refusal("employer", operation) == (Reason.UNKNOWN_OPERATION, number)


@pytest.mark.parametrize("bit", [0, 47])
@pytest.mark.parametrize("code", [Code.TRANSFER, Code.ROTATE_KEY, Code.FILE, Code.ENROL, Code.RETIRE])
def test_reserved_bits_are_refused(world: World, code: Code, bit: int) -> None:
    operation = world.by("seller", code, 0, reserved=1 << bit)
    assert world.refusal("seller", operation) == (Reason.UNKNOWN_OPERATION, 0)


# -- order --------------------------------------------------------------------------------------


def test_numbers_ascend_in_a_group(world: World) -> None:
    one, two = world.issue_operation(), world.issue_operation(number=NUMBER + 1)
    assert world.refusal("clerk", two, one) == (Reason.OUT_OF_ORDER, NUMBER)
    world.do("clerk", one, two)


def test_no_number_occurs_twice_in_a_group(world: World) -> None:
    one = world.issue_operation()
    assert world.refusal("clerk", one, one) == (Reason.OUT_OF_ORDER, NUMBER)
    world.do("clerk", one)


def test_the_first_operation_that_broke_a_rule_is_named(world: World) -> None:
    operations = [world.issue_operation(number=NUMBER + index) for index in range(5)]
    operations[1] = world.issue_operation(number=NUMBER + 1, gross=0, tax=0)
    operations[3] = world.issue_operation(number=NUMBER + 3, month=0)
    assert world.refusal("clerk", *operations) == (Reason.BAD_TERMS, NUMBER + 1)


# -- sizes --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_group_of_256_is_applied_whole(world: World) -> None:
    operations = [world.issue_operation(number=NUMBER + index) for index in range(GROUP_OPERATIONS_MAX)]
    assert len(world.do("clerk", *operations)) == GROUP_OPERATIONS_MAX
    assert world.totals("seller").count == GROUP_OPERATIONS_MAX
    group = world.sign("clerk", *(world.issue_operation(number=NUMBER + 500 + index) for index in range(257)))
    reverts(world, lambda: world.send(group))


def test_a_group_of_257_reverts(world: World) -> None:
    refusable = [world.by("intruder", Code.TRANSFER, 1 + index) for index in range(GROUP_OPERATIONS_MAX + 1)]
    group = world.sign("intruder", *refusable)
    reverts(world, lambda: world.send(group))
    smaller = world.sign("intruder", *refusable[:-1])
    assert [event.name for event in world.send(smaller)] == ["Refused"]


def test_a_group_of_nothing_reverts(world: World) -> None:
    empty = world.sign("clerk")
    reverts(world, lambda: world.send(empty))
    reverts(world, lambda: world.send(world.sign("clerk", world.issue_operation()), empty))


def test_an_empty_batch_does_nothing(world: World) -> None:
    before = world.storage_root()
    assert world.send() == []
    assert world.storage_root() == before


def test_a_batch_takes_512_groups_and_operations_and_no_more(world: World) -> None:
    operations = [world.by("intruder", Code.TRANSFER, 1 + index) for index in range(257)]
    groups = [world.sign("intruder", *operations[:256]), world.sign("intruder", *operations[1:])]
    assert [event.name for event in world.send(*groups)] == ["Refused", "Refused"]
    one_more = world.sign("intruder", world.by("intruder", Code.TRANSFER, 5))
    again = [world.sign("clerk", *operations[:256]), world.sign("clerk", *operations[1:])]
    reverts(world, lambda: world.send(*again, one_more))


def test_heads_and_operations_fit_each_other(world: World) -> None:
    group = world.sign("clerk", world.issue_operation(), world.issue_operation(number=NUMBER + 1))
    reverts(world, lambda: raw(world, calldata([group], group.operations[:1])))
    reverts(world, lambda: raw(world, calldata([group], (*group.operations, world.issue_operation(number=NUMBER + 2)))))
    reverts(world, lambda: raw(world, calldata([], group.operations)))
    reverts(world, lambda: raw(world, calldata([group, group], group.operations)))
    raw(world, calldata([group]))
    assert world.spent(group.digest) == 1


@pytest.mark.parametrize("size", [1, 31, 128])
def test_calldata_cut_short_is_malformed(world: World, size: int) -> None:
    # the machine reads what is missing as zeros, and nobody signed those
    group = world.sign("clerk", world.issue_operation(number=NUMBER), world.issue_operation(number=NUMBER + 1))
    before = world.storage_root()
    raw(world, calldata([group])[:-size])
    assert world.storage_root() == before
    raw(world, calldata([group]))
    assert world.spent(group.digest) == 1


def test_the_contract_takes_no_other_call(world: World) -> None:
    reverts(world, lambda: raw(world, b""))
    reverts(world, lambda: raw(world, keccak256(b"set_words(uint256,uint256)")[:4] + bytes(64)))


# -- batches ------------------------------------------------------------------------------------


def three(world: World, middle: Signed) -> list[str]:
    first = world.sign("clerk", world.issue_operation())
    last = world.sign("seller", world.issue_operation(number=NUMBER + 2))
    events = world.send(first, middle, last)
    assert (world.spent(first.digest), world.spent(last.digest)) == (1, 1)
    assert world.totals("seller").count == 2
    return [event.name for event in events]


def test_a_refused_group_does_not_stop_the_others(world: World) -> None:
    middle = world.sign("intruder", *(world.issue_operation(number=NUMBER + index) for index in (0, 1, 2)))
    assert three(world, middle) == ["Recorded", "Refused", "Recorded"]


def test_a_malformed_group_does_not_stop_the_others(world: World) -> None:
    middle = world.sign("clerk", world.issue_operation(number=NUMBER + 1), key=key_of("intruder"))
    assert three(world, middle) == ["Recorded", "Malformed", "Recorded"]


def test_a_group_sees_what_the_one_before_it_did(world: World) -> None:
    issue = world.sign("clerk", world.issue_operation())
    book = world.sign("cashier", world.operation(Code.BOOK, "employer", version=1, option=1))
    again = world.sign("clerk", world.issue_operation(gross=1, tax=0))
    assert [event.name for event in world.send(book, issue, again)] == ["Refused", "Recorded", "Refused"]
    fresh = world.sign("cashier", world.operation(Code.BOOK, "employer", option=1), valid_until=world.now + 99)
    assert [event.name for event in world.send(fresh)] == ["Recorded"]


def test_groups_in_one_batch_are_as_in_several(world: World) -> None:
    groups = [
        world.sign("clerk", *(world.issue_operation(number=NUMBER + 3 * index + step) for step in range(3)))
        for index in range(4)
    ]
    with world.scratch() as apart:
        for group in groups:
            apart.send(group)
        states = [apart.state(NUMBER + index) for index in range(12)]
        totals = apart.totals("seller")
    world.send(*groups)
    assert [world.state(NUMBER + index) for index in range(12)] == states
    assert world.totals("seller") == totals


# -- gas ----------------------------------------------------------------------------------------


def outcome(world: World, groups: list[Signed], gas: int) -> tuple[object, ...] | None:
    """Events and storage root under that gas limit; None when it reverted, which must change nothing."""
    with world.scratch() as scratch:
        before = scratch.storage_root()
        try:
            events = scratch.send(*groups, gas=gas)
        except RevertedError:
            assert scratch.storage_root() == before
            return None
        return (*events, scratch.storage_root())


@pytest.mark.slow
def test_too_little_gas_reverts_and_never_fakes_a_refusal(world: World) -> None:
    groups = [
        world.sign("clerk", world.issue_operation(buyer="newcomer"), world.issue_operation(number=NUMBER + 1)),
        world.sign("intruder", world.issue_operation(number=NUMBER + 2)),
        world.sign("clerk", world.issue_operation(number=NUMBER + 3), key=key_of("intruder")),
        world.sign("officer", world.on_party("officer", Code.SUSPEND, "clerk")),
    ]
    plenty = outcome(world, groups, 200_000_000)
    assert plenty is not None
    intrinsic = 21_000 + sum(16 if byte else 4 for byte in calldata(groups))
    enough = intrinsic
    needed = 2_000_000
    while needed - enough > 1:
        middle = (needed + enough) // 2
        if outcome(world, groups, middle) is None:
            enough = middle
        else:
            needed = middle
    assert outcome(world, groups, needed) == plenty
    steps = range(intrinsic, needed, max(1, (needed - intrinsic) // 60))
    # every limit of the last 100, and those around ecrecover's 3,000 in the last group
    for gas in [*steps, *range(needed - 100, needed), *range(needed - 60_000, needed, 997)]:
        assert outcome(world, groups, gas) in (None, plenty), gas


def test_the_events_of_a_receipt_are_the_contracts_own(world: World) -> None:
    world.do("clerk", world.issue_operation())
    assert {log["address"] for log in world.receipt["logs"]} == {checksum(world.address)}
    assert [decode_event(log).name for log in world.receipt["logs"]] == ["Recorded"]
