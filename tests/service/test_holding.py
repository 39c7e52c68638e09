"""Handing on and booking through the service."""

from __future__ import annotations

import pytest

from ledger.service import InvalidRequest, NotFound
from tests.service.conftest import Cast
from tests.service.world import World, must, refused


def test_a_holder_hands_an_invoice_on(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller)
    must(world.ledger.transfer(cast.seller, number, cast.claimant.party, idempotency_key=world.key()))
    assert world.ledger.invoice(cast.claimant, number).holder == cast.claimant.party


def test_who_does_not_hold_cannot_hand_on(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    refused(world.ledger.transfer(cast.seller, number, cast.employer.party, idempotency_key=world.key()), "not_holder")


def test_a_claimed_invoice_cannot_be_handed_on(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    written = refused(
        world.ledger.transfer(cast.claimant, number, cast.cashier.party, idempotency_key=world.key()), "locked"
    )
    assert written.refusal is not None
    assert written.refusal.hold is not None
    assert written.refusal.hold.claim_id == claim_id
    must(world.ledger.withdraw_claim(cast.claimant, claim_id, idempotency_key=world.key()))
    must(world.ledger.transfer(cast.claimant, number, cast.cashier.party, idempotency_key=world.key()))


@pytest.mark.parametrize("to", [0, -1, 999_999, 2**32, 2**80])
def test_handing_on_to_nobody_is_refused_before_anything_is_signed(world: World, cast: Cast, to: int) -> None:
    number = world.issued(cast.seller)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.transfer(cast.seller, number, to, idempotency_key=world.key())
    assert caught.value.problems[0].path == "to"


@pytest.mark.parametrize("number", ["", "12", "x" * 20, "０" * 20])
def test_a_text_that_is_no_number_names_no_invoice(world: World, cast: Cast, number: str) -> None:
    with pytest.raises(NotFound):
        world.ledger.transfer(cast.seller, number, cast.claimant.party, idempotency_key=world.key())
    with pytest.raises(NotFound):
        world.ledger.book(cast.seller, number, deductible=True, idempotency_key=world.key())


def test_a_number_that_was_never_issued_is_refused_by_the_contract(world: World, cast: Cast) -> None:
    never = "99999999999999999999"
    answer = world.ledger.transfer(cast.seller, never, cast.claimant.party, idempotency_key=world.key())
    refused(answer, "not_holder")  # as for one of others; the officer is told what the contract said
    seen = world.ledger.operation(world.officer, answer.digest).refusal
    assert seen is not None
    assert seen.reason == "unknown_invoice"


@pytest.mark.parametrize("subject", [0, -1, 2**32, 2**80])
def test_a_subject_outside_its_range_is_a_request_to_correct(world: World, cast: Cast, subject: int) -> None:
    number = world.issued(cast.seller)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.book(cast.cashier, number, deductible=True, subject=subject, idempotency_key=world.key())
    assert caught.value.problems[0].path == "subject"
    with pytest.raises(InvalidRequest):
        world.ledger.issue(cast.seller, world.draft(), subject=subject, idempotency_key=world.key())


@pytest.mark.parametrize(("deductible", "entry"), [(True, "deductible"), (False, "not_deductible")])
def test_finance_of_the_holder_books(world: World, cast: Cast, *, deductible: bool, entry: str) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    must(world.ledger.book(cast.cashier, number, deductible=deductible, idempotency_key=world.key()))
    assert world.ledger.invoice(cast.employer, number).entry == entry


def test_an_invoice_is_booked_once(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    must(world.ledger.book(cast.cashier, number, deductible=True, idempotency_key=world.key()))
    refused(world.ledger.book(cast.cashier, number, deductible=True, idempotency_key=world.key()), "already_so")


def test_a_booking_is_withdrawn_and_history_keeps_both(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    must(world.ledger.book(cast.cashier, number, deductible=True, idempotency_key=world.key()))
    must(world.ledger.withdraw_booking(cast.cashier, number, reason="科目有误", idempotency_key=world.key()))
    assert world.ledger.invoice(cast.employer, number).entry == "withdrawn"
    assert [step.operation for step in world.ledger.history(cast.employer, number)] == [
        "issue",
        "book",
        "withdraw_booking",
    ]


def test_what_is_not_booked_has_no_booking_to_withdraw(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    refused(world.ledger.withdraw_booking(cast.cashier, number, reason="", idempotency_key=world.key()), "not_booked")


def test_an_employee_with_a_claim_grant_does_not_book(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    refused(world.ledger.book(cast.claimant, number, deductible=True, idempotency_key=world.key()), "not_permitted")


def test_a_seller_does_not_book_its_own_invoice(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller)
    refused(world.ledger.book(cast.seller, number, deductible=True, idempotency_key=world.key()), "own_invoice")


@pytest.mark.parametrize("reason", ["x" * 201, "a\x00b", "tab\tbed"])
def test_a_reason_has_a_limit_and_no_control_characters(world: World, cast: Cast, reason: str) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.withdraw_booking(cast.cashier, number, reason=reason, idempotency_key=world.key())
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("reason", "text_range")
