"""SM3 digests and SM2 signatures (GB/T 32905, GB/T 32918) by maintained libraries: no arithmetic of our own.

SM3 and the other digests come from `cryptography` (OpenSSL), SM2 from gmalg, which is pure Python: a hostile
signature meets no native code. One check takes some 30 ms.
"""

from __future__ import annotations

import gmalg
from cryptography.hazmat.primitives import hashes

SM2_WITH_SM3 = "1.2.156.10197.1.501"
SM2_CURVE = "1.2.156.10197.1.301"
SM3 = "1.2.156.10197.1.401"
DEFAULT_SIGNER_ID = b"1234567812345678"  # GM/T 0009, 10: the id where signer and reader agreed on none
POINT_SIZE = 65  # bytes: 04, x, y
SCALAR_SIZE = 32  # bytes

_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    SM3: hashes.SM3,
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
    "sm3": hashes.SM3,
    "sha256": hashes.SHA256,
    "sha-256": hashes.SHA256,
}
"""Digests that hold, by object identifier and by name in lower case. MD5 and SHA-1, which the layout standard still
names, are left out: two files with one digest can be made, so an agreeing digest says nothing."""


def digest(method: str, data: bytes) -> bytes | None:
    """Digest of `data` by a method's object identifier or name; None for a method that is unknown or too weak."""
    algorithm = _DIGESTS.get(method.strip().lower())
    if algorithm is None:
        return None
    state = hashes.Hash(algorithm())
    state.update(data)
    return state.finalize()


def sm3(data: bytes) -> bytes:
    """SM3 digest, 32 bytes."""
    state = hashes.Hash(hashes.SM3())
    state.update(data)
    return state.finalize()


def sm2_verifies(point: bytes, message: bytes, r: int, s: int, signer_id: bytes = DEFAULT_SIGNER_ID) -> bool:
    """Whether (r, s) is the SM2 signature with SM3 over `message` by the key `point` (04, x, y; 65 bytes).

    False as well for a point that is not on the curve and numbers out of range.
    """
    if len(point) != POINT_SIZE or point[0] != 4 or not all(0 < one < 1 << 8 * SCALAR_SIZE for one in (r, s)):
        return False
    try:
        key = gmalg.SM2(uid=signer_id, pk=point)
        return bool(
            key.verify_pk(point) and key.verify(message, r.to_bytes(SCALAR_SIZE, "big"), s.to_bytes(SCALAR_SIZE, "big"))
        )
    except (gmalg.errors.GMError, ArithmeticError, ValueError):
        return False
