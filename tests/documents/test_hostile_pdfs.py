"""PDFs made to hurt whoever looks into them: each gets a named answer within the limits, and never a verdict."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pypdf
import pytest
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
)

from ledger.documents import DocumentsError, PdfRefusedError
from ledger.documents.pdf_evidence import INSIDE_MAX, look_into
from ledger.documents.pdf_page import compare_page
from ledger.documents.pdf_words import PageReason
from tests.documents.making import COMMITMENT, invoice
from tests.documents.pdf_resaving import bytes_of, cloned
from tests.documents.test_pdf_page import DOCUMENT, EVIDENCE, PDF, compared

BOMB = zlib.compress(bytes(300 << 20), 9)


def code_of(pdf: bytes) -> str:
    with pytest.raises(DocumentsError) as caught:
        assert look_into(pdf).evidence == EVIDENCE
    assert caught.value.message_en
    assert caught.value.message_zh
    return caught.value.code


def bomb() -> StreamObject:
    """300 KB that unpack to 300 MB."""
    stream = DecodedStreamObject()
    stream.set_data(b"x")
    packed = stream.flate_encode()
    packed._data = BOMB
    return packed


def with_content(content: bytes | StreamObject, pdf: bytes = PDF) -> bytes:
    writer = cloned(pdf)
    stream = content
    if isinstance(content, bytes):
        stream = DecodedStreamObject()
        stream.set_data(content)
    writer.pages[0][NameObject("/Contents")] = writer._add_object(stream)
    return bytes_of(writer)


def with_resources(value: object) -> bytes:
    writer = cloned(PDF)
    writer.pages[0]["/Resources"][NameObject("/Pattern")] = value
    return bytes_of(writer)


def nested(depth: int) -> bytes:
    """Arrays in arrays, written as bytes: our own writer would recurse over them."""
    marked = with_resources(NumberObject(424242))
    return marked.replace(b"424242", b"[" * depth + b"]" * depth)


def test_an_attachment_that_unpacks_to_300_mb_is_refused() -> None:
    writer = cloned(PDF)
    (evidence,) = [one for one in writer.attachment_list if one.name == "evidence.json"]
    evidence._embedded_file._data = BOMB
    assert code_of(bytes_of(writer)) in ("pdf_broken", "evidence_size")


@pytest.mark.slow
def test_a_page_that_unpacks_to_300_mb_is_not_called_the_same() -> None:
    pdf = with_content(bomb())
    assert look_into(pdf).evidence == EVIDENCE
    assert compared(pdf).reason is PageReason.DIFFERS  # nothing of the invoice is on it


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_nesting_ends_with_an_answer(depth: int) -> None:
    assert code_of(nested(depth)) in ("pdf_costly", "pdf_broken")
    assert look_into(nested(10)).evidence == EVIDENCE


def test_ten_thousand_attachments_are_too_many() -> None:
    writer = cloned(PDF)
    tree = writer.root_object["/Names"]["/EmbeddedFiles"]
    listed = tree["/Names"]
    (first,) = [listed[at + 1] for at in range(0, len(listed), 2) if listed[at] == "evidence.json"]
    tree[NameObject("/Names")] = ArrayObject([item for at in range(10_000) for item in (_text(f"{at}.json"), first)])
    assert code_of(bytes_of(writer)) == "pdf_attachments"


def test_a_few_more_attachments_do_no_harm() -> None:
    writer = cloned(PDF)
    for at in range(INSIDE_MAX - 2):
        writer.add_attachment(f"{at}.txt", b"x")
    assert look_into(bytes_of(writer)).evidence == EVIDENCE
    writer.add_attachment("more.txt", b"x")
    assert code_of(bytes_of(writer)) == "pdf_attachments"


@pytest.mark.parametrize("content", [EVIDENCE, b"{}"])
def test_several_evidence_files_are_not_chosen_from(content: bytes) -> None:
    writer = cloned(PDF)
    writer.add_attachment("evidence.json", content)
    assert code_of(bytes_of(writer)) == "evidence_twice"


def test_an_encrypted_file_is_refused_also_when_it_opens_without_a_word() -> None:
    for user in ("", "secret"):
        writer = cloned(PDF)
        writer.encrypt(user_password=user, owner_password="owner", algorithm="AES-256")
        assert code_of(bytes_of(writer)) == "pdf_locked"


def test_pages_that_lead_to_themselves_end_with_an_answer() -> None:
    writer = cloned(PDF)
    pages = writer.root_object["/Pages"]
    pages[NameObject("/Kids")] = ArrayObject([*pages["/Kids"], writer.root_object.raw_get("/Pages")])
    assert ends(bytes_of(writer))


def test_a_resource_that_leads_to_itself_ends_with_an_answer() -> None:
    writer = cloned(PDF)
    loop = DictionaryObject()
    place = writer._add_object(loop)
    loop[NameObject("/Self")] = place
    writer.pages[0]["/Resources"][NameObject("/Pattern")] = loop
    pdf = bytes_of(writer)
    assert look_into(pdf).evidence == EVIDENCE
    assert compared(pdf).reason is PageReason.WRITTEN_OTHERWISE


@pytest.mark.slow
def test_a_drawing_that_draws_itself_ends_with_an_answer() -> None:
    writer = cloned(PDF)
    form = DecodedStreamObject()
    form.set_data(b"/X Do /X Do")
    place = writer._add_object(form)
    drawings = DictionaryObject({NameObject("/X"): place})
    form.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): ArrayObject([FloatObject(at) for at in (0, 0, 500, 500)]),
            NameObject("/Resources"): DictionaryObject({NameObject("/XObject"): drawings}),
        }
    )
    page = writer.pages[0]
    page["/Resources"][NameObject("/XObject")] = drawings
    stream = DecodedStreamObject()
    stream.set_data(page["/Contents"].get_object().get_data() + b"\n/X Do")
    page[NameObject("/Contents")] = writer._add_object(stream)
    assert compared(bytes_of(writer)).reason is not PageReason.SAME


@pytest.mark.parametrize("side", [0, 1e9, -5])
def test_pages_of_any_size_end_with_an_answer(side: float) -> None:
    writer = cloned(PDF)
    writer.pages[0][NameObject("/MediaBox")] = ArrayObject([FloatObject(at) for at in (0, 0, side, side)])
    assert compared(bytes_of(writer)).reason in (PageReason.DIFFERS, PageReason.UNREADABLE, PageReason.COSTLY)


@pytest.mark.slow
def test_a_page_that_takes_minutes_to_show_is_costly() -> None:
    line = b"0 0 m 595 397 l 0 397 l 595 0 l 300 397 l 10 10 l f*\n"
    pdf = with_content(b"/DeviceRGB cs " + line * 3_000 + b" 0.3 w [0.01 0.01] 0 d " + line.replace(b"f*", b"S") * 400)
    report = compared(pdf)
    assert report.reason in (PageReason.COSTLY, PageReason.DIFFERS)


@pytest.mark.slow
def test_a_picture_of_3_600_million_pixels_is_not_unpacked() -> None:
    writer = cloned(PDF)
    image = bomb()
    image.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(60_000),
            NameObject("/Height"): NumberObject(60_000),
            NameObject("/BitsPerComponent"): NumberObject(8),
            NameObject("/ColorSpace"): NameObject("/DeviceRGB"),
        }
    )
    page = writer.pages[0]
    page["/Resources"][NameObject("/XObject")] = DictionaryObject({NameObject("/I"): writer._add_object(image)})
    stream = DecodedStreamObject()
    stream.set_data(page["/Contents"].get_object().get_data() + b"\nq 500 0 0 300 0 0 cm /I Do Q")
    page[NameObject("/Contents")] = writer._add_object(stream)
    assert compared(bytes_of(writer)).reason is not PageReason.SAME


@pytest.mark.slow
def test_a_hundred_thousand_pages_end_with_an_answer() -> None:
    writer = cloned(PDF)
    pages = writer.root_object["/Pages"]
    pages[NameObject("/Kids")] = ArrayObject([pages["/Kids"][0]] * 90_000)
    pages[NameObject("/Count")] = NumberObject(90_000)
    assert ends(bytes_of(writer))


def test_a_program_that_cannot_be_started_in_time_says_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.formats.image_process.WAIT_S_MAX", 0)
    monkeypatch.setattr("ledger.documents.pdf_evidence._PROCESSES", _Taken())
    assert code_of(PDF) == "pdf_busy"


def test_a_program_over_its_time_says_costly(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = look_into(PDF)
    monkeypatch.setattr("ledger.documents.pdf_evidence.PDF_CPU_S_MAX", 0)
    with pytest.raises(PdfRefusedError) as caught:
        look_into(PDF)
    assert caught.value.code == "pdf_costly"
    assert compare_page(PDF, contents, DOCUMENT, COMMITMENT).reason is PageReason.COSTLY
    assert compare_page(PDF, contents, invoice(80), COMMITMENT).reason is PageReason.DIFFERS  # its page count says so


class _Taken:
    def acquire(self, timeout: float) -> bool:
        return False


def ends(pdf: bytes) -> bool:
    """Whether looking into a file ends: refused by name, or with a page that is not the same."""
    try:
        contents = look_into(pdf)
    except DocumentsError as err:
        return err.code in ("pdf_broken", "pdf_costly", "evidence_missing")
    assert contents.evidence == EVIDENCE
    return compare_page(pdf, contents, DOCUMENT, COMMITMENT).reason is not PageReason.SAME


def _text(value: str) -> pypdf.generic.TextStringObject:
    return pypdf.generic.TextStringObject(value)


DAMAGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda pdf: pdf[: len(pdf) // 2],
    lambda pdf: pdf.replace(b"startxref", b"startxxxx"),
    lambda pdf: pdf.replace(b"/Root", b"/Rooo"),
    lambda pdf: pdf + b"\nstartxref\n99999999\n%%EOF\n",
    lambda pdf: pdf.replace(b"endobj", b"      ", 5),
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_or_mended_but_never_another_page(damage: Callable[[bytes], bytes]) -> None:
    pdf = damage(PDF)
    assert ends(pdf) or compared(pdf).reason is PageReason.SAME


def test_the_copy_of_a_file_with_bytes_behind_it_is_the_same() -> None:
    assert compared(PDF + b"\n" * 40).reason is PageReason.SAME
