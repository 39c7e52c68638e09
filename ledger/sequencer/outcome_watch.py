"""Waiting for a group's outcome: one thread asks the database for all that wait in this process.

A request that was accepted waits here for its block. Asking for the number of the last projected block is one
look-up in an index; only when it moved, somebody new waits, or a second has passed are the outcomes looked at.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import structlog

from ledger.projection import QueueState, StorageError, Store, queued
from ledger.projection.apply import projected_head
from ledger.projection.queued import DIGESTS_MAX, GroupStatus

POLL_MS = 20
LOOK_ANYWAY_S = 1.0  # groups that expire do so without a block
TROUBLE_WAIT_S = 0.5  # after the database did not answer

log = structlog.get_logger("outcome_watch")


class OutcomeWatch:
    """Wakes threads whose group has an outcome. One a process, opened after forking; close it before exit."""

    def __init__(self, store: Store, *, poll_ms: int = POLL_MS) -> None:
        self._store = store
        self._poll_s = poll_ms / 1000
        self._condition = threading.Condition()  # guards _waiting, _fresh and _closed
        self._waiting: dict[bytes, list[Future[GroupStatus]]] = {}
        self._fresh = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="outcome-watch", daemon=True)
        self._thread.start()

    def wait(self, digest: bytes, timeout_ms: int) -> GroupStatus | None:
        """Outcome of the accepted group `digest`, None when it has none after `timeout_ms` or the watch was closed."""
        answer: Future[GroupStatus] = Future()
        with self._condition:
            if self._closed:
                return None
            self._waiting.setdefault(digest, []).append(answer)
            self._fresh = True
            self._condition.notify()
        try:
            return answer.result(timeout=timeout_ms / 1000)
        except TimeoutError:
            return None
        finally:
            self._leave(digest, answer)

    def close(self) -> None:
        """Ends the thread; those who still wait get None when their time is up. Safe to call twice."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join()

    def _leave(self, digest: bytes, answer: Future[GroupStatus]) -> None:
        with self._condition:
            answers = self._waiting.get(digest, [])
            if answer in answers:
                answers.remove(answer)
            if not answers:
                self._waiting.pop(digest, None)

    def _run(self) -> None:
        seen: int | None = None
        looked_at = 0.0
        while True:
            with self._condition:
                while not self._waiting and not self._closed:
                    self._condition.wait()
                if self._closed:
                    return
                fresh, self._fresh = self._fresh, False
                digests = list(self._waiting)
            try:
                at = self._last_block()
                if fresh or at != seen or time.monotonic() - looked_at > LOOK_ANYWAY_S:
                    seen, looked_at = at, time.monotonic()
                    self._wake(digests)
            except StorageError as err:
                log.warning("outcomes_not_read", error=type(err).__name__, reason=str(err))
                time.sleep(TROUBLE_WAIT_S)
            time.sleep(self._poll_s)

    def _last_block(self) -> int | None:
        with self._store.reading() as connection:
            head = projected_head(connection)
        return None if head is None else head.number

    def _wake(self, digests: list[bytes]) -> None:
        for at in range(0, len(digests), DIGESTS_MAX):
            with self._store.reading() as connection:
                found = queued.statuses(connection, digests[at : at + DIGESTS_MAX])
            for digest, status in found.items():
                if status.state is QueueState.ACCEPTED:
                    continue
                with self._condition:
                    answers = self._waiting.pop(digest, [])
                for answer in answers:
                    answer.set_result(status)
