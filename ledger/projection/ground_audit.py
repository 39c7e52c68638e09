"""The ground table of the audit log: who did, tried or looked at what, each entry bound to all before it."""

from __future__ import annotations

from sqlalchemy import Index

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

KIND_LENGTH_MAX = 32  # characters
ABOUT_LENGTH_MAX = 128  # characters: an invoice number, a claim, a party, a route
DETAIL_LENGTH_MAX = 1_024  # characters of canonical JSON


class AuditEntryRow(Row, table=True):
    """One entry; never changed, never removed."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_kind", "kind", "seq"),
        Index("ix_audit_entry_actor", "actor", "seq"),
        Index("ix_audit_entry_about", "about", "seq"),
    )

    seq: int = column.whole(key=True)  # 1, 2, 3 ... without a gap
    noted_at: int = column.whole()  # never before that of the entry before
    kind: str = column.text(KIND_LENGTH_MAX)
    actor: int | None = column.whole(optional=True)  # party; none where nobody is known
    about: str = column.text(ABOUT_LENGTH_MAX)
    detail: str = column.text(DETAIL_LENGTH_MAX)  # canonical JSON object
    entry_hash: bytes = column.word()  # of the hash before and every column above
    mac: bytes = column.word()  # of entry_hash, under a key that no database holds


AUDIT_ENTRY = table_of(AuditEntryRow)
