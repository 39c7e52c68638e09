"""Writing invoices out: XML, PDF, lists and archives, from plain documents (docs/DOCUMENTS.md).

Nothing here knows where documents are kept or who may see them; the service gathers and asks.
"""

from ledger.documents.archive import ArchivedFile, ArchiveEntry, WrittenArchive, write_archive
from ledger.documents.archive_check import CheckedArchive, check_archive
from ledger.documents.archive_names import safe_name
from ledger.documents.check_link import check_link
from ledger.documents.errors import (
    ArchiveAlteredError,
    ArchiveRefusedError,
    DocumentsError,
    EvidenceMissingError,
    NotWritableError,
    PdfRefusedError,
)
from ledger.documents.invoice_list import InvoiceRow, write_invoice_list_csv, write_invoice_list_xlsx
from ledger.documents.invoice_pdf import EVIDENCE_NAME, Attachment, write_pdf
from ledger.documents.invoice_xml import write_xml
from ledger.documents.pdf_evidence import read_evidence
from ledger.documents.tables import CellKind, Column, write_csv, write_xlsx

__all__ = [
    "EVIDENCE_NAME",
    "ArchiveAlteredError",
    "ArchiveEntry",
    "ArchiveRefusedError",
    "ArchivedFile",
    "Attachment",
    "CellKind",
    "CheckedArchive",
    "Column",
    "DocumentsError",
    "EvidenceMissingError",
    "InvoiceRow",
    "NotWritableError",
    "PdfRefusedError",
    "WrittenArchive",
    "check_archive",
    "check_link",
    "read_evidence",
    "safe_name",
    "write_archive",
    "write_csv",
    "write_invoice_list_csv",
    "write_invoice_list_xlsx",
    "write_pdf",
    "write_xlsx",
    "write_xml",
]
