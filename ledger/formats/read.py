"""Reading a file or text of unknown kind: the content decides, never the name."""

from __future__ import annotations

from dataclasses import replace

from ledger.formats.errors import FileRefusedError
from ledger.formats.image import IMAGE_SIZE_MAX, read_image
from ledger.formats.national_xml import read_xml
from ledger.formats.ofd.archive import ARCHIVE_SIZE_MAX, ZIP_START
from ledger.formats.ofd.read_ofd import read_ofd
from ledger.formats.pdf import PDF_SIZE_MAX, read_pdf
from ledger.formats.qr import QR_SIZE_MAX, read_qr
from ledger.formats.read_invoice import ReadInvoice
from ledger.formats.xml_tree import XML_SIZE_MAX

# bytes an upload may bring before it is looked at
FILE_SIZE_MAX = max(XML_SIZE_MAX, ARCHIVE_SIZE_MAX, PDF_SIZE_MAX, IMAGE_SIZE_MAX)
FILE_NAME_LENGTH_MAX = 255  # characters kept of the name, which is shown and never trusted

_VIEWS = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
)
_PICTURES = ((b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"))
_PDF_HEAD_SIZE = 1024  # bytes before which the mark of a PDF stands; some programs put others before it
_XML_STARTS = (b"<", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf<", b"\0<", b"\0\0\xfe\xff")


def read_file(data: bytes, name: str | None = None) -> ReadInvoice:
    """Invoice of a file's bytes: invoice XML, OFD, PDF, a PNG or JPEG with a QR code, or the text of one.

    Raises: FileRefusedError when it is neither, too large or unsafe; FieldsRefusedError for wrong fields.
    """
    if len(data) > FILE_SIZE_MAX:
        raise FileRefusedError("file_too_large", count=len(data), limit=FILE_SIZE_MAX)
    invoice = _read(data)
    return replace(invoice, file_name=name[:FILE_NAME_LENGTH_MAX]) if name else invoice


def _read(data: bytes) -> ReadInvoice:
    if not data.strip():
        raise FileRefusedError("file_empty")
    if data.startswith(_XML_STARTS) or data[:QR_SIZE_MAX].lstrip().startswith(b"<"):
        return read_xml(data)
    if data.startswith(ZIP_START):  # before the PDF, whose mark may stand anywhere in the first bytes of an archive
        return read_ofd(data)
    if b"%PDF-" in data[:_PDF_HEAD_SIZE]:
        return read_pdf(data)
    for magic, kind in _PICTURES:
        if data.startswith(magic):
            return read_image(data, kind)
    for magic, kind in _VIEWS:
        if data.startswith(magic):
            raise FileRefusedError("file_is_view", kind=kind)
    if len(data) > QR_SIZE_MAX:
        raise FileRefusedError("file_unknown")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise FileRefusedError("file_unknown") from err
    return read_qr(text)
