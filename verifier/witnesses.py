"""Witnesses: keys that watch the chain from outside, and their signatures below a checkpoint of one block.

A checkpoint says five things of a block: chain (origin), height + 1, hash, state root, time. All of them follow from
the sealed header, so its text has one form only. A witness's line is an em dash, the key's name, and base64 of key id
(4 bytes), time (8 bytes, big-endian, the witness's clock) and Ed25519 signature (64 bytes). Checkpoint, empty line and
lines make a note that other tools read.

Source: C2SP signed-note, tlog-checkpoint and tlog-cosignature v1 (c2sp.org); docs/WITNESS.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verifier.errors import CheckError, ShapeError
from verifier.header import SealedHeader
from verifier.reasons import Reason
from verifier.shape import base64_of

ORIGIN_PREFIX = "einvoice.example"
COSIGNATURE = 0x04  # kind of key: Ed25519 that signs a checkpoint under a time
KEY_ID_SIZE, TIME_SIZE, SIGNATURE_SIZE, PUBLIC_KEY_SIZE = 4, 8, 64, 32
TIME_MAX_S = 2**63 - 1
NAME_SIZE_MAX = 255  # characters of a key's name
CHECKPOINT_SIZE_MAX = 512  # characters; its five lines have under 300
WITNESS_LINE_SIZE_MAX = 512  # characters; a name, 104 of base64, dash and spaces
KEY_LINE_SIZE_MAX = 512  # characters; a name, 8 of the id and 44 of base64
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_LINE = re.compile("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")
_KEY_ID = re.compile("[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """One witness's public key: 32 bytes of Ed25519, with the name it signs under."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """4 bytes that name the key beside its name."""
        hashed = hashlib.sha256(self.name.encode() + b"\n" + bytes([COSIGNATURE]) + self.public_key)
        return hashed.digest()[:KEY_ID_SIZE]

    def to_text(self) -> str:
        """The key as one line: name, key id in hex, base64 of kind and key, joined by `+`."""
        return f"{self.name}+{self.key_id.hex()}+{base64_of(bytes([COSIGNATURE]) + self.public_key)}"

    def is_cosigned(self, checkpoint: str, time_s: int, signature: bytes) -> bool:
        """Whether this key signed the checkpoint's text at `time_s`, seconds since 1970."""
        signed = f"cosignature/v1\ntime {time_s}\n{checkpoint}".encode()
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, signed)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One line below a checkpoint, not verified: the key it names, the witness's time, its signature."""

    name: str
    key_id: bytes
    time_s: int
    signature: bytes


def parse_witness_key(line: str) -> WitnessKey:
    """The cosigning key that one line is.

    Raises: ShapeError.
    """
    name, _, rest = line.partition("+")
    key_id, _, encoded = rest.partition("+")
    material = _from_base64(encoded)
    is_named = len(name) <= NAME_SIZE_MAX and _NAME.fullmatch(name) and _is_encodable(name)
    if not is_named or not _KEY_ID.fullmatch(key_id) or material is None:
        raise ShapeError(Reason.TRUST_UNREADABLE, "not name, key id and base64 joined by plus signs")
    if len(material) != 1 + PUBLIC_KEY_SIZE or material[0] != COSIGNATURE:
        raise ShapeError(Reason.TRUST_UNREADABLE, f"not an Ed25519 key of kind {COSIGNATURE:#04x}")
    key = WitnessKey(name, material[1:])
    if key.key_id.hex() != key_id:
        raise ShapeError(Reason.TRUST_UNREADABLE, f"the key id {key_id} is not that of name and key")
    return key


def parse_cosignature(line: str) -> Cosignature:
    """The signature that one line of a note is, without its newline.

    Raises: CheckError.
    """
    found = _LINE.fullmatch(line)
    encoded = _from_base64(found[2]) if found else None
    if found is None or encoded is None or len(encoded) != KEY_ID_SIZE + TIME_SIZE + SIGNATURE_SIZE:
        raise CheckError(Reason.WITNESS_SIGNATURE_INVALID, "a line is not dash, name and base64 of a cosignature")
    time_s = int.from_bytes(encoded[KEY_ID_SIZE : KEY_ID_SIZE + TIME_SIZE], "big")
    if time_s > TIME_MAX_S:
        raise CheckError(Reason.WITNESS_SIGNATURE_INVALID, f"time beyond {TIME_MAX_S}")
    return Cosignature(found[1], encoded[:KEY_ID_SIZE], time_s, encoded[KEY_ID_SIZE + TIME_SIZE :])


def checkpoint_text(chain_id: int, genesis: bytes, header: SealedHeader) -> str:
    """What a witness signs about the block of `header`: five lines, each with its newline."""
    return (
        f"{ORIGIN_PREFIX}/{chain_id}/{genesis.hex()}\n"
        f"{header.number + 1}\n"
        f"{base64_of(header.hash)}\n"
        f"state-root {base64_of(header.state_root)}\n"
        f"block-time {header.time_s}\n"
    )


def _from_base64(text: str) -> bytes | None:
    """Bytes of base64 in its one form, None for anything else."""
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64_of(data) == text else None


def _is_encodable(name: str) -> bool:
    """Whether the name has UTF-8 bytes: a lone surrogate, which JSON can spell, has none."""
    return not any("\ud800" <= char <= "\udfff" for char in name)
