"""Webhooks against a real HTTP server: signed, in order, at least once, given up in the open, not into our network."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from ledger.service import Caller, IdempotencyConflict, InvalidRequest, Ledger, NotFound
from ledger.service.webhook_posts import ANSWER_SIZE_MAX, UrlRefusedError, checked_url, may_reach, post
from ledger.service.webhook_sending import WebhookSending
from ledger.service.webhook_views import WebhookView
from ledger.service.webhooks import OLD_SECRET_LIFETIME_S, WEBHOOKS_PER_PARTY_MAX
from tests.service.conftest import Cast
from tests.service.receiver import Receiver, receiving
from tests.service.world import World


@dataclass
class Clock:
    now_s: int

    def __call__(self) -> int:
        return self.now_s


class Town:
    """A seller with a receiver, its ledger opened with private addresses allowed, and a sender taken step by step."""

    def __init__(self, world: World, receiver: Receiver) -> None:
        self.world = world
        self.receiver = receiver
        self.ledger: Ledger = world.opened(
            webhook_private=True, webhook_attempts_max=3, webhook_retry_s=10, webhook_timeout_ms=1_000
        )
        self.seller: Caller = world.enterprise("推送卖方", segment=True)
        self.clock = Clock(self.ledger.context.now_s())
        self.sending = WebhookSending(self.ledger.context, self.clock)

    def hook(self, path: str = "/in") -> WebhookView:
        return self.ledger.webhooks.register(self.seller, self.receiver.url + path, idempotency_key=self.world.key())

    def send(self) -> int:
        """One round: what is new is queued, what is due is sent; how many were."""
        while self.sending.queue_new():
            pass
        with ThreadPoolExecutor(4) as pool:
            started = self.sending.start_due(pool)
            wait(started)
            for one in started:
                one.result()
        return len(started)

    def send_all(self) -> None:
        while self.send():
            pass

    def end(self, hook: WebhookView) -> None:
        self.ledger.webhooks.set_state(self.seller, hook.webhook_id, "ended", idempotency_key=self.world.key())

    def state(self, hook: WebhookView) -> str:
        return self.ledger.webhooks.webhook(self.seller, hook.webhook_id).state


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def town(world: World, receiver: Receiver) -> Iterator[Town]:
    made = Town(world, receiver)
    yield made
    for hook in made.ledger.webhooks.webhooks(made.seller):
        made.end(hook)


def test_events_arrive_in_order_signed_and_are_not_sent_again(town: Town) -> None:
    hook = town.hook()
    numbers = [town.world.issued(town.seller) for _ in range(3)]
    town.send_all()
    assert [one.event["number"] for one in town.receiver.taken] == numbers
    first = town.receiver.taken[0]
    assert first.signed_with(hook.secret)
    assert not first.signed_with("whsec_" + "AA" * 22)
    assert first.headers["content-type"] == "application/json"
    assert len({one.headers["webhook-id"] for one in town.receiver.taken}) == 3
    assert town.send() == 0


def test_a_changed_body_or_time_no_longer_fits_the_signature(town: Town) -> None:
    from dataclasses import replace

    hook = town.hook()
    town.world.issued(town.seller)
    town.send_all()
    (taken,) = town.receiver.taken
    assert not replace(taken, body=taken.body.replace(b"issue", b"Issue")).signed_with(hook.secret)
    later = {**taken.headers, "webhook-timestamp": str(int(taken.headers["webhook-timestamp"]) + 1)}
    assert not replace(taken, headers=later).signed_with(hook.secret)


def test_a_failure_is_tried_again_with_the_same_id_and_holds_back_what_follows(town: Town) -> None:
    town.hook()
    numbers = [town.world.issued(town.seller) for _ in range(2)]
    town.receiver.status = 500
    assert (town.send(), town.send()) == (1, 0)
    town.clock.now_s += 9
    assert town.send() == 0
    town.clock.now_s += 1
    town.receiver.status = 204
    town.send_all()
    assert [one.event["number"] for one in town.receiver.taken] == [numbers[0], numbers[0], numbers[1]]
    assert len({one.headers["webhook-id"] for one in town.receiver.taken}) == 2


def test_what_is_given_up_stands_in_the_dead_letters_and_goes_out_again_in_order(town: Town) -> None:
    hook = town.hook()
    numbers = [town.world.issued(town.seller) for _ in range(2)]
    town.receiver.status = 503
    for _ in range(3):
        town.send()
        town.clock.now_s += 10_000
    webhooks, key = town.ledger.webhooks, town.world.key
    (dead,) = webhooks.deliveries(town.seller, hook.webhook_id, state="dead").items
    assert (dead.attempts, dead.last_status, dead.last_error) == (3, 503, "answered 503")
    assert (town.state(hook), town.send()) == ("paused", 0)
    town.receiver.status = 200
    town.receiver.taken.clear()
    with pytest.raises(NotFound):
        webhooks.redeliver(town.seller, hook.webhook_id, delivery_id="ffff", idempotency_key=key())
    webhooks.redeliver(town.seller, hook.webhook_id, delivery_id=dead.delivery_id, idempotency_key=key())
    assert town.send() == 0  # paused until its owner says so
    webhooks.set_state(town.seller, hook.webhook_id, "active", idempotency_key=key())
    town.send_all()
    assert [one.event["number"] for one in town.receiver.taken] == numbers
    assert webhooks.deliveries(town.seller, hook.webhook_id, state="dead").items == ()


def test_a_redirect_is_not_followed_and_a_flood_not_read(town: Town) -> None:
    hook = town.hook()
    town.world.issued(town.seller)
    town.receiver.manner = "redirect"
    town.send()
    assert [one.path for one in town.receiver.taken] == ["/in"]
    (waiting,) = town.ledger.webhooks.deliveries(town.seller, hook.webhook_id).items
    assert (waiting.state, waiting.last_status) == ("waiting", 302)
    town.receiver.manner = "flood"
    town.clock.now_s += 10
    town.send()
    (delivered,) = town.ledger.webhooks.deliveries(town.seller, hook.webhook_id).items
    assert delivered.state == "delivered"
    assert ANSWER_SIZE_MAX < 4096 * 65_536


@pytest.mark.slow
def test_a_receiver_that_drips_is_cut_off_and_holds_up_no_other(town: Town) -> None:
    with receiving() as other:
        slow = town.hook()
        town.ledger.webhooks.register(town.seller, other.url, idempotency_key=town.world.key())
        number = town.world.issued(town.seller)
        town.receiver.manner = "drip"
        assert town.send() == 2
        assert [one.event["number"] for one in other.taken] == [number]
    (waiting,) = town.ledger.webhooks.deliveries(town.seller, slow.webhook_id).items
    assert (waiting.state, waiting.last_error) == ("waiting", "timeout")


def test_a_webhook_whose_row_was_damaged_waits_like_a_failed_one_and_holds_up_no_other(town: Town) -> None:
    damaged, sound = town.hook("/damaged"), town.hook("/sound")
    junk = text("UPDATE webhook SET sealed_secret = :junk WHERE webhook_id = :id").bindparams(
        junk=b"0", id=damaged.webhook_id
    )
    town.ledger.context.store.write(lambda connection: connection.execute(junk))
    town.world.issued(town.seller)
    assert (town.send(), town.send()) == (2, 0)
    assert [one.path for one in town.receiver.taken] == ["/sound"]
    for pause_s in (10, 40):
        town.clock.now_s += pause_s
        assert town.send() == 1
    assert (town.state(damaged), town.state(sound)) == ("paused", "active")
    (letter,) = town.ledger.webhooks.deliveries(town.seller, damaged.webhook_id, state="dead").items
    assert letter.last_error == "not sent: NotReady"


def test_nothing_is_told_of_others(town: Town, cast: Cast) -> None:
    town.hook()
    town.world.issued(cast.seller)
    town.send_all()
    assert town.receiver.taken == []


def test_a_sender_that_died_before_it_noted_a_delivery_sends_it_again(town: Town) -> None:
    town.hook()
    number = town.world.issued(town.seller)
    while town.sending.queue_new():
        pass
    died = WebhookSending(town.ledger.context, town.clock)
    died._note = lambda *_: None  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        wait(died.start_due(pool))
    town.sending = WebhookSending(town.ledger.context, town.clock)
    town.send_all()
    assert [one.event["number"] for one in town.receiver.taken] == [number, number]
    assert len({one.headers["webhook-id"] for one in town.receiver.taken}) == 1


def test_a_secret_is_told_once_and_after_a_change_both_sign_for_a_day(town: Town) -> None:
    webhooks, key = town.ledger.webhooks, town.world.key()
    hook = webhooks.register(town.seller, town.receiver.url, idempotency_key=key)
    again = webhooks.register(town.seller, town.receiver.url, idempotency_key=key)
    assert (again.webhook_id, again.secret) == (hook.webhook_id, "")
    with pytest.raises(IdempotencyConflict):
        webhooks.register(town.seller, town.receiver.url + "/other", idempotency_key=key)
    assert [one.secret for one in webhooks.webhooks(town.seller)] == [""]
    changed = webhooks.rotate(town.seller, hook.webhook_id, idempotency_key=town.world.key())
    assert changed.secret.startswith("whsec_")
    assert changed.secret != hook.secret
    town.world.issued(town.seller)
    town.send_all()
    assert [town.receiver.taken[-1].signed_with(one.secret) for one in (hook, changed)] == [True, True]
    town.clock.now_s += OLD_SECRET_LIFETIME_S + 5
    town.world.issued(town.seller)
    town.send_all()
    assert [town.receiver.taken[-1].signed_with(one.secret) for one in (hook, changed)] == [False, True]


def test_a_paused_webhook_goes_on_where_it_stopped_and_an_ended_one_never(town: Town) -> None:
    hook = town.hook()
    set_state = town.ledger.webhooks.set_state
    set_state(town.seller, hook.webhook_id, "paused", idempotency_key=town.world.key())
    number = town.world.issued(town.seller)
    assert town.send() == 0
    set_state(town.seller, hook.webhook_id, "active", idempotency_key=town.world.key())
    town.send_all()
    assert [one.event["number"] for one in town.receiver.taken] == [number]
    town.end(hook)
    town.world.issued(town.seller)
    assert town.send() == 0
    with pytest.raises(NotFound):
        set_state(town.seller, hook.webhook_id, "active", idempotency_key=town.world.key())


def test_a_webhook_is_its_owners_alone(town: Town, cast: Cast) -> None:
    hook, webhooks = town.hook(), town.ledger.webhooks
    for stranger in (cast.stranger, town.world.officer):
        assert hook.webhook_id not in [one.webhook_id for one in webhooks.webhooks(stranger)]
        with pytest.raises(NotFound):
            webhooks.webhook(stranger, hook.webhook_id)
        with pytest.raises(NotFound):
            webhooks.rotate(stranger, hook.webhook_id, idempotency_key=town.world.key())
        with pytest.raises(NotFound):
            webhooks.deliveries(stranger, hook.webhook_id)
    assert town.state(hook) == "active"


def test_a_party_has_so_many_webhooks_and_no_more(town: Town) -> None:
    for _ in range(WEBHOOKS_PER_PARTY_MAX):
        town.hook()
    with pytest.raises(InvalidRequest) as caught:
        town.hook()
    assert caught.value.problems[0].code == "webhooks_max"
    town.end(town.ledger.webhooks.webhooks(town.seller)[0])
    town.hook()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/x", "url_not_https"),
        ("http://127.0.0.1/x", "url_not_https"),
        ("https://127.0.0.1/x", "url_private"),
        ("https://[::1]/x", "url_private"),
        ("https://[::ffff:10.0.0.1]/x", "url_private"),
        ("https://169.254.169.254/latest/meta-data", "url_private"),
        ("https://10.1.2.3/", "url_private"),
        ("https://user:pw@example.com/", "url_form"),
        ("https://example.com/#x", "url_form"),
        ("https://example.com:0/", "url_form"),
        ("https://example.com:99999/", "url_form"),
        ("https:///x", "url_form"),
        ("ftp://example.com/", "url_form"),
        ("https://exa mple.com/", "url_form"),
        ("https://例子.com/", "url_form"),
        ("https://example.com/\r\nx: y", "url_form"),
        ("https://" + "a" * 2_100 + ".com/", "url_form"),
    ],
)
def test_an_address_events_do_not_go_to_is_refused(world: World, cast: Cast, url: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.webhooks.register(cast.seller, url, idempotency_key=world.key())
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("url", code)
    assert all(one.url != url for one in world.ledger.webhooks.webhooks(cast.seller))


def test_a_public_https_address_is_taken() -> None:
    assert checked_url("https://erp.example.com:8443/in?x=1", private=False).port == 8443
    assert checked_url("http://127.0.0.1:80/in", private=True).hostname == "127.0.0.1"
    with pytest.raises(UrlRefusedError):
        checked_url("http://10.0.0.1/in", private=True)


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1::1", True, True),
        ("192.168.1.1", False, True),
        ("100.64.0.1", False, True),
        ("fe80::1%eth0", False, True),
        ("::ffff:192.168.1.1", False, True),
        ("2002:c0a8:0101::1", False, True),
        ("64:ff9b::a00:1", False, True),
        ("224.0.0.1", False, False),
        ("0.0.0.0", False, False),  # noqa: S104 - an address to refuse
        ("not an address", False, False),
    ],
)
def test_which_addresses_may_be_reached(address: str, public: bool, private: bool) -> None:
    assert (may_reach(address, private=False), may_reach(address, private=True)) == (public, private)


def test_a_name_that_leads_into_the_network_is_refused_when_it_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolved(*_: object, **__: object) -> list[object]:
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))
        return [public, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    attempt = post(
        "https://rebound.example.com/", b"{}", message_id="m", secrets=[b"s"], sent_at_s=1, timeout_s=1, private=False
    )
    assert (attempt.status, attempt.error) == (None, "url_private")
