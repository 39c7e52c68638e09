"""What operations on parties, months and the contract itself change."""

from __future__ import annotations

from ledger.domain.blocks import BlockHead, ChainEvent, MonthOpened, PartyNamed, PartyWritten, Retired, SequencedGroup
from ledger.projection.columns import number_text, seconds, word_bytes
from ledger.projection.draft import Changes, Draft
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


def apply_register(
    draft: Draft, operation: Operation, event: ChainEvent, group: SequencedGroup, head: BlockHead
) -> None:
    """An applied operation on a party, a month or the contract."""
    if isinstance(event, MonthOpened):
        draft.months.append(
            {
                "month": event.month,
                "opens_at": seconds(event.opens_at),
                "closes_at": seconds(event.closes_at),
                "digest": group.digest,
            }
        )
    elif isinstance(event, Retired):
        draft.contracts.append({"successor": event.successor, "block": head.number})
    elif isinstance(event, PartyWritten):
        _apply_party(draft, operation, event, head.time_s)
        if operation.code in (Code.GRANT, Code.REVOKE):
            _apply_grant(draft, operation)
        elif operation.code == Code.ALLOT_SEGMENT:
            _apply_segment(draft, operation, head.time_s)
        elif operation.code == Code.FILE:
            _apply_filing(draft, operation, group, head)


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


def _apply_grant(draft: Draft, operation: Operation) -> None:
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


def _apply_segment(draft: Draft, operation: Operation, time_s: int) -> None:
    last = operation.number + operation.option * SEGMENT_BLOCK_SIZE - 1
    draft.segments.append(
        {
            "first_number": number_text(operation.number),
            "last_number": number_text(last),
            "party": operation.party,
            "allotted_at": time_s,
        }
    )


def _apply_filing(draft: Draft, operation: Operation, group: SequencedGroup, head: BlockHead) -> None:
    draft.filings.append(
        {
            "party": operation.subject,
            "month": operation.month,
            "totals": word_bytes(operation.terms),
            "report_hash": operation.ref,
            "actor": group.signed.group.actor,
            "digest": group.digest,
            "block": head.number,
            "filed_at": head.time_s,
        }
    )
