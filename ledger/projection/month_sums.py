"""What a month report is made of: sums, numbers used, red letters, input tax."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, select

from ledger.projection.columns import number_text
from ledger.projection.deductions import PeriodRecord, period
from ledger.projection.derived import INVOICE
from ledger.projection.derived_rules import RED
from ledger.projection.invoices import InvoiceRecord, record_of
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from ledger.projection.parties import TotalsRecord, totals

RUNS_MAX = 10_000  # runs of numbers in one answer; a report with more gaps than that is told so
NUMBERS_AT_A_TIME = 5_000  # numbers held in memory while runs are counted
DEDUCT = 1


@dataclass(frozen=True)
class MonthSums:
    """An enterprise's month in fen: its invoices (the contract's own totals) and its input tax.

    `first_number`, `last_number` are the lowest and highest number it used, None when none; `deducted_tax_fen` is the
    valid tax selected to be deducted; `transfer_out_fen` is deducted tax taken back because of reds of that month.
    """

    party: int
    month: int
    totals: TotalsRecord
    blue_count: int
    red_count: int
    first_number: int | None
    last_number: int | None
    period: PeriodRecord
    deducted_tax_fen: int
    transfer_out_fen: int

    @property
    def blue_net_fen(self) -> int:
        """Blue gross less blue tax."""
        return self.totals.blue_gross_fen - self.totals.blue_tax_fen

    @property
    def red_net_fen(self) -> int:
        """Red gross less red tax."""
        return self.totals.red_gross_fen - self.totals.red_tax_fen


@dataclass(frozen=True)
class RedRecord:
    """A red invoice and what it took from its blue.

    `settled`, `deducted`: the blue was so when it was reddened; `transfer_out_fen` is input tax the buyer takes back.
    """

    number: int
    blue: int
    seller: int
    buyer: int
    month: int
    blue_month: int
    reason: int
    gross_fen: int
    tax_fen: int
    issued_order: int
    issued_at: int
    settled: bool
    deducted: bool
    transfer_out_fen: int


@dataclass(frozen=True)
class NumberRuns:
    """Used numbers as runs (first, last), ascending; not `complete`: more runs than RUNS_MAX follow."""

    runs: tuple[tuple[int, int], ...]
    complete: bool


def month_sums(connection: Connection, party: int, month: int) -> MonthSums:
    """Everything of a month that needs no document."""
    known = totals(connection, party, month)
    reds = connection.execute(select(func.count()).where(RED.c.seller == party, RED.c.month == month)).scalar_one()
    back = connection.execute(
        select(func.coalesce(func.sum(RED.c.transfer_out_fen), 0)).where(RED.c.buyer == party, RED.c.month == month)
    ).scalar_one()
    inputs = period(connection, party, month)
    return MonthSums(
        party=party,
        month=month,
        totals=known,
        blue_count=known.count - int(reds),
        red_count=int(reds),
        first_number=_end(connection, party, month, highest=False),
        last_number=_end(connection, party, month, highest=True),
        period=inputs,
        deducted_tax_fen=sum(one.valid_tax_fen for one in inputs.by_purpose if one.purpose == DEDUCT),
        transfer_out_fen=int(back),
    )


def month_invoices(
    connection: Connection, seller: int, month: int, *, after: int | None = None, limit: int
) -> tuple[InvoiceRecord, ...]:
    """Invoices, red ones too, that a seller issued in a month, by number from the one after `after`.

    Raises: ValueError for a page size outside its limit.
    """
    statement = select(INVOICE).where(INVOICE.c.month == month, INVOICE.c.seller == seller)
    if after is not None:
        statement = statement.where(INVOICE.c.number > number_text(after))
    rows = connection.execute(statement.order_by(INVOICE.c.number).limit(page_size(limit)))
    return tuple(record_of(dict(row._mapping)) for row in rows)


def month_runs(connection: Connection, seller: int, month: int) -> NumberRuns:
    """Numbers a seller used in a month."""
    numbers = (
        select(INVOICE.c.number)
        .where(INVOICE.c.month == month, INVOICE.c.seller == seller)
        .order_by(INVOICE.c.number)
        .execution_options(yield_per=NUMBERS_AT_A_TIME)
    )
    return _runs(connection.execute(numbers).scalars())


def number_runs(connection: Connection, first_number: int, last_number: int) -> NumberRuns:
    """Numbers used from `first_number` to `last_number`, in any month: what is between the runs was passed over."""
    numbers = (
        select(INVOICE.c.number)
        .where(INVOICE.c.number.between(number_text(first_number), number_text(last_number)))
        .order_by(INVOICE.c.number)
        .execution_options(yield_per=NUMBERS_AT_A_TIME)
    )
    return _runs(connection.execute(numbers).scalars())


def reds_issued(
    connection: Connection, seller: int, month: int, *, limit: int, cursor: str | None = None
) -> Page[RedRecord]:
    """Reds of a seller's month, newest first. Raises: CursorError; ValueError for a page size outside its limit."""
    return _reds(connection, RED.c.seller == seller, month, limit, cursor)


def reds_received(
    connection: Connection, buyer: int, month: int, *, limit: int, cursor: str | None = None
) -> Page[RedRecord]:
    """Reds of a month whose blues named `buyer`, newest first. Raises: as reds_issued."""
    return _reds(connection, RED.c.buyer == buyer, month, limit, cursor)


def _reds(connection: Connection, whose: object, month: int, limit: int, cursor: str | None) -> Page[RedRecord]:
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(RED).where(whose, RED.c.month == month)  # type: ignore[arg-type]
    if before is not None:
        statement = statement.where(RED.c.issued_order < before)
    rows = connection.execute(statement.order_by(RED.c.issued_order.desc()).limit(size + 1))
    return page_of([(row.issued_order, _red(row)) for row in rows], size)


def _red(row: Row[tuple[object, ...]]) -> RedRecord:
    values = row._mapping
    return RedRecord(**{**values, "number": int(values["number"]), "blue": int(values["blue"])})


def _end(connection: Connection, seller: int, month: int, *, highest: bool) -> int | None:
    number = INVOICE.c.number
    found = connection.execute(
        select(number)
        .where(INVOICE.c.month == month, INVOICE.c.seller == seller)
        .order_by(number.desc() if highest else number)
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else int(found)


def _runs(numbers: Iterable[str]) -> NumberRuns:
    runs: list[tuple[int, int]] = []
    for text in numbers:
        number = int(text)
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        elif len(runs) == RUNS_MAX:
            return NumberRuns(tuple(runs), complete=False)
        else:
            runs.append((number, number))
    return NumberRuns(tuple(runs), complete=True)
