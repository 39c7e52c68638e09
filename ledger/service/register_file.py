"""A whole register of enterprises enrolled by an officer: groups of 256, a result for every row.

Nothing is remembered of a file: an enterprise is known by its tax id, so that the same file again goes on where the
last run ended, whatever ended it. Rows enrolled before say so, rows that wait in the queue are waited for.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger.domain.groups import Group
from ledger.domain.identities import Identity
from ledger.domain.key_proof import Purpose
from ledger.domain.months import Month, month_of
from ledger.domain.reasons import reason_text
from ledger.formats import FormatError
from ledger.formats.register_rows import RegisterRow, read_register
from ledger.formats.sheets_cells import safe_cell
from ledger.identity import sign_group
from ledger.projection import Connection, QueueState, parties, queued
from ledger.service import instructions
from ledger.service.certifying import Certified, certify_new_key, certify_own_key, name_row
from ledger.service.context import Context
from ledger.service.districts import need_own_district
from ledger.service.drafts import Asked, Draft, accept_signed
from ledger.service.enrolment import proof_identity
from ledger.service.errors import InvalidRequest
from ledger.service.forms import checked_month
from ledger.service.key_proofs import OwnKey, checked_address, proven_public_key
from ledger.service.people import need_officer, need_writer
from ledger.service.problems import invalid
from ledger.service.registry import check_quota, checked_enterprise, checked_name, today
from ledger.service.views import Caller
from ledger.service.writing import request_hash, run_write
from verifier.operations import GROUP_OPERATIONS_MAX, Code

GROUP_WAIT_MS = 60_000  # for the block of one group, which takes a second or two
WAITS_MAX = 10  # times a row that waits in the queue is looked at again
CLASSES_MAX = 50
RESULT_HEAD = ("row", "name", "tax_id", "class", "status", "party", "reason", "reason_zh")
_WAITING_MAX, _WAITING_SIZE_MAX = 100_000, 1 << 30  # of the queue: all that waits


class RowStatus(StrEnum):
    """What became of a row."""

    ENROLLED = "enrolled"  # by this run
    BEFORE = "enrolled before"
    INVALID = "invalid"  # nothing was signed
    REFUSED = "refused"  # by the contract
    WAITING = "waiting"  # accepted; run the file again to see its end


@dataclass(frozen=True)
class RowResult:
    """One row of the file and what became of it; reasons in English and Chinese, "" where there is nothing to say."""

    row: RegisterRow
    status: RowStatus
    party: int | None = None
    reason: str = ""
    reason_zh: str = ""


@dataclass(frozen=True)
class _Entry:
    """A row that can be enrolled."""

    row: RegisterRow
    identity: Identity
    name: str
    quota_fen: int
    public_key: bytes | None  # of a key that the enterprise keeps

    @property
    def order(self) -> int:
        """By what operations of a group ascend."""
        return int.from_bytes(self.identity.hash, "big") >> 176


class RegisterFile:
    """Enrolling register files in one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def enrol(
        self, caller: Caller, data: bytes, *, quotas: Mapping[str, int], first_month: str | None = None,
        moved: Callable[[int, int], None] = lambda _done, _of: None,
    ) -> tuple[RowResult, ...]:  # fmt: skip
        """Enrols every row that can be; `quotas` is gross fen a month by class, `moved` hears (rows done, of).

        Raises: NotPermitted; InvalidRequest at `file` or `quotas`; NoSigningKey for an officer that keeps its key;
        QueueFull, Busy: run the same file again.
        """
        need_officer(caller)
        need_writer(caller)
        if not 1 <= len(quotas) <= CLASSES_MAX:
            raise invalid("quotas", "count_range", low=1, high=CLASSES_MAX, given=len(quotas))
        for quota_fen in quotas.values():
            check_quota(quota_fen)
        month = month_of(today(self._context)) if first_month is None else checked_month(first_month)
        try:
            rows = read_register(data)
        except FormatError as err:
            raise InvalidRequest(tuple(replace(one, path="file") for one in err.problems)) from err
        results: dict[int, RowResult] = {}
        entries = list(self._entries(caller, rows, quotas, results))
        moved(len(results), len(rows))
        for at in range(0, len(entries), GROUP_OPERATIONS_MAX):
            for result in self._part(caller, entries[at : at + GROUP_OPERATIONS_MAX], month):
                results[result.row.number] = result
            moved(len(results), len(rows))
        return tuple(results[row.number] for row in rows)

    # -- how ---------------------------------------------------------------------------------

    def _entries(
        self, caller: Caller, rows: Sequence[RegisterRow], quotas: Mapping[str, int], results: dict[int, RowResult]
    ) -> Iterator[_Entry]:
        """Rows that can be enrolled; of the others the result is noted."""
        seen: dict[str, int] = {}
        for row in rows:
            try:
                yield self._entry(caller, row, quotas, seen)
            except InvalidRequest as err:
                first = err.problems[0]
                place = f"{first.path}: " if first.path else ""
                results[row.number] = RowResult(
                    row, RowStatus.INVALID, None, place + first.message_en, place + first.message_zh
                )

    def _entry(self, caller: Caller, row: RegisterRow, quotas: Mapping[str, int], seen: dict[str, int]) -> _Entry:
        if row.flaws:
            raise invalid(row.flaws[0], "register_cell")
        name, identity = checked_name(row.name), checked_enterprise(row.tax_id)
        need_own_district(caller, row.tax_id)
        if seen.setdefault(row.tax_id, row.number) != row.number:
            raise invalid("tax_id", "register_twice", row=seen[row.tax_id])
        if row.quota_class not in quotas:
            raise invalid("class", "register_class", given=row.quota_class[:40], choices=", ".join(sorted(quotas)))
        public_key = None
        if row.address or row.signed_at or row.signature:
            signed_at = int(row.signed_at) if row.signed_at.isascii() and row.signed_at.isdigit() else -1
            own = OwnKey(row.address, signed_at, row.signature)
            said = proof_identity("enterprise", row.tax_id)
            public_key = proven_public_key(self._context, own, Purpose.ENROL, said, name)
        return _Entry(row, identity, name, quotas[row.quota_class], public_key)

    def _part(self, caller: Caller, entries: list[_Entry], month: Month) -> Iterator[RowResult]:
        """Results of up to 256 rows. What the contract refuses of a group is its one row; the rest goes again."""
        pending = list(entries)
        for _ in range(len(entries) + WAITS_MAX):
            known, left, waiting = self._looked_up(pending)
            yield from known
            done = {one.row.number for one in known}
            if left:
                ended = list(self._one_group(caller, left, month))
                yield from ended
                done |= {one.row.number for one in ended}
                if not ended:
                    break
            elif waiting:
                self._context.watch.wait(waiting[-1], GROUP_WAIT_MS)
            pending = [one for one in pending if one.row.number not in done]
            if not pending:
                return
        waits = ("not recorded yet: run the file again", "尚未上链，请重新运行该文件")
        yield from (RowResult(one.row, RowStatus.WAITING, None, *waits) for one in pending)

    def _one_group(self, caller: Caller, entries: list[_Entry], month: Month) -> Iterator[RowResult]:
        """Results of one group: of all its rows, of the one that the contract refused, or none when it has no end."""
        outcome = self._context.watch.wait(self._accepted(caller, entries, month), GROUP_WAIT_MS)
        if outcome is None:
            return
        if outcome.state is QueueState.RECORDED:
            yield from self._enrolled(entries)
        elif outcome.state is QueueState.REFUSED:
            text = reason_text(outcome.reason)
            named = [one for one in entries if one.order == outcome.refused_number]
            yield from (RowResult(one.row, RowStatus.REFUSED, None, text.what_en, text.what_zh) for one in named)

    def _looked_up(self, entries: list[_Entry]) -> tuple[list[RowResult], list[_Entry], list[bytes]]:
        """(rows enrolled before, rows to enrol, groups of others in the queue that enrol some of them)."""
        known, left, waiting = [], [], []
        with self._context.reading() as connection:
            queue = _waiting(connection)
            for one in entries:
                party = parties.party_of_identity(connection, one.identity.hash)
                if party is not None and party.signer:
                    known.append(RowResult(one.row, RowStatus.BEFORE, party.id))
                elif one.identity.hash in queue:
                    waiting.append(queue[one.identity.hash])
                else:
                    left.append(one)
        return known, left, waiting

    def _accepted(self, caller: Caller, entries: list[_Entry], month: Month) -> bytes:
        """Digest of the accepted group that enrols these rows."""
        context = self._context
        ordered = sorted(entries, key=lambda one: one.order)
        with context.reading() as connection:  # keys and certificates are made before others wait for this write
            certified = [self._certified(connection, one) for one in ordered]
        hashed = request_hash("register", [one.row.tax_id for one in ordered])
        asked = Asked(f"register-{secrets.token_hex(16)}", hashed)

        def write(connection: Connection) -> bytes:
            operations = []
            for one, key in zip(ordered, certified, strict=True):
                known = parties.party_of_identity(connection, one.identity.hash)
                operations.append(
                    instructions.enrol(
                        officer=caller.party,
                        identity=one.identity.hash,
                        kind=one.identity.kind,
                        signer=key.address,
                        version=known.version if known is not None else 0,
                        certificate_hash=key.certificate_hash,
                        quota_fen=one.quota_fen,
                        first_month=month,
                    )
                )
            names = [name_row(context, one.identity, one.name, one.row.tax_id) for one in ordered]
            kept = tuple(row for key in certified for row in key.rows) + tuple(names)
            group = Group(caller.party, context.now_s() + context.settings.group_lifetime_s, tuple(operations))
            signed = sign_group(context.signing_key(connection, caller.party), group, context.domain)
            draft = Draft(group.operations, kept=kept)
            return accept_signed(
                context, connection, asked, draft, signed, kept_key=True, credential=caller.credential
            )[0]

        return run_write(context, write)

    def _certified(self, connection: Connection, entry: _Entry) -> Certified:
        if entry.public_key is None:
            return certify_new_key(self._context, connection, entry.identity, entry.name)
        address = checked_address(entry.row.address)
        return certify_own_key(self._context, connection, entry.identity, entry.name, entry.public_key, address)

    def _enrolled(self, entries: list[_Entry]) -> Iterator[RowResult]:
        with self._context.reading() as connection:
            for one in entries:
                party = parties.party_of_identity(connection, one.identity.hash)
                yield RowResult(one.row, RowStatus.ENROLLED, party.id if party is not None else None)


def results_csv(results: Sequence[RowResult]) -> bytes:
    """A row a row of the file, as CSV that spreadsheet programs open; no secret is in it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(RESULT_HEAD)
    for one in results:
        row = one.row
        cells = (
            str(row.number), row.name, row.tax_id, row.quota_class, one.status.value,
            "" if one.party is None else str(one.party), one.reason, one.reason_zh,
        )  # fmt: skip
        writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue().encode("utf-8-sig")


def _waiting(connection: Connection) -> dict[bytes, bytes]:
    """Identities that groups in the queue enrol, with the group's digest."""
    groups = queued.take(connection, operations_max=_WAITING_MAX, calldata_size_max=_WAITING_SIZE_MAX)
    return {
        operation.who: one.digest
        for one in groups
        for operation in one.signed.group.operations
        if operation.code == Code.ENROL
    }
