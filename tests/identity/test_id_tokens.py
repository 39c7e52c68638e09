"""ID tokens: what is taken, and what one change away is not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from ledger.identity import IdTokenError
from ledger.identity.id_tokens import KEYS_MAX, LEEWAY_S, TOKEN_SIZE_MAX, IdToken, check_id_token

NOW = 1_790_000_000
ISSUER, CLIENT, NONCE = "https://login.example.com", "einvoice", "n-0S6_WzA2Mj"
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
WEAK = {"kty": "RSA", "kid": "rsa", "n": RSA.as_dict(private=False)["n"][:171], "e": "AQAB"}  # 1,024 bits
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "sub": "li.ming", "aud": CLIENT, "nonce": NONCE, "iat": NOW - 5, "exp": NOW + 300,
    "auth_time": NOW - 20,
}  # fmt: skip


def public(*keys: Any) -> dict[str, Any]:
    return {"keys": [one.as_dict(private=False) for one in keys]}


@dataclass
class Token:
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "rsa"})
    key: Any = field(default_factory=lambda: RSA)
    keys: Any = field(default_factory=lambda: public(RSA, EC))

    @property
    def text(self) -> str:
        claims = {name: value for name, value in {**CLAIMS, **self.claims}.items() if value is not None}
        return jwt.encode(self.header, claims, self.key, algorithms=[self.header["alg"]])

    def checked(self, **changes: Any) -> IdToken:
        expected = {
            "issuer": ISSUER, "client_id": CLIENT, "nonce": NONCE, "now_s": NOW, "authenticated_after": None, **changes,
        }  # fmt: skip
        return check_id_token(self.text, self.keys, **expected)


@pytest.mark.parametrize(
    "token",
    [
        Token(),
        Token(header={"alg": "PS256", "kid": "rsa"}),
        Token(header={"alg": "ES256", "kid": "ec"}, key=EC),
        Token(header={"alg": "RS256"}),
        Token({"aud": [CLIENT]}),
        Token({"aud": [CLIENT, "another"], "azp": CLIENT}),
        Token({"exp": NOW - LEEWAY_S + 1}),
        Token(keys=public(OTHER, EC, RSA)),
    ],
    ids=["plain", "PS256", "ES256", "no kid", "list", "list with azp", "just in time", "key rolled over"],
)
def test_token_of_the_provider_for_this_sign_in_is_taken(token: Token) -> None:
    assert token.checked() == IdToken("li.ming", NOW - 20)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (Token({"nonce": "another"}), "token_nonce"),
        (Token({"nonce": None}), "token_claims"),
        (Token({"aud": "another"}), "token_aud"),
        (Token({"aud": [CLIENT, "another"]}), "token_azp"),
        (Token({"azp": "another"}), "token_azp"),
        (Token({"iss": "https://login.example.org"}), "token_iss"),
        (Token({"exp": NOW - LEEWAY_S}), "token_exp"),
        (Token({"exp": None}), "token_exp"),
        (Token({"iat": NOW + LEEWAY_S + 1}), "token_iat"),
        (Token({"nbf": NOW + LEEWAY_S + 1}), "token_nbf"),
        (Token({"sub": None}), "token_sub"),
        (Token({"sub": "x" * 256}), "token_sub"),
        (Token({"sub": 7}), "token_sub"),
        (Token({"exp": "later"}), "token_exp"),
        (Token({"exp": float("nan")}), "token_exp"),
        (Token({"iss": [ISSUER]}), "token_claims"),
        (Token(key=OTHER), "token_signature"),
        (Token(header={"alg": "RS256", "kid": "gone"}), "token_key"),
        (Token(header={"alg": "ES256", "kid": "rsa"}, key=EC), "token_key"),
        (Token(header={"alg": "HS256", "kid": "rsa"}, key=OctKey.import_key(b"a client secret that both know")),
         "token_algorithm"),
        (Token(keys={"keys": [WEAK]}), "token_key"),
        (Token(keys={"keys": [RSA.as_dict(private=False)] * (KEYS_MAX + 1)}), "provider_keys"),
        (Token(keys=[]), "provider_keys"),
        (Token(keys={"keys": [{**RSA.as_dict(private=False), "use": "enc"}]}), "token_key"),
        (Token(keys={"keys": [{**RSA.as_dict(private=False), "e": "A" * 400}]}), "token_key"),
        (Token({"groups": "x" * TOKEN_SIZE_MAX}), "token_form"),
        (Token({"groups": json.loads("[" * 200 + "]" * 200)}), "token_form"),
    ],
)  # fmt: skip
def test_token_one_change_away_is_refused(token: Token, code: str) -> None:
    with pytest.raises(IdTokenError) as caught:
        token.checked()
    assert caught.value.code == code


def test_a_token_without_a_signature_is_refused() -> None:
    header, claims, _ = Token().text.split(".")
    for text in (f"{header}.{claims}.", f"eyJhbGciOiJub25lIn0.{claims}.", f"{header}.{claims}", "", "..", "a.b.c.d.e"):
        with pytest.raises(IdTokenError):
            check_id_token(
                text, public(RSA), issuer=ISSUER, client_id=CLIENT, nonce=NONCE, now_s=NOW, authenticated_after=None
            )


@pytest.mark.parametrize(
    ("auth_time", "taken"),
    [(NOW - 10, True), (NOW - 10 - LEEWAY_S, True), (NOW - 11 - LEEWAY_S, False), (NOW + LEEWAY_S + 1, False),
     (None, False), (True, False)],
)  # fmt: skip
def test_asked_again_means_since_it_was_wanted(auth_time: int | None, taken: bool) -> None:
    token = Token({"auth_time": auth_time})
    if taken:
        assert token.checked(authenticated_after=NOW - 10).auth_time == auth_time
        return
    with pytest.raises(IdTokenError, match="auth_time"):
        token.checked(authenticated_after=NOW - 10)


@given(
    st.one_of(st.text(), st.from_regex(r"[A-Za-z0-9_=-]{0,40}(\.[A-Za-z0-9_=-]{0,40}){2}", fullmatch=True)),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda part: st.lists(part) | st.dictionaries(
        st.sampled_from(["keys", "kty", "n", "e", "x", "y", "crv", "kid", "use"]), part)),
)  # fmt: skip
def test_nothing_but_a_refusal_comes_of_hostile_bytes(text: str, keys: object) -> None:
    with pytest.raises(IdTokenError):
        check_id_token(text, keys, issuer=ISSUER, client_id=CLIENT, nonce=NONCE, now_s=NOW, authenticated_after=None)
    with pytest.raises(IdTokenError):
        check_id_token(
            Token().text, keys, issuer=ISSUER, client_id=CLIENT, nonce=NONCE, now_s=NOW, authenticated_after=None
        )
