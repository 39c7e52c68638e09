"""Sheets that are handed out: the template, drafts, and the results of issuing, as CSV or XLSX.

Every text goes through `safe_cell`; in XLSX it is a text cell besides, so that long numbers keep their digits. CSV is
UTF-8 with a byte order mark, by which spreadsheet programs know it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from ledger.domain.decimals import format_yuan
from ledger.domain.invoice import InvoiceKind, LineNature, RateMark
from ledger.formats.sheets import SheetInvoice
from ledger.formats.sheets_cells import safe_cell
from ledger.formats.sheets_columns import COLUMNS, KIND_WORDS, MARK_WORDS, NATURE_WORDS, REQUIRED_KEYS, Column
from verifier.canonical import Json

Language = Literal["zh", "en"]

COLUMN_WIDTH = 18  # characters
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")  # no XML holds them
_RESULT_HEADS: dict[Language, tuple[str, ...]] = {
    "zh": ("行号", "单据编号", "外部单号", "发票号码", "状态", "原因"),
    "en": ("row", "reference", "external_id", "number", "status", "reason"),
}
_GUIDE_TITLES: dict[Language, tuple[str, str]] = {"zh": ("填写说明", "发票"), "en": ("Guide", "Invoices")}
_GUIDE_HEADS: dict[Language, tuple[str, ...]] = {"zh": ("列", "必填", "说明"), "en": ("column", "required", "meaning")}


class SheetKind(StrEnum):
    """File format of a sheet."""

    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What became of one invoice of a sheet: `row` its first row there, `number` "" unless issued.

    `status` and `reason` are texts in the reader's language, `reason` "" when there is nothing to say.
    """

    row: int
    number: str
    status: str
    reason: str = ""
    reference: str = ""
    external_id: str = ""


def template(kind: SheetKind, language: Language = "zh") -> bytes:
    """An empty sheet with the names of all columns; an XLSX explains them on a second sheet."""
    head = [_name(column, language) for column in COLUMNS]
    if kind is SheetKind.CSV:
        return _csv([head])
    yes, no = ("是", "") if language == "zh" else ("yes", "")
    guide = [list(_GUIDE_HEADS[language])]
    for column in COLUMNS:
        hint = column.hint_zh if language == "zh" else column.hint_en
        guide.append([_name(column, language), yes if column.key in REQUIRED_KEYS else no, hint])
    title, first = _GUIDE_TITLES[language]
    return _workbook({first: [head], title: guide})


def write_drafts(invoices: Iterable[SheetInvoice], kind: SheetKind, language: Language = "zh") -> bytes:
    """Drafts as a sheet that `read_sheet` reads back the same; those with problems, which have none, are left out.

    An invoice of several lines needs its reference. Words in cells are Chinese or English, as the names are.
    """
    rows = [[_name(column, language) for column in COLUMNS]]
    for invoice in invoices:
        if invoice.draft is not None:
            rows += _draft_rows(invoice, invoice.draft, language)
    return _written(rows, kind, _GUIDE_TITLES[language][1])


def write_results(rows: Iterable[ResultRow], kind: SheetKind, language: Language = "zh") -> bytes:
    """Results as a sheet: row, reference, external id, number, status, reason."""
    table = [list(_RESULT_HEADS[language])]
    table += [[str(one.row), one.reference, one.external_id, one.number, one.status, one.reason] for one in rows]
    return _written(table, kind, "结果" if language == "zh" else "Results")


def _name(column: Column, language: Language) -> str:
    return column.zh if language == "zh" else column.en


def _draft_rows(invoice: SheetInvoice, draft: dict[str, Json], language: Language) -> list[list[str]]:
    head = {"reference": invoice.reference, "external_id": invoice.external_id}
    for column in COLUMNS:
        if column.of_head and column.path:
            head[column.key] = _at(draft, column.path)
    head["kind"] = _word(KIND_WORDS, InvoiceKind(head["kind"]), language)
    lines = draft["lines"]
    assert isinstance(lines, list)
    rows = []
    for index, line in enumerate(lines):
        assert isinstance(line, dict)
        texts = head if index == 0 else {"reference": invoice.reference}
        texts = texts | _line_texts(line, language)
        rows.append([texts.get(column.key, "") for column in COLUMNS])
    return rows


def _at(value: dict[str, Json], path: str) -> str:
    found: Json = value
    for key in path.split("."):
        found = found.get(key, "") if isinstance(found, dict) else ""
    return str(found)


def _line_texts(line: dict[str, Json], language: Language) -> dict[str, str]:
    texts = {key: str(line.get(key, "")) for key in ("name", "tax_code", "specification", "unit", "quantity", "price")}
    net_fen, tax_fen, rate_bp = (line[key] for key in ("net_fen", "tax_fen", "rate_bp"))
    assert isinstance(net_fen, int)
    assert isinstance(tax_fen, int)
    assert isinstance(rate_bp, int)
    mark = RateMark(str(line.get("rate_mark", "rate")))
    texts["net"], texts["tax"] = format_yuan(net_fen), format_yuan(tax_fen)
    texts["rate"] = f"{format_yuan(rate_bp)}%"
    texts["rate_mark"] = "" if mark is RateMark.RATE else _word(MARK_WORDS, mark, language)
    texts["nature"] = _word(NATURE_WORDS, LineNature(int(str(line.get("nature", 0)))), language)
    return texts


def _word(
    words: dict[str, InvoiceKind] | dict[str, RateMark] | dict[str, LineNature], value: object, language: Language
) -> str:
    """The first word of a value in the language."""
    return next(word for word, meaning in words.items() if meaning == value and word.isascii() == (language == "en"))


def _written(rows: Sequence[Sequence[str]], kind: SheetKind, title: str) -> bytes:
    return _csv(rows) if kind is SheetKind.CSV else _workbook({title: rows})


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([_cell(text) for text in row] for row in rows)
    return file.getvalue().encode("utf-8-sig", "replace")


def _cell(text: str) -> str:
    return safe_cell(_UNWRITABLE.sub("?", text))


def _workbook(sheets: dict[str, Sequence[Sequence[str]]]) -> bytes:
    """An XLSX of texts only: none is a formula, a date or a number that could lose digits."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils import get_column_letter

    workbook = Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        sheet.freeze_panes = "A2"
        for place in range(1, len(rows[0]) + 1):
            dimension = sheet.column_dimensions[get_column_letter(place)]
            dimension.width, dimension.number_format = COLUMN_WIDTH, "@"
        for row in rows:
            cells = []
            for text in row:
                cell = WriteOnlyCell(sheet, value=_cell(text) or None)
                if text:
                    cell.data_type = "s"  # also for texts that look like an error value
                    cell.number_format = "@"
                cells.append(cell)
            sheet.append(cells)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()
