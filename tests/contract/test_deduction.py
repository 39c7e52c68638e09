"""Input tax: selected by the buyer of a special invoice for one open period, frozen by confirming or filing it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.world import DAY_S, MONTH, NUMBER, OUTSIDE, RED, World
from verifier.operations import Code, Operation, Reason
from verifier.words import WRITTEN, DeductedWord, DeductionWord, PartyKind, Table, Use


@pytest.fixture
def special(world: World) -> World:
    world.do("clerk", world.issue_operation(special=1))
    return world


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    assert world.refusal(actor, operation) == (reason, operation.number)


def unselect(world: World, **fields: Any) -> Operation:
    return world.operation(Code.UNSELECT, "employer", **fields)


def open_next(world: World, opens: int | None = None) -> None:
    world.do("calendar", world.open_month_operation("calendar", MONTH + 1, opens=opens, closes=world.now + 99 * DAY_S))


def test_the_tax_of_a_special_invoice_is_there_to_select(world: World) -> None:
    world.do("clerk", world.issue_operation(special=1), world.issue_operation(number=NUMBER + 1))
    assert world.word(Table.DEDUCTION, NUMBER) == DeductionWord(tax_left=1_300).pack()
    assert world.word(Table.DEDUCTION, NUMBER + 1) == 0


@pytest.mark.parametrize(
    ("purpose", "reason", "valid_tax"),
    [(1, 0, 1_300), (1, 0, 1), (1, 0, 0), (3, 0, 1_300), (2, 1, 0), (2, 5, 0)],
)
def test_the_buyers_finance_selects_and_unselects(special: World, purpose: int, reason: int, valid_tax: int) -> None:
    before = special.state()
    special.do("cashier", special.select_operation(purpose=purpose, reason=reason, valid_tax=valid_tax))
    assert special.state() == replace(before, use=Use.SELECTED, version=2)
    assert special.word(Table.DEDUCTION, NUMBER) == DeductionWord(1_300, valid_tax, MONTH, purpose, reason).pack()
    key = special.ids["employer"] << 12 | MONTH
    assert special.word(Table.DEDUCTED, key) == DeductedWord(valid_tax, 1).pack()
    special.do("cashier", unselect(special))
    assert special.state() == replace(before, version=3)
    assert special.word(Table.DEDUCTION, NUMBER) == DeductionWord(tax_left=1_300).pack()
    assert special.word(Table.DEDUCTED, key) == WRITTEN
    special.do("cashier", special.select_operation())


BAD: dict[str, tuple[dict[str, Any], Reason]] = {
    "no purpose": ({"purpose": 0}, Reason.BAD_TERMS),
    "fourth purpose": ({"purpose": 4}, Reason.BAD_TERMS),
    "a reason to deduct": ({"reason": 1}, Reason.BAD_TERMS),
    "no reason not to": ({"purpose": 2, "valid_tax": 0}, Reason.BAD_TERMS),
    "sixth reason": ({"purpose": 2, "reason": 6, "valid_tax": 0}, Reason.BAD_TERMS),
    "tax of what is not deducted": ({"purpose": 2, "reason": 1, "valid_tax": 1}, Reason.BAD_TERMS),
    "nine bits": ({"purpose": 1, "reason": 16}, Reason.BAD_TERMS),
    "nine bits and a reason": ({"purpose": 2, "reason": 17, "valid_tax": 0}, Reason.BAD_TERMS),
    "a fen too much": ({"valid_tax": 1_301}, Reason.EXCEEDS),
    "beyond 48 bits": ({"valid_tax": 1 << 48}, Reason.EXCEEDS),
    "before its month": ({"month": MONTH - 1}, Reason.MONTH_FILED),
    "a month never opened": ({"month": MONTH + 1}, Reason.MONTH_NOT_OPEN),
    "old": ({"version": 0}, Reason.STALE_VERSION),
    "reserved bits": ({"reserved": 1}, Reason.UNKNOWN_OPERATION),
}


@pytest.mark.parametrize(("fields", "reason"), BAD.values(), ids=BAD)
def test_selections_out_of_range_are_refused(special: World, fields: dict[str, Any], reason: Reason) -> None:
    refused(special, "cashier", special.select_operation(**fields), reason)


def test_only_special_invoices_of_this_ledger_are_selected(world: World) -> None:
    world.do("clerk", world.issue_operation())
    refused(world, "cashier", world.select_operation(), Reason.NOT_DEDUCTIBLE)
    world.do("clerk", world.red_operation())
    refused(world, "cashier", world.select_operation(number=RED), Reason.IS_RED)
    world.do("cashier", world.register_operation("employer", special=1, buyer="employer"))
    refused(world, "cashier", world.select_operation(number=OUTSIDE), Reason.OUTSIDE)
    refused(world, "cashier", world.select_operation(number=NUMBER + 7), Reason.UNKNOWN_INVOICE)


def test_only_the_buyers_finance_selects_and_unselects(special: World) -> None:
    refused(special, "other employer", special.select_operation("other employer"), Reason.NOT_BUYER)
    for actor in ("employee", "clerk", "other employer"):
        refused(special, actor, special.select_operation(), Reason.NOT_PERMITTED)
    refused(special, "cashier", unselect(special), Reason.NOT_SELECTED)
    special.do("cashier", special.select_operation())
    other = special.operation(Code.UNSELECT, "other employer")
    refused(special, "other employer", other, Reason.NOT_BUYER)
    refused(special, "employee", unselect(special), Reason.NOT_PERMITTED)
    refused(special, "cashier", unselect(special, version=1), Reason.STALE_VERSION)
    refused(special, "cashier", special.select_operation(), Reason.ALREADY_SO)


def test_a_period_is_not_before_the_invoices_month(world: World) -> None:
    open_next(world)
    world.do("clerk", world.issue_operation(special=1, month=MONTH + 1))
    refused(world, "cashier", world.select_operation(), Reason.MONTH_NOT_OPEN)
    world.do("cashier", world.select_operation(month=MONTH + 1))


@pytest.mark.parametrize("late", [0, 1])
def test_a_period_is_selected_for_from_its_opening(special: World, late: int) -> None:
    opens = special.now + DAY_S
    open_next(special, opens)
    special.travel(opens - 1 + late)
    operation = special.select_operation(month=MONTH + 1)
    if late:
        special.do("cashier", operation)
    else:
        refused(special, "cashier", operation, Reason.MONTH_NOT_OPEN)


def test_a_closed_period_is_still_selected_for(special: World) -> None:
    special.travel(special.now + 400 * DAY_S)
    special.do("cashier", special.select_operation())


def test_a_partly_red_invoice_is_selected_for_what_is_left(special: World) -> None:
    special.do("clerk", special.red_operation(gross=1_130, tax=130))
    refused(special, "cashier", special.select_operation(valid_tax=1_171), Reason.EXCEEDS)
    special.do("cashier", special.select_operation(valid_tax=1_170))


def test_a_fully_red_or_flagged_invoice_is_not_selected(special: World) -> None:
    special.do("officer", special.operation(Code.SET_RISK_FLAG, "officer"))
    refused(special, "cashier", special.select_operation(), Reason.FLAGGED)
    special.do("clerk", special.red_operation())
    refused(special, "cashier", special.select_operation(valid_tax=0), Reason.REDDENED)


def test_one_group_selects_many(world: World) -> None:
    world.do("clerk", *(world.issue_operation(number=NUMBER + index, special=1) for index in range(4)))
    world.do("cashier", *(world.select_operation(number=NUMBER + index) for index in range(4)))
    assert world.deducted("employer") == DeductedWord(5_200, 4)
    world.do("cashier", *(world.operation(Code.UNSELECT, "employer", NUMBER + index) for index in range(3)))
    assert world.deducted("employer") == DeductedWord(1_300, 1)


# -- confirming a period ------------------------------------------------------------------------


@pytest.mark.parametrize("actor", ["cashier", "employer"])
def test_confirming_freezes_a_period(special: World, actor: str) -> None:
    special.do("clerk", special.issue_operation(number=NUMBER + 1, special=1))
    special.do("cashier", special.select_operation())
    before = special.party("employer")
    (event,) = special.do(actor, special.confirm_month_operation("employer"))
    assert event.name == "PartyChanged"
    assert special.party("employer") == replace(before, version=before.version + 1)
    key = special.ids["employer"] << 12 | MONTH
    assert special.word(Table.DEDUCTED, key) == DeductedWord(1_300, 1, 1).pack()
    refused(special, "cashier", unselect(special), Reason.PERIOD_CONFIRMED)
    refused(special, "cashier", special.select_operation(number=NUMBER + 1), Reason.PERIOD_CONFIRMED)
    refused(special, actor, special.confirm_month_operation("employer"), Reason.PERIOD_CONFIRMED)
    assert special.state().use == Use.SELECTED
    special.do("cashier", special.operation(Code.BOOK, "employer", option=1))
    assert special.state().use == Use.CONFIRMED


def test_filing_freezes_a_period_too(special: World) -> None:
    special.do("cashier", special.select_operation())
    special.do("cashier", special.file_operation("employer"))
    refused(special, "cashier", unselect(special), Reason.MONTH_FILED)
    refused(special, "cashier", special.confirm_month_operation("employer"), Reason.MONTH_FILED)
    special.do("cashier", special.operation(Code.BOOK, "employer", option=1))
    assert special.state().use == Use.CONFIRMED


def test_another_period_stays_open(special: World) -> None:
    open_next(special)
    special.do("cashier", special.confirm_month_operation("employer"))
    special.do("cashier", special.select_operation(month=MONTH + 1))
    special.do("cashier", special.operation(Code.BOOK, "employer", option=1))
    assert special.state().use == Use.SELECTED
    special.do("cashier", unselect(special))


BAD_CONFIRMATIONS: dict[str, tuple[dict[str, Any], Reason]] = {
    "another sum": ({"terms": 1_299 | 1 << 64}, Reason.TOTALS_DIFFER),
    "another count": ({"terms": 1_300 | 2 << 64}, Reason.TOTALS_DIFFER),
    "beyond": ({"terms": 1_300 | 1 << 64 | 1 << 96}, Reason.TOTALS_DIFFER),
    "another number": ({"number": MONTH + 1}, Reason.BAD_TERMS),
    "old": ({"version": 0}, Reason.STALE_VERSION),
    "never opened": ({"number": MONTH + 1, "month": MONTH + 1}, Reason.MONTH_NOT_OPEN),
    "reserved bits": ({"reserved": 1}, Reason.UNKNOWN_OPERATION),
}


@pytest.mark.parametrize(("fields", "reason"), BAD_CONFIRMATIONS.values(), ids=BAD_CONFIRMATIONS)
def test_confirmations_that_differ_are_refused(special: World, fields: dict[str, Any], reason: Reason) -> None:
    special.do("cashier", special.select_operation())
    refused(special, "cashier", special.confirm_month_operation("employer", **fields), reason)


def test_only_finance_confirms_and_only_for_an_enterprise(special: World) -> None:
    for actor in ("employee", "clerk", "officer"):
        refused(special, actor, special.confirm_month_operation("employer"), Reason.NOT_PERMITTED)
    refused(special, "employee", special.confirm_month_operation("employee"), Reason.BAD_TERMS)
    unknown = special.confirm_month_operation("employer", subject=99)
    refused(special, "cashier", unknown, Reason.UNKNOWN_PARTY)


def test_confirming_stands_alone(special: World) -> None:
    both = special.confirm_month_operation("employer"), special.select_operation()
    assert special.refusal("cashier", *both) == (Reason.MIXED_GROUP, MONTH)


def test_a_buyer_enrolled_later_selects_from_its_first_month(world: World) -> None:
    world.do("clerk", world.issue_operation(special=1, buyer="newcomer", mode=0))
    world.enrol("newcomer", PartyKind.ENTERPRISE)
    world.do("newcomer", world.select_operation("newcomer"))
