"""Many threads' writes in one transaction: one fsync for all of them.

A commit that is safe against power loss waits for the disk, and the disk takes as long for sixteen writes
as for one. So request threads hand their writes to one thread; it takes what has gathered, runs each inside a
SAVEPOINT of one transaction, commits, and only then answers every one of them. A write that breaks a rule
undoes its own savepoint alone.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from ledger.projection.database import unavailable, writing
from ledger.projection.errors import DatabaseUnavailableError, StorageError, StoreClosedError, WriteQueueFullError

WAITING_MAX = 1_024  # writes waiting at most; beyond, a caller is told at once instead of waiting without end
TOGETHER_MAX = 16  # writes in one transaction, 30 ms at most: until then the sequencer cannot write, nor see them

T = TypeVar("T")


@dataclass(frozen=True)
class _Waiting(Generic[T]):
    write: Callable[[Connection], T]
    answer: Future[T]


class GroupCommit:
    """The one thread that writes for this process. Open it after forking; close it before exit."""

    def __init__(self, engine: Engine, *, waiting_max: int = WAITING_MAX) -> None:
        self._engine = engine
        self._waiting_max = waiting_max
        self._waiting: queue.Queue[_Waiting[Any] | None] = queue.Queue(maxsize=waiting_max)
        self._closed = False
        self._lock = threading.Lock()  # guards _closed against a submit that comes with close
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def submit(self, write: Callable[[Connection], T]) -> Future[T]:
        """Result of `write` once it is on disk; what `write` raises, with nothing of it stored.

        Raises: WriteQueueFullError, StoreClosedError. In the future: StorageError and what `write` raises.
        """
        waiting = _Waiting(write, Future())
        with self._lock:
            if self._closed:
                raise StoreClosedError("the store is closed: this process is shutting down")
            try:
                self._waiting.put_nowait(waiting)
            except queue.Full as err:
                raise WriteQueueFullError(self._waiting_max) from err
        return waiting.answer

    def close(self) -> None:
        """Finishes what waits, then stops. Safe to call twice."""
        with self._lock:
            closed, self._closed = self._closed, True
        if not closed:
            self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            together = self._gather()
            if together:
                self._commit(together)
            else:
                return

    def _gather(self) -> list[_Waiting[Any]]:
        """The next writes, at least one; empty when closed."""
        together: list[_Waiting[Any]] = []
        while len(together) < TOGETHER_MAX:
            try:
                waiting = self._waiting.get(block=not together)
            except queue.Empty:
                break
            if waiting is None:
                if together:
                    self._waiting.put(None)  # comes back as the empty gathering that ends the thread
                break
            if waiting.answer.set_running_or_notify_cancel():
                together.append(waiting)
        return together

    def _commit(self, together: list[_Waiting[Any]]) -> None:
        try:
            answers = self._write(together)
        except Exception as err:  # noqa: BLE001 - every waiting thread must get an answer, whatever happened
            if len(together) == 1:
                together[0].answer.set_exception(_stored_nothing(err))
                return
            for waiting in together:  # one of them may be what the disk or the database choked on
                self._commit([waiting])
            return
        for waiting, (result, error) in zip(together, answers, strict=True):
            if error is None:
                waiting.answer.set_result(result)
            else:
                waiting.answer.set_exception(error)

    def _write(self, together: list[_Waiting[Any]]) -> list[tuple[Any, Exception | None]]:
        answers: list[tuple[Any, Exception | None]] = []
        with writing(self._engine) as connection:
            for waiting in together:
                savepoint = connection.begin_nested()
                try:
                    result = waiting.write(connection)
                except (DatabaseUnavailableError, MemoryError):
                    raise
                except IntegrityError as err:
                    savepoint.rollback()
                    answers.append((None, _stored_nothing(err)))
                except DBAPIError:
                    raise  # SQLite may have undone the whole transaction already, savepoints included
                except Exception as err:  # noqa: BLE001 - a rule that `write` found broken is its caller's answer
                    savepoint.rollback()
                    answers.append((None, err))
                else:
                    savepoint.commit()
                    answers.append((result, None))
            _hold_transaction(connection)
        return answers


def _hold_transaction(connection: Connection) -> None:
    """Refuses to go on when SQLite has ended the transaction under us: a COMMIT would then say yes to nothing."""
    driver = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite" and not getattr(driver, "in_transaction", True):
        raise DatabaseUnavailableError("the database undid the transaction: nothing was stored", cause="full")


def _stored_nothing(err: Exception) -> Exception:
    if isinstance(err, IntegrityError):
        failure = StorageError("a row with that key is there already: nothing was stored")
        failure.__cause__ = err
        return failure
    if isinstance(err, DBAPIError):
        failure = unavailable(err)
        failure.__cause__ = err
        return failure
    return err
