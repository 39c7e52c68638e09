"""Red letters: agreed by the side that used the invoice, taken off its blue, never more than is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.reddening import CONFIRM, PART, WITHDRAW, agree, answer, lock, refused
from tests.contract.world import DAY_S, GROSS, MONTH, NUMBER, OUTSIDE, QUOTA, RED, World
from verifier.operations import Code, Reason
from verifier.words import (
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
