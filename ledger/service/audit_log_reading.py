"""Reading the audit log: the tax authority and its auditors, nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.domain.times import utc_time
from ledger.projection import audit_log
from ledger.projection.audit_log import AuditEntry
from ledger.projection.ground_audit import ABOUT_LENGTH_MAX, DETAIL_LENGTH_MAX
from ledger.service.audit_log import AuditKind
from ledger.service.context import Context
from ledger.service.errors import NotPermitted
from ledger.service.forms import checked_cursor, checked_page_size, checked_party, checked_text
from ledger.service.problems import invalid
from ledger.service.views import Caller
from verifier.canonical import loads
from verifier.errors import EvidenceError

PAGE_SIZE_DEFAULT: Final = 50


@dataclass(frozen=True)
class AuditEntryView:
    """One entry as it is read; `entry_hash` in hex stands for all entries up to it."""

    seq: int
    noted_at: datetime
    kind: str
    actor: int | None
    about: str
    detail: dict[str, str | int]
    entry_hash: str


@dataclass(frozen=True)
class AuditLogPage:
    """Entries, newest first; `next_cursor` is None on the last page."""

    items: tuple[AuditEntryView, ...]
    next_cursor: str | None


class AuditLog:
    """The log of one ledger, to be read."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def entries(
        self, caller: Caller, *, kind: str | None = None, actor: int | None = None, about: str | None = None,
        since: datetime | None = None, until: datetime | None = None, cursor: str | None = None,
        limit: int = PAGE_SIZE_DEFAULT,
    ) -> AuditLogPage:  # fmt: skip
        """Entries that match all that is given, newest first; `since` <= noted_at < `until`, both aware.

        Raises: NotPermitted for everybody but the authority and auditors; InvalidRequest.
        """
        if not (caller.auditor or (caller.kind == "authority" and not caller.suspended)):
            raise NotPermitted(
                "only the tax authority and its auditors read the audit log", "仅税务机关及其审计人员可查阅审计日志"
            )
        if kind is not None and kind not in frozenset(AuditKind):
            raise invalid("kind", "format_unknown", given=kind[:40], choices=", ".join(AuditKind))
        size = checked_page_size(self._context, limit)
        with checked_cursor(), self._context.reading() as connection:
            page = audit_log.entries(
                connection,
                limit=size,
                cursor=cursor,
                kind=kind,
                actor=None if actor is None else checked_party("actor", actor),
                about=None if about is None else checked_text("about", about, ABOUT_LENGTH_MAX),
                since_s=None if since is None else int(since.timestamp()),
                until_s=None if until is None else int(until.timestamp()),
            )
        return AuditLogPage(tuple(map(_view, page.items)), page.next_cursor)


def _view(entry: AuditEntry) -> AuditEntryView:
    return AuditEntryView(
        seq=entry.seq,
        noted_at=utc_time(entry.noted_at),
        kind=entry.kind,
        actor=entry.actor,
        about=entry.about,
        detail=_detail(entry.detail),
        entry_hash=entry.entry_hash.hex(),
    )


def _detail(text: str) -> dict[str, str | int]:
    """What the entry says beside; of a row that somebody edited into something else, nothing: the audit names it."""
    try:
        said = loads(text.encode(), DETAIL_LENGTH_MAX)
    except EvidenceError:
        return {}
    if not isinstance(said, dict):
        return {}
    return {name: value for name, value in said.items() if isinstance(value, str | int)}
