"""The feed of events, and webhooks that send it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.pools import reads, writes
from api.render import answer
from api.render_events import events_json, flat_json
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    PageSize,
    read_answers,
    router,
    write_answers,
)
from api.schemas import events
from api.schemas.values import Cursor

routes = router("events")


@routes.get("/events", responses=read_answers(events.EventPage), summary="Read events")
@reads
def read_events(
    ledger: Door, caller: Authenticated, limit: PageSize,
    after: Annotated[Cursor | None, Query(description="`next_cursor`, or the `cursor` of an event.")] = None,
) -> Response:  # fmt: skip
    """Every change the caller may know of, in chain order, at least once; ask on with `next_cursor`."""
    return answer(events_json(ledger.events.page(caller, after=after, limit=limit)))


@routes.post(
    "/webhooks",
    status_code=201,
    responses=write_answers(events.Webhook, waits=False),
    summary="Register a webhook",
)
@writes
def register_webhook(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: events.WebhookRequest) -> Response:
    """Events of the caller go to `url`, signed; the secret is in this answer alone."""
    view = ledger.webhooks.register(caller, body.url, after=body.after, idempotency_key=key)
    return answer(flat_json(view), 201, {"location": f"/v1/webhooks/{view.webhook_id}"})


@routes.get("/webhooks", responses=read_answers(events.WebhookList), summary="List webhooks")
@reads
def list_webhooks(ledger: Door, caller: Authenticated) -> Response:
    """Webhooks of the caller that were not ended."""
    return answer({"items": [flat_json(one) for one in ledger.webhooks.webhooks(caller)]})


@routes.get("/webhooks/{webhook_id}", responses=read_answers(events.Webhook), summary="Read a webhook")
@reads
def read_webhook(ledger: Door, caller: Authenticated, webhook_id: events.WebhookId) -> Response:
    """One webhook, and how many events wait for it."""
    return answer(flat_json(ledger.webhooks.webhook(caller, webhook_id)))


@routes.put(
    "/webhooks/{webhook_id}/state",
    status_code=201,
    responses=write_answers(events.Webhook, waits=False),
    summary="Pause, resume or end a webhook",
)
@writes
def set_webhook_state(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, webhook_id: events.WebhookId, body: events.WebhookChange
) -> Response:
    """A paused webhook goes on where it stopped; ended is for good."""
    return answer(flat_json(ledger.webhooks.set_state(caller, webhook_id, body.state, idempotency_key=key)), 201)


@routes.post(
    "/webhooks/{webhook_id}/secret",
    status_code=201,
    responses=write_answers(events.Webhook, waits=False),
    summary="Change a webhook's secret",
)
@writes
def rotate_webhook(
    ledger: Door,
    caller: Authenticated,
    key: IdempotencyKey,
    webhook_id: events.WebhookId,
    body: events.SecretRequest,  # noqa: ARG001 - an empty object, as every write
) -> Response:
    """A new secret, told once; for a day the old one signs as well."""
    return answer(flat_json(ledger.webhooks.rotate(caller, webhook_id, idempotency_key=key)), 201)


@routes.get("/webhooks/{webhook_id}/deliveries", responses=read_answers(events.DeliveryPage), summary="List deliveries")
@reads
def list_deliveries(
    ledger: Door, caller: Authenticated, webhook_id: events.WebhookId, limit: PageSize,
    state: Annotated[events.DeliveryState | None, Query(description="`dead`: given up.")] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Deliveries, newest first; `state=dead` is the dead-letter list."""
    page = ledger.webhooks.deliveries(caller, webhook_id, state=state, cursor=cursor, limit=limit)
    return answer({"items": [flat_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.post(
    "/webhooks/{webhook_id}/redelivery",
    status_code=201,
    responses=write_answers(events.Webhook, waits=False),
    summary="Send dead letters again",
)
@writes
def redeliver(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, webhook_id: events.WebhookId, body: events.Redelivery
) -> Response:
    """What was given up is due again; resume the webhook to have it sent."""
    view = ledger.webhooks.redeliver(caller, webhook_id, delivery_id=body.delivery_id, idempotency_key=key)
    return answer(flat_json(view), 201)
