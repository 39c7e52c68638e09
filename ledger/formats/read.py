"""Reading a file or text of unknown kind: the content decides, never the name."""

from __future__ import annotations

import codecs
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
TEXT_SIZE_MAX = 2 * QR_SIZE_MAX + 4  # bytes of the file of a QR text with a mark; UTF-16 takes two for each character
FILE_NAME_LENGTH_MAX = 255  # characters kept of the name, which is shown and never trusted

_VIEWS = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
)
_PICTURES = ((b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"))
_QR_STARTS = ("01", "０１", "http", "HTTP")
_PDF_HEAD_SIZE = 1024  # bytes before which the mark of a PDF stands; some programs put others before it
_XML_STARTS = (b"<", b"\0<", b"\0\0\xfe\xff", b"\xff\xfe\0\0")
_TEXT_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    b"\x84\x31\x95\x33": "gb18030",
}


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
    mark = next((mark for mark in _TEXT_MARKS if data.startswith(mark)), b"")
    start = data[len(mark) : QR_SIZE_MAX].decode(_TEXT_MARKS.get(mark, "utf-8"), "ignore").lstrip()
    if data.startswith(_XML_STARTS) or start.startswith("<"):
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
    if len(data) > (TEXT_SIZE_MAX if mark else QR_SIZE_MAX):
        raise FileRefusedError("file_unknown")
    return read_qr(_text(data[len(mark) :], _TEXT_MARKS.get(mark, "")))


def _text(data: bytes, marked: str) -> str:
    """Text of a small file in the encoding of its mark, else in UTF-8 or GB 18030."""
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "gb18030" or text.strip().startswith(_QR_STARTS):
            return text
    raise FileRefusedError("file_unknown")
