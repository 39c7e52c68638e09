"""Ground tables of keys that their owners keep: groups that wait for their owner's signature."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of
from ledger.projection.ground import IDEMPOTENCY_KEY_SIZE_MAX


class SigningDraftRow(Row, table=True):
    """A group that waits for its actor's signature, with all that will be stored beside it, sealed."""

    __tablename__ = "signing_draft"
    __table_args__ = (UniqueConstraint("actor", "key"), Index("ix_signing_draft_expiry", "valid_until"))

    digest: bytes = column.word(key=True)  # that the actor is to sign
    actor: int = column.whole()
    key: str = column.text(IDEMPOTENCY_KEY_SIZE_MAX)  # Idempotency-Key of the request
    request_hash: bytes = column.word()
    sealed: bytes = column.blob()  # group and what comes with it, in the service's own encoding
    created_at: int = column.whole()
    valid_until: int = column.whole()  # seconds since 1970, UTC; nothing of it stays after


SIGNING_DRAFT = table_of(SigningDraftRow)
