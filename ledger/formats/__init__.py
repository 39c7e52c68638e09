"""Reading invoices of others, as files, QR texts or typed, and sheets of invoices to be issued (docs/FORMATS.md)."""

from ledger.formats.errors import FieldsRefusedError, FileRefusedError, FormatError
from ledger.formats.image import read_image
from ledger.formats.national_xml import read_xml
from ledger.formats.ofd.verdict import NationalSignature, SignatureVerdict
from ledger.formats.pdf import read_pdf
from ledger.formats.qr import read_qr
from ledger.formats.read import FILE_SIZE_MAX, read_file
from ledger.formats.read_invoice import Checksum, QrText, ReadInvoice, Source, Strength
from ledger.formats.sheets import SheetDrafts, SheetInvoice, SheetProblem, read_sheet
from ledger.formats.sheets_cells import safe_cell
from ledger.formats.sheets_write import ResultRow, SheetKind, template, write_drafts, write_results
from ledger.formats.typed import read_typed

__all__ = [
    "FILE_SIZE_MAX",
    "Checksum",
    "FieldsRefusedError",
    "FileRefusedError",
    "FormatError",
    "NationalSignature",
    "QrText",
    "ReadInvoice",
    "ResultRow",
    "SheetDrafts",
    "SheetInvoice",
    "SheetKind",
    "SheetProblem",
    "SignatureVerdict",
    "Source",
    "Strength",
    "read_file",
    "read_image",
    "read_pdf",
    "read_qr",
    "read_sheet",
    "read_typed",
    "read_xml",
    "safe_cell",
    "template",
    "write_drafts",
    "write_results",
]
