"""What the rules know of an invoice: its state word and what else the contract keeps of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from verifier.certificates import AUTHORITY, ENTERPRISE, OFFICER, PERSON
from verifier.errors import CheckError
from verifier.operations import FieldRangeError, Operation, pack_bits, unpack_bits
from verifier.reasons import Reason
from verifier.words import (
    LOCK_LIFETIME_S,
    Claim,
    DeductionWord,
    Entry,
    ExceptionWord,
    SlipWord,
    StateWord,
)

BOOKED = frozenset({Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE})
TAXPAYERS = frozenset({ENTERPRISE, PERSON})  # who may act on an invoice as a party; an officer never does
OFFICERS = frozenset({OFFICER, AUTHORITY})


@dataclass(frozen=True, slots=True)
class Lock:
    """The claim an invoice was last locked under. Times are block times, seconds since 1970, UTC."""

    claimant: int
    employer: int
    time_s: int
    claim_id: int


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """State word and what else the contract keeps of an invoice: lock, slip, input tax, exception."""

    word: StateWord
    lock: Lock | None = None
    slip: SlipWord | None = None
    slip_sides: frozenset[int] = frozenset()  # who may be the slip's other side
    deduction: DeductionWord | None = None
    exception: ExceptionWord | None = None

    def is_locked_at(self, time_s: int) -> bool:
        """Whether a lock stands: an unsettled one lapses after 180 days."""
        if self.word.claim != Claim.LOCKED or self.lock is None:
            return False
        return time_s < self.lock.time_s + LOCK_LIFETIME_S

    @property
    def is_booked(self) -> bool:
        """Whether somebody's accounts hold it."""
        return self.word.entry in BOOKED


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a history: by party `actor`, at block time `time_s`, after which `recorded` stood on chain.

    `kind` is what the actor's certificate says it is: `enterprise`, `person`, `officer`, `calendar` or `authority`.
    """

    operation: Operation
    actor: int
    kind: str
    time_s: int
    recorded: StateWord


def require(holds: bool, rule: str) -> None:
    """Raises: CheckError when the rule does not hold."""
    if not holds:
        raise CheckError(Reason.RULE_BROKEN, rule)


def terms_of(layout: tuple[tuple[str, int], ...], operation: Operation) -> dict[str, int]:
    """Fields of the terms word. Raises: CheckError for bits outside them."""
    fields = unpack_bits(layout, operation.terms)
    try:
        exact = pack_bits(layout, fields) == operation.terms
    except FieldRangeError:  # pragma: no cover - unpacked fields fit
        exact = False
    require(exact, "bits outside the terms")
    return fields


def require_version(operation: Operation, version: int) -> None:
    """Raises: CheckError unless the operation names that version and no reserved bits."""
    if operation.version != version:
        raise CheckError(Reason.VERSION_BROKEN, f"{operation.version} after {version}")
    require(operation.reserved == 0, "reserved bits")


def raised_exception(state: InvoiceState, kind: int, party: int, time_s: int) -> InvoiceState:
    """The state with an exception of those `ExceptionKind` bits: kinds gather, acknowledgements are cleared."""
    kinds = state.exception.kinds if state.exception else 0
    return replace(state, exception=ExceptionWord(kinds=kinds | kind, party=party, time=time_s))
