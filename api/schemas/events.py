"""Shapes of the feed of events and of webhooks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.fields import CLAIM_ID_PATTERN, CURSOR_PATTERN
from api.schemas.answers import Time
from api.schemas.values import Cursor, Hash, Month, Number, Strength, Strict

URL_LENGTH_MAX = 2_048

WebhookId = Annotated[str, Field(pattern=CLAIM_ID_PATTERN, description="Id of a webhook.")]
DeliveryId = Annotated[str, Field(pattern=CURSOR_PATTERN, description="Id of a delivery.")]
Url = Annotated[
    str, Field(min_length=1, max_length=URL_LENGTH_MAX, description="Where events go: https://host/path, no redirects.")
]
WebhookState = Literal["active", "paused", "ended"]
DeliveryState = Literal["waiting", "delivered", "dead"]


class EventState(Strict):
    """An invoice right after the operation."""

    colour: Literal["normal", "partly_red", "fully_red"]
    claim_state: Literal["free", "locked", "settled", "cancelled"]
    entry: Literal["not_booked", "deductible", "not_deductible", "withdrawn"]
    risk: bool
    holder: int
    gross_fen: int
    credited_fen: int
    version: int
    issued_here: Annotated[bool, Field(description="False: registered from elsewhere; its issue was not seen here.")]
    strength: Strength


class EventRefusal(Strict):
    """Why the contract refused the group."""

    reason: str
    code: int
    number: Number | None
    message: str
    message_zh: str
    action: str
    action_zh: str


class Event(Strict):
    """One operation as the caller may know it."""

    cursor: Annotated[str, Field(description="Go on after it with `after`.")]
    at: Time
    block: int
    digest: Hash
    operation: str
    text: str
    text_zh: str
    outcome: Literal["applied", "refused"]
    roles: Annotated[list[str], Field(description="As what the caller sees it; `former`: that ended with it.")]
    actor: int
    subject: int
    party: Annotated[int | None, Field(description="The other party it names.")]
    number: Annotated[str | None, Field(description="The invoice, of a red letter the red one.")]
    month: Month | None
    claim_id: str | None
    state: Annotated[EventState | None, Field(description="null: not of an invoice, refused, or no longer yours.")]
    blue: Number | None
    blue_state: EventState | None
    exception_kinds: Annotated[list[str], Field(description="What it raised, for the company told and officers.")]
    exception_text: str
    exception_text_zh: str
    refusal: EventRefusal | None


class EventPage(Strict):
    """Events in chain order; `next_cursor` is always given, and is the `after` of the next question."""

    items: list[Event]
    next_cursor: str
    more: Annotated[bool, Field(description="Others wait already.")]


class WebhookRequest(Strict):
    """A webhook to register."""

    url: Url
    after: Annotated[Cursor | None, Field(description="Event to begin after; left out: what comes from now on.")] = None


class WebhookChange(Strict):
    """Pause, resume or, for good, end a webhook."""

    state: WebhookState


class SecretRequest(Strict):
    """Asks for a new secret."""


class Redelivery(Strict):
    """Asks for what was given up to be sent again."""

    delivery_id: Annotated[DeliveryId | None, Field(description="One of them; left out: all.")] = None


class Webhook(Strict):
    """A webhook; `secret` is told once, when it is made or changed."""

    webhook_id: WebhookId
    url: Url
    state: WebhookState
    waiting_count: int
    created_at: Time
    updated_at: Time
    secret: str


class WebhookList(Strict):
    items: list[Webhook]


class Delivery(Strict):
    """The sending of one event."""

    delivery_id: DeliveryId
    cursor: str
    state: DeliveryState
    attempts: int
    next_try_at: Time | None
    last_status: int | None
    last_error: str | None
    created_at: Time
    finished_at: Time | None


class DeliveryPage(Strict):
    items: list[Delivery]
    next_cursor: str | None
