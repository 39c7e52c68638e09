"""Strict forms of parameters and fields: what is refused names its place, what is right reaches the service."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.api.recording import CLAIM_ID, DIGEST, NUMBER, OTHER_NUMBER
from tests.api.test_problem_shapes import assert_problem

FULL_WIDTH = "９" * 20
ARABIC = "٣" * 20


@pytest.mark.parametrize("number", ["1", NUMBER + "1", NUMBER[:-1] + "a", quote(FULL_WIDTH), quote(ARABIC),
                                    NUMBER + "%0A",
                                    "%20" + NUMBER[1:], "-" + NUMBER[1:], "%00", "%ff", "0x" + NUMBER[2:]])  # fmt: skip
def test_number_in_the_path_is_twenty_ascii_digits(caller, recording, number):
    value = assert_problem(caller.get(f"/v1/invoices/{number}"), "invalid-parameter")
    assert value["errors"][0]["path"] == "path.number"
    assert recording.calls == []


@pytest.mark.parametrize(
    "address",
    [
        f"/v1/operations/{DIGEST[:-1]}", f"/v1/operations/{DIGEST.upper()}", f"/v1/operations/0x{DIGEST[2:]}",
        f"/v1/claims/{CLAIM_ID}0", f"/v1/claims/{CLAIM_ID.upper()}", "/v1/months/2026-13", "/v1/months/2026-1",
        "/v1/months/1999-12", f"/v1/months/{quote('２０２６-11')}", "/v1/parties/0", "/v1/parties/-1", "/v1/parties/+1",
        "/v1/parties/01", "/v1/parties/1.0", "/v1/parties/4294967296", f"/v1/parties/{quote('７')}", "/v1/parties/1e1",
        "/v1/parties/1_0", "/v1/parties/%201", "/v1/parties/" + "9" * 400,
    ],
)  # fmt: skip
def test_other_path_parameters_have_one_form(caller, recording, address):
    value = assert_problem(caller.get(address), "invalid-parameter")
    assert value["errors"][0]["path"].startswith("path.")
    assert recording.calls == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "query.limit"), ("limit=201", "query.limit"), ("limit=1001", "query.limit"),
        ("limit=1.5", "query.limit"),
        (f"limit={quote('５')}", "query.limit"), ("limit=", "query.limit"), ("state=open", "query.state"),
        ("month=2026-00", "query.month"), ("gross_min_fen=-1", "query.gross_min_fen"),
        ("gross_max_fen=99999999999999999999", "query.gross_max_fen"), ("number=1", "query.number"),
        ("cursor=%00", "query.cursor"), ("cursor=", "query.cursor"), ("lmit=5", "query.lmit"),
        ("limit=5&limit=6", "query.limit"), ("%F0%9F=1", "query."),
    ],
)  # fmt: skip
def test_query_parameters_have_one_form_and_unknown_ones_are_refused(caller, recording, query, path):
    value = assert_problem(caller.get(f"/v1/invoices?{query}"), "invalid-parameter")
    assert value["errors"][0]["path"].startswith(path)
    assert (value["errors"][0]["code"] == "unknown_field") is (path in ("query.lmit", "query."))
    assert recording.calls == []


def test_search_passes_every_filter(caller, recording):
    query = f"number={NUMBER}&party=7&month=2026-11&state=locked&gross_min_fen=0&gross_max_fen=500&cursor=1f&limit=200"
    assert caller.get(f"/v1/invoices?{query}").status == 200
    assert recording.calls[0][2] == {
        "number": NUMBER, "party": 7, "month": "2026-11", "state": "locked", "gross_min_fen": 0, "gross_max_fen": 500,
        "cursor": "1f", "limit": 200,
    }  # fmt: skip


def test_page_has_fifty_rows_unless_asked(caller, recording):
    assert caller.get("/v1/claims").status == 200
    assert recording.calls[0][2] == {"payment_reference": None, "cursor": None, "limit": 50}


CLAIM = {"numbers": [NUMBER], "employer": 7, "reference": "BX-1"}


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"employer": 7.0}, "employer", "float_refused"),
        ({"employer": "7"}, "employer", "wrong_type"),
        ({"employer": True}, "employer", "wrong_type"),
        ({"employer": None}, "employer", "wrong_type"),
        ({"employer": 0}, "employer", "integer_range"),
        ({"employer": 2**32}, "employer", "integer_range"),
        ({"numbers": [NUMBER] * 101}, "numbers", "too_long"),
        ({"numbers": {"0": NUMBER}}, "numbers", "wrong_type"),
        ({"numbers": [NUMBER, "1"]}, "numbers.1", "number_form"),
        ({"numbers": [FULL_WIDTH]}, "numbers.0", "number_form"),
        ({"numbers": [int(NUMBER[:15])]}, "numbers.0", "wrong_type"),
        ({"reference": ""}, "reference", "too_short"),
        ({"reference": "x" * 201}, "reference", "too_long"),
        ({"reference": "a\x00b"}, "reference", "text_character"),
        ({"reference": "a\u202eb"}, "reference", "text_character"),
        ({"colour": 1}, "colour", "unknown_field"),
        ({"a\x00b": 1}, "'a\\x00b'", "unknown_field"),
    ],
)
def test_wrong_field_is_named_with_a_stable_code(caller, recording, change, path, code):
    value = assert_problem(caller.post("/v1/claims", {**CLAIM, **change}), "invalid-request")
    assert (value["errors"][0]["path"], value["errors"][0]["code"]) == (path, code)
    assert value["errors"][0]["message"]
    assert value["errors"][0]["message_zh"]
    assert recording.calls == []


@pytest.mark.parametrize("field", ["employer", "reference"])  # numbers may be left out beside outside invoices
def test_missing_field_is_named(caller, field):
    body = {key: value for key, value in CLAIM.items() if key != field}
    value = assert_problem(caller.post("/v1/claims", body), "invalid-request")
    assert [(one["path"], one["code"]) for one in value["errors"]] == [(field, "missing")]


@pytest.mark.parametrize("body", [[], "text", 5, None, True, [CLAIM]])
def test_body_that_is_no_object_is_refused(caller, recording, body):
    assert_problem(caller.post("/v1/claims", body), "invalid-request")
    assert recording.calls == []


def test_many_wrong_fields_are_listed_up_to_a_limit(caller):
    value = assert_problem(caller.post("/v1/claims", {f"x{index}": 1 for index in range(500)}), "invalid-request")
    assert len(value["errors"]) == 101
    assert value["errors"][-1]["code"] == "more_problems"


def test_right_claim_reaches_the_service(caller, recording):
    numbers = [NUMBER, OTHER_NUMBER] * 50
    answer = caller.post("/v1/claims", {**CLAIM, "numbers": numbers, "reference": "报销 2026/11 😀"})
    assert answer.status == 201
    assert answer.headers["location"] == f"/v1/claims/{CLAIM_ID}"
    assert recording.calls[0][1][1] == numbers
    assert recording.calls[0][2] == {
        "employer": 7,
        "reference": "报销 2026/11 😀",
        "outside": [],
        "external_id": None,
        "idempotency_key": "key-1",
    }


@pytest.mark.parametrize("value", ["", "x" * 129, "a\x00b", 7, ["SO-1"]])
def test_wrong_external_id_is_refused(caller, recording, value):
    problem = assert_problem(caller.post("/v1/claims", {**CLAIM, "external_id": value}), "invalid-request")
    assert problem["errors"][0]["path"] == "external_id"
    assert recording.calls == []


@pytest.mark.parametrize("value", [None, "x", "SO/2026 第7号", "x" * 128])
def test_right_external_id_reaches_the_service(caller, recording, value):
    assert caller.post("/v1/claims", {**CLAIM, "external_id": value}).status == 201
    assert recording.calls[0][2]["external_id"] == value


@pytest.mark.parametrize("value", [0, -1, 2**32, 1.0, True, "holder", [], "7"])
def test_wrong_first_holder_is_refused(caller, value):
    problem = assert_problem(caller.post("/v1/invoices", {"document": {}, "first_holder": value}), "invalid-request")
    assert problem["errors"][0]["path"] == "first_holder"


@pytest.mark.parametrize("value", [None, "seller", "buyer", 12])
def test_right_first_holder_reaches_the_service(caller, recording, value):
    assert caller.post("/v1/invoices", {"document": {}, "first_holder": value}).status == 201
    assert recording.calls[0][2]["first_holder"] == value


@pytest.mark.parametrize("document", [None, 5, "x", [], {"any": {"depth": [1.5, None]}}])
def test_document_passes_as_it_is(caller, recording, document):
    assert caller.post("/v1/invoices", {"document": document}).status == 201
    assert recording.calls[0][1][1] == document


def test_list_is_bounded(caller, recording):
    assert caller.post("/v1/invoices/list", {"documents": [{}] * 256}).status == 201
    assert_problem(caller.post("/v1/invoices/list", {"documents": [{}] * 257}), "invalid-request")
    assert_problem(caller.post("/v1/invoices/list", {"documents": []}), "invalid-request")
    assert [name for name, *_ in recording.calls] == ["issue_list"]


def test_month_opening_takes_an_empty_object_only(caller, recording):
    assert caller.post("/v1/months/2026-12/opening", {}).status == 201
    assert_problem(caller.post("/v1/months/2026-12/opening", {"force": True}), "invalid-request")
    assert [name for name, *_ in recording.calls] == ["open_month"]


def test_wrong_parameter_comes_before_wrong_fields(caller):
    value = assert_problem(caller.post("/v1/months/2026-99/filing", {}), "invalid-parameter")
    assert {one["path"] for one in value["errors"]} == {"path.month"}
