"""Waiting groups reach the chain once, whatever fails between stage, commit and apply.

Everything runs on the real chain; errors are injected before and after the real writer's commit.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ledger.sequencer.sequencer as sequencer_module
from ledger.chain.errors import (
    BatchRefusedError,
    BatchTooLargeError,
    ChainClockError,
    ChainFullError,
    ChainStoppedError,
    RemoteChainError,
)
from ledger.identity import new_key
from ledger.projection import DatabaseUnavailableError, QueueState, invoices
from ledger.projection.apply import projected_head
from ledger.projection.audit import audit
from ledger.sequencer import SequencerStoppedError, run_until_signal
from ledger.sequencer.errors import Kind, kind_of
from verifier.operations import Operation, Reason


class PulledPlugError(BaseException):
    """The process ends here: nothing may catch it."""


def _settle(world: Any) -> None:
    """Rounds of a fresh sequencer, as after a restart, until nothing waits."""
    sequencer = world.sequencer()
    while sequencer.round().taken:
        pass


def _hold_consistent(world: Any) -> None:
    report = audit(world.store.engine, world.reader)
    assert report.difference is None
    with world.store.reading() as connection:
        assert projected_head(connection) == world.reader.head()


def test_waiting_groups_become_one_block(world: Any) -> None:
    digests = [world.issue(0), world.issue(1, 2), world.issue(3)]
    before = world.reader.head().number
    done = world.sequencer().round()
    assert (done.taken, done.recorded_block, done.troubled) == (3, before + 1, False)
    assert {world.status(digest).state for digest in digests} == {QueueState.RECORDED}
    assert {world.status(digest).block for digest in digests} == {before + 1}
    _hold_consistent(world)


def test_nothing_waiting_makes_no_block(world: Any) -> None:
    before = world.reader.head()
    assert world.sequencer().round().recorded_block is None
    assert world.reader.head() == before


def test_refused_and_malformed_groups_do_not_stop_the_rest(world: Any) -> None:
    good = world.issue(0)
    poor = world.issue(1, gross_fen=2 * 10**10)
    forged = world.issue(2, key=new_key())
    strange = world.accept(world.signed(3, Operation(code=200, subject=3, number=9)))
    last = world.issue(4)
    world.sequencer().round()
    assert world.status(good).state is world.status(last).state is QueueState.RECORDED
    assert (world.status(poor).state, world.status(poor).reason) == (QueueState.REFUSED, Reason.QUOTA_EXCEEDED)
    assert (world.status(strange).state, world.status(strange).reason) == (
        QueueState.REFUSED,
        Reason.UNKNOWN_OPERATION,
    )
    assert world.status(forged).state is QueueState.MALFORMED
    _hold_consistent(world)


def test_batch_is_limited_and_the_rest_follows(world: Any) -> None:
    for index in range(7):
        world.issue(index)
    sequencer = world.sequencer(operations_max=3)
    assert [sequencer.round().taken for _ in range(4)] == [3, 3, 1, 0]
    assert world.writer.batches == [3, 3, 1]


def test_crash_before_commit_leaves_the_groups_waiting(world: Any) -> None:
    digest = world.issue(0)
    world.writer.before = [PulledPlugError()]
    with pytest.raises(PulledPlugError):
        world.sequencer().round()
    assert world.status(digest).state is QueueState.ACCEPTED
    _settle(world)
    assert world.status(digest).state is QueueState.RECORDED
    _hold_consistent(world)


def test_crash_between_commit_and_apply_records_the_group_once(world: Any) -> None:
    digest = world.issue(0)
    world.writer.after = [PulledPlugError()]
    with pytest.raises(PulledPlugError):
        world.sequencer().round()
    block = world.reader.head().number
    assert world.status(digest).state is QueueState.ACCEPTED
    _settle(world)
    assert (world.status(digest).state, world.status(digest).block) == (QueueState.RECORDED, block)
    assert world.reader.head().number == block
    _hold_consistent(world)


@pytest.mark.parametrize("step", ["p_block", "p_invoice", "operation"])
def test_crash_while_applying_is_as_if_it_had_not_begun(world: Any, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import event

    digest = world.issue(0)
    sequencer = world.sequencer()
    sequencer.project()

    def pull(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith((f"INSERT INTO {step}", f"UPDATE {step}")):
            raise PulledPlugError

    event.listen(world.store.engine, "before_cursor_execute", pull)
    with pytest.raises(PulledPlugError):
        sequencer.round()
    event.remove(world.store.engine, "before_cursor_execute", pull)
    with world.store.reading() as connection:
        head = projected_head(connection)
        assert head is not None
        assert head.number == world.reader.head().number - 1
        assert invoices.invoice(connection, world.issue_operation(0).number) is None
    assert world.status(digest).state is QueueState.ACCEPTED
    _settle(world)
    assert world.status(digest).state is QueueState.RECORDED
    _hold_consistent(world)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=st.lists(st.sampled_from(["issue", "two", "round", "before", "after"]), min_size=1, max_size=10))
def test_crashes_anywhere_end_the_same(world: Any, plan: list[str]) -> None:
    known = world.__dict__.setdefault("issued", [])
    digests = []
    for step in plan:
        if step in ("issue", "two"):
            count = 1 if step == "issue" else 2
            indexes = range(len(known), len(known) + count)
            known.extend(indexes)
            digests.append(world.issue(*indexes))
        elif step == "round":
            world.sequencer().round()
        else:
            setattr(world.writer, step, [PulledPlugError()])
            try:
                world.sequencer().round()
            except PulledPlugError:
                continue
            finally:
                setattr(world.writer, step, [])
    _settle(world)
    assert all(world.status(digest).state is QueueState.RECORDED for digest in digests)
    with world.store.reading() as connection:
        for index in known:
            assert len(invoices.history(connection, world.issue_operation(index).number)) == 1
    _hold_consistent(world)


def test_batch_that_does_not_fit_is_halved(world: Any) -> None:
    digests = [world.issue(index) for index in range(5)]
    world.writer.refuses = lambda groups: BatchTooLargeError("operations", len(groups), 2) if len(groups) > 2 else None
    done = world.sequencer().round()
    assert (done.taken, done.troubled) == (5, False)
    assert world.writer.batches == [2, 1, 2]
    assert all(world.status(digest).state is QueueState.RECORDED for digest in digests)
    _hold_consistent(world)


def test_poisoned_group_is_put_off_and_the_rest_goes_on(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [world.issue(index, lifetime_s=600) for index in range(4)]
    poisoned = digests[1]

    def refuses(groups: Any) -> Exception | None:
        found = any(group.group.digest(world.identity.domain) == poisoned for group in groups)
        return BatchRefusedError("out of gas") if found else None

    world.writer.refuses = refuses
    sequencer = world.sequencer()
    with structlog.testing.capture_logs() as lines:
        sequencer.round()
        assert sequencer.round().taken == 0
    assert [world.status(digest).state for digest in digests] == [
        QueueState.RECORDED,
        QueueState.ACCEPTED,
        QueueState.RECORDED,
        QueueState.RECORDED,
    ]
    (line,) = [line for line in lines if line["event"] == "group_put_off"]
    assert line["digest"] == poisoned.hex()
    later = world.issue(9)
    sequencer.round()
    assert world.status(later).state is QueueState.RECORDED
    world.clock.now_s += 601
    sequencer.round()
    assert world.status(poisoned).state is QueueState.EXPIRED


def test_node_that_refuses_everything_is_not_blamed_on_the_groups(world: Any) -> None:
    digests = [world.issue(index) for index in range(8)]
    asked: list[int] = []

    def refuses(groups: Any) -> Exception:
        asked.append(len(groups))
        return BatchRefusedError("insufficient funds")

    world.writer.refuses = refuses
    sequencer = world.sequencer()
    assert sequencer.round().troubled
    assert len(asked) < 10
    world.writer.refuses = None
    sequencer.round()
    _settle(world)
    assert all(world.status(digest).state is QueueState.RECORDED for digest in digests)


def test_group_past_its_time_is_expired_and_never_sent(world: Any) -> None:
    short, long = world.issue(0, lifetime_s=60), world.issue(1, lifetime_s=3600)
    world.clock.now_s += 61
    done = world.sequencer().round()
    assert (done.expired, done.taken) == (1, 1)
    assert world.status(short).state is QueueState.EXPIRED
    assert world.status(long).state is QueueState.RECORDED


def test_clock_that_stepped_back_holds_and_then_goes_on(world: Any) -> None:
    world.clock.now_s += 100
    world.issue(0)
    sequencer = world.sequencer()
    sequencer.round()
    waiting = world.issue(1)
    world.clock.now_s -= 50
    with structlog.testing.capture_logs() as lines:
        assert sequencer.round().taken == 0
        assert sequencer.round().taken == 0
        assert world.status(waiting).state is QueueState.ACCEPTED
        world.clock.now_s += 49
        assert sequencer.round().taken == 1
    assert [line["event"] for line in lines] == ["clock_stepped_back", "clock_caught_up", "batch_recorded"]
    assert world.status(waiting).state is QueueState.RECORDED


def test_clock_error_of_the_chain_is_trouble_not_the_end(world: Any) -> None:
    digest = world.issue(0)
    world.writer.before = [ChainClockError(1, 2)]
    sequencer = world.sequencer()
    assert sequencer.round().troubled
    sequencer.round()
    assert world.status(digest).state is QueueState.RECORDED


def test_run_asks_again_after_passing_trouble(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer_module, "WAIT_FIRST_S", 0.01)
    digest = world.issue(0)
    world.writer.before = [
        RemoteChainError("no answer"),
        DatabaseUnavailableError("locked", cause="locked"),
        RemoteChainError("no answer"),
    ]
    stop = threading.Event()
    thread = threading.Thread(target=world.sequencer().run, args=(stop,))
    thread.start()
    _await(lambda: world.status(digest).state is QueueState.RECORDED)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert world.writer.batches == [1]


def test_answer_lost_after_the_block_was_sealed_sends_nothing_twice(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer_module, "WAIT_FIRST_S", 0.01)
    digest = world.issue(0)
    world.writer.after = [RemoteChainError("no answer")]
    stop = threading.Event()
    thread = threading.Thread(target=world.sequencer().run, args=(stop,))
    thread.start()
    _await(lambda: world.status(digest).state is QueueState.RECORDED)
    stop.set()
    thread.join(10)
    assert world.writer.batches == [1]
    _hold_consistent(world)


@pytest.mark.parametrize("error", [ChainStoppedError("closed"), ZeroDivisionError()])
def test_fatal_error_stops_and_says_so(world: Any, error: Exception) -> None:
    digest = world.issue(0)
    world.writer.before = [error]
    with structlog.testing.capture_logs() as lines, pytest.raises(SequencerStoppedError) as caught:
        world.sequencer().run(threading.Event())
    assert caught.value.cause is error
    assert lines[-1]["event"] == "sequencing_stopped"
    assert world.status(digest).state is QueueState.ACCEPTED


def test_errors_are_sorted_into_classes(tmp_path: Any) -> None:
    assert kind_of(BatchRefusedError("x")) is Kind.SPLIT
    assert kind_of(RemoteChainError("x")) is Kind.WAIT
    assert kind_of(DatabaseUnavailableError("x", cause="full")) is Kind.WAIT
    assert kind_of(DatabaseUnavailableError("x", cause="corrupt")) is Kind.FATAL
    assert kind_of(ChainFullError("x", tmp_path)) is Kind.FATAL
    assert kind_of(KeyError()) is Kind.FATAL


def test_sigterm_finishes_the_round_and_ends(world: Any) -> None:
    digest = world.issue(0)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    before = signal.getsignal(signal.SIGTERM)
    run_until_signal(world.sequencer())
    assert signal.getsignal(signal.SIGTERM) is before
    assert world.status(digest).state is QueueState.RECORDED


def test_logs_hold_no_reference_or_amount(world: Any) -> None:
    operation = world.issue_operation(0, gross_fen=987_654_321)
    world.accept(world.signed(3, operation))
    with structlog.testing.capture_logs() as lines:
        world.sequencer().round()
    assert lines
    assert "987654321" not in str(lines)
    assert operation.ref.hex() not in str(lines)


def _await(holds: Any, timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
