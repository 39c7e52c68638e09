"""The feed of events: every operation a party may read, in the order of the chain, from a cursor on.

The cursor is the order of the last operation read. A block's rows are written in one transaction and blocks follow each
other, so whoever goes on from his cursor misses nothing; whoever lost his cursor reads some twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, or_, select, union_all

from ledger.domain.blocks import Outcome
from ledger.projection.apply import projected_head
from ledger.projection.apply_feed import Role
from ledger.projection.columns import BLOCK_ORDER_SHIFT
from ledger.projection.derived import GROUP, OPERATION_RECORD
from ledger.projection.derived_rules import EVENT, EXCEPTION, PUBLIC
from ledger.projection.districts import District, Sight, enterprise_in, invoice_of, person_of
from ledger.projection.invoice_filter import VISIBLE_PARTIES_MAX
from ledger.projection.invoices import HistoryStep, step_of
from ledger.projection.pages import page_size, parse_cursor

__all__ = ["Feed", "FeedEvent", "Role", "cursor_of", "events_after", "last_order", "order_of"]


@dataclass(frozen=True)
class FeedEvent:
    """One operation as its reader sees it; `step` has what, when, by whom, and the state after it (None: refused).

    `roles` are the reader's (0 for an officer). Of a red letter `blue_state` is its blue's state word; `kinds` and
    `told` are of the exception it raised (0 and None without one); `reason` is the rule a refused group broke, else 0.
    """

    order: int
    roles: Role
    step: HistoryStep
    party: int | None
    blue_state: int | None
    kinds: int
    told: int | None
    reason: int


@dataclass(frozen=True)
class Feed:
    """Events in chain order and where to go on; `more`: another page waits already."""

    events: tuple[FeedEvent, ...]
    last_order: int
    more: bool


def cursor_of(order: int) -> str:
    """The cursor a reader is given for an order."""
    return f"{order:x}"


def order_of(cursor: str | None) -> int:
    """The order a reader's cursor stands for; None: before the first event (orders are above 0).

    Raises: CursorError.
    """
    return parse_cursor(cursor) or 0


def last_order(connection: Connection) -> int:
    """An order that every event so far is at or before: who begins there is told only what comes."""
    head = projected_head(connection)
    return 0 if head is None else (head.number + 1 << BLOCK_ORDER_SHIFT) - 1


def events_after(connection: Connection, *, visible_to: Sight, after: int, limit: int) -> Feed:
    """Events after the order `after` that one of `visible_to` may read (None, an officer: all), oldest first.

    Refused groups are seen by their signer and whom it was tried for, besides officers.

    Raises: ValueError for a page size or number of parties outside its limit.
    """
    size = page_size(limit)
    if visible_to is None or isinstance(visible_to, District):
        table = OPERATION_RECORD
        orders = connection.execute(
            select(table.c.order)
            .where(table.c.order > after, *(() if visible_to is None else (_of_district(visible_to),)))
            .order_by(table.c.order)
            .limit(size + 1)
        ).scalars()
        roles = dict.fromkeys(orders, 0)
    else:
        roles = _roles(connection, visible_to, after, size)
    wanted = sorted(roles)[:size]
    events = _events(connection, {order: roles[order] for order in wanted})
    return Feed(events, last_order=wanted[-1] if wanted else after, more=len(roles) > size)


def _of_district(district: District) -> ColumnElement[bool]:
    """Events about invoices an enterprise of the district takes part in, attempts of and for one, and its people's.

    What was applied to an invoice that no enterprise of it takes part in any more is as foreign as the invoice.
    """
    table = OPERATION_RECORD
    tried = and_(
        table.c.outcome == Outcome.REFUSED,
        or_(*(enterprise_in(role, district) for role in (table.c.actor, table.c.subject, table.c.party))),
    )
    public = EVENT.alias()
    told = [
        enterprise_in(table.c.subject, district),
        enterprise_in(table.c.party, district),
        person_of(table.c.party, district),
        exists(select(public.c.order).where(public.c.party == PUBLIC, public.c.order == table.c.order)),
    ]
    of_invoice = or_(invoice_of(table.c.number, district), invoice_of(table.c.blue, district), tried)
    return or_(and_(table.c.number.is_(None), or_(*told)), and_(table.c.number.is_not(None), of_invoice))


def _roles(connection: Connection, visible_to: frozenset[int], after: int, size: int) -> dict[int, int]:
    """The first `size` + 1 orders after `after` that the parties may read, and as what; a party along its own rows."""
    if len(visible_to) > VISIBLE_PARTIES_MAX:
        raise ValueError(f"a feed is for at most {VISIBLE_PARTIES_MAX} parties")
    parts = []
    for party in sorted(visible_to | {PUBLIC}):
        found = (
            select(EVENT.c.order.label("at"), EVENT.c.roles.label("roles"))
            .where(EVENT.c.party == party, EVENT.c.order > after)
            .order_by(EVENT.c.order)
            .limit(size + 1)
        ).subquery()
        parts.append(select(found.c.at, found.c.roles))
    everything = union_all(*parts).subquery()
    rows = connection.execute(select(everything).order_by(everything.c.at))
    roles: dict[int, int] = {}
    for row in rows:
        if row.at not in roles and len(roles) > size:
            break
        roles[row.at] = _merged(roles.get(row.at, row.roles), row.roles)
    return roles


def _merged(one: int, other: int) -> int:
    """Roles of two parties that one reader acts for: former only where both are."""
    return (one | other) & ~Role.FORMER | (one & other & Role.FORMER)


def _events(connection: Connection, roles: dict[int, int]) -> tuple[FeedEvent, ...]:
    table = OPERATION_RECORD
    rows = connection.execute(
        select(table, EXCEPTION.c.kinds, EXCEPTION.c.party.label("told"))
        .outerjoin(EXCEPTION, EXCEPTION.c.order == table.c.order)
        .where(table.c.order.in_(list(roles)))
        .order_by(table.c.order)
    ).all()
    refused = {row.digest for row in rows if row.outcome == Outcome.REFUSED}
    reasons = {
        row.digest: row.reason
        for row in connection.execute(
            select(GROUP.c.digest, GROUP.c.reason).where(
                GROUP.c.digest.in_(list(refused)), GROUP.c.outcome == Outcome.REFUSED.value
            )
        )
    }
    return tuple(_event(row, Role(roles[row.order]), reasons.get(row.digest, 0)) for row in rows)


def _event(row: Row[tuple[object, ...]], roles: Role, reason: int) -> FeedEvent:
    values = row._mapping
    state = values["blue_state"]
    return FeedEvent(
        order=values["order"],
        roles=roles,
        step=step_of(row),
        party=values["party"],
        blue_state=None if state is None else int.from_bytes(state, "big"),
        kinds=values["kinds"] or 0,
        told=values["told"],
        reason=reason,
    )
