"""Deduction (抵扣勾选): what a buyer selects an invoice's tax for, and why a tax is not deducted.

The numbers are those the chain's select operation carries (docs/OPERATIONS.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ledger.domain.errors import DocumentError, FieldProblem
from ledger.domain.fields import Problems
from ledger.domain.terms import Term


class DeductionPurpose(IntEnum):
    """What the tax is selected for."""

    DEDUCT = 1
    NOT_DEDUCT = 2
    EXPORT_REFUND = 3

    @property
    def text(self) -> Term:
        """The purpose in both languages."""
        return DEDUCTION_PURPOSE_TEXTS[self]


class NonDeductionReason(IntEnum):
    """Why the tax is not deducted."""

    NOT_TAXABLE = 1
    EXEMPT = 2
    WELFARE_OR_PERSONAL = 3
    ABNORMAL_LOSS = 4
    OTHER = 5

    @property
    def text(self) -> Term:
        """The reason in both languages."""
        return NON_DEDUCTION_TEXTS[self]


DEDUCTION_PURPOSE_TEXTS = {
    DeductionPurpose.DEDUCT: Term("deduct", "抵扣"),
    DeductionPurpose.NOT_DEDUCT: Term("not deducted", "不抵扣"),
    DeductionPurpose.EXPORT_REFUND: Term("export refund", "出口退税"),
}

NON_DEDUCTION_TEXTS = {
    NonDeductionReason.NOT_TAXABLE: Term("used for what is not taxable", "用于非应税项目"),
    NonDeductionReason.EXEMPT: Term("used for what is exempt", "用于免税项目"),
    NonDeductionReason.WELFARE_OR_PERSONAL: Term(
        "used for staff welfare or personal consumption", "用于集体福利或者个人消费"
    ),
    NonDeductionReason.ABNORMAL_LOSS: Term("lost abnormally", "遭受非正常损失"),
    NonDeductionReason.OTHER: Term("other", "其他"),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """One invoice's tax as selected: `valid_tax_fen` of it for `purpose`; `reason` only with `NOT_DEDUCT`."""

    purpose: DeductionPurpose
    valid_tax_fen: int
    reason: NonDeductionReason | None = None


def check_selection(selection: Selection, tax_left_fen: int) -> tuple[FieldProblem, ...]:
    """Everything wrong with a selection, given the invoice's tax after its reds, in fen; empty when sound."""
    problems = Problems()
    is_deducted = selection.purpose is not DeductionPurpose.NOT_DEDUCT
    if selection.valid_tax_fen < 0 or selection.valid_tax_fen > tax_left_fen:
        problems.add("valid_tax_fen", "integer_range", low=0, high=tax_left_fen)
    elif selection.valid_tax_fen and not is_deducted:
        problems.add("valid_tax_fen", "valid_tax_unexpected")
    if is_deducted and selection.reason is not None:
        problems.add("reason", "deduction_reason_unexpected")
    if not is_deducted and selection.reason is None:
        choices = ", ".join(f"{reason.value} {reason.text.en}" for reason in NonDeductionReason)
        choices_zh = "、".join(f"{reason.value} {reason.text.zh}" for reason in NonDeductionReason)
        problems.add("reason", "deduction_reason_missing", choices=choices, choices_zh=choices_zh)
    return problems.all()


def parse_selection(purpose: int, valid_tax_fen: int, reason: int, tax_left_fen: int) -> Selection:
    """Selection of plain numbers; `reason` is 0 for none.

    Raises: DocumentError with every problem found (paths `purpose`, `valid_tax_fen`, `reason`).
    """
    problems = Problems()
    if not 1 <= purpose <= len(DeductionPurpose):
        problems.add("purpose", "integer_range", low=1, high=len(DeductionPurpose))
    if not 0 <= reason <= len(NonDeductionReason):
        problems.add("reason", "integer_range", low=0, high=len(NonDeductionReason))
    if problems:
        raise DocumentError(problems.all())
    selection = Selection(DeductionPurpose(purpose), valid_tax_fen, NonDeductionReason(reason) if reason else None)
    found = check_selection(selection, tax_left_fen)
    if found:
        raise DocumentError(found)
    return selection
