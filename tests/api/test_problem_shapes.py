"""One shape for every failure, on every path, with its status chosen in one file."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from api import problems
from api.problems import PROBLEM_TYPES, REFUSED, SERVICE_PROBLEMS
from api.schemas.answers import Problem
from ledger.domain.errors import FieldProblem
from ledger.service import errors
from ledger.service.views import IssueRow, LineRefusal, WriteStatus
from tests.api.conftest import Answer, Client
from tests.api.recording import NUMBER, OTHER_NUMBER, RECORDED, REFUSAL, RecordingLedger

DOCUMENT = {"document": {}}


def assert_problem(answer: Answer, name: str) -> dict:
    """The answer is the problem `name` in the one shape; its members."""
    kind = PROBLEM_TYPES[name]
    assert answer.status == kind.status
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["content-length"]) == len(answer.body)
    Problem.model_validate_json(answer.body)
    value = answer.json()
    assert value["type"] == f"/problems/{name}"
    assert value["title"] == kind.title
    assert value["status"] == answer.status
    assert value["detail"]
    assert value["detail_zh"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", value["instance"])
    return value


def test_every_service_error_has_a_problem_type():
    def below(kind: type) -> set[type]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    ours = {kind for kind in below(errors.ServiceError) if kind.__module__ == errors.__name__}
    assert set(SERVICE_PROBLEMS) == ours - {errors.ServiceError}


def test_every_reason_has_its_own_type_and_names_are_unique():
    assert len(REFUSED) == 43
    assert len(PROBLEM_TYPES) == len({one.uri for one in PROBLEM_TYPES.values()})
    defined = [value for value in vars(problems).values() if isinstance(value, problems.ProblemType)]
    assert len(PROBLEM_TYPES) == len(defined) + len(REFUSED)


@pytest.mark.parametrize("address", ["/v1", "/v1/", "/v1/invoices/", "/v2/invoices", "/static/../app.py", "/%00"])
def test_unknown_address_is_a_problem(caller, address):
    assert_problem(caller.get(address), "not-found")


def test_wrong_method_lists_the_allowed_ones(caller):
    answer = caller.request("DELETE", f"/v1/invoices/{NUMBER}")
    assert_problem(answer, "method-not-allowed")
    assert answer.headers["allow"] == "GET"
    assert caller.request("PUT", "/v1/parties").headers["allow"] == "GET, POST"


def test_head_failure_has_no_body(caller):
    assert caller.request("HEAD", "/v1/invoices").status == 405


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/jsonx", "multipart/form-data",
                                          "application/json; charset=gbk", "application/problem+json"])  # fmt: skip
def test_wrong_content_type_is_refused(caller, recording, content_type):
    headers = {"idempotency-key": "k"} | ({"content-type": content_type} if content_type is not None else {})
    answer = caller.request("POST", "/v1/invoices", b'{"document": {}}', headers)
    assert_problem(answer, "unsupported-media-type")
    assert recording.calls == []


def test_json_content_type_with_utf8_is_taken(caller):
    headers = {"idempotency-key": "k", "content-type": 'Application/JSON; charset="UTF-8"'}
    assert caller.request("POST", "/v1/invoices", b'{"document": {}}', headers).status == 201


def test_compressed_body_is_refused(caller):
    headers = {"idempotency-key": "k", "content-type": "application/json", "content-encoding": "gzip"}
    assert_problem(caller.request("POST", "/v1/invoices", b"\x1f\x8b", headers), "unsupported-media-type")


def test_body_over_the_limit_is_refused_by_its_declared_length(caller, recording):
    headers = {"idempotency-key": "k", "content-type": "application/json", "content-length": "65537"}
    answer = caller.request("POST", "/v1/invoices", b"{}", headers)
    assert_problem(answer, "body-too-large")
    assert answer.headers["connection"] == "close"
    headers["content-length"] = "9" * 5000
    assert_problem(caller.request("POST", "/v1/invoices", b"{}", headers), "body-too-large")
    assert recording.calls == []


def test_body_over_the_limit_is_refused_while_it_streams(caller, recording):
    headers = {"idempotency-key": "k", "content-type": "application/json", "content-length": "10"}
    chunks = [b'{"document": "' + b"x" * 30_000, b"x" * 30_000, b"x" * 30_000, b'"}']
    assert_problem(caller.request("POST", "/v1/invoices", chunks, headers), "body-too-large")
    assert recording.calls == []


def test_body_at_the_limit_is_taken(caller):
    frame = len(b'{"document": ""}')
    body = b'{"document": "' + b"x" * (65_536 - frame) + b'"}'
    headers = {"idempotency-key": "k", "content-type": "application/json"}
    assert caller.request("POST", "/v1/invoices", [body[:100], body[100:]], headers).status == 201
    assert_problem(caller.request("POST", "/v1/invoices", body + b" ", headers), "body-too-large")


def test_long_address_and_large_headers_are_refused(caller):
    assert_problem(caller.get("/v1/invoices?cursor=" + "a" * 5_000), "address-too-long")
    assert_problem(caller.get("/v1/invoices", x_filler="a" * 40_000), "headers-too-large")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", "Basic einv_", f"Bearer einv_{'a' * 16}_{'b' * 63}",
                                    f"einv_{'a' * 16}_{'b' * 64}", f"Bearer einv_{'a' * 16}_{'b' * 64}"])  # fmt: skip
def test_missing_or_unknown_api_key_is_refused_before_the_body(anyone, recording, header):
    headers = {"authorization": header} if header is not None else {}
    answer = anyone.request("POST", "/v1/invoices", b"no json", headers)
    assert_problem(answer, "not-authenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert recording.calls == []


@pytest.mark.parametrize(
    ("keys", "code"),
    [([], "missing"), ([""], "key_form"), (["x" * 129], "key_form"), (["a b"], "key_form"), (["é"], "key_form"),
     (["a", "b"], "repeated")],
)  # fmt: skip
def test_wrong_idempotency_key_is_refused(caller, recording, keys, code):
    headers = [("content-type", "application/json"), *(("idempotency-key", key) for key in keys)]
    value = assert_problem(caller.request("POST", "/v1/invoices", b'{"document": {}}', headers), "idempotency-key")
    assert value["errors"][0]["path"] == "header.idempotency-key"
    assert value["errors"][0]["code"] == code
    assert recording.calls == []


@pytest.mark.parametrize("key", ["a", "!" + "~" * 127])
def test_right_idempotency_key_reaches_the_service(caller, recording, key):
    assert caller.post("/v1/invoices", DOCUMENT, key=key).status == 201
    assert recording.calls[0][2]["idempotency_key"] == key


SERVICE_FAILURES = [
    (errors.NotAuthenticated(), "not-authenticated"),
    (errors.NotPermitted("no", "不可"), "not-permitted"),
    (errors.NotFound("invoice", NUMBER), "not-found"),
    (errors.IdempotencyConflict("k"), "idempotency-conflict"),
    (errors.QueueFull(3), "queue-full"),
    (errors.Busy(), "busy"),
    (errors.NumbersExhausted(5), "numbers-exhausted"),
    (errors.NoSigningKey(5), "no-signing-key"),
    (errors.NotReady("restore a backup", "请从备份恢复"), "not-ready"),
]


@pytest.mark.parametrize(("failure", "name"), SERVICE_FAILURES)
def test_service_failure_becomes_its_problem(caller, recording, failure, name):
    recording.failure = failure
    answer = caller.post("/v1/invoices", DOCUMENT)
    assert assert_problem(answer, name)["detail"] == failure.message
    assert ("retry-after" in answer.headers) == (name in ("queue-full", "busy"))


def test_field_problems_of_a_document_are_placed_in_the_body(caller, recording):
    found = (
        FieldProblem("lines.0.net_fen", "float_refused", "no", "不"),
        FieldProblem("", "document_too_large", "no", "不"),
        FieldProblem("subject", "unknown_field", "no", "不"),
    )
    recording.failure = errors.InvalidRequest(found)
    value = assert_problem(caller.post("/v1/invoices", DOCUMENT), "invalid-request")
    assert [one["path"] for one in value["errors"]] == ["document.lines.0.net_fen", "document", "document.subject"]


def test_field_problems_of_the_request_itself_keep_their_path(caller, recording):
    found = (
        FieldProblem("subject", "subject_missing", "no", "不"),
        FieldProblem("first_holder", "party_unknown", "no", "不"),
        FieldProblem("number", "number_not_reserved", "no", "不"),
    )
    recording.failure = errors.InvalidRequest(found)
    value = assert_problem(caller.post("/v1/invoices", {**DOCUMENT, "number": NUMBER}), "invalid-request")
    assert [one["path"] for one in value["errors"]] == ["subject", "first_holder", "number"]


def test_wrong_value_of_a_read_is_a_parameter(caller, recording):
    recording.failure = errors.InvalidRequest((FieldProblem("cursor", "cursor_form", "no", "不"),))
    assert_problem(caller.get("/v1/claims?cursor=ff"), "invalid-parameter")


def test_refused_write_names_reason_hold_and_what_to_do(caller, recording):
    recording.written = replace(RECORDED, status=WriteStatus.REFUSED, refusal=REFUSAL)
    value = assert_problem(caller.post(f"/v1/invoices/{NUMBER}/transfer", {"to": 9}), "refused/locked")
    assert (value["reason"], value["code"], value["number"]) == ("locked", 18, NUMBER)
    assert (value["action"], value["action_zh"]) == ("Look.", "请查看。")
    assert value["hold"]["claim_id"] == REFUSAL.hold.claim_id
    assert value["hold"]["employer_name"] == "示例公司"
    assert value["receipt"]["digest"] == value["digest"]


@pytest.mark.parametrize(
    ("status", "name"), [(WriteStatus.EXPIRED, "group-expired"), (WriteStatus.MALFORMED, "group-malformed")]
)
def test_final_failures_without_a_reason_are_problems(caller, recording, status, name):
    recording.written = replace(RECORDED, status=status)
    assert_problem(caller.post("/v1/invoices", DOCUMENT), name)


def test_refused_claim_names_each_invoice_and_offers_the_rest(caller, recording):
    recording.written = replace(RECORDED, status=WriteStatus.REFUSED, refusal=REFUSAL)
    recording.lines = (LineRefusal(NUMBER, REFUSAL), LineRefusal(OTHER_NUMBER, None))
    recording.remaining = (OTHER_NUMBER,)
    body = {"numbers": [NUMBER, OTHER_NUMBER], "employer": 7, "reference": "BX-1"}
    value = assert_problem(caller.post("/v1/claims", body), "refused/locked")
    assert [(one["number"], one["refusal"] is None) for one in value["lines"]] == [
        (NUMBER, False),
        (OTHER_NUMBER, True),
    ]
    recording.written = RECORDED
    assert caller.post("/v1/claims", value["remaining"], key="key-2").status == 201
    assert recording.calls[-1][1][1] == [OTHER_NUMBER]
    assert recording.calls[-1][2]["reference"] == "BX-1"


def test_list_without_a_valid_row_is_refused_with_every_row(caller, recording):
    problem = ("gross_fen", "total_gross", "wrong", "错")
    recording.list_written = None
    recording.rows = (IssueRow(0, "invalid", None, None, (problem,)), IssueRow(1, "invalid", None, None, (problem,)))
    value = assert_problem(caller.post("/v1/invoices/list", {"documents": [{}, {}]}), "invalid-request")
    assert [one["path"] for one in value["errors"]] == ["documents.0.gross_fen", "documents.1.gross_fen"]
    assert [row["status"] for row in value["rows"]] == ["invalid", "invalid"]


def test_accepted_write_says_where_to_look(caller, recording):
    recording.written = replace(RECORDED, status=WriteStatus.ACCEPTED, block=None, recorded_at=None)
    answer = caller.post("/v1/invoices", DOCUMENT)
    assert answer.status == 202
    assert answer.headers["location"] == f"/v1/operations/{RECORDED.digest}"
    assert answer.json()["receipt"]["signature"] == RECORDED.receipt.signature
    assert caller.get(answer.headers["location"]).status == 200


class SecretError(Exception):
    """A fault whose message must not leave the process."""


def test_unexpected_fault_is_a_problem_and_tells_nothing(caller, recording, capsys):
    recording.failure = SecretError("张三 13800000000")
    answer = caller.post("/v1/invoices", DOCUMENT)
    value = assert_problem(answer, "internal")
    logged = capsys.readouterr()
    assert value["instance"] in logged.out + logged.err
    assert "SecretError" in logged.out + logged.err
    for text in (answer.text, logged.out, logged.err):
        assert "张三" not in text
        assert "138000" not in text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("address", ["/v1/nope", "/check", "/static/check.css", "/healthz", "/v1/openapi.json"])
def test_every_answer_has_the_security_headers_and_no_cors(caller, address):
    answer = caller.get(address, origin="https://elsewhere.example")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("name", PROBLEM_TYPES)
def test_problem_type_can_be_looked_up(anyone, name):
    answer = anyone.get(f"/problems/{name}")
    assert answer.status == 200
    assert answer.json()["type"] == f"/problems/{name}"


def test_unknown_problem_type_is_not_found(anyone: Client, recording: RecordingLedger):
    assert_problem(anyone.get("/problems/refused/nothing"), "not-found")
    assert len(anyone.get("/problems").json()["items"]) == len(PROBLEM_TYPES)
