"""Sealing of what must not be readable in the database: documents, seeds, signing keys, references.

Every item has a data key of its own, wrapped under the master key; both layers are AES-256-GCM. The
item's kind and id are authenticated with both, so a sealed item copied to another row does not open.
Forgetting an item's 60-byte wrapped key forgets the item.

Layout of the sealed bytes: version 1 | wrap nonce 12 | wrapped key 32 + tag 16 | nonce 12 | ciphertext + tag 16.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.identity.errors import MasterKeyError, SealError
from ledger.identity.master_key import MASTER_KEY_SIZE

SealedBytes = NewType("SealedBytes", bytes)

SEAL_VERSION = 1
NONCE_SIZE = 12
TAG_SIZE = 16
DATA_KEY_SIZE = 32
WRAPPED_SIZE = NONCE_SIZE + DATA_KEY_SIZE + TAG_SIZE
SEALED_SIZE_MIN = 1 + WRAPPED_SIZE + NONCE_SIZE + TAG_SIZE
PLAINTEXT_SIZE_MAX = 16 * 1024 * 1024  # the largest document with attachments; keeps one row from exhausting memory


class Vault:
    """Seals and opens items under one 32-byte master key.

    Random 96-bit nonces under one master key are safe for 2**32 items (NIST SP 800-38D, 8.3).
    """

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != MASTER_KEY_SIZE:
            raise MasterKeyError(f"a master key has {MASTER_KEY_SIZE} bytes", source="argument")
        self._wrap = AESGCM(master_key)
        self._index_key = hmac.digest(master_key, b"einvoice-index", hashlib.sha256)

    def index(self, text: str, kind: str) -> bytes:
        """32 bytes that find a sealed text of that kind again: equal texts have equal ones (HMAC-SHA256).

        Without the master key nothing can be tested against it; with the database alone one sees which rows are equal.
        """
        return hmac.digest(self._index_key, _associated(kind, text), hashlib.sha256)

    def seal(self, plaintext: bytes, kind: str, item_id: str) -> SealedBytes:
        """Sealed `plaintext`, which only `open` with the same master key, kind and id gives back.

        Raises: SealError when the plaintext is over PLAINTEXT_SIZE_MAX.
        """
        if len(plaintext) > PLAINTEXT_SIZE_MAX:
            raise SealError(f"an item to seal has at most {PLAINTEXT_SIZE_MAX} bytes", kind=kind, item_id=item_id)
        bound = _associated(kind, item_id)
        data_key = secrets.token_bytes(DATA_KEY_SIZE)
        wrap_nonce = secrets.token_bytes(NONCE_SIZE)
        nonce = secrets.token_bytes(NONCE_SIZE)
        return SealedBytes(
            bytes((SEAL_VERSION,))
            + wrap_nonce
            + self._wrap.encrypt(wrap_nonce, data_key, b"key\0" + bound)
            + nonce
            + AESGCM(data_key).encrypt(nonce, plaintext, b"item\0" + bound)
        )

    def open(self, sealed: bytes, kind: str, item_id: str) -> bytes:
        """Plaintext of `sealed`.

        Raises: SealError when key, kind or id differ from those it was sealed with, or any byte was changed.
        """
        if len(sealed) < SEALED_SIZE_MIN or sealed[0] != SEAL_VERSION:
            raise SealError(f"not a sealed {kind} of version {SEAL_VERSION}", kind=kind, item_id=item_id)
        bound = _associated(kind, item_id)
        wrapped, rest = sealed[1 : 1 + WRAPPED_SIZE], sealed[1 + WRAPPED_SIZE :]
        try:
            data_key = self._wrap.decrypt(wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:], b"key\0" + bound)
            return AESGCM(data_key).decrypt(rest[:NONCE_SIZE], rest[NONCE_SIZE:], b"item\0" + bound)
        except InvalidTag as err:
            raise SealError(
                f"a sealed {kind} does not open: another master key, another row's bytes, or changed bytes",
                kind=kind,
                item_id=item_id,
            ) from err


def _associated(kind: str, item_id: str) -> bytes:
    """Associated data that binds kind and id; lengths keep ("ab", "c") apart from ("a", "bc")."""
    kind_bytes, id_bytes = kind.encode(), item_id.encode()
    return (
        b"einvoice-seal\0"
        + len(kind_bytes).to_bytes(2, "big")
        + kind_bytes
        + len(id_bytes).to_bytes(2, "big")
        + id_bytes
    )
