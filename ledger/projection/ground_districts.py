"""Ground table of officers' districts: the newest row of an officer counts, none is the whole ledger."""

from __future__ import annotations

from sqlalchemy import Index

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

DISTRICT_LENGTH_MAX = 6  # digits


class OfficerDistrictRow(Row, table=True):
    """Where an officer was appointed for; `sealed` repeats it, so that no edit of a row moves an officer."""

    __tablename__ = "officer_district"
    __table_args__ = (Index("ix_officer_district_officer", "officer", "seq"),)

    seq: int = column.sequence()
    officer: bytes = column.word()  # identity hash: an officer has a district before it has a party id
    district: str = column.text(DISTRICT_LENGTH_MAX)  # "" is the whole ledger
    set_by: int = column.whole()
    set_at: int = column.whole()  # seconds since 1970, UTC
    sealed: bytes = column.blob()


OFFICER_DISTRICT = table_of(OfficerDistrictRow)
