"""Drafts as plain JSON values."""

from __future__ import annotations

from api.render import time_text
from ledger.service.draft_views import DraftView
from verifier.canonical import Json


def draft_summary_json(view: DraftView) -> dict[str, Json]:
    """A draft as lists show it."""
    return {
        "digest": view.digest,
        "created_at": time_text(view.created_at),
        "sign_by": time_text(view.sign_by),
        "says": list(view.says),
        "numbers": list(view.numbers),
    }


def draft_json(view: DraftView) -> dict[str, Json]:
    """A draft with its typed data."""
    return {**draft_summary_json(view), "typed_data": view.typed_data}
