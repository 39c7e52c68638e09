"""Sending events to webhooks: queued from the feed, one after the other for each, tried again, given up in the open.

One sender an installation, beside the node. What was not noted as delivered when it died is sent again: at least once.
A receiver that stays away is paused with its dead letter, so that nothing overtakes it; its owner resumes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import structlog

from ledger.projection import Connection, StorageError, WebhookState, feed, parties, webhook_queries, webhooks
from ledger.projection.webhooks import Delivery, Webhook
from ledger.service.context import Context
from ledger.service.credentials import stands
from ledger.service.errors import Busy, ServiceError
from ledger.service.event_views import event_json
from ledger.service.events import events_after
from ledger.service.people import caller_of
from ledger.service.views import Caller
from ledger.service.webhook_posts import Attempt, post
from ledger.service.webhooks import opened_secrets
from ledger.service.writing import run_write
from verifier.canonical import dumps

SENDERS_MAX = 8  # events on their way at once; each is a thread that mostly waits
QUEUE_MAX = 200  # events queued for one webhook; the rest stay in the feed, behind its cursor
PAGE = 100  # events queued in one transaction
POLL_S = 0.5  # how often the feed is looked at
RETRY_FACTOR = 4  # each pause is so much longer than the one before
RETRY_MAX_S = 6 * 3_600  # no pause is longer
DELIVERED_KEPT_S = 7 * 86_400  # a week of what arrived, so that its owner can look

log = structlog.get_logger("webhooks")


class WebhookSending:
    """Queues and sends. `run` is its life; the parts are public so that a test takes the steps one by one."""

    def __init__(self, context: Context, now_s: Callable[[], int] | None = None) -> None:
        self._context = context
        self._now_s = now_s or context.now_s
        self._busy: set[str] = set()  # webhooks with an event on its way
        self._lock = threading.Lock()  # guards _busy
        self._caught_up: dict[str, int] = {}  # by webhook, the last order of the feed it was compared with

    def run(self, stop: threading.Event) -> None:
        """Queues and sends until `stop` is set; what is on its way then is waited for. Trouble is logged."""
        with ThreadPoolExecutor(SENDERS_MAX, thread_name_prefix="webhook") as pool:
            while not stop.is_set():
                moved = False
                try:
                    moved = self.queue_new()
                    self.start_due(pool)
                except (ServiceError, StorageError) as err:
                    log.warning("webhooks_wait", error=type(err).__name__, again_in_s=POLL_S)
                if not moved:
                    stop.wait(POLL_S)

    def queue_new(self) -> bool:
        """Queues what happened since for every active webhook; whether anything was queued."""
        with self._context.reading() as connection:
            head = feed.last_order(connection)
            hooks = [
                hook
                for hook in webhooks.active_webhooks(connection)
                if self._caught_up.get(hook.webhook_id) != head
                and webhooks.waiting_count(connection, hook.webhook_id) < QUEUE_MAX
            ]
        queued = [self._tried(hook, head) for hook in hooks]
        return any(queued)

    def start_due(self, pool: ThreadPoolExecutor) -> list[Future[None]]:
        """Hands what is due to `pool`, at most one event a webhook. Raises: Busy."""
        with self._context.reading() as connection:
            due = webhook_queries.heads_due(connection, now_s=self._now_s(), limit=2 * SENDERS_MAX)
        started = []
        for delivery in due:
            with self._lock:
                if delivery.webhook_id in self._busy or len(self._busy) >= SENDERS_MAX:
                    continue
                self._busy.add(delivery.webhook_id)
            started.append(pool.submit(self._send_one, delivery))
        return started

    def forget_old(self) -> int:
        """Deletes what arrived over DELIVERED_KEPT_S ago; how many."""
        before_s = self._now_s() - DELIVERED_KEPT_S
        return run_write(self._context, lambda connection: webhooks.forget_delivered(connection, before_s))

    def _tried(self, hook: Webhook, head: int) -> bool:
        """`_queue` of one among others, whose trouble does not hold them up: it is logged."""
        try:
            return self._queue(hook, head)
        except ServiceError as err:
            log.warning("webhook_waits", error=type(err).__name__, webhook=hook.webhook_id)
        except Exception:
            log.exception("webhook_not_queued", webhook=hook.webhook_id)
        return False

    def _queue(self, hook: Webhook, head: int) -> bool:
        with self._context.reading() as connection:
            owner = self._owner(connection, hook)
            if owner is None:
                return False
            counts = stands(self._context, connection, hook.made_with)
            page = events_after(self._context, connection, owner, hook.cursor_order, PAGE)
        if not counts:
            self._end(hook)
            return False
        orders = [feed.order_of(event.cursor) for event in page.items]
        if not page.more:
            self._caught_up[hook.webhook_id] = head
        if not orders:
            return False
        return bool(
            run_write(
                self._context,
                lambda connection: webhooks.queue_deliveries(
                    connection, hook.webhook_id, orders, cursor_order=orders[-1], now_s=self._now_s()
                ),
            )
        )

    def _send_one(self, delivery: Delivery) -> None:
        try:
            self._send(delivery)
        except (Busy, StorageError) as err:
            log.warning("webhook_not_noted", error=type(err).__name__, webhook=delivery.webhook_id)
        except Exception as err:  # noqa: BLE001 - it waits as after a failed attempt, or would be due at once for ever
            log.error("webhook_failed", error=type(err).__name__, webhook=delivery.webhook_id)  # noqa: TRY400
            self._put_off(delivery, Attempt(None, f"not sent: {type(err).__name__}"))
        finally:
            with self._lock:
                self._busy.discard(delivery.webhook_id)

    def _put_off(self, delivery: Delivery, attempt: Attempt) -> None:
        try:
            run_write(self._context, lambda connection: self._note(connection, delivery, attempt))
        except (ServiceError, StorageError) as err:
            log.warning("webhook_not_noted", error=type(err).__name__, webhook=delivery.webhook_id)

    def _send(self, delivery: Delivery) -> None:
        """One attempt, and what it brought. An event that its owner may not see any more is passed over."""
        with self._context.reading() as connection:
            hook = webhooks.webhook(connection, delivery.webhook_id)
            if hook is None or hook.state is not WebhookState.ACTIVE:
                return
            counts = stands(self._context, connection, hook.made_with)
            body = self._body(connection, hook, delivery.event_order) if counts else None
        if not counts:
            self._end(hook)
            return
        attempt = Attempt(None, None)
        if body is not None:
            now_s = self._now_s()
            attempt = post(
                hook.url,
                body,
                message_id=message_id(delivery),
                secrets=opened_secrets(self._context, hook, now_s),
                sent_at_s=now_s,
                timeout_s=self._context.settings.webhook_timeout_ms / 1000,
                private=self._context.settings.webhook_private,
            )
        run_write(self._context, lambda connection: self._note(connection, delivery, attempt))

    def _end(self, hook: Webhook) -> None:
        """Ends a webhook for good: the signing key behind the credential that registered it has been rotated."""
        now_s = self._now_s()
        run_write(
            self._context,
            lambda connection: webhooks.set_webhook_state(connection, hook.webhook_id, WebhookState.ENDED, now_s),
        )
        log.warning("webhook_ended", webhook=hook.webhook_id)

    def _note(self, connection: Connection, delivery: Delivery, attempt: Attempt) -> None:
        settings, now_s = self._context.settings, self._now_s()
        made = delivery.attempts + 1
        retry_at = None
        if made < settings.webhook_attempts_max:
            pause_s = min(settings.webhook_retry_s * RETRY_FACTOR ** (made - 1), RETRY_MAX_S)
            retry_at = now_s + pause_s
        noted = webhooks.record_attempt(
            connection, delivery.seq, status=attempt.status, error=attempt.error, retry_at=retry_at, now_s=now_s
        )
        if noted and attempt.error is not None and retry_at is None:
            webhooks.set_webhook_state(connection, delivery.webhook_id, WebhookState.PAUSED, now_s)
            log.warning("webhook_paused", webhook=delivery.webhook_id, error=attempt.error, attempts=made)

    def _body(self, connection: Connection, hook: Webhook, order: int) -> bytes | None:
        owner = self._owner(connection, hook)
        if owner is None:
            return None
        page = events_after(self._context, connection, owner, order - 1, 1)
        if not page.items or feed.order_of(page.items[0].cursor) != order:
            return None
        event = page.items[0]
        told = event_json(event)
        return dumps({"type": f"ledger.{event.operation}", "timestamp": told["at"], "data": told})

    def _owner(self, connection: Connection, hook: Webhook) -> Caller | None:
        record = parties.party(connection, hook.party)
        return None if record is None else caller_of(self._context, connection, record)


def message_id(delivery: Delivery) -> str:
    """The same for every attempt at one event, so that a receiver knows what it has."""
    return f"msg_{delivery.webhook_id}_{delivery.event_order:x}"


def run_sending(context: Context, stop: threading.Event) -> None:
    """A sender until `stop` is set."""
    sending = WebhookSending(context)
    with suppress(ServiceError):
        sending.forget_old()
    sending.run(stop)
