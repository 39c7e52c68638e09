"""Hostile JSON: refused with a reason, never an exception; ordinary JSON is read as json.loads reads it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.json_body import DEPTH_MAX, parse_body
from api.problems import INVALID_JSON, ProblemError
from tests.api.test_problem_shapes import assert_problem

HOSTILE = {
    "empty": b"",
    "no json": b"{",
    "two values": b"{} {}",
    "trailing comma": b'{"a": 1,}',
    "comment": b"{} // x",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "overflowing float": b'{"a": 1e999}',
    "long float": b'{"a": 0.' + b"1" * 60_000 + b"}",
    "key twice": b'{"a": 1, "a": 1}',
    "key twice inside": b'{"b": [{"a": 1, "\\u0061": 2}]}',
    "huge integer": b'{"a": ' + b"9" * 60_000 + b"}",
    "integer beyond 2^53": b'{"a": 9007199254740992}',
    "negative beyond 2^53": b'{"a": -9007199254740992}',
    "lists too deep": b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
    "objects too deep": b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
    "unclosed lists": b"[" * 60_000,
    "not UTF-8": b'{"a": "\xff"}',
    "overlong UTF-8": b'{"a": "\xc0\xaf"}',
    "raw surrogate": b'{"a": "\xed\xa0\x80"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "half a surrogate": b'{"a": "\\ud800"}',
    "half a surrogate as key": b'{"\\uDFFF": 1}',
    "half a surrogate, deep": b'{"a": [{"b": "x\\udc00\\ud800"}]}',
    "raw control character": b'{"a": "\x00"}',
    "Unicode digits": '{"a": １２}'.encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_body_is_a_problem(caller, recording, name):
    headers = {"idempotency-key": "k", "content-type": "application/json"}
    assert_problem(caller.request("POST", "/v1/invoices", HOSTILE[name], headers), "invalid-json")
    assert recording.calls == []


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 9007199254740991}', {"a": 2**53 - 1}),
        (b'{"a": -9007199254740991}', {"a": -(2**53) + 1}),
        (b"[" * DEPTH_MAX + b"]" * DEPTH_MAX, json.loads("[" * DEPTH_MAX + "]" * DEPTH_MAX)),
        (b'{"a": 1.5}', {"a": 1.5}),
        (b'"\\ud83d\\ude00"', "😀"),
        ('{"名": "值"}'.encode(), {"名": "值"}),
    ],
)
def test_value_within_the_limits_is_read(body, value):
    assert parse_body(body) == value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_every_plain_value_comes_back(value):
    assert parse_body(json.dumps(value).encode()) == value
    assert parse_body(json.dumps(value, ensure_ascii=False).encode()) == value


def refused(body: bytes) -> bool:
    """Whether the body was refused as invalid JSON; any other exception fails the test."""
    try:
        parse_body(body)
    except ProblemError as err:
        return err.kind is INVALID_JSON
    return False


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(body):
    refused(body)


@given(json_values, st.data())
def test_damaged_text_is_read_or_refused(value, data):
    body = bytearray(json.dumps({"a": [value]}).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))
    refused(bytes(body))


@given(st.text(alphabet=st.characters(categories=["Cs"]), min_size=1, max_size=3))
def test_half_surrogates_are_refused_wherever_they_stand(text):
    as_text = json.dumps(text)
    whole = json.loads(as_text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    pairs_only = "\ufffd" not in whole
    for value in ([text], {"k": text}, {text: 1}):
        assert refused(json.dumps(value).encode()) is not pairs_only
