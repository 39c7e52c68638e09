"""Officers' lists as CSV: columns and how a row fills them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from ledger.documents import CellKind, Column, write_csv
from ledger.domain.months import CST
from ledger.service.supervision_views import DuplicateView, NonfilerView, SupervisedException, SupervisedRefusal

V = TypeVar("V")
_Cell = str | int | None


@dataclass(frozen=True)
class Table(Generic[V]):
    """Columns, each with what it shows of a row in Chinese (True) or English."""

    columns: tuple[tuple[Column, Callable[[V, bool], _Cell]], ...]

    def csv(self, rows: Iterable[V], language: str) -> bytes:
        """CSV with a byte order mark; texts that a spreadsheet would compute get an apostrophe."""
        chinese = language == "zh"
        cells = ([show(row, chinese) for _, show in self.columns] for row in rows)
        return b"".join(write_csv([column for column, _ in self.columns], cells, language=language))


def _time(moment: datetime | None) -> str:
    """China Standard Time, to the second."""
    return "" if moment is None else f"{moment.astimezone(CST):%Y-%m-%d %H:%M:%S}"


def _id(party: int | None) -> str:
    return "" if party is None else str(party)


def _yes(value: bool, chinese: bool) -> str:
    return ("是" if value else "否") if chinese else ("yes" if value else "no")


NONFILERS: Table[NonfilerView] = Table(
    (
        (Column("企业编号", "party"), lambda row, _: _id(row.party)),
        (Column("企业名称", "name"), lambda row, _: row.name),
        (Column("税号", "tax id"), lambda row, _: row.tax_id),
        (Column("地区", "area"), lambda row, _: row.area),
        (Column("已申报至", "filed through"), lambda row, _: row.filed_through),
        (Column("未申报月数", "months behind", CellKind.COUNT), lambda row, _: row.months_behind),
        (Column("已暂停", "suspended"), lambda row, zh: _yes(row.suspended, zh)),
        (Column("已解除限制", "block lifted"), lambda row, zh: _yes(row.lifted, zh)),
        (Column("份数", "count", CellKind.COUNT), lambda row, _: row.count),
        (Column("蓝字价税合计", "blue gross", CellKind.YUAN), lambda row, _: row.blue_gross_fen),
        (Column("红字价税合计", "red gross", CellKind.YUAN), lambda row, _: -row.red_gross_fen),
        (Column("价税合计", "gross", CellKind.YUAN), lambda row, _: row.gross_fen),
    )
)
EXCEPTIONS: Table[SupervisedException] = Table(
    (
        (Column("发票号码", "number"), lambda row, _: row.number),
        (Column("异常", "exception"), lambda row, zh: row.text_zh if zh else row.text),
        (Column("操作", "operation"), lambda row, _: row.operation),
        (Column("企业编号", "party"), lambda row, _: _id(row.party)),
        (Column("企业名称", "name"), lambda row, _: row.party_name),
        (Column("地区", "area"), lambda row, _: row.area),
        (Column("报销人", "claimant"), lambda row, _: row.claimant_name),
        (Column("报销单", "claim"), lambda row, _: row.claim_id),
        (Column("价税合计", "gross", CellKind.YUAN), lambda row, _: row.gross_fen),
        (Column("发生时间", "raised at"), lambda row, _: _time(row.raised_at)),
        (Column("税务确认", "seen by officer"), lambda row, _: _time(row.officer_at)),
        (Column("企业确认", "seen by company"), lambda row, _: _time(row.party_at)),
    )
)
REFUSALS: Table[SupervisedRefusal] = Table(
    (
        (Column("时间", "refused at"), lambda row, _: _time(row.refused_at)),
        (Column("原因", "reason"), lambda row, _: row.reason),
        (Column("说明", "meaning"), lambda row, zh: row.reason_text_zh if zh else row.reason_text),
        (Column("操作", "operation"), lambda row, _: row.operation),
        (Column("发票号码", "number"), lambda row, _: row.number),
        (Column("主体编号", "party"), lambda row, _: _id(row.party)),
        (Column("主体名称", "name"), lambda row, _: row.party_name),
        (Column("地区", "area"), lambda row, _: row.area),
        (Column("签名人", "signed by"), lambda row, _: row.actor_name),
        (Column("价税合计", "gross", CellKind.YUAN), lambda row, _: row.gross_fen),
        (Column("摘要", "digest"), lambda row, _: row.digest),
    )
)
DUPLICATES: Table[DuplicateView] = Table(
    (
        (Column("发票号码", "number"), lambda row, _: row.number),
        (Column("情形", "kind"), lambda row, _: row.kind),
        (Column("价税合计", "gross", CellKind.YUAN), lambda row, _: row.gross_fen),
        (Column("在先企业", "first employer"), lambda row, _: row.first_employer_name),
        (Column("在先报销人", "first claimant"), lambda row, _: row.first_claimant_name),
        (Column("在先报销单", "first claim"), lambda row, _: row.first_claim_id),
        (Column("在先时间", "first at"), lambda row, _: _time(row.first_at)),
        (Column("在后企业编号", "second party"), lambda row, _: _id(row.second_employer)),
        (Column("在后企业", "second employer"), lambda row, _: row.second_employer_name),
        (Column("在后地区", "area"), lambda row, _: row.area),
        (Column("在后报销人", "second claimant"), lambda row, _: row.second_claimant_name),
        (Column("在后报销单", "second claim"), lambda row, _: row.second_claim_id),
        (Column("在后时间", "second at"), lambda row, _: _time(row.happened_at)),
        (Column("摘要", "digest"), lambda row, _: row.digest),
    )
)
