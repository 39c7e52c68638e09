"""The rules of invoices in the model, issue to booking: docs/OPERATIONS.md, "Order of the checks"."""

from __future__ import annotations

from collections.abc import Sequence

from tests.contract import model_deduction as deduction
from tests.contract import model_exceptions as exceptions
from tests.contract import model_outside as outside
from tests.contract import model_reds as reds
from tests.contract.model_refusal import may, require
from tests.contract.model_words import BOOKED, Words
from verifier.hashing import ZERO_HASH
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    MONTH_GRACE_S,
    SEGMENT_BLOCK_SIZE,
    Claim,
    Colour,
    Grant,
    Kind,
    PartyKind,
    StateWord,
    Table,
)

M64 = 2**64 - 1
SUM_MAX_FEN = 2**44 - 1
PARTICIPANT = (PartyKind.ENTERPRISE, PartyKind.PERSON)
SLIP_ANSWERS = (Code.CONFIRM_SLIP, Code.REFUSE_SLIP, Code.WITHDRAW_SLIP, Code.VOID_SLIP)


def seller_month(words: Words, op: Operation, actor: int, now: int) -> None:
    """Whether the seller may issue, blue or red, in that month."""
    seller = words.party(op.subject)
    require(seller.kind == PartyKind.ENTERPRISE, Reason.NOT_PERMITTED)
    require(may(words, op.subject, actor, Grant.ISSUE), Reason.NOT_PERMITTED)
    require(not seller.suspended, Reason.SUSPENDED)
    hours = words[Table.MONTH, op.month]
    opens, closes = hours & M64, hours >> 64
    require(hours != 0 and opens <= now < closes + MONTH_GRACE_S, Reason.MONTH_NOT_OPEN)
    require(op.month > seller.filed_through, Reason.MONTH_FILED)
    lifted = words[Table.LIFT, op.subject << 12 | op.month] != 0
    require(lifted or op.month - 2 <= seller.filed_through, Reason.MONTHS_UNFILED)


def issue(words: Words, op: Operation, actor: int, now: int, before: Sequence[Operation]) -> None:
    """A new invoice; `before` are the issues of the same group that passed already."""
    seller = words.party(op.subject)
    totals = words.totals(op.subject, op.month)
    if before:
        same = (before[0].subject, before[0].month) == (op.subject, op.month)
        require(same, Reason.MIXED_GROUP)
    else:
        seller_month(words, op, actor, now)
    require(op.reserved == 0, Reason.UNKNOWN_OPERATION)
    require(words[Table.SEGMENT, op.number // SEGMENT_BLOCK_SIZE] == op.subject, Reason.NOT_IN_SEGMENT)
    require(words[Table.STATE, op.number] == 0, Reason.NUMBER_TAKEN)
    require(op.version == 0, Reason.STALE_VERSION)
    gross, tax = op.terms & (1 << 48) - 1, op.terms >> 48
    kind, mode = op.option & 3, op.option >> 2
    require(0 <= tax < gross and kind <= 1 and mode <= 2, Reason.BAD_TERMS)
    wanted = gross + sum(other.terms & (1 << 48) - 1 for other in before)
    room = min(seller.quota - totals.quota_used, SUM_MAX_FEN - totals.blue_gross)
    require(wanted <= room, Reason.QUOTA_EXCEEDED)
    if op.who == ZERO_HASH:
        require(mode != 1, Reason.BAD_TERMS)
    else:
        require(words.party_of(op.who)[1] in (0, PartyKind.ENTERPRISE), Reason.UNKNOWN_PARTY)
    require(mode != 2 or words.party(op.party).kind == PartyKind.PERSON, Reason.UNKNOWN_PARTY)


def invoice(words: Words, op: Operation, actor: int, now: int) -> None:
    """An invoice that exists; its version is asked for last, so that a second claim is refused as locked."""
    if op.code == Code.REGISTER_OUTSIDE:
        outside.check_registration(words, op, actor, now)
        return
    state = words.state(op.number)
    require(state != StateWord(), Reason.UNKNOWN_INVOICE)
    if op.code in (Code.SET_RISK_FLAG, Code.CLEAR_RISK_FLAG, Code.FORCE_UNLOCK):
        exceptions.check_supervision(words, op, actor, now, state)
    elif op.code == Code.ACKNOWLEDGE_EXCEPTION:
        exceptions.check_acknowledgement(words, op, actor)
    elif op.code == Code.OPEN_SLIP:
        reds.check_open(words, op, actor, now, state)
    elif op.code in SLIP_ANSWERS:
        reds.check_slip(words, op, actor, now, state)
    elif op.code in (Code.SELECT, Code.UNSELECT):
        deduction.check_selection(words, op, actor, now, state)
    elif op.code in (Code.UNLOCK, Code.SETTLE):
        release(words, op, actor, now, state)
    else:
        by_the_holder(words, op, actor, now, state)
    require(op.version == state.version, Reason.STALE_VERSION)


def by_the_holder(words: Words, op: Operation, actor: int, now: int, state: StateWord) -> None:
    """Transfer, lock, book and withdraw booking."""
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


def movable(words: Words, number: int, now: int, state: StateWord) -> None:
    require(not words.is_locked(number, now), Reason.LOCKED)
    require(state.claim != Claim.SETTLED, Reason.SETTLED)
    require(state.colour != Colour.FULLY_RED, Reason.REDDENED)
    require(state.kind != Kind.RED, Reason.IS_RED)
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
    require(state.colour != Colour.FULLY_RED, Reason.REDDENED)
    require(words.is_locked(op.number, now) and op.terms == claim.claim_id, Reason.NOT_LOCKED)
    finance = op.subject == claim.employer and may(words, claim.employer, actor, Grant.FINANCE)
    if op.code == Code.UNLOCK:
        own = actor == claim.claimant and op.subject in (actor, claim.employer)
        require(own or (finance and actor != claim.claimant), Reason.NOT_PERMITTED)
    else:
        require(finance and words.party(actor).kind == PartyKind.PERSON, Reason.NOT_PERMITTED)
        require(actor != claim.claimant, Reason.OWN_CLAIM)
        require(not state.reddened_since, Reason.REDDENED)
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
