"""Operations and groups: the bytes a party signs.

An operation is four 32-byte words; a group is 1..256 of them under one EIP-712 signature. The contract
packs and hashes the same way; docs/OPERATIONS.md is the table of what each field means per code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from verifier.hashing import ZERO_HASH, keccak256

GROUP_OPERATIONS_MAX = 256  # one signature covers at most this many; the contract's loop bound
GROUP_LIFETIME_MAX_S = 24 * 3600  # valid_until is at most this far ahead of block time
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

DOMAIN_NAME = "E-Invoice Ledger"
DOMAIN_VERSION = "1"
DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
OPERATION_TYPE = "Operation(uint256 what,uint256 terms,bytes32 who,bytes32 ref)"
GROUP_TYPE = "Group(uint32 actor,uint64 validUntil,Operation[] operations)" + OPERATION_TYPE
OPERATION_TYPEHASH = keccak256(OPERATION_TYPE.encode())
GROUP_TYPEHASH = keccak256(GROUP_TYPE.encode())


class Code(IntEnum):
    """Which operation (docs/OPERATIONS.md); a code never changes meaning."""

    ENROL = 1
    SUSPEND = 2
    REINSTATE = 3
    ALLOT_SEGMENT = 4
    SET_QUOTA = 5
    LIFT_BLOCK = 6
    SET_RISK_FLAG = 7
    CLEAR_RISK_FLAG = 8
    FORCE_UNLOCK = 9
    VOID_SLIP = 10
    APPOINT_OFFICER = 11
    DISMISS_OFFICER = 12
    RECOVER_KEY = 13
    RETIRE = 14
    OPEN_MONTH = 15
    ROTATE_KEY = 16
    GRANT = 17
    REVOKE = 18
    ISSUE = 19
    OPEN_SLIP = 20
    CONFIRM_SLIP = 21
    REFUSE_SLIP = 22
    WITHDRAW_SLIP = 23
    ISSUE_RED = 24
    TRANSFER = 25
    REGISTER_OUTSIDE = 26
    LOCK = 27
    UNLOCK = 28
    SETTLE = 29
    BOOK = 30
    WITHDRAW_BOOKING = 31
    SELECT = 32
    UNSELECT = 33
    CONFIRM_MONTH = 34
    FILE = 35
    REFILE = 36
    ANCHOR = 37
    ACKNOWLEDGE_EXCEPTION = 38
    REVOKE_CERTIFICATE = 39


INVOICE_CODES = frozenset(Code) - frozenset(
    {
        Code.ENROL, Code.SUSPEND, Code.REINSTATE, Code.ALLOT_SEGMENT, Code.SET_QUOTA, Code.LIFT_BLOCK,
        Code.APPOINT_OFFICER, Code.DISMISS_OFFICER, Code.RECOVER_KEY, Code.RETIRE, Code.OPEN_MONTH, Code.ROTATE_KEY,
        Code.GRANT, Code.REVOKE, Code.CONFIRM_MONTH, Code.FILE, Code.REFILE, Code.ANCHOR, Code.REVOKE_CERTIFICATE,
    }
)  # fmt: skip
"""Operations that write an invoice's state and head: those an evidence file can hold."""

ALONE = frozenset({Code.ISSUE_RED, Code.CONFIRM_MONTH, Code.FILE, Code.REFILE})
"""Operations that stand alone in their group."""


class Reason(IntEnum):
    """Why the contract refused a signed group; never changes meaning (docs/OPERATIONS.md)."""

    UNKNOWN_OPERATION = 1
    OUT_OF_ORDER = 2
    NOT_PERMITTED = 3
    SUSPENDED = 4
    STALE_VERSION = 5
    BAD_TERMS = 6
    UNKNOWN_PARTY = 7
    UNKNOWN_INVOICE = 8
    ALREADY_SO = 9
    MIXED_GROUP = 10
    NOT_IN_SEGMENT = 11
    NUMBER_TAKEN = 12
    MONTH_NOT_OPEN = 13
    MONTHS_UNFILED = 14
    MONTH_FILED = 15
    QUOTA_EXCEEDED = 16
    NOT_HOLDER = 17
    LOCKED = 18
    SETTLED = 19
    REDDENED = 20
    FLAGGED = 21
    OWN_INVOICE = 22
    WRONG_BUYER = 23
    NOT_LOCKED = 24
    OWN_CLAIM = 25
    NOT_BOOKED = 26
    TOTALS_DIFFER = 27
    MONTH_NOT_NEXT = 28
    NOT_BUYER = 29
    EXCEEDS = 30
    SLIP_NEEDED = 31
    SLIP_OPEN = 32
    NO_SLIP = 33
    SLIP_LAPSED = 34
    IS_RED = 35
    OUTSIDE = 36
    OF_LEDGER = 37
    NOT_DEDUCTIBLE = 38
    NOT_SELECTED = 39
    PERIOD_CONFIRMED = 40
    NO_EXCEPTION = 41
    REPORT_DIFFERS = 42
    MONTH_NOT_FILED = 43


class FieldRangeError(ValueError):
    """A field does not fit the bits it has; carries the field's name and value."""

    def __init__(self, field: str, value: int, bits: int) -> None:
        super().__init__(f"{field} = {value} does not fit in {bits} bits")
        self.field = field
        self.value = value
        self.bits = bits


def pack_bits(layout: tuple[tuple[str, int], ...], values: dict[str, int]) -> int:
    """Word of `values` laid out lowest bit first as (name, width) pairs.

    Raises: FieldRangeError when a value is negative or too wide for its field.
    """
    word = 0
    at = 0
    for name, bits in layout:
        value = values.get(name, 0)
        if not 0 <= value < 1 << bits:
            raise FieldRangeError(name, value, bits)
        word |= value << at
        at += bits
    return word


def unpack_bits(layout: tuple[tuple[str, int], ...], word: int) -> dict[str, int]:
    """Field values of `word`, the inverse of `pack_bits`; names starting with "reserved" included."""
    values = {}
    for name, bits in layout:
        values[name] = word & ((1 << bits) - 1)
        word >>= bits
    return values


WHAT_LAYOUT = (
    ("number", 80),
    ("reserved", 48),
    ("option", 20),
    ("month", 12),
    ("party", 32),
    ("version", 24),
    ("subject", 32),
    ("code", 8),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One instruction of a group. Sizes in bits as in docs/OPERATIONS.md; who and ref are 32 bytes."""

    code: int
    subject: int
    number: int
    version: int = 0
    party: int = 0
    month: int = 0
    option: int = 0
    terms: int = 0
    who: bytes = ZERO_HASH
    ref: bytes = ZERO_HASH
    reserved: int = 0

    @property
    def what(self) -> int:
        """First word: code, subject, version, party, month, option and number packed."""
        return pack_bits(WHAT_LAYOUT, {name: getattr(self, name) for name, _ in WHAT_LAYOUT})

    @classmethod
    def from_words(cls, what: int, terms: int, who: bytes, ref: bytes) -> Operation:
        """The operation those four words hold. Total over all words; codes are not checked here."""
        return cls(terms=terms, who=who, ref=ref, **unpack_bits(WHAT_LAYOUT, what))

    def words(self) -> tuple[int, int, bytes, bytes]:
        """(what, terms, who, ref), as in calldata.

        Raises: FieldRangeError when a field does not fit.
        """
        if not 0 <= self.terms < 1 << 256:
            raise FieldRangeError("terms", self.terms, 256)
        return self.what, self.terms, self.who, self.ref

    def hash(self) -> bytes:
        """EIP-712 struct hash, 32 bytes."""
        what, terms, who, ref = self.words()
        return keccak256(OPERATION_TYPEHASH + what.to_bytes(32, "big") + terms.to_bytes(32, "big") + who + ref)


RED_TERMS_LAYOUT = (("gross", 48), ("tax", 48), ("blue", 80), ("blue_version", 24))
OUTSIDE_TERMS_LAYOUT = (("gross", 48), ("tax", 48), ("claim_id", 128))
AMOUNT_TERMS_LAYOUT = (("gross", 48), ("tax", 48))


def numbers_written(operation: Operation) -> tuple[int, ...]:
    """Numbers of the invoices whose state and head `operation` writes, in that order: a red writes its blue as well."""
    if operation.code not in INVOICE_CODES:
        return ()
    if operation.code == Code.ISSUE_RED:
        return operation.number, operation.terms >> 96 & (1 << 80) - 1
    return (operation.number,)


def domain_separator(chain_id: int, contract: bytes) -> bytes:
    """EIP-712 domain separator, 32 bytes, of the ledger at 20-byte address `contract` on `chain_id`."""
    return keccak256(
        keccak256(DOMAIN_TYPE.encode())
        + keccak256(DOMAIN_NAME.encode())
        + keccak256(DOMAIN_VERSION.encode())
        + chain_id.to_bytes(32, "big")
        + contract.rjust(32, b"\0")
    )


def group_digest(separator: bytes, actor: int, valid_until: int, hashes: list[bytes]) -> bytes:
    """Digest that the actor signs: EIP-712 over the operations' hashes in order, 32 bytes."""
    group = keccak256(
        GROUP_TYPEHASH + actor.to_bytes(32, "big") + valid_until.to_bytes(32, "big") + keccak256(b"".join(hashes))
    )
    return keccak256(b"\x19\x01" + separator + group)
