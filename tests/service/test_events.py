"""The feed of events through the service: who is told what, in which order, and that nothing is missed."""

from __future__ import annotations

import pytest

from ledger.service import Caller, InvalidRequest
from ledger.service.event_views import EventView
from tests.service.conftest import Cast
from tests.service.world import World, must, refused


def told(world: World, caller: Caller, after: str, **wanted: str) -> list[EventView]:
    """Everything after a cursor, page by page, that has the wanted values."""
    found: list[EventView] = []
    while True:
        page = world.ledger.events.page(world.again(caller), after=after, limit=3)
        found.extend(page.items)
        after = page.next_cursor
        if not page.more:
            return [one for one in found if all(getattr(one, name) == value for name, value in wanted.items())]


def now(world: World) -> str:
    """A cursor after everything so far."""
    after = "0"
    while True:
        page = world.ledger.events.page(world.officer, after=after, limit=50)
        after = page.next_cursor
        if not page.more:
            return after


def test_each_party_is_told_what_it_takes_part_in_and_no_one_else(world: World, cast: Cast) -> None:
    start = now(world)
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK", idempotency_key=world.key()))
    for caller in (cast.seller, cast.claimant, world.officer):
        assert [one.operation for one in told(world, caller, start, number=number)] == ["issue", "lock", "settle"]
    assert [one.operation for one in told(world, cast.employer, start, number=number)] == ["lock", "settle"]
    assert told(world, cast.stranger, start, number=number) == []
    lock = told(world, cast.employer, start, number=number)[0]
    assert "employer" in lock.roles
    assert (lock.text_zh, lock.claim_id) == ("报销锁定", claim_id)
    assert lock.state is not None
    assert (lock.state.claim_state, lock.state.gross_fen) == ("locked", 10_600)
    assert told(world, cast.seller, start, number=number)[1].claim_id is None  # which claim is not the seller's to know


def test_a_reader_who_goes_on_from_his_cursor_misses_nothing_and_reads_nothing_twice(world: World, cast: Cast) -> None:
    start = now(world)
    numbers = [world.issued(cast.seller) for _ in range(7)]
    read: list[str] = []
    after = start
    while True:
        page = world.ledger.events.page(cast.seller, after=after, limit=2)
        read.extend(one.number or "" for one in page.items)
        if not page.items:
            assert page.next_cursor == after
            break
        after = page.items[-1].cursor
        assert page.next_cursor == after
    assert [one for one in read if one in numbers] == numbers


def test_a_refusal_is_told_to_who_tried_and_not_to_the_holder(world: World, cast: Cast) -> None:
    start = now(world)
    number = world.issued(cast.seller, cast.claimant)
    refused(world.ledger.transfer(cast.cashier, number, cast.clerk.party, idempotency_key=world.key()), "not_holder")
    (attempt,) = told(world, cast.cashier, start, number=number, outcome="refused")
    assert attempt.refusal is not None
    assert (attempt.refusal.reason, attempt.state) == ("not_holder", None)
    assert told(world, cast.claimant, start, number=number, outcome="refused") == []


def test_a_refusal_never_tells_a_foreign_invoice_from_one_that_was_never_issued(world: World, cast: Cast) -> None:
    start = now(world)
    foreign, unknown = world.issued(cast.seller, cast.claimant), "94403269900000000077"
    for number in (foreign, unknown):
        world.ledger.transfer(cast.stranger, number, cast.clerk.party, idempotency_key=world.key())
    attempts = [one.refusal for one in told(world, cast.stranger, start, outcome="refused")]
    assert len(attempts) == 2
    assert {one.reason for one in attempts if one} == {"not_holder"}


def test_holders_are_told_of_a_risk_flag(world: World, cast: Cast) -> None:
    start = now(world)
    number = world.issued(cast.seller, cast.claimant)
    must(world.flagged(number, reason="x"))
    (flag,) = told(world, cast.claimant, start, number=number, operation="set_risk_flag")
    assert flag.state is not None
    assert flag.state.risk
    assert "holder" in flag.roles


def test_a_former_holder_is_told_that_it_went_and_not_where_it_stands(world: World, cast: Cast) -> None:
    start = now(world)
    holder, next_holder = world.person("前持有人"), world.person("后持有人")
    number = world.issued(cast.seller, holder)
    must(world.ledger.transfer(holder, number, next_holder.party, idempotency_key=world.key()))
    must(world.ledger.transfer(next_holder, number, cast.clerk.party, idempotency_key=world.key()))
    assert [one.operation for one in told(world, holder, start, number=number)] == ["issue", "transfer"]
    gone = told(world, next_holder, start, number=number)
    assert [one.operation for one in gone] == ["transfer", "transfer"]


def test_an_exception_is_told_to_the_company_concerned_only(world: World, cast: Cast) -> None:
    start = now(world)
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK", idempotency_key=world.key()))
    must(world.flagged(number, reason="x"))
    for caller in (cast.employer, world.officer):
        (flag,) = told(world, caller, start, number=number, operation="set_risk_flag")
        assert flag.exception_kinds == ("flagged_after_use",)
        assert "异常" in flag.exception_text_zh
    (seen,) = told(world, cast.seller, start, number=number, operation="set_risk_flag")
    assert (seen.exception_kinds, seen.exception_text) == ((), "")


@pytest.mark.parametrize("after", ["", "xyz", "-1", "f" * 16, "1 "])
def test_a_cursor_no_event_gave_is_refused(world: World, cast: Cast, after: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.events.page(cast.seller, after=after)
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("after", "cursor_form")
