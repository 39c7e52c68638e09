"""Invoice fields inside an OFD: the eInvoice XML of the 2019 layout, and the key fields in OFD.xml."""

from __future__ import annotations

import unicodedata

from lxml import etree

from ledger.domain.errors import FieldProblem, NumberError
from ledger.domain.invoice import LINES_MAX
from ledger.domain.numbers import PRINTED_DIGITS, format_number, join_number
from ledger.formats.errors import FieldsRefusedError, format_problem
from ledger.formats.national_xml import read_lines
from ledger.formats.originals import original_in_note
from ledger.formats.read_invoice import ReadInvoice, Source
from ledger.formats.reading import finish
from ledger.formats.xml_fields import (
    STARS,
    leaf_texts,
    local_name,
    read_amount,
    read_date,
    read_tax,
    shown,
    take_decimals,
    take_rate,
)
from verifier.canonical import Json

Values = dict[str, Json]
Problems = list[FieldProblem]

_AMOUNTS = (
    ("net_fen", "TaxExclusiveTotalAmount"),
    ("tax_fen", "TaxTotalAmount"),
    ("gross_fen", "TaxInclusiveTotalAmount"),
)
_TEXTS = {
    "gross_in_words": "TaxInclusiveTotalAmountWithWords",
    "note": "Note",
    "payee": "Payee",
    "checker": "Checker",
    "drawer": "InvoiceClerk",
}
_KEY_AMOUNTS = {
    "net_fen": ("合计金额", "金额合计"),
    "tax_fen": ("合计税额", "税额合计"),
    "gross_fen": ("价税合计", "价税合计(小写)", "价税合计（小写）"),
}
_KEY_TAX_IDS = ("纳税人识别号", "统一社会信用代码/纳税人识别号", "统一社会信用代码")
_KEY_KINDS = ("发票类型", "发票种类", "发票名称", "模板编号")
_KEY_TEXTS = {
    "gross_in_words": ("价税合计大写", "价税合计(大写)", "价税合计（大写）"),
    "note": ("备注",),
    "drawer": ("开票人",),
}
_SPECIAL_CODE_KINDS = ("13",)
_ORDINARY_CODE_KINDS = ("04", "06", "07", "11", "12")


def read_layout_2019(root: etree._Element, kind_label: str) -> ReadInvoice:
    """Invoice of the eInvoice tree of the 2019 layout. `kind_label` what OFD.xml calls the kind, "" when silent.

    Raises: FieldsRefusedError with every field that is missing, unreadable or contradicts another.
    """
    problems: Problems = []
    warnings: Problems = []
    texts = leaf_texts(root, "", problems)
    parties = {name: _children(root, name, problems) for name in ("Seller", "Buyer")}
    groups = [element for element in root if local_name(element) == "GoodsInfos"]
    if len(groups) > 1:
        problems.append(format_problem("", "element_repeated", name="GoodsInfos"))
    if problems:
        raise FieldsRefusedError(problems)
    code, printed = texts.get("InvoiceCode", ""), texts.get("InvoiceNo", "")
    values: Values = {key: texts.get(name, "") for key, name in _TEXTS.items()}
    values["number"] = _number(code, printed)
    values["kind"] = _kind(code, kind_label, warnings)
    values["seller"], values["buyer"] = _party(parties["Seller"], "Seller"), _party(parties["Buyer"], "Buyer")
    for key, name in _AMOUNTS:
        read = read_tax if key == "tax_fen" else read_amount
        values[key] = read(texts.get(name, ""), name, key, problems)
    _set_date(values, texts.get("IssueDate", ""), "IssueDate", problems)
    _set_colour(values, texts.get("OriginalInvoiceCode", ""), texts.get("OriginalInvoiceNo", ""))
    elements = [one for group in groups for one in group if local_name(one) == "GoodsInfo"][: LINES_MAX + 1]
    values["lines"] = read_lines(elements, _line, problems, warnings, red=values.get("colour") == "red")
    return finish(Source.OFD, values, problems, warnings, "")


def read_key_fields(fields: dict[str, str]) -> ReadInvoice:
    """Invoice of the key fields in OFD.xml, without lines. Of net, tax and gross one may be missing.

    Raises: FieldsRefusedError with every field that is missing, unreadable or contradicts another.
    """
    problems: Problems = []
    warnings: Problems = []
    code, printed = fields.get("发票代码", ""), fields.get("发票号码", "")
    if not printed:
        problems.append(format_problem("number", "element_missing", name="发票号码"))
    values: Values = {key: _first(fields, names) for key, names in _KEY_TEXTS.items()}
    values["number"] = _number(code, printed)
    values["kind"] = _kind(code, kind_label(fields), warnings)
    for key, side in (("seller", "销售方"), ("buyer", "购买方")):
        values[key] = {
            "name": fields.get(f"{side}名称", ""),
            "tax_id": _first(fields, tuple(side + name for name in _KEY_TAX_IDS)),
        }
    _set_key_amounts(values, fields, problems)
    _set_date(values, fields.get("开票日期", ""), "开票日期", problems)
    _set_colour(values, fields.get("原发票代码", ""), _first(fields, ("原发票号码", "被红冲蓝字发票号码")))
    return finish(Source.OFD_KEY_FIELDS, values, problems, warnings, fields.get("红字发票信息确认单编号", ""))


def check_against_key_fields(invoice: ReadInvoice, fields: dict[str, str]) -> None:
    """Accept an invoice whose XML says the same as the key fields beside it, where these say anything.

    Raises: FieldsRefusedError naming every field that differs.
    """
    document = invoice.document
    assert document is not None  # XML always gives one
    amounts = {"net_fen": document.net_fen, "tax_fen": document.tax_fen, "gross_fen": document.gross_fen}
    code, printed = fields.get("发票代码", ""), fields.get("发票号码", "")
    whole = _number(code, printed) if code else printed
    issued_on = document.issued_on.isoformat() if document.issued_on else ""
    pairs = [
        (
            "number",
            "发票号码",
            whole,
            invoice.number if code or len(printed) > PRINTED_DIGITS else invoice.printed_number,
        ),
        ("issued_on", "开票日期", read_date(fields.get("开票日期", "")) or "", issued_on),
        ("seller.name", "销售方名称", fields.get("销售方名称", ""), document.seller.name),
        ("buyer.name", "购买方名称", fields.get("购买方名称", ""), document.buyer.name),
        ("seller.tax_id", "销售方纳税人识别号", _tax_id(fields, "销售方"), document.seller.tax_id),
        ("buyer.tax_id", "购买方纳税人识别号", _tax_id(fields, "购买方"), document.buyer.tax_id),
    ]
    problems: Problems = []
    for key, names in _KEY_AMOUNTS.items():
        text = _first(fields, names)
        if text and read_amount(_plain_amount(text), names[0], key, problems) != amounts[key]:
            pairs.append((key, names[0], text, ""))
    differing = [(path, name) for path, name, said, meant in pairs if _plain(said) not in ("", _plain(meant))]
    if problems or differing:
        raise FieldsRefusedError(
            [*problems, *(format_problem(path, "ofd_fields_differ", name=name) for path, name in differing)]
        )


def kind_label(fields: dict[str, str]) -> str:
    """What the key fields call the kind of invoice, "" when they do not say."""
    return _first(fields, _KEY_KINDS)


def _children(root: etree._Element, name: str, problems: Problems) -> dict[str, str]:
    found = [element for element in root if local_name(element) == name]
    if len(found) != 1:
        problems.append(format_problem("", "element_repeated" if found else "element_missing", name=name))
        return {}
    return leaf_texts(found[0], "", problems)


def _party(texts: dict[str, str], prefix: str) -> Values:
    names = {"name": "Name", "tax_id": "TaxID", "address": "AddrTel", "bank": "FinancialAccount"}
    return {key: texts.get(prefix + name, "") for key, name in names.items()}


def _number(code: str, printed: str) -> str:
    try:
        return format_number(join_number(code, printed))
    except NumberError:
        return code + printed  # the domain names the right form


def _kind(code: str, label: str, warnings: Problems) -> str:
    if "专用" in label:
        return "special"
    if "普通" in label:
        return "ordinary"
    if len(code) == 12 and code.startswith("0"):
        if code[-2:] in _SPECIAL_CODE_KINDS:
            return "special"
        if code[-2:] in _ORDINARY_CODE_KINDS:
            return "ordinary"
    warnings.append(format_problem("kind", "kind_assumed"))
    return "ordinary"


def _set_date(values: Values, text: str, name: str, problems: Problems) -> None:
    issued_on = read_date(text)
    if issued_on is None:
        problems.append(format_problem("issued_on", "date_unreadable", name=f"{name} {shown(text)!r}"))
    else:
        values["issued_on"] = issued_on


def _set_colour(values: Values, code: str, number: str) -> None:
    gross_fen = values["gross_fen"]
    if not isinstance(gross_fen, int) or gross_fen >= 0:
        return
    values["colour"] = "red"
    original: dict[str, Json] | None = (
        {"code": code, "number": number} if number else original_in_note(str(values.get("note", "")))
    )
    if original is not None:
        values["original"] = original


def _set_key_amounts(values: Values, fields: dict[str, str], problems: Problems) -> None:
    given = {key: _first(fields, names) for key, names in _KEY_AMOUNTS.items()}
    missing = [key for key, text in given.items() if not text]
    amounts = {
        key: read_amount(_plain_amount(text), _KEY_AMOUNTS[key][0], key, problems)
        for key, text in given.items()
        if text or len(missing) > 1
    }
    if len(missing) == 1:
        net, tax, gross = (amounts.get(key, 0) for key in _KEY_AMOUNTS)
        amounts[missing[0]] = {"net_fen": gross - tax, "tax_fen": gross - net, "gross_fen": net + tax}[missing[0]]
    values.update(amounts)


def _line(texts: dict[str, str], path: str, problems: Problems, warnings: Problems) -> Values:
    tax_fen = read_tax(texts.get("TaxAmount", ""), "TaxAmount", f"{path}.tax_fen", problems)
    line: Values = {
        "name": texts.get("Item", ""),
        "tax_code": texts.get("Code", ""),
        "specification": texts.get("Specification", ""),
        "unit": texts.get("MeasurementDimension", ""),
        "net_fen": read_amount(texts.get("Amount", ""), "Amount", f"{path}.net_fen", problems),
        "tax_fen": tax_fen,
    }
    take_decimals(line, {"quantity": texts.get("Quantity", ""), "price": texts.get("Price", "")}, path, warnings)
    take_rate(line, texts.get("TaxScheme", ""), "TaxScheme", path, problems, warnings)
    return line


def _tax_id(fields: dict[str, str], side: str) -> str:
    return _first(fields, tuple(side + name for name in _KEY_TAX_IDS))


def _first(fields: dict[str, str], names: tuple[str, ...]) -> str:
    return next((fields[name] for name in names if fields.get(name)), "")


def _plain(text: str) -> str:
    """A text for comparing: one program writes （） and the next (), one with a blank and the next without."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def _plain_amount(text: str) -> str:
    """An amount as it is printed; stars are nothing."""
    return "0" if text == STARS else text
