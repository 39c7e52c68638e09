"""Months are opened by the calendar and filed in order; a filed month is frozen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.world import DAY_S, GROSS, MONTH, NUMBER, World
from verifier.operations import Code, Reason
from verifier.words import PartyKind, Table, TotalsWord

NEXT = MONTH + 1
M64 = 2**64 - 1


# -- opening ------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", ["calendar", "authority"])
@pytest.mark.parametrize("month", [1, NEXT, 4095])
def test_calendar_and_authority_open_a_month(world: World, actor: str, month: int) -> None:
    operation = world.open_month_operation(actor, month)
    (event,) = world.do(actor, operation)
    assert world.word(Table.MONTH, month) == operation.terms
    assert (event.name, event.topics[0], event.words) == ("MonthOpened", month, (operation.terms,))


@pytest.mark.parametrize("actor", ["officer", "seller", "clerk"])
def test_nobody_else_opens_a_month(world: World, actor: str) -> None:
    operation = world.open_month_operation(actor, NEXT)
    assert world.refusal(actor, operation) == (Reason.NOT_PERMITTED, NEXT)


def test_the_calendar_opens_in_its_own_name_only(world: World) -> None:
    operation = world.open_month_operation("authority", NEXT)
    assert world.refusal("calendar", operation) == (Reason.NOT_PERMITTED, NEXT)


def test_the_calendar_does_nothing_else(world: World) -> None:
    enrolment = world.enrol_operation("shop", PartyKind.ENTERPRISE, by="calendar")
    assert world.refusal("calendar", enrolment) == (Reason.NOT_PERMITTED, enrolment.number)
    retire = world.by("calendar", Code.RETIRE, 0, terms=1)
    assert world.refusal("calendar", retire) == (Reason.NOT_PERMITTED, 0)


def test_a_month_is_opened_once(world: World) -> None:
    operation = world.open_month_operation("calendar", MONTH, opens=1, closes=2)
    assert world.refusal("calendar", operation) == (Reason.ALREADY_SO, MONTH)


BAD_MONTHS: dict[str, dict[str, Any]] = {
    "month 0": {"number": 0, "month": 0},
    "number beyond 12 bits": {"number": 4096 + NEXT, "month": NEXT},
    "number beyond 12 bits, month 0": {"number": 4096, "month": 0},
    "number and month differ": {"month": NEXT + 1},
    "closes as it opens": {"terms": 5 | 5 << 64},
    "closes before it opens": {"terms": 6 | 5 << 64},
    "no hours": {"terms": 0},
    "terms over 128 bits": {"terms": 5 | 6 << 64 | 1 << 128},
}


@pytest.mark.parametrize("fields", BAD_MONTHS.values(), ids=BAD_MONTHS)
def test_hours_are_checked(world: World, fields: dict[str, Any]) -> None:
    operation = replace(world.open_month_operation("calendar", NEXT), **fields)
    assert world.refusal("calendar", operation) == (Reason.BAD_TERMS, operation.number)


def test_a_month_may_open_for_a_second_or_close_never(world: World) -> None:
    world.do("calendar", world.open_month_operation("calendar", NEXT, opens=0, closes=1))
    world.do("calendar", world.open_month_operation("calendar", NEXT + 1, opens=0, closes=M64))
    world.do("calendar", world.open_month_operation("calendar", NEXT + 2, opens=M64 - 1, closes=M64))


def test_several_months_are_opened_in_one_group(world: World) -> None:
    world.do("calendar", *(world.open_month_operation("calendar", NEXT + index) for index in range(12)))
    assert all(world.word(Table.MONTH, NEXT + index) for index in range(12))


# -- filing -------------------------------------------------------------------------------------


def test_an_enterprise_files_what_it_issued(world: World) -> None:
    world.do("clerk", world.issue_operation(), world.issue_operation(number=NUMBER + 1, gross=100, tax=7))
    assert world.totals("seller") == TotalsWord(blue_gross=GROSS + 100, blue_tax=1_307, quota_used=GROSS + 100, count=2)
    before = world.party("seller")
    (event,) = world.do("seller", world.file_operation("seller"))
    after = world.party("seller")
    assert after.pack() == before.pack() + (1 << 232) + (1 << 166)
    assert after.filed_through == MONTH
    assert (event.topics[0], event.words[1]) == (world.ids["seller"], after.pack())


def test_an_enterprise_files_an_empty_month(world: World) -> None:
    assert world.file_operation("employer").terms == 0
    world.do("cashier", world.file_operation("employer"))
    assert world.party("employer").filed_through == MONTH


def test_a_month_may_be_filed_early_and_is_frozen_then(world: World) -> None:
    world.do("clerk", world.issue_operation())
    world.do("seller", world.file_operation("seller"))
    operation = world.issue_operation(number=NUMBER + 1)
    assert world.refusal("clerk", operation) == (Reason.MONTH_FILED, NUMBER + 1)


@pytest.mark.parametrize("bits", [1, 4, 5])
def test_filing_takes_the_finance_grant(world: World, bits: int) -> None:
    world.grant("employer", "intruder", bits)
    assert world.refusal("intruder", world.file_operation("employer")) == (Reason.NOT_PERMITTED, MONTH)
    world.grant("employer", "intruder", 2)
    world.do("intruder", world.file_operation("employer"))


@pytest.mark.parametrize("actor", ["seller", "officer", "authority"])
def test_nobody_files_for_another_enterprise(world: World, actor: str) -> None:
    assert world.refusal(actor, world.file_operation("employer")) == (Reason.NOT_PERMITTED, MONTH)


def test_a_person_files_nothing(world: World) -> None:
    operation = world.file_operation("clerk", 1, terms=0)
    assert world.refusal("clerk", operation) == (Reason.BAD_TERMS, 1)
    world.do("calendar", world.open_month_operation("calendar", 1))
    assert world.refusal("clerk", world.file_operation("clerk", 1, terms=0)) == (Reason.BAD_TERMS, 1)


def test_an_enterprise_that_does_not_exist_files_nothing(world: World) -> None:
    operation = world.file_operation("employer", subject=999)
    assert world.refusal("cashier", operation) == (Reason.UNKNOWN_PARTY, MONTH)


def test_the_number_of_a_filing_is_the_month(world: World) -> None:
    operation = world.file_operation("seller", number=NEXT)
    assert world.refusal("seller", operation) == (Reason.BAD_TERMS, NEXT)


@pytest.mark.parametrize(
    "change",
    [1, 1 << 44, 1 << 88, 1 << 132, 1 << 176, 1 << 220],
    ids=["blue gross", "red gross", "blue tax", "red tax", "quota used", "count"],
)
def test_each_sum_and_the_count_are_compared(world: World, change: int) -> None:
    world.do("clerk", world.issue_operation())
    right = world.file_operation("seller")
    wrong = world.file_operation("seller", terms=right.terms ^ change)
    assert world.refusal("seller", wrong) == (Reason.TOTALS_DIFFER, MONTH)
    world.do("seller", right)


def test_months_are_filed_in_order(world: World) -> None:
    world.do("calendar", world.open_month_operation("calendar", NEXT), world.open_month_operation("calendar", NEXT + 1))
    assert world.refusal("seller", world.file_operation("seller", NEXT)) == (Reason.MONTH_NOT_NEXT, NEXT)
    world.do("seller", world.file_operation("seller", MONTH))
    world.do("seller", world.file_operation("seller", NEXT))
    assert world.refusal("seller", world.file_operation("seller", NEXT)) == (Reason.MONTH_FILED, NEXT)
    assert world.refusal("seller", world.file_operation("seller", MONTH)) == (Reason.MONTH_FILED, MONTH)


def test_a_month_before_the_first_one_is_as_filed(world: World) -> None:
    world.do("calendar", world.open_month_operation("calendar", MONTH - 1))
    assert world.refusal("seller", world.file_operation("seller", MONTH - 1)) == (Reason.MONTH_FILED, MONTH - 1)
    operation = world.issue_operation(month=MONTH - 1)
    assert world.refusal("clerk", operation) == (Reason.MONTH_FILED, NUMBER)


def test_two_months_are_not_filed_in_one_group(world: World) -> None:
    world.do("calendar", world.open_month_operation("calendar", NEXT))
    both = world.file_operation("seller", MONTH), world.file_operation("seller", NEXT)
    assert world.refusal("seller", *both) == (Reason.MIXED_GROUP, MONTH)


def test_only_an_opened_month_is_filed(world: World) -> None:
    world.do("seller", world.file_operation("seller"))
    assert world.refusal("seller", world.file_operation("seller", NEXT)) == (Reason.MONTH_NOT_OPEN, NEXT)
    opens = world.now + 100
    world.do("calendar", world.open_month_operation("calendar", NEXT, opens=opens))
    world.travel(opens - 2)
    assert world.refusal("seller", world.file_operation("seller", NEXT)) == (Reason.MONTH_NOT_OPEN, NEXT)
    assert world.now == opens
    world.do("seller", world.file_operation("seller", NEXT))


def test_a_closed_month_is_still_filed(world: World) -> None:
    world.travel(world.now + 400 * DAY_S)
    world.do("seller", world.file_operation("seller"))


def test_filing_names_the_version(world: World) -> None:
    operation = world.file_operation("seller", version=0)
    assert world.refusal("seller", operation) == (Reason.STALE_VERSION, MONTH)


def test_no_issue_slips_in_behind_a_filing_of_its_own_group(world: World) -> None:
    filing, issue = world.file_operation("seller"), world.issue_operation()
    assert world.refusal("seller", filing, issue) == (Reason.MIXED_GROUP, MONTH)
    world.do("seller", issue)
    assert world.refusal("seller", filing) == (Reason.TOTALS_DIFFER, MONTH)
