"""Rows of a sheet file, CSV or XLSX, as texts; what is wrong with a single cell stays with that cell."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ledger.formats.errors import FileRefusedError
from ledger.formats.image_process import scan
from ledger.formats.sheets_cells import CELL_LENGTH_MAX, is_formula, plain_cell

SHEET_SIZE_MAX = 16 << 20  # bytes of an upload; 30,000 rows of CSV take 6 MB
ROWS_MAX = 30_000  # below the head; a company's busy month, signed in 118 groups of 256
COLUMNS_MAX = 128  # an export of an ERP brings columns of its own beside the 25 that are read
CHARACTERS_MAX = 16_000_000  # of all cells together
UNPACKED_SIZE_MAX = 128 << 20  # bytes; 30,000 rows of all columns take 60 MB of XML
HEAD_ROWS_MAX = 10  # among which the row of column names stands; titles and notices come before it

_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!DOCTYPE|html|head|meta|table|style|\?xml)", re.IGNORECASE)
_LITERAL = re.compile(r'="([^"]*)"')
_SHOWN_MAX = 40
_RENAMED = {"view_damaged": "sheet_damaged", "view_too_costly": "sheet_too_costly"}


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of a cell, blanks around it dropped; `flaw` is the code of what is wrong with it, "" when nothing is.

    `length` counts the characters of one that is too long, whose `text` is only its beginning.
    """

    text: str
    flaw: str = ""
    length: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A row with any text; `number` as spreadsheet programs count, from 1."""

    number: int
    cells: tuple[Cell, ...]


def texts_by_key(row: Row, places: Mapping[int, str | None]) -> tuple[dict[str, str], list[str]]:
    """Texts of a row by the key of their column, and keys of cells that are not read.

    Columns without a key are passed over: an export brings columns of its own.
    """
    texts: dict[str, str] = {}
    flaws = []
    for place, cell in enumerate(row.cells):
        key = places.get(place)
        if key is None:
            continue
        if cell.flaw:
            flaws.append(key)
        else:
            texts[key] = cell.text
    return texts, flaws


def read_rows(data: bytes) -> list[Row]:
    """Rows of a CSV (UTF-8, UTF-16 or GB 18030; comma, semicolon or tab) or of the first visible sheet of an XLSX.

    Raises: FileRefusedError beyond a limit, for another or a broken file, macros and links to other files.
    """
    if len(data) > SHEET_SIZE_MAX:
        raise FileRefusedError("file_too_large", count=len(data), limit=SHEET_SIZE_MAX)
    if not data.strip():
        raise FileRefusedError("file_empty")
    if data.startswith(_OLD_WORKBOOK):
        raise FileRefusedError("sheet_old")
    if _PAGE.match(data[:1024]):
        raise FileRefusedError("sheet_page")
    rows = _workbook_rows(data) if data.startswith(b"PK\x03\x04") else _csv_rows(data)
    if not rows:
        raise FileRefusedError("sheet_empty")
    return rows


def _workbook_rows(data: bytes) -> list[Row]:
    limits = (ROWS_MAX + HEAD_ROWS_MAX, COLUMNS_MAX, CELL_LENGTH_MAX, CHARACTERS_MAX, UNPACKED_SIZE_MAX)
    try:
        answer = scan("sheets_scan.py", [str(limit) for limit in limits], data, "XLSX")
    except FileRefusedError as err:
        code = err.problems[0].code
        if code in _RENAMED:
            raise FileRefusedError(_RENAMED[code]) from err
        raise
    found = answer["rows"]
    assert isinstance(found, list)
    return [Row(number, tuple(_workbook_cell(cell) for cell in cells)) for number, cells in found]


def _workbook_cell(cell: str | list[str]) -> Cell:
    if isinstance(cell, str):
        return Cell(plain_cell(cell.strip()))
    text, flaw, *length = cell
    return Cell(text, flaw, int(length[0]) if length else 0)


def _csv_rows(data: bytes) -> list[Row]:
    text = _decoded(data)
    first_lines = [line for line in text[: CELL_LENGTH_MAX * COLUMNS_MAX].splitlines() if line][:HEAD_ROWS_MAX]
    separator = max(",;\t", key=lambda sign: max(line.count(sign) for line in first_lines) if first_lines else 0)
    rows: list[Row] = []
    number = length = 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        number += 1
        try:
            found = next(reader, None)
        except csv.Error as err:
            raise FileRefusedError("sheet_quotes", row=number) from err
        if found is None:
            return rows
        cells = [_csv_cell(cell) for cell in found[: COLUMNS_MAX + 1]]
        while cells and not cells[-1].text:
            cells.pop()
        if not cells:
            continue
        if len(cells) > COLUMNS_MAX:
            raise FileRefusedError("sheet_columns", row=number, limit=COLUMNS_MAX)
        length += sum(len(cell.text) for cell in cells)
        if length > CHARACTERS_MAX:
            raise FileRefusedError("sheet_cells", limit=CHARACTERS_MAX)
        rows.append(Row(number, tuple(cells)))
        if len(rows) > ROWS_MAX + HEAD_ROWS_MAX:
            raise FileRefusedError("sheet_rows", limit=ROWS_MAX)


def _csv_cell(raw: str) -> Cell:
    text = raw.strip()
    if len(text) > CELL_LENGTH_MAX:
        return Cell(text[:_SHOWN_MAX], "cell_too_long", len(text))
    literal = _LITERAL.fullmatch(text)
    if literal:  # a formula that is its own text, which programs export to keep figures whole
        return Cell(literal.group(1).strip())
    if is_formula(text):
        return Cell(text[:_SHOWN_MAX], "cell_formula")
    return Cell(plain_cell(text))


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # what programs call Unicode text
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as err:
            raise FileRefusedError("sheet_encoding", position=err.start) from err
    if b"\0" in data:
        raise FileRefusedError("sheet_unknown")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return data.decode("gb18030").removeprefix("\ufeff")
        except UnicodeDecodeError as err:
            raise FileRefusedError("sheet_encoding", position=err.start) from err
