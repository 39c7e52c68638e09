"""Sealed headers: the block header whose state root a proof starts from, and the sealer who answers for it.

A header is RLP of 16 fields (London). On this proof-of-authority chain (Clique, EIP-225) the last 65 bytes of
`extraData` are the sealer's signature (r, s, recovery bit) over the keccak256 of the header without them. Every
epoch-th header lists, between vanity and seal, the addresses of those who may seal from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from verifier.errors import CheckError
from verifier.hashing import keccak256
from verifier.reasons import Reason
from verifier.rlp import Item, decode, encode
from verifier.signatures import ADDRESS_SIZE, address_of, is_signed, load_public_key, recovery_bit

SEAL_SIZE = 65
VANITY_SIZE = 32
EMPTY_UNCLES_HASH = keccak256(b"\xc0")  # Clique has no uncles
FIELD_SIZES = (32, 32, 20, 32, 32, 32, 256, None, None, None, None, None, None, 32, 8, None)
"""Sizes in bytes: parent hash, uncles hash, coinbase, state, transactions and receipts root, bloom, difficulty,
number, gas limit, gas used, time, extra data, mix hash, nonce, base fee. None: an integer, or the extra data."""
UNCLES, STATE_ROOT, DIFFICULTY, NUMBER, TIME, EXTRA, MIX = 1, 3, 7, 8, 11, 12, 13
INTEGERS = (7, 8, 9, 10, 11, 15)
INTEGER_SIZE_MAX = 8  # bytes; numbers, gas, times and fees of this chain stay far below 2**64
SEALS_KEPT_MAX = 64  # checked seals a process remembers: the files of one batch are often of the same blocks
NUMBER_MAX = 2**48 - 1  # blocks, and seconds since 1970: both are reached in millions of years


@dataclass(frozen=True, slots=True)
class SealedHeader:
    """Number, 32-byte hash and time (seconds since 1970, UTC) of a block, its state root and its seal.

    `sealers` are the 20-byte addresses that a header at the end of an epoch lists, ascending; empty in all others.
    """

    number: int
    hash: bytes
    time_s: int
    state_root: bytes
    seal_hash: bytes
    seal: bytes
    sealers: tuple[bytes, ...]

    def sealed_by(self, sealers: tuple[bytes, ...]) -> bytes:
        """The one of the 64-byte public keys `sealers` that sealed this header.

        Raises: CheckError when none did, the seal is not in its one form, or the header lists others as sealers.
        """
        sealer = sealer_of(self.seal_hash, self.seal, sealers)
        if self.sealers and address_of(sealer) not in self.sealers:
            raise CheckError(Reason.SEAL_INVALID, "the sealer is not among those the header lists")
        return sealer


@lru_cache(maxsize=SEALS_KEPT_MAX)
def sealer_of(seal_hash: bytes, seal: bytes, sealers: tuple[bytes, ...]) -> bytes:
    """The one of `sealers` whose seal of 65 bytes it is."""
    r, s = int.from_bytes(seal[:32], "big"), int.from_bytes(seal[32:64], "big")
    for sealer in sealers:
        key = load_public_key(sealer)
        if is_signed(key, seal_hash, r, s):
            if recovery_bit(key, seal_hash, r, s) != seal[64]:
                raise CheckError(Reason.SEAL_INVALID, "recovery bit")
            return sealer
    raise CheckError(Reason.SEAL_INVALID, "none of " + ", ".join(address_of(key).hex() for key in sealers))


def parse_header(encoded: bytes) -> SealedHeader:
    """The header that `encoded` is, by the rules of a Clique chain.

    Raises: CheckError when it is none.
    """
    items = decode(encoded, Reason.HEADER_MALFORMED)
    if isinstance(items, bytes) or len(items) != len(FIELD_SIZES):
        raise CheckError(Reason.HEADER_MALFORMED, f"a header has {len(FIELD_SIZES)} fields")
    fields = [_bytes(item) for item in items]
    for at, size in enumerate(FIELD_SIZES):
        if size is not None and len(fields[at]) != size:
            raise CheckError(Reason.HEADER_MALFORMED, f"field {at} has {len(fields[at])} bytes, not {size}")
    for at in INTEGERS:
        if len(fields[at]) > INTEGER_SIZE_MAX or fields[at][:1] == b"\0":
            raise CheckError(Reason.HEADER_MALFORMED, f"field {at} is no integer")
    extra = fields[EXTRA]
    if len(extra) < VANITY_SIZE + SEAL_SIZE:
        raise CheckError(Reason.HEADER_MALFORMED, "no seal")
    if fields[UNCLES] != EMPTY_UNCLES_HASH or any(fields[MIX]) or fields[DIFFICULTY] not in {b"\1", b"\2"}:
        raise CheckError(Reason.HEADER_MALFORMED, "not a proof-of-authority header")
    number, time_s = int.from_bytes(fields[NUMBER], "big"), int.from_bytes(fields[TIME], "big")
    if number > NUMBER_MAX or time_s > NUMBER_MAX:
        raise CheckError(Reason.HEADER_MALFORMED, f"number or time beyond {NUMBER_MAX}")
    unsealed: list[Item] = [*fields[:EXTRA], extra[:-SEAL_SIZE], *fields[EXTRA + 1 :]]
    return SealedHeader(
        number=number,
        hash=keccak256(encoded),
        time_s=time_s,
        state_root=fields[STATE_ROOT],
        seal_hash=keccak256(encode(unsealed)),
        seal=extra[-SEAL_SIZE:],
        sealers=_listed(extra[VANITY_SIZE:-SEAL_SIZE]),
    )


def _listed(addresses: bytes) -> tuple[bytes, ...]:
    """Addresses of sealers, ascending, 20 bytes each."""
    if len(addresses) % ADDRESS_SIZE:
        raise CheckError(Reason.HEADER_MALFORMED, "what stands between vanity and seal are no addresses")
    listed = tuple(addresses[at : at + ADDRESS_SIZE] for at in range(0, len(addresses), ADDRESS_SIZE))
    if any(one >= two for one, two in pairwise(listed)):
        raise CheckError(Reason.HEADER_MALFORMED, "listed sealers are not in ascending order")
    return listed


def _bytes(item: Item) -> bytes:
    if not isinstance(item, bytes):
        raise CheckError(Reason.HEADER_MALFORMED, "a field is a list")
    return item
