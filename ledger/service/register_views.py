"""What officers read of registers: how far one is, and what became of each of its rows. Times aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ledger.domain.errors import FieldProblem
from ledger.service.bulk_views import BulkStop


class RowStatus(StrEnum):
    """What became of a row of a register."""

    READY = "ready"  # not signed yet
    WAITING = "waiting"  # signed and stored; its block comes
    ENROLLED = "enrolled"
    BEFORE = "enrolled_before"  # by somebody else, or an earlier register
    INVALID = "invalid"  # nothing was signed
    REFUSED = "refused"  # by the contract
    FAILED = "failed"  # its group was not recorded; signed again, it goes on
    CANCELLED = "cancelled"  # given up before it was signed


ENROLLED = frozenset({RowStatus.ENROLLED, RowStatus.BEFORE})
"""Statuses of rows whose enterprise is a party."""


@dataclass(frozen=True)
class RegisterView:
    """An uploaded register; `quotas` is gross fen a month by class, `counts` rows by status."""

    job: str
    state: str  # draft, running, done, cancelled
    officer: int
    file_name: str
    file_sha256: str
    quotas: Mapping[str, int]
    first_month: str
    row_count: int
    counts: Mapping[RowStatus, int]
    stopped: BulkStop | None
    created_at: datetime
    updated_at: datetime

    @property
    def decided_count(self) -> int:
        """Rows that have their end."""
        return self.row_count - sum(self.counts.get(one, 0) for one in (RowStatus.READY, RowStatus.WAITING))


@dataclass(frozen=True)
class RegisterPage:
    """One page of registers, newest first."""

    items: tuple[RegisterView, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class RegisterRowView:
    """One row: its place in the file, cells as they stood, and what became of it; `problems` of one that failed."""

    row: int
    name: str
    tax_id: str
    quota_class: str
    status: RowStatus
    party: int | None
    block: int | None
    problems: tuple[FieldProblem, ...]


@dataclass(frozen=True)
class RegisterRowPage:
    """One page of a register's rows, in the file's order."""

    items: tuple[RegisterRowView, ...]
    next_cursor: str | None
