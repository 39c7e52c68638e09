"""Photographs and scans of an invoice, PNG or JPEG: what their QR code says."""

from __future__ import annotations

from dataclasses import replace

from ledger.formats.errors import FileRefusedError
from ledger.formats.image_codes import choose_code
from ledger.formats.image_process import scan
from ledger.formats.read_invoice import ReadInvoice, Source

IMAGE_SIZE_MAX = 16 << 20  # bytes; what a telephone's camera writes at its finest
PIXELS_MAX = 64_000_000  # of a photograph; a larger one says no more about a code of 60 modules


def read_image(data: bytes, kind: str = "PNG") -> ReadInvoice:
    """Invoice of the QR code on a PNG or JPEG; `qr` holds the code's own verdict.

    Raises: FileRefusedError when the file is too large, damaged, shows no invoice code or two invoices;
    FieldsRefusedError when a part of the code's text has another form.
    """
    if len(data) > IMAGE_SIZE_MAX:
        raise FileRefusedError("file_too_large", count=len(data), limit=IMAGE_SIZE_MAX)
    answer = scan("image_scan.py", ["image", "1", str(PIXELS_MAX), "0", "0"], data, kind)
    texts = answer["texts"]
    assert isinstance(texts, list)
    return replace(choose_code(texts, kind), source=Source.IMAGE_QR)
