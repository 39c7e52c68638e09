"""XML of the national electronic invoice (数电票): the EInvoice tree of the accounting data standard.

Element names: docs/FORMATS.md. Containers are looked for by local name anywhere below the root, because the
versions 0.2 to 0.32 of the standard nest them differently; each container and each of its fields may occur once.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from lxml import etree

from ledger.domain.errors import FieldProblem
from ledger.domain.invoice import LINES_MAX
from ledger.formats.errors import FieldsRefusedError, FileRefusedError, format_problem
from ledger.formats.flat_xml import FLAT_ROOT, read_flat
from ledger.formats.originals import original_in_note
from ledger.formats.read_invoice import ReadInvoice, Source
from ledger.formats.reading import finish
from ledger.formats.xml_fields import (
    leaf_texts,
    local_name,
    read_amount,
    read_date,
    read_tax,
    shown,
    take_decimals,
    take_rate,
)
from ledger.formats.xml_tree import parse_xml
from verifier.canonical import Json

NATIONAL_ROOT = "EInvoice"
LINE_TAG = "IssuItemInformation"
RED_TAG = "RedEInvoice"
MASKED_TAX_CODE = "0" * 19

_REQUIRED = ("SellerInformation", "BuyerInformation", "BasicInformation")
_CONTAINERS = (
    *_REQUIRED,
    "Header",
    "AdditionalInformation",
    "TaxSupervisionInfo",
    RED_TAG,
    "InIssuType",
    "GeneralOrSpecialVAT",
)
_KIND_LABELS = {"01": "special", "02": "ordinary"}
_COLOUR_LABELS = {"Y": "blue", "N": "red"}

Values = dict[str, Json]
LineReader = Callable[[dict[str, str], str, list[FieldProblem], list[FieldProblem]], Values]
"""(texts by element name, path, problems, warnings): values of one line."""


def read_xml(data: bytes) -> ReadInvoice:
    """Invoice of XML bytes: the national EInvoice tree, or the flat tree with Chinese names.

    Raises: FileRefusedError when the file is unsafe or no invoice XML; FieldsRefusedError with every field that is
    missing, unreadable or contradicts another. Wrong tax ids and codes are warnings.
    """
    root = parse_xml(data)
    name = local_name(root)
    if name == FLAT_ROOT:
        return read_flat(root)
    if name != NATIONAL_ROOT:
        raise FileRefusedError("xml_unknown", name=shown(name))
    return _read_national(root)


def _read_national(root: etree._Element) -> ReadInvoice:
    problems: list[FieldProblem] = []
    warnings: list[FieldProblem] = []
    containers, line_elements = _containers(root, problems)
    if problems:
        raise FieldsRefusedError(problems)
    basic = containers["BasicInformation"]
    values: Values = {
        "number": _number(containers, problems),
        "kind": _kind(containers["GeneralOrSpecialVAT"], problems, warnings),
        "seller": _party(containers["SellerInformation"], "Seller"),
        "buyer": _party(containers["BuyerInformation"], "Buyer"),
        "gross_in_words": basic.get("TotalTax-includedAmountInChinese", ""),
        "payee": basic.get("Payee", ""),
        "checker": basic.get("Checker", ""),
        "drawer": basic.get("Drawer", ""),
        "note": containers["AdditionalInformation"].get("Remark", "") or basic.get("Remark", ""),
    }
    for key, name, read in (
        ("net_fen", "TotalAmWithoutTax", read_amount),
        ("tax_fen", "TotalTaxAm", read_tax),
        ("gross_fen", "TotalTax-includedAmount", read_amount),
    ):
        values[key] = read(basic.get(name, ""), name, key, problems)
    issued = containers["TaxSupervisionInfo"].get("IssueTime", "") or basic.get("RequestTime", "")
    issued_on = read_date(issued)
    if issued_on is None:
        problems.append(format_problem("issued_on", "date_unreadable", name=f"IssueTime {shown(issued)!r}"))
    else:
        values["issued_on"] = issued_on
    red_slip = _read_colour(containers, values, problems)
    values["lines"] = read_lines(line_elements, _line, problems, warnings, red=values.get("colour") == "red")
    return finish(Source.NATIONAL_XML, values, problems, warnings, red_slip)


def _containers(
    root: etree._Element, problems: list[FieldProblem]
) -> tuple[dict[str, dict[str, str]], list[etree._Element]]:
    found: dict[str, dict[str, str]] = {}
    lines = []
    for element in root.iter():
        name = local_name(element)
        if name == LINE_TAG:
            lines.append(element)
        elif name in _CONTAINERS:
            if name in found:
                problems.append(format_problem("", "element_repeated", name=name))
            found[name] = leaf_texts(element, "", problems)
    problems.extend(format_problem("", "element_missing", name=name) for name in _REQUIRED if name not in found)
    return {name: found.get(name, {}) for name in _CONTAINERS}, lines[: LINES_MAX + 1]


def _number(containers: dict[str, dict[str, str]], problems: list[FieldProblem]) -> str:
    issued, header = containers["TaxSupervisionInfo"].get("InvoiceNumber", ""), containers["Header"].get("EIid", "")
    if issued and header and issued != header:
        problems.append(format_problem("number", "number_differs"))
    if not issued and not header:
        problems.append(format_problem("number", "element_missing", name="InvoiceNumber"))
    return issued or header


def _kind(label: dict[str, str], problems: list[FieldProblem], warnings: list[FieldProblem]) -> str:
    code, name = label.get("LabelCode", ""), label.get("LabelName", "")
    if code in _KIND_LABELS:
        return _KIND_LABELS[code]
    if not code and "专用" in name:
        return "special"
    if code:
        problems.append(format_problem("kind", "kind_unreadable", name=f"GeneralOrSpecialVAT {shown(code)!r}"))
    elif "普通" not in name:
        warnings.append(format_problem("kind", "kind_assumed"))
    return "ordinary"


def _party(texts: dict[str, str], prefix: str) -> Values:
    names = {
        "name": "Name",
        "tax_id": "IdNum",
        "address": "Addr",
        "phone": "TelNum",
        "bank": "BankName",
        "account": "BankAccNum",
    }
    return {key: texts.get(prefix + name, "") for key, name in names.items()}


def _read_colour(containers: dict[str, dict[str, str]], values: Values, problems: list[FieldProblem]) -> str:
    """Set colour and original of a red invoice; the red slip's id, "" when there is none."""
    red_info = containers[RED_TAG]
    label = _COLOUR_LABELS.get(containers["InIssuType"].get("LabelCode", ""), "")
    gross_fen = values["gross_fen"]
    negative = isinstance(gross_fen, int) and gross_fen < 0
    if label and (label == "red") != negative:
        zh = {"red": "红字", "blue": "蓝字"}[label]
        problems.append(format_problem("colour", "colour_differs", given=label, given_zh=zh))
    if not negative:
        return ""
    values["colour"] = "red"
    code, number = red_info.get("OriginalInvoiceCode", ""), red_info.get("OriginalInvoiceNo", "")
    slip = red_info.get("CreditNoteNumber", "")
    if not number and len(code) == 20:  # the national number stands in the field named after the old code
        code, number = "", code
    elif not number and code and len(slip) == 8:
        number, slip = slip, ""
    original: dict[str, Json] | None = (
        {"code": code, "number": number} if number else original_in_note(str(values["note"]))
    )
    if original is not None:
        values["original"] = original
    return slip


def read_lines(
    elements: list[etree._Element],
    read: LineReader,
    problems: list[FieldProblem],
    warnings: list[FieldProblem],
    *,
    red: bool,
) -> list[Json]:
    """Lines of their elements, each read by `read`, with their natures: as given, or as their amounts say."""
    lines: list[Values] = []
    natures: list[str] = []
    for index, element in enumerate(elements):
        path = f"lines.{index}"
        texts = leaf_texts(element, path, problems)
        lines.append(read(texts, path, problems, warnings))
        natures.append(texts.get("LineNature", ""))
    if any(natures):
        take_natures(lines, natures, problems)
    else:
        infer_natures(lines, red=red)
    return list(lines)


def _line(texts: dict[str, str], path: str, problems: list[FieldProblem], warnings: list[FieldProblem]) -> Values:
    tax_fen = read_tax(texts.get("ComTaxAm", ""), "ComTaxAm", f"{path}.tax_fen", problems)
    tax_code = texts.get("TaxClassificationCode", "")
    if tax_code == MASKED_TAX_CODE:
        warnings.append(format_problem(f"{path}.tax_code", "tax_code_masked"))
        tax_code = ""
    line: Values = {
        "name": texts.get("ItemName", ""),
        "tax_code": tax_code,
        "specification": texts.get("SpecMod", ""),
        "unit": texts.get("MeaUnits", ""),
        "net_fen": read_amount(texts.get("Amount", ""), "Amount", f"{path}.net_fen", problems),
        "tax_fen": tax_fen,
    }
    take_decimals(line, {"quantity": texts.get("Quantity", ""), "price": texts.get("UnPrice", "")}, path, warnings)
    take_rate(line, texts.get("TaxRate", ""), "TaxRate", path, problems, warnings)
    return line


def take_natures(lines: list[Values], natures: list[str], problems: list[FieldProblem]) -> None:
    """Set each line's nature from the file's digits; blank is 0."""
    for index, (line, nature) in enumerate(zip(lines, natures, strict=True)):
        if nature not in ("", "0", "1", "2", "00", "01", "02"):
            name = f"LineNature {shown(nature)!r}"
            problems.append(format_problem(f"lines.{index}.nature", "nature_unreadable", name=name))
        else:
            line["nature"] = int(nature or "0")


def infer_natures(lines: list[Values], *, red: bool) -> None:
    """Mark discounts where the file does not: a line of the other sign right after one it can be taken from."""
    sign = -1 if red else 1
    for before, line in pairwise(lines):
        amount, discounted = line["net_fen"], before["net_fen"]
        if not isinstance(amount, int) or not isinstance(discounted, int) or before.get("nature"):
            continue
        if amount * sign < 0 < discounted * sign:
            before["nature"], line["nature"] = 2, 1
