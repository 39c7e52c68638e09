"""What an officer asks over all parties: who did not file, what was refused, what was claimed twice."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, RowMapping, Select, and_, or_, select, tuple_, union
from sqlalchemy.sql.elements import ColumnElement

from ledger.projection.columns import number_text
from ledger.projection.derived import PARTY, TOTALS
from ledger.projection.derived_rules import DUPLICATE, LIFT, REFUSAL
from ledger.projection.districts import District, enterprise_in, invoice_of
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from verifier.words import PartyKind

_PARTY_BITS = 32  # of a party id: a nonfiler's position is filed through << 32 | id


@dataclass(frozen=True)
class NonfilerRecord:
    """An enrolled enterprise that has not filed a month; sums are of that month, in fen.

    `filed_through` is the last month it filed (or the one before its first); `lifted`: an officer lets it issue.
    """

    party: int
    identity: bytes
    filed_through: int
    suspended: bool
    lifted: bool
    blue_gross_fen: int
    red_gross_fen: int
    count: int


@dataclass(frozen=True)
class RefusalRecord:
    """A refused group by the operation that broke a rule; `gross_fen` of the invoice asked for, where known."""

    order: int
    month: int
    refused_at: int
    actor: int
    subject: int
    party: int | None
    code: int
    number: int | None
    reason: int
    gross_fen: int | None
    digest: bytes


@dataclass(frozen=True)
class DuplicateRecord:
    """A second claim or registration of one invoice. `kind`: locked, settled, booked (refused); displaced, disputed.

    `first_*` is the claim that stood (None when there was none), `second_*` the one that came after it.
    """

    order: int
    month: int
    happened_at: int
    number: int
    kind: str
    gross_fen: int
    first_claimant: int | None
    first_employer: int | None
    first_claim_id: str | None
    first_at: int | None
    second_claimant: int
    second_employer: int
    second_claim_id: str
    digest: bytes


def nonfilers(
    connection: Connection, month: int, *, district: District | None = None, limit: int, cursor: str | None = None
) -> Page[NonfilerRecord]:
    """Enrolled enterprises (of a district, or all) that have not filed `month`, those longest behind first.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, after = page_size(limit), parse_cursor(cursor)
    statement = (
        select(
            PARTY.c.id.label("party"),
            PARTY.c.identity,
            PARTY.c.filed_through,
            PARTY.c.suspended,
            LIFT.c.lifted_at,
            TOTALS.c.blue_gross_fen,
            TOTALS.c.red_gross_fen,
            TOTALS.c.count.label("invoices"),
        )
        .select_from(
            PARTY.outerjoin(TOTALS, and_(TOTALS.c.party == PARTY.c.id, TOTALS.c.month == month)).outerjoin(
                LIFT, and_(LIFT.c.party == PARTY.c.id, LIFT.c.month == month)
            )
        )
        .where(PARTY.c.kind == PartyKind.ENTERPRISE.value, PARTY.c.filed_through < month, PARTY.c.signer != b"")
    )
    if district is not None:
        statement = statement.where(enterprise_in(PARTY.c.id, district))
    if after is not None:
        place = (after >> _PARTY_BITS, after & (1 << _PARTY_BITS) - 1)
        statement = statement.where(tuple_(PARTY.c.filed_through, PARTY.c.id) > place)
    rows = connection.execute(statement.order_by(PARTY.c.filed_through, PARTY.c.id).limit(size + 1))
    return page_of([(row.filed_through << _PARTY_BITS | row.party, _nonfiler(row._mapping)) for row in rows], size)


def refusals(
    connection: Connection,
    *,
    month: int | None = None,
    party: int | None = None,
    reason: int | None = None,
    district: District | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[RefusalRecord]:
    """Refused groups of a month (of refusing), a party (signer, or acted for) and a reason, newest first.

    With `district` those for or with an enterprise of it, or about an invoice one takes part in.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    table, conditions = REFUSAL, _when(REFUSAL.c.order, before)
    if reason is not None:
        conditions.append(_by(table.c.reason, reason, by_index=month is None and party is None))
    if month is not None:
        conditions.append(_by(table.c.month, month, by_index=party is None))
    if district is not None:
        roles = (table.c.actor, table.c.subject, table.c.party)
        concerned = [enterprise_in(role, district) for role in roles]
        conditions.append(or_(*concerned, invoice_of(table.c.number, district)))
    statement = select(table)
    if party is None:
        statement = statement.where(*conditions)
    else:
        statement = statement.where(
            table.c.order.in_(_orders((table.c.actor, table.c.subject), table.c.order, party, conditions, size))
        )
    rows = connection.execute(statement.order_by(table.c.order.desc()).limit(size + 1))
    return page_of([(row.order, _refusal(row)) for row in rows], size)


def duplicates(
    connection: Connection,
    *,
    month: int | None = None,
    party: int | None = None,
    number: int | None = None,
    district: District | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[DuplicateRecord]:
    """Second claims and registrations of a month, an employer (first or second) or a number, newest first.

    With `district` those at an employer of it, or of an invoice an enterprise of it takes part in.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    table, conditions = DUPLICATE, _when(DUPLICATE.c.order, before)
    if number is not None:
        conditions.append(table.c.number == number_text(number))
    if month is not None:
        conditions.append(_by(table.c.month, month, by_index=party is None and number is None))
    if district is not None:
        roles = (table.c.first_employer, table.c.second_employer)
        concerned = [enterprise_in(role, district) for role in roles]
        conditions.append(or_(*concerned, invoice_of(table.c.number, district)))
    statement = select(table)
    if party is None:
        statement = statement.where(*conditions)
    else:
        employers = (table.c.first_employer, table.c.second_employer)
        statement = statement.where(table.c.order.in_(_orders(employers, table.c.order, party, conditions, size)))
    rows = connection.execute(statement.order_by(table.c.order.desc()).limit(size + 1))
    return page_of([(row.order, _duplicate(row)) for row in rows], size)


def _when(order: ColumnElement[int], before: int | None) -> list[ColumnElement[bool]]:
    return [] if before is None else [order < before]


def _by(column: ColumnElement[int], value: int, *, by_index: bool) -> ColumnElement[bool]:
    """A condition that is, or is not, looked up by an index of its column."""
    return (column if by_index else column + 0) == value


def _orders(
    roles: tuple[ColumnElement[int], ...],
    order: ColumnElement[int],
    party: int,
    conditions: list[ColumnElement[bool]],
    size: int,
) -> Select[tuple[int]]:
    """The newest orders of a party in either role, each along its own index."""
    parts = []
    for role in roles:
        found = select(order.label("found")).where(role == party, *conditions).order_by(order.desc()).limit(size + 1)
        parts.append(select(found.subquery().c.found))
    return select(union(*parts).subquery().c.found)


def _nonfiler(values: RowMapping) -> NonfilerRecord:
    return NonfilerRecord(
        party=values["party"],
        identity=values["identity"],
        filed_through=values["filed_through"],
        suspended=values["suspended"],
        lifted=values["lifted_at"] is not None,
        blue_gross_fen=values["blue_gross_fen"] or 0,
        red_gross_fen=values["red_gross_fen"] or 0,
        count=values["invoices"] or 0,
    )


def _refusal(row: Row[tuple[object, ...]]) -> RefusalRecord:
    number = row._mapping["number"]
    return RefusalRecord(**{**row._mapping, "number": None if number is None else int(number)})


def _duplicate(row: Row[tuple[object, ...]]) -> DuplicateRecord:
    return DuplicateRecord(**{**row._mapping, "number": int(row._mapping["number"])})
