"""Register files: enterprises to be enrolled, one a row of a CSV or XLSX, each cell told apart by the head's names.

name, tax id, class              what everyone has
address, signed at, signature    a key that the enterprise keeps itself, with its proof; all three or none
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.formats.errors import FileRefusedError
from ledger.formats.sheets_columns import plain_name
from ledger.formats.sheets_rows import HEAD_ROWS_MAX, ROWS_MAX, Row, read_rows, texts_by_key

_COLUMNS = {
    "name": ("企业名称", "名称", "name"),
    "tax_id": ("统一社会信用代码", "税号", "taxid", "tax_id", "uscc"),
    "quota_class": ("额度等级", "等级", "class"),
    "address": ("密钥地址", "address"),
    "signed_at": ("签名时间", "signedat", "signed_at"),
    "signature": ("签名", "signature"),
}
_BY_NAME = {name: key for key, names in _COLUMNS.items() for name in names}
REQUIRED = ("name", "tax_id", "quota_class")
HEAD = ("name", "tax_id", "class", "address", "signed_at", "signature")
"""Names of the columns in a file of our own."""


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One row as it stands: `number` as spreadsheet programs count; `flaws` are columns that cannot be read."""

    number: int
    name: str = ""
    tax_id: str = ""
    quota_class: str = ""
    address: str = ""
    signed_at: str = ""
    signature: str = ""
    flaws: tuple[str, ...] = ()


def read_register(data: bytes) -> tuple[RegisterRow, ...]:
    """Rows of a register file, at most ROWS_MAX.

    Raises: FileRefusedError when the file as a whole is not read, has no head, or lacks a column.
    """
    rows = read_rows(data)
    for at, row in enumerate(rows[:HEAD_ROWS_MAX]):
        places = {place: _BY_NAME.get(plain_name(cell.text)) for place, cell in enumerate(row.cells)}
        if set(REQUIRED) <= set(places.values()):
            return _body(rows[at + 1 :], places)
    raise FileRefusedError("register_head", limit=HEAD_ROWS_MAX)


def _body(body: list[Row], places: dict[int, str | None]) -> tuple[RegisterRow, ...]:
    if not body:
        raise FileRefusedError("sheet_empty")
    if len(body) > ROWS_MAX:
        raise FileRefusedError("sheet_rows", limit=ROWS_MAX)
    return tuple(_row(one, places) for one in body)


def _row(row: Row, places: dict[int, str | None]) -> RegisterRow:
    texts, flaws = texts_by_key(row, places)
    return RegisterRow(row.number, flaws=tuple(flaws), **texts)
