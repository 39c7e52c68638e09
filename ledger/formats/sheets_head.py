"""The head of a sheet: which column stands where, told by the names in its row."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.domain.errors import FieldProblem
from ledger.formats.errors import FieldsRefusedError, FileRefusedError, format_problem
from ledger.formats.sheets_columns import AMOUNT_KEYS, BY_KEY, REQUIRED_KEYS, Column, column_named, is_untaken
from ledger.formats.sheets_rows import HEAD_ROWS_MAX, Row

HEAD_NAMES_MIN = 3  # names of columns in a row that make it the head; fewer may be an accident
WARNINGS_MAX = 20  # unknown columns named; the rest are not
VALUE_SHOWN_MAX = 60  # characters of a cell repeated beside its problem


@dataclass(frozen=True, slots=True)
class Head:
    """Columns by their place in a row, and their names as the sheet has them.

    `row_count` rows with any text end with the head; right of `width` cells no column has a name. `untaken` names of
    columns by place that must be empty.
    """

    places: dict[int, Column]
    names: dict[str, str]
    width: int
    row_count: int
    warnings: tuple[FieldProblem, ...]
    untaken: dict[int, str]

    def name(self, key: str) -> str:
        """Name of a column as in the sheet, or else as in the template; "" for the row as a whole."""
        return self.names.get(key) or (BY_KEY[key].zh if key else "")


def find_head(rows: list[Row]) -> Head:
    """The head: the first row with names of columns.

    Raises: FileRefusedError when there is none; FieldsRefusedError for columns that are missing or given twice.
    """
    for row_count, row in enumerate(rows[:HEAD_ROWS_MAX], 1):
        columns = [column_named(cell.text) for cell in row.cells]
        if len({column.key for column in columns if column is not None}) >= HEAD_NAMES_MIN:
            return _head(row, columns, row_count)
    raise FileRefusedError("sheet_head_missing", limit=HEAD_ROWS_MAX)


def shown(text: str) -> str:
    """A cell's text, short and printable."""
    return "".join(char if char.isprintable() else "?" for char in text[:VALUE_SHOWN_MAX])


def _head(row: Row, columns: list[Column | None], row_count: int) -> Head:
    places: dict[int, Column] = {}
    names: dict[str, str] = {}
    problems: list[FieldProblem] = []
    warnings: list[FieldProblem] = []
    untaken: dict[int, str] = {}
    for place, (cell, column) in enumerate(zip(row.cells, columns, strict=True)):
        name = shown(cell.text)
        if column is None and is_untaken(cell.text):
            untaken[place] = name
        elif column is None:
            if name and len(warnings) < WARNINGS_MAX:
                warnings.append(format_problem("", "sheet_column_unknown", name=name))
        elif column.key in names:
            problems.append(format_problem("", "sheet_column_twice", first=names[column.key], second=name))
        else:
            places[place], names[column.key] = column, name
    missing = [BY_KEY[key] for key in REQUIRED_KEYS if key not in names]
    if not any(key in names for key in AMOUNT_KEYS):
        missing.append(BY_KEY["net"])
    problems += [format_problem("", "sheet_column_missing", name=f"{one.zh} ({one.en})") for one in missing]
    if problems:
        raise FieldsRefusedError(problems)
    return Head(places, names, len(row.cells), row_count, tuple(warnings), untaken)
