"""PDF invoices: the XML original inside where there is one, the QR code on the first pages otherwise."""

from __future__ import annotations

import base64
from dataclasses import replace

from ledger.domain.errors import FieldProblem
from ledger.formats.errors import FileRefusedError, format_problem
from ledger.formats.image_codes import choose_code, contradicts, same_number
from ledger.formats.image_process import scan
from ledger.formats.national_xml import read_xml
from ledger.formats.read_invoice import ReadInvoice, Source
from ledger.formats.xml_tree import XML_SIZE_MAX

PDF_SIZE_MAX = 16 << 20  # bytes; invoices take 30 KB to 2 MB, scans of paper more
PAGES_MAX = 4  # looked at; the code stands on an invoice's first page, its list of lines follows
PAGE_PIXELS_MAX = 16_000_000  # a page is drawn with; A4 at 400 dots an inch
ATTACHMENTS_MAX = 4  # looked at; an invoice PDF holds one
_KIND = "PDF"


def read_pdf(data: bytes) -> ReadInvoice:
    """Invoice of a PDF: `Source.PDF_XML` with its whole document, or `Source.PDF_QR` with what its QR code says.

    Raises: FileRefusedError when the file is too large, needs a password, is damaged, costs too much, shows neither
    XML nor an invoice code, or two invoices; FieldsRefusedError when the XML or the code contradicts itself.
    """
    if len(data) > PDF_SIZE_MAX:
        raise FileRefusedError("file_too_large", count=len(data), limit=PDF_SIZE_MAX)
    limits = [str(limit) for limit in (PAGES_MAX, PAGE_PIXELS_MAX, ATTACHMENTS_MAX, XML_SIZE_MAX)]
    answer = scan("image_scan.py", ["pdf", *limits], data, _KIND)
    texts, attachments, page_count = answer["texts"], answer["attachments"], answer["page_count"]
    assert isinstance(texts, list)
    assert isinstance(attachments, list)
    assert isinstance(page_count, int)
    original = _original([base64.b64decode(text) for text in attachments])
    if original is None:
        invoice = replace(choose_code(texts, _KIND), source=Source.PDF_QR)
    else:
        invoice = replace(original, source=Source.PDF_XML)
        _compare(invoice, texts)
    return replace(invoice, warnings=(*invoice.warnings, *_unread(page_count)))


def _original(attachments: list[bytes]) -> ReadInvoice | None:
    """The invoice among the attached files; None when none of them is one."""
    found: ReadInvoice | None = None
    for content in attachments:
        try:
            invoice = read_xml(content)
        except FileRefusedError:
            continue  # another file: a list of lines, an XBRL statement, a picture
        if found is not None and found.number != invoice.number:
            raise FileRefusedError("codes_of_two", first=found.number, second=invoice.number)
        if found is not None and found.document != invoice.document:
            raise FileRefusedError("pdf_xml_differs", first=invoice.number)
        found = invoice
    return found


def _compare(original: ReadInvoice, texts: list[str]) -> None:
    """What people see on the page and what is read from inside must be one invoice."""
    try:
        code = choose_code(texts, _KIND)
    except FileRefusedError as err:
        if err.problems[0].code == "code_missing":
            return
        raise
    if not same_number(original, code) or contradicts(original, code):
        raise FileRefusedError("pdf_xml_differs", first=original.number)


def _unread(page_count: int) -> tuple[FieldProblem, ...]:
    if page_count <= PAGES_MAX:
        return ()
    return (format_problem("", "pages_unread", count=page_count, limit=PAGES_MAX),)
