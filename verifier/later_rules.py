"""Rules of what follows the first operation of a history, one function a code. `before` has its version raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from verifier.certificates import PERSON
from verifier.errors import CheckError
from verifier.first_rules import RED_REASONS
from verifier.operations import AMOUNT_TERMS_LAYOUT, RED_TERMS_LAYOUT, Code, Operation
from verifier.reasons import Reason
from verifier.rule_state import (
    BOOKED,
    OFFICERS,
    TAXPAYERS,
    InvoiceState,
    Lock,
    Step,
    raised_exception,
    require,
    terms_of,
)
from verifier.words import (
    SLIP_LIFETIME_S,
    Claim,
    Colour,
    DeductionWord,
    Entry,
    ExceptionKind,
    Kind,
    SlipState,
    SlipWord,
    Strength,
    Use,
)

Rule = Callable[[InvoiceState, Step], InvoiceState]
WAITING = frozenset({SlipState.SELLER_OPENED, SlipState.BUYER_OPENED})
WHOLE_REASON = 1  # issued in error: never a part of the invoice
PURPOSE_MASK, NO_DEDUCTION, PURPOSES, NO_DEDUCTION_REASONS = 15, 2, range(1, 4), range(1, 6)
OFFICER_ACKNOWLEDGED, PARTY_ACKNOWLEDGED = 1, 2


def _transferred(state: InvoiceState, step: Step) -> InvoiceState:
    _require_holder(state, step.operation)
    _require_movable(state, step.time_s)
    require(step.operation.party not in {0, state.word.holder}, "transferred to nobody or to its holder")
    return replace(state, word=replace(state.word, holder=step.operation.party, claim=Claim.FREE))


def _locked(state: InvoiceState, step: Step) -> InvoiceState:
    word, operation = state.word, step.operation
    _require_holder(state, operation)
    _require_movable(state, step.time_s)
    require(operation.subject in {step.actor, operation.party}, "locked by a stranger")
    require(operation.party != 0 and word.seller not in {word.holder, operation.party}, "claimed from or by its seller")
    require(word.buyer in {0, operation.party}, "the invoice names another buyer than that employer")
    require(0 < operation.terms < 1 << 128, "claim id")
    lock = Lock(claimant=step.actor, employer=operation.party, time_s=step.time_s, claim_id=operation.terms)
    return replace(state, word=replace(word, claim=Claim.LOCKED, reddened_since=0), lock=lock)


def _unlocked(state: InvoiceState, step: Step) -> InvoiceState:
    lock = _standing_lock(state, step)
    allowed = {lock.claimant, lock.employer} if step.actor == lock.claimant else {lock.employer}
    require(step.operation.subject in allowed, "unlocked by a stranger")
    return replace(state, word=replace(state.word, claim=Claim.FREE))


def _force_unlocked(state: InvoiceState, step: Step) -> InvoiceState:
    _require_officer(step)
    require(state.is_locked_at(step.time_s), "no lock stands")
    return replace(state, word=replace(state.word, claim=Claim.FREE))


def _settled(state: InvoiceState, step: Step) -> InvoiceState:
    lock = _standing_lock(state, step)
    require(step.operation.subject == lock.employer, "settled by another than the employer")
    require(step.kind == PERSON and step.actor != lock.claimant, "settled by the claimant or by no person")
    require(state.word.colour != Colour.FULLY_RED and not state.word.reddened_since, "reddened since it was claimed")
    require(not state.word.risk, "flagged")
    return replace(state, word=replace(state.word, claim=Claim.SETTLED, holder=lock.employer))


def _booked(state: InvoiceState, step: Step) -> InvoiceState:
    word, operation = state.word, step.operation
    _require_holder(state, operation)
    require(word.holder != word.seller, "booked by its seller")
    require(word.colour != Colour.FULLY_RED and word.kind != Kind.RED, "a red invoice, or fully reddened")
    if operation.code == Code.WITHDRAW_BOOKING:
        require(state.is_booked, "no booking to withdraw")
        return replace(state, word=replace(word, entry=Entry.WITHDRAWN))
    require(not state.is_booked, "booked a second time")
    require(operation.option in BOOKED, "label")
    return replace(state, word=replace(word, entry=operation.option))


def _flagged(state: InvoiceState, step: Step) -> InvoiceState:
    _require_officer(step)
    sets = step.operation.code == Code.SET_RISK_FLAG
    require(state.word.risk == (0 if sets else 1), "flagged already, or not at all")
    state = replace(state, word=replace(state.word, risk=1 if sets else 0))
    if not sets:
        return state
    state, is_frozen = _selection_undone(state)
    if is_frozen or state.word.claim == Claim.SETTLED:
        return raised_exception(state, ExceptionKind.FLAGGED_AFTER_USE, _company(state), step.time_s)
    return state


def _slip_opened(state: InvoiceState, step: Step) -> InvoiceState:
    word, operation = state.word, step.operation
    terms = terms_of(AMOUNT_TERMS_LAYOUT, operation)
    require(word.strength == Strength.ISSUED_HERE and word.kind != Kind.RED, "outside, or red itself")
    require(word.colour != Colour.FULLY_RED, "reddened wholly already")
    require(_standing_slip(state, step.time_s) is None, "a slip stands already")
    by_seller = operation.subject == word.seller
    other = _other_sides(state, step.time_s)
    require(bool(other) if by_seller else operation.subject in other, "opened by a stranger, or nobody to agree")
    _require_red_amounts(state, operation.option, terms["gross"], terms["tax"])
    slip = SlipWord(
        state=SlipState.SELLER_OPENED if by_seller else SlipState.BUYER_OPENED,
        reason=operation.option,
        opener=operation.subject,
        gross=terms["gross"],
        tax=terms["tax"],
        time=step.time_s,
    )
    return replace(state, slip=slip, slip_sides=other if by_seller else frozenset({operation.subject}))


def _slip_answered(state: InvoiceState, step: Step) -> InvoiceState:
    slip = _standing_slip(state, step.time_s)
    if slip is None or slip.state not in WAITING:
        raise CheckError(Reason.RULE_BROKEN, "no slip waits")
    by_seller = slip.state == SlipState.BUYER_OPENED
    allowed = {state.word.seller} if by_seller else state.slip_sides
    require(step.operation.subject in allowed, "answered by another than the other side")
    if step.operation.code == Code.CONFIRM_SLIP:
        sides = state.slip_sides if by_seller else frozenset({step.operation.subject})
        require(bool(sides & _other_sides(state, step.time_s)), "the other side is another by now")
        return replace(state, slip=replace(slip, state=SlipState.CONFIRMED), slip_sides=sides)
    refused = SlipState.REFUSED_BY_SELLER if by_seller else SlipState.REFUSED_BY_BUYER
    return replace(state, slip=replace(slip, state=refused))


def _slip_ended(state: InvoiceState, step: Step) -> InvoiceState:
    slip = _standing_slip(state, step.time_s)
    if slip is None:
        raise CheckError(Reason.RULE_BROKEN, "no slip stands")
    if step.operation.code == Code.VOID_SLIP:
        _require_officer(step)
        return replace(state, slip=replace(slip, state=SlipState.VOID))
    require(step.operation.subject == slip.opener, "withdrawn by another than its opener")
    confirmed = slip.state == SlipState.CONFIRMED
    ended = SlipState.WITHDRAWN_AFTER_CONFIRMATION if confirmed else SlipState.WITHDRAWN
    return replace(state, slip=replace(slip, state=ended))


def _reddened(state: InvoiceState, step: Step) -> InvoiceState:
    """The blue's state after a red of it."""
    word, operation = state.word, step.operation
    terms = terms_of(RED_TERMS_LAYOUT, operation)
    require(word.strength == Strength.ISSUED_HERE and word.kind != Kind.RED, "outside, or red itself")
    require(operation.subject == word.seller, "reddened by another than its seller")
    require(word.colour != Colour.FULLY_RED, "reddened wholly already")
    _require_red_amounts(state, operation.option, terms["gross"], terms["tax"])
    state = _slip_used(state, step, terms)
    credited = word.credited + terms["gross"]
    is_full = credited == word.gross
    word = replace(word, credited=credited, colour=Colour.FULLY_RED if is_full else Colour.PARTLY_RED)
    if word.claim == Claim.LOCKED:
        word = replace(word, claim=Claim.CANCELLED) if is_full else replace(word, reddened_since=1)
    if state.deduction is not None:
        left = state.deduction.tax_left - terms["tax"]
        state = replace(state, deduction=replace(state.deduction, tax_left=left))
    state, is_frozen = _selection_undone(replace(state, word=word))
    kinds = ExceptionKind.REDDENED_AFTER_DEDUCTION if is_frozen else 0
    if word.claim == Claim.SETTLED:
        kinds |= ExceptionKind.REDDENED_AFTER_SETTLEMENT
    return raised_exception(state, kinds, _company(state), step.time_s) if kinds else state


def _slip_used(state: InvoiceState, step: Step, terms: Mapping[str, int]) -> InvoiceState:
    word, slip = state.word, _standing_slip(state, step.time_s)
    if slip is None:
        is_free = not state.is_locked_at(step.time_s) and word.claim != Claim.SETTLED
        alone = is_free and not state.is_booked and word.use == Use.NONE
        require(alone, "claimed, booked or selected, and the other side did not agree")
        return state
    require(slip.state == SlipState.CONFIRMED, "a slip waits for an answer")
    agreed = (slip.gross, slip.tax, slip.reason) == (terms["gross"], terms["tax"], step.operation.option)
    require(agreed, "not what the slip says")
    sides = state.slip_sides & _other_sides(state, step.time_s)
    require(bool(sides), "the side that agreed is no longer the other side")
    return replace(state, slip=replace(slip, state=SlipState.USED))


def _selected(state: InvoiceState, step: Step) -> InvoiceState:
    word, operation, deduction = state.word, step.operation, state.deduction
    if deduction is None or word.strength != Strength.ISSUED_HERE or word.kind != Kind.SPECIAL:
        raise CheckError(Reason.RULE_BROKEN, "only a special invoice issued here is deducted")
    require(operation.subject == word.buyer, "selected by another than its buyer")
    require(word.colour != Colour.FULLY_RED and not word.risk and word.use == Use.NONE, "red, flagged or selected")
    purpose, reason = operation.option & PURPOSE_MASK, operation.option >> 4
    require(purpose in PURPOSES, "purpose")
    allowed = reason in NO_DEDUCTION_REASONS and operation.terms == 0 if purpose == NO_DEDUCTION else reason == 0
    require(allowed, "reason of not deducting")
    require(operation.terms <= deduction.tax_left, "more than the tax")
    require(operation.month >= word.month, "a period before the invoice's month")
    chosen = DeductionWord(deduction.tax_left, operation.terms, operation.month, purpose, reason)
    return replace(state, word=replace(word, use=Use.SELECTED), deduction=chosen)


def _unselected(state: InvoiceState, step: Step) -> InvoiceState:
    require(step.operation.subject == state.word.buyer, "unselected by another than its buyer")
    require(state.word.use == Use.SELECTED, "not selected, or frozen")
    return _without_selection(state)


def _acknowledged(state: InvoiceState, step: Step) -> InvoiceState:
    exception = state.exception
    if exception is None:
        raise CheckError(Reason.RULE_BROKEN, "no exception")
    bit = OFFICER_ACKNOWLEDGED
    if step.kind in OFFICERS:
        _require_officer(step)
    else:
        bit = PARTY_ACKNOWLEDGED
        require(step.kind in TAXPAYERS and step.operation.subject == exception.party, "acknowledged by a stranger")
    require(not exception.acknowledged & bit, "acknowledged already")
    return replace(state, exception=replace(exception, acknowledged=exception.acknowledged | bit))


OFFICER_CODES = frozenset({Code.SET_RISK_FLAG, Code.CLEAR_RISK_FLAG, Code.FORCE_UNLOCK, Code.VOID_SLIP})
RULES: Mapping[Code, Rule] = MappingProxyType(
    {
        Code.TRANSFER: _transferred,
        Code.LOCK: _locked,
        Code.UNLOCK: _unlocked,
        Code.SETTLE: _settled,
        Code.BOOK: _booked,
        Code.WITHDRAW_BOOKING: _booked,
        Code.FORCE_UNLOCK: _force_unlocked,
        Code.SET_RISK_FLAG: _flagged,
        Code.CLEAR_RISK_FLAG: _flagged,
        Code.OPEN_SLIP: _slip_opened,
        Code.CONFIRM_SLIP: _slip_answered,
        Code.REFUSE_SLIP: _slip_answered,
        Code.WITHDRAW_SLIP: _slip_ended,
        Code.VOID_SLIP: _slip_ended,
        Code.ISSUE_RED: _reddened,
        Code.SELECT: _selected,
        Code.UNSELECT: _unselected,
        Code.ACKNOWLEDGE_EXCEPTION: _acknowledged,
    }
)


def _standing_lock(state: InvoiceState, step: Step) -> Lock:
    lock = state.lock
    if lock is None or not state.is_locked_at(step.time_s) or lock.claim_id != step.operation.terms:
        raise CheckError(Reason.RULE_BROKEN, "not locked under that claim")
    return lock


def _standing_slip(state: InvoiceState, time_s: int) -> SlipWord | None:
    """The slip that waits within its 72 hours, or is confirmed."""
    slip = state.slip
    if slip is None:
        return None
    waits = slip.state in WAITING and time_s < slip.time + SLIP_LIFETIME_S
    return slip if waits or slip.state == SlipState.CONFIRMED else None


def _other_sides(state: InvoiceState, time_s: int) -> frozenset[int]:
    """Who may be the other side: the contract takes the buyer if it is enrolled, which a history does not show."""
    sides = {state.word.buyer}
    if state.lock is not None and (state.is_locked_at(time_s) or state.word.claim == Claim.SETTLED):
        sides.add(state.lock.employer)
    elif state.is_booked:
        sides.add(state.word.holder)
    return frozenset(sides - {0, state.word.seller})


def _company(state: InvoiceState) -> int:
    """Who is told of an exception: the reimburser, else the buyer."""
    return state.word.holder if state.word.claim == Claim.SETTLED else state.word.buyer


def _selection_undone(state: InvoiceState) -> tuple[InvoiceState, bool]:
    """The state without a selection that was not frozen, and whether one was."""
    if state.word.use != Use.SELECTED:
        return state, state.word.use == Use.CONFIRMED
    return _without_selection(state), False


def _without_selection(state: InvoiceState) -> InvoiceState:
    assert state.deduction is not None, "only a special invoice is selected"
    kept = DeductionWord(tax_left=state.deduction.tax_left)
    return replace(state, word=replace(state.word, use=Use.NONE), deduction=kept)


def _require_red_amounts(state: InvoiceState, reason: int, gross: int, tax: int) -> None:
    word = state.word
    require(gross > 0 and tax < gross and reason in RED_REASONS, "gross, tax, reason of the red")
    require(gross <= word.gross - word.credited, "more than is left of the invoice")
    require(state.deduction is None or tax <= state.deduction.tax_left, "more than is left of the tax")
    require(reason != WHOLE_REASON or gross == word.gross, "issued in error is never a part")


def _require_movable(state: InvoiceState, time_s: int) -> None:
    require(state.word.claim != Claim.SETTLED, "settled already")
    require(not state.is_locked_at(time_s), "locked already")
    require(state.word.kind != Kind.RED, "a red invoice")
    require(state.word.colour != Colour.FULLY_RED and not state.word.risk, "reddened or flagged")
    require(not state.is_booked, "booked already")


def _require_officer(step: Step) -> None:
    require(step.kind in OFFICERS, "by no officer")
    require(step.operation.subject == step.actor, "an officer acts for itself")


def _require_holder(state: InvoiceState, operation: Operation) -> None:
    require(operation.subject == state.word.holder, "not the holder")
