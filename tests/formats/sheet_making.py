"""Sheets to read, and what is said of them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import openpyxl
import pytest

from ledger.domain.invoice import PartyDetails
from ledger.formats import FormatError
from ledger.formats.sheets import SheetDrafts, SheetInvoice, read_sheet

SELLER = PartyDetails("深圳示例软件有限公司", "91310117759596321B")
BUYER_ID = "91310112703255042R"
HEAD = [
    "单据编号",
    "外部单号",
    "发票种类",
    "购买方名称",
    "购买方税号",
    "项目名称",
    "数量",
    "单价",
    "金额",
    "税率",
    "税率标识",
    "税额",
    "含税金额",
    "行性质",
    "备注",
]
LINE = {"购买方名称": "上海示例科技有限公司", "项目名称": "*餐饮服务*餐费", "金额": "100.00", "税率": "6%"}


def csv_of(*rows: dict[str, str], head: Sequence[str] = HEAD, encoding: str = "utf-8", separator: str = ",") -> bytes:
    table = [separator.join(head), *(separator.join(row.get(name, "") for name in head) for row in rows)]
    return "\n".join(table).encode(encoding)


def xlsx_of(rows: Sequence[Sequence[object]]) -> bytes:
    workbook = openpyxl.Workbook()
    assert workbook.active is not None
    for row in rows:
        workbook.active.append(row)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def read(*rows: dict[str, str]) -> SheetDrafts:
    return read_sheet(csv_of(*rows), SELLER)


def line(draft: SheetInvoice, index: int = 0) -> dict[str, object]:
    assert draft.draft is not None, [problem.message_en for problem in draft.problems]
    lines = draft.draft["lines"]
    assert isinstance(lines, list)
    found = lines[index]
    assert isinstance(found, dict)
    return dict(found)


def problems(*rows: dict[str, str]) -> list[tuple[int, str, str]]:
    found = [problem for invoice in read(*rows).invoices for problem in invoice.problems]
    for problem in found:
        assert problem.to_json()["message_zh"]
        assert f"row {problem.row}" in problem.message_en
        assert problem.value in problem.message_zh
    return [(problem.row, problem.column, problem.problem.code) for problem in found]


def refused(data: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        read_sheet(data, SELLER)
    assert all(problem.message_zh for problem in caught.value.problems)
    return caught.value.problems[0].code
