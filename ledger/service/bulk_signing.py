"""Signing an uploaded sheet: one signature for up to 256 rows, one transaction a signature, resumable at any moment.

A step takes the next rows that are ready, signs them, and marks them in the transaction that stores the group. So a
row is signed once or not at all, whoever dies in between; what is left is what is ready. Any process may take the
next step: the request that asked for signing, the node for sheets whose request has ended, a command.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

import structlog

from ledger.domain.document import parse_issuable
from ledger.domain.groups import Group
from ledger.domain.invoice import InvoiceDocument
from ledger.domain.numbers import format_number
from ledger.domain.reasons import reason_text
from ledger.identity import sign_group
from ledger.projection import (
    Acceptance,
    BulkState,
    Connection,
    ExternalId,
    NewGroup,
    QueueState,
    RowState,
    accept,
    bulk_jobs,
    bulk_queries,
    number_pool,
    parties,
)
from ledger.projection.bulk_jobs import BulkJob, BulkRow
from ledger.projection.bulk_queries import FailedGroup
from ledger.service.audit_log import note_group
from ledger.service.bulk_rows import SheetOptions, draft_of, facts_of, sealed_facts
from ledger.service.bulk_views import BulkStop
from ledger.service.context import Context
from ledger.service.errors import (
    Busy,
    InvalidRequest,
    NoSigningKey,
    NotPermitted,
    NumbersExhausted,
    QueueFull,
    ServiceError,
)
from ledger.service.external_ids import INVOICE_ID
from ledger.service.issuing import Seller, numbered, seller_at
from ledger.service.people import acts_for, caller_of
from ledger.service.problems import service_problem
from ledger.service.views import Caller
from ledger.service.writing import run_write
from verifier.operations import GROUP_OPERATIONS_MAX, Reason
from verifier.words import Grant

WAITING_ROWS_MAX = 1_024  # rows of sheets that wait for a block at once: four groups, and room for the party's tills
POLL_S = 1.0  # how often the node looks for sheets to go on with
LOOK_S = 0.05  # between two looks at a queue that is full
LEFT_S = 3  # after which the node takes a sheet for left by whoever signed it; two at one only do work twice
NUMBERS_HELD_S = 600  # until the group is stored; a process that dies in between gives them back so

log = structlog.get_logger("bulk")


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


@dataclass(frozen=True)
class Picked:
    """Rows that are to be signed next, in one group by `actor`, and the numbers held for them, ascending."""

    job: BulkJob
    options: SheetOptions
    actor: int
    key: bytes = field(repr=False)
    seller: Seller
    rows: tuple[BulkRow, ...]
    numbers: tuple[int, ...]


class BulkSigning:
    """Takes the steps of running sheets."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ours: set[str] = set()  # sheets that `go_on` took over from a request that ended

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
        """One step of every running sheet that nobody else is at; whether any signed something. Raises: Busy."""
        with self._context.reading() as connection:
            running = bulk_jobs.running_jobs(connection)
        left_since = self._context.now_s() - LEFT_S
        taken = [job.job_id for job in running if job.job_id in self._ours or job.updated_at <= left_since]
        self._ours = set(taken)
        steps = [self.step(job_id).step for job_id in taken]
        return Step.SIGNED in steps

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

    def _pick(self, connection: Connection, job_id: str) -> Picked | Taken:
        """The next rows of a running sheet with numbers held for them, or what there is instead of rows."""
        job = self._running(connection, job_id)
        if job is None:
            return Taken(Step.ENDED)
        failed = bulk_queries.failed_group(connection, job_id)
        if failed is not None:
            self._stop(connection, job_id, stop_of(failed))
            return Taken(Step.ENDED)
        ready = bulk_jobs.rows(
            connection, job_id, state=RowState.READY, limit=min(GROUP_OPERATIONS_MAX, self._queue_limit)
        )
        if not ready:
            return self._end(connection, job_id)
        ready = self._without_taken(connection, job, ready)
        if not ready:
            return Taken(Step.SIGNED)
        options, now_s = SheetOptions.of(self._context, job), self._context.now_s()
        caller, seller = self._signer(connection, job, options)
        if bulk_queries.waiting_operations(connection, caller.party) + len(ready) > self._queue_limit:
            return Taken(Step.WAITING, bulk_queries.waiting_digest(connection, job_id))
        key = self._context.signing_key(connection, caller.party)
        expires_at = now_s + NUMBERS_HELD_S
        numbers = number_pool.reserve(connection, seller.party, len(ready), expires_at=expires_at, now_s=now_s)
        bulk_jobs.set_job_state(connection, job_id, BulkState.RUNNING, now_s)  # somebody is at it
        return Picked(job, options, caller.party, key, seller, ready, numbers)

    def _signed(self, picked: Picked) -> Taken:
        """Signs and stores the group of picked rows; their numbers come back when that fails."""
        try:
            acceptance = self._prepared(picked)
            return run_write(self._context, lambda connection: self._store(connection, picked, acceptance))
        except Exception:
            with suppress(ServiceError):  # then they come back when the reservation ends
                run_write(self._context, lambda connection: _give_back(connection, picked))
            raise

    def _prepared(self, picked: Picked) -> Acceptance:
        """The group of picked rows, numbered, committed, sealed and signed, and the callers' own ids."""
        context, job, now_s = self._context, picked.job, self._context.now_s()
        documents = [_draft(context, job.job_id, row) for row in picked.rows]
        draft = numbered(context, documents, picked.numbers, picked.seller, picked.options.first_holder)
        group = Group(picked.actor, now_s + context.settings.group_lifetime_s, draft.operations)
        domain = context.domain
        digest = group.digest(domain)
        named = zip((facts_of(context, job.job_id, row) for row in picked.rows), picked.numbers, strict=True)
        ids = tuple(
            ExternalId(job.subject, INVOICE_ID, facts.external_id, format_number(number), digest, now_s)
            for facts, number in named
            if facts.external_id
        )
        signed = sign_group(picked.key, group, domain)
        return Acceptance((NewGroup(digest, signed, draft.documents),), external_ids=ids)

    def _store(self, connection: Connection, picked: Picked, acceptance: Acceptance) -> Taken:
        """Stores the group and marks its rows, unless somebody else signed one of them meanwhile."""
        job_id = picked.job.job_id
        positions = [row.position for row in picked.rows]
        ids = sorted(one.external_id for one in acceptance.external_ids)
        if (
            self._running(connection, job_id) is None
            or bulk_queries.ready_positions(connection, job_id, positions[0], positions[-1]) != positions
            or bulk_queries.taken_ids(connection, picked.job.subject, INVOICE_ID, ids)
        ):
            _give_back(connection, picked)
            return Taken(Step.SIGNED)  # the next step sees what is left
        (group,) = acceptance.groups
        accept(connection, acceptance, queue_limit=self._queue_limit, now_s=self._context.now_s())
        operations = group.signed.group.operations
        note_group(self._context, connection, actor=picked.actor, digest=group.digest, operations=operations)
        bulk_jobs.sign_rows(connection, job_id, dict(zip(positions, picked.numbers, strict=True)), group.digest)
        return Taken(Step.SIGNED, group.digest)

    def _running(self, connection: Connection, job_id: str) -> BulkJob | None:
        """A sheet that is being signed, held until the transaction ends."""
        if not bulk_queries.lock_job(connection, job_id):
            return None
        job = bulk_jobs.job(connection, job_id)
        return job if job is not None and job.state is BulkState.RUNNING else None

    @property
    def _queue_limit(self) -> int:
        return min(WAITING_ROWS_MAX, self._context.settings.queue_limit_per_party)

    def _end(self, connection: Connection, job_id: str) -> Taken:
        """All rows are signed: done once every group has its block, and only then are the drafts forgotten."""
        waiting = bulk_queries.waiting_digest(connection, job_id)
        if waiting is not None:
            return Taken(Step.WAITING, waiting)
        bulk_jobs.set_job_state(connection, job_id, BulkState.DONE, self._context.now_s())
        bulk_jobs.forget_drafts(connection, job_id)
        return Taken(Step.ENDED)

    def _without_taken(self, connection: Connection, job: BulkJob, ready: tuple[BulkRow, ...]) -> tuple[BulkRow, ...]:
        """Rows whose own id does not name an invoice yet; the others become invalid and say which it names."""
        facts = {row.position: facts_of(self._context, job.job_id, row) for row in ready}
        ids = sorted({one.external_id for one in facts.values() if one.external_id})
        taken = bulk_queries.taken_ids(connection, job.subject, INVOICE_ID, ids)
        for row in ready:
            named = taken.get(facts[row.position].external_id)
            if named is not None:
                spoilt = facts[row.position].with_problem(row.position, taken_problem(named))
                sealed = sealed_facts(self._context, job.job_id, row.position, spoilt)
                bulk_queries.spoil_row(connection, job.job_id, row.position, sealed)
        return tuple(row for row in ready if facts[row.position].external_id not in taken)

    def _signer(self, connection: Connection, job: BulkJob, options: SheetOptions) -> tuple[Caller, Seller]:
        record = parties.party(connection, options.signer or job.party)
        assert record is not None
        caller = caller_of(self._context, connection, record)
        if not acts_for(caller, job.subject, Grant.ISSUE):
            text = reason_text(Reason.NOT_PERMITTED)
            raise NotPermitted(text.what_en, text.what_zh)
        return caller, seller_at(connection, job.subject)

    def _stop(self, connection: Connection, job_id: str, stop: BulkStop) -> None:
        """Puts a sheet back to its owner, with the reason."""
        job = bulk_jobs.job(connection, job_id)
        if job is None or job.state is not BulkState.RUNNING:
            return
        now_s = self._context.now_s()
        options = replace(SheetOptions.of(self._context, job), stopped=stop)
        bulk_queries.set_options(connection, job_id, options.sealed(self._context, job_id), now_s)
        bulk_jobs.set_job_state(connection, job_id, BulkState.DRAFT, now_s)


def stop_of(failed: FailedGroup) -> BulkStop:
    """What is told of a group that failed."""
    if failed.state is QueueState.REFUSED:
        text = reason_text(failed.reason)
        message, message_zh = f"{text.what_en} {text.next_en}", f"{text.what_zh}{text.next_zh}"
        return BulkStop(Reason(failed.reason).name.lower(), message, message_zh, failed.position)
    return BulkStop(
        failed.state.value,
        "The signed group was not recorded. Sign again.",
        "已签名的一组发票未上链，请重新签名。",
    )


def taken_problem(number: str) -> dict[str, str]:
    """The problem of a row whose own id names an invoice already."""
    problem = service_problem("external_id", "external_id_issued", number=number)
    return {"code": problem.code, "message_en": problem.message_en, "message_zh": problem.message_zh}


def _give_back(connection: Connection, picked: Picked) -> None:
    number_pool.give_back(connection, picked.seller.party, picked.numbers)


def _draft(context: Context, job_id: str, row: BulkRow) -> InvoiceDocument:
    document = draft_of(context, job_id, row)
    assert document is not None
    return parse_issuable(document)


def _code_of(err: ServiceError) -> str:
    if isinstance(err, NumbersExhausted):
        return "numbers_exhausted"
    if isinstance(err, NoSigningKey):
        return "no_signing_key"
    return err.problems[0].code if isinstance(err, InvalidRequest) else "not_permitted"
