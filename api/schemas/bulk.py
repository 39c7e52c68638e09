"""Shapes of uploaded sheets. Amounts are fen; a row is one invoice, named by its first row in the sheet."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.fields import CLAIM_ID_PATTERN
from api.schemas.answers import FieldError, Refusal, Time
from api.schemas.values import PARTY_MAX, Hash, Number, Strict

JobId = Annotated[
    str, Field(pattern=CLAIM_ID_PATTERN, description="Id of an uploaded sheet, 32 lower-case hex digits.")
]
SheetFormat = Literal["csv", "xlsx"]
Language = Literal["zh", "en"]
RowState = Literal["invalid", "ready", "drafted", "signed"]
RowStatus = Literal["invalid", "ready", "drafted", "accepted", "recorded", "refused", "malformed", "expired"]


def _holder(value: Any) -> int | str:
    """First holder out of a query: a party id in digits, or a word."""
    if value in ("seller", "buyer"):
        return str(value)
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(PARTY_MAX))
    if digits and 1 <= int(value) <= PARTY_MAX:
        return int(value)
    raise PydanticCustomError("first_holder_form", "a party id, seller or buyer")


QueryHolder = Annotated[
    int | str,
    BeforeValidator(_holder),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": PARTY_MAX}, {"enum": ["seller", "buyer"]}]}),
    Field(description="First holder of every invoice: a person's party id, `seller` until pickup, or `buyer`."),
]


class BulkSigning(Strict):
    """Asking for the signatures of a sheet."""

    again: Annotated[bool, Field(description="The very same file was signed before and is meant a second time.")] = (
        False
    )


class BulkCancelling(Strict):
    """Giving a sheet up."""


class BulkSum(Strict):
    """Rows of one status and what they add up to."""

    status: RowStatus
    count: int
    net_fen: int
    tax_fen: int
    gross_fen: int


class BulkStop(Strict):
    """Why signing stopped; asked again, it goes on. `row` is the one the contract named."""

    code: str
    message: str
    message_zh: str
    row: int | None


class SheetDraft(Strict):
    """A group of a sheet that waits for the signature of a party that keeps its key itself."""

    digest: Annotated[Hash, Field(description="Its address is `/v1/drafts/{digest}`, for `signer` alone.")]
    signer: int
    count: int
    gross_fen: int
    first_number: Annotated[Number, Field(description="Invoice numbers it takes once it is signed.")]
    last_number: Number
    sign_by: Time


class BulkJob(Strict):
    """An uploaded sheet: what it holds, how far it is."""

    job: JobId
    state: Annotated[
        Literal["draft", "running", "done", "cancelled"],
        Field(description="draft: waits for its owner; running: is being signed; done: every sound row is recorded."),
    ]
    subject: Annotated[int, Field(description="Enterprise that issues.")]
    uploaded_by: int
    file_name: str
    file_sha256: Hash
    first_holder: int | str | None
    row_count: Annotated[int, Field(description="Invoices of the sheet.")]
    group_count: Annotated[int, Field(description="Signatures still to be given, one for 256 invoices.")]
    drafts: Annotated[list[SheetDraft], Field(description="What waits for the signer's own key, in the sheet's order.")]
    sums: list[BulkSum]
    warnings: list[FieldError]
    same_file: Annotated[list[JobId], Field(description="Other sheets made of the very same file.")]
    stopped: BulkStop | None
    created_at: Time
    updated_at: Time


class BulkJobPage(Strict):
    """A page of sheets, newest first."""

    items: list[BulkJob]
    next_cursor: str | None


class BulkProblem(Strict):
    """What is wrong with one cell."""

    row: int
    column: Annotated[str, Field(description="As the sheet names it, empty for the row as a whole.")]
    value: Annotated[str, Field(description="The cell's text, shortened.")]
    path: str
    code: Annotated[str, Field(description="Stable code of docs/FORMATS.md or docs/API.md.")]
    message: str
    message_zh: str


class BulkRow(Strict):
    """One invoice of a sheet."""

    row: int
    row_count: Annotated[int, Field(description="Rows of the sheet it takes: its lines.")]
    reference: str
    external_id: str
    status: RowStatus
    buyer_name: Annotated[str, Field(description="Empty once the sheet is done: the invoice has it.")]
    gross_fen: int | None
    tax_fen: int | None
    number: Number | None
    block: int | None
    problems: list[BulkProblem]
    refusal: Refusal | None


class BulkRows(Strict):
    """A sheet with a page of its rows, in its order."""

    job: BulkJob
    items: list[BulkRow]
    next_cursor: str | None
