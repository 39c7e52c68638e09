"""Keccak-256, the one hash of this system, behind one name."""

from Crypto.Hash import keccak

HASH_SIZE = 32
ZERO_HASH = bytes(HASH_SIZE)


def keccak256(data: bytes) -> bytes:
    """32-byte Keccak-256 of `data` (the original padding, as on Ethereum, not SHA3-256)."""
    return keccak.new(digest_bits=256, data=data).digest()
