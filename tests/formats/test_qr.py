from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.decimals import format_yuan
from ledger.domain.invoice import InvoiceColour, InvoiceKind
from ledger.formats import Checksum, FieldsRefusedError, FileRefusedError, FormatError, Source, read_file, read_qr
from ledger.formats.crc import crc16_umts

ROWS = Path(__file__).parents[2] / ".." / "shared" / "samples" / "qr" / "qr_strings.jsonl"
with_samples = pytest.mark.skipif(not ROWS.is_file(), reason="the sample folder ../shared/samples is not there")
HASH = "00" + "ab" * 32
CODED = "01,10,050001700111,12235358,10000.00,20200805,16630282980991510014,"
NATIONAL = "01,32,,26442000000000000001,57.00,20261105,,"


def with_figures(text: str) -> str:
    return f"{text}{crc16_umts(text.encode()):04X}"


@with_samples
def test_every_real_text_is_read_as_expected() -> None:
    rows = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    assert {row["class"] for row in rows} == {"vat", "einvoice", "blockchain_csv", "shenzhen_url", "reject"}
    for row in rows:
        text, expect = row["text"], row["expect"]
        if row["class"] == "reject":
            with pytest.raises(FormatError):
                read_qr(text)
            continue
        invoice = read_qr(text)
        assert invoice.qr is not None
        if row["class"] == "shenzhen_url":
            found = (invoice.qr.host, invoice.qr.chain_hash, invoice.printed_number, invoice.gross_fen)
            assert found == (expect["host"], expect["hash"], expect["bill_num"], expect["total_with_tax_fen"])
            continue
        found = (invoice.qr.kind_code, invoice.code, invoice.printed_number)
        assert found == (expect["kind"], expect["code"], expect["number"])
        assert invoice.issued_on is not None
        assert invoice.issued_on.strftime("%Y%m%d") == expect["date"]
        if row["class"] == "blockchain_csv":
            assert invoice.qr.chain_hash == expect["chain_hash"]
            assert invoice.seller_tax_id == expect["seller_tax_id"]
            assert format_yuan(invoice.net_fen or 0) == expect["amount_ex_tax"]
            assert invoice.qr.checksum is Checksum.NONE
            continue
        fen = invoice.net_fen if "excl" in expect["amount_means"] else invoice.gross_fen
        assert format_yuan(fen or 0) == expect["amount"]
        assert (invoice.qr.check_code, invoice.qr.checksum_given) == (expect["check_code"], expect["trailer"])
        assert invoice.qr.checksum_computed == expect["crc16_computed"]
        assert invoice.qr.checksum is (Checksum.AGREES if expect["crc16_matches"] else Checksum.DIFFERS)
        assert [warning.code for warning in invoice.warnings] == ([] if expect["crc16_matches"] else ["qr_checksum"])


def test_crc_has_its_published_check_value() -> None:
    assert crc16_umts(b"123456789") == 0xFEE8
    assert crc16_umts(b"") == 0


@given(st.binary(max_size=64), st.integers(0, 511))
def test_crc_over_any_single_changed_bit_differs(data: bytes, bit: int) -> None:
    if not data:
        return
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    assert crc16_umts(bytes(changed)) != crc16_umts(data)


def test_national_text_holds_the_gross_amount() -> None:
    invoice = read_qr(with_figures(NATIONAL))
    assert invoice.source is Source.QR_NATIONAL
    assert (invoice.number, invoice.code) == ("26442000000000000001", "")
    assert (invoice.gross_fen, invoice.net_fen) == (5700, None)
    assert (invoice.kind, invoice.issued_on) == (InvoiceKind.ORDINARY, date(2026, 11, 5))


def test_coded_text_holds_the_net_amount() -> None:
    invoice = read_qr(with_figures(CODED))
    assert (invoice.number, invoice.net_fen, invoice.gross_fen) == ("05000170011112235358", 1000000, None)


def test_checksum_covers_the_literal_text() -> None:
    text = with_figures(NATIONAL)
    assert read_qr(text).qr.checksum is Checksum.AGREES
    shortened = read_qr(text.replace("57.00", "57"))
    assert shortened.gross_fen == 5700
    assert shortened.qr.checksum is Checksum.DIFFERS


@pytest.mark.parametrize("ending", ["", ",", "\n", ",\r\n"])
def test_ending_after_the_check_figures_does_not_matter(ending: str) -> None:
    assert read_qr(with_figures(CODED) + ending).qr.checksum is Checksum.AGREES


@pytest.mark.parametrize("text", [NATIONAL, NATIONAL.rstrip(","), CODED])
def test_text_without_check_figures_is_read_and_says_so(text: str) -> None:
    invoice = read_qr(text)
    assert invoice.qr.checksum is Checksum.NONE
    assert invoice.warnings == ()


def test_rail_ticket_has_other_figures_at_its_end() -> None:
    rail = NATIONAL.replace("01,32", "01,51") + "0000"
    assert read_qr(rail).qr.checksum is Checksum.NONE
    assert read_qr(NATIONAL + "0000").qr.checksum is Checksum.DIFFERS


def test_negative_amount_is_red() -> None:
    invoice = read_qr(with_figures(NATIONAL.replace("57.00", "-57.00")))
    assert (invoice.colour, invoice.gross_fen) == (InvoiceColour.RED, -5700)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (NATIONAL.replace("26442000000000000001", "123"), "qr_number"),
        (NATIONAL.replace("57.00", "57.001"), "qr_amount"),
        (NATIONAL.replace("57.00", "1e3"), "qr_amount"),
        (NATIONAL.replace("57.00", "9" * 15), "qr_amount"),
        (NATIONAL.replace("20261105", "20261305"), "qr_date"),
        (NATIONAL.replace("20261105", "2026115"), "qr_date"),
        (NATIONAL.replace("01,32", "01,3x"), "qr_kind"),
        (NATIONAL + "12345", "qr_trailer"),
        (CODED.replace("050001700111", "05000170011"), "qr_number"),
        (CODED.replace("16630282980991510014", "x"), "qr_check_code"),
        ("01,32,,26442000000000000001,57.00", "qr_fields"),
        (CODED + "1234,5,6", "qr_fields"),
        (f"01,10,153002009101,00253776,92530828MA6P3AA16R,1100.00,20200815,{HASH}", "qr_number"),
        (f"01,10,153002009100,00253776,x,1100.00,20200815,{HASH}", "qr_number"),
        (f"https://h.example/v?hash={HASH[:-1]}&bill_num=00420212&total_amount=25017", "qr_parameter"),
        (f"https://h.example/v?hash={HASH}&bill_num=0042021&total_amount=25017", "qr_parameter"),
        (f"https://h.example/v?hash={HASH}&bill_num=00420212&total_amount=250.17", "qr_parameter"),
        (f"https://h.example/v?hash={HASH}&bill_num=00420212&bill_num=00420213&total_amount=1", "qr_parameter"),
    ],
)
def test_wrong_part_is_named(text: str, code: str) -> None:
    with pytest.raises(FieldsRefusedError) as caught:
        read_qr(text)
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "02,32,,123,1,20260101",
        "〇１,32,,26442000000000000001,57.00,20261105,,",
        "https://example.com/pay?x=1",
        f"https://user@h.example/v?hash={HASH}&bill_num=00420212&total_amount=25017",
        f"ftp://h.example/v?hash={HASH}&bill_num=00420212&total_amount=25017",
        f"https://[h/v?hash={HASH}&bill_num=00420212&total_amount=25017",
        "https://h.example/v?" + "&".join(f"a{index}=1" for index in range(40)),
    ],
)
def test_other_texts_are_no_invoice_codes(text: str) -> None:
    with pytest.raises(FileRefusedError):
        read_qr(text)


def test_long_text_is_refused_by_size() -> None:
    with pytest.raises(FileRefusedError) as caught:
        read_qr("01," * 400)
    assert caught.value.problems[0].code == "file_too_large"


def test_address_may_name_the_whole_number() -> None:
    invoice = read_qr(f"https://h.example/v?hash={HASH}&bill_num=94403260911000000001&total_amount=25017")
    assert invoice.number == "94403260911000000001"
    assert read_qr(f"https://h.example/v?hash={HASH}&bill_num=00420212&total_amount=25017").number == ""


def test_code_text_makes_no_draft() -> None:
    with pytest.raises(FieldsRefusedError) as caught:
        read_qr(with_figures(NATIONAL)).draft()
    assert caught.value.problems[0].code == "draft_unavailable"


def test_file_holding_a_code_text_is_read() -> None:
    invoice = read_file(b"\xef\xbb\xbf" + with_figures(NATIONAL).encode() + b"\n", "发票.txt")
    assert invoice.number == "26442000000000000001"
    assert invoice.file_name == "发票.txt"
    assert invoice.qr is not None
    assert invoice.qr.checksum is Checksum.AGREES


@given(
    st.integers(2 * 10**19, 9 * 10**19 - 1),
    st.integers(-(10**12), 10**12),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.sampled_from(["31", "32", "61"]),
)
def test_any_national_text_is_read_back(number: int, fen: int, day: date, kind: str) -> None:
    invoice = read_qr(with_figures(f"01,{kind},,{number},{format_yuan(fen)},{day:%Y%m%d},,"))
    assert (int(invoice.number), invoice.gross_fen, invoice.issued_on) == (number, fen, day)
    assert invoice.qr is not None
    assert invoice.qr.checksum is Checksum.AGREES


@given(
    st.text(max_size=80) | st.text(alphabet="01,.-ABCDEF/:?=&htpsbilnum_", max_size=120).map(lambda text: "01," + text)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        invoice = read_qr(text)
    except FormatError as err:
        assert err.problems  # noqa: PT017 - either way of ending is right, a refusal must say why
    else:
        assert invoice.qr is not None
