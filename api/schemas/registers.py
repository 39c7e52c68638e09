"""Shapes of uploaded registers: enterprises to be enrolled, a row each. Quotas are fen a month."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.fields import QUOTAS_PATTERN
from api.schemas.answers import FieldError, Time
from api.schemas.bulk import BulkStop, JobId
from api.schemas.values import Hash, Strict

RegisterRowState = Literal["invalid", "ready", "signed", "before", "refused"]
RegisterRowStatus = Literal[
    "ready", "waiting", "enrolled", "enrolled_before", "invalid", "refused", "failed", "cancelled"
]
QuotasText = Annotated[
    str,
    Field(
        pattern=QUOTAS_PATTERN,
        description="CLASS=FEN,CLASS=FEN: gross in fen that an enterprise of the class may issue a month.",
    ),
]


class RegisterSigning(Strict):
    """Asking for a register to be enrolled."""


class RegisterCancelling(Strict):
    """Giving a register up."""


class RegisterJob(Strict):
    """An uploaded register: what it holds, how far it is."""

    job: JobId
    state: Annotated[
        Literal["draft", "running", "done", "cancelled"],
        Field(description="draft: waits for its officer; running: is being enrolled; done: every row has its end."),
    ]
    officer: Annotated[int, Field(description="Who uploaded it.")]
    file_name: str
    file_sha256: Hash
    quotas: Annotated[dict[str, int], Field(description="Gross fen a month by class.")]
    first_month: Annotated[str, Field(description="First month its enterprises may issue in, YYYY-MM.")]
    row_count: int
    counts: Annotated[dict[RegisterRowStatus, int], Field(description="Rows by status.")]
    stopped: BulkStop | None
    created_at: Time
    updated_at: Time


class RegisterJobPage(Strict):
    """A page of registers, newest first."""

    items: list[RegisterJob]
    next_cursor: str | None


class RegisterRow(Strict):
    """One row of a register, and what became of it."""

    row: Annotated[int, Field(description="As spreadsheet programs count.")]
    name: str
    tax_id: str
    quota_class: str
    status: RegisterRowStatus
    party: int | None
    block: int | None
    problems: list[FieldError]


class RegisterRows(Strict):
    """A register with a page of its rows, in the file's order."""

    job: RegisterJob
    items: list[RegisterRow]
    next_cursor: str | None
