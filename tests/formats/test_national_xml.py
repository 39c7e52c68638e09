from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.decimals import format_yuan, parse_yuan
from ledger.domain.document import parse_document, parse_issuable
from ledger.domain.errors import DocumentError
from ledger.domain.invoice import InvoiceColour, InvoiceKind, PartyDetails, RateMark
from ledger.formats import FieldsRefusedError, FileRefusedError, FormatError, Source, read_file, read_xml
from ledger.formats.xml_fields import read_date, read_rate

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples" / "xml"
with_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample folder ../shared/samples is not there")
XmlWith = Callable[..., bytes]
SELLER = PartyDetails("深圳示例软件有限公司", "91310117759596321B")
BUYER = PartyDetails("上海示例科技有限公司", "91310112703255042R")


def refused(data: bytes) -> dict[str, str]:
    with pytest.raises(FieldsRefusedError) as caught:
        read_xml(data)
    assert all(problem.message_en and problem.message_zh for problem in caught.value.problems)
    return {problem.path: problem.code for problem in caught.value.problems}


@with_samples
@pytest.mark.parametrize(
    ("name", "fen", "number", "day"),
    [
        ("mof-official-gd-special.xml", (200, 12, 212), "23440000000000100001", date(2023, 2, 23)),
        ("einvoice-xml2pdf-demo.xml", (1584158, 15842, 1600000), "01234567890123456789", date(2024, 1, 24)),
        ("file-toolbox-sample_einvoice.xml", (100000, 13000, 113000), "99990000000000000001", date(2026, 5, 19)),
        ("synthetic-red-letter-cn.xml", (-250000, -15000, -265000), "26110000000000100004", date(2026, 9, 18)),
    ],
)
def test_real_files_parse_to_their_amounts(name: str, fen: tuple[int, int, int], number: str, day: date) -> None:
    invoice = read_file((SAMPLES / name).read_bytes(), name)
    assert (invoice.net_fen, invoice.tax_fen, invoice.gross_fen) == fen
    assert (invoice.number, invoice.issued_on, invoice.file_name) == (number, day, name)
    masked = {warning.path for warning in invoice.warnings if warning.path.endswith("tax_id")}
    assert masked == {"seller.tax_id", "buyer.tax_id"}


@with_samples
@pytest.mark.parametrize(
    "name", ["mof-official-gd-special.xml", "einvoice-xml2pdf-demo.xml", "file-toolbox-sample_einvoice.xml"]
)
def test_real_blue_files_are_issued_again_with_the_sellers_own_parties(name: str) -> None:
    invoice = read_file((SAMPLES / name).read_bytes())
    draft = parse_issuable(invoice.draft(seller=SELLER, buyer=BUYER))
    assert draft.is_draft
    assert draft.issued_on is None
    assert draft.gross_fen == invoice.gross_fen
    assert draft.with_number(94403260911000000001, date(2026, 11, 5)).lines == invoice.document.lines
    with pytest.raises(DocumentError):
        parse_issuable(invoice.draft())


@with_samples
def test_real_demo_keeps_its_ten_decimals() -> None:
    document = read_file((SAMPLES / "einvoice-xml2pdf-demo.xml").read_bytes()).document
    assert document.lines[0].price == "15841.5841584158"
    assert document.lines[0].rate_bp == 100
    assert document.kind is InvoiceKind.SPECIAL
    assert document.seller.account == "012345678901234"


@with_samples
def test_real_zero_line_is_read() -> None:
    invoice = read_file((SAMPLES / "file-toolbox-sample_einvoice.xml").read_bytes())
    assert [line.net_fen for line in invoice.document.lines] == [100000, 0]
    assert "number_in_our_space" in {warning.code for warning in invoice.warnings}


@with_samples
def test_red_file_names_its_blue_one_and_is_not_issued() -> None:
    invoice = read_file((SAMPLES / "synthetic-red-letter-cn.xml").read_bytes())
    assert invoice.source is Source.FLAT_XML
    assert invoice.colour is InvoiceColour.RED
    assert (invoice.original.code, invoice.original.number) == ("", "24110000000000100003")
    assert invoice.red_slip == "HZSQ20260918000001"
    with pytest.raises(DocumentError) as caught:
        parse_issuable(invoice.draft(seller=SELLER, buyer=BUYER))
    assert "red_not_issued" in {problem.code for problem in caught.value.problems}


def test_sound_file_is_read_whole(xml_with: XmlWith) -> None:
    invoice = read_xml(xml_with())
    assert invoice.source is Source.NATIONAL_XML
    assert invoice.warnings == ()
    document = invoice.document
    assert parse_document(document.to_json()) == document
    assert (document.seller.address, document.note, document.drawer) == ("示例路 1 号", "合同 7", "张三")
    assert invoice.issued_on == date(2026, 11, 5)
    assert parse_issuable(invoice.draft()).lines == document.lines


def test_seller_and_buyer_are_never_swapped(xml_with: XmlWith) -> None:
    data = xml_with().decode()
    seller = data[data.index("<SellerInformation>") : data.index("<BuyerInformation>")]
    reordered = data.replace(seller, "").replace("<BasicInformation>", seller + "<BasicInformation>")
    assert read_xml(reordered.encode()).document.seller == read_xml(xml_with()).document.seller


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("utf-8", "utf-16"),
        ("gb18030", "GB18030"),
        ("gbk", "cp936"),
        ("gbk", "gbk"),
        ("gb2312", "GB2312"),
    ],
)
def test_declared_encodings_are_read(xml_with: XmlWith, encoding: str, declared: str) -> None:
    data = xml_with(('encoding="utf-8"', f'encoding="{declared}"'), encoding=encoding)
    assert read_file(data).document == read_xml(xml_with()).document


@pytest.mark.parametrize(
    ("encoding", "declared", "code"),
    [
        ("gb18030", "utf-8", "encoding_wrong"),
        ("utf-8", "iso-8859-1", "encoding_unknown"),
        ("utf-8", "utf-7", "encoding_unknown"),
        ("utf-8", "gbk", "encoding_differs"),
        ("utf-32", "utf-32", "encoding_unknown"),
    ],
)
def test_other_encodings_are_refused_by_name(xml_with: XmlWith, encoding: str, declared: str, code: str) -> None:
    with pytest.raises(FileRefusedError) as caught:
        read_file(xml_with(('encoding="utf-8"', f'encoding="{declared}"'), encoding=encoding))
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize(
    ("old", "new", "path", "code"),
    [
        (">301.00</Amount>", ">301,00</Amount>", "lines.0.net_fen", "amount_unreadable"),
        (">301.00</Amount>", "></Amount>", "lines.0.net_fen", "amount_unreadable"),
        (">18.06</ComTaxAm>", ">18.061</ComTaxAm>", "lines.0.tax_fen", "amount_unreadable"),
        (">18.06</ComTaxAm>", ">81.06</ComTaxAm>", "lines.0.tax_fen", "line_tax"),
        (">0.06</TaxRate>", ">600</TaxRate>", "lines.0.rate_bp", "rate_unreadable"),
        (">0.06</TaxRate>", ">0.060001</TaxRate>", "lines.0.rate_bp", "rate_unreadable"),
        (">3</Quantity>", ">三</Quantity>", "lines.0.quantity", "decimal_form"),
        (">3</Quantity>", ">4</Quantity>", "lines.0.net_fen", "line_product"),
        ("<ItemName>*信息技术服务*软件维护</ItemName>", "", "lines.0.name", "text_empty"),
        (">319.06</TotalTax-included", ">319.07</TotalTax-included", "gross_fen", "total_gross"),
        ("叁佰壹拾玖圆零陆分", "叁佰壹拾玖圆", "gross_in_words", "words_differ"),
        (">2026-11-05 00:01:00<", ">yesterday<", "issued_on", "date_unreadable"),
        ("<EIid>26442000000000000001", "<EIid>26442000000000000002", "number", "number_differs"),
        ("26442000000000000001", "1234", "number", "number_form"),
        ("<LabelCode>01<", "<LabelCode>07<", "kind", "kind_unreadable"),
        ("<LabelCode>Y<", "<LabelCode>N<", "colour", "colour_differs"),
        ("<SellerName>", "<SellerName>x</SellerName><SellerName>", "", "element_repeated"),
        ("<Amount>", "<Amount>1.00</Amount><Amount>", "lines.0", "element_repeated"),
        ("BuyerInformation", "Other", "", "element_missing"),
    ],
)
def test_wrong_field_is_named(xml_with: XmlWith, old: str, new: str, path: str, code: str) -> None:
    assert refused(xml_with((old, new)))[path] == code


def test_all_wrong_fields_are_named_at_once(xml_with: XmlWith) -> None:
    found = refused(xml_with((">301.00</Amount>", ">x</Amount>"), (">0.06<", ">x<"), ("2026-11-05 00:01:00", "x")))
    assert found == {
        "lines.0.net_fen": "amount_unreadable",
        "lines.0.rate_bp": "rate_unreadable",
        "issued_on": "date_unreadable",
    }


def test_masked_ids_are_warnings_and_are_checked_again_on_issue(xml_with: XmlWith) -> None:
    data = xml_with(
        ("91310117759596321B", "018012345678901234"),
        ("91310112703255042R", "91XXXXXXXXXXXXXX1A"),
        ("3040203000000000000", "0" * 19),
    )
    invoice = read_xml(data)
    assert {warning.path: warning.code for warning in invoice.warnings} == {
        "lines.0.tax_code": "tax_code_masked",
        "seller.tax_id": "uscc_check",
        "buyer.tax_id": "uscc_check",
    }
    parse_issuable(invoice.draft(seller=SELLER, buyer=BUYER))
    with pytest.raises(DocumentError):
        parse_issuable(invoice.draft(seller=SELLER))


def replaced_line(xml_with: XmlWith, line_xml: str, lines: str, net: str, tax: str, gross: str) -> bytes:
    return xml_with(
        (line_xml, lines),
        ("叁佰壹拾玖圆零陆分", ""),
        (">319.06<", f">{gross}<"),
        ("TotalAmWithoutTax>301.00<", f"TotalAmWithoutTax>{net}<"),
        ("TotalTaxAm>18.06<", f"TotalTaxAm>{tax}<"),
    )


def bare_line(amount: str, rate: str, tax: str, more: str = "") -> str:
    return (
        f"<IssuItemInformation><ItemName>x</ItemName><Amount>{amount}</Amount><TaxRate>{rate}</TaxRate>"
        f"<ComTaxAm>{tax}</ComTaxAm>{more}</IssuItemInformation>"
    )


@pytest.mark.parametrize(
    ("rate", "tax", "mark", "warned"),
    [
        ("免税", "***", RateMark.EXEMPT, False),
        ("免税", "", RateMark.EXEMPT, False),
        ("不征税", "0.00", RateMark.NOT_TAXABLE, False),
        ("0", "***", RateMark.ZERO, False),
        ("0%", "0.00", RateMark.ZERO, False),
        ("***", "***", RateMark.EXEMPT, True),
        ("", "", RateMark.EXEMPT, True),
        ("***", "1.23", RateMark.DIFFERENCE, True),
        ("6%", "6.00", RateMark.RATE, False),
    ],
)
def test_printed_rates_are_told_apart(
    xml_with: XmlWith, line_xml: str, rate: str, tax: str, mark: RateMark, warned: bool
) -> None:
    total = tax if tax.replace(".", "").isdigit() else "0.00"
    gross = format_yuan(10000 + (parse_yuan(total) or 0))
    invoice = read_xml(replaced_line(xml_with, line_xml, bare_line("100.00", rate, tax), "100.00", total, gross))
    assert invoice.document.lines[0].rate_mark is mark
    assert ("rate_mark_assumed" in {warning.code for warning in invoice.warnings}) is warned


@pytest.mark.parametrize("named", [True, False])
def test_discount_lines_are_recognised(xml_with: XmlWith, line_xml: str, named: bool) -> None:
    nature = "<LineNature>{}</LineNature>" if named else ""
    lines = bare_line("100.00", "6%", "6.00", nature.format(2)) + bare_line("-10.00", "6%", "-0.60", nature.format(1))
    invoice = read_xml(replaced_line(xml_with, line_xml, lines, "90.00", "5.40", "95.40"))
    assert [line.nature.value for line in invoice.document.lines] == [2, 1]


def test_discount_larger_than_its_line_is_refused(xml_with: XmlWith, line_xml: str) -> None:
    lines = bare_line("100.00", "6%", "6.00") + bare_line("-110.00", "6%", "-6.60") + bare_line("100.00", "6%", "6.00")
    found = refused(replaced_line(xml_with, line_xml, lines, "90.00", "5.40", "95.40"))
    assert found["lines.1.net_fen"] == "discount_too_large"


@pytest.mark.parametrize(
    ("red_info", "note", "original", "slip"),
    [
        (
            {"OriginalInvoiceCode": "26442000000000000000", "CreditNoteNumber": "HZ7"},
            "",
            ("", "26442000000000000000"),
            "HZ7",
        ),
        ({"OriginalInvoiceCode": "144031809110", "CreditNoteNumber": "12345678"}, "", ("144031809110", "12345678"), ""),
        (
            {"OriginalInvoiceCode": "144031809110", "OriginalInvoiceNo": "12345678"},
            "",
            ("144031809110", "12345678"),
            "",
        ),
        ({}, "被红冲蓝字数电发票号码：26442000000000000000 确认单编号：HZ7", ("", "26442000000000000000"), ""),
    ],
)
def test_red_file_names_its_original_in_each_way(
    xml_with: XmlWith, line_xml: str, red_info: dict[str, str], note: str, original: tuple[str, str], slip: str
) -> None:
    line = bare_line("-100.00", "6%", "-6.00", "<Quantity>-2</Quantity><UnPrice>50</UnPrice>")
    data = replaced_line(xml_with, line_xml, line, "-100.00", "-6.00", "-106.00").decode()
    data = data.replace("<LabelCode>Y<", "<LabelCode>N<").replace("合同 7", note)
    red_xml = "".join(f"<{name}>{text}</{name}>" for name, text in red_info.items())
    data = data.replace("</BasicInformation>", f"</BasicInformation><RedEInvoice>{red_xml}</RedEInvoice>")
    invoice = read_xml(data.encode())
    assert invoice.colour is InvoiceColour.RED
    assert (invoice.original.code, invoice.original.number, invoice.red_slip) == (*original, slip)


def test_red_file_without_original_is_refused(xml_with: XmlWith, line_xml: str) -> None:
    data = replaced_line(xml_with, line_xml, bare_line("-100.00", "6%", "-6.00"), "-100.00", "-6.00", "-106.00")
    assert refused(data.replace(b"<LabelCode>Y<", b"<LabelCode>N<")) == {"original": "original_missing"}


def test_file_of_two_thousand_lines_is_read_and_one_more_is_not(xml_with: XmlWith, line_xml: str) -> None:
    line = bare_line("1.00", "6%", "0.06")
    invoice = read_xml(replaced_line(xml_with, line_xml, line * 2000, "2000.00", "120.00", "2120.00"))
    assert len(invoice.document.lines) == 2000
    more = replaced_line(xml_with, line_xml, line * 2001, "2001.00", "120.06", "2121.06")
    assert refused(more) == {"lines": "too_many_lines"}


def test_other_xml_is_no_invoice() -> None:
    with pytest.raises(FileRefusedError) as caught:
        read_xml(b"<Order/>")
    assert caught.value.problems[0].code == "xml_unknown"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b" \n\t ", "file_empty"),
        (b"%PDF-1.7", "view_damaged"),
        (b"PK\x03\x04....", "zip_broken"),
        (b"\x89PNG\r\n", "file_unknown"),
        (b"GIF89a", "file_is_view"),
        (b"\x80\x81\x82", "file_unknown"),
        (b"x" * 2000, "file_unknown"),
        (b"<EInvoice><Header>", "xml_syntax"),
    ],
)
def test_other_files_are_refused_by_what_they_are(data: bytes, code: str) -> None:
    with pytest.raises(FileRefusedError) as caught:
        read_file(data, "invoice.xml")
    assert [problem.code for problem in caught.value.problems] == [code]


@given(st.integers(0, 9999), st.booleans())
def test_any_rate_is_read_as_share_or_percentage(rate_bp: int, percent: bool) -> None:
    text = f"{rate_bp // 100}.{rate_bp % 100:02d}%" if percent else f"0.{rate_bp:04d}"
    found = read_rate(text, 0)
    assert found is not None
    assert found[0] == rate_bp


@given(st.dates(date(2000, 1, 1), date(2300, 1, 1)))
def test_any_date_is_read_in_its_usual_forms(day: date) -> None:
    for text in (f"{day:%Y-%m-%d}", f"{day:%Y-%m-%d} 23:59:59", f"{day.year}年{day:%m}月{day:%d}日", f"{day:%Y/%m/%d}"):
        assert read_date(text) == day.isoformat()
    assert read_date(f"{day:%d.%m.%Y}") is None


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_read_or_refused(data: bytes, as_xml: bool) -> None:
    with pytest.raises(FormatError):
        read_file(b"<EInvoice>" + data if as_xml else data)
