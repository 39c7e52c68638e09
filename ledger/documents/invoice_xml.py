"""An invoice as XML of the national electronic invoice: the EInvoice tree that `ledger.formats.read_xml` reads back.

Element names: docs/FORMATS.md. What the document does not hold is left out; nothing is claimed that only the tax
platform can say, so there is no bureau and no signature.
"""

from __future__ import annotations

from lxml import etree

from ledger.documents.errors import NotWritableError
from ledger.domain.decimals import format_yuan
from ledger.domain.invoice import RATE_BP_MAX, InvoiceColour, InvoiceDocument, InvoiceKind, Line, PartyDetails, RateMark

XML_SIZE_MAX = 4 << 20  # bytes; what the reader takes
STANDARD_VERSION = "0.32"  # of the accounting data standard whose tree this is

_KIND_LABELS = {InvoiceKind.SPECIAL: ("01", "增值税专用发票"), InvoiceKind.ORDINARY: ("02", "普通发票")}
_COLOUR_CODES = {InvoiceColour.BLUE: "Y", InvoiceColour.RED: "N"}
_MARKED_RATES = {
    RateMark.EXEMPT: "免税",
    RateMark.NOT_TAXABLE: "不征税",
    RateMark.ZERO: "零税率",
    RateMark.DIFFERENCE: "***",
}


def write_xml(document: InvoiceDocument, *, red_slip: str = "") -> bytes:
    """UTF-8 XML of a numbered invoice; the same document gives the same bytes.

    `red_slip` is the id of the red slip a red invoice stands on, "" when it needed none. `read_xml` gives the
    document back except for two things the tree has no place for: runs of blanks inside a text become one, and a
    line taxed on a difference keeps its tax and loses its rate.

    Raises: NotWritableError for a draft, and beyond XML_SIZE_MAX.
    """
    if document.is_draft or document.issued_on is None:
        raise NotWritableError("draft")
    root = etree.Element("EInvoice")
    _write_header(root, document)
    content = etree.SubElement(root, "EInvoiceData")
    _write_party(content, "Seller", document.seller)
    _write_party(content, "Buyer", document.buyer)
    _write_basic(content, document)
    for line in document.lines:
        _write_line(content, line)
    if document.colour is InvoiceColour.RED:
        _write_red(content, document, red_slip)
    _texts(etree.SubElement(content, "AdditionalInformation"), {"Remark": document.note})
    supervision = etree.SubElement(root, "TaxSupervisionInfo")
    _texts(supervision, {"InvoiceNumber": document.number, "IssueTime": document.issued_on.isoformat()})
    etree.indent(root)
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True) + b"\n"
    if len(data) > XML_SIZE_MAX:
        raise NotWritableError("xml_too_large", count=len(data), limit=XML_SIZE_MAX)
    return data


def _write_header(root: etree._Element, document: InvoiceDocument) -> None:
    header = etree.SubElement(root, "Header")
    _texts(header, {"EIid": document.number, "Version": STANDARD_VERSION})
    labels = etree.SubElement(header, "InherentLabel")
    kind_code, kind_name = _KIND_LABELS[document.kind]
    for tag, code, name in (
        ("InIssuType", _COLOUR_CODES[document.colour], "是否蓝字发票标志"),
        ("EInvoiceType", "01", "电子发票"),
        ("GeneralOrSpecialVAT", kind_code, kind_name),
    ):
        _texts(etree.SubElement(labels, tag), {"LabelCode": code, "LabelName": name})


def _write_party(content: etree._Element, prefix: str, party: PartyDetails) -> None:
    texts = {
        "IdNum": party.tax_id,
        "Name": party.name,
        "Addr": party.address,
        "TelNum": party.phone,
        "BankName": party.bank,
        "BankAccNum": party.account,
    }
    element = etree.SubElement(content, f"{prefix}Information")
    _texts(element, {prefix + name: text for name, text in texts.items()})


def _write_basic(content: etree._Element, document: InvoiceDocument) -> None:
    assert document.issued_on is not None
    _texts(
        etree.SubElement(content, "BasicInformation"),
        {
            "TotalAmWithoutTax": format_yuan(document.net_fen),
            "TotalTaxAm": format_yuan(document.tax_fen),
            "TotalTax-includedAmount": format_yuan(document.gross_fen),
            "TotalTax-includedAmountInChinese": document.gross_in_words,
            "Payee": document.payee,
            "Checker": document.checker,
            "Drawer": document.drawer,
            "RequestTime": document.issued_on.isoformat(),
        },
    )


def _write_line(content: etree._Element, line: Line) -> None:
    """One line. `LineNature` is always there: the reader guesses discounts of files that have none."""
    _texts(
        etree.SubElement(content, "IssuItemInformation"),
        {
            "ItemName": line.name,
            "SpecMod": line.specification,
            "MeaUnits": line.unit,
            "Quantity": line.quantity,
            "UnPrice": line.price,
            "Amount": format_yuan(line.net_fen),
            "TaxRate": _rate(line),
            "ComTaxAm": format_yuan(line.tax_fen),
            "TotaltaxIncludedAmount": format_yuan(line.net_fen + line.tax_fen),
            "TaxClassificationCode": line.tax_code,
            "LineNature": str(line.nature.value),
        },
    )


def _rate(line: Line) -> str:
    """Share of the net as a decimal, or the words of a mark; basis points have four places, so nothing is rounded."""
    if line.rate_mark is not RateMark.RATE:
        return _MARKED_RATES[line.rate_mark]
    whole, places = divmod(line.rate_bp, RATE_BP_MAX)
    return f"{whole}.{places:04d}".rstrip("0").rstrip(".")


def _write_red(content: etree._Element, document: InvoiceDocument, red_slip: str) -> None:
    """The blue invoice: a 20-digit number stands in the field named after the old code, as the platform writes it."""
    original = document.original
    assert original is not None, "a red document without its original is refused when it is parsed"
    texts = {"OriginalInvoiceCode": original.code or original.number, "CreditNoteNumber": red_slip}
    if original.code:
        texts["OriginalInvoiceNo"] = original.number
    _texts(etree.SubElement(content, "RedEInvoice"), texts)


def _texts(parent: etree._Element, texts: dict[str, str]) -> None:
    """Child elements of the texts that are there."""
    for tag, text in texts.items():
        if text:
            etree.SubElement(parent, tag).text = text
