"""QR texts as scanners and files bring them, and XML in encodings that do not say so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.formats import Checksum, FieldsRefusedError, FileRefusedError, FormatError, read_file, read_qr, read_xml
from ledger.formats.crc import crc16_umts

XmlWith = Callable[..., bytes]
HASH = "00" + "ab" * 32
COVERED = "01,32,,26442000000000000001,57.00,20261105,,"
TEXT = f"{COVERED}{crc16_umts(COVERED.encode()):04X}"
ADDRESS = f"https://h.example/v?hash={HASH}&bill_num=00420212&total_amount=25017"


def wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in text)


def code_of(text: str) -> str:
    with pytest.raises(FormatError) as caught:
        read_qr(text)
    return caught.value.problems[0].code


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{TEXT}",
        f"  {TEXT} \r\n",
        f'"{TEXT}"',
        f"{TEXT},,",
        TEXT.replace(",", "，"),
        wide(TEXT),
        TEXT.replace(",", " , "),
    ],
)
def test_what_a_scanner_puts_around_a_text_leaves_its_figures_agreeing(text: str) -> None:
    invoice = read_qr(text)
    assert invoice.qr is not None
    assert (invoice.qr.checksum, invoice.gross_fen) == (Checksum.AGREES, 5_700)
    altered = read_qr(text.replace("57", "75").replace("５７", "７５"))
    assert altered.qr is not None
    assert altered.qr.checksum is Checksum.DIFFERS


@pytest.mark.parametrize(
    "text",
    [f" {ADDRESS} ", ADDRESS.upper(), ADDRESS.replace("&", "&amp;"), ADDRESS.replace("/v?", "/#/v?"), f"{ADDRESS}#top"],
)
def test_an_address_is_read_in_every_dress(text: str) -> None:
    invoice = read_qr(text)
    assert invoice.qr is not None
    assert (invoice.qr.chain_hash, invoice.printed_number, invoice.gross_fen) == (HASH, "00420212", 25_017)
    assert code_of(text.replace("25017", "250.17")) == "qr_parameter"


def test_an_address_names_each_parameter_once_whatever_its_case() -> None:
    assert code_of(f"{ADDRESS}&TOTAL_AMOUNT=1") == "qr_parameter"


@pytest.mark.parametrize("text", ["26442000000000000001", "050001700111 12235358", "1100171320-12345678\n"])
def test_a_number_alone_is_said_to_be_one(text: str) -> None:
    assert code_of(text) == "qr_number_alone"
    assert code_of(f"x{text}") == "qr_unknown"


@given(st.text(max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    for candidate in (text, f"01,{text}", f"{TEXT}{text}", f"{ADDRESS}{text}"):
        with suppress(FormatError):
            assert read_qr(candidate).qr is not None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_a_file_of_a_text_is_read_in_the_encoding_of_its_program(encoding: str) -> None:
    assert read_file(f"{TEXT.replace(',', '，')}\r\n".encode(encoding)).gross_fen == 5_700
    with pytest.raises(FileRefusedError):
        read_file("这不是发票".encode(encoding))


def test_undeclared_gbk_is_read_and_damaged_utf_8_is_not(xml_with: XmlWith) -> None:
    bare = ('<?xml version="1.0" encoding="utf-8"?>', "")
    assert read_file(xml_with(bare, encoding="gbk")).document == read_file(xml_with(bare)).document
    damaged = xml_with(bare).replace("示例".encode(), "示例".encode()[:-1] + b"\xff", 1)
    with pytest.raises(FileRefusedError) as caught:
        read_file(damaged)
    assert caught.value.problems[0].code == "encoding_wrong"


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf\r\n", b"\r\n ", b"\x84\x31\x95\x33"])
def test_blanks_and_marks_before_xml_are_passed_over(xml_with: XmlWith, before: bytes) -> None:
    bare = ('<?xml version="1.0" encoding="utf-8"?>', "")
    encoding = "gb18030" if before.startswith(b"\x84") else "utf-8"
    assert read_file(before + xml_with(bare, encoding=encoding)).number == "26442000000000000001"
    with pytest.raises(FormatError):
        read_file(before + b"x" + xml_with(bare, encoding=encoding))


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_sign_within_an_attribute_ends_no_tag(xml_with: XmlWith, quote: str) -> None:
    def rooted(attributes: str) -> bytes:
        return xml_with(("<EInvoice>", f"<EInvoice a={quote}>{quote}{attributes}>"))

    assert read_xml(rooted(f" b={quote}it{quote}")).gross_fen == 31_906
    many = "".join(f" a{index}={quote}{quote}" for index in range(200_000))
    started = perf_counter()
    with pytest.raises(FileRefusedError) as caught:
        read_xml(rooted(many))
    assert caught.value.problems[0].code == "xml_tag_too_long"
    assert perf_counter() - started < 5


def test_of_very_many_problems_the_rest_are_counted(xml_with: XmlWith) -> None:
    noise = "".join(f"<x>{index}</x>" for index in range(3_000))
    with pytest.raises(FieldsRefusedError) as caught:
        read_xml(xml_with(("<SellerName>", f"{noise}<SellerName>")))
    problems = caught.value.problems
    assert (len(problems), problems[-1].code) == (1_001, "more_problems")


def test_a_line_end_of_an_old_program_in_a_remark_is_a_line_end(xml_with: XmlWith) -> None:
    invoice = read_xml(xml_with(("合同 7", "合同&#13;7&#13;\n8")))
    assert invoice.document is not None
    assert invoice.document.note == "合同\n7\n8"
    with pytest.raises(FieldsRefusedError):
        read_xml(xml_with(("合同 7", "合同\u200b7")))
