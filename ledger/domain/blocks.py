"""What a sealed block says, as plain values: the chain layer produces them, the projection consumes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.domain.groups import SignedGroup


class Outcome(StrEnum):
    """What the contract did with a group."""

    APPLIED = "applied"
    REFUSED = "refused"
    MALFORMED = "malformed"


@dataclass(frozen=True)
class InvoiceWritten:
    """Event Recorded: an invoice operation was applied. `state` and `head` are the words after it."""

    number: int
    what: int
    state: int
    head: bytes


@dataclass(frozen=True)
class PartyWritten:
    """Event PartyChanged: `word` is the party's word after the operation `what`."""

    party: int
    what: int
    word: int


@dataclass(frozen=True)
class PartyNamed:
    """Event PartyNamed: an issue named a buyer for the first time; it has no signer yet."""

    party: int
    identity: bytes


@dataclass(frozen=True)
class MonthOpened:
    """Event MonthOpened: opens and closes, seconds since 1970, UTC."""

    month: int
    opens_at: int
    closes_at: int


@dataclass(frozen=True)
class ExceptionRaised:
    """Event ExceptionRaised: `kinds` (bits of verifier.words.ExceptionKind) now hold of an invoice; `party` is told."""

    number: int
    party: int
    kinds: int


@dataclass(frozen=True)
class Retired:
    """Event Retired: the contract is closed in favour of `successor` (20 bytes)."""

    successor: bytes


ChainEvent = InvoiceWritten | PartyWritten | PartyNamed | MonthOpened | ExceptionRaised | Retired


@dataclass(frozen=True)
class SequencedGroup:
    """One group as a block holds it, with what the contract answered.

    `signer` is the 20-byte address recovered from the signature (empty when none can be recovered).
    `reason` and `refused_number` are 0 unless the outcome is refused. `events` are in log order. `contract` counts the
    ledger's contracts from 0, the first: the one the group was sent to.
    """

    digest: bytes
    signed: SignedGroup
    signer: bytes
    outcome: Outcome
    reason: int
    refused_number: int
    events: tuple[ChainEvent, ...]
    contract: int = 0


@dataclass(frozen=True)
class BlockHead:
    """Number, 32-byte hash and time (seconds since 1970, UTC) of a sealed block."""

    number: int
    hash: bytes
    time_s: int


@dataclass(frozen=True)
class ChainBlock:
    """One sealed block: its head, its parent's hash, its groups in order."""

    head: BlockHead
    parent_hash: bytes
    groups: tuple[SequencedGroup, ...]


@dataclass(frozen=True)
class StorageProof:
    """Merkle-Patricia proof of the ledger's words at one sealed header.

    `contracts` are the 20-byte addresses of the ledger's contracts at that block, first to current. `header_rlp` is
    the header with its seal; `account_nodes` lead from its state root to the account of each; `storage_nodes` from each
    account's storage root to its successor slot, and to every asked key in each contract that was asked: the current
    one, and its predecessors as far as the first that wrote the word. `words` are the proven values in the order of
    the asked keys (0 = proven absent in all).
    """

    header_rlp: bytes
    account_nodes: tuple[bytes, ...]
    storage_nodes: tuple[bytes, ...]
    words: tuple[int, ...]
    contracts: tuple[bytes, ...]
