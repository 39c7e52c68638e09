"""Sheets of invoices to be issued: rows in, drafts or problems out, each naming row, column and value.

    read_sheet(data, seller)      every invoice of a CSV or XLSX as a draft that can be issued, or with its problems
    sheets_write                  templates, drafts and results as sheets

Nothing is issued here. A sheet that as a whole cannot be read is refused; a wrong row only spoils its own invoice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ledger.domain.decimals import canonical_decimal
from ledger.domain.document import parse_issuable
from ledger.domain.errors import DocumentError, FieldProblem
from ledger.domain.fields import FieldReader, Problems
from ledger.domain.invoice import InvoiceKind, PartyDetails
from ledger.formats.errors import FileRefusedError, format_problem
from ledger.formats.national_xml import infer_natures
from ledger.formats.numerals import plain_number
from ledger.formats.sheets_cells import CELL_LENGTH_MAX
from ledger.formats.sheets_columns import (
    BY_KEY,
    COLUMNS,
    INCLUSIVE_WORDS,
    KIND_WORDS,
    REFERENCE_LENGTH_MAX,
    TOTAL_WORDS,
    plain_name,
)
from ledger.formats.sheets_head import Head, find_head, shown
from ledger.formats.sheets_lines import read_line
from ledger.formats.sheets_rows import ROWS_MAX, Cell, Row, read_rows
from verifier.canonical import Json

_HEAD = tuple(column for column in BY_KEY.values() if column.of_head)
_FIGURES = ("buyer_tax_id", "buyer_phone", "buyer_account", "tax_code")
_IDS = ("reference", "external_id", *_FIGURES)
_SHORTENED = re.compile(
    r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]{1,3}", re.ASCII
)  # how programs show long figures, and then save
_MARKED = re.compile(r"['`‘’]([0-9A-Za-z-]+)", re.ASCII)  # what people put before figures to keep them as text
_SUMS = frozenset({"total_net", "total_tax", "total_gross", "tax_error_sum", "gross_zero"})
_BY_LINE_FIELD = {column.path: column.key for column in COLUMNS if not column.of_head}
_BY_HEAD_PATH = {column.path: column.key for column in COLUMNS if column.of_head and column.path}


@dataclass(frozen=True, slots=True)
class SheetProblem:
    """One thing wrong in one cell: row from 1, the column as the sheet names it ("" for the row), the cell's text."""

    row: int
    column: str
    value: str
    problem: FieldProblem

    @property
    def message_en(self) -> str:
        """Where and what, in one English sentence."""
        place = f"row {self.row}" + (f", {self.column}" if self.column else "")
        return f"{place}: {self._shown}{self.problem.message_en}"

    @property
    def message_zh(self) -> str:
        """The same in Chinese."""
        place = f"第 {self.row} 行" + (f" {self.column}" if self.column else "")
        return f"{place}：{self._shown}{self.problem.message_zh}"

    @property
    def _shown(self) -> str:
        return f"“{self.value}” " if self.value else ""

    def to_json(self) -> dict[str, Json]:
        """Plain JSON; `code` as in docs/FORMATS.md."""
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "path": self.problem.path,
            "code": self.problem.code,
            "message_en": self.message_en,
            "message_zh": self.message_zh,
        }


@dataclass(frozen=True, slots=True)
class SheetInvoice:
    """One invoice of a sheet, from its first `row` on; `draft` is what `parse_issuable` takes, None with problems."""

    row: int
    row_count: int
    reference: str
    external_id: str
    draft: dict[str, Json] | None
    problems: tuple[SheetProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetDrafts:
    """What a sheet holds, in its order; totals in fen are of the invoices without problems."""

    invoices: tuple[SheetInvoice, ...]
    warnings: tuple[FieldProblem, ...] = ()

    @property
    def accepted_count(self) -> int:
        """Invoices that can be issued."""
        return sum(invoice.draft is not None for invoice in self.invoices)

    @property
    def refused_count(self) -> int:
        """Invoices with problems."""
        return len(self.invoices) - self.accepted_count

    def total_fen(self, key: str) -> int:
        """Sum of `net_fen`, `tax_fen` or `gross_fen` over the invoices that can be issued."""
        amounts = (invoice.draft[key] for invoice in self.invoices if invoice.draft is not None)
        return sum(amount for amount in amounts if isinstance(amount, int))


class _Notes:
    """Problems of one invoice as they are found, with the cells they are about."""

    def __init__(self, head: Head) -> None:
        self.found: list[SheetProblem] = []
        self.noted: set[tuple[int, str]] = set()
        self._head = head

    def add(self, row: Row, cells: dict[str, Cell], key: str, what: FieldProblem) -> None:
        """Note a problem of the cell in the column `key` of a row, "" for the row as a whole."""
        value = cells[key].text if key in cells else ""
        self.found.append(SheetProblem(row.number, self._head.name(key), shown(value), what))
        self.noted.add((row.number, key))


def read_sheet(data: bytes, seller: PartyDetails) -> SheetDrafts:
    """Invoices of a CSV or XLSX sheet, to be issued by `seller`.

    Raises: FileRefusedError when the file as a whole is not read; FieldsRefusedError for columns that are missing or
    given twice.
    """
    rows = read_rows(data)
    head = find_head(rows)
    body = rows[head.row_count :]
    if not body:
        raise FileRefusedError("sheet_empty")
    if len(body) > ROWS_MAX:
        raise FileRefusedError("sheet_rows", limit=ROWS_MAX)
    seen: dict[tuple[str, str], int] = {}
    groups = list(_groups(body, head))
    invoices = [_invoice(group, head, seller, seen) for group in groups]
    _spoil_before_strays(invoices, groups, head)
    return SheetDrafts(tuple(invoices), head.warnings)


def _cells(row: Row, head: Head) -> dict[str, Cell]:
    cells = {column.key: row.cells[place] for place, column in head.places.items() if place < len(row.cells)}
    return {key: _id_cell(key, cell) if key in _IDS else cell for key, cell in cells.items()}


def _id_cell(key: str, cell: Cell) -> Cell:
    """A cell of figures that are a name, not a number: shortened ones are lost, a mark before them is none of them.

    An own reference may be any text, and keeps its mark.
    """
    if not cell.flaw and _SHORTENED.fullmatch(cell.text):
        return Cell(cell.text, "cell_digits_lost")
    marked = _MARKED.fullmatch(cell.text) if key in _FIGURES else None
    return Cell(marked.group(1), cell.flaw, cell.length) if marked else cell


def _groups(rows: list[Row], head: Head) -> Iterator[list[tuple[Row, dict[str, Cell]]]]:
    """Rows of one invoice each: those below each other with one reference; a row without is an invoice alone."""
    group: list[tuple[Row, dict[str, Cell]]] = []
    last = ""
    for row in rows:
        cells = _cells(row, head)
        reference = cells["reference"].text if "reference" in cells else ""
        if group and not (reference and reference == last):
            yield group
            group = []
        group.append((row, cells))
        last = reference
    yield group


def _spoil_before_strays(
    invoices: list[SheetInvoice], groups: list[list[tuple[Row, dict[str, Cell]]]], head: Head
) -> None:
    """A row with an item and neither reference nor buyer is a line of the invoice above, in merged cells for example.

    It says so too little to be added, and without it the invoice above would be issued over less.
    """
    owner = 0
    for index, group in enumerate(groups):
        row, cells = group[0]
        texts = {key: cell.text for key, cell in cells.items()}
        is_total = any(plain_name(cell.text) in TOTAL_WORDS for cell in row.cells)
        if index == 0 or is_total or texts.get("reference") or texts.get("buyer_name") or not texts.get("name"):
            owner = owner if is_total else index
            continue
        what = SheetProblem(row.number, head.name("reference"), "", format_problem("", "row_reference_blank"))
        before = invoices[owner]
        if what not in before.problems:
            invoices[owner] = replace(before, draft=None, problems=(*before.problems, what))


def _invoice(
    group: list[tuple[Row, dict[str, Cell]]], head: Head, seller: PartyDetails, seen: dict[tuple[str, str], int]
) -> SheetInvoice:
    notes = _Notes(head)
    first, first_cells = group[0]
    lines: list[dict[str, Json]] = []
    for row, cells in group:
        lines.append(_line(row, _inclusive(cells, first_cells), head, notes))
        if row is not first:
            _check_head(row, cells, first, first_cells, notes)
    word = first_cells["tax_inclusive"].text if "tax_inclusive" in first_cells else ""
    if word and plain_name(word) not in INCLUSIVE_WORDS:
        notes.add(first, first_cells, "tax_inclusive", format_problem("", "cell_choice", choices="是 yes, 否 no"))
    ids = _ids(first, first_cells, seen, notes)
    if not any("nature" in line for line in lines):
        infer_natures(lines, red=False)
    values = _values(first, first_cells, lines, seller, notes)
    draft: dict[str, Json] | None = None
    try:
        document = parse_issuable(values)
        draft = document.to_json()
    except DocumentError as err:
        _take_over(err, group, notes)
    found = tuple(sorted(notes.found, key=lambda one: one.row))
    return SheetInvoice(first.number, len(group), *ids, None if found else draft, found)


def _inclusive(cells: dict[str, Cell], first_cells: dict[str, Cell]) -> dict[str, Cell]:
    """The cells of a line: where the invoice's first row says that its amounts include tax, net and price are gross."""
    word = first_cells["tax_inclusive"].text if "tax_inclusive" in first_cells else ""
    if not INCLUSIVE_WORDS.get(plain_name(word), False):
        return cells
    taken = dict(cells)
    for key, with_tax in (("net", "gross"), ("price", "gross_price")):
        cell = taken.pop(key, None)
        if cell is not None and not (with_tax in taken and taken[with_tax].text):
            taken[with_tax] = cell
    return taken


def _line(row: Row, cells: dict[str, Cell], head: Head, notes: _Notes) -> dict[str, Json]:
    for key, cell in cells.items():
        if cell.flaw:
            what = format_problem("", cell.flaw, count=cell.length, limit=CELL_LENGTH_MAX)
            notes.add(row, cells, key, what)
    for cell in row.cells[head.width :]:
        if cell.text:
            notes.add(row, {"": cell}, "", format_problem("", "cell_without_column"))
            break
    for place, name in head.untaken.items():
        text = row.cells[place].text if place < len(row.cells) else ""
        if text and canonical_decimal(plain_number(text.removesuffix("%"))) != "0":
            notes.add(row, {"": row.cells[place]}, "", format_problem("", "cell_not_taken", name=name))
    texts = {key: cell.text for key, cell in cells.items() if not cell.flaw}
    spoilt = {key for key, cell in cells.items() if cell.flaw}

    def note(key: str, what: FieldProblem) -> None:
        if key not in spoilt:
            notes.add(row, cells, key, what)

    return read_line(texts, note)


def _check_head(row: Row, cells: dict[str, Cell], first: Row, first_cells: dict[str, Cell], notes: _Notes) -> None:
    """The head's fields stand in the first row; in later ones they are blank or the same."""
    for column in _HEAD:
        cell = cells.get(column.key)
        if cell is None or not cell.text or cell.flaw:
            continue
        if column.key not in first_cells or cell.text != first_cells[column.key].text:
            notes.add(row, cells, column.key, format_problem("", "row_head_differs", row=first.number))


def _ids(row: Row, cells: dict[str, Cell], seen: dict[tuple[str, str], int], notes: _Notes) -> tuple[str, str]:
    """Reference and external id, each of which names one invoice of the sheet."""
    ids = []
    for key, code in (("reference", "row_reference_again"), ("external_id", "row_external_again")):
        text = cells[key].text if key in cells and not cells[key].flaw else ""
        found = Problems()
        text = FieldReader({key: text}, "", frozenset({key}), found).text(key, REFERENCE_LENGTH_MAX)
        ids.append(text)
        for what in found.all():
            notes.add(row, cells, key, what)
        if text:
            before = seen.setdefault((key, text), row.number)
            if before != row.number:
                notes.add(row, cells, key, format_problem("", code, row=before))
    return ids[0], ids[1]


def _values(
    row: Row, cells: dict[str, Cell], lines: list[dict[str, Json]], seller: PartyDetails, notes: _Notes
) -> dict[str, Json]:
    """Plain values of the document; totals are the sums of the lines."""
    buyer: dict[str, Json] = {"name": "", "tax_id": ""}
    values: dict[str, Json] = {"kind": InvoiceKind.ORDINARY.value, "seller": seller.to_json(), "buyer": buyer}
    for column in _HEAD:
        text = cells[column.key].text if column.key in cells and not cells[column.key].flaw else ""
        if not text or not column.path:
            continue
        if column.key == "kind":
            kind = KIND_WORDS.get(plain_name(text))
            if kind is None:
                notes.add(row, cells, "kind", format_problem("", "cell_choice", choices="普通 ordinary, 专用 special"))
            else:
                values["kind"] = kind.value
        elif column.path.startswith("buyer."):
            buyer[column.path.removeprefix("buyer.")] = text
        else:
            values[column.path] = text
    net_fen, tax_fen = (_sum(lines, key) for key in ("net_fen", "tax_fen"))
    return {**values, "lines": list(lines), "net_fen": net_fen, "tax_fen": tax_fen, "gross_fen": net_fen + tax_fen}


def _sum(lines: list[dict[str, Json]], key: str) -> int:
    return sum(amount for amount in (line[key] for line in lines) if isinstance(amount, int))


def _take_over(err: DocumentError, group: list[tuple[Row, dict[str, Cell]]], notes: _Notes) -> None:
    """Problems the domain found, at the rows and columns they are about.

    Of a row or field already noted nothing is repeated, and sums over a row that could not be read say nothing.
    """
    earlier = frozenset(notes.noted)
    spoilt_rows = {row for row, key in earlier if not key or not BY_KEY[key].of_head}
    for what in err.problems:
        path, row, cells, field = what.path, *group[0], ""
        key = _BY_HEAD_PATH.get(path, "")
        if path.startswith("lines."):
            _, index, *rest = path.split(".")
            row, cells = group[int(index)]
            field = rest[0] if rest else "rate_mark"
            key = _column_of(field, cells)
            if row.number in spoilt_rows:
                continue
        elif (row.number, key) in earlier or (spoilt_rows and what.code in _SUMS | {"lines_missing"}):
            continue
        notes.add(row, cells, key, what)


def _column_of(field: str, cells: dict[str, Cell]) -> str:
    """The column in which a line's field was given, where several can give it."""
    key = _BY_LINE_FIELD[field]
    if key == "net" and not (key in cells and cells[key].text):
        return "gross" if "gross" in cells and cells["gross"].text else "net"
    if key == "rate_mark" and not (key in cells and cells[key].text):
        return "rate"
    return key
