"""Filing: a month's report, filing it, correcting it by another, and the history of its filings.

The report's hash is in the operation; report and salt are kept sealed, for the enterprise's finance and officers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.domain.month_building import parse_report
from ledger.domain.month_report import REPORT_SIZE_MAX, MonthReport
from ledger.domain.months import Month
from ledger.domain.references import SALT_SIZE, new_reference
from ledger.domain.times import utc_time
from ledger.projection import Connection, IdempotencyConflictError, find_accepted, month_reports, parties
from ledger.projection.parties import FilingRecord
from ledger.service import instructions
from ledger.service.context import Context
from ledger.service.declarations import check_declared, declared_json, declared_of, put_declared
from ledger.service.errors import IdempotencyConflict, NotFound, NotPermitted
from ledger.service.filing_views import FilingView, ReportView
from ledger.service.forms import checked_month
from ledger.service.month_reporting import TRIES_MAX, Declared, MadeReport, MonthReporting, totals_word
from ledger.service.people import acts_for, is_overseen, names_of, need_party, subject_for
from ledger.service.problems import invalid
from ledger.service.views import Caller, Written
from ledger.service.writing import Draft, kept_hash, remembered, request_hash, run_write, submit, written
from verifier.canonical import Json, loads
from verifier.hashing import ZERO_HASH
from verifier.words import Grant, PartyKind

HASH_HEX_LENGTH = 64
SEALED_REPORT = "report"  # kind of sealed item; its id is the report's hash


class _Moved(Exception):  # noqa: N818 - not an error: the report is made again
    """The month changed between making its report and signing it."""


class Filing:
    """Month reports and filings of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reporting = MonthReporting(context)

    # -- reading -----------------------------------------------------------------------------

    def report(
        self, caller: Caller, month: str, *, subject: int | None = None, revision: int | None = None,
        draft: bool = False,
    ) -> ReportView:  # fmt: skip
        """The report that stands, or of another `revision`; before filing, or with `draft`, what would be filed now.

        Raises: NotFound for an enterprise the caller keeps no finance of, or a report kept elsewhere; InvalidRequest.
        """
        index = checked_month(month)
        party = _readable(self._context, caller, subject)
        with self._context.reading() as connection:
            need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
            filed = parties.filings_of_month(connection, party, index)
            if revision is not None and not 0 <= revision < len(filed):
                raise invalid("revision", "revision_unknown", count=len(filed))
            if filed and not draft:
                chosen = filed[-1 if revision is None else revision]
                view = self._filing_views(connection, caller, filed)[chosen.revision]
                kept = kept_report(self._context, connection, chosen)
                if kept is None:
                    raise NotFound("report of month", month)
                return ReportView(kept[0], view, kept[1].hex())
            declared = declared_of(self._context, connection, party, index)
        return ReportView(self._reporting.make(party, index, declared).report)

    def filings(self, caller: Caller, month: str, *, subject: int | None = None) -> tuple[FilingView, ...]:
        """A month's filing and its corrections, oldest first. Raises: as `report`."""
        index = checked_month(month)
        party = _readable(self._context, caller, subject)
        with self._context.reading() as connection:
            need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
            return self._filing_views(connection, caller, parties.filings_of_month(connection, party, index))

    def declared(self, caller: Caller, month: str, *, subject: int | None = None) -> Declared:
        """What is declared of a month so far, for its report. Raises: as `report`."""
        index = checked_month(month)
        party = _readable(self._context, caller, subject)
        with self._context.reading() as connection:
            need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
            return declared_of(self._context, connection, party, index)

    # -- writing -----------------------------------------------------------------------------

    def declare(
        self, caller: Caller, month: str, declared: Declared, *, subject: int | None = None, idempotency_key: str
    ) -> None:
        """Keeps what an enterprise declares of a month, in the place of what was; drafts show it. Nothing is signed.

        Raises: NotPermitted, InvalidRequest naming the field, IdempotencyConflict, Busy.
        """
        index = checked_month(month)
        check_declared(declared)
        party = subject_for(caller, subject, Grant.FINANCE)
        _need_finance(caller, party)
        request: dict[str, Json] = {"month": month, "party": party, **declared_json(declared)}
        hashed = request_hash("declare", request)

        def write(connection: Connection) -> None:
            def take() -> dict[str, Json]:
                need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
                put_declared(self._context, connection, party, index, declared, by=caller.party)
                return {}

            remembered(self._context, connection, caller, idempotency_key, hashed, take)

        run_write(self._context, write)

    def file(
        self, caller: Caller, month: str, *, declared: Declared | None = None, subject: int | None = None,
        idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Files a month with the contract's own totals, which freezes it. It stands alone in its group.

        `declared` left out is what was declared before.

        Raises: NotPermitted, InvalidRequest naming the field declared, NotReady, and the errors of a write.
        """
        return self._file(caller, month, declared, subject, idempotency_key, "file", lambda _: None)

    def refile(
        self, caller: Caller, month: str, *, replaces: str | None = None, declared: Declared | None = None,
        subject: int | None = None, idempotency_key: str,
    ) -> Written:  # fmt: skip
        """Corrects a filed month by a new report that names the one it replaces by its hash, 64 hex digits.

        Left out, `replaces` is the report that stands. Raises: as `file`.
        """
        named = None if replaces is None else _checked_hash(replaces)

        def replaced(filed: Sequence[FilingRecord]) -> bytes:
            if named is not None:
                return named
            return filed[-1].report_hash if filed else ZERO_HASH  # the contract says that nothing is filed

        kind = f"refile {replaces or ''}"
        return self._file(caller, month, declared, subject, idempotency_key, kind, replaced)

    # -- how ---------------------------------------------------------------------------------

    def _file(
        self, caller: Caller, month: str, given: Declared | None, subject: int | None, idempotency_key: str, kind: str,
        replaced_of: Callable[[Sequence[FilingRecord]], bytes | None],
    ) -> Written:  # fmt: skip
        index = checked_month(month)
        if given is not None:
            check_declared(given)
        party = subject_for(caller, subject, Grant.FINANCE)
        said: Json = None if given is None else declared_json(given)
        hashed = request_hash(kind, {"month": month, "party": party, "declared": said})
        for _ in range(TRIES_MAX):
            with self._context.reading() as connection:
                need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
                known = self._is_known(connection, caller, idempotency_key, hashed)
                replaced = replaced_of(parties.filings_of_month(connection, party, index))
                if not known:
                    _need_finance(caller, party)
                declared = declared_of(self._context, connection, party, index) if given is None else given
            correction = replaced.hex() if replaced and replaced != ZERO_HASH else ""
            made = None if known else self._reporting.make(party, index, declared, correction)
            try:
                submitted = submit(
                    self._context, caller, idempotency_key, hashed, self._prepare(caller, party, index, made, replaced)
                )
            except _Moved:
                continue
            return written(self._context, caller, submitted)
        raise invalid("month", "month_moving")

    def _prepare(
        self, caller: Caller, party: int, month: Month, made: MadeReport | None, replaced: bytes | None
    ) -> Callable[[Connection], Draft]:
        """What is signed, from a report made before the transaction; None: an earlier request has been answered."""

        def prepare(connection: Connection) -> Draft:
            if made is None or not made.is_current(connection):
                raise _Moved
            reference = new_reference(made.report.canonical().decode())
            sealed = self._context.seal(reference.salt + reference.text.encode(), SEALED_REPORT, reference.ref.hex())
            kept = month_reports.MonthReport(reference.ref, party, month, sealed, caller.party, self._context.now_s())
            operation = instructions.file_month(
                enterprise=party,
                month=month,
                version=made.version,
                totals=totals_word(made.sums.totals).pack(),
                report_hash=reference.ref,
                replaced=replaced,
            )
            return Draft((operation,), kept=(kept,))

        return prepare

    def _is_known(self, connection: Connection, caller: Caller, key: str, hashed: bytes) -> bool:
        """Whether the Idempotency-Key stands for this request already, so that no report need be made."""
        try:
            kept = kept_hash(self._context, hashed)
            return find_accepted(connection, caller.party, key, kept, self._context.now_s()) is not None
        except IdempotencyConflictError as err:
            raise IdempotencyConflict(err.key) from err

    def _filing_views(
        self, connection: Connection, caller: Caller, filed: Sequence[FilingRecord]
    ) -> tuple[FilingView, ...]:
        acted = frozenset(one.actor for one in filed)
        names = names_of(self._context, connection, acted, caller=caller, acted=acted)
        return tuple(
            FilingView(
                revision=one.revision,
                standing=one is filed[-1],
                report_hash=one.report_hash.hex(),
                replaced_hash=one.replaced_hash.hex() if one.replaced_hash is not None else None,
                filed_at=utc_time(one.filed_at),
                filed_by=one.actor,
                filed_by_name=names.get(one.actor, ""),
                block=one.block,
                digest=one.digest.hex(),
            )
            for one in filed
        )


def kept_report(context: Context, connection: Connection, filing: FilingRecord) -> tuple[MonthReport, bytes] | None:
    """Report and salt behind a filing's hash; None when it was filed elsewhere or forgotten.

    A hash copied from another enterprise's filing stays closed: the report is of whom it was made for.
    """
    stored = month_reports.report(connection, filing.report_hash)
    if stored is None or (stored.party, stored.month) != (filing.party, filing.month):
        return None
    opened = context.opened(stored.report, SEALED_REPORT, filing.report_hash.hex())
    return parse_report(loads(opened[SALT_SIZE:], REPORT_SIZE_MAX)), opened[:SALT_SIZE]


def _readable(context: Context, caller: Caller, subject: int | None) -> int:
    party = subject_for(caller, subject, Grant.FINANCE)
    if not (acts_for(caller, party, Grant.FINANCE) or is_overseen(context, caller, party)):
        raise NotFound("enterprise", str(party))
    return party


def _need_finance(caller: Caller, party: int) -> None:
    """Only who may sign: others, whom the contract would refuse, must not have reports made of its documents."""
    if not acts_for(caller, party, Grant.FINANCE):
        raise NotPermitted(f"enterprise {party} has not granted you `finance`", f"企业 {party} 未授予您 finance 权限")


def _checked_hash(text: str) -> bytes:
    try:
        named = bytes.fromhex(text)
    except ValueError:
        named = b""
    if len(text) != HASH_HEX_LENGTH or len(named) * 2 != HASH_HEX_LENGTH:
        raise invalid("replaces", "hash_form")
    return named
