"""Columns of a sheet of invoices to be issued, by their Chinese and English names, and the words in their cells.

One row is one line of an invoice. Rows below each other with the same reference are one invoice; the fields of its
head stand in its first row. docs/FORMATS.md lists the columns.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from ledger.domain.invoice import InvoiceKind, LineNature, RateMark

REFERENCE_LENGTH_MAX = 64  # characters of an own reference and of an external id


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` in code, `zh` and `en` as the template names it, `others` read as the same column.

    `path` is where its value stands in a draft: `buyer.name`, or a field of the line; "" for what stays outside of
    the draft. `of_head` columns hold for the whole invoice.
    """

    key: str
    zh: str
    en: str
    path: str = ""
    of_head: bool = False
    others: tuple[str, ...] = ()
    hint_zh: str = ""
    hint_en: str = ""


COLUMNS: tuple[Column, ...] = (
    Column(
        "reference",
        "单据编号",
        "reference",
        "",
        True,
        ("发票流水号", "单据号"),
        "同一发票的各行填写相同编号并相邻",
        "the same for all lines of one invoice, which follow each other",
    ),
    Column(
        "external_id",
        "外部单号",
        "external_id",
        "",
        True,
        ("ERP单号", "erp id", "external id"),
        "ERP 系统的单号，可用于查询",
        "the ERP's own id, by which the invoice can be found",
    ),
    Column(
        "kind",
        "发票种类",
        "kind",
        "kind",
        True,
        ("发票类型",),
        "普通 或 专用；留空为普通",
        "ordinary or special; blank is ordinary",
    ),
    Column(
        "buyer_name",
        "购买方名称",
        "buyer_name",
        "buyer.name",
        True,
        ("购方名称", "buyer name", "buyer"),
        "必填",
        "required",
    ),
    Column(
        "buyer_tax_id",
        "购买方税号",
        "buyer_tax_id",
        "buyer.tax_id",
        True,
        ("购买方纳税人识别号", "购方税号", "购买方统一社会信用代码/纳税人识别号", "buyer tax id"),
        "个人可留空；专用发票必填",
        "blank for a person; required on special invoices",
    ),
    Column("buyer_address", "购买方地址", "buyer_address", "buyer.address", True, ("购方地址",)),
    Column("buyer_phone", "购买方电话", "buyer_phone", "buyer.phone", True, ("购方电话",)),
    Column("buyer_bank", "购买方开户行", "buyer_bank", "buyer.bank", True, ("购买方开户银行", "购方开户行")),
    Column("buyer_account", "购买方银行账号", "buyer_account", "buyer.account", True, ("购方银行账号",)),
    Column(
        "name",
        "项目名称",
        "name",
        "name",
        False,
        ("货物或应税劳务名称", "商品名称", "item", "line_name"),
        "必填，例如 *餐饮服务*餐费",
        "required, such as *餐饮服务*餐费",
    ),
    Column(
        "tax_code",
        "税收分类编码",
        "tax_code",
        "tax_code",
        False,
        ("商品和服务税收编码", "税收编码", "tax code"),
        "19 位数字，可留空",
        "19 digits; may be blank",
    ),
    Column("specification", "规格型号", "specification", "specification", False, ("规格",)),
    Column("unit", "单位", "unit", "unit", False, ("计量单位",)),
    Column("quantity", "数量", "quantity", "quantity", False, (), "小数点后最多 13 位", "at most 13 decimals"),
    Column(
        "price",
        "单价",
        "price",
        "price",
        False,
        ("不含税单价",),
        "不含税，小数点后最多 13 位",
        "without tax, at most 13 decimals",
    ),
    Column(
        "net",
        "金额",
        "net",
        "net_fen",
        False,
        ("不含税金额", "net amount", "amount"),
        "不含税，元；金额、含税金额、数量和单价三者填其一",
        "yuan without tax; this, gross, or quantity and price",
    ),
    Column(
        "rate",
        "税率",
        "rate",
        "rate_bp",
        False,
        ("税率/征收率", "tax rate"),
        "13%、0.13、免税、不征税 或 零税率",
        "13%, 0.13, 免税, 不征税 or 零税率",
    ),
    Column(
        "rate_mark",
        "税率标识",
        "rate_mark",
        "rate_mark",
        False,
        ("优惠政策标识", "零税率标识", "rate mark"),
        "免税、不征税、零税率 或 差额；一般留空",
        "exempt, not_taxable, zero or difference; mostly blank",
    ),
    Column(
        "tax",
        "税额",
        "tax",
        "tax_fen",
        False,
        ("tax amount",),
        "元；留空时按税率计算，差额征税必填",
        "yuan; computed when blank; required for difference",
    ),
    Column(
        "gross",
        "含税金额",
        "gross",
        "gross_fen",
        False,
        ("价税合计", "gross amount"),
        "元；可代替金额",
        "yuan with tax; instead of net",
    ),
    Column(
        "nature",
        "行性质",
        "nature",
        "nature",
        False,
        ("发票行性质", "line nature"),
        "正常、被折扣 或 折扣；留空时负数行作为上一行的折扣",
        "normal, discounted or discount; blank: a negative line discounts the one before",
    ),
    Column("note", "备注", "note", "note", True, ("remark",)),
    Column("payee", "收款人", "payee", "payee", True),
    Column("checker", "复核人", "checker", "checker", True, ("复核",)),
    Column("drawer", "开票人", "drawer", "drawer", True),
)
EXPORT_COLUMNS: tuple[Column, ...] = (
    Column("tax_inclusive", "是否含税", "tax_inclusive", "", True, ("含税标志", "含税标识", "是否含税价")),
    Column("gross_price", "含税单价", "gross_price", "", False, ("gross price",)),
)
"""Columns of other programs' exports, read but in no template: without them net would be taken for gross."""
BY_KEY = {column.key: column for column in (*COLUMNS, *EXPORT_COLUMNS)}
REQUIRED_KEYS = ("buyer_name", "name", "rate")
AMOUNT_KEYS = ("net", "gross", "price", "gross_price")

KIND_WORDS = {
    "普通": InvoiceKind.ORDINARY,
    "普票": InvoiceKind.ORDINARY,
    "普通发票": InvoiceKind.ORDINARY,
    "ordinary": InvoiceKind.ORDINARY,
    "专用": InvoiceKind.SPECIAL,
    "专票": InvoiceKind.SPECIAL,
    "增值税专用发票": InvoiceKind.SPECIAL,
    "special": InvoiceKind.SPECIAL,
}
MARK_WORDS = {
    "正常": RateMark.RATE,
    "rate": RateMark.RATE,
    "免税": RateMark.EXEMPT,
    "exempt": RateMark.EXEMPT,
    "不征税": RateMark.NOT_TAXABLE,
    "not_taxable": RateMark.NOT_TAXABLE,
    "零税率": RateMark.ZERO,
    "zero": RateMark.ZERO,
    "差额": RateMark.DIFFERENCE,
    "差额征税": RateMark.DIFFERENCE,
    "difference": RateMark.DIFFERENCE,
}
NATURE_WORDS = {
    "正常": LineNature.NORMAL,
    "正常行": LineNature.NORMAL,
    "normal": LineNature.NORMAL,
    "0": LineNature.NORMAL,
    "折扣": LineNature.DISCOUNT,
    "折扣行": LineNature.DISCOUNT,
    "discount": LineNature.DISCOUNT,
    "1": LineNature.DISCOUNT,
    "被折扣": LineNature.DISCOUNTED,
    "被折扣行": LineNature.DISCOUNTED,
    "discounted": LineNature.DISCOUNTED,
    "2": LineNature.DISCOUNTED,
}


INCLUSIVE_WORDS = {
    "是": True,
    "含税": True,
    "y": True,
    "yes": True,
    "1": True,
    "true": True,
    "否": False,
    "不含税": False,
    "n": False,
    "no": False,
    "0": False,
    "false": False,
}
TOTAL_WORDS = frozenset({"合计", "总计", "小计", "本页合计", "total", "sum"})
_WITH_TAX = {"net": "gross", "price": "gross_price"}
_WITHOUT_TAX = {"gross": "net", "gross_price": "price"}
_OTHER_UNITS = ("万", "千", "百", "分", "美", "港", "欧", "外币", "$", "usd", "hkd", "eur")
_UNTAKEN_NAMES = frozenset({"折扣金额", "折扣额", "折扣率", "折扣", "折扣税额", "优惠金额", "扣除额", "差额扣除额"})


def plain_name(text: str) -> str:
    """A column name or word without what people vary: width, case, blanks, a star, what stands in brackets."""
    name = unicodedata.normalize("NFKC", text).casefold()
    before, bracket, _ = name.partition("(")
    return "".join((before if bracket and before.strip() else name).replace("*", "").split())


_BY_NAME = {plain_name(name): column for column in BY_KEY.values() for name in (column.zh, column.en, *column.others)}


def column_named(text: str) -> Column | None:
    """The column of a name in the head of a sheet; None for a name of something else.

    What stands in brackets after an amount decides: 金额（含税） is the gross, 金额（万元） is no column that is read.
    """
    column = _BY_NAME.get(plain_name(text))
    if column is None or column.key not in (*AMOUNT_KEYS, "tax"):
        return column
    _, _, said = unicodedata.normalize("NFKC", text).casefold().partition("(")
    if any(unit in said for unit in _OTHER_UNITS):
        return None
    if "不含税" in said:
        return BY_KEY[_WITHOUT_TAX.get(column.key, column.key)]
    return BY_KEY[_WITH_TAX.get(column.key, column.key)] if "含税" in said else column


def is_untaken(text: str) -> bool:
    """Whether a column changes what the others mean and is not read: it must be empty."""
    return plain_name(text) in _UNTAKEN_NAMES
