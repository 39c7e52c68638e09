from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ledger.documents import NotWritableError, write_xml
from ledger.documents import invoice_xml as module
from ledger.domain.invoice import InvoiceDocument, RateMark
from ledger.formats import read_xml
from ledger.formats.xml_tree import XML_SIZE_MAX
from tests.documents.making import BLUE_NUMBER, documents, invoice, with_first_line

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples" / "xml"
with_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample folder ../shared/samples is not there")


@given(document=documents(), slip=st.from_regex(r"[0-9]{0,20}", fullmatch=True))
@settings(max_examples=60)
def test_what_is_written_reads_back_the_same(document: InvoiceDocument, slip: str) -> None:
    red_slip = slip if document.original else ""
    read = read_xml(write_xml(document, red_slip=red_slip))
    assert read.document == document
    assert read.red_slip == red_slip
    assert {warning.code for warning in read.warnings} <= {
        "rate_mark_assumed",
        "number_in_our_space",
        *(one.code for one in read.warnings if one.path.endswith("tax_id")),
    }


def test_a_red_invoice_names_its_blue_and_its_slip() -> None:
    read = read_xml(write_xml(invoice(red=True), red_slip="44030000260000000001"))
    assert read.original is not None
    assert read.original.number == BLUE_NUMBER
    assert read.red_slip == "44030000260000000001"
    blue = read_xml(write_xml(invoice(), red_slip="44030000260000000001"))
    assert (blue.original, blue.red_slip) == (None, "")


def test_the_same_document_gives_the_same_bytes_and_another_does_not() -> None:
    assert write_xml(invoice(3)) == write_xml(invoice(3))
    assert write_xml(invoice(3)) != write_xml(with_first_line(invoice(3), name="别的"))


def test_a_draft_is_not_written() -> None:
    with pytest.raises(NotWritableError) as caught:
        write_xml(replace(invoice(), number="", issued_on=None))
    assert caught.value.code == "draft"
    assert "先开具" in caught.value.message_zh


def test_the_largest_invoice_is_read_back_and_a_larger_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    large = invoice(2_000, note="")
    data = write_xml(large)
    assert read_xml(data).document == large
    assert module.XML_SIZE_MAX == XML_SIZE_MAX
    monkeypatch.setattr(module, "XML_SIZE_MAX", len(data))
    assert write_xml(large) == data
    monkeypatch.setattr(module, "XML_SIZE_MAX", len(data) - 1)
    with pytest.raises(NotWritableError) as caught:
        write_xml(large)
    assert caught.value.values == {"count": len(data), "limit": len(data) - 1}


def test_what_the_tree_has_no_place_for_is_what_the_page_says() -> None:
    """Blanks in a row, and the rate of a line taxed on a difference: nothing else is lost (docs/DOCUMENTS.md)."""
    wide = with_first_line(invoice(), name="软件  维护")
    assert read_xml(write_xml(wide)).document == with_first_line(invoice(), name="软件 维护")
    marked = with_first_line(invoice(), rate_mark=RateMark.DIFFERENCE, tax_fen=1806)
    line = read_xml(write_xml(marked)).document.lines[0]
    assert (line.rate_mark, line.tax_fen) == (RateMark.DIFFERENCE, 1806)


def test_hostile_texts_stay_texts() -> None:
    evil = ']]><!DOCTYPE x [<!ENTITY a "b">]>&a;</ItemName>'
    assert read_xml(write_xml(with_first_line(invoice(), name=evil))).document.lines[0].name == evil


@with_samples
@pytest.mark.parametrize(
    "name", ["mof-official-gd-special.xml", "einvoice-xml2pdf-demo.xml", "file-toolbox-sample_einvoice.xml"]
)
def test_real_files_are_written_again_with_the_elements_they_had(name: str) -> None:
    """Every element with a text that both have is at the same place in the tree; ours has none that no real one has."""
    original = (SAMPLES / name).read_bytes()
    read = read_xml(original)
    assert read.document is not None
    written = write_xml(read.document)
    assert read_xml(written).document == read.document
    real = set().union(*(_paths((SAMPLES / one).read_bytes()) for one in REAL))
    assert _paths(written) - real == {"EInvoice/EInvoiceData/IssuItemInformation/LineNature"}


REAL = ("mof-official-gd-special.xml", "einvoice-xml2pdf-demo.xml", "file-toolbox-sample_einvoice.xml")


def _paths(data: bytes) -> set[str]:
    root = etree.fromstring(data)
    tree = root.getroottree()
    return {re.sub(r"\[[0-9]+\]", "", tree.getpath(one)).lstrip("/") for one in root.iter(etree.Element)}
