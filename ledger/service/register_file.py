"""Register files: enterprises enrolled by an officer, a file of them at once; resumable, a result for every row.

Uploading signs nothing: every row is checked and kept, with what is wrong or what it is to become. Signing is asked for
apart and goes on after whatever stopped it (register_signing.py). An enterprise is known by its tax id: one that is
enrolled already is told and left alone, so the same file again, or two files that overlap, enrol nobody twice.
"""

from __future__ import annotations

import csv
import hashlib
import io
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from ledger.domain.identities import enterprise_identity
from ledger.domain.months import format_month, month_of
from ledger.domain.times import utc_time
from ledger.formats import FormatError
from ledger.formats.register_rows import RegisterRow, read_register
from ledger.formats.sheets_cells import safe_cell
from ledger.identity import Scope
from ledger.projection import BulkState, Connection, JobKind, QueueState, RowState, bulk_jobs, bulk_queries, parties
from ledger.projection.bulk_jobs import BulkJob, BulkRow
from ledger.projection.pages import PAGE_SIZE_MAX
from ledger.service.audit_log import note_change
from ledger.service.bulk_acts import act_on_sheet
from ledger.service.bulk_rows import SheetOptions
from ledger.service.bulk_steps import end_asking
from ledger.service.context import Context
from ledger.service.errors import InvalidRequest, NotFound
from ledger.service.forms import checked_cursor, checked_month, checked_page_size, checked_text
from ledger.service.people import need_officer, need_overseer, need_scope, need_writer
from ledger.service.problems import invalid
from ledger.service.register_rows import RegisterFacts, new_rows
from ledger.service.register_signing import RegisterSigning
from ledger.service.register_views import (
    RegisterPage,
    RegisterRowPage,
    RegisterRowView,
    RegisterView,
    RowStatus,
)
from ledger.service.registry import check_quota, today
from ledger.service.views import Caller
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json

CLASSES_MAX = 50
CLASS_LENGTH_MAX = 40
FILE_NAME_LENGTH_MAX = 200
STEP_MS = 2_000  # between two reports of `enrol`
STUCK_S = 60  # `enrol` ends when no row got further for so long; the same file again goes on
RESULT_HEAD = ("row", "name", "tax_id", "class", "status", "party", "reason", "reason_zh")


ROW_STATES = ("invalid", "ready", "signed", "before", "refused")


class RegisterFile:
    """Registers of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._signing = RegisterSigning(context)

    # -- uploading ---------------------------------------------------------------------------

    def upload(
        self, caller: Caller, data: bytes, *, quotas: Mapping[str, int], first_month: str | None = None,
        file_name: str = "", idempotency_key: str,
    ) -> RegisterView:  # fmt: skip
        """Reads a CSV or XLSX register and keeps every row with what is wrong with it; nothing is signed.

        `quotas` is gross fen a month by class; `first_month` the first they may issue in, None: this one.

        Raises: NotPermitted; ScopeMissing with a narrow credential, as with every enrolment; InvalidRequest at `file`
        when it is not read as a whole, at `quotas`, `first_month` or `file_name`.
        """
        self._need_enroller(caller)
        options = self._options(caller, quotas, first_month, file_name)
        file_hash = hashlib.sha256(data).digest()
        job_id = secrets.token_hex(16)
        rows = list(new_rows(self._context, caller, job_id, _read(data), options.quotas))

        def write(connection: Connection) -> dict[str, Json]:
            def take() -> dict[str, Json]:
                now_s = self._context.now_s()
                job = BulkJob(
                    job_id, caller.party, caller.party, JobKind.REGISTER, file_hash,
                    options.sealed(self._context, job_id), BulkState.DRAFT, len(rows), now_s, now_s,
                )  # fmt: skip
                bulk_jobs.add_job(connection, job, rows)
                note_change(
                    self._context, connection, caller, "register_uploaded", about=job_id, rows=len(rows),
                    file=file_hash.hex(),
                )  # fmt: skip
                return {"job": job_id}

            return remembered(self._context, connection, caller, idempotency_key, hashed, take)

        request: Json = {
            "file": file_hash.hex(), "quotas": dict(options.quotas), "first_month": first_month, "name": file_name,
        }  # fmt: skip
        hashed = request_hash("register", request)
        made = run_write(self._context, write)
        return self.job(caller, str(made["job"]))

    # -- signing -----------------------------------------------------------------------------

    def sign(
        self, caller: Caller, job_id: str, *, idempotency_key: str, budget_ms: int | None = None
    ) -> RegisterView:  # fmt: skip
        """Signs what is ready, in the caller's name, for `budget_ms` (None: as long as a write waits).

        The node goes on with the rest. Rows whose group failed are signed anew.

        Raises: NotFound; NoSigningKey for an officer that keeps its key itself; InvalidRequest at `job`, Busy.
        """
        self._need_enroller(caller)

        def act(connection: Connection, job: BulkJob) -> None:
            self._context.signing_key(connection, caller.party)
            if job.state is BulkState.CANCELLED:
                raise invalid("job", "bulk_cancelled")
            now_s = self._context.now_s()
            reopened = bulk_jobs.reopen_failed(connection, job_id)
            ready = reopened or bulk_jobs.rows(connection, job_id, state=RowState.READY, limit=1)
            if job.state is not BulkState.RUNNING and not ready:
                raise invalid("job", "bulk_nothing_ready")
            options = replace(SheetOptions.of(self._context, job), signer=caller.party, stopped=None)
            bulk_queries.set_options(connection, job_id, options.sealed(self._context, job_id), now_s)
            bulk_jobs.set_job_state(connection, job_id, BulkState.RUNNING, now_s)
            note_change(self._context, connection, caller, "register_signing", about=job_id)

        self._act(caller, job_id, idempotency_key, "register sign", act)
        return self.go_on(caller, job_id, budget_ms=budget_ms)

    def go_on(self, caller: Caller, job_id: str, *, budget_ms: int | None = None) -> RegisterView:
        """Goes on with a running register for that time; nothing happens to any other."""
        self.job(caller, job_id)
        self._signing.drive(job_id, self._context.settings.post_wait_ms if budget_ms is None else budget_ms)
        return self.job(caller, job_id)

    def cancel(self, caller: Caller, job_id: str, *, idempotency_key: str) -> RegisterView:
        """Gives a register up, also while it is signed: what is not signed stays so, what is signed is recorded.

        Raises: NotFound.
        """
        self._need_enroller(caller)

        def act(connection: Connection, job: BulkJob) -> None:
            if job.state in (BulkState.DONE, BulkState.CANCELLED):
                return
            end_asking(self._context, connection, job)
            bulk_jobs.set_job_state(connection, job_id, BulkState.CANCELLED, self._context.now_s())
            bulk_jobs.forget_drafts(connection, job_id)
            note_change(self._context, connection, caller, "register_cancelled", about=job_id)

        self._act(caller, job_id, idempotency_key, "register cancel", act)
        return self.job(caller, job_id)

    def enrol(
        self, caller: Caller, data: bytes, *, quotas: Mapping[str, int], first_month: str | None = None,
        file_name: str = "", moved: Callable[[int, int], None] = lambda _done, _of: None,
    ) -> RegisterView:  # fmt: skip
        """Uploads and signs a register and sees it to its end; the same file again goes on where the last run ended.

        `moved` hears (rows done, of). Raises: as `upload` and `sign`.
        """
        view = self._unfinished(caller, data, quotas, first_month)
        if view is None:
            key = f"register-{secrets.token_hex(16)}"
            view = self.upload(
                caller, data, quotas=quotas, first_month=first_month, file_name=file_name, idempotency_key=key
            )
        moved(view.decided_count, view.row_count)
        if not view.counts.keys() & {RowStatus.READY, RowStatus.WAITING, RowStatus.FAILED}:
            return view  # nothing of it can be signed
        key, done, moved_at = f"register-{secrets.token_hex(16)}", view.decided_count, time.monotonic()
        view = self.sign(caller, view.job, idempotency_key=key, budget_ms=STEP_MS)
        while view.state == BulkState.RUNNING:
            moved(view.decided_count, view.row_count)
            if view.decided_count != done:
                done, moved_at = view.decided_count, time.monotonic()
            elif time.monotonic() - moved_at > STUCK_S:
                break
            view = self.go_on(caller, view.job, budget_ms=STEP_MS)
        moved(view.decided_count, view.row_count)
        return view

    # -- reading -----------------------------------------------------------------------------

    def job(self, caller: Caller, job_id: str) -> RegisterView:
        """A register with its rows counted by status. Raises: NotPermitted; NotFound, also for another officer's."""
        with self._context.reading() as connection:
            return self._view(connection, self._need(connection, caller, job_id))

    def jobs(self, caller: Caller, *, cursor: str | None = None, limit: int) -> RegisterPage:
        """The caller's registers, newest first; everybody's for who oversees the whole ledger. Raises: NotPermitted."""
        need_overseer(caller)
        size = checked_page_size(self._context, limit)
        whose = None if caller.oversees_all else caller.party
        with self._context.reading() as connection, checked_cursor():
            page = bulk_jobs.jobs(connection, JobKind.REGISTER, whose, limit=size, cursor=cursor)
            return RegisterPage(tuple(self._view(connection, one) for one in page.items), page.next_cursor)

    def rows(
        self, caller: Caller, job_id: str, *, state: str | None = None, cursor: str | None = None, limit: int
    ) -> RegisterRowPage:  # fmt: skip
        """A page of a register's rows, in the file's order; `state` is one of ROW_STATES.

        Raises: NotPermitted, NotFound, InvalidRequest.
        """
        size = checked_page_size(self._context, limit)
        if state is not None and state not in ROW_STATES:
            raise invalid("state", "format_unknown", given=state[:40], choices=", ".join(ROW_STATES))
        wanted = RowState(state) if state is not None else None
        with checked_cursor():
            after = bulk_queries.row_after(cursor)
        with self._context.reading() as connection:
            job = self._need(connection, caller, job_id)
            found = bulk_jobs.rows(
                connection, job_id, state=wanted, after=after, limit=min(size + 1, PAGE_SIZE_MAX)
            )  # one more tells whether there is a next page
            views = tuple(self._row_views(connection, job, found[:size]))
        return RegisterRowPage(views, f"{found[size - 1].position:x}" if len(found) > size else None)

    def results_file(self, caller: Caller, job_id: str) -> tuple[str, str, bytes]:
        """Name, media type and bytes of `results`."""
        return f"register-{job_id[:8]}.csv", "text/csv", self.results(caller, job_id)

    def results(self, caller: Caller, job_id: str) -> bytes:
        """A row a row of the file, as CSV that spreadsheet programs open; no secret is in it. Raises: as `job`."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(RESULT_HEAD)
        for one in self.every_row(caller, job_id):
            reason, reason_zh = _told(one)
            cells = (
                str(one.row), one.name, one.tax_id, one.quota_class, one.status.value,
                "" if one.party is None else str(one.party), reason, reason_zh,
            )  # fmt: skip
            writer.writerow([safe_cell(cell) for cell in cells])
        return text.getvalue().encode("utf-8-sig")

    def every_row(self, caller: Caller, job_id: str) -> Iterator[RegisterRowView]:
        """All rows of a register, in the file's order."""
        with self._context.reading() as connection:
            job, after = self._need(connection, caller, job_id), 0
            while found := bulk_jobs.rows(connection, job_id, after=after, limit=PAGE_SIZE_MAX):
                yield from self._row_views(connection, job, found)
                after = found[-1].position

    # -- how ---------------------------------------------------------------------------------

    def _need_enroller(self, caller: Caller) -> None:
        need_officer(caller)
        need_writer(caller)
        need_scope(caller, Scope.ALL)

    def _options(
        self, caller: Caller, quotas: Mapping[str, int], first_month: str | None, file_name: str
    ) -> SheetOptions:
        """Raises: InvalidRequest at `quotas`, `first_month` or `file_name`."""
        if not 1 <= len(quotas) <= CLASSES_MAX:
            raise invalid("quotas", "count_range", low=1, high=CLASSES_MAX, given=len(quotas))
        for name, quota_fen in quotas.items():
            checked_text("quotas", name, CLASS_LENGTH_MAX)
            check_quota(quota_fen)
        month = month_of(today(self._context)) if first_month is None else checked_month(first_month)
        name = checked_text("file_name", file_name, FILE_NAME_LENGTH_MAX)
        return SheetOptions(caller.party, caller.party, file_name=name, quotas=quotas, first_month=format_month(month))

    def _need(self, connection: Connection, caller: Caller, job_id: str) -> BulkJob:
        """The register, for the officer that uploaded it and who oversees the whole ledger. Raises: as `job`."""
        need_overseer(caller)
        job = bulk_jobs.job(connection, job_id)
        if job is None or job.kind is not JobKind.REGISTER or not (caller.oversees_all or job.party == caller.party):
            raise NotFound("register", job_id[:40])
        return job

    def _act(
        self, caller: Caller, job_id: str, key: str, what: str, act: Callable[[Connection, BulkJob], None]
    ) -> None:
        asked: tuple[str, Json] = (what, {"job": job_id})
        act_on_sheet(
            self._context, caller, job_id, key, asked, lambda connection: self._need(connection, caller, job_id), act
        )

    def _unfinished(
        self, caller: Caller, data: bytes, quotas: Mapping[str, int], first_month: str | None
    ) -> RegisterView | None:
        """The caller's newest register of the very same file and terms that has not come to its end."""
        file_hash = hashlib.sha256(data).digest()
        with self._context.reading() as connection:
            for job_id in bulk_queries.jobs_of_file(connection, caller.party, file_hash, but=""):
                view = self._view(connection, self._need(connection, caller, job_id))
                same = dict(view.quotas) == dict(quotas) and first_month in (None, view.first_month)
                if same and view.state in (BulkState.DRAFT, BulkState.RUNNING):
                    return view
        return None

    def _view(self, connection: Connection, job: BulkJob) -> RegisterView:
        options = SheetOptions.of(self._context, job)
        counts: dict[RowStatus, int] = {}
        for one in bulk_jobs.sums(connection, job.job_id):
            status = _status(job, one.state, one.group_state)
            counts[status] = counts.get(status, 0) + one.count
        return RegisterView(
            job=job.job_id,
            state=job.state.value,
            officer=options.party,
            file_name=options.file_name,
            file_sha256=job.file_hash.hex(),
            quotas=options.quotas,
            first_month=options.first_month,
            row_count=job.row_count,
            counts=counts,
            stopped=options.stopped,
            created_at=utc_time(job.created_at),
            updated_at=utc_time(job.updated_at),
        )

    def _row_views(self, connection: Connection, job: BulkJob, rows: Sequence[BulkRow]) -> Iterator[RegisterRowView]:
        facts = [RegisterFacts.of(self._context, job.job_id, row) for row in rows]
        statuses = [_status(job, row.state, row.group_state) for row in rows]
        wanted = {
            position: enterprise_identity(one.tax_id).hash
            for position, (one, status) in enumerate(zip(facts, statuses, strict=True))
            if one.tax_id and status in (RowStatus.ENROLLED, RowStatus.BEFORE)
        }
        known = parties.parties_of_identities(connection, list(wanted.values()))
        for position, (row, one, status) in enumerate(zip(rows, facts, statuses, strict=True)):
            party = known.get(wanted[position]) if position in wanted else None
            yield RegisterRowView(
                row=row.position,
                name=one.name,
                tax_id=one.tax_id,
                quota_class=one.quota_class,
                status=status,
                party=party.id if party is not None else None,
                block=row.block if status is RowStatus.ENROLLED else None,
                problems=one.problems,
            )


_STATUSES = {
    RowState.INVALID: RowStatus.INVALID,
    RowState.READY: RowStatus.READY,
    RowState.BEFORE: RowStatus.BEFORE,
    RowState.REFUSED: RowStatus.REFUSED,
}


def _status(job: BulkJob, state: RowState, group_state: QueueState | None) -> RowStatus:
    if state is RowState.READY and job.state is BulkState.CANCELLED:
        return RowStatus.CANCELLED
    if state is not RowState.SIGNED:
        return _STATUSES[state]
    if group_state is QueueState.RECORDED:
        return RowStatus.ENROLLED
    return RowStatus.WAITING if group_state is QueueState.ACCEPTED else RowStatus.FAILED


def _told(row: RegisterRowView) -> tuple[str, str]:
    """Why a row is no party, in English and Chinese; "" for one that is."""
    if row.status is RowStatus.WAITING:
        return "not recorded yet: look again", "尚未上链，请稍后再看"
    placed = [(f"{one.path}: " if one.path else "", one) for one in row.problems]
    english = "; ".join(place + one.message_en for place, one in placed)
    return english, "; ".join(place + one.message_zh for place, one in placed)


def _read(data: bytes) -> tuple[RegisterRow, ...]:
    try:
        return read_register(data)
    except FormatError as err:
        raise InvalidRequest(tuple(replace(one, path="file") for one in err.problems)) from err
