"""A program of its own: texts of QR codes and attached files of one PDF, PNG or JPEG, from hostile bytes.

    python -I image_scan.py <pdf|image> <most pages> <most pixels> <most attachments> <attachment bytes>   < file

It runs apart from the ledger, because decoders of pictures and PDF are large programs in C that a crafted file may
crash, slow down or fill; `image_process` sets its limits of time and memory before it gets a byte. So it imports
nothing of the ledger, and all it says is one JSON object: `texts`, `attachments` (base64), `page_count`, or
`refused` with a code of docs/FORMATS.md and its `values`.
"""

from __future__ import annotations

import base64
import io
import json
import math
import sys
from typing import NamedTuple

import zxingcpp

DPI_STEPS = (200, 400)  # the second only for a page without a code: small codes and thin modules
POINTS_PER_INCH = 72
TEXTS_MAX = 32  # QR codes told of one file; an invoice shows one or two
TEXT_LENGTH_MAX = 4_096  # characters; the largest QR code holds 4,296
MODULES_MIN = 21  # of the smallest QR code's side; the decoder takes no picture of a few rows
PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
WHITE = 255


class Limits(NamedTuple):
    """What is looked at, at most."""

    pages: int
    pixels: int
    attachments: int
    attachment_size: int


class RefusedError(Exception):
    """The file is not read; its code and values go to the one who asked."""

    def __init__(self, code: str, **values: int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def main(arguments: list[str]) -> dict[str, object]:
    """What is found in the file on standard input."""
    limits = Limits(*(int(text) for text in arguments[1:5]))
    data = sys.stdin.buffer.read()
    try:
        return scan_pdf(data, limits) if arguments[0] == "pdf" else {"texts": scan_image(data, limits)}
    except RefusedError as err:
        return {"refused": err.code, "values": err.values}
    except MemoryError:
        return {"refused": "view_too_costly"}
    except Exception:  # noqa: BLE001  decoders raise anything over crafted bytes; whatever it is, the file is broken
        return {"refused": "view_damaged"}


def scan_pdf(data: bytes, limits: Limits) -> dict[str, object]:
    """Attachments and the codes on the first pages."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as err:
        raise RefusedError("pdf_encrypted" if err.err_code == PASSWORD_ERROR else "view_damaged") from err
    page_count = len(document)
    attachments = []
    for index in range(min(document.count_attachments(), limits.attachments)):
        try:
            content = bytes(document.get_attachment(index).get_data())
        except pypdfium2.PdfiumError:
            continue  # an attachment without content is none
        if len(content) <= limits.attachment_size:
            attachments.append(base64.b64encode(content).decode())
    texts: list[str] = []
    for index in range(min(page_count, limits.pages)):
        page = document[index]
        points = page.get_width() * page.get_height()
        if not 0 < points < math.inf:
            continue
        for dpi in DPI_STEPS:
            scale = min(dpi / POINTS_PER_INCH, math.sqrt(limits.pixels / points))
            found = read_codes(grey_pixels(page.render(scale=scale, grayscale=True)))
            texts += found
            if found:
                break
    return {"texts": texts[:TEXTS_MAX], "attachments": attachments, "page_count": page_count}


def grey_pixels(bitmap: object) -> memoryview:
    """One byte a pixel, rows without the padding the renderer may put after them."""
    width, height, stride = bitmap.width, bitmap.height, bitmap.stride  # type: ignore[attr-defined]
    flat = memoryview(bitmap.buffer).cast("B")  # type: ignore[attr-defined]
    if stride != width:
        flat = memoryview(b"".join(flat[row * stride : row * stride + width] for row in range(height)))
    return flat.cast("B", (height, width))


def scan_image(data: bytes, limits: Limits) -> list[str]:
    """Codes of a PNG or JPEG; the size is read from its head, before any pixel is unpacked."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the limit here refuses by name
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        width, height = image.size
        if width * height > limits.pixels:
            raise RefusedError("image_too_large", count=width * height, limit=limits.pixels)
        if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA"):
            shown = Image.new("RGBA", image.size, (WHITE, WHITE, WHITE, WHITE))
            shown.alpha_composite(image.convert("RGBA"))
            grey = shown.convert("L")
        else:
            grey = image.convert("L")
        return read_codes(memoryview(grey.tobytes()).cast("B", (height, width)))


def read_codes(pixels: memoryview) -> list[str]:
    """Texts of the QR codes of a grey picture."""
    if min(pixels.shape or (0,)) < MODULES_MIN:
        return []
    codes = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]))
    return [code.text for code in codes[:TEXTS_MAX] if len(code.text) <= TEXT_LENGTH_MAX]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))  # noqa: T201  the one answer
