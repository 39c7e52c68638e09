"""The steps that take an uploaded sheet from row to row, whatever its rows are: resumable at any moment.

A step takes the next rows that are ready, signs them, and marks them in the transaction that stores the group. So a
row is signed once or not at all, whoever dies in between; what is left is what is ready. Any process may take the
next step: the request that asked for signing, the node for sheets whose request has ended, a command. Steps do not wait
for blocks: the next group is signed while the last one is sequenced, up to as many as may wait.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

import structlog

from ledger.domain.reasons import reason_text
from ledger.projection import (
    BulkState,
    Connection,
    JobKind,
    QueueState,
    RowState,
    bulk_drafts,
    bulk_jobs,
    bulk_queries,
)
from ledger.projection.bulk_jobs import BulkJob, BulkRow
from ledger.projection.bulk_queries import FailedGroup
from ledger.service.bulk_rows import SheetOptions
from ledger.service.bulk_views import BulkStop
from ledger.service.context import Context
from ledger.service.errors import (
    Busy,
    DraftsFull,
    InvalidRequest,
    NoSigningKey,
    NotReady,
    NumbersExhausted,
    QueueFull,
    ServiceError,
)
from ledger.service.writing import run_write
from verifier.operations import GROUP_OPERATIONS_MAX, Reason

WAITING_ROWS_MAX = 1_024  # rows of sheets that wait for a block at once: four groups, and room for the party's tills
POLL_S = 1.0  # how often the node looks for sheets to go on with
LOOK_S = 0.05  # between two looks at a queue that is full
LEFT_S = 3  # after which the node takes a sheet for left by whoever signed it; two at one only do work twice

log = structlog.get_logger("bulk")

PickedT = TypeVar("PickedT")


class Step(StrEnum):
    """What a step did."""

    SIGNED = "signed"  # a group; there may be more
    WAITING = "waiting"  # nothing to sign now: groups wait for their block
    ENDED = "ended"  # the sheet is done, stopped, or was never running


@dataclass(frozen=True)
class Taken:
    """A step's result, with the group to wait for."""

    step: Step
    digest: bytes | None = None


class SheetSteps(ABC, Generic[PickedT]):
    """Takes the steps of running sheets of one kind. `PickedT` is what is signed next, as the kind knows it."""

    kind: JobKind

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ours: set[str] = set()  # sheets that `go_on` took over from a request that ended

    @abstractmethod
    def _picked(self, connection: Connection, job: BulkJob, ready: tuple[BulkRow, ...]) -> PickedT | Taken:
        """What is signed next of a running sheet's rows that are ready, or what there is instead."""

    @abstractmethod
    def _signed(self, picked: PickedT) -> Taken:
        """Signs and stores the group of picked rows."""

    def drive(self, job_id: str, budget_ms: int) -> None:
        """Steps until the sheet ends or the time is up; at least one. Raises: Busy."""
        deadline = time.monotonic() + budget_ms / 1000
        while True:
            taken = self.step(job_id)
            left_ms = int((deadline - time.monotonic()) * 1000)
            if taken.step is Step.ENDED or left_ms <= 0:
                return
            if taken.step is Step.WAITING:
                if taken.digest is not None:
                    self._context.watch.wait(taken.digest, left_ms)
                else:
                    time.sleep(min(LOOK_S, left_ms / 1000))

    def run(self, stop: threading.Event) -> None:
        """Goes on with every running sheet until `stop` is set. Trouble is logged and tried again."""
        while not stop.is_set():
            try:
                if not self.go_on():
                    stop.wait(POLL_S)
            except ServiceError as err:
                log.warning("bulk_waits", error=type(err).__name__, reason=err.message, again_in_s=POLL_S)
                stop.wait(POLL_S)

    def go_on(self) -> bool:
        """One step of every running sheet that nobody else is at; whether any signed something."""
        with self._context.reading() as connection:
            running = bulk_jobs.running_jobs(connection, self.kind)
        left_since = self._context.now_s() - LEFT_S
        taken = [job.job_id for job in running if job.job_id in self._ours or job.updated_at <= left_since]
        self._ours = set(taken)
        steps = [self._tried(job_id) for job_id in taken]
        return Step.SIGNED in steps

    def _tried(self, job_id: str) -> Step:
        """A step of one sheet among others, whose trouble does not hold them up: it is logged."""
        try:
            return self.step(job_id).step
        except ServiceError as err:
            log.warning("bulk_waits", job=job_id, error=type(err).__name__, reason=err.message)
        except Exception:
            log.exception("bulk_failed", job=job_id)
        return Step.WAITING

    def step(self, job_id: str) -> Taken:
        """Signs the next group of a running sheet, or says why there is none. Raises: Busy.

        Documents are sealed and signed between two short transactions: 256 take half a second, for which nobody
        else's writes wait. The second one stores the group only if its rows are still ready.
        """
        try:
            picked = run_write(self._context, lambda connection: self._pick(connection, job_id))
            if isinstance(picked, Taken):
                return picked
            return self._signed(picked)
        except QueueFull:
            with self._context.reading() as connection:
                return Taken(Step.WAITING, bulk_queries.waiting_digest(connection, job_id))
        except Busy:
            raise
        except ServiceError as err:
            stop = BulkStop(_code_of(err), err.message, err.message_zh)
            run_write(self._context, lambda connection: self._stop(connection, job_id, stop))
            return Taken(Step.ENDED)

    def _pick(self, connection: Connection, job_id: str) -> PickedT | Taken:
        """What is signed next of a sheet, or what there is instead."""
        job = self._running(connection, job_id)
        if job is None:
            return Taken(Step.ENDED)
        failed = bulk_queries.failed_group(connection, job_id)
        if failed is not None:
            return self._after(connection, job, failed)
        limit = min(GROUP_OPERATIONS_MAX, self._queue_limit)
        ready = bulk_jobs.rows(connection, job_id, state=RowState.READY, limit=limit)
        return self._picked(connection, job, ready) if ready else self._end(connection, job_id)

    def _after(self, connection: Connection, job: BulkJob, failed: FailedGroup) -> Taken:
        """What becomes of a sheet of which a group failed."""
        self._stop(connection, job.job_id, stop_of(failed))
        return Taken(Step.ENDED)

    def _running(self, connection: Connection, job_id: str) -> BulkJob | None:
        """A sheet that is being signed, held until the transaction ends."""
        if not bulk_queries.lock_job(connection, job_id):
            return None
        job = bulk_jobs.job(connection, job_id)
        return job if job is not None and job.state is BulkState.RUNNING and job.kind == self.kind else None

    @property
    def _queue_limit(self) -> int:
        return min(WAITING_ROWS_MAX, self._context.settings.queue_limit_per_party)

    def _has_room(self, connection: Connection, actor: int, rows: int) -> bool:
        """Whether so many more rows of a party may wait for their block."""
        return bulk_queries.waiting_operations(connection, actor) + rows <= self._queue_limit

    def _end(self, connection: Connection, job_id: str) -> Taken:
        """All rows are signed: done once every group has its block, and only then are the drafts forgotten."""
        waiting = bulk_queries.waiting_digest(connection, job_id)
        if waiting is not None:
            return Taken(Step.WAITING, waiting)
        job = bulk_jobs.job(connection, job_id)
        assert job is not None  # it is held
        end_asking(self._context, connection, job)
        bulk_jobs.set_job_state(connection, job_id, BulkState.DONE, self._context.now_s())
        bulk_jobs.forget_drafts(connection, job_id)
        return Taken(Step.ENDED)

    def _stop(self, connection: Connection, job_id: str, stop: BulkStop) -> None:
        """Puts a sheet back to its owner, with the reason; without it where the sheet's row was damaged."""
        job = bulk_jobs.job(connection, job_id)
        if job is None or job.state is not BulkState.RUNNING:
            return
        end_asking(self._context, connection, job, stop)
        bulk_jobs.set_job_state(connection, job_id, BulkState.DRAFT, self._context.now_s())


def end_asking(context: Context, connection: Connection, job: BulkJob, stop: BulkStop | None = None) -> None:
    """Seals that nobody asks for a sheet's signatures any more, so that no edit of its state has it signed.

    Drafts that wait are asked for still: once one is signed, the node makes the next. A row that was damaged stays as
    it is: who looks at the sheet is told so, and the audit names it.
    """
    with suppress(NotReady):
        options = SheetOptions.of(context, job)
        signer = options.signer if bulk_drafts.has_drafted(connection, job.job_id) else 0
        ended = replace(options, signer=signer, stopped=options.stopped if stop is None else stop)
        bulk_queries.set_options(connection, job.job_id, ended.sealed(context, job.job_id), context.now_s())


def stop_of(failed: FailedGroup) -> BulkStop:
    """What is told of a group that failed."""
    if failed.state is QueueState.REFUSED:
        text = reason_text(failed.reason)
        message, message_zh = f"{text.what_en} {text.next_en}", f"{text.what_zh}{text.next_zh}"
        return BulkStop(Reason(failed.reason).name.lower(), message, message_zh, failed.position)
    return BulkStop(
        failed.state.value,
        "The signed group was not recorded. Sign again.",
        "已签名的一组未上链，请重新签名。",
    )


def _code_of(err: ServiceError) -> str:
    if isinstance(err, NumbersExhausted):
        return "numbers_exhausted"
    if isinstance(err, NoSigningKey):
        return "no_signing_key"
    if isinstance(err, DraftsFull):
        return "drafts_full"
    return err.problems[0].code if isinstance(err, InvalidRequest) else "not_permitted"
