"""Outside invoices in the model: the section "Outside invoices" of docs/OPERATIONS.md and its row of the order."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.model_exceptions import raised
from tests.contract.model_refusal import may, require
from tests.contract.model_words import BOOKED, Words
from tests.contract.wire import Event
from verifier.hashing import ZERO_HASH
from verifier.operations import Operation, Reason
from verifier.words import (
    NUMBER_SPACE_FIRST,
    NUMBER_SPACE_LAST,
    Claim,
    ClaimWord,
    Colour,
    ExceptionKind,
    Grant,
    Kind,
    PartyKind,
    StateWord,
    Strength,
    Table,
)

M48 = 2**48 - 1
STRENGTHS = range(Strength.SIGNED_ORIGINAL, Strength.TYPED + 1)


def check_registration(words: Words, op: Operation, actor: int, now: int) -> None:
    gross, tax, claim_id = op.terms & M48, op.terms >> 48 & M48, op.terms >> 96
    strength, kind = op.option & 7, op.option >> 3
    require(0 < op.number <= NUMBER_SPACE_LAST and 0 < claim_id < 2**128 and tax < gross, Reason.BAD_TERMS)
    require(strength in STRENGTHS and kind in (Kind.ORDINARY, Kind.SPECIAL), Reason.BAD_TERMS)
    require(op.number < NUMBER_SPACE_FIRST, Reason.OF_LEDGER)
    require(words.party(op.party).kind == PartyKind.ENTERPRISE, Reason.UNKNOWN_PARTY)
    as_claimant = op.subject == actor and may(words, op.party, actor, Grant.CLAIM)
    as_employer = op.subject == op.party and may(words, op.party, actor, Grant.FINANCE)
    require(as_claimant or as_employer, Reason.NOT_PERMITTED)
    if op.who != ZERO_HASH:
        require(words.party_of(op.who) == (op.party, PartyKind.ENTERPRISE), Reason.WRONG_BUYER)
    state = words.state(op.number)
    if state != StateWord():
        stronger = strength < state.strength
        require(stronger or state.claim != Claim.SETTLED, Reason.SETTLED)
        require(stronger or state.entry not in BOOKED, Reason.ALREADY_SO)
        require(stronger or not words.is_locked(op.number, now), Reason.LOCKED)
        require(not state.risk, Reason.FLAGGED)
    require(op.version == state.version, Reason.STALE_VERSION)


def registered(words: Words, op: Operation, actor: int, now: int, digest: bytes) -> tuple[StateWord, list[Event]]:
    """The outside invoice's state; against a settled or booked one nothing but a dispute."""
    before, claim = words.state(op.number), words.claim(op.number)
    state = replace(before, version=before.version + 1)
    if before.claim == Claim.SETTLED or before.entry in BOOKED:
        return state, raised(words, op.number, before.holder, ExceptionKind.SETTLEMENT_DISPUTED, now, digest)
    events: list[Event] = []
    if words.is_locked(op.number, now) and (claim.claimant, claim.employer) != (actor, op.party):
        events = raised(words, op.number, claim.employer, ExceptionKind.CLAIM_DISPLACED, now, digest)
    after = ClaimWord(claimant=actor, employer=op.party, time=now, claim_id=op.terms >> 96)
    words[Table.CLAIM, op.number] = after.pack()
    state = StateWord(
        version=state.version,
        colour=Colour.NORMAL,
        claim=Claim.LOCKED,
        kind=op.option >> 3,
        strength=op.option & 7,
        buyer=0 if op.who == ZERO_HASH else op.party,
        holder=op.subject,
        gross=op.terms & M48,
        month=op.month,
    )
    return state, events
