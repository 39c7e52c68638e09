"""The evidence file taken out of a PDF again: hostile bytes give a named refusal, bounded in size and work."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

from ledger.documents.errors import DocumentsError, EvidenceMissingError, PdfRefusedError
from ledger.documents.invoice_pdf import ATTACHMENT_SIZE_MAX, ATTACHMENTS_MAX, EVIDENCE_NAME

if TYPE_CHECKING:
    from pypdf import Configuration

PDF_SIZE_MAX = 16 << 20  # bytes; pages take under 1 MB, attachments shrink to a third
PDF_START = b"%PDF-"

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings repeat the file's bytes, which are private


def read_evidence(pdf: bytes) -> bytes:
    """Bytes of the one attachment called EVIDENCE_NAME; they are for the verifier to judge, nothing is believed here.

    Raises: PdfRefusedError when the bytes are no PDF, too large, damaged or encrypted; EvidenceMissingError when it
    carries no such attachment, several, or one beyond ATTACHMENT_SIZE_MAX.
    """
    if len(pdf) > PDF_SIZE_MAX:
        raise PdfRefusedError("pdf_size", count=len(pdf), limit=PDF_SIZE_MAX)
    if not pdf.startswith(PDF_START):
        raise PdfRefusedError("pdf_unknown")
    try:
        return _evidence(pdf)
    except DocumentsError:
        raise
    except Exception as err:  # whatever hostile bytes make the library raise, the file is damaged
        raise PdfRefusedError("pdf_broken") from err


def _evidence(pdf: bytes) -> bytes:
    from pypdf import PdfReader, apply_configuration  # loaded by those who read a PDF only

    with apply_configuration(_limits()):
        reader = PdfReader(io.BytesIO(pdf), root_object_recovery_limit=1_000, xref_stream_maximum_entries=100_000)
        if reader.is_encrypted:
            raise PdfRefusedError("pdf_locked")
        found = []
        for count, attachment in enumerate(reader.attachment_list, 1):
            if count > 2 * ATTACHMENTS_MAX:
                raise EvidenceMissingError("evidence_missing")
            if attachment.name == EVIDENCE_NAME:
                found.append(attachment)
        if not found:
            raise EvidenceMissingError("evidence_missing")
        if len(found) > 1:
            raise EvidenceMissingError("evidence_twice")
        content = bytes(found[0].content)
    if len(content) > ATTACHMENT_SIZE_MAX:
        raise EvidenceMissingError("evidence_size", limit=ATTACHMENT_SIZE_MAX)
    return content


def _limits() -> Configuration:
    """Nothing in an invoice's PDF unpacks to more than its largest attachment."""
    from pypdf import Configuration

    return Configuration(
        maximum_declared_stream_length=PDF_SIZE_MAX,
        array_based_stream_maximum_output_length=ATTACHMENT_SIZE_MAX,
        array_maximum_element_count=10_000,
        dictionary_maximum_element_count=10_000,
        lzw_maximum_output_length=ATTACHMENT_SIZE_MAX,
        run_length_maximum_output_length=ATTACHMENT_SIZE_MAX,
        zlib_maximum_output_length=ATTACHMENT_SIZE_MAX,
        zlib_maximum_recovery_input_length=100_000,
        brotli_maximum_output_length=ATTACHMENT_SIZE_MAX,
        stream_decoding_work_maximum_length=4 * ATTACHMENT_SIZE_MAX,
        jbig2dec_binary=None,
        disable_legacy_handling=True,
    )
