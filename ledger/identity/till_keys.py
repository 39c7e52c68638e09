"""Keys of tills: Ed25519, so that a till signs off line and whoever holds its public key cannot."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TILL_KEY_SIZE = 32  # bytes, private as well as public


def new_till_key() -> bytes:
    """A new private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def till_public_key(private_key: bytes) -> bytes:
    """The public key of a private one. Raises: ValueError unless it has TILL_KEY_SIZE bytes."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def sign_with_till(private_key: bytes, message: bytes) -> bytes:
    """The 64-byte signature of a message; always the same bytes."""
    return Ed25519PrivateKey.from_private_bytes(private_key).sign(message)


def is_signed_by_till(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the till with that public key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
