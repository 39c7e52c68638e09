"""Whatever anybody sends to any route, the answer is a success or a problem, and never a 500."""

from __future__ import annotations

import json
import string
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.app import ROUTERS
from api.examples import EXAMPLES
from api.schemas.answers import Problem
from tests.api.conftest import Answer, Client
from tests.api.test_answers_match_schemas import PATH_VALUES, ROUTES, address_of

ADDRESSES = sorted({route.path for router in ROUTERS for route in router.routes})
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"]
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(list(PATH_VALUES.values()))
)
values = st.recursive(
    scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3)
)
segments = st.text(max_size=30) | st.sampled_from([*PATH_VALUES.values(), "", ".", "..", "\x00", "９" * 20])
header_texts = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)


def assert_orderly(answer: Answer) -> None:
    """A declared success, or a problem that is not a fault of ours."""
    assert 200 <= answer.status < 500, answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.status >= 400 and not answer.headers["content-type"].startswith("text/html") and answer.body:
        assert answer.headers["content-type"] == "application/problem+json"
        assert Problem.model_validate_json(answer.body).status == answer.status


@FUZZ
@given(st.sampled_from(METHODS), st.sampled_from(ADDRESSES), st.data())
def test_any_address_and_parameters(caller: Client, method: str, template: str, data: Any) -> None:
    address = "/".join(
        quote(data.draw(segments), safe="") if part.startswith("{") else part for part in template.split("/")
    )
    query = data.draw(st.text(string.printable, max_size=60).map(lambda text: quote(text, safe="&=%+")))
    headers = {
        "content-type": data.draw(st.sampled_from(["application/json", "text/plain", ""]) | header_texts),
        "idempotency-key": data.draw(st.just("k") | header_texts),
        "accept-language": data.draw(header_texts),
    }
    assert_orderly(caller.request(method, f"{address}?{query}", data.draw(st.binary(max_size=40)), headers))


@FUZZ
@given(st.sampled_from(sorted(name for name in ROUTES if EXAMPLES[name].request is not None)), st.data())
def test_any_field_of_any_body(caller: Client, name: str, data: Any) -> None:
    body = dict(EXAMPLES[name].request)  # type: ignore[arg-type]
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.sampled_from(sorted(body)) if body else st.text()) or "x"] = data.draw(values)
    if data.draw(st.booleans()) and body:
        del body[data.draw(st.sampled_from(sorted(body)))]
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    method = next(iter(ROUTES[name].methods))
    assert_orderly(caller.request(method, address_of(ROUTES[name]), json.dumps(body).encode(), headers))


@FUZZ
@given(st.sampled_from(sorted(ROUTES)), st.binary(max_size=200), st.integers(1, 4))
@example("issue_invoice", b"[" * 60_000, 3)
@example("verify_invoice", b'{"a":' * 10_000, 2)
@example("issue_list", b"\xff\xfe\x00", 1)
def test_any_bytes_as_a_body(caller: Client, name: str, body: bytes, chunks: int) -> None:
    size = max(1, -(-len(body) // chunks))
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    method = next(iter(ROUTES[name].methods))
    assert_orderly(caller.request(method, address_of(ROUTES[name]), parts, headers))


@FUZZ
@given(st.lists(st.tuples(st.sampled_from(["number", "bill_num", "amount", "total_amount", "hash", "lang", "x"]),
                          st.text(max_size=90) | st.sampled_from(list(PATH_VALUES.values()))), max_size=6))  # fmt: skip
def test_any_question_to_the_page(anyone: Client, pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    for address in ("/check", "/check/evidence"):
        answer = anyone.get(f"{address}?{query}")
        assert_orderly(answer)
        if answer.headers["content-type"].startswith("text/html"):
            assert "<script" not in answer.text


@FUZZ
@given(st.lists(st.tuples(st.sampled_from(["authorization", "idempotency-key", "content-type", "content-length",
                                           "content-encoding", "accept"]), header_texts), max_size=6))  # fmt: skip
def test_any_headers(anyone: Client, headers: list[tuple[str, str]]) -> None:
    for method, address in (("GET", "/v1/invoices"), ("POST", "/v1/claims"), ("POST", "/v1/verify"), ("GET", "/check")):
        assert_orderly(anyone.request(method, address, b"{}", headers))
