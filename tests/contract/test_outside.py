"""Invoices of others: registered and locked in one, displaced by stronger proof alone, never paid out twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.world import DAY_S, GROSS, MONTH, OUTSIDE, World
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    LOCK_LIFETIME_S,
    NUMBER_SPACE_FIRST,
    NUMBER_SPACE_LAST,
    Claim,
    ClaimWord,
    Colour,
    ExceptionKind,
    Kind,
    StateWord,
    Table,
)

SIGNED, ORIGINAL, QR, TYPED = 1, 2, 3, 4


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    assert world.refusal(actor, operation) == (reason, operation.number)


def act(world: World, code: Code, subject: str = "employee", **fields: Any) -> Operation:
    return world.operation(code, subject, OUTSIDE, **fields)


def elsewhere(world: World, **fields: Any) -> Operation:
    return world.register_operation("other employer", "other employer", **({"claim_id": 2} | fields))


@pytest.mark.parametrize(
    ("actor", "subject"), [("employee", "employee"), ("cashier", "employer"), ("employer", "employer")]
)
def test_claimant_and_finance_register_and_lock_in_one(world: World, actor: str, subject: str) -> None:
    now = world.now
    operation = world.register_operation(subject, buyer="employer", special=1, strength=SIGNED, claim_id=2**128 - 1)
    (event,) = world.do(actor, operation)
    employer = world.ids["employer"]
    assert world.state(OUTSIDE) == StateWord(
        colour=Colour.NORMAL, claim=Claim.LOCKED, kind=Kind.SPECIAL, strength=SIGNED, buyer=employer,
        holder=world.ids[subject], gross=GROSS, month=MONTH, version=1,
    )  # fmt: skip
    assert world.claim(OUTSIDE) == ClaimWord(world.ids[actor], employer, now, 2**128 - 1)
    assert event.words[1:] == (world.state(OUTSIDE).pack(), world.word(Table.HEAD, OUTSIDE))


def test_without_a_title_the_buyer_is_nobody(world: World) -> None:
    world.do("employee", world.register_operation(strength=TYPED))
    assert (world.state(OUTSIDE).buyer, world.state(OUTSIDE).kind) == (0, Kind.ORDINARY)


@pytest.mark.parametrize(
    ("actor", "subject"),
    [("clerk", "clerk"), ("employee", "employer"), ("cashier", "employee"), ("other employer", "other employer"),
     ("officer", "officer"), ("employee", "other employer")],
)  # fmt: skip
def test_nobody_else_registers(world: World, actor: str, subject: str) -> None:
    refused(world, actor, world.register_operation(subject), Reason.NOT_PERMITTED)


def test_a_registration_takes_the_claim_grant_for_oneself(world: World) -> None:
    world.grant("employer", "intruder", 2)
    refused(world, "intruder", world.register_operation("intruder"), Reason.NOT_PERMITTED)
    world.do("intruder", world.register_operation("employer"))


BAD: dict[str, tuple[dict[str, Any], Reason]] = {
    "no number": ({"number": 0}, Reason.BAD_TERMS),
    "21 digits": ({"number": NUMBER_SPACE_LAST + 1}, Reason.BAD_TERMS),
    "first of the ledger": ({"number": NUMBER_SPACE_FIRST}, Reason.OF_LEDGER),
    "last of the ledger": ({"number": NUMBER_SPACE_LAST}, Reason.OF_LEDGER),
    "no claim id": ({"claim_id": 0}, Reason.BAD_TERMS),
    "no gross": ({"gross": 0, "tax": 0}, Reason.BAD_TERMS),
    "tax of the whole": ({"gross": 10, "tax": 10}, Reason.BAD_TERMS),
    "225 bits": ({"claim_id": 1 << 128}, Reason.BAD_TERMS),
    "no proof": ({"strength": 0}, Reason.BAD_TERMS),
    "fifth strength": ({"strength": 5}, Reason.BAD_TERMS),
    "a red": ({"special": 2}, Reason.BAD_TERMS),
    "more options": ({"special": 1 << 16}, Reason.BAD_TERMS),
    "a person": ({"employer": "clerk"}, Reason.UNKNOWN_PARTY),
    "another's title": ({"buyer": "other employer"}, Reason.WRONG_BUYER),
    "a stranger's title": ({"buyer": "nobody known"}, Reason.WRONG_BUYER),
    "version": ({"version": 1}, Reason.STALE_VERSION),
    "reserved bits": ({"reserved": 1}, Reason.UNKNOWN_OPERATION),
}


@pytest.mark.parametrize(("fields", "reason"), BAD.values(), ids=BAD)
def test_registrations_out_of_range_are_refused(world: World, fields: dict[str, Any], reason: Reason) -> None:
    refused(world, "employee", world.register_operation(**fields), reason)


@pytest.mark.parametrize("number", [1, NUMBER_SPACE_FIRST - 1])
def test_numbers_below_the_ledgers_are_registered(world: World, number: int) -> None:
    world.do("employee", world.register_operation(number=number))


@pytest.mark.parametrize(("held", "new"), [(QR, QR), (QR, TYPED), (SIGNED, SIGNED), (ORIGINAL, QR)])
def test_a_lock_stands_against_no_stronger_proof(world: World, held: int, new: int) -> None:
    world.do("employee", world.register_operation(strength=held))
    refused(world, "other employer", elsewhere(world, strength=new), Reason.LOCKED)


@pytest.mark.parametrize(("held", "new"), [(TYPED, QR), (TYPED, SIGNED), (ORIGINAL, SIGNED)])
def test_stronger_proof_displaces_a_lock_and_its_company_is_told(world: World, held: int, new: int) -> None:
    world.do("employee", world.register_operation(strength=held, buyer="employer"))
    refused(world, "other employer", elsewhere(world, strength=new, version=0), Reason.STALE_VERSION)
    raised, recorded = world.do("other employer", elsewhere(world, strength=new, gross=5, tax=1, month=MONTH - 1))
    other = world.ids["other employer"]
    assert (raised.name, raised.topics) == ("ExceptionRaised", (OUTSIDE, world.ids["employer"]))
    assert raised.words == (ExceptionKind.CLAIM_DISPLACED, recorded.topics[1])
    assert world.state(OUTSIDE) == StateWord(
        colour=1, claim=Claim.LOCKED, strength=new, holder=other, gross=5, month=MONTH - 1, version=2
    )
    assert (world.claim(OUTSIDE).claimant, world.claim(OUTSIDE).employer, world.claim(OUTSIDE).claim_id) == (
        other, other, 2,
    )  # fmt: skip
    refused(world, "cashier", act(world, Code.SETTLE, "employer", terms=1), Reason.NOT_LOCKED)


def test_one_claimant_shows_stronger_proof_without_an_exception(world: World) -> None:
    world.do("employee", world.register_operation(strength=TYPED))
    (event,) = world.do("employee", world.register_operation(strength=QR))
    assert event.name == "Recorded"
    assert world.state(OUTSIDE).strength == QR


def test_another_claimant_of_the_same_employer_displaces(world: World) -> None:
    world.do("employee", world.register_operation(strength=TYPED))
    raised, _ = world.do("cashier", world.register_operation("cashier", strength=QR))
    assert raised.topics[1] == world.ids["employer"]


def test_one_claimant_at_another_employer_displaces(world: World) -> None:
    world.do("employee", world.register_operation(strength=TYPED))
    raised, _ = world.do("employee", world.register_operation(employer="other employer", strength=QR))
    assert raised.topics[1] == world.ids["employer"]


@pytest.mark.parametrize("late", [0, 1])
def test_what_nobody_claims_any_more_is_registered_anew(world: World, late: int) -> None:
    world.do("employee", world.register_operation(strength=SIGNED))
    operation = elsewhere(world, strength=TYPED)
    world.travel(world.claim(OUTSIDE).time + LOCK_LIFETIME_S - 1 + late)
    if not late:
        refused(world, "other employer", operation, Reason.LOCKED)
        return
    (event,) = world.do("other employer", elsewhere(world, strength=TYPED))
    assert event.name == "Recorded"


def test_an_unlocked_one_is_claimed_again_or_registered_anew(world: World) -> None:
    world.do("employee", world.register_operation(strength=SIGNED))
    world.do("employee", act(world, Code.UNLOCK, terms=1))
    world.do("employee", act(world, Code.LOCK, party=world.ids["employer"], terms=7))
    world.do("employee", act(world, Code.UNLOCK, terms=7))
    (event,) = world.do("other employer", elsewhere(world, strength=TYPED))
    assert event.name == "Recorded"
    assert world.state(OUTSIDE).version == 5


def settled(world: World, strength: int) -> None:
    world.do("employee", world.register_operation(strength=strength))
    world.do("cashier", act(world, Code.SETTLE, "employer", terms=1))


def test_a_settled_one_is_disputed_by_stronger_proof_alone(world: World) -> None:
    settled(world, QR)
    refused(world, "other employer", elsewhere(world, strength=QR), Reason.SETTLED)
    before, claim = world.state(OUTSIDE), world.claim(OUTSIDE)
    raised, _ = world.do("other employer", elsewhere(world, strength=ORIGINAL))
    assert raised.topics == (OUTSIDE, world.ids["employer"])
    assert raised.words[0] == ExceptionKind.SETTLEMENT_DISPUTED
    assert (world.state(OUTSIDE), world.claim(OUTSIDE)) == (replace(before, version=3), claim)


def test_what_is_settled_and_booked_is_told_as_settled(world: World) -> None:
    settled(world, QR)
    world.do("cashier", act(world, Code.BOOK, "employer", option=2))
    refused(world, "other employer", elsewhere(world, strength=QR), Reason.SETTLED)


@pytest.mark.parametrize("locked", [True, False])
def test_a_booked_one_is_disputed_by_stronger_proof_alone(world: World, locked: bool) -> None:
    world.do("cashier", world.register_operation("employer", strength=QR))
    if not locked:
        world.do("cashier", act(world, Code.UNLOCK, "employer", terms=1))
    world.do("cashier", act(world, Code.BOOK, "employer", option=2))
    refused(world, "other employer", elsewhere(world, strength=TYPED), Reason.ALREADY_SO)
    before = world.state(OUTSIDE)
    raised, _ = world.do("other employer", elsewhere(world, strength=SIGNED))
    assert (raised.topics[1], raised.words[0]) == (world.ids["employer"], ExceptionKind.SETTLEMENT_DISPUTED)
    assert world.state(OUTSIDE) == replace(before, version=before.version + 1)


def test_a_flagged_one_is_neither_registered_anew_nor_disputed(world: World) -> None:
    world.do("employee", world.register_operation(strength=QR))
    world.do("officer", act(world, Code.SET_RISK_FLAG, "officer"))
    refused(world, "other employer", elsewhere(world, strength=SIGNED), Reason.FLAGGED)
    refused(world, "other employer", elsewhere(world, strength=TYPED), Reason.LOCKED)
    world.do("officer", act(world, Code.CLEAR_RISK_FLAG, "officer"))
    world.do("other employer", elsewhere(world, strength=SIGNED))


def test_it_is_settled_by_finance_that_did_not_claim_it(world: World) -> None:
    world.do("cashier", world.register_operation("employer"))
    refused(world, "cashier", act(world, Code.SETTLE, "employer", terms=1), Reason.OWN_CLAIM)
    world.grant("employer", "clerk", 2)
    world.do("clerk", act(world, Code.SETTLE, "employer", terms=1))
    assert world.state(OUTSIDE).claim == Claim.SETTLED


def test_one_group_registers_many(world: World) -> None:
    many = [world.register_operation("employer", number=OUTSIDE + index, claim_id=9) for index in range(5)]
    world.do("cashier", *many)
    world.travel(world.now + DAY_S)
    refused(world, "cashier", replace(many[0], version=1), Reason.LOCKED)
    assert world.state(OUTSIDE + 4).claim == Claim.LOCKED
