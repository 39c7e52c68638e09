"""Signing by parties that keep their key themselves: their drafts as typed data, and the signatures they bring.

A signature is looked at before anything is stored. What does not count leaves nothing behind, and the draft waits on;
a draft that can never count any more goes.
"""

from __future__ import annotations

import re

from ledger.domain.groups import Group, SignedGroup
from ledger.domain.numbers import format_number
from ledger.domain.operation_texts import group_texts
from ledger.domain.times import utc_time
from ledger.domain.typed_data import group_typed_data
from ledger.identity import SigningError, read_signature, signer_of
from ledger.projection import (
    Connection,
    ExternalIdTakenError,
    external_ids,
    invoices,
    number_pool,
    parties,
    queued,
    signing_drafts,
)
from ledger.projection.erasures import erased_since
from ledger.projection.queued import group_failed
from ledger.projection.signing_drafts import SigningDraft
from ledger.service.context import Context
from ledger.service.draft_views import DraftView
from ledger.service.drafts import Asked, Draft, accept_signed, numbers_of, opened_draft
from ledger.service.errors import DraftExpired, DraftStale, NotFound, ServiceError
from ledger.service.people import need_writer
from ledger.service.problems import invalid
from ledger.service.views import Caller, Written
from ledger.service.writing import Submitted, run_write, written
from verifier.operations import INVOICE_CODES, RED_TERMS_LAYOUT, Code, Operation, numbers_written, unpack_bits

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NEW = frozenset({Code.ISSUE, Code.OPEN_MONTH, Code.RETIRE})  # change nothing that has a version
_BY_SUBJECT = frozenset({Code.GRANT, Code.REVOKE, Code.FILE, Code.REFILE, Code.CONFIRM_MONTH})
_BY_IDENTITY = frozenset({Code.ENROL, Code.APPOINT_OFFICER})


class SigningDrafts:
    """Drafts of one ledger; each is its party's alone."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def drafts(self, caller: Caller) -> tuple[DraftView, ...]:
        """What waits for the caller's signature, oldest first."""
        with self._context.reading() as connection:
            found = signing_drafts.drafts_of(connection, caller.party, self._context.now_s())
            return tuple(self._view(one) for one in found)

    def draft(self, caller: Caller, digest: str) -> DraftView:
        """One draft with its typed data. Raises: NotFound for anybody else's and for one that was signed."""
        with self._context.reading() as connection:
            found = self._found(connection, caller, digest)
        if found is None or found.valid_until < self._context.now_s():
            raise NotFound("draft", digest[:64])
        return self._view(found)

    def sign(self, caller: Caller, digest: str, signature: str, *, idempotency_key: str = "") -> Written:
        """Accepts a draft under its party's signature: 65 bytes r, s, v as hex. Signed before: as it stands now.

        `idempotency_key` counts for nothing: a draft is accepted once whatever it is sent with.

        Raises: NotFound; InvalidRequest at `signature` for one that is none, has a high s, or is of another key, chain,
        contract or draft; DraftExpired, DraftStale, and the errors of a write.
        """
        del idempotency_key
        need_writer(caller)

        def write(connection: Connection) -> Submitted | ServiceError:
            found = self._found(connection, caller, digest)
            if found is None:
                return self._signed_before(connection, caller, digest)
            ended = self._ended(connection, found)
            if ended is not None:
                return ended  # not raised: its end is to be stored
            draft, group = opened_draft(self._context, found)
            signed = self._checked(connection, group, signature)
            try:
                accepted, accepted_at = accept_signed(
                    self._context, connection, Asked(found.key, found.request_hash), draft, signed, kept_key=False,
                    credential=caller.credential,
                )  # fmt: skip
            except ExternalIdTakenError as err:
                raise DraftStale(digest) from err
            signing_drafts.remove(connection, found.digest)
            return Submitted(accepted, group, accepted_at, replayed=False)

        done = run_write(self._context, write)
        if isinstance(done, ServiceError):
            raise done
        return written(self._context, caller, done)

    # -- how ---------------------------------------------------------------------------------

    def _found(self, connection: Connection, caller: Caller, digest: str) -> SigningDraft | None:
        if not _DIGEST.fullmatch(digest):
            raise NotFound("draft", digest[:64])
        found = signing_drafts.draft(connection, bytes.fromhex(digest))
        return found if found is not None and found.actor == caller.party else None

    def _signed_before(self, connection: Connection, caller: Caller, digest: str) -> Submitted:
        key = bytes.fromhex(digest)
        signed, status = queued.signed_group(connection, key), queued.status(connection, key)
        if signed is None or status is None or status.accepted_at is None or signed.group.actor != caller.party:
            raise NotFound("draft", digest)
        return Submitted(key, signed.group, status.accepted_at, replayed=True)

    def _ended(self, connection: Connection, found: SigningDraft) -> ServiceError | None:
        """Why a draft can never count any more, which then is removed; None while it can."""
        digest = found.digest.hex()
        if found.valid_until < self._context.now_s():
            signing_drafts.remove(connection, found.digest)
            return DraftExpired(digest)
        draft, group = opened_draft(self._context, found)
        for_this_contract = group.digest(self._context.domain) == found.digest
        stale = (
            _names_erased(connection, draft, found.created_at)
            or _names_taken(connection, draft)
            or is_stale(connection, group)
        )
        if for_this_contract and not stale:
            return None
        signing_drafts.remove(connection, found.digest)
        number_pool.end_hold(connection, numbers_of(group), expires_at=found.valid_until)
        return DraftStale(digest) if for_this_contract else DraftExpired(digest)

    def _checked(self, connection: Connection, group: Group, signature: str) -> SignedGroup:
        try:
            v, r, s = read_signature(signature)
            signed = SignedGroup(group, v, r, s)
            address = signer_of(signed, self._context.domain)
        except SigningError as err:
            raise invalid("signature", "signature_form", reason=str(err), reason_zh=err.message_zh) from err
        expected = self._context.signer_of(connection, group.actor)
        if address != expected:
            domain = self._context.domain
            raise invalid(
                "signature", "signature_of_another", given=f"0x{address.hex()}", expected=f"0x{expected.hex()}",
                chain=domain.chain_id, contract=f"0x{domain.contract.hex()}",
            )  # fmt: skip
        return signed

    def _view(self, stored: SigningDraft) -> DraftView:
        _, group = opened_draft(self._context, stored)
        return DraftView(
            digest=stored.digest.hex(),
            created_at=utc_time(stored.created_at),
            sign_by=utc_time(stored.valid_until),
            says=group_texts(group),
            numbers=tuple(map(format_number, numbers_of(group))),
            typed_data=group_typed_data(group, self._context.domain),
        )


def _names_erased(connection: Connection, draft: Draft, since_s: int) -> bool:
    """Whether what a draft is about was erased after it was made: its documents and words would bring it back."""
    numbers = {number for operation in draft.operations for number in numbers_written(operation)}
    numbers.update(document.number for document in draft.documents)
    numbers.update(outside.number for outside in draft.outside_documents)
    return erased_since(connection, numbers, since_s)


def _names_taken(connection: Connection, draft: Draft) -> bool:
    """Whether an own id of the draft names something else since: it would be made a second time."""
    for one in draft.external_ids:
        known = external_ids.external_id(connection, one.party, one.kind, one.external_id)
        if known is not None and known.target != one.target and not group_failed(connection, known.digest):
            return True
    return False


def is_stale(connection: Connection, group: Group) -> bool:
    """Whether the contract would refuse the group for a version: what it changes was changed after it was made.

    Parties that several operations of one group change are left to the contract, which counts along.
    """
    seen: set[int] = set()
    for operation in group.operations:
        if operation.code in _NEW:
            continue
        if operation.code in INVOICE_CODES:
            number, version = operation.number, operation.version
            if operation.code == Code.ISSUE_RED:
                terms = unpack_bits(RED_TERMS_LAYOUT, operation.terms)
                number, version = terms["blue"], terms["blue_version"]
            record = invoices.invoice(connection, number)
            if (record.version if record is not None else 0) != version:
                return True
            continue
        party = _changed_party(connection, operation)
        if party in seen:
            continue
        seen.add(party)
        known = parties.party(connection, party) if party else None
        if (known.version if known is not None else 0) != operation.version:
            return True
    return False


def _changed_party(connection: Connection, operation: Operation) -> int:
    """Party whose version an operation names; 0 for one that is not there yet."""
    if operation.code in _BY_IDENTITY:
        known = parties.party_of_identity(connection, operation.who)
        return known.id if known is not None else 0
    if operation.code in _BY_SUBJECT:
        return operation.subject
    return operation.party if operation.code == Code.ALLOT_SEGMENT else operation.number
