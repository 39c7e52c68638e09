"""Shapes of deduction: invoices to select, and a buyer's periods."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.answers import Time
from api.schemas.requests import Subject
from api.schemas.values import Fen, Month, Number, Strict
from ledger.service.deductions import SELECTIONS_MAX

Purpose = Literal["deduct", "not_deduct", "export_refund"]
NonDeduction = Literal["not_taxable", "exempt", "welfare_or_personal", "abnormal_loss", "other"]


class Selection(Strict):
    """One invoice to select."""

    number: Number
    purpose: Purpose = "deduct"
    valid_tax_fen: Annotated[
        Fen | None, Field(description="Left out: all the tax that is left; of what is not deducted 0.")
    ] = None
    reason: Annotated[NonDeduction | None, Field(description="Why it is not deducted; with `not_deduct` only.")] = None


class SelectionRequest(Strict):
    """Invoices to select for a period, all or none, in one signed group."""

    selections: Annotated[list[Selection], Field(min_length=1, max_length=SELECTIONS_MAX)]
    subject: Subject = None


class UnselectionRequest(Strict):
    """Invoices to take out of their periods, all or none."""

    numbers: Annotated[list[Number], Field(min_length=1, max_length=SELECTIONS_MAX)]
    subject: Subject = None


class ConfirmationRequest(Strict):
    """Confirmation of a period with the sums it has; its selections are then final."""

    subject: Subject = None


class Deduction(Strict):
    """The input tax of one invoice, as its buyer sees it."""

    number: Number
    kind: Literal["ordinary", "special", "red"]
    seller: int
    seller_name: str
    buyer: int
    buyer_name: str
    month: Month
    issued_at: Time
    gross_fen: int
    tax_fen: int
    deductible: Annotated[bool, Field(description="Special and issued here.")]
    tax_left_fen: Annotated[int, Field(description="Tax less that of its reds.")]
    use: Annotated[Literal["none", "selected", "confirmed"], Field(description="As it is by now.")]
    frozen: Annotated[bool, Field(description="Its period is confirmed or filed.")]
    period: Month | None
    purpose: Purpose | None
    purpose_text: str
    purpose_text_zh: str
    valid_tax_fen: int
    reason: NonDeduction | None
    reason_text: str
    reason_text_zh: str
    selected_at: Time | None
    transferred_fen: Annotated[int, Field(description="What reds took back of a frozen deduction.")]


class DeductionPage(Strict):
    items: list[Deduction]
    next_cursor: str | None


class PurposeSum(Strict):
    """What a period holds for one purpose."""

    purpose: Purpose
    purpose_text: str
    purpose_text_zh: str
    reason: NonDeduction | None
    reason_text: str
    reason_text_zh: str
    count: int
    valid_tax_fen: int


class Period(Strict):
    """Statistics of a buyer's period; `by_purpose` adds up to the contract's own sums."""

    party: int
    period: Month
    state: Literal["open", "confirmed", "filed"]
    frozen: bool
    count: int
    valid_tax_fen: int
    deducted_tax_fen: Annotated[int, Field(description="Valid tax selected to be deducted.")]
    by_purpose: list[PurposeSum]
    confirmed_at: Time | None
    confirmed_by: int | None
    digest: str | None
