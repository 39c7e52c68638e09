"""Examples of API keys and challenges; merged into api.examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")
_KEY: dict[str, Json] = {
    "key_id": "0a" * 8,
    "party": 7,
    "label": "till 3",
    "scopes": ["read", "issue"],
    "state": "active",
    "signed_in": False,
    "created_at": "2026-11-05T02:30:00Z",
    "expires_at": "2027-11-05T02:30:00Z",
    "last_used_at": "2026-11-05T09:12:44Z",
    "revoked_at": None,
    "made_by": 7,
    "made_with": "1b" * 8,
    "made_in": None,
}
_ADDRESS = "0x" + "5e" * 20
_CHALLENGE: dict[str, Json] = {
    "challenge_id": "0d" * 61,
    "expires_at": "2026-11-05T02:32:00Z",
    "typed_data": {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "SignIn": [
                {"name": "party", "type": "uint32"},
                {"name": "scopes", "type": "string"},
                {"name": "nonce", "type": "bytes32"},
                {"name": "expires", "type": "uint64"},
            ],
        },
        "primaryType": "SignIn",
        "domain": {
            "name": "E-Invoice Ledger",
            "version": "1",
            "chainId": 440300,
            "verifyingContract": "0x" + "c0" * 20,
        },
        "message": {"party": 7, "scopes": "read issue", "nonce": "0x" + "0d" * 32, "expires": 1793845920},
    },
}
_SECRET = f"einv_{'0a' * 8}_{'0b' * 32}"


def api_key_examples(example: Callable[..., T]) -> dict[str, T]:
    """By operation id; `example` takes the answers by status, and the request."""
    return {
        "make_api_key": example(
            {201: {**_KEY, "last_used_at": None, "api_key": _SECRET}},
            {"label": "till 3", "scopes": ["read", "issue"], "lifetime_days": 365},
        ),
        "ask_challenge": example({200: _CHALLENGE}, {"party": 7, "scopes": ["read", "issue"]}),
        "answer_challenge": example(
            {
                200: {
                    **_KEY,
                    "label": _ADDRESS,
                    "signed_in": True,
                    "last_used_at": None,
                    "made_with": None,
                    "api_key": _SECRET,
                }
            },
            {"signature": "0x" + "1c" * 65},
        ),
        "list_api_keys": example({200: {"items": [_KEY]}}),
        "revoke_api_key": example({201: {**_KEY, "state": "revoked", "revoked_at": "2026-11-06T08:00:00Z"}}, {}),
    }
