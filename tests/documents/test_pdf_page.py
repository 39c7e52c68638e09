"""The page of an invoice's PDF against the document its evidence proves: copies, edits, prints of other programs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from ledger.documents import EVIDENCE_NAME, pdf_page, write_pdf, write_xml
from ledger.documents.invoice_pdf import XML_NAME
from ledger.documents.pdf_evidence import look_into, read_evidence
from ledger.documents.pdf_page import PageReport, compare_page
from ledger.documents.pdf_structure import Limits, describe
from ledger.documents.pdf_words import (
    DIFFERENCE_WORDS,
    EXIT_CODES,
    REASON_WORDS,
    VERDICT_WORDS,
    DifferenceKind,
    PageReason,
    PdfVerdict,
)
from ledger.domain.invoice import InvoiceDocument
from tests.documents import pdf_edits as edits
from tests.documents.making import ADDRESS, COMMITMENT, invoice
from tests.documents.pdf_resaving import RESAVINGS, ordered_for_the_web, saved_again, with_object_streams

pytestmark = pytest.mark.slow  # a page is drawn by processes of their own
ROOT = Path(__file__).parents[2]
EVIDENCE = b'{"a":1}'
DOCUMENT, RED, LONG = invoice(), invoice(red=True), invoice(120)
LONG_AMOUNT = "¥38287.20"


@cache
def written(document: InvoiceDocument, *, address: str = ADDRESS, commitment: bytes = COMMITMENT) -> bytes:
    files = [(EVIDENCE_NAME, "application/json", EVIDENCE), (XML_NAME, "application/xml", write_xml(document))]
    return write_pdf(document, commitment=commitment, check_address=address, attachments=files)


PDF = written(DOCUMENT)


def compared(pdf: bytes, document: InvoiceDocument = DOCUMENT, *, check_address: str | None = None) -> PageReport:
    contents = look_into(pdf)
    assert contents.evidence == EVIDENCE
    return compare_page(pdf, contents, document, COMMITMENT, check_address=check_address)


def kinds(report: PageReport) -> set[DifferenceKind]:
    return {one.kind for one in report.differences}


def test_the_page_as_it_was_written_is_the_same() -> None:
    report = compared(PDF)
    assert (report.reason, report.differences, report.check_address) == (PageReason.SAME, (), ADDRESS)


def test_an_edited_amount_is_named_with_what_the_evidence_has() -> None:
    report = compared(edits.with_text(PDF, "¥319.06", "¥391.06"))
    (difference,) = report.differences
    assert report.reason is PageReason.DIFFERS
    assert (difference.kind, difference.page) == (DifferenceKind.TEXT_CHANGED, 1)
    assert "¥391.06" in difference.found
    assert "¥319.06" in difference.expected
    assert "¥391.06" in difference.text("en")
    assert "¥391.06" in difference.text("zh")


@pytest.mark.parametrize("resave", RESAVINGS)
@pytest.mark.parametrize("document", [RED, LONG], ids=["red", "long"])
def test_a_copy_saved_again_is_the_same(resave: Callable[[bytes], bytes], document: InvoiceDocument) -> None:
    copy = resave(written(document))
    assert compared(copy, document) == PageReport(PageReason.SAME, (), ADDRESS)


def test_the_copies_are_of_the_forms_they_stand_for() -> None:
    assert b"/ObjStm" in with_object_streams(PDF)
    assert b"trailer" not in with_object_streams(PDF)
    assert ordered_for_the_web(PDF).index(b"/Linearized") < 100
    assert ordered_for_the_web(PDF).count(b"xref\n0 1\n") == 2


EDITS: dict[str, tuple[Callable[[bytes], bytes], DifferenceKind, str]] = {
    "name": (
        lambda pdf: edits.with_text(pdf, "上海示例科技有限公司", "上海示例软件有限公司"),
        DifferenceKind.TEXT_CHANGED,
        "上海示例软件有限公司",
    ),
    "number": (
        lambda pdf: edits.with_text(pdf, "94403260911000000001", "94403260911000000002"),
        DifferenceKind.TEXT_CHANGED,
        "94403260911000000002",
    ),
    "line gone": (lambda pdf: edits.with_text(pdf, "张三", None), DifferenceKind.TEXT_CHANGED, "张三"),
    "words": (
        lambda pdf: edits.drawn_over(pdf, edits.words("PAID 999.00", 100, 118)),
        DifferenceKind.TEXT_ADDED,
        "PAID 999.00",
    ),
    "white box": (
        lambda pdf: edits.drawn_over(pdf, edits.white_box(185, 95, 14, 6)),
        DifferenceKind.DRAWING,
        "¥319.06",
    ),
    "decimal point": (
        lambda pdf: edits.drawn_over(pdf, edits.white_box(193.4, 99.6, 0.6, 0.6)),
        DifferenceKind.DRAWING,
        "¥319.06",
    ),
    "picture": (lambda pdf: edits.drawn_over(pdf, edits.picture(150, 110)), DifferenceKind.PICTURE, "1"),
    "stroke": (
        lambda pdf: edits.drawn_over(pdf, lambda layer: layer.line(120, 110, 160, 115)),
        DifferenceKind.MARK,
        "119, 109 mm",
    ),
    "another code": (
        lambda pdf: edits.drawn_over(pdf, edits.another_code("https://evil.example/check?hash=00")),
        DifferenceKind.QR,
        "https://evil.example/check?hash=00",
    ),
    "no code": (lambda pdf: edits.drawn_over(pdf, edits.white_box(10, 6, 24, 24)), DifferenceKind.QR, ""),
    "a second code": (
        lambda pdf: edits.drawn_over(
            edits.drawn_over(pdf, edits.another_code("https://evil.example/")), edits.picture(150, 110)
        ),
        DifferenceKind.QR,
        "https://evil.example/",
    ),
    "note": (edits.with_note, DifferenceKind.ANNOTATION, "PAID 999999.00"),
    "highlight": (edits.with_highlight, DifferenceKind.ANNOTATION, "Highlight"),
    "field": (edits.with_field, DifferenceKind.FIELD, ""),
    "script": (edits.with_script, DifferenceKind.ACTION, "JavaScript"),
    "launch": (edits.with_launch, DifferenceKind.ACTION, "OpenAction"),
    "layer": (edits.with_layer, DifferenceKind.LAYER, ""),
    "portfolio": (edits.as_portfolio, DifferenceKind.PORTFOLIO, ""),
    "page added": (lambda pdf: edits.with_page_of(pdf, pdf), DifferenceKind.PAGES, "2"),
    "turned": (edits.turned, DifferenceKind.SIZE, "Rotate"),
    "cut": (edits.cut, DifferenceKind.SIZE, "210 x 70 mm"),
    "xml": (
        lambda pdf: edits.with_attachment(pdf, XML_NAME, write_xml(invoice(2))),
        DifferenceKind.XML,
        "",
    ),
    "broken xml": (lambda pdf: edits.with_attachment(pdf, XML_NAME, b"<x"), DifferenceKind.XML, ""),
    "another invoice": (
        lambda pdf: edits.with_pages_of(pdf, written(invoice(2))),
        DifferenceKind.TEXT_CHANGED,
        "¥638.12",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_reported_and_named(name: str) -> None:
    edit, kind, told = EDITS[name]
    for pdf in (edit(PDF), saved_again(edit(PDF))):
        report = compared(pdf)
        assert report.reason is PageReason.DIFFERS
        assert any(one.kind is kind and told in one.found + one.expected for one in report.differences), report


@pytest.mark.parametrize(
    ("edit", "kind", "page"),
    [
        (lambda pdf: edits.with_text(pdf, "301.00", "310.00", page=1), DifferenceKind.TEXT_CHANGED, 2),
        (lambda pdf: edits.drawn_over(pdf, edits.white_box(100, 60, 60, 8), page=2), DifferenceKind.DRAWING, 3),
        (edits.without_last_page, DifferenceKind.PAGES, 0),
        (lambda pdf: written(invoice(121)), DifferenceKind.TEXT_CHANGED, 3),
    ],
)
def test_an_edit_of_a_later_page_names_that_page(
    edit: Callable[[bytes], bytes], kind: DifferenceKind, page: int
) -> None:
    report = compared(edit(written(LONG)), LONG)
    assert report.reason is PageReason.DIFFERS
    assert (kind, page) in {(one.kind, one.page) for one in report.differences}


@pytest.mark.parametrize("document", [RED, LONG], ids=["red", "long"])
def test_another_document_than_the_evidences_differs(document: InvoiceDocument) -> None:
    assert compared(PDF, document).reason is PageReason.DIFFERS
    assert compared(written(document), document).reason is PageReason.SAME


def test_a_print_of_another_program_is_not_called_the_same() -> None:
    printed = edits.as_one_drawing(PDF)
    assert compared(printed) == PageReport(PageReason.WRITTEN_OTHERWISE, (), ADDRESS)
    assert compared(edits.drawn_over(printed, edits.white_box(185, 95, 14, 6))).reason is PageReason.DIFFERS


def test_a_smaller_print_is_not_compared_stroke_by_stroke() -> None:
    printed = edits.made_smaller(PDF)
    assert compared(printed).reason is PageReason.WRITTEN_OTHERWISE
    edited = compared(edits.made_smaller(edits.with_text(PDF, "¥319.06", "¥391.06")))
    assert (edited.reason, kinds(edited)) == (PageReason.DIFFERS, {DifferenceKind.TEXT_CHANGED})


def test_a_picture_of_the_page_is_not_compared_but_its_code_is() -> None:
    assert compared(edits.as_picture(PDF)).reason is PageReason.PICTURE
    other = edits.as_picture(edits.drawn_over(PDF, edits.another_code("https://evil.example/check?hash=00")))
    report = compared(other)
    assert (report.reason, kinds(report)) == (PageReason.DIFFERS, {DifferenceKind.QR})


def test_a_known_address_is_compared_and_an_unknown_one_named() -> None:
    assert compared(PDF, check_address=ADDRESS + "/") == PageReport(PageReason.SAME, (), ADDRESS, address_compared=True)
    elsewhere = written(DOCUMENT, address="https://evil.example")
    report = compared(elsewhere, check_address=ADDRESS)
    assert (report.reason, kinds(report)) == (PageReason.DIFFERS, {DifferenceKind.ADDRESS})
    assert compared(elsewhere) == PageReport(PageReason.SAME, (), "https://evil.example")


def test_a_code_of_another_address_than_the_printed_one_differs() -> None:
    code = f"https://evil.example/check?hash=00{COMMITMENT.hex()}&bill_num={DOCUMENT.number}&total_amount=31906"
    report = compared(edits.drawn_over(PDF, edits.another_code(code)))
    assert (report.reason, kinds(report)) == (PageReason.DIFFERS, {DifferenceKind.QR})


def test_pages_beyond_those_drawn_are_compared_by_parts_and_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_page, "PAGES_DRAWN_MAX", 0)
    assert compared(PDF).reason is PageReason.SAME
    assert compared(edits.drawn_over(PDF, edits.white_box(185, 95, 14, 6))).reason is PageReason.WRITTEN_OTHERWISE
    assert compared(edits.with_text(PDF, "¥319.06", "¥391.06")).reason is PageReason.DIFFERS


def test_the_page_is_drawn_as_it_was() -> None:
    """A change here, as by an update of a library, makes the pages of all earlier PDFs `page_written_otherwise`."""
    found = describe(PDF, Limits(16, 4_000_000, 10), frozenset())
    digest = hashlib.sha256(json.dumps([found["catalog"], found["pages"]], sort_keys=True).encode()).hexdigest()
    assert digest == "3cab055e39a4038d39ef98bba9da708d778a47df510845fb5874d76a05c07fd3"


def test_reading_the_evidence_needs_no_page() -> None:
    assert read_evidence(edits.as_picture(PDF)) == EVIDENCE


def test_a_document_that_cannot_be_written_out_is_not_compared() -> None:
    report = compared(PDF, replace(DOCUMENT, number="", issued_on=None))
    assert report.reason is PageReason.UNKNOWN_DOCUMENT


def test_every_word_is_there_in_both_languages_and_documented() -> None:
    page = (ROOT / "docs" / "DOCUMENTS.md").read_text(encoding="utf-8")
    tables = ((REASON_WORDS, PageReason), (DIFFERENCE_WORDS, DifferenceKind), (VERDICT_WORDS, PdfVerdict))
    for words, codes in tables:
        assert set(words) == set(codes)
        for code, (chinese, english) in words.items():
            assert re.search("[\u4e00-\u9fff]", chinese), code
            fields = [set(re.findall(r"\{([a-z]+)", text)) for text in (chinese, english)]
            assert fields[0] == fields[1], code
            assert f"`{code.value}`" in page, code
    for verdict, code in EXIT_CODES.items():
        assert f"| {code} | `{verdict.value}` |" in page
