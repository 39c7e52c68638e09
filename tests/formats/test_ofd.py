"""Invoices in OFD files: the 2019 layout and key fields, each read to the field or refused by its name."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.decimals import format_yuan, parse_yuan
from ledger.domain.invoice import InvoiceColour, InvoiceKind
from ledger.formats import FieldsRefusedError, FileRefusedError, Source, Strength, read_file
from tests.formats.conftest import XML
from tests.formats.ofd_making import EINVOICE, INTACT, INVOICE, KEY_FIELDS, LEFT_OUT, SAMPLES, ofd_files, pack

with_samples = pytest.mark.skipif(not INTACT.is_file(), reason="the sample folder ../shared/samples is not there")


def refused(files: dict[str, bytes]) -> dict[str, str]:
    with pytest.raises(FieldsRefusedError) as caught:
        read_file(pack(files))
    assert all(problem.message_en and problem.message_zh for problem in caught.value.problems)
    return {problem.path: problem.code for problem in caught.value.problems}


@with_samples
@pytest.mark.parametrize("path", [INTACT, LEFT_OUT], ids=lambda path: path.name)
def test_real_file_is_read_with_the_values_beside_it(path) -> None:
    expected = json.loads((SAMPLES / "ofd" / "expected.json").read_text(encoding="utf-8"))[path.name]
    told = expected["original_invoice"]
    invoice = read_file(path.read_bytes(), path.name)
    document = invoice.document
    assert document is not None
    assert invoice.source is Source.OFD
    assert (invoice.code, invoice.printed_number) == (told["InvoiceCode"], told["InvoiceNo"])
    assert invoice.number == told["InvoiceCode"] + told["InvoiceNo"]
    assert (document.seller.name, document.seller.tax_id) == (told["SellerName"], told["SellerTaxID"])
    assert (document.buyer.name, document.buyer.tax_id) == (told["BuyerName"], told["BuyerTaxID"])
    assert invoice.net_fen == parse_yuan(told["TaxExclusiveTotalAmount"])
    assert invoice.tax_fen == parse_yuan(told["TaxTotalAmount"])
    assert invoice.gross_fen == parse_yuan(told["TaxInclusiveTotalAmount"])
    assert invoice.issued_on is not None
    assert invoice.issued_on.strftime("%Y年%m月%d日") == told["IssueDate"]
    assert document.note == told["Note"]
    assert len(document.lines) == expected["lines"]
    assert sum(line.net_fen for line in document.lines) == parse_yuan(expected["sum_lines_amount"])
    assert sum(line.tax_fen for line in document.lines) == parse_yuan(expected["sum_lines_tax"])
    assert {f"{line.rate_bp // 100}%" for line in document.lines} == set(expected["checks"]["rates"])
    assert invoice.kind is InvoiceKind.ORDINARY


def test_key_fields_alone_are_read_without_lines() -> None:
    invoice = read_file(pack(ofd_files()), "dzfp.ofd")
    document = invoice.document
    assert document is not None
    assert (invoice.source, invoice.number, invoice.code) == (Source.OFD_KEY_FIELDS, "26442000000000000001", "")
    assert (invoice.net_fen, invoice.tax_fen, invoice.gross_fen) == (30100, 1806, 31906)
    assert (document.seller.name, document.seller.tax_id) == ("深圳示例软件有限公司", "91310117759596321B")
    assert (document.buyer.name, document.buyer.tax_id) == ("上海示例科技有限公司", "91310112703255042R")
    assert (invoice.issued_on, invoice.kind, document.lines) == (date(2026, 11, 5), InvoiceKind.ORDINARY, ())
    assert (invoice.strength, invoice.file_name) == (Strength.ORIGINAL, "dzfp.ofd")


@pytest.mark.parametrize("missing", ["合计金额", "合计税额", "价税合计"])
def test_one_missing_amount_is_the_sum_or_difference_and_two_are_refused(missing: str) -> None:
    fields = {name: text for name, text in KEY_FIELDS.items() if name != missing}
    invoice = read_file(pack(ofd_files(fields)))
    assert (invoice.net_fen, invoice.tax_fen, invoice.gross_fen) == (30100, 1806, 31906)
    other = "合计税额" if missing != "合计税额" else "价税合计"
    assert "amount_unreadable" in refused(ofd_files({k: v for k, v in fields.items() if k != other})).values()


@given(st.integers(1, 10**11), st.integers(0, 10**10), st.sampled_from(["", "¥", "￥"]))
def test_amounts_come_back_to_the_fen(net_fen: int, tax_fen: int, sign: str) -> None:
    amounts = {"合计金额": net_fen, "合计税额": tax_fen, "价税合计": net_fen + tax_fen}
    printed = {name: sign + format_yuan(fen) for name, fen in amounts.items()}
    invoice = read_file(pack(ofd_files({**KEY_FIELDS, **printed})))
    assert (invoice.net_fen, invoice.tax_fen, invoice.gross_fen) == tuple(amounts.values())


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"发票号码": "2644200000000000000"}, "number", "number_form"),
        ({"价税合计": "319.07"}, "gross_fen", "total_gross"),
        ({"价税合计": "319.066"}, "gross_fen", "amount_unreadable"),
        ({"开票日期": "2026年13月05日"}, "issued_on", "date_unreadable"),
        ({"开票日期": ""}, "issued_on", "date_unreadable"),
        ({"销售方名称": ""}, "seller.name", "text_empty"),
        ({"购买方名称": ""}, "buyer.name", "text_empty"),
    ],
)
def test_key_field_that_is_wrong_is_named(change: dict[str, str], path: str, code: str) -> None:
    assert refused(ofd_files({**KEY_FIELDS, **change}))[path] == code


@pytest.mark.parametrize(
    ("label", "kind", "warned"),
    [("电子发票（增值税专用发票）", InvoiceKind.SPECIAL, False), ("数电票", InvoiceKind.ORDINARY, True)],
)
def test_kind_is_what_the_fields_call_it(label: str, kind: InvoiceKind, warned: bool) -> None:
    invoice = read_file(pack(ofd_files({**KEY_FIELDS, "发票类型": label})))
    assert invoice.kind is kind
    assert ("kind_assumed" in {problem.code for problem in invoice.warnings}) is warned


def test_red_key_fields_name_the_blue_invoice() -> None:
    red = {"合计金额": "-301.00", "合计税额": "-18.06", "价税合计": "¥-319.06"}
    note = "被红冲蓝字数电发票号码：26442000000000000009"
    invoice = read_file(pack(ofd_files({**KEY_FIELDS, **red, "备注": note})))
    assert (invoice.colour, invoice.gross_fen) == (InvoiceColour.RED, -31906)
    assert invoice.original is not None
    assert invoice.original.number == "26442000000000000009"


def test_invoice_xml_of_2019_is_read_and_its_special_code_told() -> None:
    invoice = read_file(pack(ofd_files({}, einvoice=EINVOICE)))
    document = invoice.document
    assert document is not None
    assert (invoice.source, invoice.number, invoice.gross_fen) == (Source.OFD, "04400260011100000017", 31906)
    assert (document.buyer.name, document.seller.name) == ("上海示例科技有限公司", "深圳示例软件有限公司")
    assert (document.lines[0].quantity, document.lines[0].price) == ("3", "100.3333333333333")
    assert (invoice.kind, document.drawer) == (InvoiceKind.ORDINARY, "张三")
    special = read_file(pack(ofd_files({}, einvoice=EINVOICE.replace("044002600111", "044002600113"))))
    assert special.kind is InvoiceKind.SPECIAL


@pytest.mark.parametrize(
    ("old", "new", "path", "code"),
    [
        ("<fp:Amount>301.00", "<fp:Amount>18.06", "lines.0", "line"),
        ("TaxTotalAmount>18.06", "TaxTotalAmount>301.00", "gross_fen", "total_gross"),
        (">6%<", ">六<", "lines.0.rate_bp", "rate_unreadable"),
        ("<fp:Seller>", "<fp:Seller/><fp:Seller>", "", "element_repeated"),
        ("fp:Buyer>", "fp:Purchaser>", "", "element_missing"),
        ("00000017", "0000001", "number", "number_form"),
        ("BuyerTaxID>9131", "BuyerTaxID>1</fp:BuyerTaxID><fp:BuyerTaxID>9131", "", "element_repeated"),
    ],
)
def test_invoice_xml_with_a_wrong_field_is_refused_by_its_path(old: str, new: str, path: str, code: str) -> None:
    assert old in EINVOICE
    problems = refused(ofd_files({}, einvoice=EINVOICE.replace(old, new)))
    assert any(where.startswith(path) and what.startswith(code) for where, what in problems.items()), problems


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        ("发票号码", "00000018", "number"),
        ("价税合计", "319.07", "gross_fen"),
        ("购买方名称", "深圳示例软件有限公司", "buyer.name"),
        ("销售方纳税人识别号", "91310112703255042R", "seller.tax_id"),
        ("开票日期", "2026年11月06日", "issued_on"),
    ],
)
def test_key_fields_that_contradict_the_xml_are_refused(name: str, text: str, path: str) -> None:
    agreeing = {**KEY_FIELDS, "发票代码": "044002600111", "发票号码": "00000017"}
    assert read_file(pack(ofd_files(agreeing, einvoice=EINVOICE))).number == "04400260011100000017"
    assert refused(ofd_files({**agreeing, name: text}, einvoice=EINVOICE)) == {path: "ofd_fields_differ"}


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({"发票代码": ""}, True),
        ({"发票代码": "", "发票号码": "00000018"}, False),
        ({"购买方名称": "上海示例科技 有限公司"}, True),
        ({"购买方名称": "上海示例(科技)有限公司"}, False),
        ({"价税合计": "¥319.06"}, True),
        ({"价税合计": "319"}, False),
        ({"合计税额": "***"}, False),
    ],
)
def test_key_fields_are_compared_by_what_they_say(change: dict[str, str], accepted: bool) -> None:
    files = ofd_files({**KEY_FIELDS, "发票代码": "044002600111", "发票号码": "00000017", **change}, einvoice=EINVOICE)
    if accepted:
        assert read_file(pack(files)).number == "04400260011100000017"
    else:
        assert set(refused(files).values()) == {"ofd_fields_differ"}


def test_exempt_invoice_prints_stars_for_its_tax() -> None:
    exempt = (
        EINVOICE.replace(">6%<", ">免税<").replace("TaxAmount>18.06<", "TaxAmount>***<").replace("319.06", "301.00")
    )
    exempt = exempt.replace("TaxTotalAmount>18.06", "TaxTotalAmount>***")
    fields = {"发票号码": "00000017", "合计税额": "***", "价税合计": "301.00"}
    invoice = read_file(pack(ofd_files(fields, einvoice=exempt)))
    assert (invoice.net_fen, invoice.tax_fen, invoice.gross_fen) == (30100, 0, 30100)
    keyed = read_file(pack(ofd_files({**KEY_FIELDS, "合计税额": "***", "价税合计": "301.00"})))
    assert (keyed.net_fen, keyed.tax_fen, keyed.gross_fen) == (30100, 0, 30100)


def test_national_xml_inside_is_read_like_the_xml_alone() -> None:
    invoice = read_file(pack(ofd_files({**KEY_FIELDS, "发票类型": ""}, einvoice=XML)))
    assert invoice.source is Source.OFD
    assert invoice.document == read_file(XML.encode()).document


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"OFD.xml": None}, "ofd_unknown"),
        ({"OFD.xml": b"<Order></Order>"}, "ofd_documents"),
        ({"OFD.xml": b"<OFD><DocBody/><DocBody/></OFD>"}, "ofd_documents"),
        ({"OFD.xml": b"<OFD><DocBody/></OFD>"}, "ofd_no_invoice"),
        ({"OFD.xml": b"<OFD><DocBody>"}, "xml_syntax"),
        ({INVOICE: EINVOICE.encode(), "Doc_0/copy.xml": EINVOICE.encode()}, "ofd_invoices"),
    ],
)
def test_archive_that_is_no_single_invoice_is_refused(change: dict[str, bytes | None], code: str) -> None:
    files = {name: content for name, content in {**ofd_files(), **change}.items() if content is not None}
    with pytest.raises(FileRefusedError) as caught:
        read_file(pack(files))
    assert [problem.code for problem in caught.value.problems] == [code]


def test_custom_data_given_twice_must_agree() -> None:
    files = ofd_files()
    once = '价税合计">319.06</ofd:CustomData>'.encode()
    for text, accepted in (("319.06", True), ("319.07", False)):
        again = f'价税合计">319.06</ofd:CustomData><ofd:CustomData Name="价税 合计">{text}</ofd:CustomData>'.encode()
        changed = {**files, "OFD.xml": files["OFD.xml"].replace(once, again)}
        assert changed["OFD.xml"] != files["OFD.xml"]
        if accepted:
            assert read_file(pack(changed)).gross_fen == 31906
        else:
            assert refused(changed) == {"": "element_repeated"}
