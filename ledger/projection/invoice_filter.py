"""What a search for invoices asks, as conditions on p_invoice, and which index it goes along.

A party sees the invoices it takes part in, in any of five roles. One OR over five columns would scan the whole table,
and without statistics SQLite would as soon pick the index of the month; so each role is asked along its own index, in
the order of issue, and the other conditions are written so that no index fits them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, and_, false, or_, select, union
from sqlalchemy.sql.elements import ColumnElement

from ledger.projection.columns import number_text
from ledger.projection.derived import INVOICE
from ledger.projection.districts import INVOICE_ROLES, District, Sight, takes_part_in

VISIBLE_PARTIES_MAX = 100  # enterprises one person may act for in one search
NUMBERS_MAX = 500  # numbers in one question, under SQLite's limit of variables

_ENUMS = ("colour", "claim", "entry", "kind", "risk")
_ROLES = tuple(INVOICE.c[role] for role in INVOICE_ROLES)


@dataclass(frozen=True)
class InvoiceFilter:
    """What to look for; None asks nothing. `party` matches any of the five roles."""

    party: int | None = None
    seller: int | None = None
    buyer: int | None = None
    holder: int | None = None
    claimant: int | None = None
    employer: int | None = None
    month: int | None = None
    colour: int | None = None
    claim: int | None = None
    entry: int | None = None
    kind: int | None = None
    risk: int | None = None
    claim_id: str | None = None
    gross_min_fen: int | None = None
    gross_max_fen: int | None = None
    numbers: tuple[int, ...] | None = None


def conditions_of(wanted: InvoiceFilter, *, by_index: bool) -> list[ColumnElement[bool]]:
    """What `wanted` asks. Without `by_index` no index of these columns is used, so that the roles' indexes are."""
    conditions: list[ColumnElement[bool]] = []
    for name in ("seller", "buyer", "holder", "claimant", "employer", "month", *_ENUMS):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append((INVOICE.c[name] if by_index else INVOICE.c[name] + 0) == value)
    gross = INVOICE.c.gross_fen if by_index else INVOICE.c.gross_fen + 0
    if wanted.gross_min_fen is not None:
        conditions.append(gross >= wanted.gross_min_fen)
    if wanted.gross_max_fen is not None:
        conditions.append(gross <= wanted.gross_max_fen)
    if wanted.claim_id is not None:
        conditions.append(INVOICE.c.claim_id == wanted.claim_id)
    if wanted.numbers is not None:
        if len(wanted.numbers) > NUMBERS_MAX:
            raise ValueError(f"at most {NUMBERS_MAX} numbers are asked for at a time")
        conditions.append(INVOICE.c.number.in_([number_text(number) for number in wanted.numbers]))
    return conditions


def driving(wanted: InvoiceFilter, visible_to: Sight) -> frozenset[int] | None:
    """Parties whose role indexes the search goes along; None: few rows by claim or number, or all in order of issue."""
    seen = None if isinstance(visible_to, District) else visible_to
    parties = frozenset({wanted.party}) if wanted.party is not None else seen
    for named in (parties, seen):
        if named is not None and len(named) > VISIBLE_PARTIES_MAX:
            raise ValueError(f"a search is for at most {VISIBLE_PARTIES_MAX} parties")
    return None if wanted.claim_id is not None or wanted.numbers is not None else parties


def takes_part(parties: frozenset[int] | District) -> ColumnElement[bool]:
    """Condition that one of `parties` has a role in the invoice; party 0 is nobody."""
    if isinstance(parties, District):
        return takes_part_in(parties)
    named = sorted(parties - {0})
    return or_(false(), *(role.in_(named) for role in _ROLES))


def orders_of(parties: frozenset[int], conditions: list[ColumnElement[bool]], size: int) -> Select[tuple[int]]:
    """The newest matches of every role, each found along its own index; one OR over five columns would scan all."""
    named = sorted(parties - {0})
    if not named:
        return select(INVOICE.c.issued_order).where(false())
    parts = [
        select(
            select(INVOICE.c.issued_order)
            .where(and_(role.in_(named), *conditions))
            .order_by(INVOICE.c.issued_order.desc())
            .limit(size + 1)
            .subquery()
            .c.issued_order
        )
        for role in _ROLES
    ]
    return select(union(*parts).subquery().c.issued_order)
