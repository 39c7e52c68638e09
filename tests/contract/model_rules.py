"""The rules of docs/OPERATIONS.md as plain Python: each refuses with the first reason that applies, in this order."""

from __future__ import annotations

from collections.abc import Sequence

from tests.contract.drafts import RESERVED_CODES
from tests.contract.model_words import Words
from tests.contract.wire import as_int
from verifier.hashing import ZERO_HASH
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    LOCK_LIFETIME_S,
    MONTH_GRACE_S,
    NUMBER_SPACE_FIRST,
    NUMBER_SPACE_LAST,
    SEGMENT_BLOCK_SIZE,
    SEGMENT_BLOCKS_MAX,
    Claim,
    Colour,
    Entry,
    Grant,
    PartyKind,
    StateWord,
    Table,
)

ADDRESS_MAX = 2**160 - 1
QUOTA_MAX_FEN = 2**44 - 1
MONTH_MAX = 4095
M64 = 2**64 - 1
BOOKED = (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE)
OFFICE = (PartyKind.OFFICER, PartyKind.CALENDAR)
PARTICIPANT = (PartyKind.ENTERPRISE, PartyKind.PERSON)


class Refusal(Exception):  # noqa: N818 a refusal is an answer
    """An operation breaks a rule."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


def require(holds: bool, reason: Reason) -> None:
    if not holds:
        raise Refusal(reason)


def may(words: Words, enterprise: int, actor: int, bits: int) -> bool:
    """A party may do everything of its own; a person what the enterprise granted it."""
    return enterprise == actor or bool(words[Table.GRANT, enterprise << 32 | actor] & bits)


def changed_party(operation: Operation) -> int:
    if operation.code == Code.ALLOT_SEGMENT:
        return operation.party
    if operation.code in (Code.GRANT, Code.REVOKE, Code.FILE):
        return operation.subject
    return operation.number


def check(words: Words, op: Operation, actor: int, now: int) -> None:
    """Every operation but issue."""
    known = op.code in Code.__members__.values() and op.code not in RESERVED_CODES
    require(known and op.reserved == 0, Reason.UNKNOWN_OPERATION)
    if Code.TRANSFER <= op.code <= Code.WITHDRAW_BOOKING:
        invoice(words, op, actor, now)
    elif op.code in (Code.ENROL, Code.APPOINT_OFFICER):
        made(words, op, actor)
    elif op.code == Code.OPEN_MONTH:
        open_month(words, op, actor)
    elif op.code == Code.RETIRE:
        require(op.subject == actor and words.party(actor).kind == PartyKind.AUTHORITY, Reason.NOT_PERMITTED)
        require(0 < op.terms <= ADDRESS_MAX and op.number == 0, Reason.BAD_TERMS)
    else:
        party = changed_party(op)
        require(party < 2**32 and words[Table.PARTY, party] != 0, Reason.UNKNOWN_PARTY)
        if op.code == Code.FILE:
            filing(words, op, actor, now)
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
        require(actor_kind in (PartyKind.OFFICER, PartyKind.AUTHORITY), Reason.NOT_PERMITTED)
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
        else:
            require(op.terms <= QUOTA_MAX_FEN, Reason.BAD_TERMS)
            require(op.terms != word.quota, Reason.ALREADY_SO)


def segment(words: Words, op: Operation) -> None:
    last = op.number + op.option * SEGMENT_BLOCK_SIZE - 1
    require(op.number % SEGMENT_BLOCK_SIZE == 0 and 1 <= op.option <= SEGMENT_BLOCKS_MAX, Reason.BAD_TERMS)
    require(op.number >= NUMBER_SPACE_FIRST and last <= NUMBER_SPACE_LAST, Reason.BAD_TERMS)
    blocks = range(op.number // SEGMENT_BLOCK_SIZE, last // SEGMENT_BLOCK_SIZE + 1)
    require(all(words[Table.SEGMENT, block] == 0 for block in blocks), Reason.ALREADY_SO)


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


# -- invoices -------------------------------------------------------------------------------------


def issue(words: Words, op: Operation, actor: int, now: int, before: Sequence[Operation]) -> None:
    """A new invoice; `before` are the issues of the same group that passed already."""
    seller = words.party(op.subject)
    totals = words.totals(op.subject, op.month)
    if before:
        same = (before[0].subject, before[0].month) == (op.subject, op.month)
        require(same, Reason.MIXED_GROUP)
    else:
        require(seller.kind == PartyKind.ENTERPRISE, Reason.NOT_PERMITTED)
        require(may(words, op.subject, actor, Grant.ISSUE), Reason.NOT_PERMITTED)
        require(not seller.suspended, Reason.SUSPENDED)
        hours = words[Table.MONTH, op.month]
        opens, closes = hours & M64, hours >> 64
        require(hours != 0 and opens <= now < closes + MONTH_GRACE_S, Reason.MONTH_NOT_OPEN)
        require(op.month > seller.filed_through, Reason.MONTH_FILED)
        require(op.month - 2 <= seller.filed_through, Reason.MONTHS_UNFILED)
    require(op.reserved == 0, Reason.UNKNOWN_OPERATION)
    require(words[Table.SEGMENT, op.number // SEGMENT_BLOCK_SIZE] == op.subject, Reason.NOT_IN_SEGMENT)
    require(words[Table.STATE, op.number] == 0, Reason.NUMBER_TAKEN)
    require(op.version == 0, Reason.STALE_VERSION)
    gross, tax = op.terms & (1 << 48) - 1, op.terms >> 48
    kind, mode = op.option & 3, op.option >> 2
    require(0 <= tax < gross and kind <= 1 and mode <= 2, Reason.BAD_TERMS)
    used = totals.quota_used + sum(other.terms & (1 << 48) - 1 for other in before)
    require(used + gross <= seller.quota, Reason.QUOTA_EXCEEDED)
    if op.who == ZERO_HASH:
        require(mode != 1, Reason.BAD_TERMS)
    else:
        require(words.party_of(op.who)[1] in (0, PartyKind.ENTERPRISE), Reason.UNKNOWN_PARTY)
    require(mode != 2 or words.party(op.party).kind == PartyKind.PERSON, Reason.UNKNOWN_PARTY)


def invoice(words: Words, op: Operation, actor: int, now: int) -> None:
    """An invoice that exists; its version is asked for last, so that a second claim is refused as locked."""
    state = words.state(op.number)
    require(state != StateWord(), Reason.UNKNOWN_INVOICE)
    if op.code in (Code.UNLOCK, Code.SETTLE):
        release(words, op, actor, now, state)
    else:
        require(state.holder == op.subject, Reason.NOT_HOLDER)
        if op.code == Code.TRANSFER:
            require(may(words, state.holder, actor, Grant.ISSUE | Grant.FINANCE), Reason.NOT_PERMITTED)
            movable(words, op.number, now, state)
            require(words.party(op.party).kind in PARTICIPANT, Reason.UNKNOWN_PARTY)
            require(op.party != state.holder, Reason.ALREADY_SO)
        elif op.code == Code.LOCK:
            lock(words, op, actor, now, state)
        else:
            booking(words, op, actor, state)
    require(op.version == state.version, Reason.STALE_VERSION)


def locked(words: Words, number: int, now: int, state: StateWord) -> bool:
    return state.claim == Claim.LOCKED and now < words.claim(number).time + LOCK_LIFETIME_S


def movable(words: Words, number: int, now: int, state: StateWord) -> None:
    require(not locked(words, number, now, state), Reason.LOCKED)
    require(state.claim != Claim.SETTLED, Reason.SETTLED)
    require(state.colour != Colour.FULLY_RED, Reason.REDDENED)
    require(not state.risk, Reason.FLAGGED)
    require(state.entry not in BOOKED, Reason.ALREADY_SO)


def lock(words: Words, op: Operation, actor: int, now: int, state: StateWord) -> None:
    require(words.party(op.party).kind == PartyKind.ENTERPRISE, Reason.UNKNOWN_PARTY)
    require(state.holder in (actor, op.party), Reason.NOT_PERMITTED)
    require(may(words, op.party, actor, Grant.CLAIM), Reason.NOT_PERMITTED)
    movable(words, op.number, now, state)
    require(state.seller not in (state.holder, op.party), Reason.OWN_INVOICE)
    require(state.buyer in (0, op.party), Reason.WRONG_BUYER)
    require(0 < op.terms < 2**128, Reason.BAD_TERMS)


def release(words: Words, op: Operation, actor: int, now: int, state: StateWord) -> None:
    claim = words.claim(op.number)
    require(state.claim != Claim.SETTLED, Reason.SETTLED)
    require(locked(words, op.number, now, state) and op.terms == claim.claim_id, Reason.NOT_LOCKED)
    finance = op.subject == claim.employer and may(words, claim.employer, actor, Grant.FINANCE)
    if op.code == Code.UNLOCK:
        own = actor == claim.claimant and op.subject in (actor, claim.employer)
        require(own or (finance and actor != claim.claimant), Reason.NOT_PERMITTED)
    else:
        require(finance and words.party(actor).kind == PartyKind.PERSON, Reason.NOT_PERMITTED)
        require(actor != claim.claimant, Reason.OWN_CLAIM)
        require(state.colour == Colour.NORMAL, Reason.REDDENED)
        require(not state.risk, Reason.FLAGGED)


def booking(words: Words, op: Operation, actor: int, state: StateWord) -> None:
    finance = may(words, state.holder, actor, Grant.FINANCE)
    require(finance and words.party(state.holder).kind == PartyKind.ENTERPRISE, Reason.NOT_PERMITTED)
    require(state.holder != state.seller, Reason.OWN_INVOICE)
    require(state.colour != Colour.FULLY_RED, Reason.REDDENED)
    if op.code == Code.WITHDRAW_BOOKING:
        require(state.entry in BOOKED, Reason.NOT_BOOKED)
    else:
        require(state.entry not in BOOKED, Reason.ALREADY_SO)
        require(op.option in BOOKED, Reason.BAD_TERMS)
