"""Month reports: what an enterprise declares beside its invoices, and the reports behind the hashes on chain."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from ledger.projection.database import upsert
from ledger.projection.ground_work import MONTH_DECLARATION, MONTH_REPORT

REPORTS_MAX = 200  # reports of one month in one answer; each refiling adds one


@dataclass(frozen=True)
class MonthDeclaration:
    """What is declared of a month beside its invoices (un-invoiced sales), as sealed bytes."""

    party: int
    month: int
    declared: bytes
    updated_by: int
    updated_at: int


@dataclass(frozen=True)
class MonthReport:
    """A report by its 32-byte hash, salt and report as sealed bytes; on chain or not says p_filing."""

    report_hash: bytes
    party: int
    month: int
    report: bytes
    stored_by: int
    stored_at: int


def put_declaration(connection: Connection, declaration: MonthDeclaration) -> None:
    """Stores what is declared of a month, replacing what was."""
    values = {column.name: getattr(declaration, column.name) for column in MONTH_DECLARATION.c}
    upsert(connection, MONTH_DECLARATION, [values])


def declaration(connection: Connection, party: int, month: int) -> MonthDeclaration | None:
    """What `party` declared of `month`."""
    table = MONTH_DECLARATION
    row = connection.execute(select(table).where(table.c.party == party, table.c.month == month)).one_or_none()
    return None if row is None else MonthDeclaration(**row._mapping)


def put_report(connection: Connection, new: MonthReport) -> None:
    """Stores a report by its hash, once; the same hash again changes nothing."""
    if report(connection, new.report_hash) is None:
        connection.execute(MONTH_REPORT.insert(), {column.name: getattr(new, column.name) for column in MONTH_REPORT.c})


def report(connection: Connection, report_hash: bytes) -> MonthReport | None:
    """The report with that hash."""
    row = connection.execute(select(MONTH_REPORT).where(MONTH_REPORT.c.report_hash == report_hash)).one_or_none()
    return None if row is None else MonthReport(**row._mapping)


def reports(connection: Connection, party: int, month: int) -> tuple[MonthReport, ...]:
    """Every report of a month, oldest first, filed or not."""
    table = MONTH_REPORT
    rows = connection.execute(
        select(table)
        .where(table.c.party == party, table.c.month == month)
        .order_by(table.c.stored_at, table.c.report_hash)
        .limit(REPORTS_MAX)
    )
    return tuple(MonthReport(**row._mapping) for row in rows)
