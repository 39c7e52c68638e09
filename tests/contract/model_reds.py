"""Red slips and red invoices in the model: "Red letters" of docs/OPERATIONS.md and its rows of the order."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.model_deduction import unselected
from tests.contract.model_exceptions import raised
from tests.contract.model_refusal import by_officer, may, require
from tests.contract.model_words import BOOKED, Words
from tests.contract.wire import Event
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    SEGMENT_BLOCK_SIZE,
    SLIP_LIFETIME_S,
    Claim,
    Colour,
    ExceptionKind,
    Grant,
    Kind,
    SlipState,
    SlipWord,
    StateWord,
    Strength,
    Table,
    Use,
)

M48 = 2**48 - 1
SUM_LIMIT_FEN = 2**44  # a month's sums are below it
WAITING = (SlipState.SELLER_OPENED, SlipState.BUYER_OPENED)
ISSUED_IN_ERROR = 1
RED_REASONS = range(1, 5)


def other_side(words: Words, number: int, now: int) -> int:
    """Who agrees to a red beside the seller: buyer, else who claimed it, else who booked it; 0 for nobody."""
    state = words.state(number)
    if state.buyer not in (0, state.seller) and words.party(state.buyer).signer:
        return state.buyer
    if state.claim == Claim.SETTLED or words.is_locked(number, now):
        return words.claim(number).employer
    return state.holder if state.entry in BOOKED else 0


def is_lapsed(slip: SlipWord, now: int) -> bool:
    return slip.state in WAITING and now >= slip.time + SLIP_LIFETIME_S


def stands(slip: SlipWord, now: int) -> bool:
    return slip.state in (*WAITING, SlipState.CONFIRMED) and not is_lapsed(slip, now)


# -- slips ----------------------------------------------------------------------------------------


def check_slip(words: Words, op: Operation, actor: int, now: int, state: StateWord) -> None:
    """Confirm, refuse, withdraw and void; the invoice exists and its version is asked for by the caller."""
    slip = words.slip(op.number)
    by_seller = op.subject == state.seller and may(words, state.seller, actor, Grant.ISSUE)
    if op.code == Code.VOID_SLIP:
        require(by_officer(words, op, actor), Reason.NOT_PERMITTED)
        require(stands(slip, now), Reason.NO_SLIP)
        return
    by_other = slip.other != 0 and op.subject == slip.other and may(words, slip.other, actor, Grant.FINANCE)
    if op.code == Code.WITHDRAW_SLIP:
        require(slip.state in (*WAITING, SlipState.CONFIRMED), Reason.NO_SLIP)
        require(by_seller if slip.opener == state.seller else by_other, Reason.NOT_PERMITTED)
    else:
        require(slip.state in WAITING, Reason.NO_SLIP)
        require(by_other if slip.state == SlipState.SELLER_OPENED else by_seller, Reason.NOT_PERMITTED)
        still = slip.other == other_side(words, op.number, now)
        require(op.code == Code.REFUSE_SLIP or still, Reason.NOT_PERMITTED)
    require(not is_lapsed(slip, now), Reason.SLIP_LAPSED)


def check_open(words: Words, op: Operation, actor: int, now: int, state: StateWord) -> None:
    other = other_side(words, op.number, now)
    by_seller = op.subject == state.seller and may(words, state.seller, actor, Grant.ISSUE)
    by_other = other != 0 and op.subject == other and may(words, other, actor, Grant.FINANCE)
    gross, tax = op.terms & M48, op.terms >> 48
    require(state.strength == Strength.ISSUED_HERE, Reason.OUTSIDE)
    require(state.kind != Kind.RED, Reason.IS_RED)
    require(by_seller or by_other, Reason.NOT_PERMITTED)
    require(state.colour != Colour.FULLY_RED, Reason.REDDENED)
    require(not stands(words.slip(op.number), now), Reason.SLIP_OPEN)
    require(other != 0, Reason.UNKNOWN_PARTY)
    require(tax < gross and op.option in RED_REASONS, Reason.BAD_TERMS)
    require(op.option != ISSUED_IN_ERROR or gross == state.gross, Reason.BAD_TERMS)
    check_left(words, op.number, gross, tax)


def check_left(words: Words, number: int, gross: int, tax: int) -> None:
    state = words.state(number)
    require(gross <= state.gross - state.credited, Reason.EXCEEDS)
    require(state.kind != Kind.SPECIAL or tax <= words.deduction(number).tax_left, Reason.EXCEEDS)


def write_slip(words: Words, op: Operation, actor: int, now: int) -> None:
    slip, seller = words.slip(op.number), words.state(op.number).seller
    if op.code == Code.OPEN_SLIP:
        slip = SlipWord(
            state=SlipState.BUYER_OPENED
            if op.subject != seller or not may(words, seller, actor, Grant.ISSUE)
            else SlipState.SELLER_OPENED,
            reason=op.option,
            opener=op.subject,
            other=other_side(words, op.number, now),
            gross=op.terms & M48,
            tax=op.terms >> 48,
            time=now,
        )
    elif op.code == Code.CONFIRM_SLIP:
        slip = replace(slip, state=SlipState.CONFIRMED)
    elif op.code == Code.REFUSE_SLIP:
        by_buyer = slip.state == SlipState.SELLER_OPENED
        slip = replace(slip, state=SlipState.REFUSED_BY_BUYER if by_buyer else SlipState.REFUSED_BY_SELLER)
    elif op.code == Code.WITHDRAW_SLIP:
        agreed = slip.state == SlipState.CONFIRMED
        slip = replace(slip, state=SlipState.WITHDRAWN_AFTER_CONFIRMATION if agreed else SlipState.WITHDRAWN)
    else:
        slip = replace(slip, state=SlipState.VOID)
    words[Table.SLIP, op.number] = slip.pack()


# -- red invoices ---------------------------------------------------------------------------------


def check_red(words: Words, op: Operation, now: int) -> None:
    """A red invoice, after the rules of its seller and month."""
    gross, tax, blue = op.terms & M48, op.terms >> 48 & M48, op.terms >> 96 & (1 << 80) - 1
    require(op.reserved == 0, Reason.UNKNOWN_OPERATION)
    require(words[Table.SEGMENT, op.number // SEGMENT_BLOCK_SIZE] == op.subject, Reason.NOT_IN_SEGMENT)
    require(words[Table.STATE, op.number] == 0, Reason.NUMBER_TAKEN)
    require(op.version == 0, Reason.STALE_VERSION)
    require(tax < gross and op.option in RED_REASONS and op.terms < 1 << 200, Reason.BAD_TERMS)
    require(words[Table.STATE, blue] != 0, Reason.UNKNOWN_INVOICE)
    state = words.state(blue)
    require(state.strength == Strength.ISSUED_HERE, Reason.OUTSIDE)
    require(state.kind != Kind.RED, Reason.IS_RED)
    require(state.seller == op.subject, Reason.NOT_PERMITTED)
    require(state.colour != Colour.FULLY_RED, Reason.REDDENED)
    slip = words.slip(blue)
    if slip.state == SlipState.CONFIRMED:
        same = (slip.gross, slip.tax, slip.reason) == (gross, tax, op.option)
        require(same and slip.other == other_side(words, blue, now), Reason.SLIP_NEEDED)
    else:
        require(not stands(slip, now), Reason.SLIP_OPEN)
        claimed = state.claim == Claim.SETTLED or words.is_locked(blue, now)
        used = state.entry in BOOKED or state.use != Use.NONE
        require(not claimed and not used, Reason.SLIP_NEEDED)
    check_left(words, blue, gross, tax)
    require(words.totals(op.subject, op.month).red_gross + gross < SUM_LIMIT_FEN, Reason.EXCEEDS)
    require(op.option != ISSUED_IN_ERROR or gross == state.gross, Reason.BAD_TERMS)
    require(op.terms >> 176 & (1 << 24) - 1 == state.version, Reason.STALE_VERSION)


def write_red(words: Words, op: Operation, now: int, digest: bytes) -> tuple[StateWord, StateWord, list[Event]]:
    """(the red's state, the blue's state, events between them); the words beside them are written."""
    gross, tax, blue = op.terms & M48, op.terms >> 48 & M48, op.terms >> 96 & (1 << 80) - 1
    state = words.state(blue)
    totals = words.totals(op.subject, op.month)
    words[Table.TOTALS, op.subject << 12 | op.month] = replace(
        totals,
        red_gross=totals.red_gross + gross,
        red_tax=totals.red_tax + tax,
        quota_used=totals.quota_used - (gross if op.month == state.month else 0),
        count=totals.count + 1,
    ).pack()
    red = StateWord(
        colour=Colour.NORMAL,
        kind=Kind.RED,
        seller=op.subject,
        buyer=state.buyer,
        holder=op.subject,
        gross=gross,
        month=op.month,
        version=1,
    )
    slip = words.slip(blue)
    if slip.state == SlipState.CONFIRMED:
        words[Table.SLIP, blue] = replace(slip, state=SlipState.USED).pack()
    after, events = reddened(words, blue, gross, now, digest)
    if state.kind == Kind.SPECIAL:
        deduction = words.deduction(blue)
        words[Table.DEDUCTION, blue] = replace(deduction, tax_left=deduction.tax_left - tax).pack()
    return red, after, events


def reddened(words: Words, blue: int, gross: int, now: int, digest: bytes) -> tuple[StateWord, list[Event]]:
    """The blue's state less that gross, and the exception it raises."""
    state = words.current(blue)
    credited = state.credited + gross
    full = credited == state.gross
    after = replace(
        state,
        colour=Colour.FULLY_RED if full else Colour.PARTLY_RED,
        credited=credited,
        version=state.version + 1,
    )
    if state.claim == Claim.LOCKED:
        after = replace(after, claim=Claim.CANCELLED) if full else replace(after, reddened_since=1)
    kinds, told = 0, 0
    if state.use == Use.SELECTED:
        after = unselected(words, blue, after)
    elif state.use == Use.CONFIRMED:
        kinds, told = ExceptionKind.REDDENED_AFTER_DEDUCTION, state.buyer
    if state.claim == Claim.SETTLED:
        kinds, told = kinds | ExceptionKind.REDDENED_AFTER_SETTLEMENT, words.claim(blue).employer
    return after, raised(words, blue, told, kinds, now, digest) if kinds else []
