"""Slips and red letters: agreed by the side that used the invoice, taken off its blue, never more than is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.world import DAY_S, GROSS, MONTH, NUMBER, OUTSIDE, QUOTA, RED, World
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    SLIP_LIFETIME_S,
    Claim,
    Colour,
    ExceptionKind,
    Kind,
    PartyKind,
    SlipState,
    StateWord,
    Table,
    TotalsWord,
    Use,
)

OPEN, CONFIRM, REFUSE, WITHDRAW, VOID = (
    Code.OPEN_SLIP, Code.CONFIRM_SLIP, Code.REFUSE_SLIP, Code.WITHDRAW_SLIP, Code.VOID_SLIP,
)  # fmt: skip
PART: dict[str, Any] = {"gross": 1_130, "tax": 130}


@pytest.fixture
def named(world: World) -> World:
    """A special invoice of the seller for the employer, its enrolled buyer and first holder."""
    world.do("clerk", world.issue_operation(special=1))
    return world


@pytest.fixture
def free(world: World) -> World:
    """An ordinary invoice for nobody in particular, held by the employee."""
    world.do("clerk", world.issue_operation(buyer=None, first_holder="employee"))
    return world


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    assert world.refusal(actor, operation) == (reason, operation.number)


def answer(world: World, code: Code, subject: str = "employer", **fields: Any) -> Operation:
    return world.operation(code, subject, **fields)


def lock(world: World, terms: int = 5) -> None:
    world.do("employee", world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=terms))


def agree(world: World, **fields: Any) -> None:
    world.do("clerk", world.slip_operation(**fields))
    world.do("cashier", answer(world, CONFIRM))


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


@pytest.mark.parametrize(("late", "code"), [(late, code) for late in (0, 1) for code in (CONFIRM, REFUSE, WITHDRAW)])
def test_a_slip_waits_72_hours(named: World, late: int, code: Code) -> None:
    actor, subject = ("clerk", "seller") if code == WITHDRAW else ("cashier", "employer")
    named.do("clerk", named.slip_operation())
    operation = answer(named, code, subject)
    named.travel(named.slip().time + SLIP_LIFETIME_S - 1 + late)
    if not late:
        named.do(actor, operation)
        return
    refused(named, actor, operation, Reason.SLIP_LAPSED)
    refused(named, "officer", answer(named, VOID, "officer"), Reason.NO_SLIP)
    assert named.slip().state == SlipState.SELLER_OPENED
    named.do("cashier", named.slip_operation("employer"))
    assert named.slip().state == SlipState.BUYER_OPENED


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


# -- reds ---------------------------------------------------------------------------------------


def test_a_red_is_an_invoice_of_its_own_and_changes_its_blue(free: World) -> None:
    before, totals = free.state(), free.totals("seller")
    red, blue = free.do("clerk", free.red_operation(**PART))
    assert (red.topics[0], blue.topics[0]) == (RED, NUMBER)
    assert red.words[0] == blue.words[0]
    assert (red.words[1], blue.words[1]) == (free.state(RED).pack(), free.state().pack())
    assert (red.words[2], blue.words[2]) == (free.word(Table.HEAD, RED), free.word(Table.HEAD, NUMBER))
    seller = free.ids["seller"]
    assert free.state(RED) == StateWord(
        colour=Colour.NORMAL, kind=Kind.RED, seller=seller, holder=seller, gross=1_130, month=MONTH, version=1
    )
    assert free.state() == replace(before, colour=Colour.PARTLY_RED, credited=1_130, version=2)
    assert free.totals("seller") == replace(
        totals, red_gross=1_130, red_tax=130, quota_used=totals.quota_used - 1_130, count=2
    )


def test_reds_take_off_a_blue_until_nothing_is_left(free: World) -> None:
    free.do("clerk", free.red_operation(**PART))
    refused(free, "clerk", free.red_operation(number=RED + 1, gross=GROSS - 1_129), Reason.EXCEEDS)
    free.do("clerk", free.red_operation(number=RED + 1, gross=GROSS - 1_130))
    assert free.state().colour == Colour.FULLY_RED
    assert free.state().credited == GROSS
    refused(free, "clerk", free.red_operation(number=RED + 2, gross=1, tax=0), Reason.REDDENED)


@pytest.mark.parametrize("reason", [1, 4])
def test_a_whole_red_needs_no_other_fen(free: World, reason: int) -> None:
    free.do("clerk", free.red_operation(reason=reason))
    assert free.state().colour == Colour.FULLY_RED


BAD_REDS: dict[str, tuple[dict[str, Any], Reason]] = {
    "reserved bits": ({"reserved": 1}, Reason.UNKNOWN_OPERATION),
    "another segment": ({"number": NUMBER + 10_000}, Reason.NOT_IN_SEGMENT),
    "a number taken": ({"number": NUMBER}, Reason.NUMBER_TAKEN),
    "a version": ({"version": 1}, Reason.STALE_VERSION),
    "no gross": ({"gross": 0, "tax": 0}, Reason.BAD_TERMS),
    "tax of the whole": ({"gross": 10, "tax": 10}, Reason.BAD_TERMS),
    "no reason": ({"reason": 0}, Reason.BAD_TERMS),
    "fifth reason": ({"reason": 5}, Reason.BAD_TERMS),
    "no such blue": ({"blue": NUMBER + 9}, Reason.UNKNOWN_INVOICE),
    "itself": ({"blue": RED}, Reason.UNKNOWN_INVOICE),
    "too much": ({"gross": GROSS + 1}, Reason.EXCEEDS),
    "a part in error": ({**PART, "reason": 1}, Reason.BAD_TERMS),
    "old blue": ({"blue_version": 0}, Reason.STALE_VERSION),
    "next blue": ({"blue_version": 2}, Reason.STALE_VERSION),
    "month not open": ({"month": MONTH + 1}, Reason.MONTH_NOT_OPEN),
}


@pytest.mark.parametrize(("fields", "reason"), BAD_REDS.values(), ids=BAD_REDS)
def test_reds_out_of_range_are_refused(free: World, fields: dict[str, Any], reason: Reason) -> None:
    refused(free, "clerk", free.red_operation(**fields), reason)


def test_a_red_has_no_more_than_200_bits_of_terms(free: World) -> None:
    operation = free.red_operation()
    refused(free, "clerk", replace(operation, terms=operation.terms | 1 << 200), Reason.BAD_TERMS)


def test_a_red_of_special_tax_takes_no_more_than_is_left(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer=None, mode=0, special=1))
    refused(world, "clerk", world.red_operation(tax=1_301), Reason.EXCEEDS)
    world.do("clerk", world.red_operation(**PART))
    assert world.deduction().tax_left == 1_170
    refused(world, "clerk", world.red_operation(number=RED + 1, gross=5_000, tax=1_171), Reason.EXCEEDS)
    world.do("clerk", world.red_operation(number=RED + 1, gross=5_000, tax=1_170))
    assert world.word(Table.DEDUCTION, NUMBER) == 1 << 255


def test_there_is_no_red_of_a_red_or_of_anothers_invoice(free: World) -> None:
    free.do("clerk", free.red_operation(**PART))
    refused(free, "clerk", free.red_operation(number=RED + 1, blue=RED, gross=1, tax=0), Reason.IS_RED)
    refused(free, "clerk", free.slip_operation(number=RED, gross=1, tax=0), Reason.IS_RED)
    free.enrol("shop", PartyKind.ENTERPRISE, quota=QUOTA)
    free.do("officer", free.allot_operation("shop", NUMBER + 10_000))
    refused(free, "shop", free.red_operation("shop", NUMBER + 10_000, gross=1, tax=0), Reason.NOT_PERMITTED)


def test_there_is_no_red_of_an_outside_invoice(world: World) -> None:
    world.do("employee", world.register_operation())
    refused(world, "clerk", world.red_operation(blue=OUTSIDE), Reason.OUTSIDE)
    refused(world, "cashier", world.slip_operation("employer", OUTSIDE), Reason.OUTSIDE)


@pytest.mark.parametrize("actor", ["cashier", "intruder", "employer"])
def test_only_the_sellers_issuers_issue_reds(free: World, actor: str) -> None:
    refused(free, actor, free.red_operation(), Reason.NOT_PERMITTED)


def test_a_suspended_seller_issues_no_red(free: World) -> None:
    free.do("officer", free.on_party("officer", Code.SUSPEND, "seller"))
    refused(free, "clerk", free.red_operation(), Reason.SUSPENDED)
    free.do("officer", free.on_party("officer", Code.REINSTATE, "seller"))
    free.do("clerk", free.red_operation())


def test_a_red_of_a_filed_month_is_of_a_later_one_and_gives_no_quota_back(free: World) -> None:
    free.do("calendar", free.open_month_operation("calendar", MONTH + 1))
    free.do("seller", free.file_operation("seller"))
    refused(free, "clerk", free.red_operation(), Reason.MONTH_FILED)
    before = free.totals("seller")
    free.do("clerk", free.red_operation(month=MONTH + 1))
    assert free.totals("seller") == before
    assert free.totals("seller", MONTH + 1) == TotalsWord(red_gross=GROSS, red_tax=1_300, count=1)


def test_a_red_stands_alone_in_its_group(free: World) -> None:
    red, transfer = free.red_operation(), free.operation(Code.TRANSFER, "seller", RED + 1, version=1)
    assert free.refusal("clerk", red, transfer) == (Reason.MIXED_GROUP, RED)
    assert free.refusal("clerk", free.issue_operation(number=NUMBER + 1), red) == (Reason.MIXED_GROUP, RED)
    free.do("clerk", red)


def test_quota_given_back_is_used_again_in_its_month(world: World) -> None:
    world.do("clerk", world.issue_operation(gross=QUOTA, buyer=None, mode=0))
    refused(world, "clerk", world.issue_operation(number=NUMBER + 1), Reason.QUOTA_EXCEEDED)
    world.do("clerk", world.red_operation(gross=GROSS))
    world.do("clerk", world.issue_operation(number=NUMBER + 1))
    refused(world, "clerk", world.issue_operation(number=NUMBER + 2, gross=1, tax=0), Reason.QUOTA_EXCEEDED)


def test_sums_of_a_month_do_not_outgrow_their_bits(world: World) -> None:
    most = 2**44 - 1
    world.do("officer", world.on_party("officer", Code.SET_QUOTA, "seller", terms=most))
    world.do("clerk", world.issue_operation(gross=most - 10, tax=0, buyer=None, mode=0))
    world.do("clerk", world.red_operation(gross=most - 10, tax=0))
    refused(world, "clerk", world.issue_operation(number=NUMBER + 1, gross=11, tax=0), Reason.QUOTA_EXCEEDED)
    world.do("clerk", world.issue_operation(number=NUMBER + 1, gross=10, tax=0, mode=0))
    assert world.totals("seller").blue_gross == most


def test_red_gross_of_a_month_does_not_outgrow_its_bits(world: World) -> None:
    most, later = 2**44 - 1, MONTH + 1
    world.do("calendar", world.open_month_operation("calendar", later))
    world.do("officer", world.on_party("officer", Code.SET_QUOTA, "seller", terms=most))
    world.do("clerk", world.issue_operation(gross=most, tax=0, buyer=None, mode=0))
    world.do("clerk", world.issue_operation(number=NUMBER + 1, gross=10, tax=0, buyer=None, mode=0, month=later))
    world.do("clerk", world.red_operation(gross=most - 1, tax=0, month=later))
    second: dict[str, Any] = {"number": RED + 1, "blue": NUMBER + 1, "month": later, "tax": 0}
    refused(world, "clerk", world.red_operation(gross=2, **second), Reason.EXCEEDS)
    world.do("clerk", world.red_operation(gross=1, **second))


# -- reds that need a slip ----------------------------------------------------------------------


def test_a_locked_invoice_is_reddened_as_agreed(free: World) -> None:
    lock(free)
    refused(free, "clerk", free.red_operation(), Reason.SLIP_NEEDED)
    free.do("clerk", free.slip_operation())
    refused(free, "clerk", free.red_operation(), Reason.SLIP_OPEN)
    free.do("cashier", answer(free, CONFIRM))
    others: tuple[dict[str, Any], ...] = ({"gross": GROSS - 1}, {"tax": 1_299}, {"reason": 3})
    for fields in others:
        refused(free, "clerk", free.red_operation(**fields), Reason.SLIP_NEEDED)
    free.do("clerk", free.red_operation())
    assert free.slip().state == SlipState.USED
    assert (free.state().colour, free.state().claim) == (Colour.FULLY_RED, Claim.CANCELLED)
    refused(free, "cashier", free.operation(Code.SETTLE, "employer", terms=5), Reason.REDDENED)
    assert free.word(Table.EXCEPTION, NUMBER) == 0


def test_a_slip_the_employer_opened_waits_for_the_seller_first(free: World) -> None:
    lock(free)
    free.do("cashier", free.slip_operation("employer"))
    refused(free, "clerk", free.red_operation(), Reason.SLIP_OPEN)
    free.do("clerk", answer(free, CONFIRM, "seller"))
    free.do("clerk", free.red_operation())


def test_a_slip_agreed_with_one_employer_is_not_used_against_another(free: World) -> None:
    lock(free)
    agree(free)
    free.do("employee", free.operation(Code.UNLOCK, "employee", terms=5))
    refused(free, "clerk", free.red_operation(), Reason.SLIP_NEEDED)
    free.do("employee", free.operation(Code.LOCK, "employee", party=free.ids["other employer"], terms=6))
    refused(free, "clerk", free.red_operation(), Reason.SLIP_NEEDED)
    free.do("clerk", answer(free, WITHDRAW, "seller"))
    refused(free, "clerk", free.red_operation(), Reason.SLIP_NEEDED)


def test_a_partly_red_claim_is_not_settled_but_claimed_anew(free: World) -> None:
    lock(free)
    agree(free, **PART)
    free.do("clerk", free.red_operation(**PART))
    assert (free.state().claim, free.state().reddened_since) == (Claim.LOCKED, 1)
    refused(free, "cashier", free.operation(Code.SETTLE, "employer", terms=5), Reason.REDDENED)
    free.do("employee", free.operation(Code.UNLOCK, "employee", terms=5))
    assert free.state().reddened_since == 1
    lock(free, 6)
    assert free.state().reddened_since == 0
    free.do("cashier", free.operation(Code.SETTLE, "employer", terms=6))


def test_a_red_of_a_free_invoice_does_not_mark_it(free: World) -> None:
    free.do("clerk", free.red_operation(**PART))
    assert free.state().reddened_since == 0


def test_a_lapsed_lock_needs_no_slip_and_is_cancelled(free: World) -> None:
    lock(free)
    free.do("calendar", free.open_month_operation("calendar", MONTH + 1, closes=free.now + 900 * DAY_S))
    free.travel(free.now + 181 * DAY_S)
    free.do("clerk", free.red_operation(month=MONTH + 1))
    assert free.state().claim == Claim.CANCELLED


def test_after_settlement_the_history_stays_and_the_reimburser_is_told(free: World) -> None:
    lock(free)
    free.do("cashier", free.operation(Code.SETTLE, "employer", terms=5))
    refused(free, "clerk", free.red_operation(), Reason.SLIP_NEEDED)
    agree(free)
    raised, red, blue = free.do("clerk", free.red_operation())
    assert (raised.name, red.name, blue.name) == ("ExceptionRaised", "Recorded", "Recorded")
    assert raised.topics == (NUMBER, free.ids["employer"])
    assert raised.words == (ExceptionKind.REDDENED_AFTER_SETTLEMENT, red.topics[1])
    assert (free.state().colour, free.state().claim) == (Colour.FULLY_RED, Claim.SETTLED)


def test_a_booked_invoice_is_reddened_as_agreed(free: World) -> None:
    free.do("employee", free.operation(Code.TRANSFER, "employee", party=free.ids["employer"]))
    free.do("cashier", free.operation(Code.BOOK, "employer", option=1))
    refused(free, "clerk", free.red_operation(), Reason.SLIP_NEEDED)
    agree(free)
    free.do("clerk", free.red_operation())


def test_a_selected_invoice_is_reddened_as_agreed_and_its_selection_undone(named: World) -> None:
    named.do("cashier", named.select_operation())
    refused(named, "clerk", named.red_operation(), Reason.SLIP_NEEDED)
    agree(named, **PART)
    named.do("clerk", named.red_operation(**PART))
    assert named.state().use == Use.NONE
    assert named.word(Table.DEDUCTION, NUMBER) == 1_170 | 1 << 255
    assert named.word(Table.DEDUCTED, named.ids["employer"] << 12 | MONTH) == 1 << 255


@pytest.mark.parametrize("freeze", ["confirm", "file"])
def test_a_red_of_frozen_deduction_keeps_it_and_tells_the_buyer(named: World, freeze: str) -> None:
    named.do("cashier", named.select_operation())
    if freeze == "confirm":
        named.do("cashier", named.confirm_month_operation("employer"))
    else:
        named.do("cashier", named.file_operation("employer"))
    selected = named.deduction()
    agree(named)
    assert named.state().use == Use.CONFIRMED
    raised, _, _ = named.do("clerk", named.red_operation())
    assert raised.topics == (NUMBER, named.ids["employer"])
    assert raised.words[0] == ExceptionKind.REDDENED_AFTER_DEDUCTION
    assert named.state().use == Use.CONFIRMED
    assert named.deduction() == replace(selected, tax_left=0)


def test_a_free_invoice_with_an_agreed_slip_is_reddened_as_agreed(named: World) -> None:
    agree(named, **PART)
    refused(named, "clerk", named.red_operation(), Reason.SLIP_NEEDED)
    named.do("clerk", named.red_operation(**PART))
    named.do("clerk", named.red_operation(number=RED + 1, gross=GROSS - 1_130, tax=1_170))


def test_a_fully_red_invoice_gets_no_slip(named: World) -> None:
    named.do("clerk", named.red_operation())
    refused(named, "clerk", named.slip_operation(gross=1, tax=0), Reason.REDDENED)


def test_the_seller_alone_corrects_what_was_never_used(world: World) -> None:
    world.do("clerk", world.issue_operation())
    world.do("cashier", world.operation(Code.BOOK, "employer", option=1))
    world.do("cashier", world.operation(Code.WITHDRAW_BOOKING, "employer"))
    world.do("clerk", world.red_operation(reason=1))
