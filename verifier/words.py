"""Words the contract stores, and where: the layouts of docs/OPERATIONS.md, packed and unpacked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum

from verifier.hashing import keccak256
from verifier.operations import pack_bits, unpack_bits

WORDS_SLOT = 1  # storage slot of the contract's one map, see contracts/artifacts (0 is the compiler's own)
SUCCESSOR_SLOT = 2  # storage slot of WRITTEN | address of the contract that succeeds this one, 0 while it is open


class Table(IntEnum):
    """Lowest byte of a storage key: which table of the map."""

    STATE = 1
    HEAD = 2
    CLAIM = 3
    PARTY = 4
    IDENTITY = 5
    CERTIFICATE = 6
    PARTY_OF = 7
    RECOVERY = 8
    RECOVERY_CERTIFICATE = 9
    GRANT = 10
    SEGMENT = 11
    TOTALS = 12
    MONTH = 13
    SPENT = 14
    PARTY_COUNT = 15
    SLIP = 16
    DEDUCTION = 17
    LIFT = 18
    DEDUCTED = 19
    FILING = 20
    EXCEPTION = 21
    ANCHOR = 22
    REVOKED = 23


class Colour(IntEnum):
    NONE = 0
    NORMAL = 1
    PARTLY_RED = 2
    FULLY_RED = 3


class Claim(IntEnum):
    FREE = 0
    LOCKED = 1
    SETTLED = 2
    CANCELLED = 3


class Use(IntEnum):
    NONE = 0
    SELECTED = 1
    CONFIRMED = 2


class Kind(IntEnum):
    """Kind of an invoice."""

    ORDINARY = 0
    SPECIAL = 1
    RED = 2


class Strength(IntEnum):
    """Proof an invoice entered the ledger with; a lower number is stronger."""

    ISSUED_HERE = 0
    SIGNED_ORIGINAL = 1
    ORIGINAL = 2
    QR = 3
    TYPED = 4


class SlipState(IntEnum):
    """State of a red slip as stored; a waiting one is void after 72 h without being written again."""

    SELLER_OPENED = 2
    BUYER_OPENED = 3
    CONFIRMED = 4
    REFUSED_BY_BUYER = 5
    REFUSED_BY_SELLER = 6
    WITHDRAWN = 8
    WITHDRAWN_AFTER_CONFIRMATION = 9
    VOID = 10
    USED = 11


class ExceptionKind(IntEnum):
    """Bits of an exception word: what happened to an invoice that was settled, deducted or claimed."""

    REDDENED_AFTER_SETTLEMENT = 1
    REDDENED_AFTER_DEDUCTION = 2
    FLAGGED_AFTER_USE = 4
    CLAIM_DISPLACED = 8
    SETTLEMENT_DISPUTED = 16


class Entry(IntEnum):
    NOT_BOOKED = 0
    DEDUCTIBLE = 1
    NOT_DEDUCTIBLE = 2
    WITHDRAWN = 3


class PartyKind(IntEnum):
    AUTHORITY = 1
    OFFICER = 2
    ENTERPRISE = 3
    PERSON = 4
    CALENDAR = 5


class Grant(IntEnum):
    """Bits an enterprise grants a person."""

    ISSUE = 1
    FINANCE = 2
    CLAIM = 4


AUTHORITY_PARTY = 1
SEGMENT_BLOCK_SIZE = 10_000
SEGMENT_BLOCKS_MAX = 64
NUMBER_SPACE_FIRST = 9 * 10**19
NUMBER_SPACE_LAST = 10**20 - 1
LOCK_LIFETIME_S = 180 * 86400
RECOVERY_DELAY_S = 72 * 3600
MONTH_GRACE_S = 24 * 3600
SLIP_LIFETIME_S = 72 * 3600
WRITTEN = 1 << 255  # kept in words that may fall back to zero, so that a successor does not look back


def storage_key(table: Table, key: int) -> int:
    """Key of the contract's map for `key` of `table`: the table's number in the lowest byte."""
    if not 0 <= key < 1 << 248:
        raise ValueError("key outside 248 bits")
    return key << 8 | table


def hash_key(digest: bytes) -> int:
    """The 248 highest bits of a 32-byte hash, for tables keyed by hash."""
    return int.from_bytes(digest, "big") >> 8


def storage_slot(key: int) -> bytes:
    """32-byte slot of `words[key]`; Vyper hashes the map's slot before the key (Solidity: the other way).

    Source: contracts/artifacts storage layout.
    """
    return keccak256(WORDS_SLOT.to_bytes(32, "big") + key.to_bytes(32, "big"))


STATE_LAYOUT = (
    ("colour", 2),
    ("claim", 2),
    ("entry", 2),
    ("use", 2),
    ("risk", 1),
    ("kind", 2),
    ("strength", 3),
    ("seller", 32),
    ("buyer", 32),
    ("holder", 32),
    ("gross", 48),
    ("credited", 48),
    ("month", 12),
    ("reddened_since", 1),
    ("reserved", 13),
    ("version", 24),
)
PARTY_LAYOUT = (
    ("signer", 160),
    ("kind", 4),
    ("suspended", 1),
    ("recovery", 1),
    ("filed_through", 12),
    ("quota", 44),
    ("reserved", 10),
    ("version", 24),
)
CLAIM_LAYOUT = (("claimant", 32), ("employer", 32), ("time", 40), ("reserved", 24), ("claim_id", 128))
TOTALS_LAYOUT = (
    ("blue_gross", 44),
    ("red_gross", 44),
    ("blue_tax", 44),
    ("red_tax", 44),
    ("quota_used", 44),
    ("count", 36),
)
SLIP_LAYOUT = (
    ("state", 4),
    ("reason", 4),
    ("opener", 32),
    ("other", 32),
    ("gross", 48),
    ("tax", 48),
    ("time", 40),
)
DEDUCTION_LAYOUT = (("tax_left", 48), ("valid_tax", 48), ("month", 12), ("purpose", 4), ("reason", 4))
DEDUCTED_LAYOUT = (("valid_tax", 64), ("count", 32), ("confirmed", 1))
EXCEPTION_LAYOUT = (("kinds", 8), ("party", 32), ("time", 40), ("acknowledged", 2))


REVOKED_LAYOUT = (("time", 40), ("reason", 8), ("party", 32))


def revocation_time_s(word: int) -> int:
    """Block time of a revocation, seconds since 1970, UTC, of a word of the table `REVOKED`; 0 when it is none.

    The word of a certificate that a party was given is WRITTEN until it is revoked, so that it is never absent.
    """
    return unpack_bits(REVOKED_LAYOUT, word)["time"]


def revocation_reason(word: int) -> int:
    """Why a certificate was revoked: 0..10 as in RFC 5280, 5.3.1."""
    return unpack_bits(REVOKED_LAYOUT, word)["reason"]


@dataclass(frozen=True, slots=True)
class StateWord:
    """One invoice's state: enums as their numbers, party ids, fen, month index, version."""

    colour: int = 0
    claim: int = 0
    entry: int = 0
    use: int = 0
    risk: int = 0
    kind: int = 0
    strength: int = 0
    seller: int = 0
    buyer: int = 0
    holder: int = 0
    gross: int = 0
    credited: int = 0
    month: int = 0
    version: int = 0
    reddened_since: int = 0
    reserved: int = 0

    def pack(self) -> int:
        return pack_bits(STATE_LAYOUT, asdict(self))

    @classmethod
    def unpack(cls, word: int) -> StateWord:
        return cls(**unpack_bits(STATE_LAYOUT, word))


@dataclass(frozen=True, slots=True)
class PartyWord:
    """One party: signer address as an integer (0 = named, not enrolled), kind, quota in fen."""

    signer: int = 0
    kind: int = 0
    suspended: int = 0
    recovery: int = 0
    filed_through: int = 0
    quota: int = 0
    version: int = 0
    reserved: int = 0

    def pack(self) -> int:
        return pack_bits(PARTY_LAYOUT, asdict(self))

    @classmethod
    def unpack(cls, word: int) -> PartyWord:
        return cls(**unpack_bits(PARTY_LAYOUT, word))


@dataclass(frozen=True, slots=True)
class ClaimWord:
    """Who claimed an invoice, at which employer, when (seconds), under which 128-bit claim id."""

    claimant: int = 0
    employer: int = 0
    time: int = 0
    claim_id: int = 0
    reserved: int = 0

    def pack(self) -> int:
        return pack_bits(CLAIM_LAYOUT, asdict(self))

    @classmethod
    def unpack(cls, word: int) -> ClaimWord:
        return cls(**unpack_bits(CLAIM_LAYOUT, word))


@dataclass(frozen=True, slots=True)
class TotalsWord:
    """One party's month: five sums in fen and the count of invoices."""

    blue_gross: int = 0
    red_gross: int = 0
    blue_tax: int = 0
    red_tax: int = 0
    quota_used: int = 0
    count: int = 0

    def pack(self) -> int:
        return pack_bits(TOTALS_LAYOUT, asdict(self))

    @classmethod
    def unpack(cls, word: int) -> TotalsWord:
        return cls(**unpack_bits(TOTALS_LAYOUT, word))


@dataclass(frozen=True, slots=True)
class SlipWord:
    """A red slip: `SlipState`, reason 1..4, the two sides' party ids, fen of the red, opening time in seconds."""

    state: int = 0
    reason: int = 0
    opener: int = 0
    other: int = 0
    gross: int = 0
    tax: int = 0
    time: int = 0

    def pack(self) -> int:
        return pack_bits(SLIP_LAYOUT, asdict(self))

    @classmethod
    def unpack(cls, word: int) -> SlipWord:
        return cls(**unpack_bits(SLIP_LAYOUT, word))


@dataclass(frozen=True, slots=True)
class DeductionWord:
    """Input tax of a special invoice: fen left after reds, fen selected, period, purpose, reason of not deducting."""

    tax_left: int = 0
    valid_tax: int = 0
    month: int = 0
    purpose: int = 0
    reason: int = 0

    def pack(self) -> int:
        return pack_bits(DEDUCTION_LAYOUT, asdict(self)) | WRITTEN

    @classmethod
    def unpack(cls, word: int) -> DeductionWord:
        return cls(**unpack_bits(DEDUCTION_LAYOUT, word))


@dataclass(frozen=True, slots=True)
class DeductedWord:
    """One party's period: valid tax selected in fen, count of invoices, whether it is confirmed."""

    valid_tax: int = 0
    count: int = 0
    confirmed: int = 0

    def pack(self) -> int:
        return pack_bits(DEDUCTED_LAYOUT, asdict(self)) | WRITTEN

    @classmethod
    def unpack(cls, word: int) -> DeductedWord:
        return cls(**unpack_bits(DEDUCTED_LAYOUT, word))


@dataclass(frozen=True, slots=True)
class ExceptionWord:
    """What needs looking at: `ExceptionKind` bits, the company told, seconds, who acknowledged (1 officer, 2 it)."""

    kinds: int = 0
    party: int = 0
    time: int = 0
    acknowledged: int = 0

    def pack(self) -> int:
        return pack_bits(EXCEPTION_LAYOUT, asdict(self))

    @classmethod
    def unpack(cls, word: int) -> ExceptionWord:
        return cls(**unpack_bits(EXCEPTION_LAYOUT, word))


def head_after(head: bytes, digest: bytes, operation_hash: bytes, signer: bytes, time_s: int, state: int) -> bytes:
    """Head word after one operation: keccak256 over six words. `signer` is the 20-byte address."""
    return keccak256(
        head
        + digest
        + operation_hash
        + signer.rjust(32, b"\0")
        + time_s.to_bytes(32, "big")
        + state.to_bytes(32, "big")
    )
