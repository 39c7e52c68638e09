"""Making a month's report from its documents, held against the contract's own totals.

It is made outside the writing transaction, which others wait for: 50,000 invoices take seconds. What it was made of is
looked at again inside, and where it changed meanwhile the report is made again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, replace

from ledger.domain.decimals import format_yuan
from ledger.domain.deduction import DeductionPurpose
from ledger.domain.errors import DocumentError
from ledger.domain.invoice import RateMark
from ledger.domain.month_building import build_report, number_gaps, parse_report
from ledger.domain.month_report import GAPS_LISTED_MAX, InputTax, MonthReport, NumberGap, RateSum
from ledger.domain.months import Month
from ledger.domain.numbers import format_number
from ledger.projection import Connection, keystore, parties
from ledger.projection.month_sums import MonthSums, month_sums
from ledger.projection.parties import TotalsRecord
from ledger.projection.unread_documents import UnreadSums, unread_sums
from ledger.service.context import Context
from ledger.service.errors import InvalidRequest, NotReady
from ledger.service.month_documents import MonthDocuments
from ledger.service.people import need_party
from ledger.service.problems import invalid
from verifier.words import PartyKind, TotalsWord

REPORTS_KEPT_MAX = 16  # reports of documents alone that one process remembers: seen as a draft, then filed
TRIES_MAX = 3  # times a report is made when invoices of its month keep being recorded

_Key = tuple[int, int, tuple[TotalsRecord, ...], UnreadSums]


@dataclass(frozen=True)
class Declared:
    """What an enterprise declares beside its invoices.

    `uninvoiced` is un-invoiced sales by rate. `unread` is net and tax by rate of invoices whose documents are erased or
    kept elsewhere: the contract knows their amounts, not their rates, so it adds up to those amounts.
    """

    uninvoiced: tuple[RateSum, ...] = ()
    unread: tuple[RateSum, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class MadeReport:
    """A report and what it was made of: the party's version and the sums of that moment."""

    report: MonthReport
    version: int
    sums: MonthSums

    def is_current(self, connection: Connection) -> bool:
        """Whether nothing it was made of has changed."""
        record = parties.party(connection, self.sums.party)
        assert record is not None
        return record.version == self.version and self.sums == month_sums(connection, self.sums.party, self.sums.month)


class MonthReporting:
    """Makes reports; remembers a few, so that a report seen as a draft is not summed again to be filed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: OrderedDict[_Key, MonthReport] = OrderedDict()
        self._lock = threading.Lock()  # guards _kept

    def make(self, party: int, month: Month, declared: Declared, correction_of: str = "") -> MadeReport:
        """The report of an enterprise's month as it is now. `correction_of` is the hash, in hex, of the one replaced.

        Raises: InvalidRequest when what is declared does not agree with itself, or the month does not stand still;
        NotReady when the documents do not add up to the contract's totals.
        """
        for _ in range(TRIES_MAX):
            with self._context.reading() as connection:
                record = need_party(connection, party, path="subject", kind=PartyKind.ENTERPRISE)
                known = keystore.party_name(connection, record.identity)
                sums = month_sums(connection, party, month)
                unread = unread_sums(connection, party, month)
                key = (party, int(month), parties.totals_of(connection, party), unread)
            tax_id = (known.tax_id if known is not None else None) or ""
            read = self._of_documents(key, tax_id, sums, unread)
            if read is not None:
                made = _declared(_with_unread(read, unread, declared.unread), sums, declared, correction_of)
                return MadeReport(made, record.version, sums)
        raise invalid("month", "month_moving")

    def _of_documents(self, key: _Key, tax_id: str, sums: MonthSums, unread: UnreadSums) -> MonthReport | None:
        """The report of the documents alone; None when invoices were recorded while they were read."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        documents = MonthDocuments(self._context, sums.party, sums.month)
        try:
            report = build_report(
                party=sums.party,
                seller=tax_id,
                month=Month(sums.month),
                documents=documents,
                totals=_readable(sums.totals, unread),
                numbers_elsewhere=documents.elsewhere(),
            )
        except DocumentError as err:
            self._hold_moved(sums, err)
            return None
        if unread.count:
            report = _with_numbers(report, documents)
        with self._lock:
            self._kept[key] = report
            while len(self._kept) > REPORTS_KEPT_MAX:
                self._kept.popitem(last=False)
        return report

    def _hold_moved(self, sums: MonthSums, err: DocumentError) -> None:
        """Nothing when the month changed since. Raises: NotReady when it did not, so its documents are not its own."""
        with self._context.reading() as connection:
            if parties.totals(connection, sums.party, sums.month) != sums.totals:
                return
        first = err.problems[0]
        raise NotReady(
            f"the month's documents do not add up to the contract's totals: {first.path} {first.message_en}; "
            "run `einvoice audit`",
            f"本月发票与合约累计数不符：{first.path} {first.message_zh}，请运行 einvoice audit 核查",
        ) from err


def totals_word(totals: TotalsRecord) -> TotalsWord:
    """The contract's word of an enterprise's month."""
    return TotalsWord(
        blue_gross=totals.blue_gross_fen,
        red_gross=totals.red_gross_fen,
        blue_tax=totals.blue_tax_fen,
        red_tax=totals.red_tax_fen,
        quota_used=totals.quota_used_fen,
        count=totals.count,
    )


def _readable(totals: TotalsRecord, unread: UnreadSums) -> TotalsWord:
    """What the documents that can be read must add up to."""
    return replace(
        totals_word(totals),
        blue_gross=totals.blue_gross_fen - unread.blue_gross_fen,
        red_gross=totals.red_gross_fen - unread.red_gross_fen,
        blue_tax=totals.blue_tax_fen - unread.blue_tax_fen,
        red_tax=totals.red_tax_fen - unread.red_tax_fen,
        count=totals.count - unread.count,
    )


def _with_numbers(report: MonthReport, documents: MonthDocuments) -> MonthReport:
    """The report with first and last number and gaps of all the month's invoices."""
    gaps = number_gaps(documents.numbers, documents.elsewhere())
    return replace(
        report,
        first_number=format_number(documents.numbers[0]),
        last_number=format_number(documents.numbers[-1]),
        gaps=tuple(NumberGap(format_number(gap[0]), format_number(gap[-1])) for gap in gaps[:GAPS_LISTED_MAX]),
        gap_count=len(gaps),
        gap_numbers=sum(len(gap) for gap in gaps),
    )


def _with_unread(report: MonthReport, unread: UnreadSums, declared: tuple[RateSum, ...]) -> MonthReport:
    """The report with the contract's sums of what cannot be read, at the rates declared for it.

    Raises: InvalidRequest at `unread` when those are not its sums.
    """
    if not unread.count:
        if declared:
            raise invalid("unread", "unread_unexpected")
        return report
    net_fen, tax_fen = (sum(getattr(one, name) for one in declared) for name in ("net_fen", "tax_fen"))
    if not declared or (net_fen, tax_fen) != (unread.net_fen, unread.tax_fen):
        raise invalid(
            "unread",
            "unread_differs",
            count=unread.count,
            number=format_number(unread.first_number or 0),
            net=format_yuan(unread.net_fen),
            tax=format_yuan(unread.tax_fen),
        )
    rates: defaultdict[tuple[int, RateMark], list[int]] = defaultdict(lambda: [0, 0])
    for one in (*report.by_rate, *declared):
        rates[one.rate_bp, one.rate_mark][0] += one.net_fen
        rates[one.rate_bp, one.rate_mark][1] += one.tax_fen
    table = [RateSum(rate_bp, mark, *sums) for (rate_bp, mark), sums in rates.items()]
    return replace(
        report,
        blue_gross_fen=report.blue_gross_fen + unread.blue_gross_fen,
        blue_net_fen=report.blue_net_fen + unread.blue_gross_fen - unread.blue_tax_fen,
        blue_tax_fen=report.blue_tax_fen + unread.blue_tax_fen,
        blue_count=report.blue_count + unread.blue_count,
        red_gross_fen=report.red_gross_fen + unread.red_gross_fen,
        red_net_fen=report.red_net_fen + unread.red_gross_fen - unread.red_tax_fen,
        red_tax_fen=report.red_tax_fen + unread.red_tax_fen,
        red_count=report.red_count + unread.red_count,
        by_rate=tuple(sorted(table, key=lambda one: one.key)),
    )


def _declared(report: MonthReport, sums: MonthSums, declared: Declared, correction_of: str) -> MonthReport:
    """The report with input tax, what is declared, and what it corrects, all checked against each other."""
    deducted = sum(one.count for one in sums.period.by_purpose if one.purpose == DeductionPurpose.DEDUCT)
    whole = replace(
        report,
        input_tax=InputTax(sums.deducted_tax_fen, deducted, sums.transfer_out_fen),
        uninvoiced=tuple(sorted(declared.uninvoiced, key=lambda one: one.key)),
        correction_of=correction_of,
        note=declared.note,
    )
    try:
        return parse_report(whole.to_json())
    except DocumentError as err:
        raise InvalidRequest(err.problems) from err
