"""Real files and QR texts through the service: each goes the way it must. Records: tests/formats/test_typed.py."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.service import InvalidRequest
from ledger.service.outside_facts import Claiming, OutsideItem, item_of_file, item_of_qr, problems_of
from tests.service.conftest import Cast
from tests.service.world import World, must

SAMPLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no sample files in ../shared/samples")


def claimed(world: World, cast: Cast, item: OutsideItem) -> Any:
    answer = world.ledger.open_claim(
        cast.claimant,
        [],
        employer=cast.employer.party,
        reference="BX-sample",
        outside=[item],
        idempotency_key=world.key(),
    )
    must(answer)
    return world.ledger.invoice(cast.claimant, item.read.number)


def codes(item: OutsideItem) -> set[str]:
    return {one.code for one in problems_of(item, Claiming(None, "", date(2026, 11, 21)))}


@pytest.mark.parametrize("name", ["cq-test-intact.ofd", "bj-ukey-test-100lines.ofd"])
def test_a_signed_ofd_is_the_strongest_proof_and_its_title_counts(world: World, cast: Cast, name: str) -> None:
    expected = json.loads((SAMPLES / "ofd" / "expected.json").read_text(encoding="utf-8"))
    item = item_of_file((SAMPLES / "ofd" / name).read_bytes(), name, "file")
    assert item.read.strength == 1
    assert item.read.signature is not None
    assert item.read.signature.verdict.value == "signed_intact"
    assert str(item.read.printed_number) in json.dumps(expected)
    with pytest.raises(InvalidRequest) as refusal:  # made out to a company that is not the employer
        claimed(world, cast, item)
    assert "outside_title" in {one.code for one in refusal.value.problems}


@pytest.mark.parametrize(
    ("name", "gross_fen"),
    [
        ("mof-official-gd-special.xml", 212),
        ("einvoice-xml2pdf-demo.xml", 1_600_000),
        ("file-toolbox-sample_einvoice.xml", 113_000),
    ],
)
def test_an_xml_original_reads_to_its_values(name: str, gross_fen: int) -> None:
    item = item_of_file((SAMPLES / "xml" / name).read_bytes(), name, "file")
    assert (item.read.gross_fen, item.read.strength) == (gross_fen, 2)
    assert codes(item) == set()


def test_a_red_xml_is_not_claimed() -> None:
    item = item_of_file((SAMPLES / "xml" / "synthetic-red-letter-cn.xml").read_bytes(), None, "file")
    assert item.read.gross_fen == -265_000
    assert "outside_red" in codes(item)


def qr_rows() -> list[dict[str, Any]]:
    path = SAMPLES / "qr" / "qr_strings.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


@pytest.mark.parametrize("row", qr_rows(), ids=lambda row: row["text"][:24])
def test_a_qr_text_is_registered_with_what_it_says_or_asks_for_the_rest(world: World, cast: Cast, row: Any) -> None:
    if not row["text"].startswith("01,") and "bill_num" not in row["text"]:
        with pytest.raises(InvalidRequest, match="not the text of an invoice QR code"):
            item_of_qr(row["text"], "qr")
        return
    item = item_of_qr(row["text"], "qr")
    assert item.read.strength == 3
    asked = codes(item)
    assert asked <= {"outside_gross_missing", "outside_date_missing", "outside_number_part"}
    if "outside_number_part" in asked:
        return
    gross_fen = None if item.read.gross_fen is not None else (item.read.net_fen or 100) + 1
    day = None if item.read.issued_on else date(2026, 10, 1)
    view = claimed(world, cast, replace(item, gross_fen=gross_fen, issued_on=day))
    assert (view.number, view.strength, view.issued_here) == (item.read.number, "qr", False)
