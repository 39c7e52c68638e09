"""Signing an uploaded sheet of invoices: one signature for up to 256 rows, one transaction a signature."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

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
    JobKind,
    NewGroup,
    RowState,
    accept,
    bulk_drafts,
    bulk_jobs,
    bulk_queries,
    number_pool,
    parties,
)
from ledger.projection.bulk_drafts import DRAFTS_OF_SHEETS_MAX
from ledger.projection.bulk_jobs import BulkJob, BulkRow
from ledger.service.audit_log import note_group
from ledger.service.bulk_drafting import fitted, keep_rows, may_draft
from ledger.service.bulk_rows import SheetOptions, draft_of, facts_of, sealed_facts
from ledger.service.bulk_steps import SheetSteps, Step, Taken
from ledger.service.context import Context
from ledger.service.drafts import Draft
from ledger.service.errors import (
    DraftsFull,
    NotPermitted,
    NotReady,
    ServiceError,
)
from ledger.service.external_ids import INVOICE_ID, NewId
from ledger.service.issuing import Seller, numbered, seller_at
from ledger.service.people import acts_for, caller_of
from ledger.service.problems import service_problem
from ledger.service.views import Caller
from ledger.service.writing import run_write
from verifier.operations import Reason
from verifier.words import Grant

NUMBERS_HELD_S = 600  # until the group is stored; a process that dies in between gives them back so


@dataclass(frozen=True)
class Picked:
    """Rows that are to be signed next, in one group by `caller`, and the numbers held for them, ascending."""

    job: BulkJob
    options: SheetOptions
    caller: Caller
    key: bytes | None = field(repr=False)  # None: the actor keeps its key, and the group becomes a draft
    seller: Seller
    rows: tuple[BulkRow, ...]
    numbers: tuple[int, ...]


class BulkSigning(SheetSteps[Picked]):
    """Takes the steps of running sheets of invoices."""

    kind = JobKind.ISSUE

    def _picked(self, connection: Connection, job: BulkJob, ready: tuple[BulkRow, ...]) -> Picked | Taken:
        """Rows with numbers held for them."""
        job_id = job.job_id
        options, now_s = SheetOptions.of(self._context, job), self._context.now_s()
        caller, seller = self._signer(connection, job, options)
        ready = self._without_taken(connection, job, ready)
        if not ready:
            return Taken(Step.SIGNED)
        key = self._context.kept_key(connection, caller.party)
        if key is None and not may_draft(self._context, connection, caller.party):
            if not bulk_drafts.has_drafted(connection, job_id):
                raise DraftsFull(DRAFTS_OF_SHEETS_MAX)
            return self._end(connection, job_id)
        if key is not None and not self._has_room(connection, caller.party, len(ready)):
            return Taken(Step.WAITING, bulk_queries.waiting_digest(connection, job_id))
        expires_at = now_s + NUMBERS_HELD_S
        numbers = number_pool.reserve(connection, seller.party, len(ready), expires_at=expires_at, now_s=now_s)
        bulk_jobs.set_job_state(connection, job_id, BulkState.RUNNING, now_s)  # somebody is at it
        return Picked(job, options, caller, key, seller, ready, numbers)

    def _signed(self, picked: Picked) -> Taken:
        """Signs and stores the group of picked rows, or keeps its draft; their numbers come back when that fails."""
        try:
            draft = self._prepared(picked)
            if picked.key is None:
                part = fitted(draft)
                return run_write(self._context, lambda connection: self._keep(connection, picked, part))
            acceptance = self._acceptance(picked, picked.key, draft)
            return run_write(self._context, lambda connection: self._store(connection, picked, acceptance))
        except Exception:
            with suppress(ServiceError):  # then they come back when the reservation ends
                run_write(self._context, lambda connection: _give_back(connection, picked))
            raise

    def _prepared(self, picked: Picked) -> Draft:
        """What the picked rows want signed: numbered, committed and sealed, with the callers' own ids."""
        context, job = self._context, picked.job
        documents = [_draft(context, job.job_id, row, picked.seller) for row in picked.rows]
        draft = numbered(context, documents, picked.numbers, picked.seller, picked.options.first_holder)
        named = zip((facts_of(context, job.job_id, row) for row in picked.rows), picked.numbers, strict=True)
        ids = tuple(
            NewId(job.subject, INVOICE_ID, facts.external_id, format_number(number))
            for facts, number in named
            if facts.external_id
        )
        return replace(draft, external_ids=ids)

    def _acceptance(self, picked: Picked, key: bytes, draft: Draft) -> Acceptance:
        """The draft as a group under the key that is kept here."""
        now_s, domain = self._context.now_s(), self._context.domain
        group = Group(picked.caller.party, now_s + self._context.settings.group_lifetime_s, draft.operations)
        digest = group.digest(domain)
        ids = tuple(one.of_group(digest, now_s) for one in draft.external_ids)
        return Acceptance((NewGroup(digest, sign_group(key, group, domain), draft.documents),), external_ids=ids)

    def _store(self, connection: Connection, picked: Picked, acceptance: Acceptance) -> Taken:
        """Stores the group and marks its rows, unless somebody else signed one of them meanwhile."""
        job_id, positions = picked.job.job_id, [row.position for row in picked.rows]
        if not self._still(connection, picked, [one.external_id for one in acceptance.external_ids]):
            _give_back(connection, picked)
            return Taken(Step.SIGNED)  # the next step sees what is left
        (group,) = acceptance.groups
        accept(connection, acceptance, queue_limit=self._queue_limit, now_s=self._context.now_s())
        operations = group.signed.group.operations
        note_group(self._context, connection, actor=picked.caller.party, digest=group.digest, operations=operations)
        bulk_jobs.sign_rows(connection, job_id, dict(zip(positions, picked.numbers, strict=True)), group.digest)
        return Taken(Step.SIGNED, group.digest)

    def _keep(self, connection: Connection, picked: Picked, draft: Draft) -> Taken:
        """Keeps the group's draft and marks its rows, unless somebody else signed one of them meanwhile."""
        if not self._still(connection, picked, [one.external_id for one in draft.external_ids]):
            _give_back(connection, picked)
            return Taken(Step.SIGNED)
        positions = [row.position for row in picked.rows]
        keep_rows(self._context, connection, picked.caller, picked.job.job_id, draft, positions, picked.numbers)
        return Taken(Step.SIGNED)

    def _still(self, connection: Connection, picked: Picked, ids: list[str]) -> bool:
        """Whether the sheet still runs, and its picked rows are still ready and their own ids free."""
        job_id, positions = picked.job.job_id, [row.position for row in picked.rows]
        return (
            self._running(connection, job_id) is not None
            and bulk_queries.ready_positions(connection, job_id, positions[0], positions[-1]) == positions
            and not bulk_queries.taken_ids(connection, picked.job.subject, INVOICE_ID, sorted(ids))
        )

    def _end(self, connection: Connection, job_id: str) -> Taken:
        """Nothing is left to sign here; while drafts wait for their signature, the sheet is back with its owner."""
        drafted = bulk_drafts.has_drafted(connection, job_id)
        if not drafted or bulk_queries.waiting_digest(connection, job_id) is not None:
            return super()._end(connection, job_id)
        bulk_jobs.set_job_state(connection, job_id, BulkState.DRAFT, self._context.now_s())
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
                bulk_queries.end_row(connection, job.job_id, row.position, RowState.INVALID, sealed)
        return tuple(row for row in ready if facts[row.position].external_id not in taken)

    def _signer(self, connection: Connection, job: BulkJob, options: SheetOptions) -> tuple[Caller, Seller]:
        """Who asked for the signatures, as it is now, and whose invoices they are; both are sealed.

        Raises: NotPermitted for one that may issue no more, and where nobody asked.
        """
        record = parties.party(connection, options.signer) if options.signer else None
        if record is None:
            raise NotPermitted(
                f"nobody asked for the signatures of sheet {job.job_id}: ask for them",
                f"文件 {job.job_id} 尚无人申请签名，请先申请签名",
            )
        caller = caller_of(self._context, connection, record)
        if not acts_for(caller, options.subject, Grant.ISSUE):
            text = reason_text(Reason.NOT_PERMITTED)
            raise NotPermitted(text.what_en, text.what_zh)
        return caller, seller_at(connection, options.subject)


def taken_problem(number: str) -> dict[str, str]:
    """The problem of a row whose own id names an invoice already."""
    problem = service_problem("external_id", "external_id_issued", number=number)
    return {"code": problem.code, "message_en": problem.message_en, "message_zh": problem.message_zh}


def _give_back(connection: Connection, picked: Picked) -> None:
    number_pool.give_back(connection, picked.seller.party, picked.numbers)


def _draft(context: Context, job_id: str, row: BulkRow, seller: Seller) -> InvoiceDocument:
    """The invoice of a row that is ready. Raises: NotReady when there is none, or it is another seller's."""
    kept = draft_of(context, job_id, row)
    document = None if kept is None else parse_issuable(kept)
    if document is None or document.seller.tax_id != seller.tax_id:
        raise NotReady(
            f"row {row.position} of sheet {job_id} is ready and has no invoice of party {seller.party}: bulk_row or "
            "bulk_job.subject was changed; run `einvoice audit --full`, restore from a backup",
            f"文件 {job_id} 第 {row.position} 行待签名，却无参与方 {seller.party} 的发票：bulk_row 或 bulk_job.subject "
            "被改动，请运行 einvoice audit --full 并从备份恢复",
        )
    return document
