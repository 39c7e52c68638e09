"""Real files and records claimed from the company they are made out to, as far as it can be enrolled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.identifiers import tax_id_problem
from ledger.service import Caller, ClaimWritten, InvalidRequest
from ledger.service.outside_facts import OutsideItem, item_of_fields, item_of_file
from tests.formats.test_typed import RECORDS, record_fields
from tests.service.world import World, must, refused
from verifier.canonical import dumps
from verifier.report import Result
from verifier.steps import verify
from verifier.trust import parse_trust

SAMPLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no sample files in ../shared/samples")
MISREAD = "17666382"
Companies = dict[str, tuple[Caller, Caller]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger of its own: other tests register the same real numbers in theirs."""
    made = World(tmp_path_factory.mktemp("samples"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def others(world: World) -> tuple[Caller, Caller]:
    """A company that no sample is made out to, and its employee."""
    employer = world.enterprise("雇主公司")
    return employer, world.person("张三", (employer, ["claim"]))


@pytest.fixture(scope="module")
def companies() -> Companies:
    """Enrolled so far, by tax id: the enterprise, and an employee who may claim from it."""
    return {}


def company(world: World, companies: Companies, name: str, tax_id: str) -> tuple[Caller, Caller]:
    if tax_id not in companies:
        written, _key = world.ledger.enrol(
            world.officer, kind="enterprise", name=name, tax_id=tax_id, quota_fen=0, idempotency_key=world.key()
        )
        party = must(written).party
        assert party is not None
        enterprise = world.ledger.caller(party)
        companies[tax_id] = enterprise, world.person("员工", (enterprise, ["claim"]))
    return companies[tax_id]


def claimed(world: World, employer: Caller, claimant: Caller, item: OutsideItem) -> ClaimWritten:
    return world.ledger.open_claim(
        claimant, [], employer=employer.party, reference="BX-real", outside=[item], idempotency_key=world.key()
    )


def read(name: str, path: str) -> OutsideItem:
    return item_of_file((SAMPLES / path).read_bytes(), name, "file")


def test_a_signed_ofd_is_claimed_from_its_buyer_once_whatever_it_is_called(world: World, companies: Companies) -> None:
    path = "ofd/bj-ukey-test-100lines.ofd"
    item = read("a.ofd", path)
    employer, claimant = company(world, companies, item.read.buyer.name, item.read.buyer.tax_id)
    typed = item_of_fields(
        {"code": "011002680026", "number": "71500013", "gross": "10000.00", "issued_on": "2020-02-20"}, "typed"
    )
    must(claimed(world, employer, claimant, typed))
    must(claimed(world, employer, claimant, item))  # the file proves more than what was typed
    number = "01100268002671500013"
    view = world.ledger.invoice(claimant, number)
    assert (view.gross_fen, view.strength, view.issued_here) == (1_000_000, "signed_original", False)
    assert (view.buyer, view.month, view.claim_state) == (employer.party, "2020-02", "locked")
    assert view.document is not None
    lines = view.document["lines"]
    assert isinstance(lines, list)
    assert len(lines) == 100
    assert world.ledger.papers.original(claimant, number).data == (SAMPLES / path).read_bytes()
    report = verify(world.ledger.evidence(claimant, number), parse_trust(dumps(world.ledger.trust())))
    assert report.verdict is Result.VALID, report
    refused(claimed(world, employer, claimant, read("renamed (1).ofd", path)), "locked")
    refused(claimed(world, employer, claimant, typed), "locked")


def records() -> list[dict[str, Any]]:
    if not RECORDS.is_file():
        return []
    found: list[dict[str, Any]] = json.loads(RECORDS.read_text(encoding="utf-8"))["invoices"]
    return found


@pytest.mark.parametrize("record", records(), ids=lambda record: str(record["invoice_num"]))
def test_a_record_is_claimed_from_its_buyer_and_the_misread_one_is_refused(
    world: World, others: tuple[Caller, Caller], companies: Companies, record: dict[str, Any]
) -> None:
    fields = record_fields(record)
    if record["invoice_num"] == MISREAD:
        with pytest.raises(InvalidRequest) as refusal:
            item_of_fields(fields, "outside.0.typed")
        assert {one.path: one.code for one in refusal.value.problems} == {
            "outside.0.typed.issued_on": "date_unreadable",
            "outside.0.typed.seller_tax_id": "tax_id_length",
            "outside.0.typed.buyer_tax_id": "uscc_check",
            "outside.0.typed.tax": "typed_tax",
        }
        return
    item = item_of_fields(fields, "outside.0.typed")
    buyer = item.read.buyer
    assert tax_id_problem(buyer.tax_id) is None
    with pytest.raises(InvalidRequest) as refusal:
        claimed(world, *others, item)
    assert [one.path for one in refusal.value.problems] == ["outside.0.buyer.tax_id"]
    employer, claimant = company(world, companies, buyer.name, buyer.tax_id)
    must(claimed(world, employer, claimant, item))
    view = world.ledger.invoice(claimant, item.read.number)
    assert (view.kind, view.strength, view.buyer) == (fields["kind"], "typed", employer.party)
    assert view.gross_fen == item.read.gross_fen
    refused(claimed(world, employer, claimant, item), "locked")


def test_an_original_with_a_number_of_ours_is_refused_and_points_here(
    world: World, others: tuple[Caller, Caller]
) -> None:
    item = read("x.xml", "xml/file-toolbox-sample_einvoice.xml")
    reading = world.ledger.outside.read(others[1], item)
    assert reading.refusal is not None
    assert (reading.refusal.reason, reading.refusal.number) == ("of_ledger", "99990000000000000001")


@pytest.mark.parametrize(
    "path",
    ["ofd/cq-test-intact.ofd", "xml/mof-official-gd-special.xml", "xml/einvoice-xml2pdf-demo.xml"],
)
def test_an_original_made_out_to_another_company_is_refused(
    world: World, others: tuple[Caller, Caller], path: str
) -> None:
    item = read(Path(path).name, path)
    with pytest.raises(InvalidRequest) as refusal:
        claimed(world, *others, item)
    assert {one.code for one in refusal.value.problems} == {"outside_title"}
    reading = world.ledger.outside.read(others[1], item, employer=others[0].party)
    assert [one[1] for one in reading.problems] == ["outside_title"]
    assert reading.refusal is None, "the number stays free"
