from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.capitals import read_capitals
from ledger.domain.credits import lines_left
from ledger.domain.document import parse_document, parse_issuable, parse_red
from ledger.domain.errors import DocumentError
from ledger.domain.invoice import LINES_MAX, InvoiceDocument, OriginalInvoice
from ledger.domain.red import Credit, red_of
from ledger.domain.red_checks import check_red
from ledger.domain.slips import RedReason
from tests.domain.reds import BLUE_NUMBER, DAY, MIXED, RED_NUMBER, blue_invoices, blue_of, draft
from verifier.commitment import LEAVES_MAX, leaves

SIMPLE: list[dict[str, Any]] = [
    {"name": "打印纸", "quantity": "10", "price": "100", "net_fen": 100_000, "rate_bp": 1300, "tax_fen": 13_000}
]


def codes_of(red: InvoiceDocument, blue: InvoiceDocument, *earlier: InvoiceDocument) -> dict[str, str]:
    return {problem.path: problem.code for problem in check_red(red, blue, earlier)}


def refused(
    blue: InvoiceDocument, *parts: Credit, earlier: tuple[InvoiceDocument, ...] = (), **fields: Any
) -> dict[str, str]:
    """Code by path of why a red is refused, the first of each path."""
    arguments: dict[str, Any] = {"reason": RedReason.RETURN, "parts": parts or None, "earlier_reds": earlier}
    with pytest.raises(DocumentError) as caught:
        red_of(blue, **(arguments | fields))
    return {problem.path: problem.code for problem in reversed(caught.value.problems)}


def part_of(blue: InvoiceDocument, *parts: Credit, earlier: tuple[InvoiceDocument, ...] = ()) -> InvoiceDocument:
    return red_of(blue, reason=RedReason.RETURN, parts=parts, earlier_reds=earlier)


def test_full_red_mirrors_every_kind_of_line() -> None:
    blue = blue_of(MIXED)
    red = red_of(blue, reason=RedReason.ISSUED_IN_ERROR)
    assert [line.net_fen for line in red.lines] == [-line.net_fen for line in blue.lines]
    assert [line.nature for line in red.lines] == [line.nature for line in blue.lines]
    assert (red.net_fen, red.tax_fen, red.gross_fen) == (-blue.net_fen, -blue.tax_fen, -blue.gross_fen)
    assert (red.gross_fen_abs, red.tax_fen_abs) == (blue.gross_fen, blue.tax_fen)
    assert red.lines[0].quantity == "-3"
    assert red.lines[0].price == "100.3333333333333"
    assert red.gross_in_words.startswith("（负数）")
    assert read_capitals(red.gross_in_words) == red.gross_fen
    assert red.original == OriginalInvoice("", str(BLUE_NUMBER))
    assert str(BLUE_NUMBER) in red.note
    assert all(line.blue_line == 0 for line in red.lines)
    numbered = red.with_number(RED_NUMBER, DAY)
    assert parse_red(numbered.to_json(), blue) == numbered == parse_document(numbered.to_json())


def test_red_of_an_outside_or_unnamed_invoice_gets_no_number() -> None:
    red = red_of(blue_of(SIMPLE), reason=RedReason.RETURN)
    for original in (None, OriginalInvoice("", "26442000000000000001")):
        with pytest.raises(DocumentError) as caught:
            replace(red, original=original).with_number(RED_NUMBER, DAY)
        assert [problem.code for problem in caught.value.problems] == ["red_not_issued"]


def test_red_document_is_not_issued_as_an_ordinary_one() -> None:
    red = red_of(blue_of(SIMPLE), reason=RedReason.RETURN)
    with pytest.raises(DocumentError) as caught:
        parse_issuable(red.to_json())
    assert [problem.code for problem in caught.value.problems] == ["red_not_issued"]


def test_partial_red_by_quantity_takes_its_share() -> None:
    blue = blue_of(SIMPLE)
    red = part_of(blue, Credit(1, quantity="3"))
    assert [(line.net_fen, line.tax_fen, line.quantity, line.price) for line in red.lines] == [
        (-30_000, -3_900, "-3", "100")
    ]
    rest = red_of(blue, reason=RedReason.SERVICE_ENDED, earlier_reds=[red])
    assert (rest.net_fen, rest.tax_fen, rest.lines[0].quantity) == (-70_000, -9_100, "-7")
    assert refused(blue, Credit(1, quantity="8"), earlier=(red,)) == {
        "lines.0.net_fen": "red_more_net",
        "lines.0.tax_fen": "red_more_tax",
        "lines.0.quantity": "red_more_quantity",
    }
    assert (
        refused(blue, Credit(1, quantity="7.0000000000001"), earlier=(red,))["lines.0.quantity"] == "red_more_quantity"
    )


def test_partial_red_by_amount_takes_no_more_than_is_left() -> None:
    blue = blue_of(SIMPLE)
    red = part_of(blue, Credit(1, net_fen=99_999))
    assert red.tax_fen == -13_000
    assert refused(blue, Credit(1, net_fen=100_001)) == {"lines.0.net_fen": "red_more_net"}


def test_last_fen_of_net_takes_the_last_fen_of_tax() -> None:
    blue = blue_of(SIMPLE)
    first = part_of(blue, Credit(1, net_fen=99_996))
    last = red_of(blue, reason=RedReason.RETURN, earlier_reds=[first])
    assert first.gross_fen + last.gross_fen == -blue.gross_fen
    assert refused(blue, earlier=(first, last)) == {"lines": "red_nothing"}


def test_an_empty_choice_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        red_of(blue_of(SIMPLE), reason=RedReason.RETURN, parts=[])
    assert [problem.code for problem in caught.value.problems] == ["lines_missing"]


@pytest.mark.parametrize(
    ("part", "path", "code"),
    [
        (Credit(1, net_fen=0), "lines.0.net_fen", "red_nothing"),
        (Credit(1, net_fen=-5), "lines.0.net_fen", "line_sign"),
        (Credit(1, quantity="1e3"), "lines.0.quantity", "decimal_form"),
        (Credit(1, quantity="-1"), "lines.0.quantity", "line_sign"),
        (Credit(1, net_fen=2**60), "lines.0.net_fen", "red_more_net"),
    ],
)
def test_part_that_is_no_part_is_refused(part: Credit, path: str, code: str) -> None:
    assert refused(blue_of(SIMPLE), part)[path] == code


def test_chosen_lines_point_at_their_blue_lines() -> None:
    blue = blue_of(MIXED)
    red = part_of(blue, Credit(4), Credit(2), Credit(1, net_fen=100))
    assert [line.blue_line for line in red.lines] == [4, 0, 1]
    assert [line.name for line in red.lines] == ["图书", "键盘", "维护"]
    assert parse_red(red.to_json(), blue) == red
    assert red.to_json()["lines"][0]["blue_line"] == 4  # type: ignore[index,call-overload]
    assert refused(blue, Credit(8)) == {"lines.0.blue_line": "red_line_unknown"}
    assert refused(blue, Credit(0)) == {"lines.0.blue_line": "red_line_unknown"}
    assert refused(blue, Credit(4, net_fen=1), Credit(4, net_fen=1)) == {"lines.1.blue_line": "red_line_repeated"}


def test_discount_is_taken_off_in_a_partial_red() -> None:
    blue = blue_of(MIXED)
    red = part_of(blue, Credit(2, quantity="2"))
    assert (red.lines[0].net_fen, red.lines[0].tax_fen, red.lines[0].price) == (-7_500, -975, "37.5")
    assert red.lines[0].nature.value == 0
    assert refused(blue, Credit(3)) == {"lines.0.blue_line": "red_line_discount"}
    assert refused(blue, Credit(2, net_fen=15_001)) == {"lines.0.net_fen": "red_more_net"}


def test_allowance_takes_money_off_lines_of_several_rates_and_no_goods() -> None:
    blue = blue_of(MIXED)
    parts = [Credit(1, net_fen=100), Credit(2, net_fen=100), Credit(7, net_fen=1000)]
    allowance = red_of(blue, reason=RedReason.ALLOWANCE, parts=parts)
    assert [(line.tax_fen, line.quantity, line.price) for line in allowance.lines] == [
        (-6, "", ""), (-13, "", ""), (-6, "", "")
    ]  # fmt: skip
    assert refused(blue, Credit(1, quantity="1"), reason=RedReason.ALLOWANCE) == {
        "lines.0.quantity": "red_allowance_quantity"
    }
    returned = part_of(blue, Credit(1, quantity="3"), earlier=(allowance,))
    assert (returned.lines[0].net_fen, returned.lines[0].price) == (-30_000, "100")
    rest = red_of(blue, reason=RedReason.ALLOWANCE, earlier_reds=[allowance, returned])
    assert sum(red.gross_fen for red in (allowance, returned, rest)) == -blue.gross_fen
    assert all(line.quantity == "" for line in rest.lines)


def test_issued_in_error_is_credited_as_a_whole_and_first() -> None:
    blue = blue_of(MIXED)
    assert refused(blue, Credit(1), reason=RedReason.ISSUED_IN_ERROR) == {"red_reason": "red_error_partial"}
    part = part_of(blue, Credit(1))
    assert refused(blue, earlier=(part,), reason=RedReason.ISSUED_IN_ERROR) == {"red_reason": "red_error_partial"}
    whole = red_of(blue, reason=RedReason.ISSUED_IN_ERROR)
    assert codes_of(whole, blue, part)["red_reason"] == "red_error_partial"


def test_untaxed_lines_are_credited_without_tax() -> None:
    blue = blue_of(MIXED)
    red = part_of(blue, Credit(4, net_fen=4499), Credit(5), Credit(6))
    assert red.tax_fen == 0
    assert refused(blue, Credit(4, net_fen=100, tax_fen=1))["lines.0"] == "mark_forbids_rate"


def test_difference_keeps_its_proportion() -> None:
    blue = blue_of(MIXED)
    assert part_of(blue, Credit(7, net_fen=5000)).tax_fen == -29
    assert refused(blue, Credit(7, net_fen=5000, tax_fen=58))["lines.0.tax_fen"] == "red_more_tax"


def test_tax_that_leaves_an_uncreditable_rest_is_refused() -> None:
    blue = blue_of(SIMPLE)
    part_of(blue, Credit(1, net_fen=50_000, tax_fen=6_506))
    assert refused(blue, Credit(1, net_fen=50_000, tax_fen=6_507))["lines.0.tax_fen"] == "line_tax"
    rounded_up = blue_of([SIMPLE[0] | {"tax_fen": 13_005}])
    assert part_of(rounded_up, Credit(1, net_fen=50_000)).tax_fen == -6_503
    assert refused(rounded_up, Credit(1, net_fen=50_000, tax_fen=6_498)) == {"lines.0.tax_fen": "red_tax_share"}
    assert refused(blue, Credit(1, net_fen=100_000, tax_fen=12_999)) == {"lines.0.tax_fen": "red_tax_share"}


def test_rounding_at_the_edge_of_the_tolerance_is_shared_so_that_all_can_be_credited() -> None:
    blue = blue_of([SIMPLE[0] | {"tax_fen": 13_006}])
    first = part_of(blue, Credit(1, net_fen=1))
    assert first.tax_fen == -1  # the proportion is 0, which would leave a rest beyond the tolerance
    assert refused(blue, Credit(1, net_fen=1, tax_fen=0)) == {"lines.0.tax_fen": "red_tax_share"}
    assert red_of(blue, reason=RedReason.RETURN, earlier_reds=[first]).tax_fen == -13_005


def test_tax_alone_is_not_credited() -> None:
    blue = blue_of(SIMPLE)
    assert refused(blue, Credit(1, net_fen=0, tax_fen=1)) == {"net_fen": "red_nothing"}


def test_position_of_a_line_is_written_only_where_it_differs() -> None:
    blue = blue_of(MIXED)
    red = red_of(blue, reason=RedReason.RETURN)
    value: dict[str, Any] = red.to_json()
    for index, line in enumerate(value["lines"]):
        line["blue_line"] = index + 1
    assert parse_red(value, blue) == red
    value["lines"][0]["blue_line"] = 4
    with pytest.raises(DocumentError):
        parse_red(value, blue)


def test_invoice_of_others_is_not_credited_here() -> None:
    blue = replace(blue_of(SIMPLE), number="26442000000000000001")
    assert refused(blue) == {"original": "red_outside"}


def test_red_of_a_red_is_refused() -> None:
    red = red_of(blue_of(SIMPLE), reason=RedReason.RETURN).with_number(RED_NUMBER, DAY)
    assert refused(red) == {"original": "red_of_red"}
    second = replace(red, original=OriginalInvoice("", red.number))
    assert codes_of(second, red) == {"original": "red_of_red"}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"original": OriginalInvoice("", "94403260911000000009")}, {"original": "red_other_blue"}),
        ({"red_reason": None}, {"red_reason": "missing"}),
        ({"issued_on": date(2026, 11, 4)}, {"issued_on": "red_before_blue"}),
    ],
)
def test_red_head_follows_its_blue(change: dict[str, Any], found: dict[str, str]) -> None:
    blue = blue_of(SIMPLE)
    red = red_of(blue, reason=RedReason.RETURN, issued_on=DAY, slip="HZSQ20260918000001")
    assert codes_of(red, blue) == {}
    assert red.red_slip == "HZSQ20260918000001"
    assert codes_of(replace(red, **change), blue) == found


@pytest.mark.parametrize("role", ["seller", "buyer"])
@pytest.mark.parametrize("key", ["name", "tax_id"])
def test_parties_are_those_of_the_blue(role: str, key: str) -> None:
    blue = blue_of(SIMPLE)
    red = red_of(blue, reason=RedReason.RETURN)
    moved = replace(red, **{role: replace(getattr(red, role), address="新路 2 号")})
    assert codes_of(moved, blue) == {}
    other = replace(red, **{role: replace(getattr(red, role), **{key: "91440300MA5ECKW07B"})})
    assert codes_of(other, blue) == {f"{role}.{key}": "red_party"}


def test_kind_is_that_of_the_blue() -> None:
    blue = blue_of(SIMPLE)
    value = red_of(blue, reason=RedReason.RETURN).to_json() | {"kind": "ordinary"}
    with pytest.raises(DocumentError) as caught:
        parse_red(value, blue)
    assert [problem.code for problem in caught.value.problems] == ["red_kind"]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"rate_bp": 600, "tax_fen": -6_000}, "lines.0.rate_bp", "red_rate"),
        ({"name": "别的"}, "lines.0.name", "red_line_differs"),
        ({"tax_code": "3040203000000000000"}, "lines.0.tax_code", "red_line_differs"),
        ({"unit": "箱"}, "lines.0.unit", "red_line_differs"),
        ({"blue_line": 2}, "lines.0.blue_line", "red_line_unknown"),
        ({"quantity": "-11", "price": "90.9090909090909"}, "lines.0.quantity", "red_more_quantity"),
        ({"price": "-100"}, "lines.0.price", "price_sign"),
        ({"quantity": "10"}, "lines.0.quantity", "line_sign"),
        ({"tax_fen": -13_006}, "lines.0.tax_fen", "red_more_tax"),
    ],
)
def test_red_line_follows_its_blue_line(change: dict[str, Any], path: str, code: str) -> None:
    blue = blue_of(SIMPLE)
    red = red_of(blue, reason=RedReason.RETURN)
    value: dict[str, Any] = red.to_json()
    value["lines"][0] |= change
    value["tax_fen"] = value["lines"][0]["tax_fen"]
    value["gross_fen"] = value["net_fen"] + value["tax_fen"]
    del value["gross_in_words"]
    with pytest.raises(DocumentError) as caught:
        parse_red(value, blue)
    assert (path, code) in {(problem.path, problem.code) for problem in caught.value.problems}


def test_sums_of_a_red_are_its_own_lines() -> None:
    blue = blue_of(SIMPLE)
    value = red_of(blue, reason=RedReason.RETURN).to_json()
    value["net_fen"], value["gross_fen"] = -100_001, -113_001
    with pytest.raises(DocumentError) as caught:
        parse_red(value, blue)
    assert {problem.code for problem in caught.value.problems} == {"total_net", "words_differ"}


def test_partial_red_has_no_discount_lines() -> None:
    blue = blue_of(MIXED)
    value: dict[str, Any] = red_of(blue, reason=RedReason.RETURN).to_json()
    value["lines"] = value["lines"][:3]
    net, tax = (sum(line[key] for line in value["lines"]) for key in ("net_fen", "tax_fen"))
    value |= {"net_fen": net, "tax_fen": tax, "gross_fen": net + tax, "gross_in_words": ""}
    with pytest.raises(DocumentError) as caught:
        parse_red(value, blue)
    assert {"red_line_nature", "red_line_discount"} <= {problem.code for problem in caught.value.problems}


def test_fields_of_a_red_are_refused_on_a_blue() -> None:
    for path, value in (
        ("red_reason", draft(SIMPLE, red_reason=2)),
        ("red_slip", draft(SIMPLE, red_slip="x")),
        ("lines.0.blue_line", draft([SIMPLE[0] | {"blue_line": 2}])),
    ):
        with pytest.raises(DocumentError) as caught:
            parse_document(value)
        assert [(problem.path, problem.code) for problem in caught.value.problems] == [(path, "red_only")]


@pytest.mark.parametrize("reason", [0, 5, "2", True, None])
def test_unknown_reason_is_refused(reason: object) -> None:
    blue = blue_of(SIMPLE)
    with pytest.raises(DocumentError) as caught:
        parse_red(red_of(blue, reason=RedReason.RETURN).to_json() | {"red_reason": reason}, blue)
    assert {problem.path for problem in caught.value.problems} == {"red_reason"}


def test_blue_document_is_no_red() -> None:
    blue = blue_of(SIMPLE)
    assert codes_of(blue, blue) == {"colour": "not_red"}


def test_earlier_reds_of_another_invoice_are_refused() -> None:
    blue, other = blue_of(SIMPLE), blue_of(SIMPLE, number=BLUE_NUMBER + 7)
    assert refused(blue, earlier=(red_of(other, reason=RedReason.RETURN),)) == {"original": "red_other_blue"}


def test_invoice_of_one_fen_is_credited() -> None:
    blue = blue_of([{"name": "x", "net_fen": 1, "rate_bp": 1300, "tax_fen": 0}])
    red = red_of(blue, reason=RedReason.RETURN)
    assert (red.gross_fen, red.gross_in_words) == (-1, "（负数）壹分")
    assert refused(blue, earlier=(red,)) == {"lines": "red_nothing"}


def test_returning_only_lines_that_were_rounded_up_is_possible() -> None:
    line = {"name": "x", "net_fen": 50, "rate_bp": 1300, "tax_fen": 7}
    blue = blue_of([line | {"tax_fen": 7 if index % 2 else 6} for index in range(LINES_MAX)])
    red = part_of(blue, *(Credit(number) for number in range(2, LINES_MAX + 1, 2)))
    assert red.tax_fen == -7 * LINES_MAX // 2
    assert parse_red(red.to_json(), blue) == red


def test_longest_reds_fit_the_commitment() -> None:
    full = {
        "name": "x", "tax_code": "1060105040000000000", "specification": "A4", "unit": "箱", "quantity": "1",
        "price": "100", "net_fen": 10_000, "rate_bp": 1300, "tax_fen": 1_300, "rate_mark": "difference",
    }  # fmt: skip
    lines = []
    for _ in range(LINES_MAX // 2):
        lines += [full | {"nature": 2}, full | {"nature": 1, "net_fen": -5_000, "tax_fen": -650, "quantity": "-1"}]
    for line in lines[1::2]:
        line |= {"price": "50"}
    blue = blue_of(lines)
    whole = red_of(blue, reason=RedReason.ISSUED_IN_ERROR)
    numbers = range(LINES_MAX - 1, 0, -2)
    part = part_of(blue, *(Credit(number, quantity="1") for number in numbers))
    for red in (whole, part):
        assert len(leaves(red.with_number(RED_NUMBER, DAY).to_json())) <= LEAVES_MAX
    assert part.gross_fen == whole.gross_fen


@given(blue_invoices())
def test_full_red_and_its_blue_add_up_to_nothing(blue: InvoiceDocument) -> None:
    red = red_of(blue, reason=RedReason.ISSUED_IN_ERROR)
    for key in ("net_fen", "tax_fen", "gross_fen"):
        assert getattr(red, key) == -getattr(blue, key)
    assert parse_red(red.to_json(), blue) == red
    assert all(line.is_used_up for line in lines_left(blue, [red]).values())


@given(blue_invoices(tax_off_max_fen=5), st.data())
def test_partial_reds_never_exceed_and_the_last_takes_the_rest(blue: InvoiceDocument, data: st.DataObject) -> None:
    reds: list[InvoiceDocument] = []
    for _ in range(data.draw(st.integers(1, 5))):
        open_lines = [left for left in lines_left(blue, reds).values() if left.net_fen > 0]
        if not open_lines:
            break
        chosen = data.draw(st.lists(st.sampled_from(open_lines), min_size=1, unique_by=lambda one: one.number))
        parts = [Credit(left.number, net_fen=data.draw(st.integers(1, left.net_fen))) for left in chosen]
        red = part_of(blue, *parts, earlier=tuple(reds))
        assert parse_red(red.to_json(), blue, reds) == red
        reds.append(red)
    left_fen = sum(left.net_fen + left.tax_fen for left in lines_left(blue, reds).values())
    assert left_fen >= 0
    if left_fen:
        reds.append(red_of(blue, reason=RedReason.RETURN, earlier_reds=reds))
    for key in ("net_fen", "tax_fen", "gross_fen"):
        assert sum(getattr(red, key) for red in reds) == -getattr(blue, key)
    with pytest.raises(DocumentError):
        red_of(blue, reason=RedReason.RETURN, earlier_reds=reds)
    with pytest.raises(DocumentError):
        parse_red(reds[-1].to_json(), blue, reds)
