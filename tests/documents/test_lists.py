from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.documents import (
    CellKind,
    Column,
    InvoiceRow,
    NotWritableError,
    tables,
    write_csv,
    write_invoice_list_csv,
    write_invoice_list_xlsx,
    write_xlsx,
)
from ledger.documents.invoice_list import INVOICE_COLUMNS
from ledger.domain.decimals import parse_yuan
from ledger.domain.invoice import AMOUNT_FEN_MAX
from ledger.formats.sheets_cells import plain_cell
from tests.documents.making import NUMBER

ROW = InvoiceRow(
    NUMBER, date(2026, 11, 5), "special", "partly_red", "深圳示例软件有限公司", "91310117759596321B",
    "上海示例科技有限公司", "91310112703255042R", 30100, 1806, 31906, "王五", "locked", "C-1", "not_booked", "",
    "a,b\n\"c\"",
)  # fmt: skip
EVIL = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")', "＝1", " =cmd|' /C calc'!A0")


def csv_rows(pieces: object) -> list[list[str]]:
    data = b"".join(pieces)  # type: ignore[call-overload]
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def sheet_xml(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


def test_a_list_in_chinese_and_in_english() -> None:
    heads, row = csv_rows(write_invoice_list_csv([ROW]))
    assert heads[0] == "发票号码"
    found = dict(zip(heads, row, strict=True))
    assert (found["金额"], found["税额"], found["价税合计"]) == ("301.00", "18.06", "319.06")
    assert (found["开票日期"], found["发票状态"], found["报销状态"]) == ("2026-11-05", "部分红冲", "已锁定")
    assert found["备注"] == 'a,b\n"c"'
    heads, row = csv_rows(write_invoice_list_csv([ROW], language="en"))
    found = dict(zip(heads, row, strict=True))
    assert (found["number"], found["gross"], found["colour"]) == (NUMBER, "319.06", "partly_red")


def test_a_workbook_opens_in_another_program_with_the_same_values() -> None:
    red = replace(ROW, number="94403260911000000002", net_fen=-81, tax_fen=0, gross_fen=-81, issued_on=None)
    book = openpyxl.load_workbook(io.BytesIO(write_invoice_list_xlsx([ROW, red])))
    sheet = book["发票"]
    values = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert values[0] == [column.zh for column in INVOICE_COLUMNS]
    assert values[1][0] == NUMBER, "a text: programs keep 15 digits of a number"
    assert values[1][8:11] == [301, 18.06, 319.06]
    assert values[2][8:11] == [-0.81, 0, -0.81]
    assert sheet["K2"].number_format == "#,##0.00"
    assert (sheet["K2"].data_type, sheet["A2"].data_type) == ("n", "s")
    assert sheet.freeze_panes == "A2"


@given(fen=st.integers(min_value=-AMOUNT_FEN_MAX, max_value=AMOUNT_FEN_MAX))
@settings(max_examples=60)
def test_amounts_are_exact_in_the_file_itself(fen: int) -> None:
    row = replace(ROW, net_fen=fen, tax_fen=81, gross_fen=fen)
    written = re.findall(r"<v>([^<]*)</v>", sheet_xml(write_invoice_list_xlsx([row])))
    assert [parse_yuan(text) for text in written] == [fen, 81, fen]
    assert [Decimal(text) * 100 for text in written] == [fen, 81, fen]
    assert parse_yuan(csv_rows(write_invoice_list_csv([row]))[1][8]) == fen


@pytest.mark.parametrize("evil", EVIL)
def test_no_cell_is_a_formula(evil: str) -> None:
    row = replace(ROW, buyer_name=evil, note=evil)
    (_, cells) = csv_rows(write_invoice_list_csv([row]))
    assert cells[6].startswith("'")
    assert plain_cell(cells[6]) == evil
    data = write_invoice_list_xlsx([row])
    assert "<f>" not in sheet_xml(data)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    assert (sheet["G2"].value, sheet["G2"].data_type) == ("'" + evil, "s")


def test_an_ordinary_text_stays_as_it_is() -> None:
    (_, cells) = csv_rows(write_invoice_list_csv([replace(ROW, buyer_name="A=B 公司", note="1-2")]))
    assert (cells[6], cells[16]) == ("A=B 公司", "1-2")


@given(text=st.text(max_size=30))
@settings(max_examples=60)
def test_any_text_gives_a_workbook_that_opens(text: str) -> None:
    data = write_invoice_list_xlsx([replace(ROW, seller_name=text)])
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    assert sheet["A2"].value == NUMBER


def test_signs_of_markup_and_escapes_are_literal() -> None:
    xml = sheet_xml(write_invoice_list_xlsx([replace(ROW, seller_name="<b>&_x0041_\x01")]))
    assert "&lt;b&gt;&amp;_x005F_x0041_\ufffd" in xml


def test_the_same_rows_give_the_same_bytes_and_others_do_not() -> None:
    assert write_invoice_list_xlsx([ROW]) == write_invoice_list_xlsx([ROW])
    assert write_invoice_list_xlsx([ROW]) != write_invoice_list_xlsx([ROW, ROW])


def test_a_long_list_comes_in_pieces() -> None:
    pieces = list(write_invoice_list_csv([ROW] * 2_000))
    assert len(pieces) > 3
    assert len(csv_rows(pieces)) == 2_001


def test_a_list_beyond_its_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_MAX", 3)
    assert len(csv_rows(write_invoice_list_csv([ROW] * 3))) == 4
    for write in (lambda rows: list(write_invoice_list_csv(rows)), write_invoice_list_xlsx):
        with pytest.raises(NotWritableError) as caught:
            write([ROW] * 4)
        assert caught.value.values == {"limit": 3}


def test_a_text_no_cell_holds_is_refused() -> None:
    longest = "a" * (tables.CELL_LENGTH_MAX - 1)
    assert longest in sheet_xml(write_invoice_list_xlsx([replace(ROW, note=longest)]))
    with pytest.raises(NotWritableError) as caught:
        write_invoice_list_xlsx([replace(ROW, note=longest + "a")])
    assert caught.value.code == "cell_length"


def test_another_language_is_refused_before_the_first_row() -> None:
    with pytest.raises(NotWritableError) as caught:
        write_invoice_list_csv([ROW], language="fr")
    assert caught.value.code == "language"
    with pytest.raises(NotWritableError):
        write_invoice_list_xlsx([ROW], language="")


def test_any_table_can_be_written() -> None:
    columns = [Column(f"列{at}", f"c{at}", CellKind.COUNT) for at in range(30)]
    data = write_xlsx(columns, [list(range(30))], sheet='a & "b"', language="en")
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ['a & "b"']
    assert book['a & "b"']["AD2"].value == 29
    assert csv_rows(write_csv(columns, [[None] * 30]))[1] == [""] * 30
