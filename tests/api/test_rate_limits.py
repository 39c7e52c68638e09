"""How often somebody may ask: who is counted, what a flood of addresses gains, what the refused are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from anyio.from_thread import BlockingPortal
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.app import create_app
from api.problems import ProblemError
from api.rate_limits import CROWDS, HOPS_MAX, Buckets, client_address, networks_of
from ledger.service import Ledger
from ledger.settings import Settings
from tests.api.conftest import Client
from tests.api.recording import API_KEY, RecordingLedger

PER_S, BURST = 2, 4


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def admitted(buckets: Buckets, key: bytes, network: bytes = b"net", of: int = 100) -> int:
    return sum(buckets.take(key, network) == 0 for _ in range(of))


def test_a_burst_is_let_in_and_then_the_rate(clock: Clock) -> None:
    buckets = Buckets(PER_S, BURST, 10, clock)
    assert admitted(buckets, b"a") == BURST
    assert buckets.take(b"a", b"net") == pytest.approx(1 / PER_S)
    assert admitted(buckets, b"b") == BURST
    clock.now_s += 1
    assert admitted(buckets, b"a") == PER_S
    clock.now_s += 3_600
    assert admitted(buckets, b"a") == BURST


def test_no_rate_lets_everything_in(clock: Clock) -> None:
    assert admitted(Buckets(0, 1, 1, clock), b"a") == 100


def test_many_addresses_reset_nobodys_bucket_and_take_bounded_room(clock: Clock) -> None:
    buckets = Buckets(PER_S, BURST, 50, clock)
    assert admitted(buckets, b"attacker") == BURST
    let_in = sum(buckets.take(b"%d" % number, b"his network") == 0 for number in range(10_000))
    assert let_in == 49 + BURST  # those that still found room, and what their network has together
    assert len(buckets) == 50
    assert admitted(buckets, b"attacker") == 0
    assert admitted(buckets, b"somebody else", b"elsewhere") == BURST


def test_room_comes_back_with_time(clock: Clock) -> None:
    buckets = Buckets(PER_S, BURST, 50, clock)
    for number in range(50):
        buckets.take(b"%d" % number, b"net")
    clock.now_s += BURST / PER_S
    assert admitted(buckets, b"new") == BURST
    assert admitted(buckets, b"newer") == BURST
    assert len(buckets) <= 50


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 3)), max_size=200))
def test_nobody_gets_more_than_burst_and_rate_whatever_the_others_do(steps: list[tuple[int, float]]) -> None:
    clock = Clock()
    buckets, begin = Buckets(PER_S, BURST, 3, clock), 1_000.0
    got: dict[int, int] = {}
    for who, pause in steps:
        clock.now_s += pause
        got[who] = got.get(who, 0) + (buckets.take(b"%d" % who, b"net") == 0)
    # an own bucket, and the crowd's
    assert all(count <= 2 * (BURST + PER_S * (clock.now_s - begin)) + 1e-6 for count in got.values())
    assert len(buckets) <= 3
    assert len(buckets._crowds) <= CROWDS


def scope_of(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", text.encode("latin-1")) for text in forwarded]
    return {"client": (peer, 1) if peer is not None else None, "headers": headers}


TRUSTED = Settings(trusted_proxies="10.0.0.0/8, fd00::/8").trusted_networks


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        ("203.0.113.9", ("198.51.100.1",), "203.0.113.9"),  # nobody we trust said so
        ("10.0.0.5", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.5", ("1.1.1.1, 198.51.100.1",), "198.51.100.1"),  # 1.1.1.1 is what the client wrote
        ("10.0.0.5", ("1.1.1.1", "198.51.100.1, 10.9.9.9"), "198.51.100.1"),
        ("10.0.0.5", ("not an address",), "10.0.0.5"),
        ("10.0.0.5", ("198.51.100.1, x, 10.1.1.1",), "10.1.1.1"),
        ("10.0.0.5", ("",), "10.0.0.5"),
        ("::ffff:10.0.0.5", ("2001:db8::1",), "2001:db8::1"),
        ("fd00::1", ("::ffff:198.51.100.1",), "198.51.100.1"),
        (None, ("198.51.100.1",), "None"),
        ("testclient", ("198.51.100.1",), "None"),
    ],
)
def test_an_address_is_taken_from_who_is_trusted(peer: str | None, forwarded: tuple[str, ...], expected: str) -> None:
    assert str(client_address(scope_of(peer, *forwarded), TRUSTED)) == expected


def test_without_a_trusted_proxy_the_header_says_nothing() -> None:
    assert str(client_address(scope_of("10.0.0.5", "198.51.100.1"), ())) == "10.0.0.5"


@given(st.text(st.characters(max_codepoint=255), max_size=200), st.sampled_from(["10.0.0.5", "203.0.113.9", "::1", ""]))
def test_any_forwarded_text_is_read(text: str, peer: str) -> None:
    networks_of(client_address(scope_of(peer, text, ",".join(["10.0.0.1"] * (2 * HOPS_MAX))), TRUSTED))


def test_a_customers_network_counts_not_the_address_in_it() -> None:
    def own(text: str) -> bytes:
        return networks_of(client_address(scope_of(text), ()))[0]

    assert own("2001:db8:1:2::1") == own("2001:db8:1:2:ffff::9")
    assert own("2001:db8:1:2::1") != own("2001:db8:1:3::1")
    assert own("198.51.100.1") != own("198.51.100.2")
    assert own("198.51.100.1") != own("::c633:6401")
    assert networks_of(None)[0] not in {own("192.0.2.0"), own("::")}


def test_a_proxy_that_is_no_network_is_refused_at_start() -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(trusted_proxies="10.0.0.5, proxy.example.com")


@pytest.fixture
def limited(portal: BlockingPortal, clock: Clock, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Makes the application on the double with other limits; a client without a credential."""
    opened = []

    def make(**limits: Any) -> Client:
        app = create_app(cast("Ledger", RecordingLedger()), Settings(data_dir=tmp_path, **limits), clock)
        context = portal.wrap_async_context_manager(app.router.lifespan_context(app))
        context.__enter__()
        opened.append(context)
        return Client(portal, app)

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def test_a_client_address_that_asks_too_often_is_told_when_to_come_again(
    limited: Callable[..., Client], clock: Clock
) -> None:
    anyone = limited(rate_address_per_s=1, rate_address_burst=3)
    assert [anyone.get("/v1/trust").status for _ in range(3)] == [200, 200, 200]
    refused = anyone.get("/v1/trust")
    assert (refused.status, refused.json()["type"], refused.headers["retry-after"]) == (
        429,
        "/problems/rate-limited",
        "1",
    )
    assert "again in 1 s" in refused.json()["detail"]
    assert "1 秒" in refused.json()["detail_zh"]
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert anyone.get("/nowhere").status == 429
    assert anyone.acting(API_KEY).get("/v1/parties").status == 429
    assert [anyone.get("/healthz").status for _ in range(5)] == [200] * 5
    clock.now_s += 1
    assert anyone.get("/v1/trust").status == 200


def test_an_unknown_key_is_counted_by_address_before_it_is_looked_up(limited: Callable[..., Client]) -> None:
    guessing = limited(rate_address_per_s=1, rate_address_burst=2).acting(f"einv_{'0' * 16}_{'0' * 64}")
    assert [guessing.get("/v1/parties").status for _ in range(4)] == [401, 401, 429, 429]


@pytest.mark.parametrize("name", ["party", "key"])
def test_a_party_and_a_key_have_their_own_rate(
    limited: Callable[..., Client], clock: Clock, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from tests.api import recording

    monkeypatch.setattr(recording, "CALLER", replace(recording.CALLER, credential="a1" * 8))
    anyone = limited(**{f"rate_{name}_per_s": 1, f"rate_{name}_burst": 2})
    caller = anyone.acting(API_KEY)
    assert [caller.get("/v1/parties").status for _ in range(3)] == [200, 200, 429]
    assert anyone.get("/v1/trust").status == 200
    monkeypatch.setattr(recording, "CALLER", replace(recording.CALLER, credential="b2" * 8))
    assert caller.get("/v1/parties").status == (200 if name == "key" else 429)
    clock.now_s += 2
    assert caller.get("/v1/parties").status == 200


def test_a_write_that_is_refused_for_its_rate_does_nothing(limited: Callable[..., Client]) -> None:
    caller = limited(rate_party_per_s=1, rate_party_burst=1).acting(API_KEY)
    body = {"person": 9, "grants": ["claim"]}
    assert caller.post("/v1/grants", body).status == 201
    ledger = caller.app.state.ledger
    done = len(ledger.calls)
    assert caller.post("/v1/grants", body).status == 429
    assert len(ledger.calls) == done


def test_a_refusal_is_raised_not_answered_by_the_limiter_itself() -> None:
    from api.rate_limits import RateLimits

    rates = RateLimits(Settings(rate_address_per_s=1, rate_address_burst=1), Clock())
    rates.admit_address({**scope_of("203.0.113.9"), "path": "/"})
    with pytest.raises(ProblemError, match="asks too often"):
        rates.admit_address({**scope_of("203.0.113.9"), "path": "/"})
    rates.admit_address({**scope_of("203.0.113.10"), "path": "/"})
