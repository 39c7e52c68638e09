"""Questions about deduction: the tax of one invoice, what a period holds, what could still be selected for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.sql.elements import ColumnElement

from ledger.projection.columns import number_text
from ledger.projection.derived import INVOICE
from ledger.projection.derived_rules import DEDUCTED, DEDUCTION
from ledger.projection.invoices import InvoiceRecord, record_of
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from verifier.words import Colour, Use

PERIODS_MAX = 1_000  # periods of one buyer in one answer: 80 years
UNSELECTED = 0  # month of an invoice that no period has


@dataclass(frozen=True)
class DeductionRecord:
    """Input tax of one special invoice, in fen; `month` is None while it is in no period.

    `usage` is verifier.words.Use as it is by now; `transferred_fen` is what reds took back of a frozen deduction.
    """

    number: int
    party: int
    month: int | None
    issued_order: int
    tax_left_fen: int
    valid_tax_fen: int
    purpose: int
    reason: int
    usage: int
    selected_at: int | None
    transferred_fen: int


@dataclass(frozen=True)
class PurposeSum:
    """Invoices of one purpose in a period: their count, valid tax, and for those not deducted why (else 0)."""

    purpose: int
    reason: int
    count: int
    valid_tax_fen: int


@dataclass(frozen=True)
class PeriodRecord:
    """One buyer's period: the contract's sums, over all purposes, and the same by purpose and reason."""

    party: int
    month: int
    valid_tax_fen: int
    count: int
    confirmed_at: int | None
    confirmed_by: int | None
    digest: bytes | None
    by_purpose: tuple[PurposeSum, ...] = ()


def deduction(connection: Connection, number: int) -> DeductionRecord | None:
    """Input tax of an invoice; None when it gives none (ordinary, red or outside)."""
    row = connection.execute(select(DEDUCTION).where(DEDUCTION.c.number == number_text(number))).one_or_none()
    return None if row is None else _deduction(row)


def period(connection: Connection, party: int, month: int) -> PeriodRecord:
    """The statistics of a buyer's period; zeros when nothing is selected for it."""
    row = connection.execute(select(DEDUCTED).where(DEDUCTED.c.party == party, DEDUCTED.c.month == month)).one_or_none()
    if row is None:
        return PeriodRecord(party, month, 0, 0, None, None, None)
    found = connection.execute(
        select(
            DEDUCTION.c.purpose,
            DEDUCTION.c.reason,
            func.count().label("invoices"),
            func.sum(DEDUCTION.c.valid_tax_fen).label("valid_tax_fen"),
        )
        .where(DEDUCTION.c.party == party, DEDUCTION.c.month == month)
        .group_by(DEDUCTION.c.purpose, DEDUCTION.c.reason)
        .order_by(DEDUCTION.c.purpose, DEDUCTION.c.reason)
    )
    sums = tuple(PurposeSum(one.purpose, one.reason, int(one.invoices), int(one.valid_tax_fen)) for one in found)
    return PeriodRecord(**row._mapping, by_purpose=sums)


def periods(connection: Connection, party: int) -> tuple[PeriodRecord, ...]:
    """Every period of a buyer, newest first, without the sums by purpose."""
    rows = connection.execute(
        select(DEDUCTED).where(DEDUCTED.c.party == party).order_by(DEDUCTED.c.month.desc()).limit(PERIODS_MAX)
    )
    return tuple(PeriodRecord(**row._mapping) for row in rows)


def selected(
    connection: Connection, party: int, month: int, *, limit: int, cursor: str | None = None
) -> Page[tuple[InvoiceRecord, DeductionRecord]]:
    """Invoices in a buyer's period, newest issued first.

    Raises: CursorError; ValueError for a page size outside its limit or month 0.
    """
    if month == UNSELECTED:
        raise ValueError("a period is a month after 2000-01")
    return _joined(connection, party, month, [], limit, cursor)


def selectable(
    connection: Connection, party: int, month: int, *, limit: int, cursor: str | None = None
) -> Page[tuple[InvoiceRecord, DeductionRecord]]:
    """Invoices a buyer could select for a period: special, issued by then, not fully red, not flagged, in no period.

    Whether the period is open is not asked here. Raises: CursorError; ValueError for a page size outside its limit.
    """
    conditions = [
        DEDUCTION.c.usage == Use.NONE.value,
        INVOICE.c.month + 0 <= month,  # goes along the buyer's index, not the month's
        INVOICE.c.colour != Colour.FULLY_RED.value,
        INVOICE.c.risk == 0,
    ]
    return _joined(connection, party, UNSELECTED, conditions, limit, cursor)


def _joined(
    connection: Connection,
    party: int,
    month: int,
    conditions: Sequence[ColumnElement[bool]],
    limit: int,
    cursor: str | None,
) -> Page[tuple[InvoiceRecord, DeductionRecord]]:
    size, before = page_size(limit), parse_cursor(cursor)
    labelled = [column.label(f"deduction_{column.name}_") for column in DEDUCTION.c]
    statement = (
        select(INVOICE, *labelled)
        .join(DEDUCTION, DEDUCTION.c.number == INVOICE.c.number)
        .where(DEDUCTION.c.party == party, DEDUCTION.c.month == month, *conditions)
    )
    if before is not None:
        statement = statement.where(DEDUCTION.c.issued_order < before)
    rows = connection.execute(statement.order_by(DEDUCTION.c.issued_order.desc()).limit(size + 1))
    found = []
    for row in rows:
        values = dict(row._mapping)
        tax = {column.name: values.pop(f"deduction_{column.name}_") for column in DEDUCTION.c}
        found.append((tax["issued_order"], (record_of(values), _record(tax))))
    return page_of(found, size)


def _deduction(row: Row[tuple[object, ...]]) -> DeductionRecord:
    return _record(dict(row._mapping))


def _record(values: dict[str, Any]) -> DeductionRecord:
    return DeductionRecord(**{**values, "number": int(values["number"]), "month": values["month"] or None})
