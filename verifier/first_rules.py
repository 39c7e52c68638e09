"""Rules of what begins a history: issue, issue red, and registering an invoice of elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from verifier.hashing import ZERO_HASH
from verifier.operations import OUTSIDE_TERMS_LAYOUT, RED_TERMS_LAYOUT, Operation
from verifier.rule_state import InvoiceState, Lock, Step, raised_exception, require, terms_of
from verifier.words import (
    NUMBER_SPACE_FIRST,
    NUMBER_SPACE_LAST,
    Claim,
    Colour,
    DeductionWord,
    ExceptionKind,
    Kind,
    StateWord,
    Strength,
)

GROSS_BITS = 48
KIND_MASK, HOLDER_SHIFT = 3, 2
HOLDER_SELLER, HOLDER_BUYER, HOLDER_PERSON = 0, 1, 2
STRENGTH_MASK, OUTSIDE_KIND_SHIFT = 7, 3
RED_REASONS = range(1, 5)


def issued(operation: Operation, parties: Mapping[bytes, int]) -> InvoiceState:
    """State of a new blue invoice."""
    _require_ours(operation.number)
    gross, tax = operation.terms & ((1 << GROSS_BITS) - 1), operation.terms >> GROSS_BITS
    require(gross > 0 and tax < gross, "gross and tax")
    kind, first_holder = operation.option & KIND_MASK, operation.option >> HOLDER_SHIFT
    require(kind <= Kind.SPECIAL, "kind")
    buyer = _buyer(operation, parties)
    holders = {HOLDER_SELLER: operation.subject, HOLDER_BUYER: buyer, HOLDER_PERSON: operation.party}
    holder = holders.get(first_holder, 0)
    require(holder != 0, "first holder")
    word = StateWord(
        colour=Colour.NORMAL,
        kind=kind,
        seller=operation.subject,
        buyer=buyer,
        holder=holder,
        gross=gross,
        month=operation.month,
        version=1,
    )
    return InvoiceState(word, deduction=DeductionWord(tax_left=tax) if kind == Kind.SPECIAL else None)


def red(step: Step) -> InvoiceState:
    """A red's own first state; the buyer is its blue's, which only the blue's own history shows."""
    operation = step.operation
    _require_ours(operation.number)
    terms = terms_of(RED_TERMS_LAYOUT, operation)
    require(terms["gross"] > 0 and terms["tax"] < terms["gross"], "gross and tax")
    require(operation.option in RED_REASONS, "reason of the red")
    _require_ours(terms["blue"])
    require(terms["blue"] != operation.number, "a red of itself")
    word = StateWord(
        colour=Colour.NORMAL,
        kind=Kind.RED,
        seller=operation.subject,
        buyer=step.recorded.buyer,
        holder=operation.subject,
        gross=terms["gross"],
        month=operation.month,
        version=1,
    )
    return InvoiceState(word)


def registered(before: InvoiceState | None, step: Step, parties: Mapping[bytes, int]) -> InvoiceState:
    """State after registering an outside invoice, new or known; `before` has its version raised already."""
    operation = step.operation
    terms = terms_of(OUTSIDE_TERMS_LAYOUT, operation)
    strength, kind = operation.option & STRENGTH_MASK, operation.option >> OUTSIDE_KIND_SHIFT
    require(0 < operation.number < NUMBER_SPACE_FIRST, "the number is this ledger's own")
    require(Strength.SIGNED_ORIGINAL <= strength <= Strength.TYPED and kind <= Kind.SPECIAL, "strength and kind")
    require(terms["gross"] > 0 and terms["tax"] < terms["gross"] and terms["claim_id"] > 0, "gross, tax, claim id")
    require(operation.party != 0 and operation.subject in {step.actor, operation.party}, "registered by a stranger")
    buyer = _buyer(operation, parties)
    require(buyer in {0, operation.party}, "the invoice names another buyer than that employer")
    lock = Lock(claimant=step.actor, employer=operation.party, time_s=step.time_s, claim_id=terms["claim_id"])
    word = StateWord(
        colour=Colour.NORMAL,
        claim=Claim.LOCKED,
        kind=kind,
        strength=strength,
        buyer=buyer,
        holder=operation.subject,
        gross=terms["gross"],
        month=operation.month,
        version=before.word.version if before else 1,
    )
    if before is None:
        return InvoiceState(word, lock)
    return _registered_again(before, replace(before, word=word, lock=lock), step)


def _registered_again(before: InvoiceState, fresh: InvoiceState, step: Step) -> InvoiceState:
    is_stronger = fresh.word.strength < before.word.strength
    require(not before.word.risk, "flagged")
    if before.word.claim == Claim.SETTLED or before.is_booked:
        require(is_stronger, "settled or booked under a proof as strong")
        return raised_exception(before, ExceptionKind.SETTLEMENT_DISPUTED, before.word.holder, step.time_s)
    if not before.is_locked_at(step.time_s):
        return fresh
    require(is_stronger, "locked under a proof as strong")
    assert before.lock is not None, "a lock that stands"
    if (before.lock.claimant, before.lock.employer) == (step.actor, step.operation.party):
        return fresh
    return raised_exception(fresh, ExceptionKind.CLAIM_DISPLACED, before.lock.employer, step.time_s)


def _buyer(operation: Operation, parties: Mapping[bytes, int]) -> int:
    if operation.who == ZERO_HASH:
        return 0
    buyer = parties.get(operation.who, 0)
    require(buyer != 0, "the buyer named is not among the parties")
    return buyer


def _require_ours(number: int) -> None:
    require(NUMBER_SPACE_FIRST <= number <= NUMBER_SPACE_LAST, "the number is not of this ledger")
