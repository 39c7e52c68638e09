"""Threads of the endpoints: reads, writes, files and the chain's own JSON-RPC each have their own number of them.

A write waits for its block, so it holds a thread for up to EINVOICE_POST_WAIT_MS while it does nothing. With one
pool for both, as many waiting writes as there are threads would stop every read; with two they cannot.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from api.problems import BUSY, ProblemError
from ledger.service import Caller

WRITE_THREADS_MAX = 192  # writes of one process that wait for a block at once
READ_THREADS_MAX = 48  # below the SQL pool's 72 connections of a process; a read takes milliseconds
FILE_THREADS_MAX = 4  # files of one process read, checked or written out at once: each costs seconds of a core
CHAIN_THREADS_MAX = 4  # requests to /rpc of one process at once: they may take seconds, and tills come first
CHECK_THREADS_MAX = 2  # files of strangers on the public check of one process at once: those of parties come first
PASSWORD_THREADS_MAX = 4  # passwords of one process hashed at once: each takes 46 MiB and a tenth of a second of a core
CONFIRMATION_THREADS_MAX = 2  # the same of parties that are signed in: these keep nobody from signing in
PROVIDER_THREADS_MAX = 16  # sign-ins through companies' providers at once: each waits for a stranger's server
COMPANY_SIGN_INS_MAX = 4  # through the providers of one company at once: slow ones keep few of those threads
NOTE_THREADS_MAX = 2  # checkpoints of one process at once: anybody may send one, and each takes milliseconds
WAITING_PER_THREAD_MAX = 4  # requests queued for a thread; beyond, waiting longer than the client helps nobody
ACCESS = "einvoice_access"  # attribute of an endpoint: see LedgerRoute

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Pools:
    """The limiters of one event loop."""

    reads: CapacityLimiter
    writes: CapacityLimiter
    files: CapacityLimiter
    chain: CapacityLimiter
    notes: CapacityLimiter
    checks: CapacityLimiter
    passwords: CapacityLimiter
    confirmations: CapacityLimiter
    providers: CapacityLimiter


@dataclass(frozen=True)
class Access:
    """How an endpoint is entered: whether it writes (so needs an Idempotency-Key) and needs a credential.

    `upload`: its body is a file as it is (api/uploads.py), with a limit of its own.
    """

    writes: bool
    public: bool
    upload: bool = False
    file: bool = False  # reads or writes whole files, on the threads of those
    one: bool = False  # one at a time of each caller
    note: bool = False  # its body is a signed note (api/notes.py), which needs no credential beside its signatures
    own: bool = False  # changes only what the caller signs in with; done twice it is as done once
    password: bool = False  # hashes a password, on the few threads for those
    provider: bool = False  # waits for a company's sign-in provider, on the few threads for those
    open_query: bool = False  # a stranger's server wrote its query, which may hold more than we asked for


_POOLS: RunVar[Pools] = RunVar("einvoice_pools")
_UNDER_WAY: RunVar[Counter[CapacityLimiter]] = RunVar("einvoice_under_way")
_SIGN_INS: RunVar[Counter[int]] = RunVar("einvoice_sign_ins")  # by the provider's enterprise
_CALLERS: RunVar[set[tuple[str, int]]] = RunVar("einvoice_callers")  # endpoint and party of what runs one at a time


def pools() -> Pools:
    """The limiters of the running event loop, made at first use."""
    found = _POOLS.get(None)
    if found is None:
        sizes = (
            READ_THREADS_MAX,
            WRITE_THREADS_MAX,
            FILE_THREADS_MAX,
            CHAIN_THREADS_MAX,
            NOTE_THREADS_MAX,
            CHECK_THREADS_MAX,
            PASSWORD_THREADS_MAX,
            CONFIRMATION_THREADS_MAX,
            PROVIDER_THREADS_MAX,
        )
        found = Pools(*map(CapacityLimiter, sizes))
        _POOLS.set(found)
    return found


async def in_thread(limiter: CapacityLimiter, call: Callable[[], T]) -> T:
    """Result of a blocking call, run on a thread of `limiter`.

    Raises: ProblemError of type busy when too many wait already, and whatever `call` raises.
    """
    under_way = _under_way()
    # counted here, before anything is awaited: the limiter itself learns of a burst only once all of it was let in
    if under_way[limiter] >= limiter.total_tokens * (1 + WAITING_PER_THREAD_MAX):
        raise ProblemError(BUSY, "too many requests wait; nothing was stored", "等待的请求过多，未保存任何内容")
    under_way[limiter] += 1
    try:
        return await to_thread.run_sync(call, limiter=limiter)
    finally:
        under_way[limiter] -= 1


def one_password(party: int) -> AbstractContextManager[None]:
    """While somebody who is signed in gives the password of `party`: one at a time in this process.

    Whoever knows the password is held up by no pause, and could else keep the places for hashing.

    Raises: ProblemError of type busy for a second one.
    """
    return _one_of("password", party)


@contextmanager
def one_of_company(enterprise: int) -> Iterator[None]:
    """While a provider of an enterprise is waited for.

    Raises: ProblemError of type busy beyond COMPANY_SIGN_INS_MAX at once.
    """
    running = _SIGN_INS.get(None)
    if running is None:
        running = Counter()
        _SIGN_INS.set(running)
    if running[enterprise] >= COMPANY_SIGN_INS_MAX:
        raise ProblemError(
            BUSY,
            "this company's sign-in provider is slow; try again in a moment",
            "该企业的登录服务响应缓慢，请稍后重试",
        )
    running[enterprise] += 1
    try:
        yield
    finally:
        running[enterprise] -= 1
        if not running[enterprise]:
            del running[enterprise]


def reads(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that reads and needs a credential."""
    return _threaded(endpoint, Access(writes=False, public=False))


def public(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that reads and is open to everybody."""
    return _threaded(endpoint, Access(writes=False, public=True))


def writes(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that writes: it needs a credential and an Idempotency-Key."""
    return _threaded(endpoint, Access(writes=True, public=False))


def downloads(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that needs a credential and puts together a file, which takes long."""
    return _threaded(endpoint, Access(writes=False, public=False, file=True))


def downloads_one(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """As `downloads`, one at a time of each caller: no party holds the threads of files alone."""
    return _threaded(endpoint, Access(writes=False, public=False, file=True, one=True))


def uploads(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that writes what an uploaded file holds: a credential, an Idempotency-Key, the file as body."""
    return _threaded(endpoint, Access(writes=True, public=False, upload=True, file=True))


def readings(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that only looks at an uploaded file: a credential, the file as body."""
    return _threaded(endpoint, Access(writes=False, public=False, upload=True, file=True))


def notes(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that takes a signed note from anybody; what it says twice is done once."""
    return _threaded(endpoint, Access(writes=False, public=True, note=True))


def personal(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that changes what people sign in with: a credential, no Idempotency-Key, as twice is as once."""
    return _threaded(endpoint, Access(writes=False, public=False, own=True))


def takes_password(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """As `personal`, for one that is given the caller's password: one at a time of each party."""
    return _threaded(endpoint, Access(writes=False, public=False, own=True, password=True, one=True))


def asks(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that stores a request of anybody; sent twice it is stored once."""
    return _threaded(endpoint, Access(writes=False, public=True, own=True))


def opens_session(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Endpoint that takes a password from who has no credential yet."""
    return _threaded(endpoint, Access(writes=False, public=True, own=True, password=True))


def waits_for_provider(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """As `writes`, for one that asks a company's sign-in provider something first; one at a time of each party."""
    return _threaded(endpoint, Access(writes=True, public=False, provider=True, one=True))


def open_query(endpoint: Callable[P, T]) -> Callable[P, T]:
    """Public endpoint to which a stranger's server sends browsers: what its query holds beside ours is let in."""
    setattr(endpoint, ACCESS, Access(writes=False, public=True, open_query=True))
    return endpoint


def access_of(endpoint: Callable[..., object]) -> Access:
    """How an endpoint declared itself; one that did not is a public read."""
    found = getattr(endpoint, ACCESS, None)
    return found if isinstance(found, Access) else Access(writes=False, public=True)


@contextmanager
def _one_of(endpoint: str, party: int) -> Iterator[None]:
    """The only place of a party at an endpoint of this process. Raises: ProblemError of type busy when it is taken."""
    running = _CALLERS.get(None)
    if running is None:
        running = set()
        _CALLERS.set(running)
    place = (endpoint, party)
    if place in running:
        raise ProblemError(
            BUSY,
            "your last request of this kind is still being answered; send this one when it was",
            "您的上一个同类请求仍在处理，请待其完成后再发送",
        )
    running.add(place)
    try:
        yield
    finally:
        running.discard(place)


def _under_way() -> Counter[CapacityLimiter]:
    """Calls that run or wait, by limiter."""
    found = _UNDER_WAY.get(None)
    if found is None:
        found = Counter()
        _UNDER_WAY.set(found)
    return found


def _threaded(endpoint: Callable[P, T], access: Access) -> Callable[P, Awaitable[T]]:
    @functools.wraps(endpoint)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        found = pools()
        limiter = found.reads
        if access.file:
            limiter = found.files
        elif access.provider:
            limiter = found.providers
        elif access.password:
            limiter = found.passwords if access.public else found.confirmations
        elif access.writes or access.own:
            limiter = found.writes
        elif access.note:
            limiter = found.notes
        if not access.one:
            return await in_thread(limiter, lambda: endpoint(*args, **kwargs))
        caller = kwargs["caller"]
        assert isinstance(caller, Caller), "an endpoint that is entered one at a time names its caller"
        with _one_of("password" if access.password else endpoint.__name__, caller.party):
            return await in_thread(limiter, lambda: endpoint(*args, **kwargs))

    setattr(call, ACCESS, access)
    return call
