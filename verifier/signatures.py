"""ECDSA on secp256k1 over 32-byte digests, in the one form this system accepts.

The `cryptography` package verifies; what it leaves open is closed here: high s is refused, so a signature
has no second form, and a seal's recovery bit is checked, so that no byte of a header can change.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from verifier.hashing import keccak256
from verifier.operations import SECP256K1_ORDER

FIELD_PRIME = 2**256 - 2**32 - 977  # of secp256k1: y**2 = x**3 + 7
PUBLIC_KEY_SIZE = 64  # x and y
ADDRESS_SIZE = 20
_PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))  # any 32-byte digest; the name only says its size


def load_public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """Key of 64 bytes, x then y.

    Raises: ValueError when they are not a point of the curve.
    """
    if len(point) != PUBLIC_KEY_SIZE:
        raise ValueError(f"a public key has {PUBLIC_KEY_SIZE} bytes, not {len(point)}")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), b"\x04" + point)


def address_of(point: bytes) -> bytes:
    """20-byte address of a 64-byte public key: the last bytes of its keccak256."""
    return keccak256(point)[-ADDRESS_SIZE:]


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """64 bytes of a public key, x then y."""
    numbers = key.public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def is_canonical(r: int, s: int) -> bool:
    """Whether both are in range and s is the low one of its two forms."""
    return 0 < r < SECP256K1_ORDER and 0 < s <= SECP256K1_ORDER // 2


def is_signed(key: ec.EllipticCurvePublicKey, digest: bytes, r: int, s: int) -> bool:
    """Whether (r, s) is the canonical signature of the 32-byte `digest` by `key`."""
    if not is_canonical(r, s):
        return False
    try:
        key.verify(utils.encode_dss_signature(r, s), digest, _PREHASHED)
    except InvalidSignature:
        return False
    return True


def recovery_bit(key: ec.EllipticCurvePublicKey, digest: bytes, r: int, s: int) -> int | None:
    """0 or 1: whether the y of the point R behind a valid signature is even or odd; None when x of R is not r.

    R = (digest / s) G + (r / s) key. The library gives the first point whole and of the second only x (a key
    agreement), whose y is one of two roots; only the right one adds up to a point with x = r.
    """
    inverse = pow(s, -1, SECP256K1_ORDER)
    first = int.from_bytes(digest, "big") * inverse % SECP256K1_ORDER
    if first == 0:
        return None
    of_base = ec.derive_private_key(first, ec.SECP256K1()).public_key().public_numbers()
    factor = ec.derive_private_key(r * inverse % SECP256K1_ORDER, ec.SECP256K1())
    x = int.from_bytes(factor.exchange(ec.ECDH(), key), "big")
    root = pow(x**3 + 7, (FIELD_PRIME + 1) // 4, FIELD_PRIME)
    for y in (root, FIELD_PRIME - root):
        if x == of_base.x:
            continue
        slope = (y - of_base.y) * pow(x - of_base.x, -1, FIELD_PRIME) % FIELD_PRIME
        sum_x = (slope * slope - x - of_base.x) % FIELD_PRIME
        if sum_x == r:
            return (slope * (x - sum_x) - y) % FIELD_PRIME & 1
    return None
