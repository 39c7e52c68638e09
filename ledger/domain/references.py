"""Salted references: what `ref` of an operation says, hidden until the salt is shown.

A plain hash of a short text (a reason, a payment number) can be found by trying texts; 16 random bytes
before it prevent that. Whoever holds salt and text proves what was meant.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from ledger.domain.errors import SaltError
from verifier.hashing import keccak256

SALT_SIZE = 16  # bytes; 128 bits cannot be searched


@dataclass(frozen=True, slots=True)
class SaltedReference:
    """A text and the 16-byte salt that hides it; `ref` goes into the operation."""

    salt: bytes
    text: str

    @property
    def ref(self) -> bytes:
        """keccak256(salt || UTF-8 text), 32 bytes."""
        return reference_hash(self.salt, self.text)


def reference_hash(salt: bytes, text: str) -> bytes:
    """keccak256(salt || UTF-8 text), 32 bytes.

    Raises: SaltError unless the salt is 16 bytes.
    """
    if len(salt) != SALT_SIZE:
        raise SaltError(len(salt))
    return keccak256(salt + text.encode())


def new_reference(text: str) -> SaltedReference:
    """`text` under a fresh random salt."""
    return SaltedReference(secrets.token_bytes(SALT_SIZE), text)


def reference_matches(ref: bytes, salt: bytes, text: str) -> bool:
    """Whether `ref` hides this text under this salt.

    Raises: SaltError unless the salt is 16 bytes.
    """
    return secrets.compare_digest(ref, reference_hash(salt, text))
