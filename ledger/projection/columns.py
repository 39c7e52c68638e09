"""Column types both databases store exactly, and the base of all table definitions.

SQLite's NUMERIC loses digits silently and PostgreSQL has no unsigned 32-bit integers: numbers of invoices are
20 characters, words 32 raw bytes, party ids, fen and seconds are 64-bit integers.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

DERIVED_PREFIX = "p_"  # tables that `einvoice rebuild` drops and makes again
BLOCK_ORDER_SHIFT = 20  # an operation's order: block << 20 | group << 10 | operation, so it fits 63 bits
GROUP_ORDER_SHIFT = 10
NUMBER_SIZE = 25  # characters: 20 digits, but a refused operation may name any number of 80 bits
SECONDS_MAX = 2**63 - 1  # a malformed group may claim any 64-bit time; it is stored as the largest signed one


class Row(SQLModel, registry=registry(metadata=METADATA)):
    """Base of every table; rows themselves never leave this package."""


def number(*, key: bool = False, optional: bool = False) -> Any:
    """Invoice number: 20 digits as text, zeros in front."""
    return Field(sa_type=String(NUMBER_SIZE), primary_key=key, nullable=optional)


def word(*, key: bool = False, optional: bool = False) -> Any:
    """32 raw bytes: a hash or a contract word."""
    return Field(sa_type=LargeBinary(32), primary_key=key, nullable=optional)


def blob(*, optional: bool = False) -> Any:
    """Raw bytes of any length."""
    return Field(sa_type=LargeBinary, nullable=optional)


def whole(*, key: bool = False, optional: bool = False) -> Any:
    """64-bit integer: party id, fen, seconds since 1970, block number, order."""
    return Field(sa_type=BigInteger, primary_key=key, nullable=optional, sa_column_kwargs={"autoincrement": False})


def sequence() -> Any:
    """Ascending key the database gives; SQLite does that for INTEGER PRIMARY KEY only."""
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Field(default=None, sa_type=kind, primary_key=True, sa_column_kwargs={"autoincrement": True})


def text(size: int, *, key: bool = False, optional: bool = False) -> Any:
    """Text of at most `size` characters."""
    return Field(sa_type=String(size), primary_key=key, nullable=optional)


def table_of(row: type[Row]) -> Table:
    """The Core table of a row class; statements are written against it, because bulk writes go around the ORM."""
    return METADATA.tables[str(row.__tablename__)]


def number_text(value: int) -> str:
    """Invoice number as it is stored."""
    return f"{value:020d}"


def seconds(value: int) -> int:
    """Unsigned 64-bit time as it is stored."""
    return min(value, SECONDS_MAX)


def word_bytes(value: int) -> bytes:
    """Contract word as it is stored."""
    return value.to_bytes(32, "big")
