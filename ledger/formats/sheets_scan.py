"""A program of its own: the rows of the first visible sheet of an XLSX workbook, from hostile bytes.

    python -I sheets_scan.py <most rows> <most columns> <cell characters> <all characters> <unpacked bytes>   < file

It runs apart from the ledger, as `image_scan` does and for the same reason: a crafted workbook may unpack to any
size. It imports nothing of the ledger, computes no formula, follows no link, and says one JSON object: `rows`, a list
of [row number, cells], a cell being a text, or [text, code] where something is wrong with it; or `refused`.
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from datetime import date, datetime, time
from decimal import Context, Decimal
from typing import Any, NamedTuple

ENTRIES_MAX = 1_000  # files in a workbook; one with many sheets has some dozens
SHEET_ROWS_MAX = 1_048_576  # rows of a sheet, empty ones too: the file format's own limit
DIGITS_KEPT = 15  # significant digits a spreadsheet program keeps of a number, and shows
ZEROS = re.compile("0{2,30}")  # a number format that shows zeros before the figures
STRICT_MARK = b"purl.oclc.org/ooxml"
SHOWN_MAX = 40  # characters of a refused cell that are repeated


class Limits(NamedTuple):
    """What is taken, at most."""

    rows: int
    columns: int
    cell_length: int
    length: int
    unpacked_size: int


class RefusedError(Exception):
    """The workbook is not read."""

    def __init__(self, code: str, **values: int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def main(arguments: list[str]) -> dict[str, object]:
    """The rows of the workbook on standard input."""
    limits = Limits(*(int(text) for text in arguments))
    data = sys.stdin.buffer.read()
    try:
        check_archive(data, limits)
        return {"rows": read_rows(data, limits)}
    except RefusedError as err:
        return {"refused": err.code, "values": err.values}
    except MemoryError:
        return {"refused": "sheet_too_costly"}
    except Exception:  # noqa: BLE001  the library raises anything over crafted bytes; whatever it is, the file is broken
        return {"refused": "sheet_damaged"}


def check_archive(data: bytes, limits: Limits) -> None:
    """Refuse what is no workbook, unpacks too large, or holds more than values."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        names = {entry.filename.lower() for entry in entries}
        if "xl/workbook.xml" not in names:
            raise RefusedError("sheet_unknown")
        with archive.open(next(one for one in entries if one.filename.lower() == "xl/workbook.xml")) as workbook:
            if STRICT_MARK in workbook.read(4_096):
                raise RefusedError("sheet_strict")
    # The sizes an archive declares bound what is unpacked: its reader stops there.
    if len(entries) > ENTRIES_MAX or sum(entry.file_size for entry in entries) > limits.unpacked_size:
        raise RefusedError("sheet_unpacks_too_large", limit=limits.unpacked_size)
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
        raise RefusedError("sheet_macros")
    if any(name.startswith("xl/externallinks/") for name in names):
        raise RefusedError("sheet_links")


def read_rows(data: bytes, limits: Limits) -> list[list[object]]:
    """The rows with any text, their numbers counted from 1."""
    import openpyxl

    workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    sheet = next(one for one in workbook.worksheets if one.sheet_state == "visible")
    sheet.reset_dimensions()  # a wrong size in the file would cut rows off
    rows: list[list[object]] = []
    length = 0
    before: object = None
    for number, found in enumerate(sheet.iter_rows(max_col=limits.columns + 1), 1):
        if number > SHEET_ROWS_MAX:
            raise RefusedError("sheet_rows", limit=limits.rows)
        if found is before:
            continue  # the library's one empty row, for each row that the file leaves out: up to a million
        before = found
        cells = [cell_text(cell, limits) for cell in found]
        while cells and cells[-1] == "":
            cells.pop()
        if not cells:
            continue
        if len(cells) > limits.columns:
            raise RefusedError("sheet_columns", row=number, limit=limits.columns)
        length += sum(len(cell if isinstance(cell, str) else cell[0]) for cell in cells)
        if length > limits.length:
            raise RefusedError("sheet_cells", limit=limits.length)
        rows.append([number, cells])
        if len(rows) > limits.rows:
            raise RefusedError("sheet_rows", limit=limits.rows)
    return rows


def cell_text(cell: Any, limits: Limits) -> str | list[str]:
    """Text of a cell as people see it; with the code of what is wrong, if anything is."""
    value, kind = cell.value, cell.data_type
    if value is None:
        return ""
    if kind == "f":
        return [value[:SHOWN_MAX] if isinstance(value, str) else "=", "cell_formula"]
    if kind == "e":
        return [str(value)[:SHOWN_MAX], "cell_error"]
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        figures = number_text(value)
        zeros = ZEROS.fullmatch(str(cell.number_format)) if isinstance(figures, str) and figures.isdigit() else None
        return figures.zfill(len(zeros.group())) if zeros and isinstance(figures, str) else figures
    if isinstance(value, date | datetime | time):
        return [value.isoformat()[:SHOWN_MAX], "cell_date"]
    text = str(value).replace("_x000D_\n", "\n").replace("_x000D_", "\n")  # how the file format writes a line end
    if len(text) > limits.cell_length:
        return [text[:SHOWN_MAX], "cell_too_long", str(len(text))]
    return text


def number_text(value: float) -> str | list[str]:
    """Plain decimal of a number cell. The file holds binary fractions; what the program shows is 15 digits of them."""
    decimal = Decimal(repr(value))
    if not decimal.is_finite():
        return [str(value), "cell_error"]
    if abs(decimal) >= 10**DIGITS_KEPT:
        return [format(decimal, "f")[:SHOWN_MAX], "cell_digits_lost"]
    shown = format(Context(prec=DIGITS_KEPT).plus(decimal), "f")
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) or "0"


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))  # noqa: T201  the one answer
