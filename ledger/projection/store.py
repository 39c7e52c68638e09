"""The door to SQL: one object a process, opened after forking.

Everything this package offers takes a connection first. `reading()` lends one for reads of one moment;
`write(...)` runs a function on one and returns when its transaction is on disk, shared with other threads'
writes. So a caller composes as many steps as must happen together and never sees SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine

from ledger.projection import database
from ledger.projection.acceptance import Acceptance, Accepted, accept
from ledger.projection.group_commit import WAITING_MAX, GroupCommit

T = TypeVar("T")

__all__ = ["Connection", "Store"]  # callers pass the connection on and need its type


class Store:
    """The ledger's SQL database. Thread-safe; close it, or use it in a `with`."""

    def __init__(self, engine: Engine, *, waiting_max: int = WAITING_MAX) -> None:
        self.engine = engine
        self._commits = GroupCommit(engine, waiting_max=waiting_max)

    @classmethod
    def open(
        cls, database_url: str, *, busy_timeout_ms: int = database.BUSY_TIMEOUT_MS, waiting_max: int = WAITING_MAX
    ) -> Store:
        """The database at `database_url`, whose schema must be this program's.

        Raises: DatabaseUnavailableError, SchemaOutdatedError.
        """
        engine = database.open_engine(database_url, busy_timeout_ms=busy_timeout_ms)
        database.check_schema(engine)
        return cls(engine, waiting_max=waiting_max)

    @classmethod
    def create(cls, database_url: str, sealing: database.Sealing | None = None) -> Store:
        """The database at `database_url`, its schema made or brought up to date first.

        `sealing` seals what an older schema kept in the clear; a new database needs none.

        Raises: DatabaseUnavailableError, SealingNeededError.
        """
        engine = database.open_engine(database_url)
        database.upgrade(engine, sealing)
        return cls(engine)

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection whose reads are all of one moment. Raises: DatabaseUnavailableError."""
        return database.reading(self.engine)

    def write(self, write: Callable[[Connection], T]) -> T:
        """Result of `write` once its transaction is on disk; what it raises, with nothing of it stored.

        Raises: WriteQueueFullError, StoreClosedError, DatabaseUnavailableError, and what `write` raises.
        """
        return self._commits.submit(write).result()

    def write_later(self, write: Callable[[Connection], T]) -> Future[T]:
        """As `write`, but returns at once with a future."""
        return self._commits.submit(write)

    def writing_alone(self) -> AbstractContextManager[Connection]:
        """A transaction of its own, for the sequencer's blocks. Raises: DatabaseUnavailableError."""
        return database.writing(self.engine)

    def accept(self, acceptance: Acceptance, *, queue_limit: int, now_s: int) -> Accepted:
        """Documents, signed groups, key and numbers, durable when this returns (see acceptance.accept).

        Raises: AcceptError and its kinds, WriteQueueFullError, StoreClosedError, DatabaseUnavailableError.
        """
        return self.write(lambda connection: accept(connection, acceptance, queue_limit=queue_limit, now_s=now_s))

    def probe(self) -> None:
        """Whether a write would succeed now. Raises: DatabaseUnavailableError."""
        database.probe(self.engine)

    def close(self) -> None:
        """Finishes waiting writes, then closes every connection."""
        self._commits.close()
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
