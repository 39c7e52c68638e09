"""The one way a write goes: prepare, sign, accept in one transaction, wait for the block.

A write is a function that, given a connection, says what to sign. It runs on the writing thread inside the
transaction that stores everything, so the versions and numbers it reads are those it signs. A repeated
Idempotency-Key finds the same signed group again; it is never made a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ledger.domain.groups import Group
from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.evidence import receipt_message
from ledger.identity import sign_digest, sign_group
from ledger.projection import (
    Connection,
    DatabaseUnavailableError,
    DuplicateGroupError,
    IdempotencyConflictError,
    IdempotencyEntry,
    NumberInUseError,
    NumbersExhaustedError,
    QueueLimitReachedError,
    QueueState,
    StoreClosedError,
    WriteQueueFullError,
    find_accepted,
    invoices,
    offices,
    parties,
    queued,
    remember,
)
from ledger.projection.queued import GroupStatus
from ledger.projection.signing_drafts import SigningDraft
from ledger.service.company_links import company_refusal, is_of_company, need_for_company
from ledger.service.context import INDEXED_REQUEST, Context, busy
from ledger.service.districts import need_present_district
from ledger.service.drafts import Asked, Draft, accept_signed, keep_draft, waiting_draft
from ledger.service.errors import (
    Busy,
    IdempotencyConflict,
    NotFound,
    NumbersExhausted,
    QueueFull,
    SignatureNeeded,
)
from ledger.service.forms import PARTY_MAX
from ledger.service.people import governs, need_active, need_writer, seen_as
from ledger.service.problems import invalid
from ledger.service.refusals import refusal_of
from ledger.service.views import Caller, Receipt, Refusal, WriteStatus, Written
from verifier.canonical import Json, dumps, loads
from verifier.hashing import keccak256
from verifier.operations import INVOICE_CODES, OUTSIDE_TERMS_LAYOUT, Code, Operation, unpack_bits

__all__ = [
    "ANSWER_SIZE_MAX", "Draft", "Submitted", "receipt_signature", "remembered", "request_hash", "run_write",
    "status_of", "submit", "written", "written_of",
]  # fmt: skip

ANSWER_SIZE_MAX = 1 << 16  # a thousand reserved numbers take 23 KB

T = TypeVar("T")
_MAKES_PARTY = frozenset({Code.ENROL, Code.APPOINT_OFFICER})
_NAMES_CLAIM = frozenset({Code.LOCK, Code.UNLOCK, Code.SETTLE, Code.REGISTER_OUTSIDE})


@dataclass(frozen=True)
class Submitted:
    """A durable group, now or, when `replayed`, by an earlier request with the same Idempotency-Key."""

    digest: bytes
    group: Group
    accepted_at: int  # seconds since 1970, UTC
    replayed: bool


def request_hash(kind: str, request: Json) -> bytes:
    """What an Idempotency-Key is bound to: the kind of write and its canonical content."""
    return keccak256(kind.encode() + b"\0" + dumps(request))


def kept_hash(context: Context, hashed: bytes) -> bytes:
    """A request's hash as it is stored: keyed, so that nobody with the database alone can test a guess at a name."""
    return context.vault.index(hashed.hex(), INDEXED_REQUEST)


def submit(
    context: Context, caller: Caller, key: str, hashed: bytes, prepare: Callable[[Connection], Draft]
) -> Submitted:
    """Accepts what `prepare` says, signed with the caller's key; durable when it returns.

    Raises: the service's errors; then nothing was stored. SignatureNeeded for a caller that keeps its key itself: what
    `prepare` said is then stored as a draft, and the same request again finds it.
    """

    need_writer(caller)

    asked = Asked(key, kept_hash(context, hashed))

    def write(connection: Connection) -> Submitted | SigningDraft:
        now_s = context.now_s()
        earlier = find_accepted(connection, caller.party, key, asked.hashed, now_s)
        if earlier is not None:
            (digest,) = earlier.digests
            group = _stored_group(connection, digest)
            if not is_of_company(connection, caller, group.operations):
                raise IdempotencyConflict(key)  # the person's own: whoever runs the provider is not told of it
            return Submitted(digest, group, earlier.accepted_at, replayed=True)
        signing = context.kept_key(connection, caller.party)
        if signing is None and caller.company is not None:
            raise company_refusal(caller.company)  # whoever runs the provider puts nothing before the person to sign
        waiting = waiting_draft(connection, caller.party, asked, now_s) if signing is None else None
        if waiting is not None:
            return waiting
        need_present_district(context, connection, caller)
        draft = prepare(connection)
        need_for_company(caller, draft.operations)
        if signing is None:
            return keep_draft(context, connection, caller, asked, draft)
        group = Group(caller.party, now_s + context.settings.group_lifetime_s, draft.operations)
        signed = sign_group(signing, group, context.domain)
        digest, accepted_at = accept_signed(
            context, connection, asked, draft, signed, kept_key=True, credential=caller.credential
        )
        return Submitted(digest, group, accepted_at, replayed=False)

    done = run_write(context, write)
    if isinstance(done, SigningDraft):
        raise SignatureNeeded(caller.party, done.digest.hex(), utc_time(done.valid_until))
    return done


def run_write(context: Context, write: Callable[[Connection], T]) -> T:
    """Runs a write and says its failures in the service's words."""
    try:
        return context.store.write(write)
    except DatabaseUnavailableError as err:
        raise busy(err) from err
    except (WriteQueueFullError, StoreClosedError) as err:
        raise Busy from err
    except IdempotencyConflictError as err:
        raise IdempotencyConflict(err.key) from err
    except QueueLimitReachedError as err:
        raise QueueFull(err.limit) from err
    except NumbersExhaustedError as err:
        raise NumbersExhausted(err.seller) from err
    except NumberInUseError as err:
        raise invalid("number", "number_in_use", number=f"{err.number:020d}") from err
    except DuplicateGroupError as err:
        raise Busy from err


def written(context: Context, caller: Caller, submitted: Submitted) -> Written:
    """The answer to a write, after waiting for its block up to the set limit."""
    status = context.watch.wait(submitted.digest, context.settings.post_wait_ms)
    codes = {operation.code for operation in submitted.group.operations}
    if status is not None and status.state is QueueState.RECORDED and _MAKES_PARTY.isdisjoint(codes):
        return _view(context, status, submitted.group)  # all that the answer says is known: no need to read again
    try:
        with context.reading() as connection:
            return status_of(context, connection, caller, submitted.digest, submitted.group)
    except Busy:
        # it is stored, so nothing but "accepted" may be said: a caller told otherwise would send it a second time
        return _view(context, _accepted(submitted), submitted.group)


def written_of(context: Context, caller: Caller, digest: bytes) -> Written:
    """Where an earlier write of the caller stands. Raises: NotFound for an unknown one and anybody else's."""
    with context.reading() as connection:
        signed = queued.signed_group(connection, digest)
        own = signed is not None and caller.party in (signed.group.actor, offices.user_of(connection, digest))
        if own and signed is not None and not is_of_company(connection, caller, signed.group.operations):
            raise NotFound("operation", digest.hex())
        if signed is None or not (own or _oversees_group(connection, caller, signed.group)):
            raise NotFound("operation", digest.hex())
        return status_of(context, connection, caller, digest, signed.group)


def _oversees_group(connection: Connection, caller: Caller, group: Group) -> bool:
    """Whether a group is about what the caller oversees: a party it governs, or an invoice it sees."""
    if not caller.oversees or caller.oversees_all:
        return caller.oversees
    concerned = {op.number for op in group.operations if op.code in INVOICE_CODES}
    named = {op.subject for op in group.operations} | {op.party for op in group.operations}
    named |= {op.number for op in group.operations if op.code not in INVOICE_CODES and op.number <= PARTY_MAX}
    if governs(connection, caller, *(named - {caller.party})):
        return True
    found = invoices.invoices(connection, tuple(sorted(concerned))).values()
    return any(invoices.sees(connection, one, seen_as(caller)) for one in found)


def status_of(context: Context, connection: Connection, caller: Caller, digest: bytes, group: Group) -> Written:
    """Where a group stands now."""
    status = queued.status(connection, digest)
    if status is None:
        raise NotFound("operation", digest.hex())
    refusal = None
    if status.state is QueueState.REFUSED:
        refusal = refusal_of(context, connection, caller, status.reason, _named(group, status.refused_number))
    made = next((op.who for op in group.operations if op.code in _MAKES_PARTY), None)
    party = parties.party_of_identity(connection, made) if made is not None else None
    return _view(context, status, group, party=party.id if party is not None else None, refusal=refusal)


def _accepted(submitted: Submitted) -> GroupStatus:
    """What is known of a group that was stored, without asking again."""
    group = submitted.group
    return GroupStatus(
        digest=submitted.digest,
        actor=group.actor,
        state=QueueState.ACCEPTED,
        reason=0,
        refused_number=None,
        block=None,
        accepted_at=submitted.accepted_at,
        settled_at=None,
        valid_until=group.valid_until,
    )


def _view(
    context: Context, status: GroupStatus, group: Group, *, party: int | None = None, refusal: Refusal | None = None
) -> Written:
    if status.accepted_at is None:
        raise NotFound("operation", status.digest.hex())
    claim_ids = {_claim_id(operation) for operation in group.operations if operation.code in _NAMES_CLAIM}
    return Written(
        status=WriteStatus(status.state.value),
        digest=status.digest.hex(),
        receipt=Receipt(
            digest=status.digest.hex(),
            accepted_at=utc_time(status.accepted_at),
            by=utc_time(group.valid_until),
            signature=receipt_signature(context, status.digest, status.accepted_at, group.valid_until),
        ),
        numbers=tuple(format_number(op.number) for op in group.operations if op.code in INVOICE_CODES),
        claim_id=f"{claim_ids.pop():032x}" if claim_ids else None,
        party=party,
        block=status.block,
        recorded_at=utc_time(status.settled_at) if status.settled_at is not None else None,
        refusal=refusal,
    )


def _claim_id(operation: Operation) -> int:
    if operation.code == Code.REGISTER_OUTSIDE:
        return unpack_bits(OUTSIDE_TERMS_LAYOUT, operation.terms)["claim_id"]
    return operation.terms


def _named(group: Group, refused_number: int | None) -> int | None:
    """The invoice or segment number the contract named; of an enrolment it is part of a hash, of others a party id."""
    numbers = {op.number for op in group.operations if op.code in INVOICE_CODES or op.code == Code.ALLOT_SEGMENT}
    return refused_number if refused_number in numbers else None


def remembered(
    context: Context,
    connection: Connection,
    caller: Caller,
    key: str,
    hashed: bytes,
    take: Callable[[], dict[str, Json]],
) -> dict[str, Json]:
    """Runs a write that signs nothing, once per Idempotency-Key; its answer is kept with the key.

    Raises: NotPermitted for an auditor, and for a suspended person, whom no contract hears here.
    """
    need_writer(caller)
    need_active(caller)
    now_s = context.now_s()
    kept = kept_hash(context, hashed)
    earlier = find_accepted(connection, caller.party, key, kept, now_s)
    if earlier is not None:
        answer = loads(earlier.response or b"{}", ANSWER_SIZE_MAX)
        assert isinstance(answer, dict)
        return answer
    need_present_district(context, connection, caller)
    answer = take()
    expires_at = now_s + context.settings.idempotency_lifetime_s
    remember(connection, IdempotencyEntry(caller.party, key, kept, expires_at, dumps(answer)), now_s=now_s)
    return answer


def receipt_signature(context: Context, digest: bytes, accepted_at_s: int, by_s: int) -> str:
    """The operator's signature of a receipt: r, s, v as 65 bytes hex (see views.Receipt). Always the same bytes.

    The domain is the first contract's: it names the ledger for ever, whatever contract the digest is for.
    """
    separator = context.reader.identity.founding_domain.separator
    v, r, s = sign_digest(context.operator_key, receipt_message(separator, digest, accepted_at_s, by_s))
    return (r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((v,))).hex()


def _stored_group(connection: Connection, digest: bytes) -> Group:
    signed = queued.signed_group(connection, digest)
    if signed is None:
        raise NotFound("operation", digest.hex())
    return signed.group
