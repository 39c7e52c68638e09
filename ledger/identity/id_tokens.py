"""Checking an ID token (OpenID Connect Core, 3.1.3.7): signature, issuer, audience, times, nonce.

Whoever gives the keys and the token is not trusted: sizes and forms are checked before anything is computed, keys are
looked at one by one, and only signatures that the provider alone can make count (no shared secrets, no `none`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from ledger.identity.errors import IdTokenError
from verifier.canonical import check_depth
from verifier.errors import CanonicalError

ALGORITHMS: Final = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
}
"""Signatures that are taken, and the kind of key each needs."""

_PARTS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
TOKEN_SIZE_MAX = 16_384  # characters; a provider that puts groups of a person into it takes 4,000
KEYS_MAX = 32  # keys of a provider that are looked at
RSA_MODULUS_MIN, RSA_MODULUS_MAX = 342, 1_366  # characters of Base64: 2,048 to 8,192 bits
RSA_EXPONENT_MAX = 6  # characters: 32 bits; a longer one only makes checking slow
EC_COORDINATE_MAX = 88  # characters: 521 bits
SUBJECT_LENGTH_MAX = 255  # ASCII characters, as OpenID Connect has it
LEEWAY_S = 60  # by which the provider's clock and ours may differ
SECONDS_MAX = 2**53


@dataclass(frozen=True)
class IdToken:
    """What a checked token says: whom the provider means, and when it asked who it is (None: it does not say)."""

    subject: str
    auth_time: int | None


def check_id_token(
    text: str, keys: object, *, issuer: str, client_id: str, nonce: str, now_s: int, authenticated_after: int | None
) -> IdToken:
    """The token in `text`, signed with one of `keys` (a JWK set as it was read), for this client and sign-in.

    With `authenticated_after` (seconds) its person was asked anew after that.

    Raises: IdTokenError; its `code` says why.
    """
    header = _header(text)
    claims = _verified(text, header, _keys_for(keys, header))
    _check_forms(claims)
    options = {
        "iss": {"essential": True, "value": issuer},
        "sub": {"essential": True},
        "aud": {"essential": True, "value": client_id},
        "nonce": {"essential": True, "value": nonce},
    }
    token = CodeIDToken(claims, header, options, {"nonce": nonce, "client_id": client_id})
    try:
        token.validate(now=now_s, leeway=LEEWAY_S)
    except JoseError as err:
        raise IdTokenError(f"token_{getattr(err, 'claim', None) or 'claims'}") from err
    auth_time = claims.get("auth_time")
    if authenticated_after is not None and (
        auth_time is None or not authenticated_after - LEEWAY_S <= auth_time <= now_s + LEEWAY_S
    ):
        raise IdTokenError("token_auth_time")
    return IdToken(claims["sub"], None if auth_time is None else min(int(auth_time), now_s))


def _header(text: str) -> dict[str, Any]:
    """The header, once neither it nor the claims could overflow a parser.

    Raises: IdTokenError for another form, or a signature that is not taken.
    """
    if len(text) > TOKEN_SIZE_MAX or not text.isascii() or text.count(".") != 2:
        raise IdTokenError("token_form")
    encoded, claims, _ = text.split(".")
    try:
        check_depth(_decoded(claims))
        opened = _decoded(encoded)
        check_depth(opened)
        header = json.loads(opened)
    except (ValueError, CanonicalError, binascii.Error) as err:
        raise IdTokenError("token_form") from err
    if not isinstance(header, dict):
        raise IdTokenError("token_form")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise IdTokenError("token_algorithm")
    if "crit" in header or not (kid is None or isinstance(kid, str)):
        raise IdTokenError("token_form")
    return header


def _decoded(part: str) -> str:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def _keys_for(keys: object, header: Mapping[str, Any]) -> list[RSAKey | ECKey]:
    """Public keys that may have signed: of the algorithm's kind, and with the header's id. Raises: IdTokenError."""
    listed = keys.get("keys") if isinstance(keys, dict) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise IdTokenError("provider_keys")
    kid, kind = header.get("kid"), ALGORITHMS[header["alg"]]
    found: list[RSAKey | ECKey] = []
    for one in listed:
        if not isinstance(one, dict) or one.get("kty") != kind or one.get("use", "sig") != "sig" or "d" in one:
            continue
        if (kid is not None and one.get("kid") != kid) or one.get("alg", header["alg"]) != header["alg"]:
            continue
        wanted: dict[str, str | list[str]] = {name: str(one.get(name, "")) for name in ("kty", *_PARTS[kind])}
        if not _is_sound(wanted):
            continue
        try:
            found.append(RSAKey.import_key(wanted) if kind == "RSA" else ECKey.import_key(wanted))
        except (JoseError, ValueError, KeyError, TypeError):
            continue
    if not found:
        raise IdTokenError("token_key")
    return found


def _is_sound(key: Mapping[str, str | list[str]]) -> bool:
    """Whether a key is worth computing with."""
    if not all(str(part).isascii() for part in key.values()):
        return False
    if key["kty"] == "EC":
        return all(len(part) <= EC_COORDINATE_MAX for part in key.values())
    return RSA_MODULUS_MIN <= len(key["n"]) <= RSA_MODULUS_MAX and len(key["e"]) <= RSA_EXPONENT_MAX


def _verified(text: str, header: Mapping[str, Any], keys: list[RSAKey | ECKey]) -> dict[str, Any]:
    """Claims of the token, signed with one of the keys. Raises: IdTokenError."""
    for key in keys:
        try:
            return dict(jwt.decode(text, key, algorithms=[header["alg"]]).claims)
        except (JoseError, ValueError, TypeError):
            continue
    raise IdTokenError("token_signature")


def _check_forms(claims: Mapping[str, Any]) -> None:
    """Raises: IdTokenError unless what is compared below is text, a list of texts or a time."""
    subject, audience = claims.get("sub"), claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    texts = [claims.get("iss"), claims.get("nonce"), claims.get("azp", ""), *audiences]
    if not all(isinstance(one, str) for one in texts):
        raise IdTokenError("token_claims")
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_LENGTH_MAX or not subject.isascii():
        raise IdTokenError("token_sub")
    for name in ("exp", "iat", "nbf", "auth_time"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= SECONDS_MAX:
            raise IdTokenError(f"token_{name}")
