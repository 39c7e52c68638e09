"""Ground tables of keys that their owners keep: groups that wait for a signature, requests to be enrolled."""

from __future__ import annotations

from enum import StrEnum

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


class RequestState(StrEnum):
    """What an officer decided; what became of an approved one says its group."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


class EnrolmentRequestRow(Row, table=True):
    """A stranger's request to be enrolled under a key it proved to hold."""

    __tablename__ = "enrolment_request"
    __table_args__ = (
        UniqueConstraint("request_id"),
        UniqueConstraint("proof"),
        Index("ix_enrolment_request_state", "state", "seq"),
        Index("ix_enrolment_request_address", "address"),
        Index("ix_enrolment_request_network", "network", "created_at"),
    )

    seq: int = column.sequence()
    request_id: str = column.text(32)
    token_hash: bytes = column.word()  # SHA-256 of the secret that its requester reads it with
    proof: bytes = column.word()  # digest that was signed: the same proof asks once
    address: bytes = column.word()  # 20 bytes
    network: bytes = column.word()  # keyed hash of the network it came from
    tax_index: bytes = column.word()  # keyed hash of the tax id it names
    district: str = column.text(6)  # of the enterprise, or of the employer; "" for none
    sealed: bytes = column.blob()  # what is asked for
    state: str = column.text(16)  # RequestState
    created_at: int = column.whole()
    decided_by: int | None = column.whole(optional=True)
    decided_at: int | None = column.whole(optional=True)
    sealed_reason: bytes | None = column.blob(optional=True)
    digest: bytes | None = column.word(optional=True)  # group that enrols


SIGNING_DRAFT = table_of(SigningDraftRow)
ENROLMENT_REQUEST = table_of(EnrolmentRequestRow)
