"""Ground tables: what the chain cannot give back, so every backup holds them.

The queue of signed groups, documents and their keys, idempotency keys, number reservations, the key store and
credentials. Nothing here is ever derived. Sealed columns hold bytes only ledger.identity opens.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, literal_column, text

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

IDEMPOTENCY_KEY_SIZE_MAX = 128  # characters
NAME_SIZE_MAX = 200  # characters of a display name


class QueueState(StrEnum):
    """Where an accepted group stands. Only `accepted` changes any more."""

    ACCEPTED = "accepted"  # durable here, not on chain yet
    RECORDED = "recorded"  # applied by the contract
    REFUSED = "refused"  # a rule was broken; the attempt is on chain
    MALFORMED = "malformed"  # the contract named nobody: signature, replay or time
    EXPIRED = "expired"  # never submitted: valid_until has passed, or it is signed for a contract that retired


class NumberState(StrEnum):
    """A number taken out of a seller's range and not on chain yet."""

    RESERVED = "reserved"  # held for the seller until expires_at
    USED = "used"  # in a group that waits
    FREE = "free"  # came back from an expired reservation or a refused group; given out first


_WAITING = "state = 'accepted'"
_IN_VAIN = "state IN ('refused', 'malformed', 'expired')"


def _partial_index(where: str, name: str, *columns: str) -> Index:
    """Index over the few rows in such states, so that the many others cost nothing."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class OperationRow(Row, table=True):
    """The queue: one signed group."""

    __tablename__ = "operation"
    __table_args__ = (
        UniqueConstraint("digest"),
        _partial_index(_WAITING, "ix_operation_waiting", "seq"),
        _partial_index(_WAITING, "ix_operation_waiting_actor", "actor", "operation_count"),
        _partial_index(_WAITING, "ix_operation_waiting_until", "valid_until"),
        _partial_index(_IN_VAIN, "ix_operation_in_vain", "settled_at"),
    )

    seq: int = column.sequence()  # order of acceptance
    digest: bytes = column.word()
    actor: int = column.whole()
    subject: int = column.whole()  # of the first operation
    valid_until: int = column.whole()  # seconds since 1970, UTC
    operation_count: int = column.whole()
    signed: bytes = column.blob()  # packed group and signature, see packing.py
    state: str = column.text(16)  # QueueState
    reason: int = column.whole()  # contract's reason code, 0 unless refused
    refused_number: str | None = column.number(optional=True)
    block: int | None = column.whole(optional=True)  # block that holds it
    accepted_at: int = column.whole()  # seconds since 1970, UTC
    settled_at: int | None = column.whole(optional=True)  # block time of the outcome, or when it expired


class DocumentRow(Row, table=True):
    """One invoice document, sealed, of the group that issues it. Both sealed columns are NULL once it was forgotten.

    Two waiting groups may try one number; the contract applies one of them, and p_invoice.digest says which.
    """

    __tablename__ = "document"
    __table_args__ = (Index("ix_document_digest", "digest"),)

    number: str = column.number(key=True)
    seller: int = column.whole()
    sealed_document: bytes | None = column.blob(optional=True)
    sealed_seed: bytes | None = column.blob(optional=True)  # seed the leaves' salts come from
    commitment: bytes = column.word()
    digest: bytes = column.word(key=True)  # group that issues it
    stored_at: int = column.whole()


class ReferenceRow(Row, table=True):
    """Salt and text behind a salted `ref` of an operation."""

    __tablename__ = "reference"

    ref: bytes = column.word(key=True)
    kind: str = column.text(32)  # what the text is: claim, payment, reason...
    party: int = column.whole()  # who wrote it
    sealed: bytes | None = column.blob(optional=True)
    created_at: int = column.whole()


class ClaimRequestRow(Row, table=True):
    """A claim as its claimant opened it: 128-bit id, the caller's own reference."""

    __tablename__ = "claim_request"
    __table_args__ = (Index("ix_claim_request_claimant", "claimant"), Index("ix_claim_request_employer", "employer"))

    claim_id: str = column.text(32, key=True)  # 32 hex digits
    claimant: int = column.whole()
    employer: int = column.whole()
    sealed_reference: bytes | None = column.blob(optional=True)  # the caller's own words; NULL without, or erased
    created_at: int = column.whole()


class NumberRangeRow(Row, table=True):
    """How far one block of a seller's segment was given out."""

    __tablename__ = "number_range"
    __table_args__ = (Index("ix_number_range_seller", "seller", "first_number"),)

    first_number: str = column.number(key=True)
    seller: int = column.whole()
    last_number: str = column.number()
    next_number: str = column.number()  # lowest never given out; last_number + 1 when the range is used up


class NumberReservationRow(Row, table=True):
    """A number that left its range and is not on chain yet."""

    __tablename__ = "number_reservation"
    __table_args__ = (
        Index("ix_number_reservation_free", "seller", "state", "number"),
        Index("ix_number_reservation_digest", "digest"),
        Index("ix_number_reservation_expiry", "state", "expires_at"),
    )

    number: str = column.number(key=True)
    seller: int = column.whole()
    state: str = column.text(16)  # NumberState
    expires_at: int = column.whole()  # seconds since 1970, UTC; of a reservation
    digest: bytes | None = column.word(optional=True)  # group that uses it


class IdempotencyRow(Row, table=True):
    """What an Idempotency-Key stands for."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("ix_idempotency_expiry", "expires_at"),)

    party: int = column.whole(key=True)
    key: str = column.text(IDEMPOTENCY_KEY_SIZE_MAX, key=True)
    request_hash: bytes = column.word()  # keyed, as a request may be guessed
    digests: bytes = column.blob()  # 32 bytes a group
    response: bytes | None = column.blob(optional=True)  # what the service answered, its own encoding
    created_at: int = column.whole()
    expires_at: int = column.whole()


class SigningKeyRow(Row, table=True):
    """A party's private key in our keeping, sealed."""

    __tablename__ = "signing_key"
    __table_args__ = (Index("ix_signing_key_identity", "identity"),)

    address: bytes = column.word(key=True)  # 20 bytes
    identity: bytes = column.word()  # identity hash of the party
    sealed_key: bytes = column.blob()
    created_at: int = column.whole()


class CertificateRow(Row, table=True):
    """A certificate whose hash is, or will be, on chain."""

    __tablename__ = "certificate"
    __table_args__ = (Index("ix_certificate_identity", "identity_text"),)

    certificate_hash: bytes = column.word(key=True)
    der: bytes = column.blob()
    identity_text: str = column.text(128)
    created_at: int = column.whole()


class PartyNameRow(Row, table=True):
    """Who stands behind an identity hash. Names of enterprises are public, names of persons are sealed."""

    __tablename__ = "party_name"
    __table_args__ = (Index("ix_party_name_tax_id", "tax_id"), Index("ix_party_name_district", "district", "identity"))

    identity: bytes = column.word(key=True)
    identity_text: str = column.text(128)
    display_name: str | None = column.text(NAME_SIZE_MAX, optional=True)
    tax_id: str | None = column.text(32, optional=True)
    sealed: bytes | None = column.blob(optional=True)
    updated_at: int = column.whole()
    district: str | None = column.text(6, optional=True)  # of tax_id, where that is a unified social credit code


class ApiKeyRow(Row, table=True):
    """A program's credential, bound to a party."""

    __tablename__ = "api_key"
    __table_args__ = (
        Index("ix_api_key_identity", "identity"),
        Index("ix_api_key_made_with", "made_with"),
        Index("ix_api_key_challenge", "challenge", unique=True),
    )

    key_id: str = column.text(16, key=True)
    secret_hash: bytes = column.word()
    identity: bytes = column.word()  # identity hash of the party it acts as
    label: str = column.text(64)
    created_at: int = column.whole()
    revoked_at: int | None = column.whole(optional=True)
    scopes: str = column.text(128)  # names with a blank between them
    expires_at: int | None = column.whole(optional=True)
    last_used_at: int | None = column.whole(optional=True)  # noted at most once an hour
    made_by: int | None = column.whole(optional=True)  # party
    made_with: str | None = column.text(16, optional=True)  # key_id
    made_in: str | None = column.text(32, optional=True)  # session_id
    challenge: bytes | None = column.word(optional=True)  # nonce of the challenge that it answers, once
    mac: bytes = column.word()  # over the rest of the row but last_used_at, under a key kept elsewhere


class MetaRow(Row, table=True):
    """Facts of the installation: chain identity and the like, as text."""

    __tablename__ = "meta"

    name: str = column.text(64, key=True)
    value: str = column.text(4096)


OPERATION = table_of(OperationRow)
DOCUMENT = table_of(DocumentRow)
REFERENCE = table_of(ReferenceRow)
CLAIM_REQUEST = table_of(ClaimRequestRow)
NUMBER_RANGE = table_of(NumberRangeRow)
NUMBER_RESERVATION = table_of(NumberReservationRow)
IDEMPOTENCY = table_of(IdempotencyRow)
SIGNING_KEY = table_of(SigningKeyRow)
CERTIFICATE = table_of(CertificateRow)
PARTY_NAME = table_of(PartyNameRow)
API_KEY = table_of(ApiKeyRow)
META = table_of(MetaRow)

WAITING = OPERATION.c.state == literal_column("'accepted'")
"""Rows that wait, in the very words of their partial indexes: a bound value would not be matched with them."""
IN_VAIN = OPERATION.c.state.in_([literal_column(f"'{state}'") for state in ("refused", "malformed", "expired")])
"""Rows that ended without anything applied, in the very words of their partial index."""
