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
}
_SECRET = f"einv_{'0a' * 8}_{'0b' * 32}"


def api_key_examples(example: Callable[..., T]) -> dict[str, T]:
    """By operation id; `example` takes the answers by status, and the request."""
    return {
        "make_api_key": example(
            {201: {**_KEY, "last_used_at": None, "api_key": _SECRET}},
            {"label": "till 3", "scopes": ["read", "issue"], "lifetime_days": 365},
        ),
        "list_api_keys": example({200: {"items": [_KEY]}}),
        "revoke_api_key": example({201: {**_KEY, "state": "revoked", "revoked_at": "2026-11-06T08:00:00Z"}}, {}),
    }
