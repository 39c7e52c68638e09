"""An erased invoice over HTTP: evidence is handed out, the public page offers it, an upload of it is judged erased."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from api.web.words import WORDS
from tests.api.conftest import Client, Installation
from tests.api.test_check_of_pdfs import upload
from tests.api.test_check_page import outline
from tests.api.test_life_of_an_invoice import GROSS_FEN, World, key
from tests.api.test_life_of_an_invoice import world as world  # noqa: PLC0414 - the fixture, for this module too
from tests.api.test_problem_shapes import assert_problem
from verifier import Result, parse_trust, verify


@pytest.fixture(scope="module")
def authority(public_door: Client, installation: Installation) -> Client:
    return public_door.acting(installation.ledger.new_api_key(1, "erasing"))


@pytest.fixture(scope="module")
def gone(world: World, authority: Client) -> tuple[str, str]:
    """Number and commitment of an invoice that the authority erased."""
    number = world.issue()
    commitment = world.issuer.client.get(f"/v1/invoices/{number}").json()["commitment"]
    answer = authority.post(f"/v1/invoices/{number}/erasure", {"reason": "data_subject_request"}, key=key())
    assert (answer.status, answer.json()["attested"]) == (201, True), answer.text
    return number, commitment


def test_evidence_of_an_erased_invoice_is_handed_out_and_its_document_is_not(
    world: World, gone: tuple[str, str]
) -> None:
    answer = world.issuer.client.get(f"/v1/invoices/{gone[0]}/evidence")
    assert answer.status == 200
    trust = parse_trust(world.officer.get("/v1/trust").body)
    assert verify(answer.body, trust).verdict is Result.ERASED
    assert_problem(world.issuer.client.get(f"/v1/invoices/{gone[0]}/document?format=pdf"), "erased")
    assert_problem(world.intruder.client.get(f"/v1/invoices/{gone[0]}/evidence"), "not-found")


def test_the_public_page_says_erased_and_offers_the_evidence(
    world: World, public_door: Client, gone: tuple[str, str]
) -> None:
    number, commitment = gone
    asked = urlencode({"number": number, "total_amount": GROSS_FEN, "hash": commitment})
    for language in ("zh", "en"):
        page = public_door.get(f"/check?{asked}&lang={language}")
        outline(page.text)
        assert WORDS[language]["erased"] in page.text
        assert f"invoice-{number}.evidence.json" in page.text
        assert "/check/evidence?" in page.text
    file = public_door.get(f"/check/evidence?{asked}")
    assert verify(file.body, parse_trust(public_door.get("/v1/trust").body)).verdict is Result.ERASED
    wrong = urlencode({"number": number, "total_amount": GROSS_FEN + 1, "hash": commitment})
    assert WORDS["en"]["erased"] not in public_door.get(f"/check?{wrong}&lang=en").text


def test_an_upload_of_erased_evidence_is_no_valid_invoice(
    world: World, public_door: Client, gone: tuple[str, str]
) -> None:
    erased = world.issuer.client.get(f"/v1/invoices/{gone[0]}/evidence").body
    page = upload(public_door, erased, "zh").text
    assert '<p class="verdict" role="status">已删除</p>' in page
    assert "不能证明任何票面内容" in page
    whole = world.issuer.client.get(f"/v1/invoices/{world.issue()}/evidence").body
    assert '<p class="verdict match" role="status">有效</p>' in upload(public_door, whole, "zh").text
