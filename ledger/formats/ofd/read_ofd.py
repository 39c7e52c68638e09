"""An OFD invoice from bytes to a read invoice with the verdict on its signature."""

from __future__ import annotations

import re
from dataclasses import replace

from lxml import etree

from ledger.formats.errors import FieldsRefusedError, FileRefusedError
from ledger.formats.national_xml import NATIONAL_ROOT, read_xml
from ledger.formats.ofd.archive import Archive, open_archive
from ledger.formats.ofd.coverage import invoice_values
from ledger.formats.ofd.fields import check_against_key_fields, kind_label, read_key_fields, read_layout_2019
from ledger.formats.ofd.layout import Layout, read_layout
from ledger.formats.ofd.signature import check_signatures
from ledger.formats.ofd.verdict import NationalSignature, SignatureVerdict
from ledger.formats.read_invoice import ReadInvoice, Source
from ledger.formats.xml_fields import local_name
from ledger.formats.xml_tree import decode_xml, parse_xml

LAYOUT_2019_ROOT = "eInvoice"
TREES_MAX = 8  # files that may be the invoice and are looked into; real ones have one, and tags that point at pages

_ROOT = re.compile(r"<(?:[\w.-]{1,40}:)?e-?invoice[\s/>]", re.IGNORECASE)
_NUMBERS = frozenset({"InvoiceNo", "InvoiceNumber", "EIid"})


def read_ofd(data: bytes) -> ReadInvoice:
    """Invoice of OFD bytes, with the verdict on its national signature.

    The content comes from the one invoice XML inside, or, where there is none, from the key fields in OFD.xml; where
    there are both they must agree. Altered files are read all the same: `ReadInvoice.strength` refuses them.

    Raises: FileRefusedError when the archive is unsafe, broken or no invoice; FieldsRefusedError with every field that
    is missing, unreadable or contradicts another, after the alteration where the signature shows one.
    """
    layout = read_layout(open_archive(data))
    try:
        invoice = _read_invoice(layout)
    except FieldsRefusedError as err:
        signature = check_signatures(layout, ())
        if signature.verdict is SignatureVerdict.ALTERED:
            raise FieldsRefusedError([signature.reason, *err.problems]) from err
        raise
    signature = check_signatures(layout, invoice_values(invoice))
    silent = signature.verdict in (SignatureVerdict.SIGNED_INTACT, SignatureVerdict.UNSIGNED)
    warnings = invoice.warnings if silent else (signature.reason, *invoice.warnings)
    return replace(invoice, signature=signature, warnings=warnings)


def check_ofd_signature(data: bytes) -> NationalSignature:
    """Verdict on the national signature of OFD bytes, whether or not its fields can be read.

    Raises: FileRefusedError when the archive is unsafe or broken; FieldsRefusedError when its key fields contradict
    each other.
    """
    layout = read_layout(open_archive(data))
    try:
        values = invoice_values(_read_invoice(layout))
    except FieldsRefusedError:
        values = frozenset()
    return check_signatures(layout, values)


def _read_invoice(layout: Layout) -> ReadInvoice:
    found = _invoice_trees(layout.archive)
    if len(found) > 1:
        raise FileRefusedError("ofd_invoices", count=len(found))
    if not found:
        if not layout.fields.get("发票号码"):
            raise FileRefusedError("ofd_no_invoice")
        return read_key_fields(layout.fields)
    (name, root), *_ = found
    if local_name(root) == NATIONAL_ROOT:
        invoice = replace(read_xml(layout.archive.files[name]), source=Source.OFD)
    else:
        invoice = read_layout_2019(root, kind_label(layout.fields))
    check_against_key_fields(invoice, layout.fields)
    return invoice


def _invoice_trees(archive: Archive) -> list[tuple[str, etree._Element]]:
    """Invoice XML by file name. Tags that only point at texts of the pages carry the same root, but no number."""
    found = []
    candidates = 0
    for name, content in archive.files.items():
        if not name.casefold().endswith(".xml") or not _ROOT.search(decode_xml(content)):
            continue
        candidates += 1
        if candidates > TREES_MAX:
            raise FileRefusedError("ofd_invoices", count=candidates)
        root = parse_xml(content)
        if local_name(root) not in (LAYOUT_2019_ROOT, NATIONAL_ROOT):
            continue
        if any(local_name(one) in _NUMBERS and (one.text or "").strip() for one in root.iter()):
            found.append((name, root))
    return found
