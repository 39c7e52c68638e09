"""Webhooks and their deliveries as plain JSON values; events have theirs from the service, as webhooks send them."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from api.render import time_text
from ledger.service.event_views import EventPage, event_json
from ledger.service.webhook_views import DeliveryView, WebhookView
from verifier.canonical import Json


def events_json(page: EventPage) -> dict[str, Json]:
    return {"items": [event_json(one) for one in page.items], "next_cursor": page.next_cursor, "more": page.more}


def flat_json(view: WebhookView | DeliveryView) -> dict[str, Json]:
    """Fields of a view that are plain already, and times."""
    found: dict[str, Json] = {}
    for field in fields(view):
        value = getattr(view, field.name)
        found[field.name] = time_text(value) if isinstance(value, datetime) else value
    return found
