"""What is stored of a sheet beside its columns: name and options of the sheet, facts and draft of each row, sealed.

The draft is forgotten once the sheet is done, so that an invoice's personal data is kept in one place, under the key
that erases it; facts (the caller's own ids, what was wrong) stay for the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from ledger.domain.errors import FieldProblem
from ledger.formats import SheetInvoice
from ledger.projection import RowState
from ledger.projection.bulk_jobs import BulkJob, BulkRow, NewBulkRow
from ledger.service.bulk_views import BulkStop
from ledger.service.context import SEALED_SHEET, Context
from ledger.service.errors import NotReady
from verifier.canonical import Json, dumps, loads

SEALED_ROW = "bulk row"  # kind of the sealed items, as in context.py
SEALED_DRAFT = "bulk draft"
ROW_SIZE_MAX = 4 << 20  # bytes of a draft or of a row's facts, in JSON
PROBLEMS_MAX = 50  # problems kept of one invoice; nobody corrects more at once
FirstHolder = int | str | None


@dataclass(frozen=True)
class SheetOptions:
    """The file's name and what holds for all rows of a sheet. `signer` is 0 while nobody asks for signatures.

    `subject` and `party` are whose sheet it is and who uploaded it, as the columns beside repeat; `quotas` (gross fen a
    month by class) and `first_month` are a register's.
    """

    subject: int
    party: int
    first_holder: FirstHolder = None
    signer: int = 0
    warnings: tuple[FieldProblem, ...] = ()
    stopped: BulkStop | None = None
    file_name: str = ""
    quotas: Mapping[str, int] = field(default_factory=dict)
    first_month: str = ""

    def sealed(self, context: Context, job_id: str) -> bytes:
        """As they are stored: a file's name and cells that warnings quote may hold names, so they are sealed."""
        value: dict[str, Json] = {
            "subject": self.subject,
            "party": self.party,
            "first_holder": self.first_holder,
            "signer": self.signer,
            "warnings": [[one.path, one.code, one.message_en, one.message_zh] for one in self.warnings],
            "stopped": None if self.stopped is None else asdict(self.stopped),
            "file_name": self.file_name,
        }
        if self.quotas:
            value |= {"quotas": dict(self.quotas), "first_month": self.first_month}
        return context.seal(dumps(value), SEALED_SHEET, job_id)

    @classmethod
    def of(cls, context: Context, job: BulkJob) -> SheetOptions:
        """Options of a stored sheet. Raises: NotReady when somebody changed its row.

        A sheet that was sealed before its parties were is signed once somebody asks for that again.
        """
        value = sheet_value(context.opened(job.options, SEALED_SHEET, job.job_id))
        changed = changed_column(value, subject=job.subject, party=job.party)
        if changed is not None:
            raise NotReady(
                f"sheet {job.job_id} is not as it was uploaded: bulk_job.{changed} was changed; "
                "run `einvoice audit --full`, restore from a backup",
                f"文件 {job.job_id} 与上传时不符：bulk_job.{changed} 被改动，请运行 einvoice audit --full 并从备份恢复",
            )
        holder, signer, warnings, stopped = (value[key] for key in ("first_holder", "signer", "warnings", "stopped"))
        assert isinstance(signer, int)
        assert isinstance(warnings, list)
        assert holder is None or isinstance(holder, (int, str))
        problems = tuple(FieldProblem(*map(str, one)) for one in warnings if isinstance(one, list))
        quotas = value.get("quotas")
        by_class = (
            {name: fen for name, fen in quotas.items() if isinstance(fen, int)} if isinstance(quotas, dict) else {}
        )
        first_month = str(value.get("first_month", ""))
        return cls(
            subject=job.subject,
            party=job.party,
            first_holder=holder,
            signer=signer if "party" in value else 0,
            warnings=problems,
            stopped=_stop(stopped),
            file_name=str(value["file_name"]),
            quotas=by_class,
            first_month=first_month,
        )


def sheet_value(sealed: bytes) -> dict[str, Json]:
    """Opened options of a sheet, as they were sealed."""
    value = loads(sealed, ROW_SIZE_MAX)
    assert isinstance(value, dict)
    return value


def changed_column(value: Mapping[str, Json], *, subject: int, party: int) -> str | None:
    """The column that is not what a sheet's sealed options say of it, None where both are."""
    for name, stored in (("subject", subject), ("party", party)):
        if value.get(name, stored) != stored:
            return name
    return None


@dataclass(frozen=True)
class RowFacts:
    """What is known of a row for as long as the sheet is kept."""

    reference: str = ""
    external_id: str = ""
    row_count: int = 1
    problems: tuple[dict[str, Json], ...] = field(default=())

    def with_problem(self, row: int, problem: dict[str, str]) -> RowFacts:
        """The same with one more problem, of the row as a whole."""
        found: dict[str, Json] = {"row": row, "column": "", "value": self.external_id, "path": "external_id", **problem}
        return replace(self, problems=(*self.problems, found))


def new_row(context: Context, job_id: str, invoice: SheetInvoice, extra: dict[str, str] | None) -> NewBulkRow:
    """A read invoice as it is stored; with an `extra` problem it cannot be signed."""
    shown = tuple(one.to_json() for one in invoice.problems[:PROBLEMS_MAX])
    facts = RowFacts(invoice.reference, invoice.external_id, invoice.row_count, shown)
    if extra is not None:
        facts = facts.with_problem(invoice.row, extra)
    draft = invoice.draft if extra is None else None
    sealed = None
    if draft is not None:
        sealed = context.seal(dumps(draft), SEALED_DRAFT, row_item(job_id, invoice.row))
    return NewBulkRow(
        position=invoice.row,
        state=RowState.INVALID if draft is None else RowState.READY,
        sealed_draft=sealed,
        gross_fen=_fen(invoice.draft, "gross_fen"),
        tax_fen=_fen(invoice.draft, "tax_fen"),
        problems=sealed_facts(context, job_id, invoice.row, facts),
    )


def sealed_facts(context: Context, job_id: str, position: int, facts: RowFacts) -> bytes:
    """A row's facts as they are stored: cells may hold names, so they are sealed."""
    value: dict[str, Json] = {
        "reference": facts.reference,
        "external_id": facts.external_id,
        "row_count": facts.row_count,
        "problems": list(facts.problems),
    }
    return context.seal(dumps(value), SEALED_ROW, row_item(job_id, position))


def facts_of(context: Context, job_id: str, row: BulkRow) -> RowFacts:
    """Facts of a stored row. Raises: NotReady when somebody changed it."""
    if row.problems is None:
        return RowFacts()
    value = loads(context.opened(row.problems, SEALED_ROW, row_item(job_id, row.position)), ROW_SIZE_MAX)
    assert isinstance(value, dict)
    row_count, problems = value["row_count"], value["problems"]
    assert isinstance(row_count, int)
    assert isinstance(problems, list)
    found = tuple(one for one in problems if isinstance(one, dict))
    return RowFacts(str(value["reference"]), str(value["external_id"]), row_count, found)


def draft_of(context: Context, job_id: str, row: BulkRow) -> dict[str, Json] | None:
    """Plain draft of a stored row, None when it had problems or was forgotten. Raises: NotReady, as above."""
    if row.sealed_draft is None:
        return None
    value = loads(context.opened(row.sealed_draft, SEALED_DRAFT, row_item(job_id, row.position)), ROW_SIZE_MAX)
    assert isinstance(value, dict)
    return value


def row_item(job_id: str, position: int) -> str:
    """What the sealed parts of a row are bound to."""
    return f"{job_id}:{position}"


def _fen(draft: dict[str, Json] | None, key: str) -> int | None:
    amount = draft[key] if draft is not None else None
    return amount if isinstance(amount, int) else None


def _stop(value: Json) -> BulkStop | None:
    if not isinstance(value, dict):
        return None
    row = value["row"]
    return BulkStop(
        str(value["code"]), str(value["message"]), str(value["message_zh"]), row if isinstance(row, int) else None
    )
