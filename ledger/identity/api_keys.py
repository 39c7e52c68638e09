"""API keys: the credential a program sends, `einv_<id>_<secret>`.

The secret is 256 random bits, so one SHA-256 at rest is enough: there is nothing to guess, and a slow
hash would only slow every request. The text is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from ledger.identity.errors import ApiKeyError

KEY_ID_SIZE = 8  # bytes
SECRET_SIZE = 32  # bytes
_FORM = re.compile(rf"einv_([0-9a-f]{{{2 * KEY_ID_SIZE}}})_([0-9a-f]{{{2 * SECRET_SIZE}}})")


@dataclass(frozen=True)
class NewApiKey:
    """A key just made: `text` is for its owner only, `secret_hash` (32 bytes) is what is stored."""

    key_id: str
    text: str = field(repr=False)
    secret_hash: bytes


@dataclass(frozen=True)
class PresentedApiKey:
    """A key as a request sent it: the id to look up and the hash to compare."""

    key_id: str
    secret_hash: bytes = field(repr=False)

    def matches(self, stored_hash: bytes) -> bool:
        """Whether the stored hash is of the same secret; takes the same time either way."""
        return hmac.compare_digest(self.secret_hash, stored_hash)


def new_api_key() -> NewApiKey:
    """New random API key."""
    key_id, secret = secrets.token_hex(KEY_ID_SIZE), secrets.token_hex(SECRET_SIZE)
    return NewApiKey(key_id=key_id, text=f"einv_{key_id}_{secret}", secret_hash=_hash(secret))


def parse_api_key(text: str) -> PresentedApiKey:
    """The id and secret hash of a presented key.

    Raises: ApiKeyError when the text has another form; the message never repeats it.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ApiKeyError("an API key has the form einv_<16 hex digits>_<64 hex digits>")
    return PresentedApiKey(key_id=match.group(1), secret_hash=_hash(match.group(2)))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()
