"""Threads that wait are woken by their own group's outcome, and by nothing else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ledger.projection import QueueState
from ledger.sequencer import OutcomeWatch


@pytest.fixture
def watch(world: Any) -> Any:
    made = OutcomeWatch(world.store, poll_ms=5)
    yield made
    made.close()


def test_waiting_thread_gets_the_outcome(world: Any, watch: OutcomeWatch) -> None:
    digests = [world.issue(index) for index in range(6)]
    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(watch.wait, digest, 10_000) for digest in digests]
        time.sleep(0.05)
        assert not any(future.done() for future in waiting)
        world.sequencer().round()
        found = [future.result(10) for future in waiting]
    assert [status.digest for status in found if status] == digests
    assert {status.state for status in found if status} == {QueueState.RECORDED}
    assert {status.block for status in found if status} == {world.reader.head().number}


def test_refusal_is_an_outcome_too(world: Any, watch: OutcomeWatch) -> None:
    digest = world.issue(0, gross_fen=2 * 10**10)
    world.sequencer().round()
    status = watch.wait(digest, 10_000)
    assert status is not None
    assert status.state is QueueState.REFUSED


def test_outcome_that_was_there_before_is_found(world: Any, watch: OutcomeWatch) -> None:
    digest = world.issue(0)
    world.sequencer().round()
    assert watch.wait(digest, 10_000) is not None


def test_group_that_expires_without_a_block_is_found(world: Any, watch: OutcomeWatch) -> None:
    digest = world.issue(0, lifetime_s=60)
    sequencer = world.sequencer()
    sequencer.project()
    world.clock.now_s += 61
    threading.Timer(0.2, sequencer.round).start()
    status = watch.wait(digest, 10_000)
    assert status is not None
    assert status.state is QueueState.EXPIRED


def test_time_runs_out_without_an_outcome(world: Any, watch: OutcomeWatch) -> None:
    digest = world.issue(0)
    begun = time.monotonic()
    assert watch.wait(digest, 100) is None
    assert time.monotonic() - begun > 0.09
    assert watch._waiting == {}
    world.sequencer().round()
    assert watch.wait(digest, 10_000) is not None


def test_closed_watch_waits_for_nothing(world: Any) -> None:
    watch = OutcomeWatch(world.store)
    watch.close()
    watch.close()
    assert watch.wait(world.issue(0), 10_000) is None


def test_idle_watch_asks_nothing(world: Any, watch: OutcomeWatch) -> None:
    from sqlalchemy import event

    asked: list[str] = []
    event.listen(
        world.store.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: asked.append(statement)
    )
    time.sleep(0.1)
    assert asked == []
