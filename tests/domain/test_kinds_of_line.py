"""Every kind of line on one invoice, and long invoices: accepted as printed, refused one change away."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from ledger.domain.capitals import write_capitals
from ledger.domain.document import parse_document, parse_issuable
from ledger.domain.errors import DocumentError
from ledger.domain.invoice import InvoiceDocument, RateMark
from tests.domain.reds import MIXED, blue_invoices, draft


def codes(value: dict[str, Any]) -> set[tuple[str, str]]:
    try:
        parse_issuable(value)
    except DocumentError as err:
        return {(problem.path, problem.code) for problem in err.problems}
    return set()


def test_every_kind_of_line_stands_on_one_invoice() -> None:
    document = parse_issuable(draft(MIXED))
    assert {line.rate_mark for line in document.lines} == set(RateMark)
    assert {line.nature.value for line in document.lines} == {0, 1, 2}
    assert len({line.rate_bp for line in document.lines}) == 4
    assert parse_document(document.to_json()) == document


@pytest.mark.parametrize(
    ("index", "change", "path", "code"),
    [
        (2, {"nature": 0}, "lines.1.nature", "discount_missing"),
        (2, {"tax_fen": 0, "rate_bp": 0, "rate_mark": "exempt"}, "lines.2.rate_bp", "discount_rate"),
        (3, {"rate_mark": "rate"}, "lines.3.rate_bp", "rate_needs_mark"),
        (4, {"tax_fen": 1}, "lines.4", "mark_forbids_rate"),
        (5, {"rate_bp": 1300}, "lines.5", "mark_forbids_rate"),
        (6, {"rate_mark": "rate"}, "lines.6.tax_fen", "line_tax"),
        (6, {"tax_fen": 507}, "lines.6.tax_fen", "difference_tax"),
        (6, {"rate_mark": "差额征税"}, "lines.6.rate_mark", "not_a_choice"),
        (0, {"price": "100.33333333333333"}, "lines.0.price", "decimal_form"),
        (0, {"price": "100.34"}, "lines.0.net_fen", "line_product"),
    ],
)
def test_each_kind_is_refused_one_change_away(index: int, change: dict[str, Any], path: str, code: str) -> None:
    lines = copy.deepcopy(MIXED)
    lines[index] |= change
    assert (path, code) in codes(draft(lines))


@pytest.mark.parametrize("count", [100, 101, 1_500])
def test_long_invoice_of_several_rates_is_issued(count: int) -> None:
    rates = (1300, 900, 600, 300)
    lines = [
        {
            "name": f"第{index}项",
            "quantity": "3",
            "price": "33.3333333333333",
            "net_fen": 10_000,
            "rate_bp": rates[index % 4],
            "tax_fen": rates[index % 4],
        }
        for index in range(count)
    ]
    assert codes(draft(lines)) == set()
    assert codes(draft(lines) | {"net_fen": 10_000 * count + 1}) >= {("net_fen", "total_net")}


@pytest.mark.parametrize(
    ("net_fen", "rate_bp", "tax_fen"),
    [(51_415, 600, 3_085), (51_415, 600, 3_084), (58_401, 300, 1_752), (475_133, 1300, 61_767), (39_4981, 600, 23_699)],
)
def test_tax_a_fen_beside_the_rounded_product_is_genuine(net_fen: int, rate_bp: int, tax_fen: int) -> None:
    for off in (-1, 0, 1):
        line = {"name": "x", "net_fen": net_fen, "rate_bp": rate_bp, "tax_fen": tax_fen + off}
        assert codes(draft([line])) == set()
    line = {"name": "x", "net_fen": net_fen, "rate_bp": rate_bp, "tax_fen": tax_fen + 8}
    assert codes(draft([line])) == {("lines.0.tax_fen", "line_tax")}


def test_invoice_of_one_fen_is_issued() -> None:
    value = draft([{"name": "x", "net_fen": 1, "rate_bp": 1300, "tax_fen": 0}], gross_in_words="壹分")
    assert codes(value) == set()
    tax_alone = draft([{"name": "x", "net_fen": 0, "rate_bp": 1300, "tax_fen": 1}], gross_in_words="壹分")
    assert codes(tax_alone) == {("net_fen", "net_zero")}
    assert codes(value | {"gross_in_words": "贰分"}) == {("gross_in_words", "words_differ")}


@given(blue_invoices(tax_off_max_fen=5))
def test_any_sound_invoice_reads_back_with_its_words(blue: InvoiceDocument) -> None:
    value = blue.to_json() | {"gross_in_words": write_capitals(blue.gross_fen)}
    document = parse_document(value)
    assert parse_document(document.to_json()) == document
    with pytest.raises(DocumentError):
        parse_document(value | {"gross_in_words": write_capitals(blue.gross_fen + 1)})
