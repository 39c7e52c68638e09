"""An invoice laid out: what stands on which page, before anything is drawn.

One page of 210 x 140 mm, as the national platform prints, when all fits; A4 pages otherwise. No text is cut: a name
wraps, a line of the table taller than ROW_LINES_MAX and a long note go on on the next page, and what a party's box
cannot hold is continued in the note.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ledger.documents.pdf_text import Typeface
from ledger.domain.decimals import FEN_PER_YUAN, format_yuan
from ledger.domain.invoice import InvoiceColour, InvoiceDocument, Line, PartyDetails, RateMark

PAGE_WIDTH, COMPACT_HEIGHT, FULL_HEIGHT = 210.0, 140.0, 297.0
MARGIN = 10.0
FRAME_TOP = 33.0
FRAME_WIDTH = PAGE_WIDTH - 2 * MARGIN
LABEL_WIDTH = 6.5
PARTY_SIZE, TABLE_SIZE, NOTE_SIZE = 8.5, 8.0, 8.0
PARTY_LEADING, TABLE_LEADING, NOTE_LEADING = 4.4, 4.0, 4.0
PARTY_HEIGHT_MIN, NOTE_HEIGHT_MIN = 22.0, 16.0
HEAD_HEIGHT, SUM_HEIGHT, WORDS_HEIGHT = 6.5, 6.5, 8.5
FOOT_HEIGHT = 19.0  # clerks, the check's address and hash, the lower margin
PADDING = 1.5
CLERK_WIDTH, CLERK_SIZE_SMALL = 44.0, 5.0
CLERK_LINES_MAX = 3  # small lines of a clerk's name under the frame; the longest honest name takes 3
PARTY_LINES_MAX = 40  # lines of a party's box; the longest honest details take 36
ROW_LINES_MAX = 24  # lines of one table row on one page; a 200-character name takes 15

COLUMNS = (
    ("项目名称", 46.0, "L"),
    ("规格型号", 22.0, "L"),
    ("单位", 12.0, "C"),
    ("数量", 22.0, "R"),
    ("单价", 28.0, "R"),
    ("金额", 24.0, "R"),
    ("税率/征收率", 17.0, "C"),
    ("税额", 19.0, "R"),
)

_MARKS = {
    RateMark.EXEMPT: "免税",
    RateMark.NOT_TAXABLE: "不征税",
    RateMark.ZERO: "0%",
    RateMark.DIFFERENCE: "***",
}


@dataclass(frozen=True)
class Row:
    """Part of a table row: the lines of each of the eight cells; amounts in fen, 0 in a continued part."""

    cells: tuple[tuple[str, ...], ...]
    net_fen: int = 0
    tax_fen: int = 0

    @property
    def height(self) -> float:
        """Height in mm."""
        return max(len(cell) for cell in self.cells) * TABLE_LEADING + 0.6


@dataclass
class Page:
    """One page: rows of the table, then the totals when `closing`, then lines of the note."""

    with_parties: bool
    rows: list[Row] = field(default_factory=list)
    closing: bool = False
    note: list[str] = field(default_factory=list)

    @property
    def has_table(self) -> bool:
        """Whether there is a table: pages that only continue the note have none."""
        return bool(self.rows) or self.closing


@dataclass(frozen=True)
class Layout:
    """All pages of an invoice.

    `parties` are the lines of the buyer's and the seller's box; `clerks` label, lines and point size of each name.
    """

    pages: tuple[Page, ...]
    parties: tuple[tuple[str, ...], tuple[str, ...]]
    clerks: tuple[tuple[str, tuple[str, ...], float], ...]
    height: float

    @property
    def party_height(self) -> float:
        """Height in mm of both boxes."""
        return max(PARTY_HEIGHT_MIN, max(map(len, self.parties)) * PARTY_LEADING + 2 * PADDING)


def lay_out(document: InvoiceDocument, face: Typeface, *, red_slip: str) -> Layout:
    """Pages of an invoice."""
    width = FRAME_WIDTH / 2 - LABEL_WIDTH - 2 * PADDING
    parties = [_party_lines(party, face, width) for party in (document.buyer, document.seller)]
    note = [line for text in _red_texts(document, red_slip) for line in _note_lines(face, text)]
    for name, lines in zip(("购买方信息（续）：", "销售方信息（续）："), parties, strict=True):
        if len(lines) > PARTY_LINES_MAX:
            note += _note_lines(face, name + "".join(lines[PARTY_LINES_MAX:]))
    clerks: list[tuple[str, tuple[str, ...], float]] = []
    for label, name in (("开票人：", document.drawer), ("收款人：", document.payee), ("复核人：", document.checker)):
        shown, size = _clerk_lines(face, name)
        if len(shown) > CLERK_LINES_MAX:
            note += _note_lines(face, label + name)
            shown, size = ("见备注",), PARTY_SIZE
        if shown or label == "开票人：":
            clerks.append((label, shown, size))
    note += _note_lines(face, document.note)
    boxes = (tuple(parties[0][:PARTY_LINES_MAX]), tuple(parties[1][:PARTY_LINES_MAX]))
    rows = [row for line in document.lines for row in _rows(line, face)]
    single = (Page(with_parties=True, rows=rows, closing=True, note=note),)
    compact = Layout(single, boxes, tuple(clerks), COMPACT_HEIGHT)
    if needed_height(compact, compact.pages[0]) <= COMPACT_HEIGHT:
        return compact
    full = replace(compact, pages=(), height=FULL_HEIGHT)
    return replace(full, pages=tuple(_paginate(rows, note, full)))


def needed_height(layout: Layout, page: Page) -> float:
    """Height in mm that a page's content takes, margins included."""
    height = FRAME_TOP + FOOT_HEIGHT
    if page.with_parties:
        height += layout.party_height
    if page.has_table:
        height += HEAD_HEIGHT + SUM_HEIGHT + 2 + sum(row.height for row in page.rows)
    if page.closing:
        height += WORDS_HEIGHT
    if page.closing or page.note:
        height += max(NOTE_HEIGHT_MIN, len(page.note) * NOTE_LEADING + 2 * PADDING)
    return height


def rate_text(line: Line) -> str:
    """Rate as printed: 13%, 1.5%, 免税, 不征税, 0%, *** where a difference is taxed."""
    if line.rate_mark is not RateMark.RATE:
        return _MARKS[line.rate_mark]
    percent, places = divmod(line.rate_bp, FEN_PER_YUAN)
    return f"{percent}.{places:02d}".rstrip("0").rstrip(".") + "%"


def tax_text(line: Line) -> str:
    """Tax as printed: *** on lines without any."""
    return "***" if line.rate_mark in _MARKS and not line.tax_fen else format_yuan(line.tax_fen)


def _paginate(rows: list[Row], note: list[str], layout: Layout) -> list[Page]:
    """A4 pages: rows as they fit, the totals on the last page with rows or one of its own, the note as it fits."""
    pages = [Page(with_parties=True)]
    for row in rows:
        page = pages[-1]
        page.rows.append(row)
        if needed_height(layout, page) > FULL_HEIGHT and (len(page.rows) > 1 or page.with_parties):
            page.rows.pop()
            pages.append(Page(with_parties=False, rows=[row]))
    pages[-1].closing = True
    if needed_height(layout, pages[-1]) > FULL_HEIGHT:
        pages[-1].closing = False
        pages.append(Page(with_parties=False, closing=True))
    for line in note:
        pages[-1].note.append(line)
        if needed_height(layout, pages[-1]) > FULL_HEIGHT:
            pages[-1].note.pop()
            pages.append(Page(with_parties=False, note=[line]))
    return pages


def _party_lines(party: PartyDetails, face: Typeface, width: float) -> list[str]:
    lines = face.wrap(f"名称：{party.name}", width, PARTY_SIZE)
    lines += face.wrap(f"统一社会信用代码/纳税人识别号：{party.tax_id}", width, PARTY_SIZE)
    for label, text in (
        ("地址", party.address),
        ("电话", party.phone),
        ("开户银行", party.bank),
        ("银行账号", party.account),
    ):
        if text:
            lines += face.wrap(f"{label}：{text}", width, PARTY_SIZE)
    return lines


def _clerk_lines(face: Typeface, name: str) -> tuple[tuple[str, ...], float]:
    """Lines and point size of a clerk's name: one of usual size when it fits, else small ones."""
    lines = face.wrap(name, CLERK_WIDTH, PARTY_SIZE)
    if len(lines) <= 1:
        return tuple(lines), PARTY_SIZE
    return tuple(face.wrap(name, CLERK_WIDTH, CLERK_SIZE_SMALL)), CLERK_SIZE_SMALL


def _red_texts(document: InvoiceDocument, red_slip: str) -> list[str]:
    """What the platform prints first in the note of a red invoice."""
    if document.colour is not InvoiceColour.RED or document.original is None:
        return []
    original = document.original
    code = f"被红冲蓝字发票代码：{original.code}　" if original.code else ""
    slip = f"　红字发票信息确认单编号：{red_slip}" if red_slip else ""
    return [f"{code}被红冲蓝字发票号码：{original.number}{slip}"]


def _note_lines(face: Typeface, text: str) -> list[str]:
    return face.wrap(text, FRAME_WIDTH - LABEL_WIDTH - 2 * PADDING, NOTE_SIZE)


def _rows(line: Line, face: Typeface) -> list[Row]:
    """Rows of one line: one, unless a cell wraps into more than ROW_LINES_MAX lines."""
    texts = (
        line.name,
        line.specification,
        line.unit,
        line.quantity,
        line.price,
        format_yuan(line.net_fen),
        rate_text(line),
        tax_text(line),
    )
    cells = [face.wrap(text, width - PADDING, TABLE_SIZE) for text, (_, width, _) in zip(texts, COLUMNS, strict=True)]
    count = max(len(cell) for cell in cells)  # at least 1: amounts are never blank
    rows = []
    for start in range(0, count, ROW_LINES_MAX):
        part = tuple(tuple(cell[start : start + ROW_LINES_MAX]) for cell in cells)
        rows.append(Row(part, line.net_fen, line.tax_fen) if start == 0 else Row(part))
    return rows
