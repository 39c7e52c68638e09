"""kill -9 of node and API at random moments under load: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import os
import random
import secrets
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.chain import open_reader
from tests.e2e.accounts import compare, compare_lists, wait_until_drained
from tests.e2e.load import Client, Request
from tests.e2e.running import API, NODE, Cast, Process

pytestmark = pytest.mark.slow
KILLS = 20
CLIENTS = 4
QUICK = {"EINVOICE_BATCH_INTERVAL_MS": "20", "EINVOICE_POST_WAIT_MS": "400", "EINVOICE_OUTCOME_POLL_MS": "5"}
AT_ONCE = {**QUICK, "EINVOICE_POST_WAIT_MS": "0"}
CRASH_TRIES_MAX = 40


@pytest.fixture
def seed() -> int:
    """Seed of the moments; EINVOICE_TEST_SEED repeats a run."""
    drawn = int(os.environ.get("EINVOICE_TEST_SEED", "0")) or secrets.randbelow(2**31)
    print(f"EINVOICE_TEST_SEED={drawn}")
    return drawn


@pytest.fixture
def cast(tmp_path: Path) -> Cast:
    return Cast(tmp_path)


@pytest.fixture
def running(cast: Cast) -> Iterator[tuple[Process, Process]]:
    """A node and an API."""
    node, api = Process(NODE, cast.data_dir, **QUICK), Process(API, cast.data_dir, **QUICK)
    try:
        node.begin()
        api.begin()
        yield node.ready(), api.ready()
    finally:
        for process in (api, node):
            if process.running:
                process.kill()


def test_twenty_kills_under_load_lose_nothing(cast: Cast, running: tuple[Process, Process], seed: int) -> None:
    node, api = running
    moments = random.Random(seed)
    clients = [Client(index, cast, lambda: api.address, seed) for index in range(1, CLIENTS + 1)]
    for client in clients:
        client.start()
    killed = {"node": 0, "api": 0}
    try:
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.05, 1.2))
            victims = moments.choice([[node], [api], [node], [api], [node, api]])
            for victim in victims:
                victim.kill()
                killed[victim.module[-1]] += 1
            time.sleep(moments.uniform(0, 0.3))
            for victim in victims:
                victim.begin()
            for victim in victims:
                victim.ready()
    finally:
        for client in clients:
            client.finish()
        for client in clients:
            client.join()
    assert [client.error for client in clients] == [None] * CLIENTS
    wait_until_drained(cast)
    assert (api.stop(), node.stop()) == (0, 0)
    requests = [request for client in clients for request in client.requests]
    statuses = {status for request in requests for status in request.statuses}
    assert statuses == {201, 202}, "the load has to see both answers"
    assert sum(killed.values()) >= KILLS
    assert len(requests) > 3 * KILLS
    compare(cast, requests)


@pytest.mark.parametrize("caught", ["sealed but not projected", "accepted but not sealed"])
def test_the_node_is_killed_at_a_step(cast: Cast, caught: str) -> None:
    """The two steps between acceptance and answer, told apart by chain head, projected block and queue."""
    node, api = Process(NODE, cast.data_dir, **QUICK), Process(API, cast.data_dir, **AT_ONCE)
    node.start()
    api.start()
    watch = Watch(cast.data_dir)
    requests: list[Request] = []
    try:
        with httpx.Client(timeout=20) as http:
            for _ in range(CRASH_TRIES_MAX):
                requests.append(issue_list(len(requests)))
                _post(http, api, cast, requests[-1])
                watch.until_work_begins(sealed=caught.startswith("sealed"))
                node.kill()
                hit = (
                    watch.sealed_ahead()
                    if caught.startswith("sealed")
                    else watch.waiting() and not watch.sealed_ahead()
                )
                node.start()
                wait_until_drained(cast)
                if hit:
                    break
            else:
                pytest.fail(f"never {caught} in {CRASH_TRIES_MAX} kills")
            for request in requests:  # the client, which got 202 at most, asks again
                before = request.digest
                _post(http, api, cast, request)
                assert (request.digest, request.statuses[-1]) == (before, 201)
    finally:
        watch.close()
        codes = [process.stop() for process in (api, node) if process.running]
    assert codes == [0, 0]
    compare_lists(cast, requests)


class Watch:
    """How far the node is, read from outside: chain head, projected block, waiting groups."""

    def __init__(self, data_dir: Path) -> None:
        self._reader = open_reader(data_dir / "chain")
        self._sql = sqlite3.connect(data_dir / "ledger.sqlite", isolation_level=None)
        self._before = self._reader.head().number

    def close(self) -> None:
        self._sql.close()
        self._reader.close()

    def until_work_begins(self, *, sealed: bool) -> None:
        """Returns the moment a block is sealed, or as soon as something waits."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if sealed and self.sealed_ahead():
                return
            if not sealed and self.waiting():
                return

    def sealed_ahead(self) -> bool:
        """Whether the chain has a block that is not projected."""
        (projected,) = self._sql.execute("SELECT max(number) FROM p_block").fetchone()
        return bool(self._reader.head().number > projected)

    def waiting(self) -> bool:
        return bool(self._sql.execute("SELECT 1 FROM operation WHERE state = 'accepted' LIMIT 1").fetchone())


def issue_list(serial: int) -> Request:
    """A list of a hundred, so that sealing and projecting take their time."""
    rows = []
    for index in range(100):
        net_fen = (serial * 1_000 + index + 1) * 100
        rows.append(
            {
                "kind": "ordinary",
                "buyer": {"name": "散客"},
                "lines": [
                    {"name": "*餐饮服务*餐费", "net_fen": net_fen, "rate_bp": 600, "tax_fen": net_fen * 6 // 100}
                ],
                "net_fen": net_fen,
                "tax_fen": net_fen * 6 // 100,
                "gross_fen": net_fen * 106 // 100,
            }
        )
    return Request("seller", "/v1/invoices/list", {"documents": rows}, f"list-{serial}")


def _post(http: httpx.Client, api: Process, cast: Cast, request: Request) -> None:
    answer = http.post(
        api.address + request.path,
        json=request.body,
        headers={"Authorization": f"Bearer {cast.keys[request.role]}", "Idempotency-Key": request.key},
    )
    assert answer.status_code in (201, 202), answer.text
    value = answer.json()
    request.statuses.append(answer.status_code)
    request.digest, request.numbers = value["digest"], tuple(value["numbers"])
