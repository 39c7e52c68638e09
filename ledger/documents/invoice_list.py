"""Lists of invoices as CSV and XLSX, in Chinese or English headings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from ledger.documents.tables import CellKind, Column, Row, write_csv, write_xlsx

INVOICE_COLUMNS: tuple[Column, ...] = (
    Column("发票号码", "number", width=23),
    Column("开票日期", "issued_on", CellKind.DAY, 12),
    Column("发票种类", "kind", width=10),
    Column("发票状态", "colour", width=10),
    Column("销售方名称", "seller_name", width=30),
    Column("销售方税号", "seller_tax_id", width=22),
    Column("购买方名称", "buyer_name", width=30),
    Column("购买方税号", "buyer_tax_id", width=22),
    Column("金额", "net", CellKind.YUAN, 16),
    Column("税额", "tax", CellKind.YUAN, 14),
    Column("价税合计", "gross", CellKind.YUAN, 16),
    Column("持有人", "holder_name", width=24),
    Column("报销状态", "claim_state", width=10),
    Column("报销单号", "claim_id", width=20),
    Column("入账状态", "entry", width=14),
    Column("原发票号码", "original_number", width=23),
    Column("备注", "note", width=40),
    Column("来源", "strength", width=24),
)

WORDS_ZH = {
    "kind": {"ordinary": "普通发票", "special": "专用发票"},
    "colour": {"blue": "蓝字", "red": "红字", "normal": "正常", "partly_red": "部分红冲", "fully_red": "全额红冲"},
    "claim_state": {"free": "未报销", "locked": "已锁定", "settled": "已核销", "cancelled": "已取消"},
    "entry": {
        "not_booked": "未入账",
        "deductible": "已入账（可税前扣除）",
        "not_deductible": "已入账（不可税前扣除）",
        "withdrawn": "已撤销入账",
    },
    "strength": {
        "issued_here": "本系统开具",
        "signed_original": "外部：签名原件（未见开具）",
        "original": "外部：原件（未见开具）",
        "qr": "外部：二维码（未见开具）",
        "typed": "外部：手工录入（未见开具）",
    },
}
"""Chinese of the code words in these columns; a word that is not here is written as it is."""


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice of a list: code words as the API gives them, amounts in fen, "" and None for what is not known."""

    number: str
    issued_on: date | None
    kind: str
    colour: str
    seller_name: str
    seller_tax_id: str
    buyer_name: str
    buyer_tax_id: str
    net_fen: int
    tax_fen: int
    gross_fen: int
    holder_name: str = ""
    claim_state: str = ""
    claim_id: str = ""
    entry: str = ""
    original_number: str = ""
    note: str = ""
    strength: str = ""


def write_invoice_list_csv(rows: Iterable[InvoiceRow], *, language: str = "zh") -> Iterator[bytes]:
    """CSV of invoices in pieces, as `tables.write_csv`."""
    return write_csv(INVOICE_COLUMNS, _values(rows, language), language=language)


def write_invoice_list_xlsx(rows: Iterable[InvoiceRow], *, language: str = "zh") -> bytes:
    """XLSX of invoices, as `tables.write_xlsx`."""
    sheet = "发票" if language == "zh" else "invoices"
    return write_xlsx(INVOICE_COLUMNS, _values(rows, language), sheet=sheet, language=language)


def _values(rows: Iterable[InvoiceRow], language: str) -> Iterator[Row]:
    def word(column: str, code: str) -> str:
        return WORDS_ZH[column].get(code, code) if language == "zh" else code

    for row in rows:
        yield (
            row.number,
            row.issued_on,
            word("kind", row.kind),
            word("colour", row.colour),
            row.seller_name,
            row.seller_tax_id,
            row.buyer_name,
            row.buyer_tax_id,
            row.net_fen,
            row.tax_fen,
            row.gross_fen,
            row.holder_name,
            word("claim_state", row.claim_state),
            row.claim_id,
            word("entry", row.entry),
            row.original_number,
            row.note,
            word("strength", row.strength),
        )
