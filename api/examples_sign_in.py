"""Examples of signing in, sessions and invitations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verifier.canonical import Json

T = TypeVar("T")

_SESSION_ID = "7f" * 16
_TOKEN = f"{'7f' * 16}.{'c3' * 32}"
_SESSION: Json = {
    "session_id": _SESSION_ID,
    "created_at": "2026-11-05T02:30:00Z",
    "last_used_at": "2026-11-05T02:41:00Z",
    "expires_at": "2026-11-05T14:30:00Z",
    "agent": "Firefox, Linux",
    "current": True,
    "company": None,
}
_SIGNED_IN: Json = {"party": 12, "kind": "person", "name": "李明", "session": _SESSION}
_PASSWORD = "seven ravens by the window 41"  # noqa: S105  an example's
_PROVIDER: Json = {
    "provider_id": "5d" * 16,
    "enterprise": 7,
    "issuer": "https://login.example.com",
    "client_id": "einvoice",
    "created_at": "2026-11-05T02:30:00Z",
    "sign_in": f"https://ledger.example.com/sign-in/through/{'5d' * 16}",
    "redirect_uri": f"https://ledger.example.com/sign-in/through/{'5d' * 16}/answer",
    "linked_count": 3,
}
_CLIENT: Json = {"issuer": "https://login.example.com", "client_id": "einvoice", "client_secret": "kW3xM8sTq2"}
_INVITED: Json = {
    "party": 12,
    "invitation": _TOKEN,
    "link": f"https://ledger.example.com/invitation?i={_TOKEN}",
    "expires_at": "2026-11-08T02:30:00Z",
}
_MEMBERS: Json = [
    {"person": 12, "grants": ["claim"], "invite": True},
    {"person": 13, "grants": ["finance", "claim"]},
]


def sign_in_examples(made: Callable[[dict[int, Json], Json], T], write: Callable[..., T]) -> dict[str, T]:
    """By operation; `made` takes answers by status and the request."""
    return {
        "open_session": made({201: _SIGNED_IN}, {"name": "li.ming@example.com", "password": _PASSWORD}),
        "list_sessions": made({200: {"items": [_SESSION]}}, None),
        "end_session": made({200: {"ended": 1}}, None),
        "end_sessions": made({200: {"ended": 3}}, None),
        "confirm_session": made({200: {"items": [_SESSION]}}, {"password": _PASSWORD}),
        "change_password": made(
            {200: _SIGNED_IN}, {"password": _PASSWORD, "new_password": "another sentence with 7 ducks"}
        ),
        "invite_parties": made({201: {"items": [_INVITED]}}, {"parties": [12]}),
        "accept_invitation": made(
            {201: _SIGNED_IN}, {"invitation": _TOKEN, "name": "li.ming@example.com", "password": _PASSWORD}
        ),
        "register_provider": made({201: _PROVIDER}, _CLIENT),
        "list_providers": made({200: {"items": [_PROVIDER]}}, None),
        "remove_provider": made({201: {"links": 3}}, {}),
        "import_members": write(
            {"rows": _MEMBERS, "subject": 7},
            numbers=[],
            rows=[
                {"person": 12, "grants": ["claim"], "state": "signed", "invitation": _INVITED},
                {"person": 13, "grants": ["finance", "claim"], "state": "held", "invitation": None},
            ],
        ),
        "remove_member": write({"subject": 7}, numbers=[]),
    }
