"""A challenge to sign in: EIP-712 typed data that a party's key signs once, within two minutes.

    SignIn(uint32 party,string scopes,bytes32 nonce,uint64 expires)

The type keeps it apart from groups of operations, the domain from other ledgers, the nonce from other challenges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.domain.groups import ChainDomain
from ledger.domain.typed_data import TypedDataError, read_domain, typed_data
from verifier.canonical import Json
from verifier.hashing import keccak256

CHALLENGE_TYPE = "SignIn"
SCOPES_SIZE_MAX = 128  # characters
NONCE_SIZE = 32
_FIELDS = (("party", "uint32"), ("scopes", "string"), ("nonce", "bytes32"), ("expires", "uint64"))
_TYPEHASH = keccak256(f"{CHALLENGE_TYPE}({','.join(f'{kind} {name}' for name, kind in _FIELDS)})".encode())
_NONCE = re.compile(rf"0x[0-9a-f]{{{2 * NONCE_SIZE}}}", re.ASCII)


@dataclass(frozen=True)
class Challenge:
    """What is signed: `scopes` names with a blank between them, `nonce` 32 bytes, `expires` seconds since 1970, UTC."""

    party: int
    scopes: str
    nonce: bytes
    expires: int

    def digest(self, domain: ChainDomain) -> bytes:
        """32-byte digest that the party's key signs."""
        struct = keccak256(
            _TYPEHASH
            + self.party.to_bytes(32, "big")
            + keccak256(self.scopes.encode())
            + self.nonce
            + self.expires.to_bytes(32, "big")
        )
        return keccak256(b"\x19\x01" + domain.separator + struct)

    def typed_data(self, domain: ChainDomain) -> dict[str, Json]:
        """The typed data whose digest is `digest(domain)`."""
        message: dict[str, Json] = {
            "party": self.party,
            "scopes": self.scopes,
            "nonce": "0x" + self.nonce.hex(),
            "expires": self.expires,
        }
        return typed_data(CHALLENGE_TYPE, {CHALLENGE_TYPE: _FIELDS}, message, domain)


def read_challenge(given: object) -> tuple[Challenge, ChainDomain]:
    """The challenge that typed data is of, and for which ledger. Raises: TypedDataError for anything else."""
    domain = read_domain(given, CHALLENGE_TYPE, {CHALLENGE_TYPE: _FIELDS})
    assert isinstance(given, dict)
    message = given["message"]
    if set(message) != {name for name, _ in _FIELDS}:
        raise TypedDataError("a challenge has party, scopes, nonce and expires")
    for name, bits in (("party", 32), ("expires", 64)):
        if type(message[name]) is not int or not 0 <= message[name] < 1 << bits:
            raise TypedDataError(f"{name} is an integer of {bits} bits")
    scopes, nonce = message["scopes"], message["nonce"]
    if not isinstance(scopes, str) or not scopes.isascii() or len(scopes) > SCOPES_SIZE_MAX:
        raise TypedDataError(f"scopes are at most {SCOPES_SIZE_MAX} ASCII characters")
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        raise TypedDataError("nonce is 0x and 64 lower-case hex digits")
    return Challenge(message["party"], scopes, bytes.fromhex(nonce[2:]), message["expires"]), domain
