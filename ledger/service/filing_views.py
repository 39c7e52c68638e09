"""What callers read of filings; amounts in fen, times aware UTC, hashes lower-case hex."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.domain.month_report import MonthReport


@dataclass(frozen=True)
class FilingView:
    """One filing of a month. `revision` counts refilings from 0; `standing`: no later one replaced it."""

    revision: int
    standing: bool
    report_hash: str
    replaced_hash: str | None
    filed_at: datetime
    filed_by: int
    filed_by_name: str
    block: int
    digest: str


@dataclass(frozen=True)
class ReportView:
    """A month's report: as filed, with the salt that proves its hash, or (`filing` None) as it would be filed now."""

    report: MonthReport
    filing: FilingView | None = None
    salt: str | None = None
