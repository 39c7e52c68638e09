"""What operations on parties, months and the contract itself change."""

from __future__ import annotations

from collections.abc import Callable

from ledger.domain.blocks import ChainEvent, MonthOpened, PartyNamed, PartyWritten, Retired, SequencedGroup
from ledger.projection.apply_deduction import apply_confirmation, freeze
from ledger.projection.columns import number_text, seconds, word_bytes
from ledger.projection.draft import Changes, Draft
from ledger.projection.step import Step
from verifier.hashing import ZERO_HASH
from verifier.operations import Code, Operation
from verifier.words import AUTHORITY_PARTY, RECOVERY_DELAY_S, SEGMENT_BLOCK_SIZE, PartyKind, PartyWord

ADDRESS_SIZE = 20
_SIGNER_MASK = (1 << 160) - 1
_RECOVERY_BIT = 1 << 165


def apply_name(draft: Draft, event: PartyNamed, time_s: int) -> None:
    """A buyer named for the first time: an enterprise without a signer."""
    draft.parties.put(_party(event.party, PartyKind.ENTERPRISE << 160, event.identity, time_s))


def apply_recovery(draft: Draft, group: SequencedGroup, time_s: int) -> None:
    """What a group's signer shows about its actor: a due recovery takes effect at the new key's first use.

    The contract names the authority in its constructor, without an event; its first group shows its address.
    """
    actor = group.signed.group.actor
    row = draft.parties.get(actor)
    if row is None:
        if actor == AUTHORITY_PARTY:
            word = PartyKind.AUTHORITY << 160 | int.from_bytes(group.signer, "big")
            draft.parties.put(_party(actor, word, ZERO_HASH, time_s))
        return
    due = row["recovery_at"]
    if due is not None and time_s >= due and group.signer == row["recovery_signer"]:
        word = int.from_bytes(row["word"], "big") & ~(_SIGNER_MASK | _RECOVERY_BIT)
        row["certificate_hash"] = row["recovery_certificate"]
        _set_word(row, word | int.from_bytes(group.signer, "big"))
        draft.parties.put(row)


def apply_register(step: Step, event: ChainEvent) -> None:
    """An applied operation on a party, a month or the contract."""
    draft, operation = step.draft, step.operation
    if isinstance(event, MonthOpened):
        draft.months.append(
            {
                "month": event.month,
                "opens_at": seconds(event.opens_at),
                "closes_at": seconds(event.closes_at),
                "digest": step.group.digest,
            }
        )
    elif isinstance(event, Retired):
        draft.contracts.append({"successor": event.successor, "block": step.head.number})
    elif isinstance(event, PartyWritten):
        _apply_party(draft, operation, event, step.time_s)
        beside = _BESIDE.get(operation.code)
        if beside is not None:
            beside(step)


def _apply_party(draft: Draft, operation: Operation, event: PartyWritten, time_s: int) -> None:
    row = draft.parties.get(event.party) or _party(event.party, event.word, ZERO_HASH, time_s)
    if operation.code in (Code.ENROL, Code.APPOINT_OFFICER):
        row["identity"] = operation.who  # who named the buyer before chose the last byte, which the contract overwrites
    if operation.code in (Code.ENROL, Code.APPOINT_OFFICER, Code.ROTATE_KEY):
        row["certificate_hash"] = operation.ref
    elif operation.code == Code.RECOVER_KEY:
        row["recovery_signer"] = (operation.terms & _SIGNER_MASK).to_bytes(ADDRESS_SIZE, "big")
        row["recovery_at"] = time_s + RECOVERY_DELAY_S
        row["recovery_certificate"] = operation.ref
    _set_word(row, event.word)
    draft.parties.put(row)


def _party(party: int, word: int, identity: bytes, time_s: int) -> Changes:
    row: Changes = {
        "id": party,
        "identity": identity,
        "certificate_hash": ZERO_HASH,
        "recovery_signer": None,
        "recovery_at": None,
        "recovery_certificate": None,
        "named_at": time_s,
    }
    _set_word(row, word)
    return row


def _set_word(row: Changes, word: int) -> None:
    party = PartyWord.unpack(word)
    row.update(
        word=word_bytes(word),
        kind=party.kind,
        signer=party.signer.to_bytes(ADDRESS_SIZE, "big") if party.signer else b"",
        suspended=bool(party.suspended),
        filed_through=party.filed_through,
        quota_fen=party.quota,
        version=party.version,
    )
    if not party.recovery:
        row.update(recovery_signer=None, recovery_at=None, recovery_certificate=None)


def _apply_grant(step: Step) -> None:
    draft, operation = step.draft, step.operation
    row = draft.grants.get(operation.subject, operation.party) or {
        "enterprise": operation.subject,
        "person": operation.party,
        "bits": 0,
    }
    if operation.code == Code.GRANT:
        row["bits"] |= operation.option
    else:
        row["bits"] &= ~operation.option
    draft.grants.put(row)


def _apply_segment(step: Step) -> None:
    operation = step.operation
    last = operation.number + operation.option * SEGMENT_BLOCK_SIZE - 1
    step.draft.segments.append(
        {
            "first_number": number_text(operation.number),
            "last_number": number_text(last),
            "party": operation.party,
            "allotted_at": step.time_s,
        }
    )


def _apply_filing(step: Step) -> None:
    draft, operation = step.draft, step.operation
    revision, replaced = 0, None
    known = draft.filings.get(operation.subject, operation.month, 0)
    while known is not None:  # a month is refiled a few times at most
        revision, replaced = revision + 1, known["report_hash"]
        known = draft.filings.get(operation.subject, operation.month, revision)
    draft.filings.put(
        {
            "party": operation.subject,
            "month": operation.month,
            "revision": revision,
            "replaced_hash": replaced,
            "totals": word_bytes(operation.terms),
            "report_hash": operation.ref,
            "actor": step.actor,
            "digest": step.group.digest,
            "block": step.head.number,
            "filed_at": step.time_s,
        }
    )
    freeze(draft, operation)


def _apply_confirmation(step: Step) -> None:
    apply_confirmation(step.draft, step.operation, step.group, step.head)


def _apply_lift(step: Step) -> None:
    step.draft.lifts.put(
        {
            "party": step.operation.number,
            "month": step.operation.month,
            "lifted_by": step.actor,
            "lifted_at": step.time_s,
            "digest": step.group.digest,
        }
    )


def _apply_anchor(step: Step) -> None:
    step.draft.anchors.append(
        {
            "order": step.order,
            "party": step.operation.subject,
            "log_head": step.operation.who,
            "anchored_at": step.time_s,
            "digest": step.group.digest,
        }
    )


def _apply_revocation(step: Step) -> None:
    step.draft.revocations.append(
        {
            "certificate_hash": step.operation.who,
            "party": step.operation.number,
            "reason": step.operation.terms,
            "revoked_by": step.actor,
            "revoked_at": step.time_s,
            "block": step.head.number,
            "digest": step.group.digest,
        }
    )


_BESIDE: dict[int, Callable[[Step], None]] = {
    Code.GRANT: _apply_grant,
    Code.REVOKE: _apply_grant,
    Code.ALLOT_SEGMENT: _apply_segment,
    Code.FILE: _apply_filing,
    Code.REFILE: _apply_filing,
    Code.CONFIRM_MONTH: _apply_confirmation,
    Code.LIFT_BLOCK: _apply_lift,
    Code.ANCHOR: _apply_anchor,
    Code.REVOKE_CERTIFICATE: _apply_revocation,
}
