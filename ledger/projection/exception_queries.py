"""Questions about exceptions: what was raised about invoices that were settled, deducted or claimed, and for whom."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, or_, select

from ledger.projection.columns import number_text
from ledger.projection.derived import OPERATION_RECORD
from ledger.projection.derived_rules import EXCEPTION
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from ledger.projection.red_queries import PARTIES_MAX
from verifier.operations import Code


@dataclass(frozen=True)
class ExceptionRecord:
    """What one operation raised about an invoice; `kinds` are bits of verifier.words.ExceptionKind.

    `party` is the company told (0: none), `claimant` and `claim_id` the claim that stood then, `gross_fen` the
    invoice's then. `officer_at` and `party_at` say when each acknowledged. Times in seconds since 1970, UTC.
    """

    order: int
    number: int
    kinds: int
    party: int
    claimant: int | None
    claim_id: str | None
    gross_fen: int
    code: int
    digest: bytes
    block: int
    raised_at: int
    month: int
    answerable: bool
    previous: int | None
    officer: int | None
    officer_at: int | None
    party_actor: int | None
    party_at: int | None


@dataclass(frozen=True)
class ExceptionFilter:
    """Which exceptions: about one invoice, told to one of `parties` or about claims of `claimant` (None: anybody's).

    `open_for` is "officer" or "party": those it has not acknowledged.
    """

    parties: frozenset[int] | None = None
    claimant: int | None = None
    number: int | None = None
    open_for: str | None = None


def exceptions(
    connection: Connection, wanted: ExceptionFilter, *, limit: int, cursor: str | None = None
) -> Page[ExceptionRecord]:
    """Exceptions that match, newest first.

    Raises: CursorError; ValueError for a page size or number of parties outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(EXCEPTION)
    if wanted.parties is not None:
        if len(wanted.parties) > PARTIES_MAX:
            raise ValueError(f"exceptions are asked for at most {PARTIES_MAX} parties")
        told = EXCEPTION.c.party.in_(sorted(wanted.parties - {0}))
        mine = told if wanted.claimant is None else or_(told, EXCEPTION.c.claimant == wanted.claimant)
        statement = statement.where(mine)
    if wanted.number is not None:
        statement = statement.where(EXCEPTION.c.number == number_text(wanted.number))
    if wanted.open_for == "officer":
        statement = statement.where(EXCEPTION.c.officer_at.is_(None))
    elif wanted.open_for == "party":
        statement = statement.where(EXCEPTION.c.party_at.is_(None), EXCEPTION.c.answerable)
    if before is not None:
        statement = statement.where(EXCEPTION.c.order < before)
    rows = connection.execute(statement.order_by(EXCEPTION.c.order.desc()).limit(size + 1))
    return page_of([(row.order, _exception(row)) for row in rows], size)


def exception(connection: Connection, order: int) -> ExceptionRecord | None:
    """The exception that the operation of that order raised."""
    row = connection.execute(select(EXCEPTION).where(EXCEPTION.c.order == order)).one_or_none()
    return None if row is None else _exception(row)


def red_of(connection: Connection, order: int) -> int | None:
    """The red invoice that the operation of that order issued."""
    number = connection.execute(
        select(OPERATION_RECORD.c.number).where(
            OPERATION_RECORD.c.order == order, OPERATION_RECORD.c.code == Code.ISSUE_RED
        )
    ).scalar_one_or_none()
    return None if number is None else int(number)


def told_of(connection: Connection, number: int, parties: frozenset[int]) -> bool:
    """Whether one of `parties` was told an exception about that invoice."""
    return bool(
        connection.execute(
            select(EXCEPTION.c.order)
            .where(EXCEPTION.c.number == number_text(number), EXCEPTION.c.party.in_(sorted(parties - {0})))
            .limit(1)
        ).first()
    )


def _exception(row: Row[tuple[object, ...]]) -> ExceptionRecord:
    return ExceptionRecord(**{**row._mapping, "number": int(row._mapping["number"])})
