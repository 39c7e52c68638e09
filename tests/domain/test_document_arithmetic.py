from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger.domain.document import check_issuable, parse_document, parse_issuable, parse_outside
from ledger.domain.errors import DocumentError
from ledger.domain.invoice import InvoiceColour


def codes(value: dict[str, Any]) -> dict[str, str]:
    """Code by path of the problems `value` has; empty when it is sound."""
    try:
        parse_document(value)
    except DocumentError as err:
        return {problem.path: problem.code for problem in err.problems}
    return {}


def with_line(value: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The one-line document with these line fields, its totals following."""
    line = value["lines"][0]
    line |= fields
    value |= {"net_fen": line["net_fen"], "tax_fen": line["tax_fen"], "gross_fen": line["net_fen"] + line["tax_fen"]}
    value["gross_in_words"] = ""
    return value


@pytest.mark.parametrize(("tax_fen", "sound"), [(1294, True), (1306, True), (1293, False), (1307, False)])
def test_tax_of_a_line_may_be_six_fen_off(one_line: dict[str, Any], tax_fen: int, sound: bool) -> None:
    expected = {} if sound else {"lines.0.tax_fen": "line_tax"}
    assert codes(with_line(one_line, tax_fen=tax_fen)) == expected


@pytest.mark.parametrize(
    ("quantity", "price", "sound"),
    [
        ("1", "100", True),
        ("3", "33.3333333333333", True),
        ("1", "100.01", True),
        ("1", "99.99", True),
        ("1", "100.0100000000001", False),
        ("1", "99.9899999999999", False),
        ("7", "14.2857142857143", True),
        ("2", "100", False),
        ("", "100000", True),
        ("5", "", True),
    ],
)
def test_product_may_be_one_fen_off(one_line: dict[str, Any], quantity: str, price: str, sound: bool) -> None:
    expected = {} if sound else {"lines.0.net_fen": "line_product"}
    assert codes(with_line(one_line, quantity=quantity, price=price)) == expected


def test_document_tax_error_may_add_up_to_127_fen(one_line: dict[str, Any]) -> None:
    line = one_line["lines"][0]

    def document(errors: list[int]) -> dict[str, Any]:
        lines = [line | {"tax_fen": 1300 + error} for error in errors]
        net, tax = 10000 * len(lines), sum(one["tax_fen"] for one in lines)
        return one_line | {"lines": lines, "net_fen": net, "tax_fen": tax, "gross_fen": net + tax, "gross_in_words": ""}

    assert codes(document([6] * 21 + [1])) == {}
    assert codes(document([6] * 21 + [2])) == {"tax_fen": "tax_error_sum"}
    assert codes(document([-6] * 21 + [-2])) == {"tax_fen": "tax_error_sum"}
    assert codes(document([6, -6] * 30)) == {}


def test_honestly_rounded_long_invoice_is_sound(one_line: dict[str, Any]) -> None:
    lines = [
        {"name": "x", "net_fen": net, "rate_bp": 1300, "tax_fen": (net * 1300 + 5000) // 10_000}
        for net in range(1, 2001)
    ]
    net, tax = sum(line["net_fen"] for line in lines), sum(line["tax_fen"] for line in lines)
    one_line |= {"lines": lines, "net_fen": net, "tax_fen": tax, "gross_fen": net + tax, "gross_in_words": ""}
    assert codes(one_line) == {}


def test_line_of_one_fen_is_sound(one_line: dict[str, Any]) -> None:
    assert codes(with_line(one_line, net_fen=1, tax_fen=0)) == {}
    assert codes(with_line(one_line, net_fen=1, tax_fen=7)) == {"lines.0.tax_fen": "line_tax"}


def test_line_of_nothing_is_sound(one_line: dict[str, Any]) -> None:
    assert codes(with_line(one_line, net_fen=0, tax_fen=0, quantity="0", price="0")) == {}


@pytest.mark.parametrize("mark", ["exempt", "not_taxable", "zero"])
def test_untaxed_line_has_neither_rate_nor_tax(one_line: dict[str, Any], mark: str) -> None:
    assert codes(with_line(one_line, rate_bp=0, tax_fen=0, rate_mark=mark)) == {}
    assert codes(with_line(one_line, rate_bp=0, tax_fen=1, rate_mark=mark)) == {"lines.0": "mark_forbids_rate"}
    assert codes(with_line(one_line, rate_bp=600, tax_fen=0, rate_mark=mark)) == {"lines.0": "mark_forbids_rate"}


def test_rate_zero_needs_its_mark(one_line: dict[str, Any]) -> None:
    assert codes(with_line(one_line, rate_bp=0, tax_fen=0)) == {"lines.0.rate_bp": "rate_needs_mark"}


def test_difference_is_taxed_on_less_than_the_net(one_line: dict[str, Any]) -> None:
    assert codes(with_line(one_line, rate_bp=600, tax_fen=57))["lines.0.tax_fen"] == "line_tax"
    assert codes(with_line(one_line, rate_bp=600, tax_fen=57, rate_mark="difference")) == {}
    assert codes(with_line(one_line, rate_bp=0, tax_fen=57, rate_mark="difference")) == {}
    assert codes(with_line(one_line, rate_bp=600, tax_fen=607)) == {"lines.0.tax_fen": "difference_tax"}
    assert codes(with_line(one_line, rate_bp=0, tax_fen=10007)) == {"lines.0.tax_fen": "difference_tax"}


@pytest.mark.parametrize("rate_bp", [50, 100, 150, 300, 500, 600, 900, 1300])
def test_rates_in_force_are_issued(one_line: dict[str, Any], rate_bp: int) -> None:
    parse_issuable(with_line(one_line, rate_bp=rate_bp, tax_fen=rate_bp))


def test_old_rate_is_read_and_not_issued(one_line: dict[str, Any]) -> None:
    document = parse_document(with_line(one_line, rate_bp=1700, tax_fen=1700))
    with pytest.raises(DocumentError) as caught:
        check_issuable(document)
    assert [problem.code for problem in caught.value.problems] == ["rate_unknown"]
    assert "17.00" in caught.value.problems[0].message_en


@pytest.mark.parametrize(
    ("path", "code"), [("net_fen", "total_net"), ("tax_fen", "total_tax"), ("gross_fen", "total_gross")]
)
def test_totals_match_to_the_fen(plain: dict[str, Any], path: str, code: str) -> None:
    plain["gross_in_words"] = ""
    plain[path] += 1
    assert codes(plain)[path] == code


@pytest.mark.parametrize("words", ["肆佰捌拾捌圆伍角陆分", "肆佰捌拾捌元伍角陆分整", "人民币肆佰捌拾捌元伍角陆分"])
def test_words_are_compared_by_value(plain: dict[str, Any], words: str) -> None:
    plain["gross_in_words"] = words
    assert codes(plain) == {}


@pytest.mark.parametrize(("words", "code"), [("肆佰捌拾捌圆伍角柒分", "words_differ"), ("四百", "words_unreadable")])
def test_words_that_say_something_else_are_refused(plain: dict[str, Any], words: str, code: str) -> None:
    plain["gross_in_words"] = words
    assert codes(plain) == {"gross_in_words": code}


def retotal(value: dict[str, Any]) -> dict[str, Any]:
    net, tax = (sum(line[key] for line in value["lines"]) for key in ("net_fen", "tax_fen"))
    return value | {"net_fen": net, "tax_fen": tax, "gross_fen": net + tax, "gross_in_words": ""}


def test_discount_up_to_the_whole_line_is_sound(plain: dict[str, Any]) -> None:
    plain["lines"][2] |= {"net_fen": -20000, "tax_fen": -2600}
    assert codes(retotal(plain)) == {}
    plain["lines"][2] |= {"net_fen": -20001, "tax_fen": -2600}
    assert codes(retotal(plain)) == {"lines.2.net_fen": "discount_too_large"}


def test_discount_is_negative(plain: dict[str, Any]) -> None:
    plain["lines"][2] |= {"net_fen": 5000, "tax_fen": 650}
    assert codes(retotal(plain)) == {"lines.2.net_fen": "line_sign", "lines.2.tax_fen": "line_sign"}


def test_discount_follows_the_line_it_discounts(plain: dict[str, Any]) -> None:
    first, discounted, discount = plain["lines"]
    plain["lines"] = [discount, first, discounted]
    assert codes(plain) == {"lines.0.nature": "discount_alone", "lines.2.nature": "discount_missing"}
    plain["lines"] = [discounted, first, discount]
    assert codes(plain) == {"lines.0.nature": "discount_missing", "lines.2.nature": "discount_alone"}


def test_discount_has_the_rate_of_its_line(plain: dict[str, Any]) -> None:
    plain["lines"][2] |= {"rate_bp": 600, "tax_fen": -300}
    assert codes(retotal(plain)) == {"lines.2.rate_bp": "discount_rate"}


def test_negative_line_that_is_no_discount_is_refused(plain: dict[str, Any]) -> None:
    plain["lines"][1]["nature"] = plain["lines"][2]["nature"] = 0
    assert codes(plain) == {"lines.2.net_fen": "line_sign", "lines.2.tax_fen": "line_sign"}


def test_price_is_never_negative(one_line: dict[str, Any]) -> None:
    found = codes(with_line(one_line, quantity="-1", price="-100"))
    assert found == {"lines.0.quantity": "line_sign", "lines.0.price": "price_sign"}


def test_red_document_is_parsed_and_never_issued(red: dict[str, Any]) -> None:
    document = parse_document(red)
    assert document.colour is InvoiceColour.RED
    assert parse_document(document.to_json()) == document
    with pytest.raises(DocumentError) as caught:
        check_issuable(document)
    assert {problem.code for problem in caught.value.problems} == {"red_not_issued", "number_not_ours"}
    del red["number"]
    with pytest.raises(DocumentError) as caught:
        parse_document(red).with_number(9 * 10**19, date(2026, 11, 5))
    assert [problem.code for problem in caught.value.problems] == ["red_not_issued"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"original": None}, {"original": "not_an_object"}),
        ({"original": {"code": "144031809110", "number": "26442000000000000000"}}, {"original": "original_form"}),
        ({"original": {"number": "12345678"}}, {"original": "original_form"}),
        ({"original": {}}, {"original.number": "missing"}),
        ({"original": {"code": "144031809110", "number": "12345678"}}, {}),
        ({"original": {"code": "3100153130", "number": "12345678"}}, {}),
    ],
)
def test_red_document_names_its_blue_one(red: dict[str, Any], change: dict[str, Any], found: dict[str, str]) -> None:
    assert codes(red | change) == found


def test_red_document_without_original_is_refused(red: dict[str, Any]) -> None:
    del red["original"]
    assert codes(red) == {"original": "original_missing"}


def test_colour_and_signs_agree(red: dict[str, Any], plain: dict[str, Any]) -> None:
    assert codes(red | {"colour": "blue"})["gross_fen"] == "colour_sign"
    assert codes(plain | {"colour": "red"})["gross_fen"] == "colour_sign"
    assert codes(plain | {"original": {"number": "26442000000000000000"}}) == {"original": "original_unexpected"}


def test_outside_document_may_have_wrong_ids_and_no_lines(red: dict[str, Any]) -> None:
    red["lines"] = []
    red["seller"]["tax_id"] = "91XXXXXXXXXXXXXX1A"
    outside = parse_outside(red)
    assert outside.document.lines == ()
    assert [(warning.path, warning.code) for warning in outside.warnings] == [("seller.tax_id", "uscc_check")]
    assert codes(red) == {"lines": "lines_missing", "seller.tax_id": "uscc_check"}
    red["tax_fen"] += 1
    with pytest.raises(DocumentError) as caught:
        parse_outside(red)
    assert [problem.code for problem in caught.value.problems] == ["total_gross"]


def test_nothing_is_not_issued(one_line: dict[str, Any]) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_issuable(with_line(one_line, net_fen=0, tax_fen=0))
    assert [problem.code for problem in caught.value.problems] == ["gross_zero"]


def test_special_invoice_names_its_buyers_tax_id(one_line: dict[str, Any]) -> None:
    one_line["buyer"] = {"name": "个人"}
    with pytest.raises(DocumentError) as caught:
        parse_issuable(one_line)
    assert [problem.code for problem in caught.value.problems] == ["buyer_tax_id_missing"]
    parse_issuable(one_line | {"kind": "ordinary"})


def test_draft_gets_a_number_once_and_only_ours(one_line: dict[str, Any]) -> None:
    draft = parse_issuable(one_line)
    numbered = draft.with_number("94403260911000000001", date(2026, 11, 5))
    assert numbered.number_key == 94403260911000000001
    assert numbered.month == 26 * 12 + 10
    check_issuable(numbered)
    with pytest.raises(DocumentError):
        numbered.with_number(94403260911000000002, date(2026, 11, 5))
    with pytest.raises(DocumentError):
        draft.with_number(26442000000000000001, date(2026, 11, 5))
    with pytest.raises(DocumentError):
        _ = draft.month
