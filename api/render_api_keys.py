"""API keys as plain JSON values."""

from __future__ import annotations

from datetime import datetime

from api.render import time_text
from ledger.service.api_key_views import ApiKeyView
from verifier.canonical import Json


def api_key_json(view: ApiKeyView) -> dict[str, Json]:
    """A key without its secret."""
    return {
        "key_id": view.key_id,
        "party": view.party,
        "label": view.label,
        "scopes": list(view.scopes),
        "state": view.state,
        "signed_in": view.signed_in,
        "created_at": time_text(view.created_at),
        "expires_at": _time(view.expires_at),
        "last_used_at": _time(view.last_used_at),
        "revoked_at": _time(view.revoked_at),
        "made_by": view.made_by,
        "made_with": view.made_with,
        "made_in": view.made_in,
    }


def made_json(view: ApiKeyView) -> dict[str, Json]:
    """A key just made, with its secret."""
    return {**api_key_json(view), "api_key": view.secret}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)
