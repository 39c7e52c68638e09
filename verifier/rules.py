"""The ledger's rules, a second time: the state an operation leads to, from the state before it.

The contract enforces these rules when it writes; this module re-derives them from docs/OPERATIONS.md alone, so
that a history which no contract with these rules could have written is not called valid. What only the
contract can see at that block (grants, quotas, open months, suspensions) is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from verifier.errors import CheckError
from verifier.hashing import ZERO_HASH
from verifier.operations import INVOICE_CODES, Code, Operation
from verifier.reasons import Reason
from verifier.words import (
    LOCK_LIFETIME_S,
    NUMBER_SPACE_FIRST,
    NUMBER_SPACE_LAST,
    Claim,
    Colour,
    Entry,
    StateWord,
)

GROSS_BITS = 48
KIND_MASK, HOLDER_SHIFT = 3, 2
HOLDER_SELLER, HOLDER_BUYER, HOLDER_PERSON = 0, 1, 2
SPECIAL = 1


@dataclass(frozen=True, slots=True)
class Lock:
    """The claim an invoice was last locked under. Times are block times, seconds since 1970, UTC."""

    claimant: int
    employer: int
    time_s: int
    claim_id: int


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """State word and lock after an operation."""

    word: StateWord
    lock: Lock | None = None

    def is_locked_at(self, time_s: int) -> bool:
        """Whether a lock stands: an unsettled one lapses after 180 days."""
        if self.word.claim != Claim.LOCKED or self.lock is None:
            return False
        return time_s < self.lock.time_s + LOCK_LIFETIME_S


def issued(operation: Operation, parties: Mapping[bytes, int]) -> InvoiceState:
    """State after the first operation of a history; `parties` finds a party by its identity hash.

    Raises: CheckError when it is no issue that the rules allow.
    """
    _require(operation.code == Code.ISSUE, "a history starts with issue")
    _require_version(operation, 0)
    _require(NUMBER_SPACE_FIRST <= operation.number <= NUMBER_SPACE_LAST, "the number is not of this ledger")
    gross, tax = operation.terms & ((1 << GROSS_BITS) - 1), operation.terms >> GROSS_BITS
    _require(gross > 0 and tax < gross, "gross and tax")
    kind, first_holder = operation.option & KIND_MASK, operation.option >> HOLDER_SHIFT
    _require(kind <= SPECIAL, "kind")
    buyer = 0
    if operation.who != ZERO_HASH:
        buyer = parties.get(operation.who, 0)
        _require(buyer != 0, "the buyer named is not among the parties")
    holders = {HOLDER_SELLER: operation.subject, HOLDER_BUYER: buyer, HOLDER_PERSON: operation.party}
    holder = holders.get(first_holder, 0)
    _require(holder != 0, "first holder")
    return InvoiceState(
        StateWord(
            colour=Colour.NORMAL,
            kind=kind,
            seller=operation.subject,
            buyer=buyer,
            holder=holder,
            gross=gross,
            month=operation.month,
            version=1,
        )
    )


def after(before: InvoiceState, operation: Operation, actor: int, time_s: int) -> InvoiceState:
    """State after `operation` by party `actor` at block time `time_s`.

    Raises: CheckError when the rules do not allow it.
    """
    if operation.code not in INVOICE_CODES:
        raise CheckError(Reason.OPERATION_UNKNOWN, f"code {operation.code}")
    _require(operation.code != Code.ISSUE, "issued a second time")
    _require_version(operation, before.word.version)
    raised = replace(before, word=replace(before.word, version=before.word.version + 1))
    if operation.code == Code.TRANSFER:
        return _transferred(raised, operation, time_s)
    if operation.code == Code.LOCK:
        return _locked(raised, operation, actor, time_s)
    if operation.code == Code.UNLOCK:
        lock = _standing_lock(raised, operation, time_s)
        allowed = {lock.claimant, lock.employer} if actor == lock.claimant else {lock.employer}
        _require(operation.subject in allowed, "unlocked by a stranger")
        return replace(raised, word=replace(raised.word, claim=Claim.FREE))
    if operation.code == Code.SETTLE:
        return _settled(raised, operation, actor, time_s)
    return _booked(raised, operation)


def _transferred(state: InvoiceState, operation: Operation, time_s: int) -> InvoiceState:
    _require_holder(state, operation)
    _require_free(state, time_s)
    _require(operation.party not in {0, state.word.holder}, "transferred to nobody or to its holder")
    return InvoiceState(replace(state.word, holder=operation.party, claim=Claim.FREE))


def _locked(state: InvoiceState, operation: Operation, actor: int, time_s: int) -> InvoiceState:
    word = state.word
    _require_holder(state, operation)
    _require_free(state, time_s)
    _require(operation.subject in {actor, operation.party}, "locked by a stranger")
    _require(
        operation.party != 0 and word.seller not in {word.holder, operation.party}, "claimed from or by its seller"
    )
    _require(word.buyer in {0, operation.party}, "the invoice names another buyer than that employer")
    _require(0 < operation.terms < 1 << 128, "claim id")
    lock = Lock(claimant=actor, employer=operation.party, time_s=time_s, claim_id=operation.terms)
    return InvoiceState(replace(word, claim=Claim.LOCKED), lock)


def _settled(state: InvoiceState, operation: Operation, actor: int, time_s: int) -> InvoiceState:
    lock = _standing_lock(state, operation, time_s)
    _require(operation.subject == lock.employer, "settled by another than the employer")
    _require(actor != lock.claimant, "settled by the claimant")
    _require(state.word.colour == Colour.NORMAL and not state.word.risk, "reddened or flagged")
    return replace(state, word=replace(state.word, claim=Claim.SETTLED, holder=lock.employer))


def _booked(state: InvoiceState, operation: Operation) -> InvoiceState:
    word = state.word
    _require_holder(state, operation)
    _require(word.holder != word.seller, "booked by its seller")
    is_booked = word.entry in {Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE}
    if operation.code == Code.WITHDRAW_BOOKING:
        _require(is_booked, "no booking to withdraw")
        return replace(state, word=replace(word, entry=Entry.WITHDRAWN))
    _require(not is_booked, "booked a second time")
    _require(operation.option in {Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE}, "label")
    return replace(state, word=replace(word, entry=operation.option))


def _standing_lock(state: InvoiceState, operation: Operation, time_s: int) -> Lock:
    lock = state.lock
    if lock is None or not state.is_locked_at(time_s) or lock.claim_id != operation.terms:
        raise CheckError(Reason.RULE_BROKEN, "not locked under that claim")
    return lock


def _require_free(state: InvoiceState, time_s: int) -> None:
    _require(state.word.claim != Claim.SETTLED, "settled already")
    _require(not state.is_locked_at(time_s), "locked already")
    _require(state.word.colour != Colour.FULLY_RED and not state.word.risk, "reddened or flagged")
    _require(state.word.entry not in {Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE}, "booked already")


def _require_holder(state: InvoiceState, operation: Operation) -> None:
    _require(operation.subject == state.word.holder, "not the holder")


def _require_version(operation: Operation, version: int) -> None:
    if operation.version != version:
        raise CheckError(Reason.VERSION_BROKEN, f"{operation.version} after {version}")
    _require(operation.reserved == 0, "reserved bits")


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise CheckError(Reason.RULE_BROKEN, rule)
