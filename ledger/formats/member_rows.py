"""Lists of members: people an enterprise grants something, one a row of a CSV or XLSX; the head names the columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.formats.errors import FileRefusedError
from ledger.formats.sheets_columns import plain_name
from ledger.formats.sheets_rows import HEAD_ROWS_MAX, Row, read_rows, texts_by_key

_COLUMNS = {
    "person": ("人员", "人员编号", "person"),
    "grants": ("授权", "权限", "grants"),
    "invite": ("邀请", "invite"),
}
_BY_NAME = {plain_name(name): key for key, names in _COLUMNS.items() for name in names}
REQUIRED = ("person", "grants")
HEAD = ("person", "grants", "invite")
"""Names of the columns in a file of our own."""

_YES = frozenset({"yes", "y", "true", "1", "是"})
_NO = frozenset({"", "no", "n", "false", "0", "否"})
_BETWEEN = re.compile(r"[\s,;，；、]+")
_PERSON_DIGITS_MAX = 10  # of a party id, which has 32 bits


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One row: `number` as spreadsheet programs count; `flaws` are columns that cannot be read.

    `person` is 0 where the cell is no party's id: there is no such party.
    """

    number: int
    person: int = 0
    grants: tuple[str, ...] = ()
    invite: bool = False
    flaws: tuple[str, ...] = ()


def read_members(data: bytes, *, rows_max: int) -> tuple[MemberRow, ...]:
    """Rows of a list of members.

    Raises: FileRefusedError when the file as a whole is not read, has no head, or more than `rows_max` rows.
    """
    rows = read_rows(data)
    for at, row in enumerate(rows[:HEAD_ROWS_MAX]):
        places = {place: _BY_NAME.get(plain_name(cell.text)) for place, cell in enumerate(row.cells)}
        if set(REQUIRED) <= set(places.values()):
            body = rows[at + 1 :]
            if not body:
                raise FileRefusedError("members_empty")
            if len(body) > rows_max:
                raise FileRefusedError("sheet_rows", limit=rows_max)
            return tuple(_row(one, places) for one in body)
    raise FileRefusedError("members_head", limit=HEAD_ROWS_MAX)


def _row(row: Row, places: dict[int, str | None]) -> MemberRow:
    texts, flaws = texts_by_key(row, places)
    person, invite = texts.get("person", ""), texts.get("invite", "").lower()
    if invite not in _YES | _NO:
        flaws.append("invite")
    return MemberRow(
        number=row.number,
        person=int(person) if person.isascii() and person.isdigit() and len(person) <= _PERSON_DIGITS_MAX else 0,
        grants=tuple(filter(None, _BETWEEN.split(texts.get("grants", "").lower()))),
        invite=invite in _YES,
        flaws=tuple(flaws),
    )
