"""Tills of sellers, and the titles people collect under."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, select, text, update

from ledger.projection.ground_tills import BUYER_TITLE, TILL, TillState

TILLS_MAX = 200  # tills of one seller in one answer
TITLES_MAX = 20  # titles offered to one person


@dataclass(frozen=True)
class Till:
    """A till; `items` is the service's own encoding."""

    till_id: str
    seller: int
    clerk: int
    name: str
    public_key: bytes
    items: bytes
    state: TillState
    created_by: int
    created_at: int
    updated_at: int


@dataclass(frozen=True)
class BuyerTitle:
    """A title of a person, sealed."""

    party: int
    title_hash: bytes
    sealed_title: bytes
    used_at: int


def add_till(connection: Connection, new: Till) -> None:
    """Stores a new till."""
    connection.execute(TILL.insert(), {column.name: getattr(new, column.name) for column in TILL.c})


def till(connection: Connection, till_id: str) -> Till | None:
    """The till with that id, closed ones included."""
    row = connection.execute(select(TILL).where(TILL.c.till_id == till_id)).one_or_none()
    return None if row is None else _till(row)


def till_of_key(connection: Connection, public_key: bytes) -> Till | None:
    """The till with that key: a key is one till's, for ever."""
    row = connection.execute(select(TILL).where(TILL.c.public_key == public_key)).one_or_none()
    return None if row is None else _till(row)


def tills(connection: Connection, seller: int) -> tuple[Till, ...]:
    """Tills of a seller, oldest first."""
    rows = connection.execute(
        select(TILL).where(TILL.c.seller == seller).order_by(TILL.c.created_at, TILL.c.till_id).limit(TILLS_MAX)
    )
    return tuple(_till(row) for row in rows)


def close_till(connection: Connection, till_id: str, now_s: int) -> None:
    """No order of the till is taken any more."""
    connection.execute(
        update(TILL).where(TILL.c.till_id == till_id).values(state=TillState.CLOSED.value, updated_at=now_s)
    )


def lock_seller(connection: Connection, seller: int) -> None:
    """Orders of one seller are taken one after the other. SQLite has one writer; elsewhere two could take the same."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:seller)"), {"seller": seller})


def put_title(connection: Connection, new: BuyerTitle) -> None:
    """Remembers a title, or that it was used again."""
    table = BUYER_TITLE
    known = connection.execute(
        update(table)
        .where(table.c.party == new.party, table.c.title_hash == new.title_hash)
        .values(used_at=new.used_at)
    )
    if not known.rowcount:
        connection.execute(table.insert(), {name: getattr(new, name) for name in BuyerTitle.__dataclass_fields__})


def titles(connection: Connection, party: int) -> tuple[BuyerTitle, ...]:
    """Titles of a person, the last used first."""
    table = BUYER_TITLE
    rows = connection.execute(
        select(table.c.party, table.c.title_hash, table.c.sealed_title, table.c.used_at)
        .where(table.c.party == party)
        .order_by(table.c.used_at.desc(), table.c.seq.desc())
        .limit(TITLES_MAX)
    )
    return tuple(BuyerTitle(**row._mapping) for row in rows)


def _till(row: Row[tuple[object, ...]]) -> Till:
    values = row._mapping
    return Till(**{**values, "state": TillState(values["state"])})
