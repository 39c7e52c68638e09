"""A month's report as a table: one row a figure, amounts in yuan."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.documents import CellKind, Column, write_csv
from ledger.domain.invoice import RateMark
from ledger.domain.month_report import RateSum
from ledger.domain.months import format_month
from ledger.service.filing_views import ReportView

COLUMNS = (
    Column("项目", "item"),
    Column("税率", "rate"),
    Column("份数", "count", CellKind.COUNT),
    Column("金额", "net", CellKind.YUAN),
    Column("税额", "tax", CellKind.YUAN),
    Column("价税合计", "gross", CellKind.YUAN),
    Column("说明", "remark"),
)
_MARKS = {
    RateMark.EXEMPT: ("免税", "exempt"),
    RateMark.NOT_TAXABLE: ("不征税", "not taxable"),
    RateMark.ZERO: ("零税率", "zero-rated"),
    RateMark.DIFFERENCE: ("差额征税", "on a difference"),
}

_Row = tuple[str, str, int | None, int | None, int | None, int | None, str]


def report_table(view: ReportView, language: str) -> bytes:
    """CSV of a report, in Chinese (`zh`) or English (`en`)."""
    return b"".join(write_csv(COLUMNS, _rows(view, language == "zh"), language=language))


def _rows(view: ReportView, chinese: bool) -> Iterator[_Row]:
    report = view.report

    def text(zh: str, en: str) -> str:
        return zh if chinese else en

    state = text("草稿", "draft")
    if view.filing is not None:
        state = text(f"第 {view.filing.revision + 1} 次申报", f"filing {view.filing.revision + 1}")
    yield text("企业", "enterprise"), "", None, None, None, None, report.seller
    yield text("所属期", "month"), "", None, None, None, None, f"{format_month(report.month)} {state}"
    yield _amounts(text("蓝字发票", "blue"), report.blue_count, report.blue_net_fen, report.blue_tax_fen)
    yield _amounts(text("红字发票", "red"), report.red_count, -report.red_net_fen, -report.red_tax_fen)
    count = report.blue_count + report.red_count
    yield _amounts(text("合计", "total"), count, report.total_net_fen, report.total_tax_fen)
    yield from (_rate(text("按税率", "by rate"), one, chinese) for one in report.by_rate)
    yield from (_rate(text("未开票收入", "un-invoiced"), one, chinese) for one in report.uninvoiced)
    inputs = report.input_tax
    deducted = inputs.deducted_count, None, inputs.deducted_tax_fen
    yield text("进项抵扣", "input tax deducted"), "", *deducted, None, ""
    yield text("进项转出", "input tax taken back"), "", None, None, inputs.transfer_out_fen, None, ""
    yield text("应纳税额", "tax due"), "", None, None, report.tax_due_fen, None, ""
    yield text("首号", "first number"), "", None, None, None, None, report.first_number
    yield text("末号", "last number"), "", None, None, None, None, report.last_number
    yield text("缺号", "numbers passed over"), "", report.gap_numbers, None, None, None, ""
    for gap in report.gaps:
        yield text("缺号段", "gap"), "", int(gap.last) - int(gap.first) + 1, None, None, None, f"{gap.first}-{gap.last}"
    if report.correction_of:
        yield text("更正报告", "replaces"), "", None, None, None, None, report.correction_of
    if report.note:
        yield text("备注", "note"), "", None, None, None, None, report.note
    if view.filing is not None:
        yield text("报告哈希", "report hash"), "", None, None, None, None, view.filing.report_hash


def _amounts(item: str, count: int, net_fen: int, tax_fen: int) -> _Row:
    return item, "", count, net_fen, tax_fen, net_fen + tax_fen, ""


def _rate(item: str, one: RateSum, chinese: bool) -> _Row:
    zh, en = _MARKS.get(one.rate_mark, ("", ""))
    return item, percent(one.rate_bp), None, one.net_fen, one.tax_fen, one.net_fen + one.tax_fen, zh if chinese else en


def percent(rate_bp: int) -> str:
    """A rate of hundredths of a percent as people write it: 6%, 0.5%."""
    whole, rest = divmod(rate_bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"
