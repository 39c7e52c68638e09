"""An invoice as PDF: a view in the look of a Chinese e-invoice, with its evidence inside when it is given.

Written as PDF/A-3B: everything that is needed to show it is inside, and so may be the evidence. The same invoice
gives the same bytes: no time of writing, no random id. The font comes from the package
pylopdf-fonts-zh-cn (Noto Sans SC, SIL Open Font License) and goes into the file as the subset that is used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING

from ledger.documents.check_link import check_link
from ledger.documents.errors import NotWritableError
from ledger.domain.invoice import InvoiceDocument
from ledger.domain.months import CST
from verifier.parsing import FILE_SIZE_MAX

if TYPE_CHECKING:
    from fpdf import FPDF

EVIDENCE_NAME = "evidence.json"
XML_NAME = "invoice.xml"  # what accounting programs read of the same invoice
ATTACHMENTS_MAX = 8  # evidence, trust file, XML, JSON and a few of the parties' own
ATTACHMENT_SIZE_MAX = FILE_SIZE_MAX  # bytes; an evidence file is the largest thing that belongs in an invoice
ATTACHMENT_NAME_LENGTH_MAX = 64  # characters; shown in a narrow column by every viewer

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}", re.ASCII)

_METADATA = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmp:CreateDate="{at}" xmp:ModifyDate="{at}" xmp:MetadataDate="{at}">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>"""

Attachment = tuple[str, str, bytes]
"""Name, media type and content of a file inside the PDF."""


def write_pdf(
    document: InvoiceDocument,
    *,
    commitment: bytes,
    check_address: str,
    red_slip: str = "",
    attachments: Sequence[Attachment] = (),
) -> bytes:
    """PDF of a numbered invoice.

    `commitment` is the 32 bytes on chain, `check_address` where the public check answers (https://host): both are
    behind the QR code. `red_slip` is printed on a red invoice. Of `attachments`, evidence goes in as EVIDENCE_NAME.

    Raises: NotWritableError for a draft, a wrong address, and attachments with other names or beyond the limits.
    """
    from fpdf import FPDF  # takes 0.2 s to load, which only those who write a PDF spend

    from ledger.documents.pdf_drawing import TITLES, Drawing
    from ledger.documents.pdf_pages import lay_out
    from ledger.documents.pdf_text import Typeface

    link = check_link(document, commitment, check_address)
    check_attachments(attachments)
    assert document.issued_on is not None
    pdf = FPDF(unit="mm", enforce_compliance="PDF/A-3B")
    pdf.set_auto_page_break(auto=False)
    _describe(pdf, f"{TITLES[document.kind]} {document.number}", datetime.combine(document.issued_on, time(), CST))
    face = Typeface(pdf)
    try:
        layout = lay_out(document, face, red_slip=red_slip)
        Drawing(pdf, face, document, layout, link).draw()
        for name, kind, content in attachments:
            pdf.embed_file(
                bytes=content, basename=name, mime_type=kind, compress=True, associated_file_relationship="Supplement"
            )
        return bytes(pdf.output())
    finally:
        face.close()


def _describe(pdf: FPDF, title: str, issued_at: datetime) -> None:
    """Title, language and times. The library would put the time of writing into the metadata, so they are given."""
    pdf.set_title(title)
    pdf.set_lang("zh-CN")
    pdf.set_creation_date(issued_at)
    pdf.set_xmp_metadata(_METADATA.format(title=title, at=issued_at.isoformat(timespec="seconds")))


def check_attachments(attachments: Sequence[Attachment]) -> None:
    """Accept attachments that may go into a PDF.

    Raises: NotWritableError naming the first that may not.
    """
    if len(attachments) > ATTACHMENTS_MAX:
        raise NotWritableError("too_many_attachments", count=len(attachments), limit=ATTACHMENTS_MAX)
    seen: set[str] = set()
    for name, kind, content in attachments:
        if not _NAME.fullmatch(name):
            raise NotWritableError(
                "attachment_name", name=name[:ATTACHMENT_NAME_LENGTH_MAX], limit=ATTACHMENT_NAME_LENGTH_MAX
            )
        if name.lower() in seen:
            raise NotWritableError("attachment_twice", name=name)
        seen.add(name.lower())
        if not _MEDIA_TYPE.fullmatch(kind):
            raise NotWritableError("attachment_kind", kind=kind[:ATTACHMENT_NAME_LENGTH_MAX])
        if not 1 <= len(content) <= ATTACHMENT_SIZE_MAX:
            raise NotWritableError("attachment_size", name=name, count=len(content), limit=ATTACHMENT_SIZE_MAX)
