"""Flat invoice XML with Chinese element names: one 发票 element with the head's fields, no lines.

Such files come from export programs, not from the tax platform; they name the invoice and its totals.
"""

from __future__ import annotations

from lxml import etree

from ledger.domain.errors import FieldProblem, NumberError
from ledger.domain.numbers import format_number, join_number
from ledger.formats.errors import FieldsRefusedError, format_problem
from ledger.formats.originals import original_in_note
from ledger.formats.read_invoice import ReadInvoice, Source
from ledger.formats.reading import finish
from ledger.formats.xml_fields import leaf_texts, read_amount, read_date, read_tax, shown
from verifier.canonical import Json

FLAT_ROOT = "发票"

_AMOUNTS = (("net_fen", "合计金额"), ("tax_fen", "合计税额"), ("gross_fen", "价税合计"))
_TEXTS = {"gross_in_words": "价税合计大写", "note": "备注", "payee": "收款人", "checker": "复核", "drawer": "开票人"}
_PARTY_TEXTS = {
    "name": "名称",
    "tax_id": "纳税人识别号",
    "address": "地址",
    "phone": "电话",
    "bank": "开户行",
    "account": "银行账号",
}


def read_flat(root: etree._Element) -> ReadInvoice:
    """Invoice of a flat tree.

    Raises: FieldsRefusedError with every field that is missing, unreadable or contradicts another.
    """
    problems: list[FieldProblem] = []
    warnings: list[FieldProblem] = []
    texts = leaf_texts(root, "", problems)
    if problems:
        raise FieldsRefusedError(problems)
    values: dict[str, Json] = {key: texts.get(name, "") for key, name in _TEXTS.items()}
    for key, prefix in (("seller", "销售方"), ("buyer", "购买方")):
        values[key] = {field: texts.get(prefix + name, "") for field, name in _PARTY_TEXTS.items()}
    for key, name in _AMOUNTS:
        read = read_tax if key == "tax_fen" else read_amount
        values[key] = read(texts.get(name, ""), name, key, problems)
    values["number"] = _number(texts, problems)
    values["kind"] = _kind(texts.get("发票类型", "") or texts.get("发票种类", ""), warnings)
    issued = texts.get("开票日期", "")
    issued_on = read_date(issued)
    if issued_on is None:
        problems.append(format_problem("issued_on", "date_unreadable", name=f"开票日期 {shown(issued)!r}"))
    else:
        values["issued_on"] = issued_on
    gross_fen = values["gross_fen"]
    if isinstance(gross_fen, int) and gross_fen < 0:
        values["colour"] = "red"
        number = texts.get("被红冲蓝字发票号码", "") or texts.get("原发票号码", "")
        code = texts.get("被红冲蓝字发票代码", "") or texts.get("原发票代码", "")
        original: dict[str, Json] | None = (
            {"code": code, "number": number} if number else original_in_note(texts.get("备注", ""))
        )
        if original is not None:
            values["original"] = original
    return finish(Source.FLAT_XML, values, problems, warnings, texts.get("红字发票信息确认单编号", ""))


def _number(texts: dict[str, str], problems: list[FieldProblem]) -> str:
    code, printed = texts.get("发票代码", ""), texts.get("发票号码", "")
    if not printed:
        problems.append(format_problem("number", "element_missing", name="发票号码"))
        return ""
    try:
        return format_number(join_number(code, printed))
    except NumberError:
        return printed  # the domain names the right form


def _kind(name: str, warnings: list[FieldProblem]) -> str:
    if "专用" in name:
        return "special"
    if "普通" not in name:
        warnings.append(format_problem("kind", "kind_assumed"))
    return "ordinary"
