"""One header after the other: what a witness checks of each block before it takes it as the head's child."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.witness.errors import WitnessError
from verifier.errors import CheckError
from verifier.header import SealedHeader, parse_header
from verifier.reasons import Reason
from verifier.rlp import decode
from verifier.signatures import address_of
from verifier.trust import Trust

HEADER_SIZE_MAX: Final = 4_096  # bytes; fixed fields take 600, and 64 listed sealers 1,280
PARENT: Final = 0


class HeaderRefusedError(WitnessError):
    """A block that does not continue the chain; carries its number, and its header when it is one."""

    message_zh = "该区块不能接在已见证的链之后"

    def __init__(self, number: int, message: str) -> None:
        super().__init__(f"block {number}: {message}")
        self.number = number


@dataclass(frozen=True, slots=True)
class Seen:
    """A header as it was read: its bytes, what they say, and its parent's hash (32 bytes)."""

    encoded: bytes
    header: SealedHeader
    parent_hash: bytes

    @property
    def number(self) -> int:
        return self.header.number

    @property
    def hash(self) -> bytes:
        return self.header.hash


def read_header(encoded: bytes) -> Seen:
    """The header that `encoded` is.

    Raises: CheckError when it is none, or larger than HEADER_SIZE_MAX.
    """
    if len(encoded) > HEADER_SIZE_MAX:
        raise CheckError(Reason.HEADER_MALFORMED, f"more than {HEADER_SIZE_MAX} bytes")
    header = parse_header(encoded)
    fields = decode(encoded, Reason.HEADER_MALFORMED)
    parent = fields[PARENT]
    assert isinstance(parent, bytes), "parse_header accepted it"
    return Seen(encoded, header, parent)


def check_child(seen: Seen, parent_hash: bytes, parent_time_s: int, number: int, trust: Trust) -> None:
    """Accept `seen` as block `number` on the parent given: number, parent, time, seal, and listed sealers.

    Raises: HeaderRefusedError.
    """
    if seen.number != number:
        raise HeaderRefusedError(number, f"the header shown is that of block {seen.number}")
    if seen.parent_hash != parent_hash:
        raise HeaderRefusedError(number, f"its parent is {seen.parent_hash.hex()}, not {parent_hash.hex()}")
    if seen.header.time_s < parent_time_s:
        raise HeaderRefusedError(number, f"its time {seen.header.time_s} is before its parent's {parent_time_s}")
    check_seal(seen, trust)


def check_seal(seen: Seen, trust: Trust) -> bytes:
    """The pinned 64-byte public key that sealed `seen`; sealers that it lists are pinned ones too.

    Raises: HeaderRefusedError.
    """
    try:
        sealer = seen.header.sealed_by(trust.sealers)
    except CheckError as err:
        raise HeaderRefusedError(seen.number, f"sealed by no sealer of the trust file ({err.at})") from err
    pinned = {address_of(key) for key in trust.sealers}
    if not pinned.issuperset(seen.header.sealers):
        raise HeaderRefusedError(seen.number, "it lists sealers that the trust file does not have: get the new one")
    return sealer
