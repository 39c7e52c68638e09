"""Texts of sheet cells: written so that no program takes them for a formula, and read back as they were.

A cell that starts with = + - @, their full-width forms, a tab or a line end is computed by spreadsheet programs,
even from CSV. An apostrophe before it makes it text. The same apostrophe is taken away on reading, and a text that
has one already gets another, so `plain_cell(safe_cell(text)) == text` for every text.
"""

from __future__ import annotations

import re

CELL_LENGTH_MAX = 2_000  # characters; the longest field, a note, has 1,000

# Blanks before the sign, seen or not, do not stop every program, so they do not stop this.
_COMPUTED = re.compile(r"'*[\s\u180e\u200b-\u200f\u2060\ufeff]*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"-[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)
_FORMULA = re.compile(r"[ \u00a0\u3000]*[=＝@＠]")


def safe_cell(text: str) -> str:
    """The text as a cell that is never computed: an apostrophe goes before a sign that starts a formula.

    A plain negative number such as -12.50 stays as it is, since computing it gives the same. For CSV and XLSX alike;
    in XLSX the cell is to be written as text besides.
    """
    return f"'{text}" if _COMPUTED.match(text) and not _NUMBER.fullmatch(text) else text


def plain_cell(cell: str) -> str:
    """The text that `safe_cell` made this cell of."""
    return cell[1:] if cell.startswith("'") and _COMPUTED.match(cell) else cell


def is_formula(cell: str) -> bool:
    """Whether a cell of a text file is a formula: it starts with = or @. Signed numbers are none."""
    return _FORMULA.match(cell) is not None
