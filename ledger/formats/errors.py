"""Errors of reading files.

FormatError
|-- FileRefusedError    the file as a whole is not read: size, encoding, kind, hostile construction
`-- FieldsRefusedError  the file is of a known kind, but fields are missing, unreadable or contradict each other

Both carry `problems`, every one with its code, path and text in English and Chinese (docs/FORMATS.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.domain.errors import FieldProblem
from ledger.domain.fields import PROBLEMS_MAX
from ledger.domain.problems import problem
from ledger.formats.image_texts import IMAGE_TEXTS
from ledger.formats.ofd.texts import OFD_TEXTS
from ledger.formats.sheets_texts import SHEET_TEXTS

FORMAT_TEXTS: dict[str, tuple[str, str]] = {
    # the file
    "file_empty": ("the file is empty; choose it again", "文件为空，请重新选择"),
    "file_too_large": (
        "has {count} bytes, at most {limit} are read; check that it is an invoice",
        "共 {count} 字节，最多读取 {limit} 字节，请确认是发票文件",
    ),
    "file_is_view": (
        "a {kind} file is not read; upload the invoice's XML, OFD or PDF, or a PNG or JPEG picture of its QR code",
        "不读取 {kind} 文件，请上传发票的 XML、OFD 或 PDF，或二维码的 PNG、JPEG 图片",
    ),
    "file_unknown": (
        "no invoice file: XML, OFD, PDF, PNG, JPEG or the text of an invoice QR code; choose another",
        "不是发票文件（XML、OFD、PDF、PNG、JPEG 或发票二维码内容），请重新选择",
    ),
    "encoding_unknown": (
        "the encoding {encoding} is not read; save the file as UTF-8",
        "不支持编码 {encoding}，请另存为 UTF-8",
    ),
    "encoding_wrong": (
        "byte {position} is not {encoding}, which the file says it is; get the original file again",
        "第 {position} 字节不符合文件声明的 {encoding} 编码，请重新获取原件",
    ),
    "encoding_differs": (
        "says it is {encoding}, but its bytes are UTF-8; get the original file again",
        "声明编码为 {encoding}，实际为 UTF-8，请重新获取原件",
    ),
    "xml_dtd": (
        "has a document type or entity declaration, which no invoice has; it is not read",
        "含文档类型或实体声明，发票不应有，拒绝读取",
    ),
    "xml_syntax": (
        "broken XML at line {line}, column {column}; get the original file again",
        "XML 在第 {line} 行第 {column} 列损坏，请重新获取原件",
    ),
    "xml_too_deep": ("elements nest deeper than {limit}; this is no invoice", "元素嵌套超过 {limit} 层，不是发票"),
    "xml_too_many": ("more than {limit} elements; this is no invoice", "元素超过 {limit} 个，不是发票"),
    "xml_tag_too_long": (
        "a tag is longer than {limit} characters; this is no invoice",
        "标签超过 {limit} 个字符，不是发票",
    ),
    "xml_unknown": (
        "the root element {name} is no invoice; upload the invoice's XML original",
        "根元素 {name} 不是发票，请上传发票 XML 原件",
    ),
    # its fields
    "element_missing": (
        "the element {name} is missing; get the original file again",
        "缺少元素 {name}，请重新获取原件",
    ),
    "element_repeated": (
        "the element {name} occurs more than once, so it is unclear which holds; get the original",
        "元素 {name} 重复出现，无法确定以哪个为准，请获取原件",
    ),
    "amount_unreadable": ("{name} is no amount in yuan and fen; check the file", "{name} 不是有效金额，请检查文件"),
    "rate_unreadable": (
        "{name} is no tax rate: a share such as 0.13, a percentage such as 13%, 免税, 不征税 or ***",
        "{name} 不是有效税率：应为 0.13、13%、免税、不征税或 ***",
    ),
    "date_unreadable": ("{name} is no date; check the file", "{name} 不是有效日期，请检查文件"),
    "nature_unreadable": ("{name} is 0 normal, 1 discount or 2 discounted", "{name} 只能是 0 正常、1 折扣、2 被折扣"),
    "number_differs": (
        "EIid and InvoiceNumber name different invoices; get the original file again",
        "EIid 与 InvoiceNumber 不一致，请重新获取原件",
    ),
    "kind_unreadable": (
        "{name} is neither ordinary (02) nor special (01)",
        "{name} 既不是普通发票（02）也不是专用发票（01）",
    ),
    "colour_differs": (
        "the file is labelled {given}, its amounts say otherwise; get the original file again",
        "文件标记为{given_zh}，与金额符号不符，请重新获取原件",
    ),
    # read all the same
    "kind_assumed": (
        "the file does not say whether ordinary or special; read as ordinary",
        "文件未注明普通或专用，按普通发票读取",
    ),
    "rate_mark_assumed": (
        "the rate is printed as *** or blank; read as {mark}, correct it if meant otherwise",
        "税率为 *** 或空白，按 {mark} 读取，如有不符请更正",
    ),
    "number_in_our_space": (
        "a number with first digit 9 belongs to this ledger; look it up here, a file proves nothing of it",
        "首位为 9 的号码属于本账本，请直接在本账本查询，文件本身不能作为证明",
    ),
    "decimal_rounded": (
        "{given} has more than 13 decimals; rounded to 13",
        "{given} 的小数超过 13 位，已四舍五入到 13 位",
    ),
    "tax_code_masked": ("the tax classification code is masked; left out", "税收分类编码已脱敏，未采用"),
    "qr_checksum": (
        "the check figures do not fit: altered text, or an older program; compare with the invoice",
        "校验码与内容不符：内容可能被改动，或由旧程序生成，请与发票核对",
    ),
    # QR texts
    "qr_unknown": (
        "not the text of an invoice QR code: it starts with 01, or is a verification address",
        "不是发票二维码内容：应以 01, 开头，或为查验网址",
    ),
    "qr_number_alone": (
        "a number alone says neither amount nor date; scan the whole code, or type the invoice in",
        "仅有发票号码，没有金额和日期，请扫描完整二维码，或手工录入",
    ),
    "qr_fields": (
        "has {count} parts, an invoice QR code has 6 to 8 between commas; scan again",
        "共 {count} 段，发票二维码应有 6 到 8 段，请重新扫描",
    ),
    "qr_kind": ("the invoice kind is two digits; scan again", "发票种类应为两位数字，请重新扫描"),
    "qr_number": ("code and number have another form; scan again", "发票代码或号码格式不符，请重新扫描"),
    "qr_amount": ("no amount in yuan and fen; scan again", "金额格式不符，请重新扫描"),
    "qr_date": ("no date of the form yyyymmdd; scan again", "日期应为 yyyymmdd，请重新扫描"),
    "qr_check_code": ("a check code has at most 20 digits; scan again", "校验码最多 20 位数字，请重新扫描"),
    "qr_trailer": (
        "the last part is 4 check figures or a 66-digit hash; scan again",
        "末段应为 4 位校验码或 66 位哈希，请重新扫描",
    ),
    "qr_parameter": (
        "the address needs {name} once, in its usual form; scan again",
        "网址中 {name} 须出现一次且格式正确，请重新扫描",
    ),
    # typed in
    "typed_number": (
        "write the 20-digit number, or the 12- or 10-digit code and the 8-digit number as printed",
        "请按票面填写 20 位号码，或 12、10 位代码加 8 位号码",
    ),
    "typed_twice": (
        "give {name} in yuan or {name}_fen in fen, not both",
        "{name}（元）与 {name}_fen（分）只能填写其一",
    ),
    "typed_amount_missing": (
        "give the total with tax (gross) or without (net), as printed",
        "请按票面填写价税合计（gross）或金额（net）",
    ),
    "typed_tax": (
        "tax {tax} on {net} is no tax of any rate there has been; check both for misread or swapped figures",
        "金额 {net} 的税额 {tax} 不符合任何税率，请检查是否看错或写反",
    ),
    # issuing again
    "draft_unavailable": (
        "a QR code holds no lines and no parties; upload the invoice's XML to make a draft of it",
        "二维码不含项目和购销方信息，请上传发票 XML 以生成草稿",
    ),
    **IMAGE_TEXTS,
    **OFD_TEXTS,
    **SHEET_TEXTS,
}


def format_problem(path: str, code: str, **values: object) -> FieldProblem:
    """The problem `code` at `path`, its texts filled with `values`."""
    english, chinese = FORMAT_TEXTS[code]
    return FieldProblem(path, code, english.format(**values), chinese.format(**values))


class FormatError(Exception):
    """Root of the errors of reading; `problems` holds every problem found."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        beyond = len(problems) - PROBLEMS_MAX
        more = (problem("", "more_problems", count=beyond),) if beyond > 0 else ()
        self.problems = (*problems[:PROBLEMS_MAX], *more)
        first = self.problems[0]
        others = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(f"{first.path or 'file'}: {first.message_en}{others}")


class FileRefusedError(FormatError):
    """The file as a whole is not read."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__([format_problem("", code, **values)])


class FieldsRefusedError(FormatError):
    """Fields of the file are missing, unreadable or contradict each other."""
