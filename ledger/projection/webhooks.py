"""Webhooks and the sending of events to them: at least once, tried again, given up in the open.

A webhook's cursor and the deliveries up to it are written in one transaction, so an event is neither lost nor queued
twice. What waits is due until an attempt is recorded: a sender that dies in between leaves it due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Row, delete, func, select, text, update

from ledger.projection.ground_work import (
    ERROR_SIZE_MAX,
    WEBHOOK,
    WEBHOOK_DELIVERY,
    DeliveryState,
    WebhookState,
)
from ledger.projection.pages import Page, page_of, page_size, parse_cursor

WEBHOOKS_MAX = 100  # webhooks of one party in one answer
ACTIVE_MAX = 10_000  # active webhooks in one answer
_WAITING = text("webhook_delivery.state = 'waiting'")  # in the very words of the partial index


@dataclass(frozen=True)
class Webhook:
    """Where `party` wants its events sent; `cursor_order` is the order of the last event queued for it (0: none)."""

    webhook_id: str
    party: int
    url: str
    sealed_secret: bytes
    cursor_order: int
    state: WebhookState
    created_at: int
    updated_at: int
    made_with: str | None = None  # key it was registered with, or that a session's password was made with


@dataclass(frozen=True)
class Delivery:
    """The sending of the event at `event_order` (p_operation.order) to one webhook."""

    seq: int
    webhook_id: str
    event_order: int
    state: DeliveryState
    attempts: int
    next_try_at: int
    last_status: int | None
    last_error: str | None
    created_at: int
    finished_at: int | None


def add_webhook(connection: Connection, webhook: Webhook) -> None:
    """Stores a new webhook; its cursor says from which event on it wants to be told."""
    connection.execute(WEBHOOK.insert(), {column.name: getattr(webhook, column.name) for column in WEBHOOK.c})


def webhook(connection: Connection, webhook_id: str) -> Webhook | None:
    """The webhook with that id, ended ones included."""
    row = connection.execute(select(WEBHOOK).where(WEBHOOK.c.webhook_id == webhook_id)).one_or_none()
    return None if row is None else Webhook(**{**row._mapping, "state": WebhookState(row.state)})


def webhooks(connection: Connection, party: int) -> tuple[Webhook, ...]:
    """Webhooks of a party that were not ended, oldest first."""
    rows = connection.execute(
        select(WEBHOOK)
        .where(WEBHOOK.c.party == party, WEBHOOK.c.state != WebhookState.ENDED.value)
        .order_by(WEBHOOK.c.created_at, WEBHOOK.c.webhook_id)
        .limit(WEBHOOKS_MAX)
    )
    return tuple(Webhook(**{**row._mapping, "state": WebhookState(row.state)}) for row in rows)


def active_webhooks(connection: Connection) -> tuple[Webhook, ...]:
    """Every webhook that is to be told, by id."""
    rows = connection.execute(
        select(WEBHOOK)
        .where(WEBHOOK.c.state == WebhookState.ACTIVE.value)
        .order_by(WEBHOOK.c.webhook_id)
        .limit(ACTIVE_MAX)
    )
    return tuple(Webhook(**{**row._mapping, "state": WebhookState(row.state)}) for row in rows)


def set_webhook_state(connection: Connection, webhook_id: str, state: WebhookState, now_s: int) -> bool:
    """Pauses, resumes or ends a webhook; False when it is unknown or ended, which is for good."""
    result = connection.execute(
        update(WEBHOOK)
        .where(WEBHOOK.c.webhook_id == webhook_id, WEBHOOK.c.state != WebhookState.ENDED.value)
        .values(state=state.value, updated_at=now_s)
    )
    return int(result.rowcount) == 1


def end_made_with(connection: Connection, key_id: str, now_s: int) -> int:
    """Ends the webhooks that were registered with a key; how many."""
    result = connection.execute(
        update(WEBHOOK)
        .where(WEBHOOK.c.made_with == key_id, WEBHOOK.c.state != WebhookState.ENDED.value)
        .values(state=WebhookState.ENDED.value, updated_at=now_s)
    )
    return int(result.rowcount)


def queue_deliveries(
    connection: Connection, webhook_id: str, event_orders: Iterable[int], *, cursor_order: int, now_s: int
) -> int:
    """Queues events (ascending orders) and moves the webhook's cursor to `cursor_order`; how many were new.

    Events at or before the cursor were queued before and are passed over.
    """
    known = webhook(connection, webhook_id)
    if known is None or cursor_order < known.cursor_order:
        return 0
    rows: list[dict[str, object]] = [
        {
            "webhook_id": webhook_id,
            "event_order": order,
            "state": DeliveryState.WAITING.value,
            "attempts": 0,
            "next_try_at": now_s,
            "created_at": now_s,
        }
        for order in event_orders
        if known.cursor_order < order <= cursor_order
    ]
    if rows:
        connection.execute(WEBHOOK_DELIVERY.insert(), rows)
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.webhook_id == webhook_id).values(cursor_order=cursor_order))
    return len(rows)


def record_attempt(
    connection: Connection, seq: int, *, status: int | None, error: str | None, retry_at: int | None, now_s: int
) -> bool:
    """What an attempt brought: delivered without `error`; else again at `retry_at`, or dead when that is None.

    False when the delivery was finished already, by another sender or by hand.
    """
    if error is None:
        state = DeliveryState.DELIVERED
    else:
        state = DeliveryState.DEAD if retry_at is None else DeliveryState.WAITING
    waits = state is DeliveryState.WAITING
    table = WEBHOOK_DELIVERY
    values: dict[str, object] = {
        "state": state.value,
        "attempts": table.c.attempts + 1,
        "last_status": status,
        "last_error": None if error is None else error[:ERROR_SIZE_MAX],
        "finished_at": None if waits else now_s,
    }
    if waits:
        values["next_try_at"] = retry_at
    result = connection.execute(
        update(table).where(table.c.seq == seq, table.c.state == DeliveryState.WAITING.value).values(values)
    )
    return int(result.rowcount) == 1


def deliveries(
    connection: Connection,
    webhook_id: str,
    *,
    state: DeliveryState | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[Delivery]:
    """Deliveries of a webhook, newest first; `state` DEAD is the dead-letter list.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    table = WEBHOOK_DELIVERY
    statement = select(table).where(table.c.webhook_id == webhook_id)
    if state is not None:
        statement = statement.where(table.c.state == state.value)
    if before is not None:
        statement = statement.where(table.c.seq < before)
    rows = connection.execute(statement.order_by(table.c.seq.desc()).limit(size + 1))
    return page_of([(row.seq, delivery_of(row)) for row in rows], size)


def retry_dead(connection: Connection, webhook_id: str, *, now_s: int, seq: int | None = None) -> int:
    """Makes dead deliveries of a webhook (or the one with `seq`) due again, their attempts counted from 0; how many."""
    table = WEBHOOK_DELIVERY
    statement = update(table).where(table.c.webhook_id == webhook_id, table.c.state == DeliveryState.DEAD.value)
    if seq is not None:
        statement = statement.where(table.c.seq == seq)
    result = connection.execute(
        statement.values(state=DeliveryState.WAITING.value, attempts=0, next_try_at=now_s, finished_at=None)
    )
    return int(result.rowcount)


def waiting_count(connection: Connection, webhook_id: str) -> int:
    """Deliveries of a webhook that wait, so that a sender can hold its queue short."""
    table = WEBHOOK_DELIVERY
    found = select(func.count()).where(table.c.webhook_id == webhook_id, table.c.state == DeliveryState.WAITING.value)
    return int(connection.execute(found).scalar_one())


def forget_delivered(connection: Connection, before_s: int) -> int:
    """Deletes deliveries that arrived before `before_s`; how many. Dead ones stay until their owner decides."""
    table = WEBHOOK_DELIVERY
    result = connection.execute(
        delete(table).where(table.c.state == DeliveryState.DELIVERED.value, table.c.finished_at < before_s)
    )
    return int(result.rowcount)


def delivery_of(row: Row[tuple[object, ...]]) -> Delivery:
    """A delivery as stored."""
    values = row._mapping
    return Delivery(**{**values, "state": DeliveryState(values["state"])})
