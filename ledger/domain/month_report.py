"""The report of a month (申报): an enterprise's sales, input tax and declared sums, as its hash stands on chain.

What was invoiced comes from the documents and must be what the ledger counted; un-invoiced sales (未开票收入) are
declared. The report is canonical JSON; `ref` of the filing is keccak256(salt || that JSON), so that nobody can find the
figures by trying them, and whoever holds salt and report proves them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.domain.decimals import format_yuan
from ledger.domain.fields import Problems
from ledger.domain.invoice import AMOUNT_FEN_MAX, RateMark
from ledger.domain.months import Month, format_month
from ledger.domain.references import reference_hash
from verifier.canonical import Json, dumps

GAPS_LISTED_MAX = 200  # runs of unused numbers listed; the counts cover all of them
RATES_MAX = 64  # rates in force with their marks are 20; older ones come back with reds
REPORT_NOTE_LENGTH_MAX = 500
REPORT_SIZE_MAX = 1 << 16  # bytes of canonical JSON; every list at its limit takes 35 KB
UNINVOICED_TAX_TOLERANCE_FEN = 127  # |net x rate - tax| of a declared sum, as for a document

SIDES = ("blue", "red")
FIGURES = ("gross_fen", "net_fen", "tax_fen")


@dataclass(frozen=True, slots=True)
class RateSum:
    """Net and tax at one rate and mark, in fen; what reds took is off, so both may be negative."""

    rate_bp: int
    rate_mark: RateMark
    net_fen: int
    tax_fen: int

    def to_json(self) -> dict[str, Json]:
        """Plain JSON; all four are always there."""
        mark = self.rate_mark.value
        return {"rate_bp": self.rate_bp, "rate_mark": mark, "net_fen": self.net_fen, "tax_fen": self.tax_fen}

    @property
    def key(self) -> tuple[int, str]:
        """What a table of sums is ordered by."""
        return self.rate_bp, self.rate_mark.value


@dataclass(frozen=True, slots=True)
class NumberGap:
    """A run of numbers between used ones that no invoice used: first and last, 20 digits each."""

    first: str
    last: str

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {"first": self.first, "last": self.last}


@dataclass(frozen=True, slots=True)
class InputTax:
    """Input tax of the month, fen: deducted with its number of invoices, and taken back because reds came later."""

    deducted_tax_fen: int = 0
    deducted_count: int = 0
    transfer_out_fen: int = 0


@dataclass(frozen=True, slots=True)
class MonthReport:
    """One enterprise's month; amounts in fen, reds as positive sums.

    `party` is the enterprise's id on chain, `seller` its tax id. `by_rate` is blue less red, `uninvoiced` declared;
    both ascend by rate and mark. `first_number`, `last_number` are the lowest and highest used, "" when none. `gaps`
    lists the first GAPS_LISTED_MAX runs; `gap_count` counts all runs, `gap_numbers` all numbers in them.
    `correction_of` is the hash, in hex, of the report this one replaces, "" for the first.
    """

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
    quota_used_fen: int
    by_rate: tuple[RateSum, ...] = ()
    first_number: str = ""
    last_number: str = ""
    gaps: tuple[NumberGap, ...] = ()
    gap_count: int = 0
    gap_numbers: int = 0
    input_tax: InputTax = InputTax()
    uninvoiced: tuple[RateSum, ...] = ()
    correction_of: str = ""
    note: str = ""

    @property
    def total_gross_fen(self) -> int:
        """Blue less red, fen."""
        return self.blue_gross_fen - self.red_gross_fen

    @property
    def total_net_fen(self) -> int:
        """Blue less red without tax, fen."""
        return self.blue_net_fen - self.red_net_fen

    @property
    def total_tax_fen(self) -> int:
        """Tax of blue less red, fen."""
        return self.blue_tax_fen - self.red_tax_fen

    @property
    def uninvoiced_net_fen(self) -> int:
        """Declared un-invoiced sales without tax, fen."""
        return sum(one.net_fen for one in self.uninvoiced)

    @property
    def uninvoiced_tax_fen(self) -> int:
        """Tax on declared un-invoiced sales, fen."""
        return sum(one.tax_fen for one in self.uninvoiced)

    @property
    def tax_due_fen(self) -> int:
        """Output tax less deducted input tax, what was taken back added, fen; negative: carried over."""
        output_fen = self.total_tax_fen + self.uninvoiced_tax_fen
        return output_fen - self.input_tax.deducted_tax_fen + self.input_tax.transfer_out_fen

    def to_json(self) -> dict[str, Json]:
        """Plain JSON of integers and strings; every field is there but `correction_of` and `note` when empty."""
        value: dict[str, Json] = {"party": self.party, "seller": self.seller, "month": format_month(self.month)}
        for side in SIDES:
            for key in (*(f"{side}_{figure}" for figure in FIGURES), f"{side}_count"):
                value[key] = getattr(self, key)
        for figure in FIGURES:
            value[f"total_{figure}"] = getattr(self, f"total_{figure}")
        value |= {
            "quota_used_fen": self.quota_used_fen,
            "by_rate": [one.to_json() for one in self.by_rate],
            "first_number": self.first_number,
            "last_number": self.last_number,
            "gaps": [gap.to_json() for gap in self.gaps],
            "gap_count": self.gap_count,
            "gap_numbers": self.gap_numbers,
            "deducted_tax_fen": self.input_tax.deducted_tax_fen,
            "deducted_count": self.input_tax.deducted_count,
            "transfer_out_fen": self.input_tax.transfer_out_fen,
            "uninvoiced": [one.to_json() for one in self.uninvoiced],
        }
        for key in ("correction_of", "note"):
            if getattr(self, key):
                value[key] = getattr(self, key)
        return value

    def canonical(self) -> bytes:
        """Canonical JSON bytes (RFC 8785), UTF-8."""
        return dumps(self.to_json())

    def hash(self, salt: bytes) -> bytes:
        """32 bytes: `ref` of the filing, keccak256(salt || canonical JSON).

        Raises: SaltError unless the salt is 16 bytes.
        """
        return reference_hash(salt, self.canonical().decode())


def report_problems(report: MonthReport, problems: Problems) -> None:
    """Note sums that do not agree, tables out of order, and declared sums that no rate gives."""
    for side in SIDES:
        gross_fen = getattr(report, f"{side}_net_fen") + getattr(report, f"{side}_tax_fen")
        _compare(f"{side}_gross_fen", getattr(report, f"{side}_gross_fen"), gross_fen, problems)
    for key in ("net_fen", "tax_fen"):
        rated = sum(getattr(one, key) for one in report.by_rate)
        _compare("by_rate", rated, getattr(report, f"total_{key}"), problems)
    for name, table in (("by_rate", report.by_rate), ("uninvoiced", report.uninvoiced)):
        keys = [one.key for one in table]
        if keys != sorted(set(keys)):
            problems.add(name, "report_order")
    runs = [number for gap in report.gaps for number in (gap.first, gap.last)]
    if runs != sorted(runs) or any(a.last >= b.first for a, b in zip(report.gaps, report.gaps[1:], strict=False)):
        problems.add("gaps", "report_order")
    listed = sum(int(gap.last) - int(gap.first) + 1 for gap in report.gaps)
    all_listed = report.gap_count <= GAPS_LISTED_MAX
    if len(report.gaps) != min(report.gap_count, GAPS_LISTED_MAX):
        problems.add("gap_count", "report_sum", given=report.gap_count, expected=len(report.gaps))
    elif (report.gap_numbers != listed) if all_listed else (report.gap_numbers <= listed):
        problems.add("gap_numbers", "report_sum", given=report.gap_numbers, expected=listed)
    for index, one in enumerate(report.uninvoiced):
        _check_uninvoiced(one, f"uninvoiced.{index}", problems)


def _check_uninvoiced(one: RateSum, path: str, problems: Problems) -> None:
    if one.rate_mark is RateMark.RATE and one.rate_bp == 0:
        problems.add(f"{path}.rate_bp", "rate_needs_mark")
    elif one.rate_mark is RateMark.DIFFERENCE:
        if abs(one.tax_fen) > abs(one.net_fen):
            values = {"given": format_yuan(one.tax_fen), "expected": format_yuan(one.net_fen)}
            problems.add(f"{path}.tax_fen", "difference_tax", **values)
    elif one.rate_mark is not RateMark.RATE:
        if one.rate_bp or one.tax_fen:
            problems.add(path, "mark_forbids_rate", mark=one.rate_mark.value)
    elif abs(one.net_fen * one.rate_bp - one.tax_fen * 10_000) > UNINVOICED_TAX_TOLERANCE_FEN * 10_000:
        expected = format_yuan(one.net_fen * one.rate_bp // 10_000)
        problems.add(f"{path}.tax_fen", "uninvoiced_tax", given=format_yuan(one.tax_fen), expected=expected)
    for key in ("net_fen", "tax_fen"):
        if abs(getattr(one, key)) > AMOUNT_FEN_MAX:
            problems.add(f"{path}.{key}", "integer_range", low=-AMOUNT_FEN_MAX, high=AMOUNT_FEN_MAX)


def _compare(path: str, given_fen: int, expected_fen: int, problems: Problems) -> None:
    if given_fen != expected_fen:
        problems.add(path, "report_sum", given=format_yuan(given_fen), expected=format_yuan(expected_fen))
