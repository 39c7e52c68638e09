"""Shapes of filing: what an enterprise declares, its month's report, and the history of its filings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.answers import Time
from api.schemas.requests import Subject
from api.schemas.values import Hash, Month, Number, Strict
from ledger.domain.invoice import AMOUNT_FEN_MAX, RATE_BP_MAX
from ledger.domain.month_report import RATES_MAX, REPORT_NOTE_LENGTH_MAX

RateMark = Literal["rate", "exempt", "not_taxable", "zero", "difference"]
SignedFen = Annotated[
    int,
    Field(ge=-AMOUNT_FEN_MAX, le=AMOUNT_FEN_MAX, description="Amount in fen; negative where taken back."),
]
RateBp = Annotated[int, Field(ge=0, le=RATE_BP_MAX, description="Rate in hundredths of a percent: 600 is 6 %.")]
ReportNote = Annotated[str, Field(max_length=REPORT_NOTE_LENGTH_MAX, description="A remark that becomes part of it.")]


class RateSum(Strict):
    """Net and tax at one rate."""

    rate_bp: RateBp
    rate_mark: Annotated[RateMark, Field(description="How the rate is meant (docs/FORMATS.md).")]
    net_fen: SignedFen
    tax_fen: SignedFen


class DeclaredSum(Strict):
    """Net and tax at one rate, as declared; `rate_mark` is `rate` when left out."""

    rate_bp: RateBp
    rate_mark: RateMark = "rate"
    net_fen: SignedFen
    tax_fen: SignedFen


DeclaredSums = Annotated[list[DeclaredSum], Field(max_length=RATES_MAX)]


class FilingRequest(Strict):
    """Return of a month. The invoiced part is made of the invoices and must be what the ledger counted.

    Without `uninvoiced`, `unread` and `note` all three are as they were declared before.
    """

    uninvoiced: Annotated[DeclaredSums | None, Field(description="Sales without an invoice, by rate.")] = None
    unread: Annotated[
        DeclaredSums | None,
        Field(description="By rate, invoices whose documents are erased or kept elsewhere; only where there are some."),
    ] = None
    note: ReportNote | None = None
    subject: Subject = None


class RefilingRequest(FilingRequest):
    """Correction of a filed month by a new report."""

    replaces: Annotated[
        Hash | None, Field(description="Hash of the report it replaces; left out: the one that stands.")
    ] = None


class DeclarationRequest(Strict):
    """What is declared of a month beside its invoices, in the place of what was."""

    uninvoiced: DeclaredSums
    unread: Annotated[DeclaredSums, Field(default_factory=list)]
    note: ReportNote = ""
    subject: Subject = None


class Declaration(Strict):
    """What is declared of a month so far."""

    month: Month
    uninvoiced: list[RateSum]
    unread: list[RateSum]
    note: str


class NumberGap(Strict):
    """Numbers between used ones that no invoice used."""

    first: Number
    last: Number


class Report(Strict):
    """A month's report, as its hash stands on chain (docs/FORMATS.md); amounts in fen, reds as positive sums."""

    party: int
    seller: str
    month: Month
    blue_gross_fen: int
    blue_net_fen: int
    blue_tax_fen: int
    blue_count: int
    red_gross_fen: int
    red_net_fen: int
    red_tax_fen: int
    red_count: int
    total_gross_fen: int
    total_net_fen: int
    total_tax_fen: int
    quota_used_fen: int
    by_rate: list[RateSum]
    first_number: str
    last_number: str
    gaps: list[NumberGap]
    gap_count: int
    gap_numbers: int
    deducted_tax_fen: int
    deducted_count: int
    transfer_out_fen: int
    uninvoiced: list[RateSum]
    correction_of: Hash | None = None
    note: str = ""


class Filing(Strict):
    """One filing of a month."""

    revision: Annotated[int, Field(description="0 for the first filing, one more with each correction.")]
    standing: Annotated[bool, Field(description="No later one replaced it.")]
    report_hash: Hash
    replaced_hash: Hash | None
    filed_at: Time
    filed_by: int
    filed_by_name: str
    block: int
    digest: Hash


class MonthReport(Strict):
    """A month's report: as filed, or (`filed` false) as it would be filed now, with nothing declared yet."""

    filed: bool
    report: Report
    uninvoiced_net_fen: int
    uninvoiced_tax_fen: int
    tax_due_fen: Annotated[int, Field(description="Output tax less deducted input tax, plus what is taken back.")]
    filing: Filing | None
    salt: Annotated[
        str | None, Field(description="16 bytes hex; report_hash is keccak256(salt + canonical JSON of the report).")
    ]


class FilingList(Strict):
    """A month's filing and its corrections, oldest first."""

    month: Month
    items: list[Filing]
