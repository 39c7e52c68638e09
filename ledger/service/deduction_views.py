"""What callers read of deduction: an invoice's input tax and a buyer's periods; amounts in fen, times aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.domain.deduction import DeductionPurpose, NonDeductionReason
from ledger.domain.months import format_month
from ledger.domain.numbers import format_number
from ledger.domain.times import utc_time
from ledger.projection.deductions import DeductionRecord, PeriodRecord
from ledger.projection.invoices import InvoiceRecord
from ledger.service.reading import KINDS, USES
from verifier.words import Use


@dataclass(frozen=True)
class DeductionView:
    """The input tax of one invoice, as its buyer sees it.

    `use` is none, selected or confirmed, as it is by now: a selection is `confirmed`, and final, once its period is
    confirmed or filed. `tax_left_fen` is the tax less that of its reds, `transferred_fen` what reds took back of a
    frozen deduction. Purpose and reason are names (deduct, not_taxable), "" where there is none.
    """

    number: str
    kind: str
    seller: int
    seller_name: str
    buyer: int
    buyer_name: str
    month: str
    issued_at: datetime
    gross_fen: int
    tax_fen: int
    deductible: bool  # special and issued here; whether it is selectable now the contract says
    tax_left_fen: int
    use: str
    frozen: bool
    period: str | None
    purpose: str
    purpose_text: str
    purpose_text_zh: str
    valid_tax_fen: int
    reason: str
    reason_text: str
    reason_text_zh: str
    selected_at: datetime | None
    transferred_fen: int


@dataclass(frozen=True)
class DeductionPage:
    """One page of invoices with their input tax; `next_cursor` is None on the last."""

    items: tuple[DeductionView, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class PurposeSumView:
    """What a period holds for one purpose, and for what is not deducted for one reason."""

    purpose: str
    purpose_text: str
    purpose_text_zh: str
    reason: str
    reason_text: str
    reason_text_zh: str
    count: int
    valid_tax_fen: int


@dataclass(frozen=True)
class PeriodView:
    """One buyer's period. `state` is open, confirmed or filed; the last two are frozen.

    `count` and `valid_tax_fen` are the contract's own sums over all purposes; `by_purpose` adds up to them.
    `deducted_tax_fen` is what lowers the tax due: the valid tax selected to be deducted.
    """

    party: int
    period: str
    state: str
    frozen: bool
    count: int
    valid_tax_fen: int
    deducted_tax_fen: int
    by_purpose: tuple[PurposeSumView, ...]
    confirmed_at: datetime | None
    confirmed_by: int | None
    digest: str | None


def deduction_view(record: InvoiceRecord, tax: DeductionRecord | None, names: dict[int, str]) -> DeductionView:
    """The input tax of an invoice; `tax` is None for one that gives none."""
    purpose = DeductionPurpose(tax.purpose) if tax is not None and tax.purpose else None
    reason = NonDeductionReason(tax.reason) if tax is not None and tax.reason else None
    use = Use(tax.usage) if tax is not None else Use.NONE
    return DeductionView(
        number=format_number(record.number),
        kind=KINDS[record.kind],
        seller=record.seller,
        seller_name=names.get(record.seller, ""),
        buyer=record.buyer,
        buyer_name=names.get(record.buyer, ""),
        month=format_month(record.month),
        issued_at=utc_time(record.issued_at),
        gross_fen=record.gross_fen,
        tax_fen=record.tax_fen,
        deductible=tax is not None,
        tax_left_fen=tax.tax_left_fen if tax is not None else 0,
        use=USES[use],
        frozen=use is Use.CONFIRMED,
        period=format_month(tax.month) if tax is not None and tax.month is not None else None,
        purpose=purpose.name.lower() if purpose is not None else "",
        purpose_text=purpose.text.en if purpose is not None else "",
        purpose_text_zh=purpose.text.zh if purpose is not None else "",
        valid_tax_fen=tax.valid_tax_fen if tax is not None else 0,
        reason=reason.name.lower() if reason is not None else "",
        reason_text=reason.text.en if reason is not None else "",
        reason_text_zh=reason.text.zh if reason is not None else "",
        selected_at=utc_time(tax.selected_at) if tax is not None and tax.selected_at is not None else None,
        transferred_fen=tax.transferred_fen if tax is not None else 0,
    )


def period_view(record: PeriodRecord, *, filed: bool) -> PeriodView:
    """Statistics of a period; `filed`: the month of that period is filed."""
    confirmed = record.confirmed_at is not None
    sums = []
    for one in record.by_purpose:
        purpose = DeductionPurpose(one.purpose)
        reason = NonDeductionReason(one.reason) if one.reason else None
        sums.append(
            PurposeSumView(
                purpose=purpose.name.lower(),
                purpose_text=purpose.text.en,
                purpose_text_zh=purpose.text.zh,
                reason=reason.name.lower() if reason is not None else "",
                reason_text=reason.text.en if reason is not None else "",
                reason_text_zh=reason.text.zh if reason is not None else "",
                count=one.count,
                valid_tax_fen=one.valid_tax_fen,
            )
        )
    return PeriodView(
        party=record.party,
        period=format_month(record.month),
        state="filed" if filed else "confirmed" if confirmed else "open",
        frozen=filed or confirmed,
        count=record.count,
        valid_tax_fen=record.valid_tax_fen,
        deducted_tax_fen=sum(one.valid_tax_fen for one in record.by_purpose if one.purpose == DeductionPurpose.DEDUCT),
        by_purpose=tuple(sums),
        confirmed_at=utc_time(record.confirmed_at) if record.confirmed_at is not None else None,
        confirmed_by=record.confirmed_by,
        digest=record.digest.hex() if record.digest is not None else None,
    )
