"""Files written out by the service: documents with evidence inside, lists, archives of booked claims."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from openpyxl import load_workbook

from ledger.documents import check_archive, read_evidence
from ledger.documents.errors import ArchiveAlteredError
from ledger.domain.document import parse_document
from ledger.formats import read_xml
from ledger.projection import keystore
from ledger.service import InvalidRequest, NotFound, NotPermitted, NotReady
from ledger.service.errors import NotBooked
from ledger.service.outside_facts import item_of_qr
from ledger.service.papers import ListFilter
from tests.service.world import must
from verifier.canonical import dumps, loads
from verifier.report import Result
from verifier.steps import verify
from verifier.trust import parse_trust


def judged(world, evidence: bytes) -> Result:
    return verify(evidence, parse_trust(dumps(world.ledger.trust()))).verdict


@pytest.fixture(scope="module")
def parties(world):
    """Parties of their own, so that the lists hold what these tests made."""
    seller = world.enterprise("出票公司", segment=True)
    employer = world.enterprise("归档公司")
    claimant = world.person("归档员工", (employer, ["claim"]))
    cashier = world.person("归档财务", (employer, ["finance"]))
    return seller, employer, claimant, cashier


def settled(world, parties, *numbers: str) -> str:
    _, employer, claimant, cashier = parties
    claim_id = world.claimed(claimant, employer, *numbers)
    must(
        world.ledger.approve_claim(
            cashier, claim_id, numbers=None, payment_reference="FK-1", idempotency_key=world.key()
        )
    )
    return claim_id


def booked(world, parties, *numbers: str) -> None:
    for number in numbers:
        must(world.ledger.book(parties[3], number, deductible=True, idempotency_key=world.key()))


def test_document_comes_as_json_xml_and_pdf_with_its_evidence(world, parties):
    seller, _, claimant, _ = parties
    number = world.issued(seller, claimant, net_fen=12_345)
    plain = world.ledger.papers.document(claimant, number, kind="json")
    assert (plain.name, plain.media_type) == (f"invoice-{number}.json", "application/json")
    document = parse_document(loads(plain.data, 1 << 20))
    assert document.gross_fen == 12_345 + 740
    xml = world.ledger.papers.document(seller, number, kind="xml")
    assert read_xml(xml.data).document == document
    pdf = world.ledger.papers.document(seller, number)
    assert (pdf.name, pdf.media_type) == (f"invoice-{number}.pdf", "application/pdf")
    assert judged(world, read_evidence(pdf.data)) is Result.VALID


def test_red_comes_as_a_file_too(world, parties):
    seller, _, claimant, _ = parties
    number = world.issued(seller, claimant)
    red = must(
        world.ledger.red_letters.issue_red(seller, number, reason="issued_in_error", idempotency_key=world.key())
    ).numbers
    (red_number,) = [one for one in red if one != number]
    document = parse_document(loads(world.ledger.papers.document(seller, red_number, kind="json").data, 1 << 20))
    assert document.gross_fen < 0
    assert number.encode() in world.ledger.papers.document(seller, red_number, kind="xml").data
    pdf = world.ledger.papers.document(seller, red_number).data
    assert judged(world, read_evidence(pdf)) is Result.VALID


def test_document_is_for_those_who_see_the_invoice(world, cast, parties):
    number = world.issued(parties[0], parties[2])
    for kind in ("json", "xml", "pdf"):
        assert world.ledger.papers.document(world.officer, number, kind=kind).data
        with pytest.raises(NotFound):
            world.ledger.papers.document(cast.stranger, number, kind=kind)
    with pytest.raises(InvalidRequest, match="docx"):
        world.ledger.papers.document(parties[0], number, kind="docx")
    with pytest.raises(NotFound):
        world.ledger.papers.document(parties[0], "9" * 20)


def test_erased_document_is_not_written(world, parties):
    number = world.issued(parties[0], parties[2])
    world.ledger.context.store.write(lambda connection: keystore.forget_document(connection, number))
    with pytest.raises(NotFound):
        world.ledger.papers.document(parties[0], number, kind="json")


def test_wrong_public_address_names_the_setting(world, parties):
    number = world.issued(parties[0], parties[2])
    other = world.opened(public_url="ftp://x")
    assert other.papers.document(parties[0], number, kind="xml").data
    with pytest.raises(NotReady, match="EINVOICE_PUBLIC_URL"):
        other.papers.document(parties[0], number, kind="pdf")


def test_list_holds_what_the_search_finds_and_nothing_else(world, cast):
    seller = world.enterprise("列表公司", segment=True)
    buyer = world.enterprise("=列表购方")
    numbers = [world.issued(seller, buyer=buyer, net_fen=10_000 + at) for at in range(3)]
    world.ledger.red_letters.issue_red(seller, numbers[0], reason="issued_in_error", idempotency_key=world.key())
    paper = world.ledger.papers.invoice_list(seller, ListFilter(month=world.month), language="en")
    assert paper.name == f"invoices-{world.month}.csv"
    table = list(csv.DictReader(io.StringIO(paper.data.decode("utf-8-sig"))))
    assert len(table) == 4
    blues = {line["number"]: line for line in table if line["kind"] != "red"}
    assert set(blues) == set(numbers)
    assert blues[numbers[2]]["gross"] == "106.02"
    assert blues[numbers[2]]["seller_tax_id"] == world.tax_ids[seller.party]
    assert blues[numbers[2]]["buyer_name"] == "'=列表购方"
    (red,) = [line for line in table if line["kind"] == "red"]
    assert (red["gross"], red["original_number"]) == ("-106.00", numbers[0])
    found = world.ledger.papers.invoice_list(seller, ListFilter(gross_min_fen=10_602), kind="xlsx")
    sheet = load_workbook(io.BytesIO(found.data)).active
    assert [line[0].value for line in sheet][1:] == [numbers[2]]
    empty = world.ledger.papers.invoice_list(cast.stranger, ListFilter(party=seller.party))
    assert len(empty.data.decode("utf-8-sig").splitlines()) == 1


def test_list_beyond_its_limit_is_refused(world, parties, monkeypatch):
    for _ in range(2):
        world.issued(parties[0])
    monkeypatch.setattr("ledger.service.papers.LIST_ROWS_MAX", 1)
    with pytest.raises(InvalidRequest, match="more than 1 invoices"):
        world.ledger.papers.invoice_list(parties[0], ListFilter())
    for wrong in ({"kind": "ods"}, {"language": "fr"}):
        with pytest.raises(InvalidRequest, match="not offered"):
            world.ledger.papers.invoice_list(parties[0], ListFilter(), **wrong)


def test_archive_of_a_booked_claim_holds_everything_and_shows_any_change(world, parties):
    seller, _, claimant, cashier = parties
    numbers = [world.issued(seller, claimant), world.issued(seller, claimant, net_fen=20_000)]
    claim_id = settled(world, parties, *numbers)
    booked(world, parties, *numbers)
    paper = world.ledger.papers.archive(cashier, claim_id)
    assert paper.name == f"claim-{claim_id}.zip"
    checked = check_archive(paper.data, digest=paper.digest)
    assert checked.about["claim"] == claim_id
    paths = {file.path for file in checked.files}
    for number in numbers:
        assert {f"{number}/{name}" for name in ("invoice.json", "invoice.xml", "invoice.pdf", "evidence.json")} <= paths
    assert {"claim.json", "trust.json"} <= paths
    with zipfile.ZipFile(io.BytesIO(paper.data)) as archive:
        summary = loads(archive.read("claim.json"), 1 << 20)
        trust = parse_trust(archive.read("trust.json"))
        for number in numbers:
            assert verify(archive.read(f"{number}/evidence.json"), trust).verdict is Result.VALID
        index = archive.read("index.csv").decode("utf-8-sig").splitlines()
    assert len(index) == len(paths) + 1
    lines = summary["lines"]
    assert [line["number"] for line in lines] == sorted(numbers)
    history = world.ledger.history(cashier, numbers[0])
    bookings = [one.digest for one in history if one.operation == "book"]
    assert [lines[0]["booking"]["digest"]] == bookings
    altered = paper.data.replace(lines[0]["booking"]["digest"][:8].encode(), b"00000000")
    with zipfile.ZipFile(io.BytesIO(paper.data)) as old, zipfile.ZipFile(rewritten := io.BytesIO(), "w") as new:
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member, data[:-1] + b"x" if member.filename.endswith("invoice.json") else data)
    assert altered
    with pytest.raises(ArchiveAlteredError) as found:
        check_archive(rewritten.getvalue())
    assert found.value.path == f"{min(numbers)}/invoice.json"


def test_a_second_booking_is_refused(world, parties):
    seller, _, claimant, cashier = parties
    number = world.issued(seller, claimant)
    settled(world, parties, number)
    booked(world, parties, number)
    again = world.ledger.book(cashier, number, deductible=False, idempotency_key=world.key())
    assert again.refusal.reason == "already_so"
    assert world.ledger.invoice(cashier, number).entry == "deductible"


def test_archive_waits_until_every_line_is_settled_and_booked(world, parties):
    seller, employer, claimant, cashier = parties
    numbers = [world.issued(seller, claimant), world.issued(seller, claimant)]
    claim_id = world.claimed(claimant, employer, *numbers)
    with pytest.raises(NotBooked, match="still locked"):
        world.ledger.papers.archive(cashier, claim_id)
    for number in numbers:
        must(
            world.ledger.approve_claim(
                cashier, claim_id, numbers=[number], payment_reference="x", idempotency_key=world.key()
            )
        )
    booked(world, parties, numbers[0])
    with pytest.raises(NotBooked, match=max(numbers) if max(numbers) != numbers[0] else min(numbers)):
        world.ledger.papers.archive(cashier, claim_id)
    booked(world, parties, numbers[1])
    assert world.ledger.papers.archive(cashier, claim_id).digest
    must(world.ledger.withdraw_booking(cashier, numbers[0], reason="错", idempotency_key=world.key()))
    with pytest.raises(NotBooked, match="not booked"):
        world.ledger.papers.archive(cashier, claim_id)


def test_archive_is_for_the_employers_finance_and_officers(world, cast, parties):
    seller, employer, claimant, cashier = parties
    number = world.issued(seller, claimant)
    claim_id = settled(world, parties, number)
    booked(world, parties, number)
    for reader in (cashier, employer, world.officer):
        assert world.ledger.papers.archive(reader, claim_id).data
    with pytest.raises(NotPermitted):
        world.ledger.papers.archive(claimant, claim_id)
    for stranger in (cast.stranger, cast.other_cashier, seller):
        with pytest.raises(NotFound):
            world.ledger.papers.archive(stranger, claim_id)
    with pytest.raises(NotFound):
        world.ledger.papers.archive(cashier, "0" * 32)


def test_archive_beyond_its_size_is_refused(world, parties, monkeypatch):
    number = world.issued(parties[0], parties[2])
    claim_id = settled(world, parties, number)
    booked(world, parties, number)
    monkeypatch.setattr("ledger.service.claim_archive.ARCHIVE_SIZE_MAX", 10)
    with pytest.raises(InvalidRequest, match="more than 10 bytes"):
        world.ledger.papers.archive(parties[3], claim_id)


def test_a_reddened_line_brings_its_red(world, parties):
    seller, employer, claimant, cashier = parties
    number = world.issued(seller, claimant, employer)
    claim_id = settled(world, parties, number)
    booked(world, parties, number)
    opened = must(world.ledger.red_letters.open_slip(seller, number, reason="return", idempotency_key=world.key()))
    assert opened
    must(world.ledger.red_letters.confirm_slip(cashier, number, idempotency_key=world.key()))
    red = must(world.ledger.red_letters.issue_red(seller, number, reason="return", idempotency_key=world.key()))
    (red_number,) = [one for one in red.numbers if one != number]
    checked = check_archive(world.ledger.papers.archive(cashier, claim_id).data)
    paths = {file.path: file.number for file in checked.files}
    assert paths[f"{number}/red-{red_number}/invoice.pdf"] == red_number
    assert employer


def outside_claim(world, parties, number: str = "01234567890123456789") -> str:
    """Claim id of an invoice of elsewhere, read from the text of its QR code, settled and booked."""
    _, employer, claimant, cashier = parties
    item = item_of_qr(f"01,32,,{number},106.00,20261105,,", "outside.0")
    claimed = world.ledger.open_claim(
        claimant, [], employer=employer.party, outside=[item], idempotency_key=world.key()
    )
    claim_id = must(claimed).claim_id
    must(
        world.ledger.approve_claim(
            cashier, claim_id, numbers=None, payment_reference="FK-2", idempotency_key=world.key()
        )
    )
    booked(world, parties, number)
    return claim_id


def test_archive_holds_the_original_of_an_outside_invoice(world, parties):
    number = "26442000000123456789"
    claim_id = outside_claim(world, parties, number)
    paper = world.ledger.papers.archive(parties[3], claim_id)
    checked = check_archive(paper.data, digest=paper.digest)
    roles = {file.path: file.role for file in checked.files}
    assert roles[f"original/{number}.txt"] == "original"
    assert f"{number}/invoice.pdf" not in roles
    with zipfile.ZipFile(io.BytesIO(paper.data)) as archive:
        assert number.encode() in archive.read(f"original/{number}.txt")
        assert judged(world, archive.read(f"{number}/evidence.json")) is Result.VALID
        summary = loads(archive.read("claim.json"), 1 << 20)
    assert summary["lines"][0]["issued_here"] is False


def test_outside_invoice_has_no_paper_of_ours_but_json(world, parties):
    number = "26442000000123456790"
    outside_claim(world, parties, number)
    assert loads(world.ledger.papers.document(parties[3], number, kind="json").data, 1 << 20)["number"] == number
    for kind in ("pdf", "xml"):
        with pytest.raises(InvalidRequest, match="issued elsewhere"):
            world.ledger.papers.document(parties[3], number, kind=kind)


def test_original_is_for_those_who_see_the_invoice_and_only_of_outside_ones(world, cast, parties):
    number = "26442000000123456791"
    outside_claim(world, parties, number)
    original = world.ledger.papers.original(parties[3], number)
    assert (original.name, original.media_type) == (f"original-{number}.txt", "application/octet-stream")
    assert number.encode() in original.data
    for stranger in (cast.stranger, cast.other_cashier):
        with pytest.raises(NotFound):
            world.ledger.papers.original(stranger, number)
    with pytest.raises(NotFound):
        world.ledger.papers.original(parties[0], world.issued(parties[0]))
