"""Ground tables of offices: what the authority or an enterprise lets a person do here, beside what the chain knows."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

OFFICE_KIND_LENGTH_MAX = 16


class OfficeKind(StrEnum):
    """What an office is for."""

    AUDITOR = "auditor"  # of the authority: reads what an officer reads, writes nothing
    WITNESS = "witness"  # of the authority: reads the chain itself for a witness, and nothing else of others
    ADMINISTRATOR = "administrator"  # of an enterprise: gives and takes grants of its people in its name


class OfficeRow(Row, table=True):
    """An office a person holds; ended is for good."""

    __tablename__ = "office"
    __table_args__ = (Index("ix_office_party", "party"), Index("ix_office_principal", "principal", "seq"))

    seq: int = column.sequence()
    kind: str = column.text(OFFICE_KIND_LENGTH_MAX)
    party: int = column.whole()  # the person
    principal: int = column.whole()  # who appointed: the authority, or the enterprise it is of
    appointed_at: int = column.whole()
    ended_by: int | None = column.whole(optional=True)
    ended_at: int | None = column.whole(optional=True)
    sealed: bytes = column.blob()  # of nothing, bound to every column above: without the master key no row counts


class OfficeUseRow(Row, table=True):
    """A group that an administrator had signed with the enterprise's key."""

    __tablename__ = "office_use"
    __table_args__ = (UniqueConstraint("digest"), Index("ix_office_use_office", "office", "seq"))

    seq: int = column.sequence()
    office: int = column.whole()  # office.seq
    digest: bytes = column.word()
    used_at: int = column.whole()


OFFICE = table_of(OfficeRow)
OFFICE_USE = table_of(OfficeUseRow)
