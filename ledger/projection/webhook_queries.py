"""What the sender of webhooks asks: whose turn it is, one event after the other for each webhook."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text, update

from ledger.projection.ground_work import WEBHOOK, WEBHOOK_DELIVERY, WebhookState
from ledger.projection.pages import page_size
from ledger.projection.webhooks import Delivery, delivery_of

_WAITING = text("webhook_delivery.state = 'waiting'")  # in the very words of the partial index


def heads_due(connection: Connection, *, now_s: int, limit: int) -> tuple[Delivery, ...]:
    """The first waiting delivery of each active webhook, where its time has come, the longest due first.

    What waits behind it waits for it, so that a receiver gets its events in the order of the chain.
    """
    table = WEBHOOK_DELIVERY
    first = (
        select(func.min(table.c.seq).label("seq"))
        .join(WEBHOOK, WEBHOOK.c.webhook_id == table.c.webhook_id)
        .where(_WAITING, WEBHOOK.c.state == WebhookState.ACTIVE.value)
        .group_by(table.c.webhook_id)
    ).subquery()
    rows = connection.execute(
        select(table)
        .join(first, first.c.seq == table.c.seq)
        .where(table.c.next_try_at <= now_s)
        .order_by(table.c.next_try_at, table.c.seq)
        .limit(page_size(limit))
    )
    return tuple(delivery_of(row) for row in rows)


def set_secret(connection: Connection, webhook_id: str, sealed_secret: bytes, now_s: int) -> bool:
    """Replaces the sealed secret of a webhook; False when it is unknown or ended."""
    result = connection.execute(
        update(WEBHOOK)
        .where(WEBHOOK.c.webhook_id == webhook_id, WEBHOOK.c.state != WebhookState.ENDED.value)
        .values(sealed_secret=sealed_secret, updated_at=now_s)
    )
    return int(result.rowcount) == 1
