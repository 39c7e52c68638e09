"""Ground tables of collecting at the till: tills with their keys, and titles that people collect under."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

TILL_ID_LENGTH = 16  # hex digits
TILL_NAME_LENGTH_MAX = 100  # characters


class TillState(StrEnum):
    """Whether orders of a till are taken."""

    OPEN = "open"
    CLOSED = "closed"  # for good: a key that got lost signs nothing any more


class TillRow(Row, table=True):
    """A till of a seller: the key its orders are signed with, and the party that signs their invoices here."""

    __tablename__ = "till"
    __table_args__ = (Index("ix_till_seller", "seller"), UniqueConstraint("public_key"))

    till_id: str = column.text(TILL_ID_LENGTH, key=True)
    seller: int = column.whole()
    clerk: int = column.whole()  # signs with its kept key; the contract asks for its grant each time
    name: str = column.text(TILL_NAME_LENGTH_MAX)
    public_key: bytes = column.word()  # Ed25519
    items: bytes = column.blob()  # goods the till names by position, canonical JSON
    state: str = column.text(16)  # TillState
    created_by: int = column.whole()
    created_at: int = column.whole()
    updated_at: int = column.whole()


class BuyerTitleRow(Row, table=True):
    """A title (抬头) a person has collected under, to be offered the next time."""

    __tablename__ = "buyer_title"
    __table_args__ = (UniqueConstraint("party", "title_hash"), Index("ix_buyer_title_party", "party", "used_at"))

    seq: int = column.sequence()
    party: int = column.whole()
    title_hash: bytes = column.word()  # keyed: the database alone does not tell under which names a person collected
    sealed_title: bytes = column.blob()  # name and tax id, canonical JSON
    used_at: int = column.whole()


TILL = table_of(TillRow)
BUYER_TITLE = table_of(BuyerTitleRow)
