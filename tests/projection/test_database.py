"""The database says in words what is wrong with its place, and keeps what it said yes to."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ledger.projection import DatabaseUnavailableError, StorageError, Store, keystore
from ledger.projection.database import open_engine, reading, writing


def test_commits_are_synced_and_logged_ahead(store: Store) -> None:
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match="einvoice init") as caught:
        Store.open(f"sqlite:///{tmp_path / 'nowhere' / 'ledger.sqlite'}")
    assert caught.value.cause == "missing"


def test_write_to_a_read_only_database_says_so(store: Store) -> None:
    def write(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        keystore.put_meta(connection, "name", "value")

    with pytest.raises(DatabaseUnavailableError) as caught:
        store.write(write)
    assert caught.value.cause == "read_only"


def test_full_disk_says_so_and_stores_nothing(store: Store) -> None:
    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 10")  # at least what there is: the disk is full now
        keystore.put_meta(connection, "name", "x" * 2**20)

    with pytest.raises(DatabaseUnavailableError) as caught:
        store.write(fill)
    assert caught.value.cause == "full"
    with store.reading() as connection:
        assert keystore.meta(connection) == {}


def test_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(DatabaseUnavailableError) as caught:
        Store.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    assert caught.value.cause == "corrupt"


def test_lock_held_too_long_says_so(store: Store, tmp_path: Path) -> None:
    impatient = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}", busy_timeout_ms=100)
    with (
        store.writing_alone(),
        pytest.raises(DatabaseUnavailableError) as caught,
        writing(impatient),
    ):
        pytest.fail("two writers at once")
    assert caught.value.cause == "locked"


def test_second_writer_waits_for_the_first(store: Store, tmp_path: Path) -> None:
    other = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    begun, order = threading.Event(), []

    def second() -> None:
        begun.set()
        with writing(other) as connection:
            order.append("second")
            keystore.put_meta(connection, "by", "second")

    thread = threading.Thread(target=second)
    with store.writing_alone() as connection:
        thread.start()
        begun.wait(5)
        keystore.put_meta(connection, "by", "first")
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    with store.reading() as connection:
        assert keystore.meta(connection)["by"] == "second"


def test_reader_sees_one_moment(store: Store) -> None:
    with store.reading() as before:
        assert keystore.meta(before) == {}
        with store.writing_alone() as connection:
            keystore.put_meta(connection, "name", "value")
        assert keystore.meta(before) == {}
    with store.reading() as after:
        assert keystore.meta(after) == {"name": "value"}


def test_errors_hold_no_values(store: Store) -> None:
    secret = "a name that is nobody's business"

    def write(connection: Connection) -> None:
        for _ in range(2):
            connection.execute(text("INSERT INTO meta (name, value) VALUES (:name, 'x')"), {"name": secret})

    with pytest.raises(StorageError) as caught:
        store.write(write)
    assert secret not in str(caught.value)
    assert secret not in str(caught.value.__cause__)


def test_unknown_server_is_unreachable(tmp_path: Path) -> None:
    engine = open_engine(f"postgresql://nobody@/nothing?host={tmp_path}")
    with pytest.raises(DatabaseUnavailableError) as caught, reading(engine):
        pytest.fail("a server where there is none")
    assert caught.value.cause == "unreachable"


def test_forgotten_bytes_leave_the_file(store: Store, tmp_path: Path) -> None:
    mark = b"personal data " * 40
    with store.writing_alone() as connection:
        connection.execute(
            text(
                "INSERT INTO document (number, seller, sealed_document, sealed_seed, commitment, digest, stored_at)"
                " VALUES ('1', 1, :mark, :mark, x'00', x'00', 0)"
            ),
            {"mark": mark},
        )
    with store.writing_alone() as connection:
        assert keystore.forget_document(connection, "1") == 1
    store.close()
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert mark not in (tmp_path / "ledger.sqlite").read_bytes()
