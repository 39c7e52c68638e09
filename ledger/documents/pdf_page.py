"""What an invoice's PDF shows, compared with what its evidence's document gives when we write it out.

The same page is one whose every part is that of our own page (`pdf_structure.py`) and that looks the same to a second
reader (`pdf_look.py`). What differs is named. A page of other parts in which nothing can be seen to differ is not
called the same: it may look otherwise in another viewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ledger.documents.errors import NotWritableError, PdfRefusedError
from ledger.documents.invoice_pdf import ATTACHMENT_SIZE_MAX, XML_NAME, write_pdf
from ledger.documents.invoice_xml import write_xml
from ledger.documents.pdf_evidence import INSIDE_MAX, PAGES_MAX, PdfContents, contents_of, run_apart
from ledger.documents.pdf_structure import Limits, describe
from ledger.documents.pdf_words import DIFFERENCE_WORDS, DifferenceKind, PageReason
from ledger.domain.invoice import InvoiceDocument
from ledger.formats.errors import FormatError
from ledger.formats.national_xml import read_xml

PAGES_DRAWN_MAX = 60  # drawn and compared pixel by pixel, 60 ms each; of later ones parts and words are compared
PAGE_PIXELS_MAX = 16_000_000  # a page is drawn with; A4 at 400 dots an inch
DIFFERENCES_MAX = 40  # told of one file
ALIKE_MIN = 0.6  # share of a line that must agree for two lines to be told as one that was changed
ADDRESS_UNREAD = "https://address.unread"  # what our page is written with where the file's own names none

_ACTIONS = {"/OpenAction", "/AA", "/JavaScript", "/Renditions", "/AlternatePresentations"}
_CATALOG_KINDS = {
    "/AcroForm": DifferenceKind.FIELD,
    "/OCProperties": DifferenceKind.LAYER,
    "/Collection": DifferenceKind.PORTFOLIO,
}
_FRAMES = {"/Rotate", "/UserUnit", "/CropBox"}


@dataclass(frozen=True)
class Difference:
    """One thing that differs. `page` counts from 1, 0 is the file as a whole; the texts are "" where there is none."""

    kind: DifferenceKind
    page: int = 0
    expected: str = ""
    found: str = ""

    def text(self, lang: str) -> str:
        """In "zh" or "en", with the page."""
        zh, en = DIFFERENCE_WORDS[self.kind]
        words = (zh if lang == "zh" else en).format(expected=self.expected, found=self.found)
        if not self.page:
            return words
        return f"第 {self.page} 页：{words}" if lang == "zh" else f"page {self.page}: {words}"


@dataclass(frozen=True)
class PageReport:
    """How the pages compare. `check_address` is where the QR code leads; `address_compared` whether that was known."""

    reason: PageReason
    differences: tuple[Difference, ...] = ()
    check_address: str = ""
    address_compared: bool = False


def compare_page(
    pdf: bytes, contents: PdfContents, document: InvoiceDocument, commitment: bytes, *, check_address: str | None = None
) -> PageReport:
    """How a PDF's pages compare with those of the document its evidence proves, with `commitment` (32 bytes) on chain.

    `check_address` is where this ledger's public check answers, None where that is not known. Evidence lacks it,
    so our page is written with the address that the file's own prints.

    Raises: PdfRefusedError of code pdf_busy when nothing could be compared now.
    """
    address, is_known = _address_on(pdf), check_address is not None
    try:
        own_pdf = _written(document, commitment, address)
    except NotWritableError:
        return PageReport(PageReason.UNKNOWN_DOCUMENT, check_address=address)
    own = contents_of(describe(own_pdf, Limits(INSIDE_MAX, ATTACHMENT_SIZE_MAX, PAGES_MAX), frozenset()))
    found = [*_file_differences(own, contents), *_xml_differences(contents, document)]
    if check_address is not None and address != check_address.rstrip("/"):
        found.insert(0, Difference(DifferenceKind.ADDRESS, 0, check_address, address or "-"))
    rewritten = own.pages != contents.pages or own.catalog != contents.catalog
    try:
        look = run_apart(
            "pdf_look.py",
            [str(PAGE_PIXELS_MAX), str(PAGES_DRAWN_MAX)],
            len(own_pdf).to_bytes(8, "big") + own_pdf + pdf,
        )
    except PdfRefusedError as err:
        if err.code == "pdf_busy":
            raise
        failed = PageReason.COSTLY if err.code == "pdf_costly" else PageReason.UNREADABLE
        return PageReport(PageReason.DIFFERS if found else failed, tuple(found), address, is_known)
    found += _look_differences(look, {one.page for one in found if one.kind is DifferenceKind.SIZE})
    if found:
        reason = PageReason.DIFFERS
    elif any(page.get("is_picture") for page in look["pages"]):
        reason = PageReason.PICTURE
    else:
        reason = PageReason.WRITTEN_OTHERWISE if rewritten or look["pages"] else PageReason.SAME
    told = tuple(dict.fromkeys(found))[:DIFFERENCES_MAX]
    return PageReport(reason, told, address, is_known)


def _address_on(pdf: bytes) -> str:
    """Address of the public check that the first page shows, "" when none can be read. Raises: as `compare_page`."""
    try:
        return str(run_apart("pdf_look.py", [str(PAGE_PIXELS_MAX)], pdf)["check_address"])
    except PdfRefusedError as err:
        if err.code == "pdf_busy":
            raise
        return ""


def _written(document: InvoiceDocument, commitment: bytes, address: str) -> bytes:
    """Our own PDF of the document. An address of another form than ours are is not taken over from the page."""
    try:
        return write_pdf(document, commitment=commitment, check_address=address, red_slip=document.red_slip)
    except NotWritableError as err:
        if err.code != "check_address":
            raise
        return write_pdf(document, commitment=commitment, check_address=ADDRESS_UNREAD, red_slip=document.red_slip)


def _file_differences(own: PdfContents, other: PdfContents) -> Iterator[Difference]:
    """Differences of parts that say by themselves what they are; others are told by how the page looks."""
    if own.page_count != other.page_count:
        yield Difference(DifferenceKind.PAGES, 0, str(own.page_count), str(other.page_count))
    differing = _differing(own.catalog, other.catalog)
    for key in sorted(differing & _CATALOG_KINDS.keys()):
        yield Difference(_CATALOG_KINDS[key])
    if actions := sorted(key.lstrip("/") for key in differing & _ACTIONS):
        yield Difference(DifferenceKind.ACTION, 0, "", ", ".join(actions))
    for page, (mine, theirs) in enumerate(zip(own.pages, other.pages, strict=False), 1):
        differing = _differing(mine, theirs)
        if "/Annots" in differing:
            told = [" ".join(f"{kind} {text}".split()) for at, kind, text in other.annotations if at == page]
            yield Difference(DifferenceKind.ANNOTATION, page, "", "; ".join(told))
        if "/AA" in differing:
            yield Difference(DifferenceKind.ACTION, page, "", "AA")
        if frames := sorted(key.lstrip("/") for key in differing & _FRAMES):
            yield Difference(DifferenceKind.SIZE, page, "-", ", ".join(frames))


def _differing(one: Any, other: Any) -> set[str]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def _xml_differences(contents: PdfContents, document: InvoiceDocument) -> Iterator[Difference]:
    """The XML for accounting programs must be that of the document too: they read it instead of the page."""
    own = write_xml(document, red_slip=document.red_slip)
    for content in contents.named(XML_NAME):
        if content == own:
            continue
        try:
            same = read_xml(content) == read_xml(own)
        except FormatError:
            same = False
        if not same:
            yield Difference(DifferenceKind.XML, 0, XML_NAME)


def _look_differences(look: dict[str, Any], moved: set[int]) -> Iterator[Difference]:
    """Differences to the eye. Of pages that were turned, cut or made larger, by number in `moved`, only the codes."""
    own_count, count = look["page_counts"]
    if own_count != count:
        yield Difference(DifferenceKind.PAGES, 0, str(own_count), str(count))
    for page in look["pages"]:
        number = int(page["page"])
        if "sizes_mm" in page:
            sizes = [f"{width} x {height} mm" for width, height in page["sizes_mm"]]
            yield Difference(DifferenceKind.SIZE, number, *sizes)
            moved.add(number)
        if page["codes"][0] != page["codes"][1] and (page["codes"][1] or not page.get("is_picture")):
            yield Difference(DifferenceKind.QR, number, *(" ".join(codes) for codes in page["codes"]))
        if page.get("is_picture") or number in moved:
            continue  # a picture has no words, and neither its strokes nor those of a moved page are in place
        texts = list(_text_differences(number, page.get("missing", []), page.get("added", [])))
        yield from texts
        if page["pictures"] > 0:
            yield Difference(DifferenceKind.PICTURE, number, "", str(page["pictures"]))
        if not page.get("is_redrawn"):
            is_explained = bool(texts) or page["pictures"] > 0 or page["codes"][0] != page["codes"][1]
            yield from _place_differences(number, page.get("places", []), texts, is_explained=is_explained)


def _place_differences(
    page: int, places: list[dict[str, Any]], texts: list[Difference], *, is_explained: bool
) -> Iterator[Difference]:
    """Places drawn otherwise that are not told as words, pictures or codes already; one a text."""
    told = " ".join(difference.expected for difference in texts)
    for place in places:
        x, y, width, height = place["at_mm"]
        where = f"{x}, {y} mm: {width} x {height} mm"
        near = place["near"]
        if near and near not in told:
            told += " " + near
            yield Difference(DifferenceKind.DRAWING, page, near, where)
        elif not near and not is_explained:
            yield Difference(DifferenceKind.MARK, page, "", where)


def _text_differences(page: int, missing: list[str], added: list[str]) -> Iterator[Difference]:
    """Lines that are gone or new; a new one that is much like a gone one is told as a change of it."""
    left = list(added)
    for line in missing:
        alike = get_close_matches(line, left, 1, ALIKE_MIN)
        if alike:
            left.remove(alike[0])
            yield Difference(DifferenceKind.TEXT_CHANGED, page, line, alike[0])
        else:
            yield Difference(DifferenceKind.TEXT_MISSING, page, line)
    for line in left:
        yield Difference(DifferenceKind.TEXT_ADDED, page, "", line)
