from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.errors import DocumentError, SaltError
from ledger.domain.invoice import InvoiceDocument, RateMark
from ledger.domain.month_building import build_report, number_gaps, parse_report
from ledger.domain.month_report import (
    GAPS_LISTED_MAX,
    RATES_MAX,
    REPORT_NOTE_LENGTH_MAX,
    REPORT_SIZE_MAX,
    InputTax,
    MonthReport,
    RateSum,
)
from ledger.domain.months import Month, month_of
from ledger.domain.red import Credit, red_of
from ledger.domain.references import reference_matches
from ledger.domain.slips import RedReason
from tests.domain.reds import BLUE_NUMBER, DAY, MIXED, SELLER, blue_invoices, blue_of
from verifier.words import TotalsWord

MONTH = month_of(DAY)
SALT = bytes(range(16))


def totals_of(documents: list[InvoiceDocument]) -> TotalsWord:
    """The contract's sums of these documents."""
    blues = [one for one in documents if one.original is None]
    reds = [one for one in documents if one.original is not None]
    return TotalsWord(
        blue_gross=sum(one.gross_fen for one in blues),
        red_gross=sum(one.gross_fen_abs for one in reds),
        blue_tax=sum(one.tax_fen for one in blues),
        red_tax=sum(one.tax_fen_abs for one in reds),
        quota_used=sum(one.gross_fen for one in documents),
        count=len(documents),
    )


def report_of(documents: list[InvoiceDocument], **fields: Any) -> MonthReport:
    arguments: dict[str, Any] = {
        "party": 7,
        "seller": SELLER["tax_id"],
        "month": MONTH,
        "documents": documents,
        "totals": totals_of(documents),
    }
    return build_report(**(arguments | fields))


def refused(value: object) -> dict[str, str]:
    with pytest.raises(DocumentError) as caught:
        parse_report(value)
    return {problem.path: problem.code for problem in caught.value.problems}


def not_built(documents: list[InvoiceDocument], **fields: Any) -> dict[str, str]:
    with pytest.raises(DocumentError) as caught:
        report_of(documents, **fields)
    return {problem.path: problem.code for problem in caught.value.problems}


@pytest.fixture
def documents() -> list[InvoiceDocument]:
    """A month of a mixed invoice, a partial red of it, and a second invoice some numbers further."""
    blue = blue_of(MIXED)
    red = red_of(blue, reason=RedReason.ALLOWANCE, parts=[Credit(1, net_fen=100), Credit(4, net_fen=500)])
    return [blue, red.with_number(BLUE_NUMBER + 1, DAY), blue_of(MIXED[:1], number=BLUE_NUMBER + 5)]


def test_report_adds_up_blue_red_and_rates(documents: list[InvoiceDocument]) -> None:
    report = report_of(documents, input_tax=InputTax(500, 2, 30))
    assert (report.blue_count, report.red_count) == (2, 1)
    assert (report.red_gross_fen, report.red_net_fen, report.red_tax_fen) == (606, 600, 6)
    assert report.total_gross_fen == report.total_net_fen + report.total_tax_fen
    assert report.total_gross_fen == sum(one.gross_fen for one in documents)
    assert {one.key: (one.net_fen, one.tax_fen) for one in report.by_rate} == {
        (0, "exempt"): (4000, 0),
        (0, "not_taxable"): (700, 0),
        (0, "zero"): (900, 0),
        (500, "difference"): (10_000, 57),
        (600, "rate"): (60_100, 3606),
        (1300, "rate"): (15_000, 1950),
    }
    assert (report.first_number, report.last_number) == (str(BLUE_NUMBER), str(BLUE_NUMBER + 5))
    assert [(gap.first, gap.last) for gap in report.gaps] == [(str(BLUE_NUMBER + 2), str(BLUE_NUMBER + 4))]
    assert (report.gap_count, report.gap_numbers) == (1, 3)
    assert report.tax_due_fen == report.total_tax_fen - 500 + 30
    assert parse_report(report.to_json()) == report


def test_month_without_invoices_is_reported() -> None:
    report = report_of([], note="无销售")
    assert (report.first_number, report.by_rate, report.total_gross_fen, report.note) == ("", (), 0, "无销售")
    assert parse_report(report.to_json()) == report


def test_numbers_used_in_other_months_are_no_gaps(documents: list[InvoiceDocument]) -> None:
    report = report_of(documents, numbers_elsewhere=[BLUE_NUMBER + 3, BLUE_NUMBER + 9])
    assert [gap.first for gap in report.gaps] == [str(BLUE_NUMBER + 2), str(BLUE_NUMBER + 4)]
    assert report_of(documents, numbers_elsewhere=range(BLUE_NUMBER, BLUE_NUMBER + 9)).gap_count == 0


def test_gaps_end_at_their_block() -> None:
    block = 9 * 10**19
    assert number_gaps([block + 9_998, block + 10_002]) == []
    assert number_gaps([block + 9_996, block + 9_998, block + 10_002]) == [range(block + 9_997, block + 9_998)]


def test_long_list_of_gaps_is_cut_and_counted() -> None:
    line = [{"name": "x", "net_fen": 100, "rate_bp": 1300, "tax_fen": 13}]
    documents = [blue_of(line, number=BLUE_NUMBER + 3 * index) for index in range(GAPS_LISTED_MAX + 6)]
    report = report_of(documents)
    assert len(report.gaps) == GAPS_LISTED_MAX
    assert (report.gap_count, report.gap_numbers) == (GAPS_LISTED_MAX + 5, 2 * (GAPS_LISTED_MAX + 5))
    assert parse_report(report.to_json()) == report
    assert refused(report.to_json() | {"gap_numbers": 2 * GAPS_LISTED_MAX}) == {"gap_numbers": "report_sum"}


@pytest.mark.parametrize("field", ["blue_gross", "red_gross", "blue_tax", "red_tax"])
def test_sum_that_the_ledger_does_not_have_is_refused(documents: list[InvoiceDocument], field: str) -> None:
    totals = totals_of(documents)
    wrong = replace(totals, **{field: getattr(totals, field) + 1})
    assert not_built(documents, totals=wrong) == {f"{field}_fen": "report_totals"}


def test_missing_document_is_noticed(documents: list[InvoiceDocument]) -> None:
    found = not_built(documents[:2], totals=totals_of(documents))
    assert found == dict.fromkeys(["blue_gross_fen", "blue_tax_fen", "count"], "report_totals")


def test_document_of_another_month_or_seller_or_twice_is_refused(documents: list[InvoiceDocument]) -> None:
    foreign = replace(documents[2], seller=replace(documents[2].seller, tax_id="91310112703255042R"))
    later = replace(documents[2], issued_on=date(2026, 12, 1))
    assert not_built([*documents[:2], foreign]) == {"documents.2.seller.tax_id": "report_seller"}
    assert not_built([*documents[:2], later]) == {"documents.2.issued_on": "report_month"}
    assert not_built([*documents, documents[0]]) == {"documents.3.number": "report_repeated"}
    assert not_built([replace(documents[0], number="")]) == {"documents.0.number": "missing"}


def test_uninvoiced_sales_are_declared_by_rate(documents: list[InvoiceDocument]) -> None:
    declared = [
        RateSum(1300, RateMark.RATE, 100_000, 13_100),
        RateSum(0, RateMark.EXEMPT, 5_000, 0),
        RateSum(600, RateMark.RATE, -1_000, -60),
    ]
    report = report_of(documents, uninvoiced=declared)
    assert [one.rate_bp for one in report.uninvoiced] == [0, 600, 1300]
    assert (report.uninvoiced_net_fen, report.uninvoiced_tax_fen) == (104_000, 13_040)


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ([RateSum(1300, RateMark.RATE, 100_000, 13_128)], {"uninvoiced.0.tax_fen": "uninvoiced_tax"}),
        ([RateSum(0, RateMark.RATE, 100, 0)], {"uninvoiced.0.rate_bp": "rate_needs_mark"}),
        ([RateSum(0, RateMark.EXEMPT, 100, 1)], {"uninvoiced.0": "mark_forbids_rate"}),
        ([RateSum(500, RateMark.DIFFERENCE, 100, 101)], {"uninvoiced.0.tax_fen": "difference_tax"}),
        ([RateSum(600, RateMark.RATE, 100, 6)] * 2, {"uninvoiced": "report_order"}),
        ([RateSum(600, RateMark.RATE, 2**44, 0)], {"uninvoiced.0.net_fen": "integer_range"}),
        ([RateSum(bp, RateMark.RATE, 0, 0) for bp in range(1, RATES_MAX + 2)], {"uninvoiced": "report_too_long"}),
    ],
)
def test_wrong_declaration_is_refused(
    documents: list[InvoiceDocument], declared: list[RateSum], found: dict[str, str]
) -> None:
    assert not_built(documents, uninvoiced=declared) == found


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"blue_gross_fen": 1}, "blue_gross_fen"),
        ({"red_net_fen": 601}, "red_gross_fen"),
        ({"total_gross_fen": 1}, "total_gross_fen"),
        ({"by_rate": []}, "by_rate"),
        ({"gap_count": 2}, "gap_count"),
        ({"gap_numbers": 2}, "gap_numbers"),
        ({"gaps": [{"first": str(BLUE_NUMBER + 4), "last": str(BLUE_NUMBER + 2)}]}, "gaps"),
        ({"gaps": [{}]}, "gaps.0.first"),
        ({"gaps": None}, "gaps"),
        ({"month": "2026-13"}, "month"),
        ({"seller": ""}, "seller"),
        ({"party": 0}, "party"),
        ({"blue_count": 1.5}, "blue_count"),
        ({"correction_of": "AB" * 32}, "correction_of"),
        ({"extra": 1}, "extra"),
        ({"first_number": "12"}, "first_number"),
        ({"note": "x" * (REPORT_NOTE_LENGTH_MAX + 1)}, "note"),
    ],
)
def test_report_that_does_not_agree_is_refused(
    documents: list[InvoiceDocument], change: dict[str, Any], found: str
) -> None:
    value = report_of(documents).to_json()
    assert parse_report(value)
    assert found in refused(value | change)


@pytest.mark.parametrize("value", [None, [], "x", 7])
def test_what_is_no_report_is_refused(value: object) -> None:
    assert refused(value) == {"": "not_an_object"}


def test_hash_is_salted_and_names_one_report(documents: list[InvoiceDocument]) -> None:
    report = report_of(documents)
    assert reference_matches(report.hash(SALT), SALT, report.canonical().decode())
    assert report.hash(SALT) != report.hash(bytes(16))
    assert report.hash(SALT) != replace(report, note="x").hash(SALT)
    with pytest.raises(SaltError):
        report.hash(b"short")


def test_correction_names_the_report_it_replaces(documents: list[InvoiceDocument]) -> None:
    first = report_of(documents)
    second = report_of(documents, correction_of=first.hash(SALT).hex(), note="更正")
    assert parse_report(second.to_json()).correction_of == first.hash(SALT).hex()
    assert "correction_of" not in first.to_json()


def test_longest_report_stays_within_its_size() -> None:
    line = [{"name": "x", "net_fen": 100, "rate_bp": 1300, "tax_fen": 13}]
    report = report_of([blue_of(line, number=BLUE_NUMBER + 3 * index) for index in range(GAPS_LISTED_MAX + 2)])
    sums = tuple(RateSum(bp, RateMark.DIFFERENCE, -(2**44) + 1, -(2**43)) for bp in range(9_000, 9_000 + RATES_MAX))
    longest = replace(report, by_rate=sums, uninvoiced=sums, note="注" * REPORT_NOTE_LENGTH_MAX, correction_of="a" * 64)
    assert len(longest.canonical()) < REPORT_SIZE_MAX


@st.composite
def months(draw: st.DrawFn) -> MonthReport:
    documents = []
    for offset in sorted(draw(st.sets(st.integers(0, 60), max_size=6))):
        blue = replace(draw(blue_invoices()), number=str(BLUE_NUMBER + 2 * offset))
        documents.append(blue)
        if draw(st.booleans()):
            red = red_of(blue, reason=RedReason.RETURN)
            documents.append(red.with_number(BLUE_NUMBER + 2 * offset + 1, DAY))
    input_tax = InputTax(*(draw(st.integers(0, 10**9)) for _ in range(3)))
    return report_of(documents, input_tax=input_tax, note=draw(st.sampled_from(["", "备注\n二行"])))


@given(months())
def test_report_reads_back_to_the_same(report: MonthReport) -> None:
    assert parse_report(report.to_json()) == report
    assert sum(one.net_fen + one.tax_fen for one in report.by_rate) == report.total_gross_fen
    assert report.month == Month(MONTH)
