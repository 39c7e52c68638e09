"""Every operation of the OpenAPI document: its example is valid, works, and its answer is what it declares."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.examples import EXAMPLES, PROBLEM_EXAMPLES
from api.pools import access_of
from api.problems import PROBLEM_TYPES
from api.schemas.answers import Problem
from tests.api.recording import CLAIM_ID, COMMITMENT, DIGEST, GROSS_FEN, NUMBER

ROUTES = {
    route.name: route
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.include_in_schema
}
PATH_VALUES = {
    "number": NUMBER,
    "claim_id": CLAIM_ID,
    "proposal_id": CLAIM_ID,
    "provider_id": CLAIM_ID,
    "digest": DIGEST,
    "month": "2026-11",
    "party": "7",
    "job": CLAIM_ID,
    "webhook_id": CLAIM_ID,
    "till_id": "0f" * 8,
    "session_id": CLAIM_ID,
    "request_id": CLAIM_ID,
    "external_id": "SO/1",
    "office": "3",
    "key_id": "a1" * 8,
    "challenge_id": "0d" * 61,
}

QUERIES = {
    "read_statement": "?says=not_issued",
    "read_key_proof": f"?purpose=enrol&identity=enterprise:X&address=0x{'5f' * 20}",
}  # of reads that need one
HEADERS = {"read_enrolment_status": {"enrolment_token": "d4" * 32}}
FILES = {  # query and file of uploads that are read where they arrive
    "upload_register": ("?quotas=A=1000", b"name,tax id,class"),
    "read_outside": ("?employer=7&gross_fen=106000", b"01,10,144031809110,00000317,1000.00,20261103,1234,"),
    "register_outside": ("?employer=7&reference=BX-1", b"01,10,144031809110,00000317,1000.00,20261103,1234,"),
}


def address_of(route: APIRoute) -> str:
    return re.sub(r"\{(\w+)(?::path)?\}", lambda match: PATH_VALUES[match.group(1)], route.path)


def request_of(caller: Any, name: str, key: str | None = "key-1") -> Any:
    route, example = ROUTES[name], EXAMPLES[name]
    method = next(iter(route.methods))
    if access_of(route.endpoint).upload:
        headers = {"content-type": "application/octet-stream", **({"idempotency-key": key} if key else {})}
        query, file = FILES.get(name, ("", b"a file"))
        return caller.request(method, address_of(route) + query, file, headers)
    if access_of(route.endpoint).note:
        return caller.request(method, address_of(route), b"a note", {"content-type": "text/plain"})
    if method == "DELETE":
        return caller.request(method, address_of(route))
    if example.request is None:
        return caller.get(address_of(route) + QUERIES.get(name, ""), **HEADERS.get(name, {}))
    return caller.post(address_of(route), example.request, method=method, key=key)


def test_every_operation_has_an_example_and_no_example_is_left_over():
    assert set(ROUTES) == set(EXAMPLES)


@pytest.mark.parametrize("name", ROUTES)
def test_example_is_valid_and_the_answer_is_as_declared(caller, name):
    route, example = ROUTES[name], EXAMPLES[name]
    if route.body_field is not None:
        assert json.loads(json.dumps(example.request)) == example.request
    answer = request_of(caller, name)
    assert answer.status in route.responses, answer.text
    assert answer.status < 300, answer.text
    described = route.responses[answer.status]
    if "model" in described:
        assert answer.headers["content-type"] == "application/json"
        described["model"].model_validate_json(answer.body)
    else:
        assert answer.headers["content-type"].partition(";")[0] in described["content"]
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
    for status, value in example.answers.items():
        route.responses[status]["model"].model_validate_json(json.dumps(value))
    assert set(example.answers) == {
        status for status, found in route.responses.items() if status < 400 and "model" in found
    }


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if not access_of(route.endpoint).public])
def test_operation_needs_a_credential(anyone, recording, name):
    assert request_of(anyone, name).status == 401
    assert recording.calls == []


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if access_of(route.endpoint).writes])
def test_write_needs_an_idempotency_key_and_passes_it_on(caller, recording, name):
    assert request_of(caller, name, key=None).status == 400
    assert recording.calls == []
    request_of(caller, name, key="the-key")
    assert recording.calls[0][2]["idempotency_key"] == "the-key"


def test_every_method_that_changes_something_is_a_write():
    reading_posts = {"verify_invoice", "ask_challenge"}
    for name, route in ROUTES.items():
        access = access_of(route.endpoint)
        reads = name in reading_posts or access.note or access.own or (access.upload and not access.writes)
        assert access.writes is (route.methods != {"GET"} and not reads)


def test_failures_are_declared_as_problems_with_examples(anyone):
    document = anyone.get("/v1/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == len(ROUTES)
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        if "requestBody" in operation:
            body = operation["requestBody"]["content"]
            assert "example" in body.get("application/json", {}) or set(body) & {
                "application/octet-stream",
                "text/plain",
            }
        for status, response in operation["responses"].items():
            if all("$ref" not in one["schema"] for one in response["content"].values()):
                assert int(status) < 400
                assert all(one["schema"]["format"] == "binary" for one in response["content"].values())
                continue
            media_type = "application/json" if int(status) < 400 else "application/problem+json"
            assert list(response["content"]) == [media_type]
            assert "example" in response["content"][media_type]
            assert "$ref" in response["content"][media_type]["schema"]
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references == set(document["components"]["schemas"])


def test_problem_examples_are_problems():
    for status, value in PROBLEM_EXAMPLES.items():
        problem = Problem.model_validate_json(json.dumps(value))
        assert problem.status == status
        assert PROBLEM_TYPES[problem.type.removeprefix("/problems/")].status == status


def test_public_check_answers_the_same_whatever_differs(anyone):
    wrong = [("9" * 20, GROSS_FEN, COMMITMENT), (NUMBER, GROSS_FEN + 1, COMMITMENT), (NUMBER, GROSS_FEN, "d4" * 32)]
    answers = [
        anyone.post("/v1/verify", {"number": number, "gross_fen": gross, "commitment": commitment})
        for number, gross, commitment in wrong
    ]
    assert len({(one.status, one.body, tuple(one.raw_headers)) for one in answers}) == 1
    assert answers[0].json() == {
        "matches": False,
        "message": "No invoice matches all three.",
        "message_zh": "没有三项均相符的发票。",
        "invoice": None,
    }
    right = anyone.post("/v1/verify", {"number": NUMBER, "gross_fen": GROSS_FEN, "commitment": COMMITMENT}).json()
    assert right["matches"] is True
    assert right["invoice"]["seller_name"] == "卖方 <b>"
