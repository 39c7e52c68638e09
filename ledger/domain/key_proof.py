"""Proof that whoever asks holds a key: EIP-712 typed data about that key, signed with it.

    KeyPossession(string purpose,string identity,string name,address key,uint64 time)

The ledger's domain and all that is asked for are in it, so that it proves nothing elsewhere, for nobody else and for no
other purpose; its time limits how long.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.domain.groups import ChainDomain
from ledger.domain.typed_data import TypedDataError, read_domain, typed_data
from verifier.canonical import Json
from verifier.hashing import keccak256

PROOF_TYPE = "KeyPossession"
_FIELDS = (
    ("purpose", "string"), ("identity", "string"), ("name", "string"), ("key", "address"), ("time", "uint64"),
)  # fmt: skip
_TYPEHASH = keccak256(f"{PROOF_TYPE}({','.join(f'{kind} {name}' for name, kind in _FIELDS)})".encode())
TEXT_SIZE_MAX = 1_024  # bytes of a text that a proof holds


class Purpose(StrEnum):
    """What a key is to be used for."""

    ENROL = "enrol"
    REPLACE_KEY = "replace key"


@dataclass(frozen=True)
class KeyProof:
    """What is signed: `identity` as enterprise:<tax id>, person@<employer's tax id>, party:<id> to replace a key.

    `address` has 20 bytes; `time` is when it was signed, seconds since 1970, UTC.
    """

    purpose: Purpose
    identity: str
    name: str
    address: bytes
    time: int

    def digest(self, domain: ChainDomain) -> bytes:
        """32-byte digest that the key signs."""
        texts = (self.purpose.value, self.identity, self.name)
        struct = keccak256(
            _TYPEHASH
            + b"".join(keccak256(text.encode()) for text in texts)
            + self.address.rjust(32, b"\0")
            + self.time.to_bytes(32, "big")
        )
        return keccak256(b"\x19\x01" + domain.separator + struct)

    def typed_data(self, domain: ChainDomain) -> dict[str, Json]:
        """The typed data whose digest is `digest(domain)`."""
        message: dict[str, Json] = {
            "purpose": self.purpose.value,
            "identity": self.identity,
            "name": self.name,
            "key": "0x" + self.address.hex(),
            "time": self.time,
        }
        return typed_data(PROOF_TYPE, {PROOF_TYPE: _FIELDS}, message, domain)


def read_proof(given: object) -> tuple[KeyProof, ChainDomain]:
    """The proof that typed data is about, and for which ledger. Raises: TypedDataError for anything else."""
    domain = read_domain(given, PROOF_TYPE, {PROOF_TYPE: _FIELDS})
    assert isinstance(given, dict)
    message = given["message"]
    if set(message) != {name for name, _ in _FIELDS} or message["purpose"] not in list(Purpose):
        raise TypedDataError("a proof of possession has purpose, identity, name, key and time")
    for name in ("identity", "name"):
        if not isinstance(message[name], str) or len(message[name].encode("utf-8", "replace")) > TEXT_SIZE_MAX:
            raise TypedDataError(f"{name} is a text of at most {TEXT_SIZE_MAX} bytes")
    if type(message["time"]) is not int or not 0 <= message["time"] < 1 << 64:
        raise TypedDataError("time is an integer of 64 bits")
    try:
        address = bytes.fromhex(str(message["key"]).removeprefix("0x"))
    except ValueError:
        address = b""
    proof = KeyProof(Purpose(message["purpose"]), message["identity"], message["name"], address, message["time"])
    if len(address) != 20 or proof.typed_data(domain) != given:
        raise TypedDataError("key is 0x and 40 lower-case hex digits")
    return proof, domain
