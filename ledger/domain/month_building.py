"""Making a month's report of its documents and the ledger's own totals, and reading one back."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ledger.domain.decimals import format_yuan
from ledger.domain.errors import DocumentError, MonthError, NumberError
from ledger.domain.fields import FieldReader, Problems, type_name
from ledger.domain.invoice import AMOUNT_FEN_MAX, RATE_BP_MAX, InvoiceColour, InvoiceDocument, RateMark
from ledger.domain.month_report import (
    FIGURES,
    GAPS_LISTED_MAX,
    RATES_MAX,
    REPORT_NOTE_LENGTH_MAX,
    SIDES,
    InputTax,
    MonthReport,
    NumberGap,
    RateSum,
    report_problems,
)
from ledger.domain.months import Month, format_month, parse_month
from ledger.domain.numbers import block_of, format_number, parse_number
from verifier.words import TotalsWord

COUNT_MAX = 2**36 - 1  # as wide as a month's count on chain
PARTY_MAX = 2**32 - 1

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SUM_KEYS = frozenset(RateSum.__dataclass_fields__)
_GAP_KEYS = frozenset(NumberGap.__dataclass_fields__)
_INPUT_KEYS = frozenset(InputTax.__dataclass_fields__)
_REPORT_KEYS = (
    (frozenset(MonthReport.__dataclass_fields__) - {"input_tax"})
    | _INPUT_KEYS
    | {f"total_{figure}" for figure in FIGURES}
)


class _Tally:
    """Sums over the documents of one month, taken one at a time: a month may have more than memory holds."""

    def __init__(self) -> None:
        self.sums: dict[str, int] = dict.fromkeys(
            [f"{side}_{figure}" for side in SIDES for figure in (*FIGURES, "count")], 0
        )
        self.rates: defaultdict[tuple[int, RateMark], list[int]] = defaultdict(lambda: [0, 0])
        self.numbers: set[int] = set()

    def add(self, document: InvoiceDocument) -> None:
        """Count a document; amounts of a red one enter its side as positive sums, and the rates as they are."""
        red = document.colour is InvoiceColour.RED
        side = "red" if red else "blue"
        for figure in FIGURES:
            self.sums[f"{side}_{figure}"] += -getattr(document, figure) if red else getattr(document, figure)
        self.sums[f"{side}_count"] += 1
        for line in document.lines:
            sums = self.rates[line.rate_bp, line.rate_mark]
            sums[0] += line.net_fen
            sums[1] += line.tax_fen
        self.numbers.add(document.number_key)

    def by_rate(self) -> tuple[RateSum, ...]:
        """The table of rates in its order."""
        table = [RateSum(rate_bp, mark, *sums) for (rate_bp, mark), sums in self.rates.items()]
        return tuple(sorted(table, key=lambda one: one.key))


def build_report(
    *,
    party: int,
    seller: str,
    month: Month,
    documents: Iterable[InvoiceDocument],
    totals: TotalsWord,
    numbers_elsewhere: Iterable[int] = (),
    input_tax: InputTax = InputTax(),  # noqa: B008 - frozen
    uninvoiced: Sequence[RateSum] = (),
    correction_of: str = "",
    note: str = "",
) -> MonthReport:
    """Report of one month from its documents, blue and red, held against the ledger's own `totals`.

    `numbers_elsewhere` are numbers the seller used in other months; they are no gaps. `correction_of` is the hash,
    in hex, of the report to replace.

    Raises: DocumentError when a document is of another month or seller or occurs twice, when the sums differ from
    `totals`, or when what is declared does not agree with itself.
    """
    problems = Problems()
    tally = _Tally()
    for index, document in enumerate(documents):
        if _belongs(document, f"documents.{index}", seller, month, tally, problems):
            tally.add(document)
    if not problems:
        _compare_totals(tally, totals, problems)
    used = sorted(tally.numbers)
    gaps = number_gaps(used, numbers_elsewhere)
    report = MonthReport(
        party=party,
        seller=seller,
        month=month,
        **tally.sums,
        quota_used_fen=totals.quota_used,
        by_rate=tally.by_rate(),
        first_number=format_number(used[0]) if used else "",
        last_number=format_number(used[-1]) if used else "",
        gaps=tuple(NumberGap(format_number(gap[0]), format_number(gap[-1])) for gap in gaps[:GAPS_LISTED_MAX]),
        gap_count=len(gaps),
        gap_numbers=sum(len(gap) for gap in gaps),
        input_tax=input_tax,
        uninvoiced=tuple(sorted(uninvoiced, key=lambda one: one.key)),
        correction_of=correction_of,
        note=note,
    )
    if problems:
        raise DocumentError(problems.all())
    return parse_report(report.to_json())


def number_gaps(numbers: Iterable[int], elsewhere: Iterable[int] = ()) -> list[range]:
    """Runs of numbers between used ones of the same block that neither `numbers` nor `elsewhere` holds, ascending.

    What lies before the first or after the last number used in a block is not missing: it was not reached.
    """
    used, others = sorted(set(numbers)), sorted(set(elsewhere))
    gaps = []
    for low, high in itertools.pairwise(used):
        if high == low + 1 or block_of(low) != block_of(high):
            continue
        between = others[bisect_left(others, low) : bisect_left(others, high)]
        for before, after in itertools.pairwise([low, *between, high]):
            if after > before + 1:
                gaps.append(range(before + 1, after))
    return gaps


def parse_report(value: object) -> MonthReport:
    """Month report of plain JSON values, fully checked; `parse_report(r.to_json()) == r`.

    Raises: DocumentError with every problem found.
    """
    problems = Problems()
    fields = FieldReader(value, "", _REPORT_KEYS, problems)
    if not isinstance(value, dict):
        raise DocumentError(problems.all())
    amounts = {
        key: fields.integer(key, 0, AMOUNT_FEN_MAX) or 0
        for key in (*(f"{side}_{figure}" for side in SIDES for figure in FIGURES), "quota_used_fen")
    }
    counts = {key: fields.integer(key, 0, COUNT_MAX) or 0 for key in ("blue_count", "red_count")}
    report = MonthReport(
        party=fields.integer("party", 1, PARTY_MAX) or 0,
        seller=fields.text("seller", 20, required=True),
        month=_read_month(fields),
        **amounts,
        **counts,
        by_rate=_read_sums(fields, "by_rate"),
        first_number=_read_number(fields, "first_number"),
        last_number=_read_number(fields, "last_number"),
        gaps=_read_gaps(fields),
        gap_count=fields.integer("gap_count", 0, COUNT_MAX) or 0,
        gap_numbers=fields.integer("gap_numbers", 0, COUNT_MAX) or 0,
        input_tax=InputTax(
            fields.integer("deducted_tax_fen", 0, AMOUNT_FEN_MAX) or 0,
            fields.integer("deducted_count", 0, COUNT_MAX) or 0,
            fields.integer("transfer_out_fen", 0, AMOUNT_FEN_MAX) or 0,
        ),
        uninvoiced=_read_sums(fields, "uninvoiced"),
        correction_of=_read_hash(fields),
        note=fields.text("note", REPORT_NOTE_LENGTH_MAX, note=True),
    )
    stated = {figure: fields.integer(f"total_{figure}", -AMOUNT_FEN_MAX, AMOUNT_FEN_MAX) for figure in FIGURES}
    if not problems:
        report_problems(report, problems)
        for figure, stated_fen in stated.items():
            total_fen = getattr(report, f"total_{figure}")
            if stated_fen is not None and stated_fen != total_fen:
                values = {"given": format_yuan(stated_fen), "expected": format_yuan(total_fen)}
                problems.add(f"total_{figure}", "report_sum", **values)
    if problems:
        raise DocumentError(problems.all())
    return report


def _belongs(
    document: InvoiceDocument, path: str, seller: str, month: Month, tally: _Tally, problems: Problems
) -> bool:
    """Whether a document counts in this report; notes why not."""
    if document.seller.tax_id != seller:
        problems.add(f"{path}.seller.tax_id", "report_seller")
    elif document.is_draft:
        problems.add(f"{path}.number", "missing")
    elif document.issued_on is None or document.month != month:
        problems.add(f"{path}.issued_on", "report_month", expected=format_month(month))
    elif document.number_key in tally.numbers:
        problems.add(f"{path}.number", "report_repeated")
    else:
        return True
    return False


def _compare_totals(tally: _Tally, totals: TotalsWord, problems: Problems) -> None:
    for side in SIDES:
        for figure in ("gross", "tax"):
            given_fen, expected_fen = tally.sums[f"{side}_{figure}_fen"], getattr(totals, f"{side}_{figure}")
            if given_fen != expected_fen:
                values = {"given": format_yuan(given_fen), "expected": format_yuan(expected_fen)}
                problems.add(f"{side}_{figure}_fen", "report_totals", **values)
    count = tally.sums["blue_count"] + tally.sums["red_count"]
    if count != totals.count:
        problems.add("count", "report_totals", given=count, expected=totals.count)


def _read_month(fields: FieldReader) -> Month:
    text = fields.text("month", 7, required=True)
    if text:
        try:
            return parse_month(text)
        except MonthError:
            fields.problems.add("month", "report_month_form")
    return Month(0)


def _read_number(fields: FieldReader, key: str) -> str:
    text = fields.text(key, 20)
    if text:
        try:
            parse_number(text)
        except NumberError:
            fields.problems.add(fields.path(key), "number_form")
            return ""
    return text


def _read_hash(fields: FieldReader) -> str:
    text = fields.text("correction_of", 64)
    if text and not _HASH.fullmatch(text):
        fields.problems.add("correction_of", "report_hash_form")
    return text


def _read_list(fields: FieldReader, key: str, limit: int) -> list[object]:
    value = fields.value(key)
    if not isinstance(value, list):
        got = type_name(value)
        fields.problems.add(key, "wrong_type", expected="a list", expected_zh="列表", got=got)
        return []
    if len(value) > limit:
        fields.problems.add(key, "report_too_long", count=len(value), limit=limit)
        return []
    return value


def _read_sums(fields: FieldReader, key: str) -> tuple[RateSum, ...]:
    sums = []
    for index, item in enumerate(_read_list(fields, key, RATES_MAX)):
        one = FieldReader(item, f"{key}.{index}", _SUM_KEYS, fields.problems)
        rate_bp = one.integer("rate_bp", 0, RATE_BP_MAX) or 0
        mark = one.choice("rate_mark", RateMark) or RateMark.RATE
        net_fen, tax_fen = (one.integer(name, -AMOUNT_FEN_MAX, AMOUNT_FEN_MAX) or 0 for name in ("net_fen", "tax_fen"))
        sums.append(RateSum(rate_bp, mark, net_fen, tax_fen))
    return tuple(sums)


def _read_gaps(fields: FieldReader) -> tuple[NumberGap, ...]:
    gaps = []
    for index, item in enumerate(_read_list(fields, "gaps", GAPS_LISTED_MAX)):
        gap = FieldReader(item, f"gaps.{index}", _GAP_KEYS, fields.problems)
        first, last = (_read_number(gap, key) for key in ("first", "last"))
        for key, text in (("first", first), ("last", last)):
            if not text and gap.path(key) not in fields.problems.paths():
                fields.problems.add(gap.path(key), "missing")
        gaps.append(NumberGap(first, last))
    return tuple(gaps)
