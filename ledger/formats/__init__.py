"""Reading invoices of others: XML originals and QR texts (docs/FORMATS.md)."""

from ledger.formats.errors import FieldsRefusedError, FileRefusedError, FormatError
from ledger.formats.national_xml import read_xml
from ledger.formats.qr import read_qr
from ledger.formats.read import FILE_SIZE_MAX, read_file
from ledger.formats.read_invoice import Checksum, QrText, ReadInvoice, Source

__all__ = [
    "FILE_SIZE_MAX",
    "Checksum",
    "FieldsRefusedError",
    "FileRefusedError",
    "FormatError",
    "QrText",
    "ReadInvoice",
    "Source",
    "read_file",
    "read_qr",
    "read_xml",
]
