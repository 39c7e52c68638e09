"""Signed notes: text, an empty line, and a line for each signature, as transparency logs and witnesses exchange them.

Two kinds of Ed25519 signature are known. `PLAIN` (0x01) signs the text. `COSIGNATURE` (0x04) signs the text under
a header and a time, and carries that time. A key is named by its name and 4 bytes of
SHA-256(name, newline, kind, public key).

Source: C2SP signed-note v1.0.0 and tlog-cosignature v1.0.0 (c2sp.org).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.witness.errors import NoteError

PLAIN: Final = 0x01
COSIGNATURE: Final = 0x04
KEY_ID_SIZE: Final = 4
KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
TIME_SIZE: Final = 8
TIME_MAX_S: Final = 2**63 - 1  # tlog-cosignature: a timestamp must not exceed it
NAME_SIZE_MAX: Final = 255  # characters; names are addresses without a scheme
NOTE_SIZE_MAX: Final = 65_536  # bytes; a checkpoint with SIGNATURES_MAX signatures takes under 20 KB
SIGNATURES_MAX: Final = 64  # signed-note asks for at least 16
COSIGNATURE_HEADER: Final = "cosignature/v1"
_PRIVATE: Final = "PRIVATE+KEY+"
_DASH: Final = "\u2014"
_LINE: Final = re.compile(_DASH + r" ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key of 32 bytes with the name and the kind of signature that it makes."""

    name: str
    kind: int
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.kind not in {PLAIN, COSIGNATURE}:
            raise NoteError(f"a key of kind {self.kind:#04x}: only Ed25519 keys (0x01, 0x04) are known")
        if len(self.public_key) != KEY_SIZE:
            raise NoteError(f"an Ed25519 key has {KEY_SIZE} bytes, not {len(self.public_key)}")

    @property
    def key_id(self) -> bytes:
        """4 bytes that name the key beside its name."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key).digest()[:KEY_ID_SIZE]

    def to_text(self) -> str:
        """The key as one line: name, key id in hex, base64 of kind and key, joined by `+`."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.kind]) + self.public_key)}"

    def is_signed(self, text: str, signature: bytes) -> bool:
        """Whether `signature` (what follows the key id) is this key's over the note's `text`."""
        signed = text.encode()
        if self.kind == COSIGNATURE:
            if len(signature) != TIME_SIZE + SIGNATURE_SIZE:
                return False
            time_s = int.from_bytes(signature[:TIME_SIZE], "big")
            if time_s > TIME_MAX_S:
                return False
            signed, signature = cosigned_bytes(text, time_s), signature[TIME_SIZE:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, signed)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key: name, kind and the 32-byte seed of Ed25519."""

    name: str
    kind: int
    seed: bytes

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.kind, self._key.public_key().public_bytes_raw())

    def to_text(self) -> str:
        """The key as one line, to be kept secret."""
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{_base64(bytes([self.kind]) + self.seed)}"

    def sign(self, text: str, time_s: int = 0) -> str:
        """The signature line for `text`, with its newline; `time_s` (seconds since 1970) goes into a cosignature."""
        _check_text(text)
        if self.kind == COSIGNATURE:
            signature = time_s.to_bytes(TIME_SIZE, "big") + self._key.sign(cosigned_bytes(text, time_s))
        else:
            signature = self._key.sign(text.encode())
        return f"{_DASH} {self.name} {_base64(self.verifier.key_id + signature)}\n"

    @property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note, not verified: the key it names, and what follows the key id."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def time_s(self) -> int | None:
        """Seconds since 1970 in a cosignature; None when it has the size of no cosignature."""
        if len(self.value) != TIME_SIZE + SIGNATURE_SIZE:
            return None
        return int.from_bytes(self.value[:TIME_SIZE], "big")

    def to_line(self) -> str:
        """The line, without its newline."""
        return f"{_DASH} {self.name} {_base64(self.key_id + self.value)}"


@dataclass(frozen=True, slots=True)
class Note:
    """Text with its last newline, and the signatures below it."""

    text: str
    signatures: tuple[Signature, ...]

    def signed_by(self, key: VerifierKey) -> Signature | None:
        """The first signature by `key`; None when the note names it nowhere.

        Raises: NoteError when the note names the key and a signature is not its own.
        """
        named = [one for one in self.signatures if (one.name, one.key_id) == (key.name, key.key_id)]
        for one in named:
            if not key.is_signed(self.text, one.value):
                raise NoteError(f"the signature of {key.name} does not verify")
        return named[0] if named else None


def cosigned_bytes(text: str, time_s: int) -> bytes:
    """What a cosignature signs: the header line, the time line, the note's text."""
    if not 0 <= time_s <= TIME_MAX_S:
        raise NoteError(f"a cosignature's time is 0..{TIME_MAX_S}")
    return f"{COSIGNATURE_HEADER}\ntime {time_s}\n{text}".encode()


def parse_note(data: bytes) -> Note:
    """The note that `data` is; its signatures are not verified yet.

    Raises: NoteError.
    """
    if len(data) > NOTE_SIZE_MAX:
        raise NoteError(f"a note has at most {NOTE_SIZE_MAX} bytes")
    try:
        whole = data.decode()
    except UnicodeDecodeError as err:
        raise NoteError(f"a note is UTF-8, this is not at byte {err.start}") from err
    text, parted, below = whole.rpartition("\n\n")
    if not parted or not below.endswith("\n"):
        raise NoteError("a note is text, an empty line, and signature lines each ended by a newline")
    text += "\n"
    _check_text(text)
    lines = below[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteError(f"a note has at most {SIGNATURES_MAX} signatures")
    return Note(text, tuple(map(_signature, lines)))


def parse_verifier_key(line: str) -> VerifierKey:
    """The public key that one line is.

    Raises: NoteError.
    """
    name, kind, key_id, material = _key_parts(line)
    key = VerifierKey(name, kind, material)
    if key.key_id != key_id:
        raise NoteError(f"the key id {key_id.hex()} is not that of name and key")
    return key


def parse_signer_key(line: str) -> SignerKey:
    """The private key that one line is.

    Raises: NoteError, which never holds the key.
    """
    if not line.startswith(_PRIVATE):
        raise NoteError(f"a private key begins with {_PRIVATE}")
    name, kind, key_id, material = _key_parts(line.removeprefix(_PRIVATE))
    if len(material) != KEY_SIZE:
        raise NoteError(f"an Ed25519 seed has {KEY_SIZE} bytes")
    key = SignerKey(name, kind, material)
    if key.verifier.key_id != key_id:
        raise NoteError("the private key's id is not that of its name and key")
    return key


def check_name(name: str) -> None:
    """Accept a name that a key may have: no spaces, no `+`, no control characters.

    Raises: NoteError.
    """
    if len(name) > NAME_SIZE_MAX or not _NAME.fullmatch(name):
        raise NoteError(f"a key's name has 1 to {NAME_SIZE_MAX} characters, no space and no plus: {name[:80]!r}")


def _key_parts(line: str) -> tuple[str, int, bytes, bytes]:
    parts = line.split("+", 2)
    if len(parts) != 3 or not re.fullmatch("[0-9a-f]{8}", parts[1]):
        raise NoteError("a key is name, 8 hex digits and base64, joined by plus signs")
    encoded = _from_base64(parts[2])
    if not encoded:
        raise NoteError("a key without its kind")
    check_name(parts[0])
    return parts[0], encoded[0], bytes.fromhex(parts[1]), encoded[1:]


def _signature(line: str) -> Signature:
    found = _LINE.fullmatch(line)
    if found is None:
        raise NoteError(f"a signature line is a dash, a name and base64: {line[:80]!r}")
    encoded = _from_base64(found[2])
    if len(encoded) <= KEY_ID_SIZE:
        raise NoteError(f"the signature of {found[1][:80]!r} is too short")
    return Signature(found[1], encoded[:KEY_ID_SIZE], encoded[KEY_ID_SIZE:])


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(mark < " " and mark != "\n" for mark in text):
        raise NoteError("a note's text ends with a newline and holds no other control character")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as err:
        raise NoteError("a part that should be base64 is none") from err
    if _base64(data) != text:
        raise NoteError("base64 that is not in its one form")
    return data
