"""Webhooks of a party: registering, listing, pausing, ending, new secrets, and what could not be delivered."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ledger.domain.times import utc_time
from ledger.projection import Connection, CursorError, DeliveryState, WebhookState, feed, webhook_queries, webhooks
from ledger.projection.ground_work import URL_SIZE_MAX
from ledger.projection.pages import parse_cursor
from ledger.projection.webhooks import Delivery, Webhook
from ledger.service.context import Context
from ledger.service.errors import NotFound
from ledger.service.forms import checked_cursor, checked_page_size
from ledger.service.problems import invalid
from ledger.service.reading import PAGE_SIZE_DEFAULT
from ledger.service.views import Caller
from ledger.service.webhook_posts import UrlRefusedError, checked_url, secret_text
from ledger.service.webhook_views import DeliveryPage, DeliveryView, WebhookView
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json, dumps, loads

WEBHOOKS_PER_PARTY_MAX = 10  # each costs a request an event; one a system that listens is plenty
SECRET_SIZE = 32  # bytes; Standard Webhooks asks for 24 to 64
OLD_SECRET_LIFETIME_S = 86_400  # both secrets sign for a day, so that a receiver changes over without a gap
SEALED_WEBHOOK = "webhook secret"
SECRETS_SIZE_MAX = 1_024  # bytes of the sealed text


class Webhooks:
    """Webhooks of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def register(self, caller: Caller, url: str, *, after: str | None = None, idempotency_key: str) -> WebhookView:
        """A new webhook of the caller, told what comes from now on, or after the event `after`.

        Its secret is in this answer alone; "" when the Idempotency-Key was used before.

        Raises: InvalidRequest at `url` or `after`, or beyond WEBHOOKS_PER_PARTY_MAX; IdempotencyConflict; Busy.
        """
        self._check_url(url)
        try:
            begin = None if after is None else feed.order_of(after)
        except CursorError as err:
            raise invalid("after", "cursor_form") from err
        made_id, secret = secrets.token_hex(16), secrets.token_bytes(SECRET_SIZE)
        hashed = request_hash("webhook", {"url": url, "after": after})

        def write(connection: Connection) -> str:
            def take() -> dict[str, Json]:
                if len(webhooks.webhooks(connection, caller.party)) >= WEBHOOKS_PER_PARTY_MAX:
                    raise invalid("url", "webhooks_max", high=WEBHOOKS_PER_PARTY_MAX)
                now_s = self._context.now_s()
                head = feed.last_order(connection)
                new = Webhook(
                    webhook_id=made_id,
                    party=caller.party,
                    url=url,
                    sealed_secret=_sealed(self._context, made_id, (secret,), 0),
                    cursor_order=head if begin is None else min(begin, head),
                    state=WebhookState.ACTIVE,
                    created_at=now_s,
                    updated_at=now_s,
                    made_with=caller.key_id,
                )
                webhooks.add_webhook(connection, new)
                return {"webhook_id": made_id}

            return str(remembered(self._context, connection, caller, idempotency_key, hashed, take)["webhook_id"])

        known_id = run_write(self._context, write)
        view = self.webhook(caller, known_id)
        return replace(view, secret=secret_text(secret)) if known_id == made_id else view

    def webhook(self, caller: Caller, webhook_id: str) -> WebhookView:
        """One webhook of the caller. Raises: NotFound, also for anybody else's."""
        with self._context.reading() as connection:
            return _view(connection, _own(connection, caller, webhook_id))

    def webhooks(self, caller: Caller) -> tuple[WebhookView, ...]:
        """Webhooks of the caller that were not ended, oldest first."""
        with self._context.reading() as connection:
            return tuple(_view(connection, one) for one in webhooks.webhooks(connection, caller.party))

    def set_state(self, caller: Caller, webhook_id: str, state: str, *, idempotency_key: str) -> WebhookView:
        """Pauses (`paused`), resumes (`active`) or for good ends (`ended`) a webhook.

        Raises: InvalidRequest at `state`; NotFound; IdempotencyConflict; Busy.
        """
        if state not in list(WebhookState):
            raise invalid("state", "format_unknown", given=state[:40], choices=", ".join(WebhookState))
        hashed = request_hash("webhook state", {"webhook_id": webhook_id, "state": state})

        def write(connection: Connection) -> None:
            def take() -> dict[str, Json]:
                _own(connection, caller, webhook_id)
                webhooks.set_webhook_state(connection, webhook_id, WebhookState(state), self._context.now_s())
                return {}

            remembered(self._context, connection, caller, idempotency_key, hashed, take)

        run_write(self._context, write)
        with self._context.reading() as connection:
            return _view(connection, _own(connection, caller, webhook_id, ended=True))

    def rotate(self, caller: Caller, webhook_id: str, *, idempotency_key: str) -> WebhookView:
        """A new secret, told once; for OLD_SECRET_LIFETIME_S the old one signs as well. Raises: as `set_state`."""
        hashed = request_hash("webhook secret", {"webhook_id": webhook_id})
        fresh = secrets.token_bytes(SECRET_SIZE)
        mark = secrets.token_hex(8)

        def write(connection: Connection) -> bool:
            def take() -> dict[str, Json]:
                known = _own(connection, caller, webhook_id)
                now_s = self._context.now_s()
                current = opened_secrets(self._context, known, now_s)[0]
                sealed = _sealed(self._context, webhook_id, (fresh, current), now_s + OLD_SECRET_LIFETIME_S)
                webhook_queries.set_secret(connection, webhook_id, sealed, now_s)
                return {"mark": mark}

            return remembered(self._context, connection, caller, idempotency_key, hashed, take)["mark"] == mark

        made = run_write(self._context, write)
        view = self.webhook(caller, webhook_id)
        return replace(view, secret=secret_text(fresh)) if made else view

    def deliveries(
        self, caller: Caller, webhook_id: str, *, state: str | None = None, cursor: str | None = None,
        limit: int = PAGE_SIZE_DEFAULT,
    ) -> DeliveryPage:  # fmt: skip
        """Deliveries of a webhook, newest first; `dead` lists what was given up.

        Raises: InvalidRequest at `state`, `cursor` or `limit`; NotFound.
        """
        if state is not None and state not in list(DeliveryState):
            raise invalid("state", "format_unknown", given=state[:40], choices=", ".join(DeliveryState))
        size = checked_page_size(self._context, limit)
        wanted = None if state is None else DeliveryState(state)
        with self._context.reading() as connection:
            _own(connection, caller, webhook_id)
            with checked_cursor():
                page = webhooks.deliveries(connection, webhook_id, state=wanted, limit=size, cursor=cursor)
        return DeliveryPage(tuple(_delivery_view(one) for one in page.items), page.next_cursor)

    def redeliver(
        self, caller: Caller, webhook_id: str, *, delivery_id: str | None = None, idempotency_key: str
    ) -> WebhookView:
        """Makes what was given up (or the one delivery) due again; sent once the webhook is active.

        Raises: NotFound; IdempotencyConflict; Busy.
        """
        seq = None if delivery_id is None else _seq(delivery_id)
        hashed = request_hash("webhook redelivery", {"webhook_id": webhook_id, "delivery_id": delivery_id})

        def write(connection: Connection) -> None:
            def take() -> dict[str, Json]:
                _own(connection, caller, webhook_id)
                now_s = self._context.now_s()
                if not webhooks.retry_dead(connection, webhook_id, now_s=now_s, seq=seq) and delivery_id is not None:
                    raise NotFound("dead delivery", delivery_id[:40])
                return {}

            remembered(self._context, connection, caller, idempotency_key, hashed, take)

        run_write(self._context, write)
        return self.webhook(caller, webhook_id)

    def _check_url(self, url: str) -> None:
        if len(url) > URL_SIZE_MAX:
            raise invalid("url", "url_form")
        try:
            checked_url(url, private=self._context.settings.webhook_private)
        except UrlRefusedError as err:
            raise invalid("url", err.code) from err


def opened_secrets(context: Context, hook: Webhook, now_s: int) -> tuple[bytes, ...]:
    """Secrets that sign now, the newest first."""
    plain = loads(context.opened(hook.sealed_secret, SEALED_WEBHOOK, hook.webhook_id), SECRETS_SIZE_MAX)
    assert isinstance(plain, dict)
    known, until = plain["secrets"], plain["until"]
    assert isinstance(known, list)
    assert isinstance(until, int)
    found = tuple(bytes.fromhex(str(one)) for one in known)
    return found if now_s < until else found[:1]


def _sealed(context: Context, webhook_id: str, known: tuple[bytes, ...], until_s: int) -> bytes:
    plain: Json = {"secrets": [one.hex() for one in known], "until": until_s}
    return context.seal(dumps(plain), SEALED_WEBHOOK, webhook_id)


def _own(connection: Connection, caller: Caller, webhook_id: str, *, ended: bool = False) -> Webhook:
    known = webhooks.webhook(connection, webhook_id)
    if known is None or known.party != caller.party or (known.state is WebhookState.ENDED and not ended):
        raise NotFound("webhook", webhook_id[:40])
    return known


def _view(connection: Connection, known: Webhook) -> WebhookView:
    return WebhookView(
        webhook_id=known.webhook_id,
        url=known.url,
        state=known.state.value,
        waiting_count=webhooks.waiting_count(connection, known.webhook_id),
        created_at=utc_time(known.created_at),
        updated_at=utc_time(known.updated_at),
    )


def _delivery_view(one: Delivery) -> DeliveryView:
    return DeliveryView(
        delivery_id=f"{one.seq:x}",
        cursor=feed.cursor_of(one.event_order),
        state=one.state.value,
        attempts=one.attempts,
        next_try_at=utc_time(one.next_try_at) if one.state is DeliveryState.WAITING else None,
        last_status=one.last_status,
        last_error=one.last_error,
        created_at=utc_time(one.created_at),
        finished_at=None if one.finished_at is None else utc_time(one.finished_at),
    )


def _seq(delivery_id: str) -> int:
    try:
        found = parse_cursor(delivery_id)
    except CursorError as err:
        raise NotFound("dead delivery", delivery_id[:40]) from err
    assert found is not None
    return found
