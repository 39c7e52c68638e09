"""Certificates over HTTP, on a real ledger: listed, revoked by an officer, and what evidence says then."""

from __future__ import annotations

import time
from typing import get_args

import pytest

from api.schemas.values import RevocationReason
from ledger.service.certificates import REVOCATION_REASONS
from tests.api.conftest import Client, Installation
from tests.api.test_life_of_an_invoice import Actor, World, done, enrolled, key
from tests.api.test_life_of_an_invoice import world as world  # noqa: PLC0414 - the fixture, for this module too
from tests.api.test_problem_shapes import assert_problem
from verifier import Result, parse_trust, verify
from verifier.canonical import dumps
from verifier.report import Report


def address(actor: Actor, what: str = "revocations") -> str:
    return f"/v1/parties/{actor.party}/{what}"


def claimed(world: World, actor: Actor) -> str:
    """Number of an invoice that `actor` claimed from the employer."""
    number = world.issue(first_holder=actor.party)
    body = {"numbers": [number], "employer": world.employer.party, "reference": "BX-1"}
    done(actor.client.post("/v1/claims", body, key=key()), "open_claim")
    return number


def judged(world: World, installation: Installation, number: str) -> Report:
    answer = world.officer.get(f"/v1/invoices/{number}/evidence")
    assert answer.status == 200, answer.text
    return verify(answer.body, parse_trust(dumps(installation.ledger.trust())))


@pytest.mark.slow
def test_a_revocation_divides_what_its_certificate_signed(world: World, installation: Installation) -> None:
    actor = enrolled(world.officer, "person", "失窃人")
    grants = {"person": actor.party, "grants": ["claim"]}
    done(world.employer.client.post("/v1/grants", grants, key=key()), "grant")
    before = claimed(world, actor)
    time.sleep(1.1)  # what was signed in the second of a revocation counts as after it
    answer = world.officer.post(address(actor), {"reason": "key_compromise"}, key=key())
    done(answer, "revoke_certificate")
    (listed,) = done(world.officer.get(answer.headers["location"]), "list_certificates")["items"]
    assert (listed["state"], listed["reason"], listed["revoked_by"]) == (
        "current",
        "key_compromise",
        installation.ledger.caller(2).party,
    )
    assert listed["revoked_at"].endswith("Z")
    after = claimed(world, actor)
    assert judged(world, installation, before).verdict is Result.VALID
    report = judged(world, installation, after)
    assert report.verdict is Result.INVALID
    assert [step.name for step in report.steps if step.result is Result.INVALID] == ["revocations"]
    assert_problem(world.officer.post(address(actor), {"reason": "superseded"}, key=key()), "refused/already_so")


def test_a_former_certificate_is_revoked_by_its_hash(world: World) -> None:
    actor = enrolled(world.officer, "person", "换钥人")
    done(actor.client.post("/v1/key/rotation", {}, key=key()), "rotate_key")
    listed = done(actor.client.get(address(actor, "certificates")), "list_certificates")["items"]
    (former,) = [one["certificate_hash"] for one in listed if one["state"] == "former"]
    body = {"reason": "superseded", "certificate_hash": former}
    done(world.officer.post(address(actor), body, key=key()), "revoke_certificate")
    now = done(actor.client.get(address(actor, "certificates")), "list_certificates")["items"]
    assert {(one["state"], one["reason"]) for one in now} == {("current", None), ("former", "superseded")}


def test_only_officers_revoke_and_only_the_party_and_officers_see(world: World, public_door: Client) -> None:
    body = {"reason": "key_compromise"}
    for client in (world.issuer.client, world.intruder.client):
        assert_problem(client.post(address(world.issuer), body, key=key()), "not-permitted")
    assert_problem(world.intruder.client.get(address(world.issuer, "certificates")), "not-permitted")
    assert_problem(public_door.post(address(world.issuer), body, key=key()), "not-authenticated")
    (kept,) = done(world.issuer.client.get(address(world.issuer, "certificates")), "list_certificates")["items"]
    assert kept["revoked_at"] is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "reason"),
        ({"reason": "certificate_hold"}, "reason"),
        ({"reason": 1}, "reason"),
        ({"reason": "superseded", "certificate_hash": "B2" * 32}, "certificate_hash"),
        ({"reason": "superseded", "certificate_hash": "b2" * 32}, "certificate_hash"),
        ({"reason": "superseded", "certificate": "b2" * 32}, "certificate"),
    ],
)
def test_a_wrong_revocation_names_its_field(world: World, body: dict[str, object], path: str) -> None:
    value = assert_problem(world.officer.post(address(world.issuer), body, key=key()), "invalid-request")
    assert [one["path"] for one in value["errors"]] == [path]


def test_the_door_offers_the_reasons_of_the_service() -> None:
    offered, _ = get_args(RevocationReason)
    assert set(get_args(offered)) == set(REVOCATION_REASONS)
