"""Enrolling the rows of a register: 256 in a signed group, each with a certificate, without waiting for each block."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.domain.groups import Group, SignedGroup
from ledger.domain.identities import Identity, enrolment_order
from ledger.domain.months import Month
from ledger.identity import sign_group
from ledger.projection import (
    Acceptance,
    Connection,
    JobKind,
    NewGroup,
    QueueState,
    RowState,
    accept,
    bulk_jobs,
    bulk_queries,
    keystore,
    parties,
    queued,
)
from ledger.projection.bulk_jobs import BulkJob, BulkRow
from ledger.projection.bulk_queries import FailedGroup
from ledger.projection.keystore import PartyName, SigningKey, StoredCertificate
from ledger.service import instructions
from ledger.service.audit_log import note_group
from ledger.service.bulk_rows import SheetOptions
from ledger.service.bulk_steps import SheetSteps, Step, Taken
from ledger.service.certifying import Certifier, name_row
from ledger.service.districts import need_own_district
from ledger.service.errors import InvalidRequest, NotPermitted
from ledger.service.forms import checked_month
from ledger.service.people import caller_of, need_officer, need_writer
from ledger.service.register_rows import RegisterEntry, RegisterFacts, reason_problem
from ledger.service.views import Caller
from ledger.service.writing import run_write
from verifier.operations import Code, Reason

OF_ONE_ROW = frozenset({Reason.ALREADY_SO, Reason.STALE_VERSION, Reason.UNKNOWN_PARTY, Reason.BAD_TERMS})
"""Reasons for which the contract refuses a row and would take the rest of its group."""

_WAITING_MAX, _WAITING_SIZE_MAX = 100_000, 1 << 30  # of the queue: all that waits


@dataclass(frozen=True)
class PickedEntry:
    """A row to be signed next: `version` of the party it names, 0 for one that nobody named yet."""

    position: int
    entry: RegisterEntry
    identity: Identity
    version: int


@dataclass(frozen=True)
class PickedRows:
    """Rows to be signed next in one group by the officer `actor`, in the order of their operations."""

    job: BulkJob
    actor: int
    key: bytes = field(repr=False)
    month: Month
    entries: tuple[PickedEntry, ...]


class RegisterSigning(SheetSteps[PickedRows]):
    """Takes the steps of running registers."""

    kind = JobKind.REGISTER

    def _picked(self, connection: Connection, job: BulkJob, ready: tuple[BulkRow, ...]) -> PickedRows | Taken:
        options = SheetOptions.of(self._context, job)
        caller = self._officer(connection, job, options)
        if not self._has_room(connection, caller.party, len(ready)):
            return Taken(Step.WAITING, bulk_queries.waiting_digest(connection, job.job_id))
        entries, others = self._open_entries(connection, job, caller, ready)
        if not entries:
            return Taken(Step.WAITING, others) if others is not None else Taken(Step.SIGNED)
        key = self._context.signing_key(connection, caller.party)
        bulk_jobs.set_job_state(connection, job.job_id, job.state, self._context.now_s())  # somebody is at it
        return PickedRows(job, caller.party, key, checked_month(options.first_month), entries)

    def _signed(self, picked: PickedRows) -> Taken:
        """Keys and certificates are made, and the group is signed, while others write."""
        group, rows = self._prepared(picked)
        return run_write(self._context, lambda connection: self._store(connection, picked, group, rows))

    # -- how ---------------------------------------------------------------------------------

    def _officer(self, connection: Connection, job: BulkJob, options: SheetOptions) -> Caller:
        """Who asked for the signatures, as it is now; its id is sealed, so that no edit of a row makes anybody sign.

        Raises: NotPermitted for one that was dismissed, and where nobody asked.
        """
        record = parties.party(connection, options.signer) if options.signer else None
        if record is None:
            raise NotPermitted(
                f"nobody asked for the signatures of register {job.job_id}: ask for them",
                f"登记表 {job.job_id} 尚无人申请签名，请先申请签名",
            )
        caller = caller_of(self._context, connection, record)
        need_officer(caller)
        need_writer(caller)
        return caller

    def _open_entries(
        self, connection: Connection, job: BulkJob, caller: Caller, ready: tuple[BulkRow, ...]
    ) -> tuple[tuple[PickedEntry, ...], bytes | None]:
        """(rows to enrol, a group of others in the queue that enrols some of them); ends those enrolled before."""
        opened = [(row, RegisterEntry.of(self._context, job.job_id, row)) for row in ready]
        named = [(row, entry, entry.identity) for row, entry in opened]
        known = parties.parties_of_identities(connection, [identity.hash for _, _, identity in named])
        queue = self._enrolled_by_others(connection, job.job_id)
        entries, waits = [], None
        for row, entry, identity in named:
            party = known.get(identity.hash)
            if party is not None and party.signer:
                bulk_queries.end_row(connection, job.job_id, row.position, RowState.BEFORE)
            elif identity.hash in queue:
                waits = queue[identity.hash]
            elif self._in_district(connection, job, caller, row, entry):
                entries.append(PickedEntry(row.position, entry, identity, party.version if party is not None else 0))
        return tuple(sorted(entries, key=lambda one: enrolment_order(one.identity.hash))), waits

    def _in_district(
        self, connection: Connection, job: BulkJob, caller: Caller, row: BulkRow, entry: RegisterEntry
    ) -> bool:
        """Whether the officer that signs may enrol a row; it may have been moved since the file was read."""
        try:
            need_own_district(caller, entry.tax_id)
        except InvalidRequest as err:
            facts = RegisterFacts.of(self._context, job.job_id, row)
            spoilt = RegisterFacts(facts.name, facts.tax_id, facts.quota_class, err.problems)
            sealed = spoilt.sealed(self._context, job.job_id, row.position)
            bulk_queries.end_row(connection, job.job_id, row.position, RowState.INVALID, sealed)
            return False
        return True

    def _enrolled_by_others(self, connection: Connection, job_id: str) -> dict[bytes, bytes]:
        """Identities that groups in the queue enrol, but for this register's own, with the group's digest."""
        own = bulk_queries.waiting_digests(connection, job_id)
        groups = queued.take(
            connection, operations_max=_WAITING_MAX, calldata_size_max=_WAITING_SIZE_MAX, skip=own[: queued.DIGESTS_MAX]
        )
        return {
            operation.who: one.digest
            for one in groups
            for operation in one.signed.group.operations
            if operation.code == Code.ENROL
        }

    def _prepared(self, picked: PickedRows) -> tuple[SignedGroup, list[SigningKey | StoredCertificate | PartyName]]:
        context = self._context
        with context.reading() as connection:
            certifier = Certifier(context, connection)
        operations, rows = [], list[SigningKey | StoredCertificate | PartyName]()
        for one in picked.entries:
            entry = one.entry
            if entry.public_key:
                certified = certifier.own_key(one.identity, entry.name, entry.public_key, entry.address)
            else:
                certified = certifier.new_key(one.identity, entry.name)
            rows += [*certified.rows, name_row(context, one.identity, entry.name, entry.tax_id)]
            operations.append(
                instructions.enrol(
                    officer=picked.actor,
                    identity=one.identity.hash,
                    kind=one.identity.kind,
                    signer=certified.address,
                    version=one.version,
                    certificate_hash=certified.certificate_hash,
                    quota_fen=entry.quota_fen,
                    first_month=picked.month,
                )
            )
        group = Group(picked.actor, context.now_s() + context.settings.group_lifetime_s, tuple(operations))
        return sign_group(picked.key, group, context.domain), rows

    def _store(
        self, connection: Connection, picked: PickedRows, signed: SignedGroup,
        rows: list[SigningKey | StoredCertificate | PartyName],
    ) -> Taken:  # fmt: skip
        """Stores the group and marks its rows, unless somebody else signed one of them meanwhile."""
        job_id, now_s = picked.job.job_id, self._context.now_s()
        orders = {one.position: enrolment_order(one.identity.hash) for one in picked.entries}
        open_ones = bulk_queries.ready_positions(connection, job_id, min(orders), max(orders))
        if self._running(connection, job_id) is None or not orders.keys() <= set(open_ones):
            return Taken(Step.SIGNED)  # the next step sees what is left
        if self._enrolled_meanwhile(connection, picked):
            return Taken(Step.SIGNED)  # or a name that nobody signed would stand over the one of who came first
        digest = signed.group.digest(self._context.domain)
        accept(connection, Acceptance((NewGroup(digest, signed),)), queue_limit=self._queue_limit, now_s=now_s)
        operations = signed.group.operations
        note_group(self._context, connection, actor=picked.actor, digest=digest, operations=operations)
        keystore.put_enrolled(connection, rows)
        bulk_jobs.sign_rows(connection, job_id, orders, digest)
        return Taken(Step.SIGNED, digest)

    def _enrolled_meanwhile(self, connection: Connection, picked: PickedRows) -> bool:
        """Whether somebody else enrolled a picked row, or changed or asked for its party, since it was picked."""
        hashes = [one.identity.hash for one in picked.entries]
        known = parties.parties_of_identities(connection, hashes)
        if not self._enrolled_by_others(connection, picked.job.job_id).keys().isdisjoint(hashes):
            return True
        found = ((one, known.get(one.identity.hash)) for one in picked.entries)
        return any(party is not None and (party.signer or party.version != one.version) for one, party in found)

    def _after(self, connection: Connection, job: BulkJob, failed: FailedGroup) -> Taken:
        """Goes on after a refused row, without it; whatever else ended a group stops the register."""
        reason = Reason(failed.reason) if failed.state is QueueState.REFUSED else None
        if reason not in OF_ONE_ROW or failed.position is None:
            return super()._after(connection, job, failed)
        (row,) = bulk_jobs.rows(connection, job.job_id, after=failed.position - 1, limit=1)
        bulk_jobs.reopen_failed(connection, job.job_id)
        identity = RegisterEntry.of(self._context, job.job_id, row).identity
        party = parties.party_of_identity(connection, identity.hash)
        signed = queued.signed_group(connection, failed.digest)
        assert signed is not None  # a row names it
        (operation,) = (one for one in signed.group.operations if one.who == identity.hash)
        enrolled = party is not None and bool(party.signer)
        if not enrolled and operation.version == (party.version if party is not None else 0):
            facts = RegisterFacts.of(self._context, job.job_id, row)
            told = RegisterFacts(facts.name, facts.tax_id, facts.quota_class, (reason_problem(failed.reason),))
            sealed = told.sealed(self._context, job.job_id, row.position)
            bulk_queries.end_row(connection, job.job_id, row.position, RowState.REFUSED, sealed)
        return Taken(Step.SIGNED)  # enrolled or named by somebody else meanwhile: the next step sees it as it is now
