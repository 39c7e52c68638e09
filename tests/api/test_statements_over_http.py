"""Statements over HTTP: the file as it is, who gets which, and what is refused."""

from __future__ import annotations

import pytest

from ledger.service.errors import StatementDiscloses
from tests.api.conftest import Client, Installation
from tests.api.recording import RecordingLedger
from tests.api.test_life_of_an_invoice import World
from tests.api.test_life_of_an_invoice import world as world  # noqa: PLC0414 - the fixture, for this module too
from tests.api.test_papers_over_http import problem
from verifier import Result, parse_trust, verify
from verifier.canonical import dumps
from verifier.words import NUMBER_SPACE_FIRST


def unissued(officer: Client) -> str:
    return next(
        number
        for number in (f"{NUMBER_SPACE_FIRST + 10**13 + at:020d}" for at in range(100))
        if officer.get(f"/v1/statements/{number}?says=not_issued").status == 200
    )


def test_a_statement_is_a_file_that_verifies_as_it_came(world: World, installation: Installation) -> None:
    number = unissued(world.claimant.client)
    answer = world.claimant.client.get(f"/v1/statements/{number}?says=not_issued")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["content-disposition"] == f'attachment; filename="statement-{number}-not_issued.json"'
    report = verify(answer.body, parse_trust(dumps(installation.ledger.trust())))
    assert (report.verdict, report.number, report.says) == (Result.VALID, number, "not_issued")


def test_what_is_not_so_is_not_stated(world: World) -> None:
    number = world.issue()
    refused = problem(world.claimant.client.get(f"/v1/statements/{number}?says=not_issued"), "statement-false", 409)
    assert number in refused["detail"]
    assert world.claimant.client.get(f"/v1/statements/{number}?says=not_settled").status == 200


def test_not_settled_of_others_is_not_found_as_what_never_was(world: World, public_door: Client) -> None:
    number = world.issue()
    answers = [
        problem(world.intruder.client.get(f"/v1/statements/{asked}?says=not_settled"), "not-found", 404)
        for asked in (number, "9" * 20)
    ]
    assert answers[0]["detail"].replace(number, "N") == answers[1]["detail"].replace("9" * 20, "N")
    problem(public_door.get(f"/v1/statements/{number}?says=not_issued"), "not-authenticated", 401)


@pytest.mark.parametrize("query", ["", "?says=", "?says=settled", "?says=not_issued%00"])
def test_what_is_to_be_stated_is_asked_for_by_name(caller: Client, query: str) -> None:
    answer = problem(caller.get(f"/v1/statements/{'9' * 20}{query}"), "invalid-parameter", 400)
    assert [one["path"] for one in answer["errors"]] == ["query.says"]


def test_a_proof_that_would_show_others_is_a_problem_of_its_own(caller: Client, recording: RecordingLedger) -> None:
    recording.failure = StatementDiscloses("9" * 20)
    refused = problem(caller.get(f"/v1/statements/{'9' * 20}?says=not_issued"), "statement-discloses", 409)
    assert "officer" in refused["detail"]
    recording.reset()
    assert caller.get(f"/v1/statements/{'9' * 20}?says=not_issued&disclosing=true").status == 200
    assert recording.calls[0][2]["disclosing"] is True
    assert "税务人员" in refused["detail_zh"]
