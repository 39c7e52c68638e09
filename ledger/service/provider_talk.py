"""What is asked of a company's sign-in provider: its metadata, where to send a person, and who came back.

OpenID Connect discovery, authorization code with PKCE (S256), and the ID token of the answer. Nothing is remembered
between two sign-ins: a provider that changes its keys is believed at once, and one that lies lies about itself alone.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

from ledger.identity import IdTokenError
from ledger.identity.id_tokens import TOKEN_SIZE_MAX, IdToken, check_id_token
from ledger.service.errors import ProviderFailed
from ledger.service.provider_fetch import OK, fetch
from ledger.service.webhook_posts import UrlRefusedError, checked_url

WELL_KNOWN = "/.well-known/openid-configuration"
ENDPOINT_LENGTH_MAX = 1_024  # characters of an address in a provider's metadata
CODE_LENGTH_MAX = 4_096  # characters of an authorization code


@dataclass(frozen=True)
class Metadata:
    """Of a provider's discovery document what is used here; each address passed the guard's form."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    posts_secret: bool  # takes the client's secret in the form only, not as HTTP Basic
    names_itself: bool  # says `iss` beside the code (RFC 9207)


@dataclass(frozen=True)
class Asked:
    """What one sign-in is bound to: where its answer comes, and three random texts."""

    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def read_metadata(issuer: str, *, private: bool) -> Metadata:
    """The provider's metadata. Raises: ProviderFailed when it does not answer, or says what it may not."""
    answer = fetch(issuer.rstrip("/") + WELL_KNOWN, private=private)
    if answer.status != OK:
        raise ProviderFailed("provider_metadata")
    if answer.said.get("issuer") != issuer:
        raise ProviderFailed("provider_issuer")
    addresses: dict[str, str] = {}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        address = answer.said.get(name)
        if not isinstance(address, str) or len(address) > ENDPOINT_LENGTH_MAX:
            raise ProviderFailed("provider_metadata")
        try:
            checked_url(address, private=private)
        except UrlRefusedError as err:
            raise ProviderFailed(f"provider_{err.code}") from err
        addresses[name] = address
    methods = answer.said.get("token_endpoint_auth_methods_supported")
    posts = isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods
    named = answer.said.get("authorization_response_iss_parameter_supported") is True
    return Metadata(
        issuer, addresses["authorization_endpoint"], addresses["token_endpoint"], addresses["jwks_uri"],
        posts_secret=posts, names_itself=named,
    )  # fmt: skip


def authorization_address(metadata: Metadata, client_id: str, asked: Asked, *, again: bool) -> str:
    """Where a person's browser goes to sign in; `again`: and be asked who it is, whatever the provider remembers."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": client_id, "redirect_uri": asked.redirect_uri, "scope": "openid",
        "state": asked.state, "nonce": asked.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if again else {}),
    }  # fmt: skip
    mark = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{mark}{urlencode(query)}"


def who_came_back(
    metadata: Metadata, client_id: str, secret: str, code: str, asked: Asked, *, private: bool, now_s: int,
    authenticated_after: int | None,
) -> IdToken:  # fmt: skip
    """Whom the provider means by a code that a browser brought.

    Raises: ProviderFailed, also for a code that is not this sign-in's, and for a token that does not hold.
    """
    if not 1 <= len(code) <= CODE_LENGTH_MAX:
        raise ProviderFailed("provider_code")
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri,
        "code_verifier": asked.verifier,
    }  # fmt: skip
    headers = {}
    if metadata.posts_secret:
        form |= {"client_id": client_id, "client_secret": secret}
    else:
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    answer = fetch(metadata.token_endpoint, private=private, form=urlencode(form).encode(), headers=headers)
    if answer.status != OK:
        refused = answer.said.get("error") == "invalid_grant"
        raise ProviderFailed("provider_code" if refused else "provider_token")
    token = answer.said.get("id_token")
    if not isinstance(token, str) or len(token) > TOKEN_SIZE_MAX:
        raise ProviderFailed("provider_token")
    keys = fetch(metadata.jwks_uri, private=private)
    if keys.status != OK:
        raise ProviderFailed("provider_keys")
    try:
        return check_id_token(
            token, keys.said, issuer=metadata.issuer, client_id=client_id, nonce=asked.nonce, now_s=now_s,
            authenticated_after=authenticated_after,
        )  # fmt: skip
    except IdTokenError as err:
        raise ProviderFailed(err.code) from err
