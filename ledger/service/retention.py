"""How long each kind of personal data is kept, and the node's housekeeping that removes what has ended.

One table, shown in docs/PRIVACY.md: a test holds both against each other, and moves the clock past every row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from ledger.domain.months import CST
from ledger.domain.numbers import format_number
from ledger.projection import Connection, invoices
from ledger.projection.erasures import add_erasure, erase_invoice, truncate_log
from ledger.projection.ground_privacy import ErasedKind
from ledger.projection.retention import ENDINGS, ROWS_MAX, ended_invoices
from ledger.projection.waiting_documents import reds_left, waiting_document
from ledger.service.audit_log import AuditKind, note
from ledger.service.context import Context
from ledger.service.erasing import new_erasure
from ledger.service.errors import ServiceError
from ledger.service.writing import run_write
from ledger.settings import Settings

DAY_S = 86_400
PAUSE_S = 3_600  # between two rounds of housekeeping
ROUNDS_MAX = 200  # transactions of one kind in one round: 100,000 rows, the rest an hour later
VOUCHER_YEARS = 30  # 会计档案管理办法 (2015), annex 1: vouchers; counted from the end of the year

log = structlog.get_logger("retention")


@dataclass(frozen=True)
class Kept:
    """One row of the table: what is kept, how long (days; 0 is until it ends by itself), from when, and why."""

    kind: str
    what: str
    days: int
    since: str
    why: str


_YEARS = VOUCHER_YEARS * 365
_VOUCHER = f"会计档案管理办法: {VOUCHER_YEARS} years after the year ends"

RETENTION = (
    Kept("documents", "documents, originals and read fields of invoices", _YEARS, "end of the year", _VOUCHER),
    Kept("unissued", "documents of what was refused or never recorded", 30, "its outcome", "it can be signed again"),
    Kept(
        "references", "words behind operations: claims, payments, slips, reasons", _YEARS, "end of the year", _VOUCHER
    ),
    Kept("claim_words", "a claimant's words beside a claim", _YEARS, "end of the year", _VOUCHER),
    Kept("approval_notes", "approvers' notes", _YEARS, "end of the year", _VOUCHER),
    Kept("unsigned_sheets", "drafts of a sheet that nobody signed", 30, "last change", "it can be uploaded again"),
    Kept("sheet_results", "what was wrong in a sheet, its own references", 365, "last change", "a year's questions"),
    Kept("titles", "titles a person collected under", 365, "last use", "offered again; losing it costs typing"),
    Kept(
        "idempotency",
        "what an Idempotency-Key stands for",
        0,
        "EINVOICE_IDEMPOTENCY_LIFETIME_S",
        "a request sent again",
    ),
    Kept("signing_drafts", "what waits for its party's own signature", 0, "its end", "nobody can sign it any more"),
    Kept("enrolment_requests", "requests to be enrolled", 365, "decision, or asking", "disputes about who asked"),
    Kept("sessions", "sessions of people", 0, "EINVOICE_SESSION_LIFETIME_S", "signed out by then"),
    Kept("idle_sessions", "sessions nobody uses", 0, "EINVOICE_SESSION_IDLE_S", "signed out by then"),
    Kept("invitations", "invitations", 0, "its end", "used, or no use"),
    Kept("provider_answers", "sign-ins through a provider", 0, "its end", "nobody can bring its answer again"),
    Kept("sign_in_attempts", "counts of wrong passwords", 7, "last one", "pauses are minutes"),
    Kept("deliveries", "deliveries of events that arrived", 7, "arrival", "so that their owner can look"),
    Kept(
        "dead_deliveries",
        "deliveries that were given up",
        90,
        "last attempt",
        "so that their owner can send them again",
    ),
)
"""Kinds with the name of an ending are removed by housekeeping, `documents` are erased by it."""

KEPT_FOR_GOOD = {
    "the chain": "it forgets nothing, and names nobody",
    "groups, numbers, external ids, payments of claims": "what the chain's rows are explained by; ids and hashes",
    "certificates, names of enterprises": "evidence needs them",
    "names of people, keys": "until the person is erased: histories name who acted",
    "month reports and declarations": "sums of an enterprise, nobody's name",
    "audit log, erasures, offices, proposals": "who did what to whom, by number; a gap would look like a deletion",
    "log lines": "they name nobody; keep them six months (网络安全法, article 21), then let your own rotation end them",
    "files that are only read (`outside read`, the public check)": "never stored",
}
"""What housekeeping never removes, and why."""


class Housekeeping:
    """Removes what has ended, an hour between two rounds. One a node; `now_s` is the clock that decides."""

    def __init__(self, context: Context, now_s: Callable[[], int] | None = None) -> None:
        self._context = context
        self._now_s = now_s or context.now_s

    def run(self, stop: threading.Event) -> None:
        """Rounds until `stop` is set. Trouble is logged and tried again; nothing is raised."""
        while not stop.is_set():
            try:
                self.end_due()
            except ServiceError as err:
                log.warning("housekeeping_waits", error=type(err).__name__, again_in_s=PAUSE_S)
            except Exception as err:  # noqa: BLE001  # the node goes on without it, so it must be heard
                log.error("housekeeping_failed", error=type(err).__name__, again_in_s=PAUSE_S)  # noqa: TRY400
            stop.wait(PAUSE_S)

    def end_due(self) -> dict[str, int]:
        """Removes what has ended by now; how many of each kind. Raises: Busy."""
        now_s, ended = self._now_s(), {}
        for one in RETENTION:
            before_s = ends_before(self._context.settings, one, now_s)
            end = self._erase_old if one.kind == "documents" else ENDINGS[one.kind]
            count = sum(self._rounds(end, before_s))
            if count:
                ended[one.kind] = count
        left = sum(self._rounds(self._erase_reds, now_s))
        if left:
            ended["reds_of_erased"] = left
        truncate_log(self._context.store.engine)
        if ended:
            log.info("ended", **ended)
        return ended

    def _rounds(self, end: Callable[[Connection, int], int], before_s: int) -> list[int]:
        counts: list[int] = []
        while len(counts) < ROUNDS_MAX and (not counts or counts[-1] >= ROWS_MAX):
            counts.append(run_write(self._context, lambda connection: end(connection, before_s)))
        return counts

    def _erase_old(self, connection: Connection, before_s: int) -> int:
        """Erases invoices whose time has ended, on the list as any other erasure, by nobody."""
        count = 0
        for number in ended_invoices(connection, before_s):
            known = invoices.invoice(connection, number)
            if waiting_document(connection, number, known.seller if known is not None else 0) is None:  # else next time
                self._erase(connection, number, f"{VOUCHER_YEARS} years after its year", "retention")
                count += 1
        return count

    def _erase_reds(self, connection: Connection, _before_s: int) -> int:
        """Erases reds that came after their blue was erased: a restored queue held one."""
        left = reds_left(connection)
        for number in left:
            self._erase(connection, number, "red of an erased invoice", "its blue")
        return len(left)

    def _erase(self, connection: Connection, number: int, reason: str, after: str) -> None:
        target, context = format_number(number), self._context
        erase_invoice(connection, number)
        new = new_erasure(context, connection, ErasedKind.INVOICE, target, 0, reason, self._now_s())
        if add_erasure(connection, new):
            note(context, connection, AuditKind.ERASED, actor=None, about=target, detail={"after": after})


def ends_before(settings: Settings, one: Kept, now_s: int) -> int:
    """What is older than this moment (seconds since 1970) has ended; vouchers count from a year's end in China."""
    if one.since == "end of the year":
        now = datetime.fromtimestamp(now_s, CST)
        return int(datetime(now.year - VOUCHER_YEARS, 1, 1, tzinfo=CST).astimezone(UTC).timestamp())
    own = {"sessions": settings.session_lifetime_s, "idle_sessions": settings.session_idle_s}
    return now_s - own.get(one.kind, one.days * DAY_S)
