"""Accepting: documents, signed groups, idempotency key and number use, in one transaction or not at all.

Once this is committed the groups will be sequenced, whatever happens to the machine. Rules of the ledger are
not checked here: the contract alone decides those.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from ledger.domain.groups import SignedGroup
from ledger.projection import number_pool
from ledger.projection.columns import number_text, seconds
from ledger.projection.database import upsert
from ledger.projection.errors import DuplicateGroupError, IdempotencyConflictError, QueueLimitReachedError
from ledger.projection.external_ids import ExternalId, put_external_id
from ledger.projection.ground import CLAIM_REQUEST, DOCUMENT, IDEMPOTENCY, OPERATION, REFERENCE, WAITING, QueueState
from ledger.projection.outside_documents import OutsideDocument, put_outside_document
from ledger.projection.packing import pack_signed

GROUPS_MAX = 16  # groups in one acceptance: a request of 4,096 operations, half a megabyte

# Every write asks these. Built once: building and caching a statement costs more than running it.
_EARLIER = select(IDEMPOTENCY).where(
    IDEMPOTENCY.c.party == bindparam("party"),
    IDEMPOTENCY.c.key == bindparam("key"),
    IDEMPOTENCY.c.expires_at > bindparam("now_s"),
)
_WAITING_OF = select(func.coalesce(func.sum(OPERATION.c.operation_count), 0)).where(
    WAITING, OPERATION.c.actor == bindparam("actor")
)
_KNOWN_DIGESTS = select(OPERATION.c.digest).where(OPERATION.c.digest.in_(bindparam("digests", expanding=True)))
_INSERT_OPERATION = OPERATION.insert()
_INSERT_DOCUMENT = DOCUMENT.insert()


@dataclass(frozen=True)
class NewDocument:
    """A sealed invoice document and its sealed seed; commitment is 32 bytes."""

    number: int
    seller: int
    sealed_document: bytes
    sealed_seed: bytes
    commitment: bytes


@dataclass(frozen=True)
class NewGroup:
    """A signed group, its 32-byte digest, and the documents of the invoices it issues."""

    digest: bytes
    signed: SignedGroup
    documents: tuple[NewDocument, ...] = ()


@dataclass(frozen=True)
class NewReference:
    """Sealed salt and text behind a 32-byte `ref`."""

    ref: bytes
    kind: str
    party: int
    sealed: bytes


@dataclass(frozen=True)
class NewClaimRequest:
    """A claim as its claimant opens it; `claim_id` has 32 hex digits."""

    claim_id: str
    claimant: int
    employer: int
    sealed_reference: bytes | None


@dataclass(frozen=True)
class IdempotencyEntry:
    """An Idempotency-Key of `party` for the request with that 32-byte hash; `response` is the caller's own bytes."""

    party: int
    key: str
    request_hash: bytes
    expires_at: int
    response: bytes | None = None


@dataclass(frozen=True)
class Acceptance:
    """All that one request wants stored."""

    groups: tuple[NewGroup, ...]
    references: tuple[NewReference, ...] = ()
    claim_requests: tuple[NewClaimRequest, ...] = ()
    idempotency: IdempotencyEntry | None = None
    outside_documents: tuple[OutsideDocument, ...] = ()
    external_ids: tuple[ExternalId, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """What was accepted: now, or, when `replayed`, by an earlier request with the same key."""

    digests: tuple[bytes, ...]
    accepted_at: int
    replayed: bool
    response: bytes | None


def find_accepted(connection: Connection, party: int, key: str, request_hash: bytes, now_s: int) -> Accepted | None:
    """What the Idempotency-Key stands for already, None when it is new or forgotten.

    Raises: IdempotencyConflictError when it stands for another request.
    """
    row = connection.execute(_EARLIER, {"party": party, "key": key, "now_s": now_s}).one_or_none()
    if row is None:
        return None
    if row.request_hash != request_hash:
        raise IdempotencyConflictError(key)
    digests = tuple(row.digests[at : at + 32] for at in range(0, len(row.digests), 32))
    return Accepted(digests=digests, accepted_at=row.created_at, replayed=True, response=row.response)


def accept(connection: Connection, acceptance: Acceptance, *, queue_limit: int, now_s: int) -> Accepted:
    """Stores all of `acceptance`; the caller's transaction makes it durable.

    `queue_limit` is the number of operations one actor may have waiting; `now_s` seconds since 1970, UTC.

    Raises: IdempotencyConflictError, DuplicateGroupError, QueueLimitReachedError, NumberInUseError,
    ExternalIdTakenError.
    """
    entry = acceptance.idempotency
    if entry is not None:
        earlier = find_accepted(connection, entry.party, entry.key, entry.request_hash, now_s)
        if earlier is not None:
            return earlier
    if not 1 <= len(acceptance.groups) <= GROUPS_MAX:
        raise ValueError(f"an acceptance holds 1..{GROUPS_MAX} groups")
    _hold_queue_limit(connection, acceptance.groups, queue_limit)
    _hold_digests_new(connection, acceptance.groups)
    for new in acceptance.groups:
        number_pool.use(connection, new.digest, new.signed.group)
    _store(connection, acceptance, now_s)
    for document in acceptance.outside_documents:
        put_outside_document(connection, document)
    for external_id in acceptance.external_ids:
        put_external_id(connection, external_id)
    digests = tuple(new.digest for new in acceptance.groups)
    if entry is not None:
        remember(connection, entry, digests=digests, now_s=now_s)
    return Accepted(
        digests=digests, accepted_at=now_s, replayed=False, response=entry.response if entry is not None else None
    )


def remember(connection: Connection, entry: IdempotencyEntry, *, digests: tuple[bytes, ...] = (), now_s: int) -> None:
    """Stores what an Idempotency-Key stands for, replacing a forgotten one; no digests when nothing was signed."""
    row: dict[str, object] = {
        "party": entry.party,
        "key": entry.key,
        "request_hash": entry.request_hash,
        "digests": b"".join(digests),
        "response": entry.response,
        "created_at": now_s,
        "expires_at": entry.expires_at,
    }
    upsert(connection, IDEMPOTENCY, [row])


def _hold_queue_limit(connection: Connection, groups: tuple[NewGroup, ...], queue_limit: int) -> None:
    wanted: dict[int, int] = {}
    for new in groups:
        group = new.signed.group
        wanted[group.actor] = wanted.get(group.actor, 0) + len(group.operations)
    for actor, count in wanted.items():
        waiting = connection.execute(_WAITING_OF, {"actor": actor}).scalar_one()
        if int(waiting) + count > queue_limit:
            raise QueueLimitReachedError(actor, int(waiting), queue_limit)


def _hold_digests_new(connection: Connection, groups: tuple[NewGroup, ...]) -> None:
    digests = [new.digest for new in groups]
    known = connection.execute(_KNOWN_DIGESTS, {"digests": digests}).scalars().first()
    if known is not None:
        raise DuplicateGroupError(known)
    if len(set(digests)) != len(digests):
        raise DuplicateGroupError(digests[0])


def _store(connection: Connection, acceptance: Acceptance, now_s: int) -> None:
    connection.execute(
        _INSERT_OPERATION,
        [
            {
                "digest": new.digest,
                "actor": new.signed.group.actor,
                "subject": new.signed.group.operations[0].subject,
                "valid_until": seconds(new.signed.group.valid_until),
                "operation_count": len(new.signed.group.operations),
                "signed": pack_signed(new.signed),
                "state": QueueState.ACCEPTED.value,
                "reason": 0,
                "accepted_at": now_s,
            }
            for new in acceptance.groups
        ],
    )
    documents: list[dict[str, object]] = [
        {
            "number": number_text(document.number),
            "seller": document.seller,
            "sealed_document": document.sealed_document,
            "sealed_seed": document.sealed_seed,
            "commitment": document.commitment,
            "digest": new.digest,
            "stored_at": now_s,
        }
        for new in acceptance.groups
        for document in new.documents
    ]
    if documents:
        connection.execute(_INSERT_DOCUMENT, documents)
    references: list[dict[str, object]] = [
        {"ref": new.ref, "kind": new.kind, "party": new.party, "sealed": new.sealed, "created_at": now_s}
        for new in acceptance.references
    ]
    if references:
        connection.execute(REFERENCE.insert(), references)
    requests: list[dict[str, object]] = [
        {
            "claim_id": new.claim_id,
            "claimant": new.claimant,
            "employer": new.employer,
            "sealed_reference": new.sealed_reference,
            "created_at": now_s,
        }
        for new in acceptance.claim_requests
    ]
    if requests:
        connection.execute(CLAIM_REQUEST.insert(), requests)
