"""Tables of values as CSV and as XLSX workbooks: texts that no program computes, amounts exact to the fen.

The workbook is written here, from its few required parts, because the usual libraries pass numbers through floating
point: 0.81 yuan becomes 0.8100000000000001 in the file. Here a cell holds `0.81`.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from xml.sax.saxutils import escape

from ledger.documents.errors import NotWritableError
from ledger.documents.zip_files import add_file, zip_member
from ledger.domain.decimals import format_yuan
from ledger.formats.sheets_cells import safe_cell

ROWS_MAX = 50_000  # rows of one list; a large company's month, and 10 s of writing at most
CELL_LENGTH_MAX = 32_767  # characters a cell may have in a workbook
CHUNK_SIZE = 1 << 16  # bytes of CSV handed on at a time
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheet programs take UTF-8 for the local encoding
LANGUAGES = ("zh", "en")

Value = str | int | date | None
Row = Sequence[Value]


class CellKind(StrEnum):
    """What a column holds: a text, fen shown as yuan with two decimals, a count, a day."""

    TEXT = "text"
    YUAN = "yuan"
    COUNT = "count"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its headings and how its values are written. `width` in characters."""

    zh: str
    en: str
    kind: CellKind = CellKind.TEXT
    width: int = 14


def write_csv(columns: Sequence[Column], rows: Iterable[Row], *, language: str = "zh") -> Iterator[bytes]:
    """CSV in UTF-8 with a byte order mark and CR LF, in pieces of about CHUNK_SIZE.

    Raises: NotWritableError for another language at once, and when a row beyond ROWS_MAX or a cell beyond its length
    is reached.
    """
    titles = _titles(columns, language)
    return _csv_pieces(titles, columns, rows)


def write_xlsx(columns: Sequence[Column], rows: Iterable[Row], *, sheet: str, language: str = "zh") -> bytes:
    """XLSX workbook with one sheet; the same rows give the same bytes.

    Raises: NotWritableError for another language, more than ROWS_MAX rows, a cell beyond CELL_LENGTH_MAX.
    """
    titles = _titles(columns, language)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as book:
        for name, text in _PARTS.items():
            add_file(book, name, text.format(sheet=escape(sheet, {'"': "&quot;"})).encode())
        with book.open(zip_member("xl/worksheets/sheet1.xml"), "w") as part:
            part.write(_sheet_head(columns).encode())
            part.write(_sheet_row(1, [_text_cell(at, 1, title, style=1) for at, title in enumerate(titles)]).encode())
            for number, row in enumerate(_limited(rows), 2):
                part.write(_sheet_row(number, _cells(columns, row, number)).encode())
            part.write(b"</sheetData></worksheet>")
    return buffer.getvalue()


def _titles(columns: Sequence[Column], language: str) -> list[str]:
    if language not in LANGUAGES:
        raise NotWritableError("language", name=language[:20])
    return [column.zh if language == "zh" else column.en for column in columns]


def _csv_pieces(titles: list[str], columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    writer.writerow(titles)
    for row in _limited(rows):
        writer.writerow([_csv_text(column, value) for column, value in zip(columns, row, strict=True)])
        if buffer.tell() >= CHUNK_SIZE:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _limited(rows: Iterable[Row]) -> Iterator[Row]:
    for count, row in enumerate(rows, 1):
        if count > ROWS_MAX:
            raise NotWritableError("too_many_rows", limit=ROWS_MAX)
        yield row


def _csv_text(column: Column, value: Value) -> str:
    if value is None:
        return ""
    if column.kind is CellKind.YUAN:
        assert isinstance(value, int)
        return format_yuan(value)
    return _safe_text(str(value))


def _safe_text(text: str) -> str:
    if len(text) >= CELL_LENGTH_MAX:
        raise NotWritableError("cell_length", count=len(text), limit=CELL_LENGTH_MAX - 1)
    return safe_cell(text)


def _cells(columns: Sequence[Column], row: Row, number: int) -> list[str]:
    cells = []
    for at, (column, value) in enumerate(zip(columns, row, strict=True)):
        if value is None or value == "":
            continue
        if column.kind is CellKind.YUAN:
            assert isinstance(value, int)
            cells.append(f'<c r="{_letters(at)}{number}" s="2"><v>{format_yuan(value)}</v></c>')
        elif column.kind is CellKind.COUNT:
            assert isinstance(value, int)
            cells.append(f'<c r="{_letters(at)}{number}"><v>{value:d}</v></c>')
        else:
            cells.append(_text_cell(at, number, str(value)))
    return cells


def _text_cell(at: int, number: int, text: str, style: int = 0) -> str:
    """A cell of text, also for digits: a 20-digit number is no quantity, and programs keep 15 digits of one."""
    shown = _ESCAPED.sub("_x005F_", _ILLEGAL.sub("\ufffd", _safe_text(text)))
    styled = f' s="{style}"' if style else ""
    at_cell = f"{_letters(at)}{number}"
    return f'<c r="{at_cell}"{styled} t="inlineStr"><is><t xml:space="preserve">{escape(shown)}</t></is></c>'


def _sheet_row(number: int, cells: list[str]) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def _sheet_head(columns: Sequence[Column]) -> str:
    widths = "".join(
        f'<col min="{at}" max="{at}" width="{column.width}" customWidth="1"/>' for at, column in enumerate(columns, 1)
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{widths}</cols><sheetData>"
    )


def _letters(at: int) -> str:
    """Letters of a column counted from 0: A to Z, then AA."""
    return chr(65 + at) if at < 26 else _letters(at // 26 - 1) + chr(65 + at % 26)


_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # read as an escape in a workbook, so its underscore is escaped

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="{sheet}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (  # 0 plain, 1 bold for headings, 2 amounts as #,##0.00
        f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
        '<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
}
