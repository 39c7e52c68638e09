"""Writes of many threads share a transaction; one that fails leaves the others alone."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import Connection

from ledger.projection import DatabaseUnavailableError, Store, StoreClosedError, WriteQueueFullError, keystore
from ledger.projection.group_commit import TOGETHER_MAX, GroupCommit


class RuleBrokenError(Exception):
    pass


def _put(name: str) -> object:
    def write(connection: Connection) -> str:
        keystore.put_meta(connection, name, "there")
        return name

    return write


def _hold_writer(store: Store) -> threading.Event:
    """Keeps the writer thread busy, so that what comes next gathers behind it."""
    release = threading.Event()
    store.write_later(lambda _connection: release.wait(10))
    time.sleep(0.05)
    return release


def test_writes_that_gather_share_one_transaction(store: Store) -> None:
    commits = []
    release = _hold_writer(store)
    futures = [store.write_later(_put(f"n{index}")) for index in range(TOGETHER_MAX + 4)]  # type: ignore[arg-type]
    commit = store._commits._write

    def counting(together: list[object]) -> object:
        commits.append(len(together))
        return commit(together)  # type: ignore[arg-type]

    store._commits._write = counting  # type: ignore[method-assign,assignment]
    release.set()
    assert [future.result(10) for future in futures] == [f"n{index}" for index in range(TOGETHER_MAX + 4)]
    assert commits == [TOGETHER_MAX, 4]


def test_one_broken_rule_does_not_fail_the_others(store: Store) -> None:
    def broken(connection: Connection) -> None:
        keystore.put_meta(connection, "half", "written")
        raise RuleBrokenError

    release = _hold_writer(store)
    first, bad, last = store.write_later(_put("a")), store.write_later(broken), store.write_later(_put("b"))  # type: ignore[arg-type]
    release.set()
    assert (first.result(10), last.result(10)) == ("a", "b")
    with pytest.raises(RuleBrokenError):
        bad.result(10)
    with store.reading() as connection:
        assert set(keystore.meta(connection)) == {"a", "b"}


def test_write_the_database_chokes_on_does_not_fail_the_others(store: Store) -> None:
    def undo_everything(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")  # what SQLite does by itself when the disk is full
        connection.exec_driver_sql("SELECT * FROM no_such_table")

    release = _hold_writer(store)
    first, bad, last = (
        store.write_later(_put("a")),  # type: ignore[arg-type]
        store.write_later(undo_everything),
        store.write_later(_put("b")),  # type: ignore[arg-type]
    )
    release.set()
    assert (first.result(10), last.result(10)) == ("a", "b")
    with pytest.raises(DatabaseUnavailableError):
        bad.result(10)
    with store.reading() as connection:
        assert set(keystore.meta(connection)) == {"a", "b"}


def test_yes_is_said_only_to_what_is_there(store: Store) -> None:
    def undo_quietly(connection: Connection) -> str:
        keystore.put_meta(connection, "gone", "soon")
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("SAVEPOINT sa_savepoint_1")
        return "stored"

    with pytest.raises(DatabaseUnavailableError):
        store.write(undo_quietly)
    with store.reading() as connection:
        assert keystore.meta(connection) == {}


def test_full_queue_is_said_at_once(store: Store) -> None:
    small = GroupCommit(store.engine, waiting_max=2)
    release = threading.Event()
    busy = small.submit(lambda _connection: release.wait(10))
    time.sleep(0.05)
    waiting = [small.submit(lambda _connection: "done") for _ in range(2)]
    with pytest.raises(WriteQueueFullError) as caught:
        small.submit(lambda _connection: "one too many")
    assert caught.value.limit == 2
    release.set()
    assert busy.result(10)
    assert [future.result(10) for future in waiting] == ["done", "done"]
    small.close()


def test_close_finishes_what_waits_and_takes_nothing_more(store: Store) -> None:
    release = _hold_writer(store)
    futures = [store.write_later(_put(f"n{index}")) for index in range(5)]  # type: ignore[arg-type]
    threading.Timer(0.1, release.set).start()
    store.close()
    assert all(future.done() for future in futures)
    with pytest.raises(StoreClosedError):
        store.write(lambda _connection: None)
