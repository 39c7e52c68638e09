"""The authority's statement that it erased an invoice's document: what evidence holds in the document's place.

    Erasure(uint256 number,uint64 at)

EIP-712 typed data, in the domain of the ledger's first contract, signed with the key of the authority's root
certificate, which every trust file pins. Without it anybody could strip the document from a file and call it erased.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.hashing import keccak256

ERASURE_TYPE = "Erasure(uint256 number,uint64 at)"
_TYPEHASH = keccak256(ERASURE_TYPE.encode())


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased and when: `number` of the invoice, or of the blue whose reds went with it.

    `at_s` is in seconds since 1970, UTC; (r, s) signs `erasure_digest`, s at most half the curve order.
    """

    number: int
    at_s: int
    r: int
    s: int


def erasure_digest(separator: bytes, number: int, at_s: int) -> bytes:
    """32-byte digest that the authority signs; `separator` is of the first contract's domain."""
    struct = keccak256(_TYPEHASH + number.to_bytes(32, "big") + at_s.to_bytes(32, "big"))
    return keccak256(b"\x19\x01" + separator + struct)
