"""Questions about claims: sets of invoices locked under one id."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, or_, select, union

from ledger.projection.derived import CLAIM
from ledger.projection.districts import District, Sight, enterprise_in
from ledger.projection.invoice_filter import VISIBLE_PARTIES_MAX
from ledger.projection.pages import Page, page_of, page_size, parse_cursor


@dataclass(frozen=True)
class ClaimRecord:
    """One claim: counts and fen of the invoices now locked, settled, released again, and cancelled by a full red."""

    claim_id: str
    claimant: int
    employer: int
    opened_order: int
    opened_at: int
    changed_at: int
    locked_count: int
    settled_count: int
    released_count: int
    locked_fen: int
    settled_fen: int
    cancelled_count: int = 0


def claim(connection: Connection, claim_id: str) -> tuple[ClaimRecord, ...]:
    """Claims with that id (32 hex digits), oldest first.

    A claimant draws the id at random, so there is one; somebody who copies it makes another claim of his own.
    """
    rows = connection.execute(
        select(CLAIM).where(CLAIM.c.claim_id == claim_id).order_by(CLAIM.c.opened_order).limit(VISIBLE_PARTIES_MAX)
    )
    return tuple(ClaimRecord(**row._mapping) for row in rows)


def claims(
    connection: Connection,
    *,
    visible_to: Sight,
    claimant: int | None = None,
    employer: int | None = None,
    open_only: bool = False,
    limit: int,
    cursor: str | None = None,
) -> Page[ClaimRecord]:
    """Claims that `visible_to` made or received (None: all), newest first; `open_only`: with invoices still locked.

    Raises: CursorError; ValueError for a page size or number of parties outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    conditions = []
    if claimant is not None:
        conditions.append(CLAIM.c.claimant == claimant)
    if employer is not None:
        conditions.append(CLAIM.c.employer == employer)
    if open_only:
        conditions.append(CLAIM.c.locked_count > 0)
    if before is not None:
        conditions.append(CLAIM.c.opened_order < before)
    statement = select(CLAIM)
    if isinstance(visible_to, District):
        conditions.append(enterprise_in(CLAIM.c.employer, visible_to) | enterprise_in(CLAIM.c.claimant, visible_to))
    if visible_to is None or isinstance(visible_to, District):
        statement = statement.where(*conditions)
    else:
        if len(visible_to) > VISIBLE_PARTIES_MAX:
            raise ValueError(f"a search is for at most {VISIBLE_PARTIES_MAX} parties")
        named = sorted(visible_to)
        parts = [
            select(
                select(CLAIM.c.opened_order)
                .where(role.in_(named), *conditions)
                .order_by(CLAIM.c.opened_order.desc())
                .limit(size + 1)
                .subquery()
                .c.opened_order
            )
            for role in (CLAIM.c.claimant, CLAIM.c.employer)
        ]
        statement = statement.where(
            CLAIM.c.opened_order.in_(select(union(*parts).subquery().c.opened_order)),
            or_(CLAIM.c.claimant.in_(named), CLAIM.c.employer.in_(named)),
        )
    rows = connection.execute(statement.order_by(CLAIM.c.opened_order.desc()).limit(size + 1))
    return page_of([(row.opened_order, ClaimRecord(**row._mapping)) for row in rows], size)
