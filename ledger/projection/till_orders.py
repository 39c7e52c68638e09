"""Orders of tills and the invoices they became: asked twice it is the same invoice."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, Update, select, update

from ledger.projection.columns import number_text
from ledger.projection.errors import OrderConflictError
from ledger.projection.ground_work import TILL_ORDER
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from ledger.projection.queued import group_failed


@dataclass(frozen=True)
class TillOrder:
    """One order of a seller's till; `number` and `digest` once an invoice is being issued for it.

    `order_hash` is of the signed order's bytes, `picked_by` the first holder (None: kept for pickup).
    """

    seller: int
    order_id: str
    order_hash: bytes
    gross_fen: int
    expires_at: int
    number: int | None
    digest: bytes | None
    picked_by: int | None
    seen_at: int


def put_order(connection: Connection, new: TillOrder) -> TillOrder:
    """The order as it stands: `new` when it was unknown, else what is stored, with its invoice if it has one.

    An invoice whose group failed does not count: the order is free again.

    Raises: OrderConflictError when the id stands for other bytes.
    """
    known = till_order(connection, new.seller, new.order_id)
    if known is None:
        number = None if new.number is None else number_text(new.number)
        values = {name: getattr(new, name) for name in TillOrder.__dataclass_fields__}
        connection.execute(TILL_ORDER.insert(), {**values, "number": number})
        return new
    if known.order_hash != new.order_hash:
        raise OrderConflictError(new.seller, new.order_id)
    if known.digest is not None and group_failed(connection, known.digest):
        connection.execute(_of(new.seller, new.order_id).values(number=None, digest=None, picked_by=None))
        found = till_order(connection, new.seller, new.order_id)
        assert found is not None
        return found
    return known


def assign_order(
    connection: Connection, seller: int, order_id: str, *, number: int, digest: bytes, picked_by: int | None
) -> bool:
    """Names the invoice of an order; False when it has one already, which then stays."""
    result = connection.execute(
        _of(seller, order_id)
        .where(TILL_ORDER.c.number.is_(None))
        .values(number=number_text(number), digest=digest, picked_by=picked_by)
    )
    return int(result.rowcount) == 1


def till_order(connection: Connection, seller: int, order_id: str) -> TillOrder | None:
    """The order of a seller with that id."""
    row = connection.execute(
        select(TILL_ORDER).where(TILL_ORDER.c.seller == seller, TILL_ORDER.c.order_id == order_id)
    ).one_or_none()
    return None if row is None else _order(row)


def order_of_number(connection: Connection, number: int) -> TillOrder | None:
    """The order an invoice was issued for, None for one without."""
    row = connection.execute(
        select(TILL_ORDER).where(TILL_ORDER.c.number == number_text(number)).order_by(TILL_ORDER.c.seq).limit(1)
    ).one_or_none()
    return None if row is None else _order(row)


def till_orders(
    connection: Connection, seller: int, *, waiting_only: bool = False, limit: int, cursor: str | None = None
) -> Page[TillOrder]:
    """Orders of a seller, newest first; `waiting_only`: without an invoice.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(TILL_ORDER).where(TILL_ORDER.c.seller == seller)
    if waiting_only:
        statement = statement.where(TILL_ORDER.c.number.is_(None))
    if before is not None:
        statement = statement.where(TILL_ORDER.c.seq < before)
    rows = connection.execute(statement.order_by(TILL_ORDER.c.seq.desc()).limit(size + 1))
    return page_of([(row.seq, _order(row)) for row in rows], size)


def _of(seller: int, order_id: str) -> Update:
    return update(TILL_ORDER).where(TILL_ORDER.c.seller == seller, TILL_ORDER.c.order_id == order_id)


def _order(row: Row[tuple[object, ...]]) -> TillOrder:
    values = row._mapping
    fields = {name: values[name] for name in TillOrder.__dataclass_fields__}
    return TillOrder(**{**fields, "number": None if fields["number"] is None else int(fields["number"])})
