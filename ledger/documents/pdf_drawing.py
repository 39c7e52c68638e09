"""A laid out invoice put on paper: frame, labels in the brown of printed forms, values in black, the QR code."""

from __future__ import annotations

import segno
from fpdf import FPDF

from ledger.documents.pdf_pages import (
    COLUMNS,
    FOOT_HEIGHT,
    FRAME_TOP,
    FRAME_WIDTH,
    HEAD_HEIGHT,
    LABEL_WIDTH,
    MARGIN,
    NOTE_HEIGHT_MIN,
    NOTE_LEADING,
    NOTE_SIZE,
    PADDING,
    PAGE_WIDTH,
    PARTY_LEADING,
    PARTY_SIZE,
    SUM_HEIGHT,
    TABLE_LEADING,
    TABLE_SIZE,
    WORDS_HEIGHT,
    Layout,
    Page,
    Row,
)
from ledger.documents.pdf_text import FAMILY, Typeface
from ledger.domain.capitals import write_capitals
from ledger.domain.decimals import format_yuan
from ledger.domain.invoice import InvoiceColour, InvoiceDocument, InvoiceKind

LABEL_COLOUR = (140, 62, 30)
RED_COLOUR = (200, 20, 20)
FAINT_COLOUR = (110, 110, 110)
TITLE_SIZE = 17.0
CLERK_LEADING = 2.0
QR_SIDE = 24.0  # mm; a code of 57 modules has 0.42 mm each, which telephones read from paper
QR_QUIET_MODULES = 4  # white around the code, by its standard
TITLES = {InvoiceKind.ORDINARY: "电子发票（普通发票）", InvoiceKind.SPECIAL: "电子发票（增值税专用发票）"}


class Drawing:
    """Draws one invoice's pages into a PDF."""

    def __init__(self, pdf: FPDF, face: Typeface, document: InvoiceDocument, layout: Layout, link: str) -> None:
        self._pdf = pdf
        self._face = face
        self._document = document
        self._layout = layout
        self._link = link

    def draw(self) -> None:
        """All pages."""
        count = len(self._layout.pages)
        for index, page in enumerate(self._layout.pages):
            self._pdf.add_page(format=(PAGE_WIDTH, self._layout.height))
            self._pdf.set_line_width(0.25)
            self._pdf.set_draw_color(*LABEL_COLOUR)
            self._heading(index, count)
            self._page(page, last=index == count - 1)

    def _heading(self, index: int, count: int) -> None:
        document = self._document
        title = TITLES[document.kind]
        middle = PAGE_WIDTH / 2
        self._text(title, middle, 17, TITLE_SIZE, LABEL_COLOUR, "C")
        half = self._face.width(title, TITLE_SIZE) / 2 + 2
        for y in (20.0, 21.0):
            self._pdf.line(middle - half, y, middle + half, y)
        if document.colour is InvoiceColour.RED:
            self._text("红字发票", middle, 27, 11, RED_COLOUR, "C")
        if index == 0:
            self._qr(MARGIN, 6)
        assert document.issued_on is not None
        day = document.issued_on
        rows = [("发票号码：", document.number), ("开票日期：", f"{day.year}年{day.month:02d}月{day.day:02d}日")]
        if count > 1:
            rows.append(("", f"共 {count} 页　第 {index + 1} 页"))
        y = 14.0
        for label, value in rows:
            self._text(label, 149, y, 8.5, LABEL_COLOUR)
            self._text(value, 149 + self._face.width(label, 8.5), y, 8.5)
            y += 6

    def _page(self, page: Page, *, last: bool) -> None:
        bottom = self._layout.height - FOOT_HEIGHT
        y = FRAME_TOP
        tops = [y]
        if page.with_parties:
            self._parties(y)
            y += self._layout.party_height
            tops.append(y)
        note_height = self._note_height(page)
        if page.has_table:
            end = bottom - note_height - (WORDS_HEIGHT if page.closing else 0)
            self._table(page, y, end)
            tops.append(end)
            if page.closing:
                self._words(end)
                tops.append(end + WORDS_HEIGHT)
        if note_height:
            self._note(page, bottom - note_height, note_height)
            tops.append(bottom - note_height)
        self._pdf.rect(MARGIN, FRAME_TOP, FRAME_WIDTH, bottom - FRAME_TOP)
        for line in tops[1:]:
            self._pdf.line(MARGIN, line, MARGIN + FRAME_WIDTH, line)
        self._foot(bottom, last=last)

    def _note_height(self, page: Page) -> float:
        if not page.closing and not page.note:
            return 0.0
        height = max(NOTE_HEIGHT_MIN, len(page.note) * NOTE_LEADING + 2 * PADDING)
        if page.has_table:
            return height
        return self._layout.height - FOOT_HEIGHT - FRAME_TOP  # a page that only continues the note

    def _parties(self, top: float) -> None:
        height = self._layout.party_height
        half = FRAME_WIDTH / 2
        for at, (label, lines) in enumerate(zip(("购买方信息", "销售方信息"), self._layout.parties, strict=True)):
            left = MARGIN + at * half
            self._upright(label, left, top, height)
            if at:
                self._pdf.line(left, top, left, top + height)
            self._labelled_lines(lines, left + LABEL_WIDTH + PADDING, top)

    def _labelled_lines(self, lines: tuple[str, ...], x: float, top: float) -> None:
        """Lines of a party's box; what stands before the first colon of a detail is its label."""
        y = top + PADDING + PARTY_LEADING - 1
        for line in lines:
            label, colon, value = line.partition("：")
            if colon and label in ("名称", "统一社会信用代码/纳税人识别号", "地址", "电话", "开户银行", "银行账号"):
                self._text(label + colon, x, y, PARTY_SIZE, LABEL_COLOUR)
                self._text(value, x + self._face.width(label + colon, PARTY_SIZE), y, PARTY_SIZE)
            else:
                self._text(line, x, y, PARTY_SIZE)
            y += PARTY_LEADING

    def _table(self, page: Page, top: float, end: float) -> None:
        x = MARGIN
        for name, width, align in COLUMNS:
            self._aligned(name, x, top + 4.4, width, align, LABEL_COLOUR)
            x += width
        y = top + HEAD_HEIGHT
        for row in page.rows:
            self._row(row, y)
            y += row.height
        self._sums(page, end - SUM_HEIGHT)

    def _row(self, row: Row, top: float) -> None:
        x = MARGIN
        for cell, (_, width, align) in zip(row.cells, COLUMNS, strict=True):
            y = top + TABLE_LEADING - 0.9
            for line in cell:
                self._aligned(line, x, y, width, align)
                y += TABLE_LEADING
            x += width

    def _sums(self, page: Page, top: float) -> None:
        """小计 of a page that others follow, 合计 of the invoice on the last one."""
        baseline = top + 4.4
        if page.closing:
            label, net_fen, tax_fen = "合　　计", self._document.net_fen, self._document.tax_fen
        else:
            label = "小　　计"
            net_fen, tax_fen = sum(row.net_fen for row in page.rows), sum(row.tax_fen for row in page.rows)
        self._text(label, MARGIN + COLUMNS[0][1] / 2, baseline, TABLE_SIZE, LABEL_COLOUR, "C")
        right = MARGIN + sum(width for _, width, _ in COLUMNS[:6]) - PADDING / 2
        self._text(f"¥{format_yuan(net_fen)}", right, baseline, TABLE_SIZE, align="R")
        self._text(f"¥{format_yuan(tax_fen)}", MARGIN + FRAME_WIDTH - PADDING / 2, baseline, TABLE_SIZE, align="R")

    def _words(self, top: float) -> None:
        baseline = top + 5.6
        self._text("价税合计（大写）", MARGIN + COLUMNS[0][1] / 2, baseline, 9, LABEL_COLOUR, "C")
        x = MARGIN + COLUMNS[0][1]
        self._pdf.line(x, top, x, top + WORDS_HEIGHT)
        gross_fen = self._document.gross_fen
        self._text("⊗ " + write_capitals(gross_fen), x + 3, baseline, 9)
        figures = f"¥{format_yuan(gross_fen)}"
        right = MARGIN + FRAME_WIDTH - 3
        self._text(figures, right, baseline, 9, align="R")
        self._text("（小写）", right - self._face.width(figures, 9) - 1, baseline, 9, LABEL_COLOUR, "R")

    def _note(self, page: Page, top: float, height: float) -> None:
        self._upright("备注", MARGIN, top, height)
        y = top + PADDING + NOTE_LEADING - 1
        for line in page.note:
            self._text(line, MARGIN + LABEL_WIDTH + PADDING, y, NOTE_SIZE)
            y += NOTE_LEADING

    def _foot(self, bottom: float, *, last: bool) -> None:
        if last:
            x, y = MARGIN + 12, bottom + 5
            for label, lines, size in self._layout.clerks:
                self._text(label, x, y, PARTY_SIZE, LABEL_COLOUR)
                x += self._face.width(label, PARTY_SIZE)
                for at, line in enumerate(lines):
                    self._text(line, x, y + at * CLERK_LEADING, size)
                x += max((self._face.width(line, size) for line in lines), default=0) + 6
        address, _, query = self._link.partition("?")
        chain_hash = query.partition("hash=")[2].partition("&")[0]
        self._text(f"查验网址：{address}", MARGIN, self._layout.height - 7, 6, FAINT_COLOUR)
        self._text(f"区块链哈希：{chain_hash}", MARGIN, self._layout.height - 4, 6, FAINT_COLOUR)

    def _upright(self, label: str, left: float, top: float, height: float) -> None:
        """A label from top to bottom in its narrow column."""
        leading = 3.7
        y = top + (height - len(label) * leading) / 2 + 2.9
        for char in label:
            self._text(char, left + LABEL_WIDTH / 2, y, 8, LABEL_COLOUR, "C")
            y += leading
        self._pdf.line(left + LABEL_WIDTH, top, left + LABEL_WIDTH, top + height)

    def _qr(self, left: float, top: float) -> None:
        matrix = segno.make_qr(self._link, error="m").matrix
        module = QR_SIDE / (len(matrix) + 2 * QR_QUIET_MODULES)
        self._pdf.set_fill_color(0, 0, 0)
        for y, row in enumerate(matrix):
            x = 0
            while x < len(row):
                start = x
                while x < len(row) and row[x]:
                    x += 1
                if x > start:  # one rectangle a run, so that no viewer shows seams between modules
                    at_x = left + (start + QR_QUIET_MODULES) * module
                    at_y = top + (y + QR_QUIET_MODULES) * module
                    self._pdf.rect(at_x, at_y, (x - start) * module, module, style="F")
                x += 1

    def _aligned(
        self, text: str, x: float, y: float, width: float, align: str, colour: tuple[int, int, int] = (0, 0, 0)
    ) -> None:
        """A text of the table inside its column, which starts at x."""
        at = {"L": x + PADDING / 2, "C": x + width / 2, "R": x + width - PADDING / 2}[align]
        self._text(text, at, y, TABLE_SIZE, colour, align)

    def _text(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        colour: tuple[int, int, int] = (0, 0, 0),
        align: str = "L",
    ) -> None:
        """A shown text with its baseline at y: from x, around x or up to x."""
        if not text:
            return
        width = self._face.width(text, size)
        self._pdf.set_font(FAMILY, size=size)
        self._pdf.set_text_color(*colour)
        self._pdf.text(x - {"L": 0.0, "C": width / 2, "R": width}[align], y, text)
