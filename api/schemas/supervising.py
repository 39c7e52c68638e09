"""Shapes of risk flags, lifted blocks and exceptions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.answers import Time
from api.schemas.requests import Subject
from api.schemas.values import Hash, Month, Note, Number, Reason, Strict

ExceptionKind = Literal[
    "reddened_after_settlement", "reddened_after_deduction", "flagged_after_use", "claim_displaced",
    "settlement_disputed",
]  # fmt: skip


class OfficerReason(Strict):
    """Why an officer does it; told to everybody who may see the invoice."""

    reason: Reason


class BlockLift(Strict):
    """Letting an enterprise issue in a month although months before it are not filed."""

    month: Month
    reason: Reason


class Acknowledgement(Strict):
    """Having seen the exceptions of an invoice."""

    note: Note = ""
    subject: Subject = None


class InvoiceException(Strict):
    """What happened to an invoice after it was settled, deducted or claimed."""

    exception_id: str
    number: Number
    kinds: list[ExceptionKind]
    text: str
    text_zh: str
    operation: Annotated[str, Field(description="Operation that raised it.")]
    red: Annotated[Number | None, Field(description="The red invoice that raised it.")]
    party: Annotated[int | None, Field(description="Company told.")]
    party_name: str
    claimant: int | None
    claimant_name: str
    claim_id: str | None
    gross_fen: int
    raised_at: Time
    block: int
    digest: Hash
    answerable: Annotated[bool, Field(description="Whether the company told can still acknowledge it.")]
    officer_at: Annotated[Time | None, Field(description="When an officer acknowledged it.")]
    party_at: Annotated[Time | None, Field(description="When the company told acknowledged it.")]


class ExceptionPage(Strict):
    items: list[InvoiceException]
    next_cursor: str | None
