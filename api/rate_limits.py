"""How often somebody may ask: token buckets of client addresses, API keys and parties.

They are in the memory of the one API process, or shared by all of them (`api.shared_buckets`).

A client address is counted before anything else is done for it, a key and its party once they are known. A bucket that
is let go of is a full one, so an attacker with many addresses empties nobody's memory of himself; when none is full,
newcomers share the bucket of their wider network until one is. Everything here runs on the event loop, so it needs
no lock of its own.
"""

from __future__ import annotations

import math
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import RATE_LIMITED, ProblemError
from api.shared_buckets import FILE_NAME, SharedBuckets, SharedFile, make_file, table_size
from ledger.service import Caller
from ledger.settings import Settings

ADDRESSES_MAX = 32_768  # buckets of client addresses in one process, some 8 MB
CALLERS_MAX = 16_384  # buckets of keys, and of parties
CROWDS = 1_024  # buckets that newcomers share while all others are in use
LET_GO_AT_ONCE_MAX = 2  # full buckets dropped for one that is made, so that the table shrinks again
HOPS_MAX = 16  # addresses of X-Forwarded-For looked at, from the nearest on
NETWORK_V6 = 64  # bits of an IPv6 address that count: a customer gets a network, and changes addresses in it at will
CROWD_V4, CROWD_V6 = 16, 32  # bits of the wider network
UNLIMITED_PATHS = frozenset({"/healthz"})  # a monitor must not be refused because somebody else asks too often

Clock = Callable[[], float]
Network = IPv4Network | IPv6Network


class Buckets:
    """Token buckets by key: each holds `burst` tokens at most and gains `per_s` a second."""

    def __init__(self, per_s: int, burst: int, most: int, clock: Clock = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = float(max(burst, 1))
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()  # tokens, as of; touched last at the end
        self._crowds: dict[int, tuple[float, float]] = {}
        self._salt = secrets.token_bytes(16)  # nobody outside finds out who shares a bucket with whom

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: bytes, network: bytes) -> float:
        """Takes a token of `key`; seconds until there is one, 0.0 when it was taken. `network`: its crowd's."""
        if self._per_s == 0:
            return 0.0
        now = self._clock()
        known = self._buckets.get(key)
        if known is None and not self._has_room(now):
            at = hash(self._salt + network) % CROWDS
            self._crowds[at], wait = self._taken(self._crowds.get(at, (self._burst, now)), now)
            return wait
        self._buckets[key], wait = self._taken(known or (self._burst, now), now)
        self._buckets.move_to_end(key)
        return wait

    def _taken(self, bucket: tuple[float, float], now: float) -> tuple[tuple[float, float], float]:
        tokens = self._filled(bucket, now)
        if tokens >= 1:
            return (tokens - 1, now), 0.0
        return (tokens, now), (1 - tokens) / self._per_s

    def _filled(self, bucket: tuple[float, float], now: float) -> float:
        tokens, since = bucket
        return min(self._burst, tokens + max(now - since, 0.0) * self._per_s)

    def _has_room(self, now: float) -> bool:
        """Lets go of buckets that nobody used for long and that are full: they say nothing a new one would not."""
        for _ in range(LET_GO_AT_ONCE_MAX):
            oldest = next(iter(self._buckets), None)
            if oldest is None or self._filled(self._buckets[oldest], now) < self._burst:
                break
            if len(self._buckets) < self._most:
                break
            del self._buckets[oldest]
        return len(self._buckets) < self._most


class RateLimits:
    """The limits of one installation: with several processes they share `file`. `clock` in seconds, only ever forward.

    Without `file` they are this process's own.
    """

    def __init__(self, settings: Settings, clock: Clock = time.monotonic, file: SharedFile | None = None) -> None:
        self._trusted = settings.trusted_networks
        offset = 0

        def buckets(per_s: int, burst: int, most: int) -> Buckets | SharedBuckets:
            nonlocal offset
            if file is None:
                return Buckets(per_s, burst, most, clock)
            at, offset = offset, offset + table_size(most)
            return SharedBuckets(file, at, per_s, burst, most, clock)

        self._addresses = buckets(settings.rate_address_per_s, settings.rate_address_burst, ADDRESSES_MAX)
        self._keys = buckets(settings.rate_key_per_s, settings.rate_key_burst, CALLERS_MAX)
        self._parties = buckets(settings.rate_party_per_s, settings.rate_party_burst, CALLERS_MAX)

    def admit_address(self, scope: Scope) -> None:
        """Counts a request before anything is done for it. Raises: ProblemError of type rate-limited."""
        address = client_address(scope, self._trusted)
        own, crowd = networks_of(address)
        _refuse_after(self._addresses.take(own, crowd), "this client address", "该客户端地址")

    def admit_caller(self, caller: Caller) -> None:
        """Counts a request whose caller is known. Raises: ProblemError of type rate-limited."""
        if caller.credential:
            _refuse_after(self._keys.take(caller.credential.encode(), b""), "this API key or session", "该密钥或会话")
        _refuse_after(self._parties.take(caller.party.to_bytes(8, "big"), b""), "this party", "该参与方")


@contextmanager
def sharing_rates(settings: Settings) -> Iterator[None]:
    """While the `with` lasts the API processes started in it share a file; without room for it each counts alone."""
    path = settings.data_dir / FILE_NAME
    try:
        make_file(path, (ADDRESSES_MAX, CALLERS_MAX, CALLERS_MAX))
    except OSError as err:
        reason = os.strerror(err.errno) if err.errno else str(err)
        structlog.get_logger("api").warning("rates_counted_by_each_process", file=FILE_NAME, reason=reason)
    try:
        yield
    finally:
        with suppress(OSError):  # its keyed hashes of addresses serve nobody any more
            path.unlink(missing_ok=True)


def shared_rates(settings: Settings) -> SharedFile | None:
    """The file of this process and its siblings; None for an only one, and where nobody made it."""
    if settings.workers == 1:
        return None
    try:
        return SharedFile(settings.data_dir / FILE_NAME)
    except OSError:
        return None


class AddressLimit:
    """Counts every HTTP request by its client address, before the application sees it."""

    def __init__(self, app: ASGIApp, rates: RateLimits) -> None:
        self.app = app
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "http" and scope["path"] not in UNLIMITED_PATHS:
            self.rates.admit_address(scope)
        await self.app(scope, receive, send)


def client_address(scope: Scope, trusted: tuple[Network, ...]) -> IPv4Address | IPv6Address | None:
    """The address a request comes from; None when the server does not know it.

    X-Forwarded-For counts only from a trusted proxy, and only up to the first address that is none: whatever stands
    before that, its sender wrote.
    """
    client = scope.get("client")
    address = _parsed(client[0]) if client else None
    if address is None or not _is_trusted(address, trusted):
        return address
    given = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    for text in reversed(given.decode("latin-1").rsplit(",", HOPS_MAX)[-HOPS_MAX:]):
        before = _parsed(text.strip())
        if before is None:
            break  # not an address: the last proxy that said who it was is all we know
        address = before
        if not _is_trusted(address, trusted):
            break
    return address


def networks_of(address: IPv4Address | IPv6Address | None) -> tuple[bytes, bytes]:
    """What one customer is counted by, and the wider network it is in."""
    if address is None:
        return b"unknown", b"unknown"
    own, crowd = (32, CROWD_V4) if address.version == 4 else (NETWORK_V6, CROWD_V6)
    bits = address.max_prefixlen
    kind, number = bytes([address.version]), int(address)
    return kind + (number >> (bits - own)).to_bytes(16, "big"), kind + (number >> (bits - crowd)).to_bytes(16, "big")


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_trusted(address: IPv4Address | IPv6Address, trusted: tuple[Network, ...]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)


def _refuse_after(wait_s: float, what: str, what_zh: str) -> None:
    if wait_s <= 0:
        return
    seconds = math.ceil(wait_s)
    raise ProblemError(
        RATE_LIMITED,
        f"{what} asks too often; nothing was done, ask again in {seconds} s",
        f"{what_zh}请求过于频繁，未执行任何操作，请在 {seconds} 秒后重试",
        headers={"retry-after": str(seconds)},
    )
