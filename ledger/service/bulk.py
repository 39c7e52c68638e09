"""Uploaded sheets of invoices: read and kept, looked at row by row, signed, and their results handed out.

Uploading signs nothing: every row is shown with its problems, the good ones with their totals. Signing is asked for
apart (bulk_signing.py) and may be asked for again after whatever stopped it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import ceil

from ledger.domain.invoice import PartyDetails
from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.formats import (
    FormatError,
    ResultRow,
    SheetDrafts,
    SheetInvoice,
    SheetKind,
    read_sheet,
    template,
    write_results,
)
from ledger.projection import BulkState, Connection, JobKind, QueueState, RowState, bulk_jobs, bulk_queries
from ledger.projection.bulk_jobs import BulkJob, BulkRow, BulkSums
from ledger.projection.pages import PAGE_SIZE_MAX
from ledger.service.bulk_acts import act_on_sheet
from ledger.service.bulk_drafting import take_over, waiting_drafts, withdraw_all
from ledger.service.bulk_rows import (
    FirstHolder,
    SheetOptions,
    draft_of,
    facts_of,
    new_row,
)
from ledger.service.bulk_signing import BulkSigning, taken_problem
from ledger.service.bulk_steps import end_asking
from ledger.service.bulk_texts import LANGUAGES, STATUS_TEXTS, Language
from ledger.service.bulk_views import BulkJobPage, BulkJobView, BulkRowPage, BulkRowView, BulkSum
from ledger.service.context import Context
from ledger.service.errors import InvalidRequest, NotFound
from ledger.service.external_ids import INVOICE_ID
from ledger.service.forms import checked_cursor, checked_page_size, checked_party, checked_text
from ledger.service.issuing import Seller, seller_of
from ledger.service.people import acts_for, need_party, subject_for
from ledger.service.problems import invalid, service_problem
from ledger.service.refusals import refusal_of
from ledger.service.views import Caller
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json
from verifier.operations import GROUP_OPERATIONS_MAX
from verifier.words import Grant, PartyKind

INVOICES_MAX = 10_000  # of one sheet: two hours of a clerk's typing, 40 signatures
FILE_NAME_LENGTH_MAX = 200


class Bulk:
    """Uploaded sheets of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._signing = BulkSigning(context)

    # -- uploading ---------------------------------------------------------------------------

    def upload(
        self, caller: Caller, data: bytes, *, file_name: str = "", subject: int | None = None,
        first_holder: FirstHolder = None, idempotency_key: str,
    ) -> BulkJobView:  # fmt: skip
        """Reads a CSV or XLSX sheet and keeps every row with its result; nothing is signed.

        Raises: InvalidRequest at `file` when it is not read as a whole, at `subject`, `first_holder` or `file_name`.
        """
        name = checked_text("file_name", file_name, FILE_NAME_LENGTH_MAX)
        seller = seller_of(self._context, caller, subject)
        if not acts_for(caller, seller.party, Grant.ISSUE):
            raise invalid("subject", "party_unknown", party=seller.party)
        self._check_first_holder(first_holder)
        file_hash = hashlib.sha256(data).digest()
        request: Json = {"file": file_hash.hex(), "seller": seller.party, "first_holder": first_holder, "name": name}
        hashed = request_hash("bulk", request)
        sheet = _read(data, seller)
        job_id = secrets.token_hex(16)
        with self._context.reading() as connection:
            taken = self._taken(connection, seller.party, sheet)
        rows = [new_row(self._context, job_id, one, _extra(one, first_holder, taken)) for one in sheet.invoices]
        options = SheetOptions(
            seller.party, caller.party, first_holder=first_holder, warnings=sheet.warnings, file_name=name
        )

        def write(connection: Connection) -> dict[str, Json]:
            def take() -> dict[str, Json]:
                now_s = self._context.now_s()
                job = BulkJob(
                    job_id, seller.party, caller.party, JobKind.ISSUE, file_hash, options.sealed(self._context, job_id),
                    BulkState.DRAFT, len(rows), now_s, now_s,
                )  # fmt: skip
                bulk_jobs.add_job(connection, job, rows)
                return {"job": job_id}

            return remembered(self._context, connection, caller, idempotency_key, hashed, take)

        made = run_write(self._context, write)
        return self.job(caller, str(made["job"]))

    # -- signing -----------------------------------------------------------------------------

    def sign(
        self, caller: Caller, job_id: str, *, again: bool = False, idempotency_key: str, budget_ms: int | None = None
    ) -> BulkJobView:  # fmt: skip
        """Signs what is ready, a group after the other, for `budget_ms` (None: as long as a write waits).

        Of a caller that keeps its key itself, the groups wait as drafts for its signatures; see `BulkJobView.drafts`.
        The node goes on with the rest. Rows whose group failed are signed anew. `again` says that the same file was
        signed before and is meant twice.

        Raises: NotFound, InvalidRequest at `again` or `job`, Busy.
        """

        def act(connection: Connection, job: BulkJob) -> None:
            self._check_signable(connection, job, again=again)
            options = replace(SheetOptions.of(self._context, job), signer=caller.party, stopped=None)
            now_s = self._context.now_s()
            bulk_jobs.reopen_failed(connection, job_id)
            take_over(self._context, connection, job_id, caller.party)
            bulk_queries.set_options(connection, job_id, options.sealed(self._context, job_id), now_s)
            bulk_jobs.set_job_state(connection, job_id, BulkState.RUNNING, now_s)

        self._act(caller, job_id, idempotency_key, ("bulk sign", {"job": job_id, "again": again}), act)
        return self.go_on(caller, job_id, budget_ms=budget_ms)

    def go_on(self, caller: Caller, job_id: str, *, budget_ms: int | None = None) -> BulkJobView:
        """Goes on with a running sheet for that time; nothing happens to any other."""
        self.job(caller, job_id)
        self._signing.drive(job_id, self._context.settings.post_wait_ms if budget_ms is None else budget_ms)
        return self.job(caller, job_id)

    def cancel(self, caller: Caller, job_id: str, *, idempotency_key: str) -> BulkJobView:
        """Gives a sheet up: its drafts are forgotten, signed by nobody any more; what it issued stays.

        Raises: NotFound; InvalidRequest at `job` while it is being signed.
        """

        def act(connection: Connection, job: BulkJob) -> None:
            if job.state is BulkState.RUNNING or bulk_queries.waiting_digest(connection, job_id) is not None:
                raise invalid("job", "bulk_running")
            if job.state is not BulkState.DONE:
                withdraw_all(connection, job_id)
                end_asking(self._context, connection, job)
                bulk_jobs.set_job_state(connection, job_id, BulkState.CANCELLED, self._context.now_s())
                bulk_jobs.forget_drafts(connection, job_id)

        self._act(caller, job_id, idempotency_key, ("bulk cancel", {"job": job_id}), act)
        return self.job(caller, job_id)

    # -- reading -----------------------------------------------------------------------------

    def job(self, caller: Caller, job_id: str) -> BulkJobView:
        """A sheet with its totals by status. Raises: NotFound, also for another enterprise's."""
        with self._context.reading() as connection:
            return self._view(connection, self._need(connection, caller, job_id))

    def jobs(self, caller: Caller, *, subject: int | None = None, cursor: str | None = None, limit: int) -> BulkJobPage:
        """An enterprise's sheets, newest first. Raises: NotFound for one the caller does not issue for."""
        size = checked_page_size(self._context, limit)
        party = subject_for(caller, subject, Grant.ISSUE)
        if not acts_for(caller, party, Grant.ISSUE):
            raise NotFound("party", str(party))
        with self._context.reading() as connection:
            with checked_cursor():
                page = bulk_jobs.jobs(connection, JobKind.ISSUE, party, limit=size, cursor=cursor)
            return BulkJobPage(tuple(self._view(connection, one) for one in page.items), page.next_cursor)

    def rows(
        self, caller: Caller, job_id: str, *, state: str | None = None, cursor: str | None = None, limit: int
    ) -> BulkRowPage:
        """A page of a sheet's rows, in its order; `state` is invalid, ready, drafted or signed."""
        size = checked_page_size(self._context, limit)
        if state is not None and state not in list(RowState):
            raise invalid("state", "row_state_unknown", given=state[:40])
        with checked_cursor():
            after = bulk_queries.row_after(cursor)
        with self._context.reading() as connection:
            job = self._need(connection, caller, job_id)
            wanted = RowState(state) if state is not None else None
            found = bulk_jobs.rows(
                connection, job_id, state=wanted, after=after, limit=min(size + 1, PAGE_SIZE_MAX)
            )  # one more tells whether there is a next page
            views = tuple(self._row(connection, caller, job, row) for row in found[:size])
        return BulkRowPage(views, f"{found[size - 1].position:x}" if len(found) > size else None)

    def results(
        self, caller: Caller, job_id: str, *, kind: str = "csv", language: str = "zh"
    ) -> tuple[str, str, bytes]:
        """Name, media type and bytes of a sheet of what became of every row."""
        sheet, words = _kind(kind), _language(language)
        with self._context.reading() as connection:
            job = self._need(connection, caller, job_id)
            found = [_result(view, words) for view in self._all_rows(connection, caller, job)]
        return f"results-{job_id[:8]}.{sheet.value}", MEDIA_TYPES[sheet], write_results(found, sheet, words)

    def template(self, *, kind: str = "xlsx", language: str = "zh") -> tuple[str, str, bytes]:
        """Name, media type and bytes of an empty sheet with the names of all columns."""
        sheet, words = _kind(kind), _language(language)
        return f"template.{sheet.value}", MEDIA_TYPES[sheet], template(sheet, words)

    # -- inside ------------------------------------------------------------------------------

    def _check_first_holder(self, first_holder: FirstHolder) -> None:
        if isinstance(first_holder, int):
            with self._context.reading() as connection:
                checked_party("first_holder", first_holder)
                need_party(connection, first_holder, path="first_holder", kind=PartyKind.PERSON)
        elif first_holder not in (None, "buyer", "seller"):
            raise invalid("first_holder", "party_unknown", party=str(first_holder)[:40])

    def _taken(self, connection: Connection, seller: int, sheet: SheetDrafts) -> dict[str, str]:
        ids = sorted({one.external_id for one in sheet.invoices if one.external_id})
        taken: dict[str, str] = {}
        for at in range(0, len(ids), bulk_queries.IDS_MAX):
            part = ids[at : at + bulk_queries.IDS_MAX]
            taken.update(bulk_queries.taken_ids(connection, seller, INVOICE_ID, part))
        return taken

    def _need(self, connection: Connection, caller: Caller, job_id: str) -> BulkJob:
        job = bulk_jobs.job(connection, job_id)
        if job is None or job.kind is not JobKind.ISSUE or not acts_for(caller, job.subject, Grant.ISSUE):
            raise NotFound("sheet", job_id[:40])
        return job

    def _act(
        self, caller: Caller, job_id: str, key: str, asked: tuple[str, Json],
        act: Callable[[Connection, BulkJob], None],
    ) -> None:  # fmt: skip
        need = partial(self._need, caller=caller, job_id=job_id)
        act_on_sheet(self._context, caller, job_id, key, asked, need, act)

    def _check_signable(self, connection: Connection, job: BulkJob, *, again: bool) -> None:
        same = bulk_queries.jobs_of_file(connection, job.subject, job.file_hash, but=job.job_id)
        if not again and bulk_queries.any_signed(connection, same):
            raise invalid("again", "bulk_same_file", job=same[0])
        counts = {one.status: one.count for one in _sums(bulk_jobs.sums(connection, job.job_id))}
        if job.state is BulkState.CANCELLED:
            raise invalid("job", "bulk_cancelled")
        if job.state is not BulkState.RUNNING and not counts.keys() - {"invalid", "recorded", "accepted"}:
            raise invalid("job", "bulk_nothing_ready")

    def _view(self, connection: Connection, job: BulkJob) -> BulkJobView:
        options = SheetOptions.of(self._context, job)
        found = _sums(bulk_jobs.sums(connection, job.job_id))
        ready = sum(one.count for one in found if one.status == RowState.READY.value)
        drafts = waiting_drafts(self._context, connection, job.job_id)
        if job.state is BulkState.CANCELLED:
            ready = 0
        return BulkJobView(
            job=job.job_id,
            state=job.state.value,
            subject=options.subject,
            uploaded_by=options.party,
            file_name=options.file_name,
            file_sha256=job.file_hash.hex(),
            first_holder=options.first_holder,
            row_count=job.row_count,
            group_count=ceil(ready / GROUP_OPERATIONS_MAX) + len(drafts),
            sums=found,
            warnings=options.warnings,
            same_file=bulk_queries.jobs_of_file(connection, job.subject, job.file_hash, but=job.job_id),
            stopped=options.stopped,
            created_at=utc_time(job.created_at),
            updated_at=utc_time(job.updated_at),
            drafts=drafts,
        )

    def _all_rows(self, connection: Connection, caller: Caller, job: BulkJob) -> Iterator[BulkRowView]:
        after = 0
        while found := bulk_jobs.rows(connection, job.job_id, after=after, limit=PAGE_SIZE_MAX):
            yield from (self._row(connection, caller, job, row) for row in found)
            after = found[-1].position

    def _row(self, connection: Connection, caller: Caller, job: BulkJob, row: BulkRow) -> BulkRowView:
        facts = facts_of(self._context, job.job_id, row)
        draft = draft_of(self._context, job.job_id, row)
        buyer = draft.get("buyer") if draft is not None else None
        is_issued = row.group_state in (QueueState.ACCEPTED, QueueState.RECORDED)
        refusal = None
        if row.group_state is QueueState.REFUSED:
            refusal = refusal_of(self._context, connection, caller, row.reason, row.number)
        return BulkRowView(
            row=row.position,
            row_count=facts.row_count,
            reference=facts.reference,
            external_id=facts.external_id,
            status=_status(row.state, row.group_state),
            buyer_name=str(buyer["name"]) if isinstance(buyer, dict) else "",
            gross_fen=row.gross_fen,
            tax_fen=row.tax_fen,
            number=format_number(row.number) if row.number is not None and is_issued else None,
            block=row.block,
            problems=facts.problems,
            refusal=refusal,
        )


MEDIA_TYPES = {
    SheetKind.CSV: "text/csv",
    SheetKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _read(data: bytes, seller: Seller) -> SheetDrafts:
    try:
        sheet = read_sheet(data, PartyDetails(seller.name, seller.tax_id))
    except FormatError as err:
        problems = tuple(replace(one, path=f"file.{one.path}" if one.path else "file") for one in err.problems)
        raise InvalidRequest(problems) from err
    if len(sheet.invoices) > INVOICES_MAX:
        raise invalid("file", "bulk_too_many", given=len(sheet.invoices), high=INVOICES_MAX)
    return sheet


def _extra(invoice: SheetInvoice, first_holder: FirstHolder, taken: dict[str, str]) -> dict[str, str] | None:
    """What is wrong with a row that reads well: its own id names an invoice, or its buyer cannot hold it."""
    if invoice.external_id in taken:
        return taken_problem(taken[invoice.external_id])
    buyer = invoice.draft.get("buyer") if invoice.draft is not None else None
    if first_holder == "buyer" and isinstance(buyer, dict) and not buyer.get("tax_id"):
        problem = service_problem("first_holder", "first_holder_personal")
        return {"code": problem.code, "message_en": problem.message_en, "message_zh": problem.message_zh}
    return None


def _sums(found: tuple[BulkSums, ...]) -> tuple[BulkSum, ...]:
    return tuple(
        BulkSum(_status(one.state, one.group_state), one.count, one.gross_fen - one.tax_fen, one.tax_fen, one.gross_fen)
        for one in found
    )


def _status(state: RowState, group_state: QueueState | None) -> str:
    return group_state.value if state is RowState.SIGNED and group_state is not None else state.value


def _result(view: BulkRowView, language: Language) -> ResultRow:
    key = "message_zh" if language == "zh" else "message_en"
    reasons = [str(one[key]) for one in view.problems]
    if view.refusal is not None:
        reasons.append(view.refusal.message_zh if language == "zh" else view.refusal.message)
    return ResultRow(
        view.row, view.number or "", STATUS_TEXTS[view.status][language], "; ".join(reasons), view.reference,
        view.external_id,
    )  # fmt: skip


def _kind(kind: str) -> SheetKind:
    try:
        return SheetKind(kind)
    except ValueError as err:
        raise invalid("format", "format_unknown", given=kind[:40], choices="csv, xlsx") from err


def _language(language: str) -> Language:
    if language not in LANGUAGES:
        raise invalid("lang", "format_unknown", given=language[:40], choices="zh, en")
    return "zh" if language == "zh" else "en"
