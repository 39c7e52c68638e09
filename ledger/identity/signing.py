"""secp256k1 keys and the signatures of groups.

A private key is 32 bytes, a public key 65 bytes (0x04, x, y), an address the last 20 bytes of the public
key's Keccak-256, as everywhere on the EVM.
"""

from __future__ import annotations

import secrets

from coincurve import PrivateKey, PublicKey

from ledger.domain.groups import ChainDomain, Group, SignedGroup
from ledger.identity.errors import SigningError
from verifier.hashing import keccak256
from verifier.operations import SECP256K1_ORDER

PRIVATE_KEY_SIZE = 32
PUBLIC_KEY_SIZE = 65
ADDRESS_SIZE = 20
SIGNATURE_SIZE = 65
RECOVERY_OFFSET = 27  # ecrecover's v: 27 or 28


def new_key() -> bytes:
    """New random private key, 32 bytes."""
    while True:
        key = secrets.token_bytes(PRIVATE_KEY_SIZE)
        if 0 < int.from_bytes(key, "big") < SECP256K1_ORDER:
            return key


def public_key_of(key: bytes) -> bytes:
    """Uncompressed public key of private key `key`, 65 bytes.

    Raises: SigningError when `key` is not a private key.
    """
    return _private(key).public_key.format(compressed=False)


def address_of(key: bytes) -> bytes:
    """20-byte address of private key `key`.

    Raises: SigningError when `key` is not a private key.
    """
    return address_of_public_key(public_key_of(key))


def address_of_public_key(public_key: bytes) -> bytes:
    """20-byte address of a public key in compressed or uncompressed form.

    Raises: SigningError when the bytes are no point of the curve.
    """
    try:
        point = PublicKey(public_key).format(compressed=False)
    except ValueError as err:
        raise SigningError(
            "not a secp256k1 public key (33 or 65 bytes)", "不是 secp256k1 公钥（33 或 65 字节）"
        ) from err
    return keccak256(point[1:])[-ADDRESS_SIZE:]


def sign_digest(key: bytes, digest: bytes) -> tuple[int, int, int]:
    """(v, r, s) over a 32-byte digest; v is 27 or 28, s at most half the curve order.

    Raises: SigningError when `key` is not a private key.
    """
    signature = _private(key).sign_recoverable(digest, hasher=None)
    r, s, recovery = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    if recovery > 1 or s > SECP256K1_ORDER // 2:
        raise SigningError(
            "a signature outside the range the contract accepts; sign another group",
            "签名超出合约接受的范围，请对另一操作组签名",
        )
    return RECOVERY_OFFSET + recovery, r, s


def sign_group(key: bytes, group: Group, domain: ChainDomain) -> SignedGroup:
    """`group` signed with `key` for the ledger `domain`; deterministic (RFC 6979).

    Raises: SigningError when `key` is not a private key.
    """
    v, r, s = sign_digest(key, group.digest(domain))
    return SignedGroup(group=group, v=v, r=r, s=s)


def read_signature(text: str) -> tuple[int, int, int]:
    """(v, r, s) of a signature as wallets give it: r, s, v as 65 bytes hex, with or without 0x.

    Some wallets give v as 0 or 1, which is 27 or 28 here.

    Raises: SigningError for another form.
    """
    digits = text.removeprefix("0x")
    try:
        given = bytes.fromhex(digits)
    except ValueError:
        given = b""
    if len(given) != SIGNATURE_SIZE or len(digits) != 2 * SIGNATURE_SIZE:
        raise SigningError(
            "a signature is r, s and v: 65 bytes as 130 hex digits",
            "签名由 r、s、v 组成：65 字节，写作 130 位十六进制数字",
        )
    v = given[64] + RECOVERY_OFFSET if given[64] < 2 else given[64]
    return v, int.from_bytes(given[:32], "big"), int.from_bytes(given[32:64], "big")


def signature_text(signature: tuple[int, int, int]) -> str:
    """(v, r, s) as wallets give it: 0x, then r, s and v as 130 hex digits. `read_signature` reads it back."""
    v, r, s = signature
    return f"0x{r:064x}{s:064x}{v:02x}"


def signer_of(signed: SignedGroup, domain: ChainDomain) -> bytes:
    """20-byte address whose key signed `signed` for `domain`.

    Raises: SigningError when the signature is out of range, has a high s, or recovers no key.
    """
    return address_of_public_key(public_key_of_signature(signed.group.digest(domain), signed.v, signed.r, signed.s))


def public_key_of_signature(digest: bytes, v: int, r: int, s: int) -> bytes:
    """Public key, 65 bytes, whose owner signed the 32-byte `digest`. Raises: SigningError, as `signer_of`."""
    if v not in (RECOVERY_OFFSET, RECOVERY_OFFSET + 1):
        raise SigningError("v of a signature is 27 or 28", "签名的 v 应为 27 或 28")
    if not (0 < r < SECP256K1_ORDER and 0 < s <= SECP256K1_ORDER // 2):
        raise SigningError(
            "r or s of a signature is out of range; s is at most half the curve order",
            "签名的 r 或 s 超出范围；s 不得大于曲线阶的一半",
        )
    compact = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((v - RECOVERY_OFFSET,))
    try:
        public_key = PublicKey.from_signature_and_message(compact, digest, hasher=None)
        return public_key.format(compressed=False)
    except ValueError as err:
        raise SigningError("the signature recovers no public key", "由该签名无法还原公钥") from err


def _private(key: bytes) -> PrivateKey:
    if len(key) != PRIVATE_KEY_SIZE or not 0 < int.from_bytes(key, "big") < SECP256K1_ORDER:
        raise SigningError(
            "a private key has 32 bytes and lies inside the curve order", "私钥为 32 字节且须在曲线阶之内"
        )
    return PrivateKey(key)
