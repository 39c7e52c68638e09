"""Numbers, dates and rates as real programs print them: read where they can mean one thing, refused where not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.decimals import SCALE, canonical_decimal, format_yuan, parse_yuan, scaled
from ledger.formats import FieldsRefusedError, read_typed, read_xml
from ledger.formats.numerals import plain_number, printed_number, rounded_decimal
from ledger.formats.originals import original_in_note
from ledger.formats.xml_fields import read_date, read_rate

XmlWith = Callable[..., bytes]


@given(st.integers(min_value=-(10**16), max_value=10**16), st.sampled_from(["", "¥", "￥", "¥ "]), st.booleans())
def test_an_amount_survives_its_grouping_currency_and_width(fen: int, currency: str, wide: bool) -> None:
    printed = f"{'-' if fen < 0 else ''}{currency}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
    if wide:
        printed = "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in printed)
    assert parse_yuan(plain_number(printed)) == fen


@given(st.text(max_size=70))
def test_any_text_is_brought_to_some_text(text: str) -> None:
    assert isinstance(printed_number(text), str)
    assert plain_number(plain_number(text)) == plain_number(text)


@pytest.mark.parametrize(
    ("text", "fen"),
    [("1,234.50", 123450), ("1 234.50元", 123450), (".5", 50), ("100.", 10000), ("-¥1,000", -100000), ("−5", -500)],
)
def test_a_number_that_can_mean_one_thing_is_read(text: str, fen: int) -> None:
    assert parse_yuan(plain_number(text)) == fen


@pytest.mark.parametrize("text", ["12,50", "1,23,4.00", "1234,", ",123", "1.234,50", "1,234 567", "(5)", "1E3", "--5"])
def test_a_number_that_can_mean_two_things_is_refused(text: str) -> None:
    assert parse_yuan(plain_number(text)) is None


def test_an_exponent_is_read_from_programs_alone() -> None:
    assert printed_number("1.6E+4") == "16000"
    assert printed_number("1E-3") == "0.001"
    assert plain_number("1.6E+4") == "1.6E+4"


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1), st.text("0123456789", min_size=14, max_size=30))
def test_rounding_keeps_the_nearest_of_what_can_be_kept(whole: int, places: str) -> None:
    text = f"{whole}.{places}"
    rounded = rounded_decimal(text)
    if canonical_decimal(text) is not None:
        assert rounded is None
    elif rounded is not None:
        exact = abs(int(f"{abs(whole)}{places}"))
        assert abs(abs(scaled(rounded)) * 10 ** len(places) - exact * SCALE) * 2 <= 10 ** len(places)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20260131", "2026-01-31"),
        ("20260131235959", "2026-01-31"),
        ("2026.1.31", "2026-01-31"),
        ("2026年01月31日10:00", "2026-01-31"),
        ("2026年1月31日 10时08分05秒", "2026-01-31"),
        ("2026-01-31T10:00:00.123+08:00", "2026-01-31"),
        ("2026-01-31T15:59:59Z", "2026-01-31"),
        ("2026-01-31T16:00:00Z", "2026-02-01"),
        ("２０２６-01-31", "2026-01-31"),
    ],
)
def test_a_date_is_the_day_in_china_however_it_is_printed(text: str, day: str) -> None:
    assert read_date(text) == day


@pytest.mark.parametrize(
    "text",
    ["2026-01-31 / 2026-02-01", "2026013", "260131", "31/01/2026", "2026-13-01", "2026-01-311", "2026-01-31T25:00:00Z"],
)
def test_a_text_that_is_not_one_day_is_no_date(text: str) -> None:
    assert read_date(text) is None


def test_a_rate_above_one_is_a_percentage() -> None:
    assert read_rate("13", 0) == read_rate("0.13", 0) == read_rate("１３％", 0) == read_rate(".13", 0)
    assert read_rate("101", 0) is None


@pytest.mark.parametrize("stars", ["***", "", "—"])
def test_an_exempt_invoice_may_print_stars_for_its_whole_tax(xml_with: XmlWith, stars: str) -> None:
    exempt = (
        ("0.06<", "免税<"),
        ("<ComTaxAm>18.06<", "<ComTaxAm>***<"),
        ("<TotalTaxAm>18.06<", f"<TotalTaxAm>{stars}<"),
        ("319.06", "301.00"),
        ("叁佰壹拾玖圆零陆分", "叁佰零壹圆整"),
    )
    assert read_xml(xml_with(*exempt)).tax_fen == 0
    with pytest.raises(FieldsRefusedError) as caught:  # stars where the lines do have a tax
        read_xml(xml_with(("<TotalTaxAm>18.06<", f"<TotalTaxAm>{stars}<")))
    assert "total_tax" in {problem.code for problem in caught.value.problems}


def test_a_price_of_more_decimals_than_are_kept_is_rounded_with_a_warning(xml_with: XmlWith) -> None:
    invoice = read_xml(xml_with(("100.3333333333333<", "100.33333333333333333<")))
    assert invoice.document is not None
    assert invoice.document.lines[0].price == "100.3333333333333"
    assert ("lines.0.price", "decimal_rounded") in {(one.path, one.code) for one in invoice.warnings}
    assert "decimal_rounded" not in {one.code for one in read_xml(xml_with()).warnings}


def test_a_discount_with_quantity_and_price_of_nothing_is_read(xml_with: XmlWith, line_xml: str) -> None:
    discount = line_xml
    for old, new in (("<Quantity>3<", "<Quantity>0<"), ("100.3333333333333<", "0<"), ("301.00", "-1.00")):
        discount = discount.replace(old, new)
    discount = discount.replace("18.06", "-0.06")
    totals = (
        ("<TotalAmWithoutTax>301.00", "<TotalAmWithoutTax>300.00"),
        ("<TotalTaxAm>18.06", "<TotalTaxAm>18.00"),
        ("319.06", "318.00"),
        ("叁佰壹拾玖圆零陆分", "叁佰壹拾捌圆整"),
    )
    invoice = read_xml(xml_with(*totals, (line_xml, line_xml + discount)))
    assert invoice.document is not None
    assert [line.nature.value for line in invoice.document.lines] == [2, 1]
    odd = discount.replace("<UnPrice>0<", "<UnPrice>5<").replace("<Quantity>0<", "<Quantity>-1<")
    with pytest.raises(FieldsRefusedError):
        read_xml(xml_with(*totals, (line_xml, line_xml + odd)))


@pytest.mark.parametrize(
    ("note", "code", "number"),
    [
        ("被红冲蓝字数电发票号码：26442000000000000001 红字", "", "26442000000000000001"),
        ("被红冲蓝字发票号码:26442000000000000001", "", "26442000000000000001"),
        ("对应正数发票代码:044001900111号码:12345678", "044001900111", "12345678"),
        ("被红冲蓝字发票代码：044001900111 被红冲蓝字发票号码：12345678", "044001900111", "12345678"),
    ],
)
def test_a_remark_names_the_blue_invoice(note: str, code: str, number: str) -> None:
    assert original_in_note(note) == {"code": code, "number": number}
    assert original_in_note(note + "9") is None or not note.endswith(number)
    assert original_in_note(note.replace("号码", "号")) is None


def test_a_typed_amount_with_a_comma_for_the_point_is_refused() -> None:
    fields = {"number": "26442000000000000001", "issued_on": "2026-11-05"}
    assert read_typed({**fields, "gross": "1,250.00"}).gross_fen == 125_000
    with pytest.raises(FieldsRefusedError) as caught:
        read_typed({**fields, "gross": "12,50"})
    assert [problem.code for problem in caught.value.problems] == ["amount_unreadable"]


def test_fen_are_printed_as_they_are_read() -> None:
    assert format_yuan(parse_yuan(plain_number("¥1,234.50")) or 0) == "1234.50"
