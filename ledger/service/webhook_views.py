"""Webhooks and their deliveries as their owner sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class WebhookView:
    """A webhook. `secret` is told once, when it is made or changed; "" ever after."""

    webhook_id: str
    url: str
    state: str  # active, paused, ended
    waiting_count: int
    created_at: datetime
    updated_at: datetime
    secret: str = ""


@dataclass(frozen=True)
class DeliveryView:
    """The sending of one event; `cursor` is the event's own in the feed."""

    delivery_id: str
    cursor: str
    state: str  # waiting, delivered, dead
    attempts: int
    next_try_at: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class DeliveryPage:
    """Deliveries, newest first."""

    items: tuple[DeliveryView, ...]
    next_cursor: str | None
