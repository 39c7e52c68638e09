"""Rows of the derived tables while a block is applied: read once, changed in memory, written in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select, tuple_, update

from ledger.projection import derived, derived_rules
from ledger.projection.database import upsert
from verifier.words import Use

KEYS_IN_ONE_SELECT = 400  # keys in one IN list, two columns each under SQLite's limit of variables

Key = tuple[object, ...]
Changes = dict[str, Any]  # a row by column name; the columns' types are those of derived.py


class TableDraft:
    """One table's rows that a block touches, by primary key."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self._connection = connection
        self._table = table
        self._keys = [column.name for column in table.primary_key]
        self._rows: dict[Key, Changes | None] = {}
        self._changed: dict[Key, Changes] = {}

    def preload(self, keys: Iterable[Key]) -> None:
        """Reads the rows of `keys` with few statements; later `get`s of them cost nothing."""
        wanted = sorted({key for key in keys if key not in self._rows}, key=repr)
        columns = [self._table.c[name] for name in self._keys]
        for at in range(0, len(wanted), KEYS_IN_ONE_SELECT):
            part = wanted[at : at + KEYS_IN_ONE_SELECT]
            matches = columns[0].in_([key[0] for key in part]) if len(columns) == 1 else tuple_(*columns).in_(part)
            for row in self._connection.execute(select(self._table).where(matches)):
                found = dict(row._mapping)
                self._rows[tuple(found[name] for name in self._keys)] = found
        for key in wanted:
            self._rows.setdefault(key, None)

    def get(self, *key: object) -> Changes | None:
        """The row as it is after everything applied so far, None when there is none. Change it, then `put` it."""
        if key not in self._rows:
            self.preload([key])
        return self._rows[key]

    def put(self, row: Changes) -> None:
        """Takes `row` as the new or changed row of its key."""
        key = tuple(row[name] for name in self._keys)
        self._rows[key] = row
        self._changed[key] = row

    def write(self) -> None:
        """Writes every row that was put."""
        upsert(self._connection, self._table, list(self._changed.values()))


class Draft:
    """All derived rows one block changes."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.invoices = TableDraft(connection, derived.INVOICE)
        self.parties = TableDraft(connection, derived.PARTY)
        self.grants = TableDraft(connection, derived.GRANT)
        self.totals = TableDraft(connection, derived.TOTALS)
        self.claims = TableDraft(connection, derived.CLAIM)
        self.slips = TableDraft(connection, derived_rules.SLIP)
        self.deductions = TableDraft(connection, derived_rules.DEDUCTION)
        self.deducted = TableDraft(connection, derived_rules.DEDUCTED)
        self.lifts = TableDraft(connection, derived_rules.LIFT)
        self.exceptions = TableDraft(connection, derived_rules.EXCEPTION)
        self.filings = TableDraft(connection, derived.FILING)
        self.frozen: list[Changes] = []  # (of_party, of_month): periods whose selections are final from this block on
        self.groups: list[Changes] = []
        self.operations: list[Changes] = []
        self.segments: list[Changes] = []
        self.months: list[Changes] = []
        self.contracts: list[Changes] = []
        self.reds: list[Changes] = []
        self.revocations: list[Changes] = []
        self.anchors: list[Changes] = []
        self.refusals: list[Changes] = []
        self.duplicates: list[Changes] = []
        self.events: list[Changes] = []

    def write(self) -> None:
        """Writes everything; the caller's transaction makes it one step."""
        for table, rows in (
            (derived.GROUP, self.groups),
            (derived.OPERATION_RECORD, self.operations),
            (derived.SEGMENT, self.segments),
            (derived.MONTH, self.months),
            (derived.CONTRACT, self.contracts),
            (derived_rules.RED, self.reds),
            (derived_rules.REVOCATION, self.revocations),
            (derived_rules.ANCHOR, self.anchors),
            (derived_rules.REFUSAL, self.refusals),
            (derived_rules.DUPLICATE, self.duplicates),
            (derived_rules.EVENT, self.events),
        ):
            if rows:
                self.connection.execute(table.insert(), rows)
        for draft in (
            self.invoices,
            self.parties,
            self.grants,
            self.totals,
            self.claims,
            self.slips,
            self.deductions,
            self.deducted,
            self.lifts,
            self.exceptions,
            self.filings,
        ):
            draft.write()
        if self.frozen:
            # At the block's end as well as anywhere in it: what is frozen is neither selected nor unselected any more.
            self.connection.execute(_FREEZE_INVOICES, self.frozen)
            self.connection.execute(_FREEZE_DEDUCTIONS, self.frozen)


_DEDUCTION = derived_rules.DEDUCTION.c
_OF_PERIOD = (
    (_DEDUCTION.party == bindparam("of_party"))
    & (_DEDUCTION.month == bindparam("of_month"))
    & (_DEDUCTION.usage == Use.SELECTED.value)
)
_FREEZE_INVOICES = (
    update(derived.INVOICE)
    .where(derived.INVOICE.c.number.in_(select(_DEDUCTION.number).where(_OF_PERIOD)))
    .values(usage=Use.CONFIRMED.value)
)
_FREEZE_DEDUCTIONS = update(derived_rules.DEDUCTION).where(_OF_PERIOD).values(usage=Use.CONFIRMED.value)
