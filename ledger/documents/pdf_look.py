"""A program of its own: how the pages of two PDFs look, the invoice's own and the one that was handed in.

    python -I pdf_look.py <most pixels a page>   < one
    python -I pdf_look.py <most pixels a page> <most pages drawn>   < size of the first (8 bytes) ++ first ++ second

The first is written by us a moment ago, the second is from a stranger. It runs apart from the ledger like
`pdf_structure.py` and uses another library than that: two readers have to be deceived in the same way. All it says is
one JSON object: `page_counts`, and `pages`, an entry for each page that differs: lines of text that are missing or
added, places that are drawn otherwise, QR codes, pictures.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from typing import Any, NamedTuple

import pypdfium2
import zxingcpp
from PIL import Image, ImageChops

SCALE = 1.5  # pixels a point: a stroke of small print is one pixel wide
CODE_SCALES = (200 / 72, 400 / 72)  # the second only where no code was found: thin modules
CELL = 4  # pixels of a cell's side, about 1 mm: what differs is told by cells
CELL_DIFFERENCE_MIN = 28  # of 255, mean of a cell in one colour; the same strokes drawn by another program stay below
REDRAWN_SHARE_MIN = 0.3  # of the cells with ink: where more differ, the page was drawn by another program
INK_MEAN = 245  # a cell whose mean is at most this has something drawn in it
POINTS_PER_MM = 72 / 25.4
SIZE_TOLERANCE_PT = 0.5
LINES_MAX = 12  # lines told as missing or added, a page
PLACES_MAX = 8  # places told, a page
PAGES_TOLD_MAX = 20
TEXT_LENGTH_MAX = 120  # characters of a line told
PAGE_TEXT_MAX = 200_000  # characters of a page compared; ours have under 10,000
CODES_MAX = 8
CHECK_ADDRESS = re.compile(r"查验网址：(https?://[!-~]{1,200}?)/check(?![!-~])")
CODE_ADDRESS = re.compile(r"(https?://[!-~]{1,200}?)/check\?hash=")
PICTURE_SHARE = 0.02  # of our letters: a page with fewer is a picture of a page
PLACE_TEXTS_MAX = 6  # runs of text told of one place
RUNS_MAX = 4_000  # runs of text of a page; our fullest page has 600


class Drawn(NamedTuple):
    """One page of each file."""

    ours: Any
    theirs: Any


def main(arguments: list[str]) -> dict[str, object]:
    """How the two files on standard input differ to the eye; of a single one, the address of the public check."""
    pixels_max, *pages_max = (int(text) for text in arguments)
    data = sys.stdin.buffer.read()
    if not pages_max:
        return {"check_address": check_address(data, pixels_max)}
    size = int.from_bytes(data[:8], "big")
    ours = pypdfium2.PdfDocument(data[8 : 8 + size])
    try:
        theirs = pypdfium2.PdfDocument(data[8 + size :])
        theirs.init_forms()
        return compare(ours, theirs, pages_max[0], pixels_max)
    except (MemoryError, RecursionError):
        return {"stopped": "pdf_costly", "values": {}}
    except Exception:  # noqa: BLE001  the library raises anything over crafted bytes; whatever it is, the file is broken
        return {"stopped": "pdf_broken", "values": {}}


def check_address(data: bytes, pixels_max: int) -> str:
    """Address of the public check as the first page prints it or, on a picture of one, as its QR code says; or ""."""
    try:
        page = pypdfium2.PdfDocument(data)[0]
        found = CHECK_ADDRESS.search(_text(page))
        if found:
            return found.group(1)
        codes = [CODE_ADDRESS.match(code) for code in _codes(page, pixels_max)]
        return next((code.group(1) for code in codes if code), "")
    except Exception:  # noqa: BLE001  the page is compared without it, and that says what is wrong with the file
        return ""


def compare(ours: Any, theirs: Any, pages_max: int, pixels_max: int) -> dict[str, object]:
    """Page counts, and what differs on the pages both have."""
    counts = len(ours), len(theirs)
    told = []
    for index in range(min(counts)):
        found = _page(ours[index], theirs[index], pixels_max, is_drawn=index < pages_max)
        if found:
            told.append({"page": index + 1, **found})
        if len(told) == PAGES_TOLD_MAX:
            break
    return {"page_counts": counts, "pages": told}


def _page(ours: Any, theirs: Any, pixels_max: int, *, is_drawn: bool) -> dict[str, object]:
    """What differs on one page, {} when nothing does."""
    found: dict[str, object] = {}
    texts = Drawn(_text(ours), _text(theirs))
    if Counter(texts.ours.split()) != Counter(texts.theirs.split()):
        lines = Drawn(_lines(texts.ours), _lines(texts.theirs))
        found["missing"] = [line[:TEXT_LENGTH_MAX] for line in (lines.ours - lines.theirs).elements()][:LINES_MAX]
        found["added"] = [line[:TEXT_LENGTH_MAX] for line in (lines.theirs - lines.ours).elements()][:LINES_MAX]
    if len("".join(texts.theirs.split())) < PICTURE_SHARE * len("".join(texts.ours.split())):
        found["is_picture"] = _pictures(theirs) > 0
    if any(
        abs(mine - other) > SIZE_TOLERANCE_PT for mine, other in zip(ours.get_size(), theirs.get_size(), strict=True)
    ):
        found["sizes_mm"] = [[round(side / POINTS_PER_MM) for side in page.get_size()] for page in (ours, theirs)]
    elif is_drawn:
        found |= _drawing(ours, theirs, pixels_max)
    if found:
        found["codes"] = [_codes(ours, pixels_max), _codes(theirs, pixels_max)]
        found["pictures"] = _pictures(theirs) - _pictures(ours)
    return found


def _text(page: Any) -> str:
    text: str = page.get_textpage().get_text_range()
    return text[:PAGE_TEXT_MAX]


def _lines(text: str) -> Counter[str]:
    return Counter(line for line in (" ".join(part.split()) for part in text.splitlines()) if line)


def _drawing(ours: Any, theirs: Any, pixels_max: int) -> dict[str, object]:
    """Places drawn otherwise; {} when every pixel is the same.

    `is_redrawn` says that most of the page is: another program's print. On any other page every pixel counts.
    """
    pictures = Drawn(_picture(ours, SCALE, pixels_max), _picture(theirs, SCALE, pixels_max))
    if pictures.ours.size != pictures.theirs.size:
        return {"places": [], "is_redrawn": True}
    difference = ImageChops.difference(*pictures)
    if difference.getbbox() is None:
        return {}
    bands = [band.reduce(CELL) for band in difference.split()]
    cells = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    flat = cells.tobytes()
    inked = sum(
        min(one, other) <= INK_MEAN
        for one, other in zip(*(picture.convert("L").reduce(CELL).tobytes() for picture in pictures), strict=True)
    )
    is_redrawn = sum(mean > 0 for mean in flat) > REDRAWN_SHARE_MIN * inked
    least = CELL_DIFFERENCE_MIN if is_redrawn else 1
    changed = {(at % cells.width, at // cells.width) for at, mean in enumerate(flat) if mean >= least}
    scale = pictures.ours.width / ours.get_width()
    places = [_place(box, scale, ours) for box in sorted(_boxes(changed), key=_area, reverse=True)[:PLACES_MAX]]
    return {"places": places, "is_redrawn": is_redrawn}


def _boxes(cells: set[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """Boxes around cells that lie within two of each other: left, top, right, bottom, both ends inside."""
    left = set(cells)
    found = []
    while left:
        waiting = [left.pop()]
        xs, ys = [waiting[0][0]], [waiting[0][1]]
        while waiting:
            x, y = waiting.pop()
            near = {(x + dx, y + dy) for dx in range(-3, 4) for dy in range(-2, 3)} & left
            left -= near
            waiting += near
            xs += [one for one, _ in near]
            ys += [one for _, one in near]
        found.append((min(xs), min(ys), max(xs), max(ys)))
    return found


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0] + 1) * (box[3] - box[1] + 1)


def _place(box: tuple[int, int, int, int], scale: float, ours: Any) -> dict[str, object]:
    """Where a place is, in mm from the upper left with its width and height, and what stands there on our page."""
    left, top, right, bottom = (side * CELL / scale for side in (box[0], box[1], box[2] + 1, box[3] + 1))
    height = ours.get_height()
    corners = {"left": left, "bottom": height - bottom, "right": right, "top": height - top}
    return {
        "at_mm": [round(side / POINTS_PER_MM) for side in (left, top, right - left, bottom - top)],
        "near": _near(ours, corners),
    }


def _near(page: Any, corners: dict[str, float]) -> str:
    """Texts of a page that a box touches, each whole."""
    text = page.get_textpage()
    found: list[str] = []
    for index in range(min(text.count_rects(), RUNS_MAX)):
        left, bottom, right, top = text.get_rect(index)
        apart = left > corners["right"] or right < corners["left"] or bottom > corners["top"] or top < corners["bottom"]
        if not apart and len(found) < PLACE_TEXTS_MAX:
            found.append(" ".join(text.get_text_bounded(left - 1, bottom - 1, right + 1, top + 1).split()))
    return " ".join(found)[:TEXT_LENGTH_MAX]


def _picture(page: Any, scale: float, pixels_max: int) -> Image.Image:
    """The page as people see it, notes and form fields on it too."""
    points = page.get_width() * page.get_height()
    if not 0 < points < math.inf:
        raise ValueError("a page without a size")
    scale = min(scale, math.sqrt(pixels_max / points))
    picture: Image.Image = page.render(scale=scale).to_pil().convert("RGB")
    return picture


def _codes(page: Any, pixels_max: int) -> list[str]:
    for scale in CODE_SCALES:
        picture = _picture(page, scale, pixels_max).convert("L")
        kinds = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
        found = [code.text[:400] for code in zxingcpp.read_barcodes(picture, formats=kinds)][:CODES_MAX]
        if found:
            break
    return sorted(found)


def _pictures(page: Any) -> int:
    """How many pictures a page holds."""
    return sum(1 for _ in page.get_objects(filter=(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE,), max_depth=4))


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))  # noqa: T201  the one answer
