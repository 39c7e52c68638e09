"""Documents, lists and archives over HTTP: media types, names, who may, and what is refused."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from api.schemas.answers import Problem
from ledger.documents import check_archive, read_evidence
from tests.api.conftest import Answer, Client
from tests.api.test_life_of_an_invoice import World, key
from tests.api.test_life_of_an_invoice import world as world  # noqa: PLC0414 - the fixture, for this module too


def problem(answer: Answer, name: str, status: int) -> dict[str, Any]:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    Problem.model_validate_json(answer.body)
    value: dict[str, Any] = answer.json()
    assert value["type"] == f"/problems/{name}"
    return value


@pytest.mark.parametrize(
    ("kind", "media_type", "start"),
    [
        ("pdf", "application/pdf", b"%PDF-"),
        ("xml", "application/xml", b"<?xml"),
        ("json", "application/json", b'{"'),
    ],
)
def test_document_comes_in_its_form_under_its_name(world: World, kind: str, media_type: str, start: bytes) -> None:
    number = world.issue()
    answer = world.claimant.client.get(f"/v1/invoices/{number}/document?format={kind}")
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="invoice-{number}.{kind}"'
    assert answer.body.startswith(start)
    if kind == "pdf":
        assert read_evidence(answer.body)
    assert world.officer.get(f"/v1/invoices/{number}/document?format={kind}").status == 200
    problem(world.intruder.client.get(f"/v1/invoices/{number}/document?format={kind}"), "not-found", 404)


def test_unknown_forms_and_numbers_are_named(world: World) -> None:
    number = world.issue()
    found = problem(world.claimant.client.get(f"/v1/invoices/{number}/document?format=docx"), "invalid-parameter", 400)
    assert found["errors"][0]["path"] == "query.format"
    problem(world.claimant.client.get("/v1/invoices/1/document"), "invalid-parameter", 400)
    problem(world.claimant.client.get(f"/v1/invoices/{'9' * 20}/document"), "not-found", 404)


def test_list_shows_own_invoices_only(world: World, public_door: Client) -> None:
    number = world.issue()
    answer = world.issuer.client.get("/v1/invoices/export?lang=en")
    lines = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))
    assert number in {line["number"] for line in lines}
    assert answer.headers["content-disposition"] == 'attachment; filename="invoices.csv"'
    stranger = world.intruder.client.get("/v1/invoices/export?lang=en")
    assert list(csv.DictReader(io.StringIO(stranger.body.decode("utf-8-sig")))) == []
    book = world.issuer.client.get("/v1/invoices/export?format=xlsx&gross_min_fen=1")
    assert book.body[:2] == b"PK"
    problem(world.issuer.client.get("/v1/invoices/export?month=2026-13"), "invalid-parameter", 400)
    problem(world.issuer.client.get("/v1/invoices/export?limit=3"), "invalid-parameter", 400)
    assert public_door.get("/v1/invoices/export").status == 401


def test_archive_waits_for_the_booking_and_is_for_the_employer_alone(world: World) -> None:
    number = world.issue()
    claim = world.claim(number).json()["claim_id"]
    address = f"/v1/claims/{claim}/archive"
    assert number in problem(world.accountant.client.get(address), "not-booked", 409)["detail"]
    approval = {"payment_reference": "FK-9"}
    assert world.accountant.client.post(f"/v1/claims/{claim}/approve", approval, key=key()).status == 201
    problem(world.accountant.client.get(address), "not-booked", 409)
    booking = {"deductible": True}
    assert world.accountant.client.post(f"/v1/invoices/{number}/booking", booking, key=key()).status == 201
    answer = world.accountant.client.get(address)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    digest = answer.headers["x-archive-digest"]
    assert check_archive(answer.body, digest=digest).about["claim"] == claim
    assert world.officer.get(address).headers["x-archive-digest"] != ""
    problem(world.claimant.client.get(address), "not-permitted", 403)
    problem(world.intruder.client.get(address), "not-found", 404)
    problem(world.issuer.client.get(address), "not-found", 404)
    problem(world.accountant.client.get("/v1/claims/xyz/archive"), "invalid-parameter", 400)
