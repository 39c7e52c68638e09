"""What people do to the page of an invoice's PDF to make it show something else. The evidence inside stays as it is."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pypdf
import pypdfium2
import segno
from fpdf import FPDF
from PIL import Image
from pypdf.annotations import FreeText, Highlight
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    ByteStringObject,
    ContentStream,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from tests.documents.pdf_resaving import bytes_of, cloned

MARGIN_MM, CODE_TOP_MM, CODE_SIDE_MM = 10, 6, 24
RED = (255, 0, 0)


def with_text(pdf: bytes, old: str, new: str | None, *, page: int = 0) -> bytes:
    """Every text `old` of a page shown as `new`, in the page's own font; None leaves it out."""
    writer = cloned(pdf)
    found = writer.pages[page]
    glyphs = _glyphs(found)
    wanted = b"".join(glyphs[char] for char in old)
    contents = ContentStream(found["/Contents"].get_object(), writer)
    changed = []
    count = 0
    for operands, operator in contents.operations:
        if operator != b"Tj" or operands[0].original_bytes != wanted:
            changed.append((operands, operator))
            continue
        count += 1
        if new is not None:
            changed.append(([ByteStringObject(b"".join(glyphs[char] for char in new))], operator))
    assert count, f"{old} is not on the page"
    contents.operations = changed
    found[NameObject("/Contents")] = writer._add_object(contents)
    return bytes_of(writer)


def drawn_over(pdf: bytes, draw: Callable[[FPDF], object], *, page: int = 0) -> bytes:
    """Something drawn on top of a page."""
    writer = cloned(pdf)
    found = writer.pages[page]
    width, height = (float(side) / 72 * 25.4 for side in (found.mediabox.width, found.mediabox.height))
    layer = FPDF(unit="mm", format=(width, height))
    layer.set_auto_page_break(auto=False)
    layer.add_page()
    draw(layer)
    found.merge_page(pypdf.PdfReader(io.BytesIO(bytes(layer.output()))).pages[0])
    return bytes_of(writer)


def white_box(left_mm: float, top_mm: float, width_mm: float, height_mm: float) -> Callable[[FPDF], object]:
    def draw(layer: FPDF) -> None:
        layer.set_fill_color(255, 255, 255)
        layer.rect(left_mm, top_mm, width_mm, height_mm, style="F")

    return draw


def words(text: str, left_mm: float, top_mm: float) -> Callable[[FPDF], object]:
    def draw(layer: FPDF) -> None:
        layer.set_font("helvetica", size=9)
        layer.text(left_mm, top_mm, text)

    return draw


def picture(left_mm: float, top_mm: float) -> Callable[[FPDF], object]:
    return lambda layer: layer.image(Image.new("RGB", (20, 20), RED), x=left_mm, y=top_mm, w=12)


def another_code(text: str) -> Callable[[FPDF], object]:
    """A QR code over the one of the page."""

    def draw(layer: FPDF) -> None:
        white_box(MARGIN_MM, CODE_TOP_MM, CODE_SIDE_MM, CODE_SIDE_MM)(layer)
        layer.set_fill_color(0, 0, 0)
        matrix = segno.make_qr(text, error="m").matrix
        module = CODE_SIDE_MM / (len(matrix) + 8)
        for y, row in enumerate(matrix):
            for x, dark in enumerate(row):
                if dark:
                    layer.rect(MARGIN_MM + (x + 4) * module, CODE_TOP_MM + (y + 4) * module, module, module, style="F")

    return draw


def with_note(pdf: bytes) -> bytes:
    writer = cloned(pdf)
    box = (300.0, 100.0, 500.0, 130.0)
    writer.add_annotation(0, FreeText(text="PAID 999999.00", rect=box, font_color="ff0000"))
    return bytes_of(writer)


def with_highlight(pdf: bytes) -> bytes:
    writer = cloned(pdf)
    points = ArrayObject([FloatObject(at) for at in (300, 130, 500, 130, 300, 100, 500, 100)])
    writer.add_annotation(0, Highlight(rect=(300.0, 100.0, 500.0, 130.0), quad_points=points))
    return bytes_of(writer)


def with_field(pdf: bytes) -> bytes:
    """A text field that lies on the page."""
    writer = cloned(pdf)
    field = writer._add_object(
        DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Annot"),
                NameObject("/Subtype"): NameObject("/Widget"),
                NameObject("/FT"): NameObject("/Tx"),
                NameObject("/T"): TextStringObject("amount"),
                NameObject("/V"): TextStringObject("999999.00"),
                NameObject("/DA"): TextStringObject("/Helv 9 Tf 0 g"),
                NameObject("/Rect"): ArrayObject([FloatObject(at) for at in (400, 100, 520, 120)]),
                NameObject("/F"): NumberObject(4),
            }
        )
    )
    writer.pages[0][NameObject("/Annots")] = ArrayObject([field])
    form = {NameObject("/Fields"): ArrayObject([field]), NameObject("/NeedAppearances"): BooleanObject(True)}
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject(form)
    return bytes_of(writer)


def with_script(pdf: bytes) -> bytes:
    """A script that runs when the file is opened, among the names of the catalog as viewers keep them."""
    writer = cloned(pdf)
    script = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("this.dirty = true;")}
    listed = ArrayObject([TextStringObject("start"), writer._add_object(DictionaryObject(script))])
    names = writer.root_object["/Names"]
    names[NameObject("/JavaScript")] = DictionaryObject({NameObject("/Names"): listed})
    return bytes_of(writer)


def with_launch(pdf: bytes) -> bytes:
    writer = cloned(pdf)
    launch = {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("calc.exe")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(launch)
    return bytes_of(writer)


def with_layer(pdf: bytes) -> bytes:
    """Words in a layer that is off now and can be switched on, or is on where it is printed."""
    writer = cloned(pdf)
    group = writer._add_object(
        DictionaryObject({NameObject("/Type"): NameObject("/OCG"), NameObject("/Name"): TextStringObject("x")})
    )
    off = DictionaryObject({NameObject("/OFF"): ArrayObject([group])})
    writer.root_object[NameObject("/OCProperties")] = DictionaryObject(
        {NameObject("/OCGs"): ArrayObject([group]), NameObject("/D"): off}
    )
    page = writer.pages[0]
    page["/Resources"][NameObject("/Properties")] = DictionaryObject({NameObject("/L"): group})
    old = page["/Contents"].get_object().get_data()
    stream = DecodedStreamObject()
    stream.set_data(old + b"\n/OC /L BDC 1 0 0 rg 300 100 200 40 re f EMC")
    page[NameObject("/Contents")] = writer._add_object(stream)
    return bytes_of(writer)


def as_portfolio(pdf: bytes) -> bytes:
    writer = cloned(pdf)
    writer.add_attachment("other.pdf", pdf)
    writer.root_object[NameObject("/Collection")] = DictionaryObject({NameObject("/D"): TextStringObject("other.pdf")})
    return bytes_of(writer)


def with_page_of(pdf: bytes, other: bytes) -> bytes:
    writer = cloned(pdf)
    writer.add_page(pypdf.PdfReader(io.BytesIO(other)).pages[0])
    return bytes_of(writer)


def with_pages_of(pdf: bytes, other: bytes) -> bytes:
    """The evidence of one beside the page of the other."""
    writer = cloned(other)
    for attachment in pypdf.PdfReader(io.BytesIO(pdf)).attachment_list:
        for own in writer.attachment_list:
            if own.name == attachment.name:
                own.content = attachment.content
    return bytes_of(writer)


def without_last_page(pdf: bytes) -> bytes:
    writer = cloned(pdf)
    del writer.pages[len(writer.pages) - 1]
    return bytes_of(writer)


def as_one_drawing(pdf: bytes) -> bytes:
    """The page's content as one drawing on a page of another program, as printing to PDF makes it: it looks alike."""
    writer = cloned(pdf)
    page = writer.pages[0]
    form = DecodedStreamObject()
    form.set_data(page["/Contents"].get_object().get_data())
    form[NameObject("/Type")] = NameObject("/XObject")
    form[NameObject("/Subtype")] = NameObject("/Form")
    form[NameObject("/BBox")] = page["/MediaBox"]
    form[NameObject("/Resources")] = page["/Resources"]
    drawings = DictionaryObject({NameObject("/X"): writer._add_object(form)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): drawings})
    stream = DecodedStreamObject()
    stream.set_data(b"/X Do")
    page[NameObject("/Contents")] = writer._add_object(stream)
    return bytes_of(writer)


def made_smaller(pdf: bytes) -> bytes:
    """Printed at 97 % on a page of the same size, as printers do that keep a margin."""
    writer = cloned(pdf)
    for page in writer.pages:
        width, height = float(page.mediabox.width), float(page.mediabox.height)
        page.add_transformation((0.97, 0, 0, 0.97, 0.015 * width, 0.015 * height))
    return bytes_of(writer)


def as_picture(pdf: bytes) -> bytes:
    """A page of pixels, as a scanner writes it, with the attachments of the original."""
    source = pypdfium2.PdfDocument(pdf)
    shown = source[0].render(scale=3).to_pil()
    source.close()
    buffer = io.BytesIO()
    shown.save(buffer, "PDF", resolution=216)
    writer = cloned(buffer.getvalue())
    for attachment in pypdf.PdfReader(io.BytesIO(pdf)).attachment_list:
        writer.add_attachment(attachment.name, attachment.content)
    return bytes_of(writer)


def turned(pdf: bytes) -> bytes:
    writer = cloned(pdf)
    writer.pages[0].rotate(180)
    return bytes_of(writer)


def cut(pdf: bytes) -> bytes:
    """Only the upper half of the page is shown."""
    writer = cloned(pdf)
    page = writer.pages[0]
    page.cropbox.lower_left = (0, float(page.mediabox.height) / 2)
    return bytes_of(writer)


def with_attachment(pdf: bytes, name: str, content: bytes) -> bytes:
    """The attachment of that name with another content."""
    writer = cloned(pdf)
    count = 0
    for attachment in writer.attachment_list:
        if attachment.name == name:
            attachment.content = content
            count += 1
    assert count == 1
    return bytes_of(writer)


def _glyphs(page: pypdf.PageObject) -> dict[str, bytes]:
    """Two bytes a character, as the page's font numbers them."""
    (font,) = page["/Resources"]["/Font"].values()
    table = font.get_object()["/ToUnicode"].get_object().get_data().decode("ascii")
    pairs = re.findall(r"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4,8})>", table)
    return {bytes.fromhex(text).decode("utf-16-be"): bytes.fromhex(glyph) for glyph, text in pairs}
