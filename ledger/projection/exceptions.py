"""Questions about exceptions: what happened to invoices after they were paid out, deducted or claimed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, and_, or_, select, union

from ledger.projection.columns import number_text
from ledger.projection.derived_rules import EXCEPTION
from ledger.projection.districts import District, Sight, enterprise_in, invoice_of
from ledger.projection.invoice_filter import VISIBLE_PARTIES_MAX
from ledger.projection.pages import Page, page_of, page_size, parse_cursor

EXCEPTIONS_OF_NUMBER_MAX = 1_000  # exceptions of one invoice in one answer; a handful is a scandal

_OPEN_TO_PARTY = and_(EXCEPTION.c.party_at.is_(None), EXCEPTION.c.answerable.is_(True))


@dataclass(frozen=True)
class ExceptionRecord:
    """What one operation raised of one invoice, whom it told, and who acknowledged it since.

    `kinds` are bits of verifier.words.ExceptionKind, `code` the operation; `claimant` and `claim_id` are of the claim
    that stood then. `answerable`: the contract still asks `party`; a later exception may have named another company.
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


def exceptions_of_number(
    connection: Connection, number: int, *, visible_to: Sight = None
) -> tuple[ExceptionRecord, ...]:
    """Exceptions of an invoice, oldest first: those `visible_to` may read, None all; see `exceptions`."""
    table, conditions = EXCEPTION, [EXCEPTION.c.number == number_text(number)]
    if isinstance(visible_to, District):
        conditions.append(or_(enterprise_in(table.c.party, visible_to), invoice_of(table.c.number, visible_to)))
    elif visible_to is not None:
        named = sorted(visible_to - {0})
        conditions.append(or_(table.c.party.in_(named), table.c.claimant.in_(named)))
    rows = connection.execute(
        select(EXCEPTION).where(*conditions).order_by(EXCEPTION.c.order).limit(EXCEPTIONS_OF_NUMBER_MAX)
    )
    return tuple(_exception(row) for row in rows)


def exceptions(
    connection: Connection,
    *,
    visible_to: Sight,
    district: District | None = None,
    month: int | None = None,
    kind: int | None = None,
    unacknowledged: bool = False,
    limit: int,
    cursor: str | None = None,
) -> Page[ExceptionRecord]:
    """Exceptions that tell one of `visible_to` or whose claim was theirs (None, an officer: all), newest first.

    With `district`, of these only those an officer of it may see: that told one of its enterprises, or about invoices
    one takes part in.

    `month` is that of raising, `kind` one bit; `unacknowledged`: by an officer, or by the company told if it still can.

    Raises: CursorError; ValueError for a page size or number of parties outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    table, conditions = EXCEPTION, []
    if before is not None:
        conditions.append(table.c.order < before)
    if kind is not None:
        conditions.append(table.c.kinds.op("&")(kind) != 0)
    if isinstance(visible_to, District):
        visible_to, district = None, visible_to
    if district is not None:
        conditions.append(or_(enterprise_in(table.c.party, district), invoice_of(table.c.number, district)))
    statement = select(table)
    if visible_to is None:
        if month is not None:
            conditions.append(table.c.month == month)
        if unacknowledged:
            conditions.append(table.c.officer_at.is_(None))
        statement = statement.where(*conditions)
    else:
        if len(visible_to) > VISIBLE_PARTIES_MAX:
            raise ValueError(f"a search is for at most {VISIBLE_PARTIES_MAX} parties")
        if month is not None:
            conditions.append(table.c.month + 0 == month)  # goes along the party's index, not the month's
        named = sorted(visible_to - {0})
        told = table.c.party.in_(named)
        roles = [and_(told, _OPEN_TO_PARTY)] if unacknowledged else [told, table.c.claimant.in_(named)]
        parts = [
            select(
                select(table.c.order)
                .where(role, *conditions)
                .order_by(table.c.order.desc())
                .limit(size + 1)
                .subquery()
                .c.order
            )
            for role in roles
        ]
        orders = select(union(*parts).subquery().c.order) if len(parts) > 1 else parts[0]
        statement = statement.where(table.c.order.in_(orders), or_(*roles))
    rows = connection.execute(statement.order_by(table.c.order.desc()).limit(size + 1))
    return page_of([(row.order, _exception(row)) for row in rows], size)


def _exception(row: Row[tuple[object, ...]]) -> ExceptionRecord:
    return ExceptionRecord(**{**row._mapping, "number": int(row._mapping["number"])})
