"""Sheets as offices and their programs really save them: read as meant, or refused; never read as something else."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from ledger.domain.invoice import PartyDetails
from ledger.formats import FileRefusedError
from ledger.formats.sheets import SheetDrafts, read_sheet

SELLER = PartyDetails("深圳示例软件有限公司", "91310117759596321B")
HEAD = ["单据编号", "购买方名称", "购买方税号", "项目名称", "规格型号", "数量", "单价", "金额", "税率"]
ROW = ["A1", "上海示例科技有限公司", "91310112703255042R", "*餐饮服务*餐费", "份", "2", "50", "100.00", "6%"]


def text_of(*changes: tuple[str, str], separator: str = ",") -> str:
    head, row = list(HEAD), list(ROW)
    for column, value in changes:
        if column in head:
            row[head.index(column)] = value
        else:
            head.append(column)
            row.append(value)
    return "\r\n".join(separator.join(cells) for cells in (head, row)) + "\r\n"


def renamed(old: str, new: str, *changes: tuple[str, str]) -> str:
    text = text_of(*changes)
    assert old in text
    return text.replace(old, new, 1)


def drafts(text: str, encoding: str = "utf-8") -> SheetDrafts:
    return read_sheet(text.encode(encoding), SELLER)


def gross_fen(text: str) -> object:
    (invoice,) = drafts(text).invoices
    assert invoice.draft is not None, invoice.problems
    return invoice.draft["gross_fen"]


def codes(text: str, index: int = 0) -> list[tuple[str, str]]:
    invoice = drafts(text).invoices[index]
    assert invoice.draft is None
    return [(problem.column, problem.problem.code) for problem in invoice.problems]


def workbook(change: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEAD)
    sheet.append([*ROW[:5], 2, 50, 100, 0.06])
    change(sheet)
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


@pytest.mark.parametrize("name", ["金额（含税）", "金额(含税价)", "含税金额", "价税合计(元)"])
def test_an_amount_named_with_tax_is_the_gross(name: str) -> None:
    nothing = (("数量", ""), ("单价", ""))
    assert gross_fen(renamed("金额", name, *nothing)) == 10_000
    assert gross_fen(text_of(*nothing)) == gross_fen(renamed("金额", "金额（不含税）", *nothing)) == 10_600


@pytest.mark.parametrize("name", ["单价（含税）", "含税单价"])
def test_a_price_with_tax_makes_the_gross_and_is_held_against_it(name: str) -> None:
    assert gross_fen(renamed("单价", name, ("金额", ""))) == 10_000
    assert gross_fen(renamed("单价", name, ("金额", "94.34"))) == 10_000
    assert codes(renamed("单价", name)) == [(name, "row_gross_differs")]  # 2 at 50 with tax are not 100 without


@pytest.mark.parametrize(("word", "gross"), [("是", 10_000), ("Y", 10_000), ("否", 10_600), ("", 10_600)])
def test_amounts_are_with_tax_where_the_sheet_says_so(word: str, gross: int) -> None:
    assert gross_fen(text_of(("是否含税", word))) == gross


def test_whether_tax_is_included_holds_for_all_lines_and_is_one_word() -> None:
    second = "A1,,,*餐饮服务*酒,瓶,1,50,50.00,6%,"
    assert gross_fen(text_of(("是否含税", "是")) + second) == 15_000
    assert ("是否含税", "cell_choice") in codes(text_of(("是否含税", "也许")))


@pytest.mark.parametrize("unit", ["万元", "千元", "分", "USD"])
def test_an_amount_in_another_unit_is_not_read_as_yuan(unit: str) -> None:
    text = renamed("金额", f"金额（{unit}）", ("数量", ""), ("单价", ""))
    assert codes(text) == [("金额", "row_amount_missing")]
    assert [one.code for one in drafts(text).warnings] == ["sheet_column_unknown"]
    assert gross_fen(renamed("金额", "金额（元）")) == 10_600


@pytest.mark.parametrize("column", ["折扣金额", "折扣率", "优惠金额"])
def test_a_discount_in_a_column_is_refused_unless_it_is_nothing(column: str) -> None:
    assert codes(text_of((column, "10"))) == [("", "cell_not_taken")]
    assert gross_fen(text_of((column, "0.00"))) == gross_fen(text_of((column, ""))) == 10_600


def test_a_comma_for_the_point_is_refused() -> None:
    nothing = (("数量", ""), ("单价", ""))
    assert codes(text_of(*nothing, ("金额", '"12,50"'))) == [("金额", "cell_amount")]
    assert gross_fen(text_of(*nothing, ("金额", '"1,250.00"'))) == 132_500
    assert gross_fen(text_of(*nothing, ("金额", "１００元"), ("税率", "６％"))) == 10_600


@pytest.mark.parametrize(
    ("column", "shortened", "whole"),
    [
        ("购买方银行账号", "6.22848E+18", "6228480402564890018"),
        ("购买方电话", "1.38E+10", "13800000000"),
        ("购买方税号", "9.13101E+14", "91310112703255042R"),
        ("单据编号", "2.02601E+13", "20260131000001"),
        ("外部单号", "1E+15", "1000000000000001"),
    ],
)
def test_shortened_figures_are_refused(column: str, shortened: str, whole: str) -> None:
    assert (column, "cell_digits_lost") in codes(text_of((column, shortened)))
    assert gross_fen(text_of((column, whole))) == 10_600


@pytest.mark.parametrize("written", ["'{}", "`{}", "{}\t", '"=""{}"""', '="{}"'])
def test_what_programs_put_around_figures_is_not_part_of_them(written: str) -> None:
    (invoice,) = drafts(text_of(("购买方银行账号", written.format("0622848040256489")))).invoices
    assert invoice.draft is not None
    assert invoice.draft["buyer"]["account"] == "0622848040256489"  # type: ignore[index,call-overload]
    assert drafts(text_of(("单据编号", "'A1"))).invoices[0].reference == "'A1"
    assert codes(text_of(("购买方银行账号", "=1+1"))) == [("购买方银行账号", "cell_formula")]


def test_a_line_left_without_its_invoice_by_merged_cells_spoils_it() -> None:
    stray = ",,,*餐饮服务*酒,瓶,1,10,10.00,6%"
    total = ",,,合 计,,,,110.00,"
    assert codes(text_of() + stray) == [("单据编号", "row_reference_blank")]
    assert drafts(text_of() + total).invoices[0].draft is not None
    assert drafts(text_of() + "A1" + stray).invoices[0].draft is not None


@pytest.mark.parametrize(
    ("encoding", "separator", "before"),
    [
        ("utf-16", "\t", ""),
        ("utf-16", ",", ""),
        ("utf-8-sig", ";", "sep=;\r\n"),
        ("gb18030", "\t", "开票清单, 一月\r\n"),
        ("gb18030", ",", "\ufeff"),
    ],
)
def test_texts_of_every_program_are_read(encoding: str, separator: str, before: str) -> None:
    found = drafts(before + text_of(separator=separator), encoding)
    assert [(one.reference, one.draft is not None) for one in found.invoices] == [("A1", True)]
    assert not found.warnings


@pytest.mark.parametrize(
    "data", [b"<html><table>", b"\xef\xbb\xbf<?xml version='1.0'?><Workbook/>", b" <TABLE border=1>"]
)
def test_a_page_named_as_a_sheet_is_said_to_be_one(data: bytes) -> None:
    with pytest.raises(FileRefusedError) as caught:
        read_sheet(data, SELLER)
    assert caught.value.problems[0].code == "sheet_page"


def test_what_a_workbook_turned_into_a_date_is_refused() -> None:
    def dated(sheet: Any) -> None:
        sheet["E2"] = datetime(2026, 3, 5)  # noqa: DTZ001  what the program makes of the specification 3-5

    (invoice,) = read_sheet(workbook(dated), SELLER).invoices
    assert [(one.column, one.problem.code) for one in invoice.problems] == [("规格型号", "cell_date")]

    def ignored(sheet: Any) -> None:
        sheet["J1"], sheet["J2"] = "开票日期", datetime(2026, 3, 5)  # noqa: DTZ001  a column that is left out

    assert read_sheet(workbook(ignored), SELLER).accepted_count == 1


def test_zeros_that_a_format_shows_are_kept_and_line_ends_are_line_ends() -> None:
    def change(sheet: Any) -> None:
        sheet["A2"] = 42
        sheet["A2"].number_format = "00000"
        sheet["J1"], sheet["J2"] = "备注", "一_x000D_\n二"

    (invoice,) = read_sheet(workbook(change), SELLER).invoices
    assert invoice.draft is not None
    assert (invoice.reference, invoice.draft["note"]) == ("00042", "一\n二")

    def plain(sheet: Any) -> None:
        sheet["A2"] = 42

    assert read_sheet(workbook(plain), SELLER).invoices[0].reference == "42"
