"""The PDFs of a real ledger after people passed them on: copies are the same invoice, edits are caught by the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.documents import EVIDENCE_NAME, read_evidence, write_pdf
from ledger.documents.invoice_pdf import XML_NAME
from ledger.documents.pdf_check import PdfReport, check_pdf
from ledger.documents.pdf_words import DifferenceKind, PageReason, PdfVerdict
from ledger.domain.document import parse_document
from ledger.service.outside_facts import item_of_qr
from tests.documents import pdf_edits as edits
from tests.documents.pdf_resaving import RESAVINGS
from tests.service.world import must
from verifier.canonical import dumps, loads
from verifier.parsing import parse
from verifier.trust import parse_trust

PAGES_LONG = 90


def checked(world, pdf: bytes, **options) -> PdfReport:
    return check_pdf(pdf, parse_trust(dumps(world.ledger.trust())), **options)


@pytest.fixture(scope="module")
def papers(world, cast) -> dict[str, tuple[str, bytes]]:
    """Number and PDF of a blue, a red with a slip, its blue, and a blue of many pages."""
    ledger = world.ledger
    found: dict[str, tuple[str, bytes]] = {}

    def paper(name: str, number: str) -> None:
        found[name] = number, ledger.papers.document(cast.seller, number).data

    paper("blue", world.issued(cast.seller, buyer=cast.employer, net_fen=12_300))
    reddened = world.issued(cast.seller, cast.claimant, buyer=cast.employer)
    claim = world.claimed(cast.claimant, cast.employer, reddened)
    must(ledger.approve_claim(cast.cashier, claim, numbers=None, payment_reference="FK-1", idempotency_key=world.key()))
    must(ledger.red_letters.open_slip(cast.seller, reddened, reason="return", idempotency_key=world.key()))
    must(ledger.red_letters.confirm_slip(cast.cashier, reddened, idempotency_key=world.key()))
    red = must(ledger.red_letters.issue_red(cast.seller, reddened, reason="return", idempotency_key=world.key()))
    paper("red", next(one for one in red.numbers if one != reddened))
    paper("reddened", reddened)
    line = {"name": "*餐饮服务*餐费", "net_fen": 10_000, "rate_bp": 600, "tax_fen": 600}
    sums = {"net_fen": 10_000 * PAGES_LONG, "tax_fen": 600 * PAGES_LONG, "gross_fen": 10_600 * PAGES_LONG}
    draft = world.draft(cast.employer, lines=[line] * PAGES_LONG, note="长备注\n" * 30, **sums)
    paper("long", must(ledger.issue(cast.seller, draft, idempotency_key=world.key())).numbers[0])
    return found


@pytest.mark.parametrize("name", ["blue", "red", "reddened", "long"])
def test_a_pdf_of_the_ledger_is_valid_with_its_page(world, papers, name):
    number, pdf = papers[name]
    report = checked(world, pdf, check_address=world.settings.public_url)
    assert (report.verdict, report.exit_code, report.evidence.number) == (PdfVerdict.VALID, 0, number)
    assert report.page.reason is PageReason.SAME


def test_a_slip_of_a_red_stands_on_its_page_and_in_its_evidence(world, papers):
    _, pdf = papers["red"]
    shown = parse(read_evidence(pdf)).document.fields()
    assert len(str(shown["red_slip"])) == 64


@pytest.mark.slow
@pytest.mark.parametrize("resave", RESAVINGS)
@pytest.mark.parametrize("name", ["long"])  # tests/documents/test_pdf_page.py has the pages of the others
def test_a_copy_saved_again_is_the_same_invoice(world, papers, name: str, resave: Callable[[bytes], bytes]):
    number, pdf = papers[name]
    copy = resave(pdf)
    assert copy != pdf
    report = checked(world, copy, check_address=world.settings.public_url)
    assert (report.verdict, report.evidence.number) == (PdfVerdict.VALID, number)


def test_a_pdf_downloaded_again_is_the_same_invoice_as_of_a_later_block(world, cast, papers):
    number, pdf = papers["blue"]
    world.issued(cast.seller)
    again = world.ledger.papers.document(cast.employer, number).data
    assert again != pdf
    first, second = checked(world, pdf), checked(world, again)
    assert (first.verdict, first.evidence.number) == (second.verdict, second.evidence.number)
    assert first.evidence.block < second.evidence.block
    assert first.page == second.page


EDITS = {
    "amount": (lambda pdf: edits.with_text(pdf, "¥130.38", "¥183.03"), DifferenceKind.TEXT_CHANGED),
    "name": (lambda pdf: edits.with_text(pdf, "雇主公司", "主雇公司"), DifferenceKind.TEXT_CHANGED),
    "words": (lambda pdf: edits.drawn_over(pdf, edits.words("PAID", 60, 88)), DifferenceKind.TEXT_ADDED),
    "white box": (lambda pdf: edits.drawn_over(pdf, edits.white_box(185, 95, 14, 6)), DifferenceKind.DRAWING),
    "picture": (lambda pdf: edits.drawn_over(pdf, edits.picture(150, 110)), DifferenceKind.PICTURE),
    "code": (lambda pdf: edits.drawn_over(pdf, edits.another_code("https://x.example/")), DifferenceKind.QR),
    "note": (edits.with_note, DifferenceKind.ANNOTATION),
    "field": (edits.with_field, DifferenceKind.FIELD),
    "page": (lambda pdf: edits.with_page_of(pdf, pdf), DifferenceKind.PAGES),
    "script": (edits.with_script, DifferenceKind.ACTION),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
def test_an_edited_page_differs_from_valid_evidence(world, papers, name: str):
    edit, kind = EDITS[name]
    number, pdf = papers["blue"]
    report = checked(world, edit(pdf))
    assert report.evidence.verdict.value == "valid"
    assert (report.verdict, report.exit_code, report.evidence.number) == (PdfVerdict.PAGE_DIFFERS, 3, number)
    assert kind in {one.kind for one in report.page.differences}, report.page


def test_an_edited_amount_is_caught_and_its_untouched_twin_is_not(world, papers):
    _, pdf = papers["blue"]
    report = checked(world, edits.with_text(pdf, "¥130.38", "¥183.03"))
    assert report.exit_code == 3
    assert "¥183.03" in report.to_text("zh")
    assert "\n结论: " not in report.to_text("zh")
    assert "\n证据结论: 有效\n" in report.to_text("zh")
    assert "\nverdict of the evidence: valid\n" in report.to_text("en")
    assert loads(report.to_json("en"), 1 << 20)["verdict"] == "page_differs"
    assert checked(world, pdf).exit_code == 0


def test_an_edited_red_and_a_long_invoice_without_a_page_differ(world, papers):
    _, red = papers["red"]
    assert checked(world, edits.with_text(red, "红字发票", None)).verdict is PdfVerdict.PAGE_DIFFERS
    _, long = papers["long"]
    report = checked(world, edits.without_last_page(long))
    assert DifferenceKind.PAGES in {one.kind for one in report.page.differences}


def test_the_page_of_one_invoice_beside_the_evidence_of_another_differs(world, papers):
    (number, pdf), (_, other) = papers["blue"], papers["reddened"]
    report = checked(world, edits.with_attachment(other, EVIDENCE_NAME, read_evidence(pdf)))
    assert (report.verdict, report.evidence.number) == (PdfVerdict.PAGE_DIFFERS, number)
    kinds = {one.kind for one in report.page.differences}
    assert {DifferenceKind.XML, DifferenceKind.QR, DifferenceKind.TEXT_CHANGED} <= kinds


def test_forged_evidence_is_invalid_whatever_the_page_shows(world, papers):
    _, pdf = papers["blue"]
    evidence = read_evidence(pdf)
    forged = evidence.replace("雇主公司".encode(), "主雇公司".encode())
    assert forged != evidence
    report = checked(world, edits.with_attachment(pdf, EVIDENCE_NAME, forged))
    assert (report.verdict, report.exit_code) == (PdfVerdict.INVALID, 1)
    assert report.page.reason is PageReason.EVIDENCE_FAILED


def test_redacted_evidence_says_nothing_of_the_page(world, papers):
    _, pdf = papers["blue"]
    redacted = parse(read_evidence(pdf)).redacted(["number", "gross_fen"]).to_bytes()
    report = checked(world, edits.with_attachment(pdf, EVIDENCE_NAME, redacted))
    assert (report.verdict, report.exit_code) == (PdfVerdict.PAGE_UNCOMPARED, 4)
    assert report.page.reason is PageReason.REDACTED


def test_a_print_of_another_program_is_never_valid(world, papers):
    _, pdf = papers["blue"]
    report = checked(world, edits.as_one_drawing(pdf))
    assert (report.verdict, report.exit_code) == (PdfVerdict.PAGE_UNCOMPARED, 4)
    assert report.page.reason is PageReason.WRITTEN_OTHERWISE


def test_evidence_that_is_too_old_leaves_the_page_compared(world, papers):
    _, pdf = papers["blue"]
    fresh = checked(world, pdf)
    report = checked(world, pdf, not_older_than_s=fresh.evidence.block_time_s + 1)
    assert (report.verdict, report.exit_code, report.page.reason) == (PdfVerdict.UNCHECKED, 2, PageReason.SAME)
    assert checked(world, pdf, not_older_than_s=fresh.evidence.block_time_s).exit_code == 0


def test_a_paper_with_evidence_of_an_outside_invoice_says_its_page_is_not_ours(world, cast):
    number = "26442000000223456789"
    item = item_of_qr(f"01,32,,{number},106.00,20261105,,", "outside.0")
    must(
        world.ledger.open_claim(
            cast.claimant, [], employer=cast.employer.party, outside=[item], idempotency_key=world.key()
        )
    )
    evidence = world.ledger.evidence(cast.claimant, number)
    document = parse_document(loads(world.ledger.papers.document(
        cast.seller, world.issued(cast.seller), kind="json").data, 1 << 20))  # fmt: skip
    pdf = write_pdf(
        document, commitment=bytes(32), check_address="https://elsewhere.example",
        attachments=[(EVIDENCE_NAME, "application/json", evidence)],
    )  # fmt: skip
    report = checked(world, pdf)
    assert (report.verdict, report.page.reason) == (PdfVerdict.PAGE_UNCOMPARED, PageReason.OF_ELSEWHERE)
    assert report.evidence.number == number


def test_another_ledgers_pdf_could_not_be_checked(world, papers):
    from dataclasses import replace

    _, pdf = papers["blue"]
    trust = replace(parse_trust(dumps(world.ledger.trust())), genesis=bytes(32))
    report = check_pdf(pdf, trust)
    assert (report.verdict, report.exit_code) == (PdfVerdict.UNCHECKED, 2)
    assert report.page.reason is PageReason.EVIDENCE_FAILED


def test_the_public_check_judges_copies_edits_and_evidence_alike(world, papers):
    number, pdf = papers["blue"]
    found = world.ledger.papers.check(pdf)
    assert (found.verdict, found.report.number) == ("valid", number)
    assert world.ledger.public_check(*found.question).number == number
    assert world.ledger.papers.check(read_evidence(pdf)).verdict == "valid"
    edited = world.ledger.papers.check(edits.with_text(pdf, "¥130.38", "¥183.03"))
    assert edited.verdict == "page_differs"
    assert any("¥183.03" in english for _, english in edited.differences)
    assert world.ledger.papers.check(b"%PDF-1.7 nothing").verdict == "could_not_check"


def test_the_public_check_names_a_code_that_leads_elsewhere(world, cast, papers):
    number, _ = papers["blue"]
    moved = world.opened(public_url="https://evil.example")
    pdf = moved.papers.document(cast.seller, number).data
    found = world.ledger.papers.check(pdf)
    assert found.verdict == "page_differs"
    assert "https://evil.example" in found.differences[0][1]
    assert moved.papers.check(pdf).verdict == "valid"


def test_the_xml_inside_is_that_of_the_evidence(world, papers):
    _, pdf = papers["blue"]
    _, other = papers["reddened"]
    contents = world.ledger.papers.check(edits.with_attachment(pdf, XML_NAME, b"<EInvoice/>"))
    assert contents.verdict == "page_differs"
    assert other != pdf


def test_a_red_that_names_a_slip_itself_prints_what_was_committed_to(world, cast):
    number = world.issued(cast.seller, net_fen=10_000)
    line = {"name": "*餐饮服务*餐费", "net_fen": -1_000, "rate_bp": 600, "tax_fen": -60}
    document = {"lines": [line], "net_fen": -1_000, "tax_fen": -60, "gross_fen": -1_060, "red_slip": "HZ-7"}
    written = must(
        world.ledger.red_letters.issue_red(
            cast.seller, number, reason="allowance", document=document, idempotency_key=world.key()
        )
    )
    (red,) = [one for one in written.numbers if one != number]
    pdf = world.ledger.papers.document(cast.seller, red).data
    shown = parse(read_evidence(pdf)).document.fields()
    assert shown.get("red_slip", "") in ("", "HZ-7")
    assert checked(world, pdf).verdict is PdfVerdict.VALID
