"""The rules of docs/OPERATIONS.md as plain Python: each refuses with the first reason that applies, in this order."""

from __future__ import annotations

from tests.contract import model_deduction as deduction
from tests.contract import model_invoices as invoices
from tests.contract import model_reds as reds
from tests.contract.model_refusal import OFFICERS, Refusal, by_officer, may, require
from tests.contract.model_words import Words
from tests.contract.wire import as_int
from verifier.hashing import ZERO_HASH
from verifier.operations import ALONE, INVOICE_CODES, Code, Operation, Reason
from verifier.words import (
    NUMBER_SPACE_FIRST,
    NUMBER_SPACE_LAST,
    SEGMENT_BLOCK_SIZE,
    SEGMENT_BLOCKS_MAX,
    WRITTEN,
    Grant,
    PartyKind,
    Table,
    hash_key,
)

__all__ = ["Refusal", "changed_party", "check", "require"]

ADDRESS_MAX = 2**160 - 1
QUOTA_MAX_FEN = 2**44 - 1
MONTH_MAX = 4095
M64 = 2**64 - 1
CERTIFICATE_REASON_MAX = 10  # RFC 5280
OFFICE = (PartyKind.OFFICER, PartyKind.CALENDAR)
PARTICIPANT = (PartyKind.ENTERPRISE, PartyKind.PERSON)


def changed_party(operation: Operation) -> int:
    if operation.code == Code.ALLOT_SEGMENT:
        return operation.party
    if operation.code in (Code.GRANT, Code.REVOKE, Code.FILE, Code.REFILE, Code.CONFIRM_MONTH):
        return operation.subject
    return operation.number


def check(words: Words, op: Operation, actor: int, now: int, alone: bool) -> None:
    """Every operation but issue; `alone` is whether it is its whole group."""
    require(op.code in Code.__members__.values(), Reason.UNKNOWN_OPERATION)
    require(alone or op.code not in ALONE, Reason.MIXED_GROUP)
    if op.code == Code.ISSUE_RED:
        invoices.seller_month(words, op, actor, now)
        reds.check_red(words, op, now)
        return
    require(op.reserved == 0, Reason.UNKNOWN_OPERATION)
    if op.code in INVOICE_CODES:
        invoices.invoice(words, op, actor, now)
    elif op.code in (Code.ENROL, Code.APPOINT_OFFICER):
        made(words, op, actor)
    elif op.code == Code.OPEN_MONTH:
        open_month(words, op, actor)
    elif op.code == Code.RETIRE:
        require(op.subject == actor and words.party(actor).kind == PartyKind.AUTHORITY, Reason.NOT_PERMITTED)
        require(0 < op.terms <= ADDRESS_MAX and op.number == 0, Reason.BAD_TERMS)
    else:
        on_party(words, op, actor, now)


def on_party(words: Words, op: Operation, actor: int, now: int) -> None:
    """What changes one party; its version is asked for last."""
    party = changed_party(op)
    require(party < 2**32 and words[Table.PARTY, party] != 0, Reason.UNKNOWN_PARTY)
    if op.code == Code.FILE:
        filing(words, op, actor, now)
    elif op.code == Code.REFILE:
        refiling(words, op, actor)
    elif op.code == Code.CONFIRM_MONTH:
        deduction.check_month(words, op, actor, now)
    elif op.code == Code.ANCHOR:
        require(by_officer(words, op, actor) and op.number == actor, Reason.NOT_PERMITTED)
        require(op.who != ZERO_HASH, Reason.BAD_TERMS)
    elif op.code == Code.REVOKE_CERTIFICATE:
        revocation(words, op, actor)
    elif op.code in (Code.ROTATE_KEY, Code.GRANT, Code.REVOKE):
        require(party == actor == op.subject, Reason.NOT_PERMITTED)
        by_the_party(words, op)
    else:
        require(op.subject == actor, Reason.NOT_PERMITTED)
        by_an_officer(words, op, actor, party)
    require(words.party(party).version == op.version, Reason.STALE_VERSION)


# -- parties --------------------------------------------------------------------------------------


def made(words: Words, op: Operation, actor: int) -> None:
    enrols = op.code == Code.ENROL
    actor_kind = words.party(actor).kind
    require(op.subject == actor, Reason.NOT_PERMITTED)
    identified = op.who != ZERO_HASH and op.number == as_int(op.who) >> 176
    require(identified and op.terms & ADDRESS_MAX != 0, Reason.BAD_TERMS)
    party, kind = words.party_of(op.who)
    before = words.party(party) if party else None
    if before:
        require(kind == op.option, Reason.UNKNOWN_PARTY)
        require(before.signer == 0 if enrols else before.suspended == 1, Reason.ALREADY_SO)
    if enrols:
        require(actor_kind in OFFICERS, Reason.NOT_PERMITTED)
        require(op.option in PARTICIPANT and op.terms >> 160 <= QUOTA_MAX_FEN, Reason.BAD_TERMS)
        require(op.option == PartyKind.PERSON or op.month > 0, Reason.BAD_TERMS)
    else:
        require(actor_kind == PartyKind.AUTHORITY, Reason.NOT_PERMITTED)
        require(op.option in OFFICE and op.terms <= ADDRESS_MAX, Reason.BAD_TERMS)
    require(op.version == (before.version if before else 0), Reason.STALE_VERSION)


def by_the_party(words: Words, op: Operation) -> None:
    if op.code == Code.ROTATE_KEY:
        require(0 < op.terms <= ADDRESS_MAX, Reason.BAD_TERMS)
        return
    require(words.party(op.subject).kind == PartyKind.ENTERPRISE, Reason.NOT_PERMITTED)
    require(1 <= op.option <= 7 and op.number == op.party, Reason.BAD_TERMS)
    require(words.party(op.party).kind == PartyKind.PERSON, Reason.UNKNOWN_PARTY)
    had = words[Table.GRANT, op.subject << 32 | op.party] & 7
    changes = op.option & ~had if op.code == Code.GRANT else op.option & had
    require(changes != 0, Reason.ALREADY_SO)


def by_an_officer(words: Words, op: Operation, actor: int, party: int) -> None:
    actor_kind, word = words.party(actor).kind, words.party(party)
    authority_only = op.code in (Code.DISMISS_OFFICER, Code.RECOVER_KEY)
    officer = actor_kind == PartyKind.OFFICER and not authority_only
    require(officer or actor_kind == PartyKind.AUTHORITY, Reason.NOT_PERMITTED)
    require(word.signer != 0, Reason.UNKNOWN_PARTY)
    if op.code == Code.RECOVER_KEY:
        require(0 < op.terms <= ADDRESS_MAX, Reason.BAD_TERMS)
    elif op.code == Code.DISMISS_OFFICER:
        require(word.kind in OFFICE, Reason.UNKNOWN_PARTY)
        require(not word.suspended, Reason.ALREADY_SO)
    elif op.code in (Code.SUSPEND, Code.REINSTATE):
        require(word.kind in PARTICIPANT, Reason.UNKNOWN_PARTY)
        require(bool(word.suspended) == (op.code == Code.REINSTATE), Reason.ALREADY_SO)
    else:
        require(word.kind == PartyKind.ENTERPRISE, Reason.UNKNOWN_PARTY)
        if op.code == Code.ALLOT_SEGMENT:
            segment(words, op)
        elif op.code == Code.LIFT_BLOCK:
            require(words[Table.LIFT, party << 12 | op.month] == 0, Reason.ALREADY_SO)
        else:
            require(op.terms <= QUOTA_MAX_FEN, Reason.BAD_TERMS)
            require(op.terms != word.quota, Reason.ALREADY_SO)


def segment(words: Words, op: Operation) -> None:
    last = op.number + op.option * SEGMENT_BLOCK_SIZE - 1
    require(op.number % SEGMENT_BLOCK_SIZE == 0 and 1 <= op.option <= SEGMENT_BLOCKS_MAX, Reason.BAD_TERMS)
    require(op.number >= NUMBER_SPACE_FIRST and last <= NUMBER_SPACE_LAST, Reason.BAD_TERMS)
    blocks = range(op.number // SEGMENT_BLOCK_SIZE, last // SEGMENT_BLOCK_SIZE + 1)
    require(all(words[Table.SEGMENT, block] == 0 for block in blocks), Reason.ALREADY_SO)


def revocation(words: Words, op: Operation, actor: int) -> None:
    of_office = words.party(op.number).kind not in PARTICIPANT
    by_authority = words.party(actor).kind == PartyKind.AUTHORITY
    require(by_officer(words, op, actor) and (by_authority or not of_office), Reason.NOT_PERMITTED)
    require(op.terms <= CERTIFICATE_REASON_MAX and op.who != ZERO_HASH, Reason.BAD_TERMS)
    require(words[Table.REVOKED, hash_key(op.who)] in (0, WRITTEN), Reason.ALREADY_SO)


# -- months ---------------------------------------------------------------------------------------


def open_month(words: Words, op: Operation, actor: int) -> None:
    kind = words.party(actor).kind
    allowed = kind in (PartyKind.CALENDAR, PartyKind.AUTHORITY)
    require(op.subject == actor and allowed, Reason.NOT_PERMITTED)
    require(1 <= op.number <= MONTH_MAX and op.month == op.number, Reason.BAD_TERMS)
    require(op.terms < 2**128 and op.terms & M64 < op.terms >> 64, Reason.BAD_TERMS)
    require(words[Table.MONTH, op.number] == 0, Reason.ALREADY_SO)


def filing(words: Words, op: Operation, actor: int, now: int) -> None:
    word = words.party(op.subject)
    require(may(words, op.subject, actor, Grant.FINANCE), Reason.NOT_PERMITTED)
    require(word.kind == PartyKind.ENTERPRISE and op.number == op.month, Reason.BAD_TERMS)
    require(op.month > word.filed_through, Reason.MONTH_FILED)
    require(op.month == word.filed_through + 1, Reason.MONTH_NOT_NEXT)
    hours = words[Table.MONTH, op.month]
    require(hours != 0 and now >= hours & M64, Reason.MONTH_NOT_OPEN)
    require(op.terms == words[Table.TOTALS, op.subject << 12 | op.month], Reason.TOTALS_DIFFER)


def refiling(words: Words, op: Operation, actor: int) -> None:
    key = op.subject << 12 | op.month
    word = words.party(op.subject)
    require(may(words, op.subject, actor, Grant.FINANCE), Reason.NOT_PERMITTED)
    require(word.kind == PartyKind.ENTERPRISE and op.number == op.month, Reason.BAD_TERMS)
    require(words[Table.FILING, key] != 0, Reason.MONTH_NOT_FILED)
    require(as_int(op.who) == words[Table.FILING, key], Reason.REPORT_DIFFERS)
    require(op.terms == words[Table.TOTALS, key], Reason.TOTALS_DIFFER)
