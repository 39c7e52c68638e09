"""Words about an invoice's PDF: how its page compares with the evidence inside, in Chinese and English.

The codes are part of what scripts read and never change meaning (docs/DOCUMENTS.md).
"""

from __future__ import annotations

from enum import StrEnum


class PageReason(StrEnum):
    """Why the page is the same, differs, or could not be compared; `REASON_WORDS` holds its words."""

    SAME = "page_same"
    DIFFERS = "page_differs"
    WRITTEN_OTHERWISE = "page_written_otherwise"
    PICTURE = "page_is_picture"
    OF_ELSEWHERE = "page_of_elsewhere"
    REDACTED = "evidence_redacted"
    ERASED = "document_erased"
    EVIDENCE_FAILED = "evidence_failed"
    UNKNOWN_DOCUMENT = "document_unknown"
    COSTLY = "page_costly"
    UNREADABLE = "page_unreadable"


class DifferenceKind(StrEnum):
    """What of a file differs from what its evidence gives; `DIFFERENCE_WORDS` holds its words."""

    PAGES = "pages"
    SIZE = "size"
    TEXT_CHANGED = "text_changed"
    TEXT_MISSING = "text_missing"
    TEXT_ADDED = "text_added"
    DRAWING = "drawing"
    MARK = "mark"
    PICTURE = "picture"
    QR = "qr"
    ADDRESS = "address"
    ANNOTATION = "annotation"
    FIELD = "field"
    ACTION = "action"
    LAYER = "layer"
    PORTFOLIO = "portfolio"
    XML = "xml"


class PdfVerdict(StrEnum):
    """What is said of a PDF as a whole; the first of these that holds."""

    INVALID = "invalid"
    UNCHECKED = "could_not_check"
    ERASED = "erased"
    PAGE_DIFFERS = "page_differs"
    PAGE_UNCOMPARED = "page_not_compared"
    VALID = "valid"


EXIT_CODES = {
    PdfVerdict.VALID: 0,
    PdfVerdict.INVALID: 1,
    PdfVerdict.UNCHECKED: 2,
    PdfVerdict.PAGE_DIFFERS: 3,
    PdfVerdict.PAGE_UNCOMPARED: 4,
    PdfVerdict.ERASED: 5,
}

VERDICT_WORDS: dict[PdfVerdict, tuple[str, str]] = {
    PdfVerdict.VALID: ("有效：证据有效，页面与证据一致", "valid: the evidence holds and the page shows what it says"),
    PdfVerdict.INVALID: ("无效：证据未通过核验", "invalid: the evidence fails"),
    PdfVerdict.UNCHECKED: ("无法核对：证据无法核验", "could not check the evidence"),
    PdfVerdict.ERASED: (
        "已删除：票面信息已由税务局删除，仅核对了链上记录；页面所示内容没有任何证明，请勿据以采信",
        "erased: the authority erased the document, only the chain was checked; nothing proves what the page shows",
    ),
    PdfVerdict.PAGE_DIFFERS: (
        "页面与证据不符：证据有效，但页面被改动，请以证据为准",
        "page differs from the evidence: the evidence holds, the page does not show what it says; believe the evidence",
    ),
    PdfVerdict.PAGE_UNCOMPARED: (
        "页面未能比对：证据有效，但不能说明页面所示内容，请以证据为准",
        "page not compared: the evidence holds, and says nothing of what the page shows; believe the evidence",
    ),
}

REASON_WORDS: dict[PageReason, tuple[str, str]] = {
    PageReason.SAME: ("页面与证据一致", "the page shows what the evidence says"),
    PageReason.DIFFERS: ("页面与证据不符", "the page differs from the evidence"),
    PageReason.WRITTEN_OTHERWISE: (
        "未见差异，但页面由其他程序或版本写出，在别处可能显示不同",
        "no difference seen, but another program or version wrote the page: it may look otherwise elsewhere",
    ),
    PageReason.PICTURE: (
        "页面是图片（扫描或打印件），无法与证据比对；请重新下载原件",
        "the page is a picture, as of a scan, and cannot be compared; download the original again",
    ),
    PageReason.OF_ELSEWHERE: (
        "发票由他处开具，其原件不由本系统写出，无法比对页面",
        "the invoice was issued elsewhere: its page is not of our writing and cannot be compared",
    ),
    PageReason.REDACTED: (
        "证据只显示部分字段，无法比对页面",
        "the evidence shows only some fields, so the page cannot be compared",
    ),
    PageReason.ERASED: (
        "票面信息已由税务局删除，无从比对页面，页面内容未经证明",
        "the authority erased the document: there is nothing to compare the page with, and nothing proves it",
    ),
    PageReason.EVIDENCE_FAILED: (
        "证据未证明发票内容，无从比对页面",
        "the evidence does not prove the document, so there is nothing to compare the page with",
    ),
    PageReason.UNKNOWN_DOCUMENT: (
        "本程序不能写出该发票内容，请使用更新的版本",
        "this program cannot write that document out; use a newer version",
    ),
    PageReason.COSTLY: (
        "显示页面所需的时间或内存超出发票应有的范围，未能比对",
        "showing the page takes more time or memory than any invoice; it was not compared",
    ),
    PageReason.UNREADABLE: (
        "页面损坏，无法显示，未能比对；请重新下载原件",
        "the page is damaged and cannot be shown; download the original again",
    ),
}

DIFFERENCE_WORDS: dict[DifferenceKind, tuple[str, str]] = {
    DifferenceKind.PAGES: (
        "共 {found} 页，证据应为 {expected} 页",
        "{found} pages where the evidence gives {expected}",
    ),
    DifferenceKind.SIZE: (
        "页面尺寸或方向为 {found}，应为 {expected}",
        "size or rotation {found} where the evidence gives {expected}",
    ),
    DifferenceKind.TEXT_CHANGED: (
        "显示“{found}”，证据为“{expected}”",
        "shows “{found}” where the evidence has “{expected}”",
    ),
    DifferenceKind.TEXT_MISSING: ("缺少“{expected}”", "lacks “{expected}”"),
    DifferenceKind.TEXT_ADDED: ("多出“{found}”", "shows “{found}”, which the evidence does not have"),
    DifferenceKind.DRAWING: (
        "“{expected}”处被遮盖或改动（{found}）",
        "drawn over or altered at “{expected}” ({found})",
    ),
    DifferenceKind.MARK: ("空白处加有内容（{found}）", "something is drawn where the page is blank ({found})"),
    DifferenceKind.PICTURE: ("多出图片 {found} 幅", "{found} pictures that the evidence does not give"),
    DifferenceKind.QR: (
        "二维码为“{found}”，应为“{expected}”",
        "the QR code says “{found}” where the evidence gives “{expected}”",
    ),
    DifferenceKind.ADDRESS: (
        "二维码指向 {found}，本账本的查验网址为 {expected}",
        "the QR code leads to {found}, the public check of this ledger is at {expected}",
    ),
    DifferenceKind.ANNOTATION: ("加有批注：{found}", "a note or field was laid on the page: {found}"),
    DifferenceKind.FIELD: ("加有表单域", "the file has form fields, which the invoice has not"),
    DifferenceKind.ACTION: (
        "文件含有脚本或动作（{found}），可改变所示内容",
        "the file holds actions or scripts ({found}), which may change what is shown",
    ),
    DifferenceKind.LAYER: (
        "文件含有可切换的图层，所示内容可随时改变",
        "the file has layers that can be switched, so what is shown can change",
    ),
    DifferenceKind.PORTFOLIO: (
        "文件是文件包，阅读器可能显示其中另一文件",
        "the file is a portfolio: viewers may show another file inside it",
    ),
    DifferenceKind.XML: (
        "内嵌的 {expected} 与证据不符",
        "the {expected} inside differs from the evidence",
    ),
}
