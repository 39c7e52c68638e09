"""What a write wants signed and stored, and what becomes of it: accepted at once, or kept until its party signs it.

One question decides which: whether the party's key is kept here (`Context.kept_key`). A draft of a party that keeps its
key itself is stored whole and sealed; once the signature is there it is accepted by the very function that accepts
everything else (`accept_signed`), so both kinds of key give the same groups, events and answers.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

from ledger.domain.groups import Group, SignedGroup
from ledger.projection import (
    Acceptance,
    Connection,
    IdempotencyConflictError,
    IdempotencyEntry,
    NewClaimRequest,
    NewDocument,
    NewGroup,
    NewReference,
    OutsideDocument,
    accept,
    bulk_drafts,
    claim_queries,
    enrolment_requests,
    keystore,
    month_reports,
    number_pool,
    offices,
    parties,
    proposals,
    providers,
    sign_in,
    signing_drafts,
)
from ledger.projection.districts import OfficerDistrict, put_officer_district
from ledger.projection.ground_proposals import ProposalState
from ledger.projection.keystore import PartyName, SigningKey, StoredCertificate
from ledger.projection.month_reports import MonthReport
from ledger.projection.offices import OfficeKind
from ledger.projection.signing_drafts import DRAFT_SIZE_MAX, DRAFTS_OF_PARTY_MAX, SigningDraft
from ledger.service.audit_log import note_group
from ledger.service.company_links import end_old_links
from ledger.service.context import Context
from ledger.service.errors import DraftsFull, DraftStale, NoSigningKey, ProposalConflict
from ledger.service.external_ids import NewId
from ledger.service.office_seals import seal_office, standing_offices
from ledger.service.problems import invalid
from ledger.service.views import Caller
from verifier.operations import Code, Operation

SEALED_SIGNING_DRAFT = "signing draft"
_UNSEATING = frozenset({Code.SUSPEND, Code.REINSTATE, Code.DISMISS_OFFICER})
_SEALING_SIZE = 1_024  # bytes that sealing adds at most
DRAFT_CONTENT_SIZE_MAX = DRAFT_SIZE_MAX - _SEALING_SIZE


@dataclass(frozen=True)
class SettledPayment:
    """The payment that the group settles a claim with: the keyed hash of its reference, 32 bytes."""

    claim_id: str
    employer: int
    reference_index: bytes


@dataclass(frozen=True)
class ConfirmedProposal:
    """The proposal of another officer that the group carries out, and who confirms it."""

    proposal_id: str
    by: int


@dataclass(frozen=True)
class EndedProposals:
    """Every open proposal, and waiting draft, of the officer whose appointment the group ends."""

    proposer: int
    by: int


@dataclass(frozen=True)
class EndedMembership:
    """What would let a person in again whose grants the group takes away; `by` is the enterprise or its administrator.

    That is the enterprise's invitation of it, and when the enterprise itself asks the office of administrator:
    administrators do not unmake each other.
    """

    person: int
    enterprise: int
    by: int


@dataclass(frozen=True)
class ApprovedRequest:
    """The request for enrolment that the group grants, and the officer who does."""

    request_id: str
    by: int


@dataclass(frozen=True)
class SheetGroup:
    """The uploaded sheet, and how many of its rows, that the group issues: they are signed when it is accepted."""

    job_id: str
    count: int


Enrolled = SigningKey | StoredCertificate | PartyName
"""What belongs to a party that is enrolled; a register stores hundreds at once."""

Decided = (
    SettledPayment
    | MonthReport
    | OfficerDistrict
    | ConfirmedProposal
    | EndedProposals
    | EndedMembership
    | ApprovedRequest
    | SheetGroup
)
Kept = Enrolled | Decided
"""Rows that are stored when a group is accepted, beside what an acceptance holds."""


@dataclass(frozen=True)
class Draft:
    """What a write wants signed and stored.

    `then` runs with the group's digest when it is accepted. It cannot be kept until somebody signs, so that a write
    which has one is for parties whose key is kept here; what is only stored belongs into `kept`.
    """

    operations: tuple[Operation, ...]
    documents: tuple[NewDocument, ...] = ()
    references: tuple[NewReference, ...] = ()
    claim_requests: tuple[NewClaimRequest, ...] = ()
    outside_documents: tuple[OutsideDocument, ...] = ()  # their group's digest is filled in when it is accepted
    external_ids: tuple[NewId, ...] = ()
    kept: tuple[Kept, ...] = ()
    then: Callable[[Connection, bytes], None] | None = None


@dataclass(frozen=True)
class Asked:
    """A request as it is remembered: Idempotency-Key and the 32-byte hash of its content."""

    key: str
    hashed: bytes


def accept_signed(
    context: Context, connection: Connection, asked: Asked, draft: Draft, signed: SignedGroup, *, kept_key: bool,
    credential: str = "",
) -> tuple[bytes, int]:  # fmt: skip
    """Stores a signed group with all that comes with it; (its digest, when). The caller's transaction makes it durable.

    `kept_key` says whether the key that signed is kept here. Raises: what `accept` raises.
    """
    now_s, actor = context.now_s(), signed.group.actor
    digest = signed.group.digest(context.domain)
    entry = IdempotencyEntry(actor, asked.key, asked.hashed, now_s + context.settings.idempotency_lifetime_s)
    acceptance = Acceptance(
        (NewGroup(digest, signed, draft.documents),),
        draft.references,
        draft.claim_requests,
        entry,
        tuple(replace(document, digest=digest) for document in draft.outside_documents),
        tuple(one.of_group(digest, now_s) for one in draft.external_ids),
    )
    accept(connection, acceptance, queue_limit=context.settings.queue_limit_per_party, now_s=now_s)
    note_group(
        context, connection, actor=actor, digest=digest, operations=signed.group.operations, credential=credential,
        kept=kept_key,
    )  # fmt: skip
    _end_sessions(connection, signed.group.operations)
    end_old_links(context, connection, signed.group.operations)
    keystore.put_enrolled(connection, [one for one in draft.kept if isinstance(one, Enrolled)])
    for one in draft.kept:
        if not isinstance(one, Enrolled):
            _store(context, connection, one, digest, now_s)
    if draft.then is not None:
        draft.then(connection, digest)
    return digest, now_s


def keep_draft(context: Context, connection: Connection, caller: Caller, asked: Asked, draft: Draft) -> SigningDraft:
    """Stores a draft for its party to sign; the numbers it takes are held as long.

    Raises: NoSigningKey for what cannot wait, DraftsFull, InvalidRequest for a draft that is too large.
    """
    if draft.then is not None:
        raise NoSigningKey(caller.party)
    now_s = context.now_s()
    signing_drafts.expire(connection, now_s, actor=caller.party)
    if signing_drafts.count_of(connection, caller.party) >= DRAFTS_OF_PARTY_MAX:
        raise DraftsFull(DRAFTS_OF_PARTY_MAX)
    group = Group(caller.party, now_s + context.settings.group_lifetime_s, draft.operations)
    digest = group.digest(context.domain)
    content = draft_bytes(draft)
    if len(content) > DRAFT_CONTENT_SIZE_MAX:
        raise invalid("", "draft_size", high=DRAFT_SIZE_MAX, given=len(content))
    stored = SigningDraft(
        digest=digest,
        actor=caller.party,
        key=asked.key,
        request_hash=asked.hashed,
        sealed=context.seal(content, SEALED_SIGNING_DRAFT, digest.hex()),
        created_at=now_s,
        valid_until=group.valid_until,
    )
    signing_drafts.put_draft(connection, stored)
    number_pool.hold(connection, numbers_of(group), expires_at=group.valid_until)
    return stored


def waiting_draft(connection: Connection, party: int, asked: Asked, now_s: int) -> SigningDraft | None:
    """The draft an earlier request with this Idempotency-Key made and that may still be signed; an ended one goes.

    Raises: IdempotencyConflictError when it is another request's.
    """
    found = signing_drafts.draft_of_key(connection, party, asked.key)
    if found is None:
        return None
    if found.valid_until < now_s:
        signing_drafts.remove(connection, found.digest)
        return None
    if found.request_hash != asked.hashed:
        raise IdempotencyConflictError(asked.key)
    return found


def opened_draft(context: Context, stored: SigningDraft) -> tuple[Draft, Group]:
    """What a stored draft holds. Raises: NotReady when its row was changed."""
    content = context.opened(stored.sealed, SEALED_SIGNING_DRAFT, stored.digest.hex())
    draft = read_draft_bytes(content)
    return draft, Group(stored.actor, stored.valid_until, draft.operations)


def numbers_of(group: Group) -> tuple[int, ...]:
    """Numbers of a seller's segment that a group takes."""
    return tuple(one.number for one in group.operations if one.code in number_pool.ISSUES)


# -- as bytes ------------------------------------------------------------------------------------

_PARTS: dict[str, type[Any]] = {
    "documents": NewDocument,
    "references": NewReference,
    "claim_requests": NewClaimRequest,
    "outside_documents": OutsideDocument,
    "external_ids": NewId,
}
_KEPT: dict[str, type[Any]] = {one.__name__: one for one in get_args(Kept)}
_BYTES = "base64"  # the one member of an object that stands for bytes


def draft_bytes(draft: Draft) -> bytes:
    """A draft as JSON; `then` is not in it."""
    value = {
        "operations": [
            [str(what), str(terms), who.hex(), ref.hex()]
            for what, terms, who, ref in (operation.words() for operation in draft.operations)
        ],
        **{name: [_plain(one) for one in getattr(draft, name)] for name in _PARTS},
        "kept": [[type(one).__name__, _plain(one)] for one in draft.kept],
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read_draft_bytes(content: bytes) -> Draft:
    """The draft that `draft_bytes` wrote."""
    value = json.loads(content)
    operations = tuple(
        Operation.from_words(int(what), int(terms), bytes.fromhex(who), bytes.fromhex(ref))
        for what, terms, who, ref in value["operations"]
    )
    parts: dict[str, Any] = {name: tuple(_made(kind, one) for one in value[name]) for name, kind in _PARTS.items()}
    return Draft(operations, kept=tuple(_made(_KEPT[name], one) for name, one in value["kept"]), **parts)


def _plain(one: Any) -> dict[str, object]:
    given = {field.name: getattr(one, field.name) for field in fields(one)}
    return {
        name: {_BYTES: b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in given.items()
    }


def _made(kind: type[Any], given: dict[str, Any]) -> Any:
    return kind(
        **{
            name: b64decode(value[_BYTES]) if isinstance(value, dict) else value  # no item holds another object
            for name, value in given.items()
        }
    )


def end_begun_work(connection: Connection, officer: int, *, by: int, now_s: int) -> None:
    """Ends what an officer began for an appointment that ends: its proposals, and drafts it has not signed."""
    proposals.end_of_proposer(connection, officer, by=by, now_s=now_s)
    signing_drafts.remove_of(connection, officer)


def _end_membership(context: Context, connection: Connection, ended: EndedMembership, now_s: int) -> None:
    record = parties.party(connection, ended.person)
    assert record is not None  # the group names it, and parties stay
    sign_in.end_invitation(connection, record.identity, invited_by=ended.enterprise)
    providers.end_links(connection, record.identity, enterprise=ended.enterprise)
    if ended.by != ended.enterprise:
        return
    for held in standing_offices(context, connection, ended.person):
        if held.kind == OfficeKind.ADMINISTRATOR and held.principal == ended.enterprise:
            seal_office(context, connection, offices.end_office(connection, held.seq, ended_by=ended.by, now_s=now_s))
            providers.end_links_of_inviter(connection, ended.enterprise, ended.person)


def _end_sessions(connection: Connection, operations: Iterable[Operation]) -> None:
    """Ends every session of whom a group suspends, reinstates or dismisses: none of before works again after."""
    for operation in operations:
        if operation.code in _UNSEATING and (record := parties.party(connection, operation.number)) is not None:
            sign_in.end_sessions(connection, record.identity)


def _store(context: Context, connection: Connection, one: Decided, digest: bytes, now_s: int) -> None:
    if isinstance(one, SettledPayment):
        claim_queries.put_claim_payment(
            connection, digest, claim_id=one.claim_id, employer=one.employer, reference_index=one.reference_index,
            now_s=now_s,
        )  # fmt: skip
    elif isinstance(one, MonthReport):
        month_reports.put_report(connection, one)
    elif isinstance(one, OfficerDistrict):
        put_officer_district(connection, one)
    elif isinstance(one, ApprovedRequest):
        state = enrolment_requests.RequestState.APPROVED
        if not enrolment_requests.decide(connection, one.request_id, state, by=one.by, now_s=now_s, digest=digest):
            raise invalid("request_id", "request_decided", state=state.value)  # since it was drafted
    elif isinstance(one, SheetGroup):
        if bulk_drafts.sign_drafted(connection, one.job_id, digest, now_s) != one.count:
            raise DraftStale(digest.hex())  # its rows are no longer the draft's
    elif isinstance(one, EndedProposals):
        end_begun_work(connection, one.proposer, by=one.by, now_s=now_s)
    elif isinstance(one, EndedMembership):
        _end_membership(context, connection, one, now_s)
    elif not proposals.decide(
        connection, one.proposal_id, ProposalState.CONFIRMED, by=one.by, now_s=now_s, digest=digest
    ):
        raise ProposalConflict(one.proposal_id, "over")  # since it was drafted
