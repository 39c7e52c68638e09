"""What callers read of uploaded sheets; amounts in fen, times aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.domain.errors import FieldProblem
from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.projection.bulk_drafts import SheetDraft
from ledger.service.views import Refusal
from verifier.canonical import Json


@dataclass(frozen=True)
class BulkSum:
    """Rows of one status, their count and sums."""

    status: str  # invalid, ready, drafted, accepted, recorded, refused, malformed, expired
    count: int
    net_fen: int
    tax_fen: int
    gross_fen: int


@dataclass(frozen=True)
class BulkStop:
    """Why signing stopped before its end; signing again goes on. `row` is the row the contract named."""

    code: str  # a reason of the contract, malformed, expired, numbers_exhausted, no_signing_key, drafts_full...
    message: str
    message_zh: str
    row: int | None = None


@dataclass(frozen=True)
class SheetDraftView:
    """A group of a sheet that waits for the signature of `signer`, which keeps its key itself, until `sign_by`."""

    digest: str
    signer: int
    count: int
    gross_fen: int
    first_number: str
    last_number: str
    sign_by: datetime

    @classmethod
    def of(cls, draft: SheetDraft) -> SheetDraftView:
        """As it is shown."""
        return cls(
            draft.digest.hex(), draft.actor, draft.count, draft.gross_fen, format_number(draft.first_number),
            format_number(draft.last_number), utc_time(draft.valid_until),
        )  # fmt: skip


@dataclass(frozen=True)
class BulkJobView:
    """An uploaded sheet as it stands. `same_file` are other jobs made of the very same file."""

    job: str
    state: str  # draft, running, done, cancelled
    subject: int
    uploaded_by: int
    file_name: str
    file_sha256: str
    first_holder: int | str | None
    row_count: int
    group_count: int  # signatures that are still to be given
    sums: tuple[BulkSum, ...]
    warnings: tuple[FieldProblem, ...]
    same_file: tuple[str, ...]
    stopped: BulkStop | None
    created_at: datetime
    updated_at: datetime
    drafts: tuple[SheetDraftView, ...] = ()  # in the sheet's order

    def count(self, status: str) -> int:
        """Rows of a status."""
        return sum(one.count for one in self.sums if one.status == status)


@dataclass(frozen=True)
class BulkJobPage:
    """One page of sheets, newest first."""

    items: tuple[BulkJobView, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class BulkRowView:
    """One invoice of a sheet: `row` is its first row there, of `row_count`. `problems` are plain JSON, as read."""

    row: int
    row_count: int
    reference: str
    external_id: str
    status: str
    buyer_name: str  # "" once the sheet is done: the invoice has it
    gross_fen: int | None
    tax_fen: int | None
    number: str | None
    block: int | None
    problems: tuple[dict[str, Json], ...] = ()
    refusal: Refusal | None = None


@dataclass(frozen=True)
class BulkRowPage:
    """One page of a sheet's rows, in its order."""

    items: tuple[BulkRowView, ...]
    next_cursor: str | None
