"""Slips: opened by either side, answered by the other, for 72 hours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.reddening import CONFIRM, PART, REFUSE, VOID, WITHDRAW, answer, lock, refused
from tests.contract.world import DAY_S, GROSS, World
from verifier.operations import Code, Reason
from verifier.words import (
    SLIP_LIFETIME_S,
    PartyKind,
    SlipState,
)

# -- slips --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("actor", "subject", "state"), [("clerk", "seller", 2), ("cashier", "employer", 3)])
def test_each_side_opens_a_slip(named: World, actor: str, subject: str, state: int) -> None:
    before = named.state()
    (event,) = named.do(actor, named.slip_operation(subject, **PART, reason=3))
    slip = named.slip()
    assert (slip.state, slip.reason, slip.gross, slip.tax) == (state, 3, 1_130, 130)
    assert (slip.opener, slip.other) == (named.ids[subject], named.ids["employer"])
    assert named.state() == replace(before, version=2)
    assert event.words[1] == named.state().pack()


def test_a_slip_remembers_when_it_was_opened(named: World) -> None:
    now = named.now
    named.do("clerk", named.slip_operation())
    assert named.slip().time == now


@pytest.mark.parametrize(
    ("actor", "subject"),
    [("intruder", "seller"), ("employee", "employer"), ("cashier", "seller"), ("clerk", "employer"),
     ("other employer", "other employer"), ("officer", "officer")],
)  # fmt: skip
def test_nobody_else_opens_a_slip(named: World, actor: str, subject: str) -> None:
    refused(named, actor, named.slip_operation(subject), Reason.NOT_PERMITTED)


BAD_SLIPS: dict[str, tuple[dict[str, Any], Reason]] = {
    "no gross": ({"gross": 0, "tax": 0}, Reason.BAD_TERMS),
    "tax of the whole": ({"gross": 100, "tax": 100}, Reason.BAD_TERMS),
    "no reason": ({"reason": 0}, Reason.BAD_TERMS),
    "fifth reason": ({"reason": 5}, Reason.BAD_TERMS),
    "a part in error": ({**PART, "reason": 1}, Reason.BAD_TERMS),
    "97 bits": ({"terms": GROSS | 1_300 << 48 | 1 << 96}, Reason.BAD_TERMS),
    "a fen too much": ({"gross": GROSS + 1}, Reason.EXCEEDS),
    "a fen of tax too much": ({"tax": 1_301}, Reason.EXCEEDS),
    "old": ({"version": 0}, Reason.STALE_VERSION),
}


@pytest.mark.parametrize(("fields", "reason"), BAD_SLIPS.values(), ids=BAD_SLIPS)
def test_slips_out_of_range_are_not_opened(named: World, fields: dict[str, Any], reason: Reason) -> None:
    refused(named, "clerk", named.slip_operation(**fields), reason)


@pytest.mark.parametrize("reason", [1, 2, 3, 4])
def test_each_reason_opens_a_slip_of_the_whole(named: World, reason: int) -> None:
    named.do("clerk", named.slip_operation(reason=reason))


def test_the_tax_of_an_ordinary_invoice_is_not_compared(world: World) -> None:
    world.do("clerk", world.issue_operation())
    world.do("clerk", world.slip_operation(tax=1_301))


def test_one_slip_at_a_time(named: World) -> None:
    named.do("clerk", named.slip_operation())
    refused(named, "cashier", named.slip_operation("employer"), Reason.SLIP_OPEN)
    named.do("cashier", answer(named, CONFIRM))
    refused(named, "clerk", named.slip_operation(), Reason.SLIP_OPEN)
    named.do("clerk", answer(named, WITHDRAW, "seller"))
    named.do("cashier", named.slip_operation("employer"))


@pytest.mark.parametrize(
    ("opener", "side", "code", "state"),
    [
        ("clerk", "cashier", CONFIRM, SlipState.CONFIRMED),
        ("cashier", "clerk", CONFIRM, SlipState.CONFIRMED),
        ("clerk", "cashier", REFUSE, SlipState.REFUSED_BY_BUYER),
        ("cashier", "clerk", REFUSE, SlipState.REFUSED_BY_SELLER),
        ("clerk", "clerk", WITHDRAW, SlipState.WITHDRAWN),
        ("cashier", "cashier", WITHDRAW, SlipState.WITHDRAWN),
    ],
)
def test_the_other_side_answers_and_the_opener_withdraws(
    named: World, opener: str, side: str, code: Code, state: SlipState
) -> None:
    subjects = {"clerk": "seller", "cashier": "employer"}
    named.do(opener, named.slip_operation(subjects[opener]))
    before = named.slip()
    wrong = ({"clerk", "cashier"} - {side}).pop()
    refused(named, wrong, answer(named, code, subjects[wrong]), Reason.NOT_PERMITTED)
    refused(named, "employee", answer(named, code, subjects[side]), Reason.NOT_PERMITTED)
    refused(named, side, answer(named, code, subjects[side], version=7), Reason.STALE_VERSION)
    named.do(side, answer(named, code, subjects[side]))
    assert named.slip() == replace(before, state=state)
    if code != CONFIRM:
        for again in (CONFIRM, REFUSE, WITHDRAW):
            refused(named, side, answer(named, again, subjects[side]), Reason.NO_SLIP)
        refused(named, "officer", answer(named, VOID, "officer"), Reason.NO_SLIP)


@pytest.mark.parametrize("opener", ["clerk", "cashier"])
def test_a_confirmed_slip_is_withdrawn_by_its_opener_alone(named: World, opener: str) -> None:
    subjects = {"clerk": "seller", "cashier": "employer"}
    other = ({"clerk", "cashier"} - {opener}).pop()
    named.do(opener, named.slip_operation(subjects[opener]))
    named.do(other, answer(named, CONFIRM, subjects[other]))
    named.travel(named.now + 30 * DAY_S)
    for code in (CONFIRM, REFUSE):
        refused(named, other, answer(named, code, subjects[other]), Reason.NO_SLIP)
    refused(named, other, answer(named, WITHDRAW, subjects[other]), Reason.NOT_PERMITTED)
    named.do(opener, answer(named, WITHDRAW, subjects[opener]))
    assert named.slip().state == SlipState.WITHDRAWN_AFTER_CONFIRMATION


@pytest.mark.parametrize("by_seller", [True, False])
@pytest.mark.parametrize(("late", "code"), [(late, code) for late in (0, 1) for code in (CONFIRM, REFUSE, WITHDRAW)])
def test_a_slip_waits_72_hours(named: World, late: int, code: Code, by_seller: bool) -> None:
    opener, other = ("clerk", "seller"), ("cashier", "employer")
    if not by_seller:
        opener, other = other, opener
    actor, subject = opener if code == WITHDRAW else other
    named.do(opener[0], named.slip_operation(opener[1]))
    opened = named.slip().state
    operation = answer(named, code, subject)
    named.travel(named.slip().time + SLIP_LIFETIME_S - 1 + late)
    if not late:
        named.do(actor, operation)
        return
    refused(named, actor, operation, Reason.SLIP_LAPSED)
    refused(named, "officer", answer(named, VOID, "officer"), Reason.NO_SLIP)
    assert named.slip().state == opened
    named.do(other[0], named.slip_operation(other[1]))
    assert named.slip().state != opened


def test_what_has_no_slip_is_not_answered(named: World) -> None:
    for code in (CONFIRM, REFUSE, WITHDRAW):
        refused(named, "cashier", answer(named, code), Reason.NO_SLIP)
    refused(named, "officer", answer(named, VOID, "officer"), Reason.NO_SLIP)


@pytest.mark.parametrize("by", ["officer", "authority"])
@pytest.mark.parametrize("confirmed", [False, True])
def test_officers_void_a_slip_that_stands(named: World, by: str, confirmed: bool) -> None:
    named.do("clerk", named.slip_operation())
    if confirmed:
        named.do("cashier", answer(named, CONFIRM))
    for actor, subject in (("clerk", "clerk"), ("calendar", "calendar"), ("officer", "authority")):
        refused(named, actor, answer(named, VOID, subject), Reason.NOT_PERMITTED)
    named.do(by, answer(named, VOID, by))
    assert named.slip().state == SlipState.VOID
    refused(named, by, answer(named, VOID, by), Reason.NO_SLIP)


# -- who is the other side ----------------------------------------------------------------------


def test_without_another_side_the_seller_opens_no_slip(free: World) -> None:
    refused(free, "clerk", free.slip_operation(), Reason.UNKNOWN_PARTY)


def test_the_employer_of_a_lock_is_the_other_side_while_it_stands(free: World) -> None:
    lock(free)
    free.do("clerk", free.slip_operation())
    assert free.slip().other == free.ids["employer"]
    free.do("employee", free.operation(Code.UNLOCK, "employee", terms=5))
    refused(free, "cashier", answer(free, CONFIRM), Reason.NOT_PERMITTED)
    lock(free, 6)
    free.do("cashier", answer(free, CONFIRM))


def test_refusing_needs_no_standing_lock(free: World) -> None:
    lock(free)
    free.do("clerk", free.slip_operation())
    free.do("employee", free.operation(Code.UNLOCK, "employee", terms=5))
    free.do("cashier", answer(free, REFUSE))


def test_the_seller_confirms_for_the_employer_only_while_it_claims(free: World) -> None:
    lock(free)
    free.do("cashier", free.slip_operation("employer"))
    free.do("employee", free.operation(Code.UNLOCK, "employee", terms=5))
    refused(free, "clerk", answer(free, CONFIRM, "seller"), Reason.NOT_PERMITTED)


def test_the_employer_of_a_settlement_is_the_other_side(free: World) -> None:
    lock(free)
    free.do("cashier", free.operation(Code.SETTLE, "employer", terms=5))
    free.do("cashier", free.slip_operation("employer"))


def test_the_holder_that_booked_is_the_other_side(free: World) -> None:
    free.do("employee", free.operation(Code.TRANSFER, "employee", party=free.ids["employer"]))
    refused(free, "cashier", free.slip_operation("employer"), Reason.NOT_PERMITTED)
    free.do("cashier", free.operation(Code.BOOK, "employer", option=1))
    free.do("cashier", free.slip_operation("employer"))


def test_a_buyer_is_the_other_side_once_it_is_enrolled(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer="newcomer", mode=0))
    refused(world, "clerk", world.slip_operation(), Reason.UNKNOWN_PARTY)
    world.enrol("newcomer", PartyKind.ENTERPRISE, version=0)
    world.do("clerk", world.slip_operation())
    world.do("newcomer", answer(world, CONFIRM, "newcomer"))


def test_a_seller_that_is_its_own_buyer_agrees_to_nothing_alone(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer="seller", mode=0))
    refused(world, "clerk", world.slip_operation(), Reason.UNKNOWN_PARTY)
