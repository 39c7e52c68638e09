"""Hostile bytes: any change to a valid file gives a report, no traceback, and never `valid`."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verifier.bundle_factory import (
    CLERK,
    CONTRACT,
    MOVES,
    START_S,
    SUCCESSOR,
    Scenario,
    Witness,
    default_certificate,
)
from verifier.bundle import revocation_key
from verifier.canonical import dumps
from verifier.errors import TrustError
from verifier.report import Result
from verifier.steps import examine
from verifier.trust import Trust, parse_trust

SCENARIO = Scenario(
    moves=(*MOVES[:2], replace(MOVES[2], contract=1)),
    others=12,
    paths=("number", "seller", "gross_fen"),
    contracts=(CONTRACT, SUCCESSOR),
    late_words={revocation_key(default_certificate(CLERK)): START_S + 3600},
    witnesses=(Witness("witness.example/a"), Witness("witness.example/b")),
    needed=2,
)
TRUST = SCENARIO.trust
DATA = SCENARIO.data
VALUE = json.loads(DATA)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
thorough = settings(quick, max_examples=3000)

plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8) | st.just("0" * 64)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


def refused(data: bytes) -> None:
    report = examine(data, TRUST)
    assert (report.verdict is Result.VALID) == (data == DATA or keeps_back_more(data))
    report.to_text("zh")
    report.to_json("en")


def keeps_back_more(data: bytes, original: bytes = DATA) -> bool:
    """Whether the file differs only in identity texts it no longer shows, which anybody may leave out."""
    try:
        value = json.loads(data)
        for party, whole in zip(value["parties"], json.loads(original)["parties"], strict=True):
            if party["text"] is None:
                party["text"] = whole["text"]
        return dumps(value) == original and dumps(json.loads(data)) == data
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def test_identity_text_kept_back_shows_less_and_is_valid() -> None:
    value = copy.deepcopy(VALUE)
    value["parties"][-1]["text"] = None
    assert keeps_back_more(dumps(value))
    refused(dumps(value))


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


PLACES = [path for path in places(VALUE) if path]


def at(value: object, path: tuple[object, ...]) -> object:
    for key in path:
        value = value[key]
    return value


def test_the_file_under_attack_is_valid() -> None:
    refused(DATA)
    assert examine(DATA, TRUST).verdict is Result.VALID


@st.composite
def damaged(draw: st.DrawFn, whole: bytes = DATA) -> bytes:
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data) - 1))
        change = draw(st.sampled_from(["flip", "cut", "insert", "repeat", "end"]))
        if change == "flip":
            data[start] ^= draw(st.integers(1, 255))
        elif change == "cut":
            del data[start : start + draw(st.integers(1, 200))]
        elif change == "insert":
            data[start:start] = draw(st.binary(min_size=1, max_size=20))
        elif change == "repeat":
            data[start:start] = data[start : start + 64]
        else:
            del data[start:]
        if not data:
            return b""
    return bytes(data)


@st.composite
def mutated(draw: st.DrawFn, whole: object = VALUE) -> bytes:
    """The file with values of its JSON replaced, dropped, doubled or swapped, in canonical form again."""
    value = copy.deepcopy(whole)
    known = PLACES if whole is VALUE else [path for path in places(whole) if path]
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(known))
        try:
            parent, key = at(value, path[:-1]), path[-1]
            old = parent[key]
        except (LookupError, TypeError):
            continue
        change = draw(st.sampled_from(["replace", "drop", "double", "swap", "digit"]))
        if change == "digit" and isinstance(old, str) and old:
            place = draw(st.integers(0, len(old) - 1))
            parent[key] = old[:place] + draw(st.sampled_from("0123456789abcdefAZ+/=")) + old[place + 1 :]
        elif change == "drop":
            del parent[key]
        elif change == "double" and isinstance(parent, list):
            parent.insert(key, copy.deepcopy(old))
        elif change == "swap" and isinstance(parent, list):
            other = draw(st.integers(0, len(parent) - 1))
            parent[key], parent[other] = parent[other], parent[key]
        elif isinstance(old, int) and not isinstance(old, bool):
            parent[key] = old + draw(st.sampled_from([-1, 1, 2**32, -old - 1, -old]))
        else:
            parent[key] = draw(values)
    return dumps(value)


def test_the_file_under_attack_holds_every_kind_of_field() -> None:
    assert {event["group"]["contract"] for event in VALUE["history"]} == {0, 1}
    assert VALUE["checkpoint"]
    assert len(VALUE["witnesses"]) == 2
    (step,) = [step for step in examine(DATA, TRUST).steps if step.name == "revocations"]
    assert step.compared["revoked"] == 1
    assert VALUE["document"]["hidden"]
    assert VALUE["document"]["shown"]


@quick
@given(st.integers(0, 8 * len(DATA) - 1))
def test_no_bit_can_flip(bit: int) -> None:
    flipped = bytearray(DATA)
    flipped[bit // 8] ^= 1 << bit % 8
    assert examine(bytes(flipped), TRUST).verdict is not Result.VALID


@pytest.mark.slow
def test_no_byte_anywhere_in_the_file_can_change() -> None:
    """Every seventh byte, by the bit that most often gives another character of the same kind."""
    for at in range(0, len(DATA), 7):
        flipped = bytearray(DATA)
        flipped[at] ^= 1
        assert examine(bytes(flipped), TRUST).verdict is not Result.VALID, at


@quick
@given(damaged())
def test_damaged_bytes_are_never_valid(data: bytes) -> None:
    refused(data)


@quick
@given(mutated())
def test_mutated_json_is_never_valid(data: bytes) -> None:
    refused(data)


@quick
@given(st.binary(max_size=200) | values.map(dumps))
def test_arbitrary_bytes_are_never_valid(data: bytes) -> None:
    refused(data)


@quick
@given(st.binary(max_size=100) | values.map(dumps))
def test_arbitrary_trust_files_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="trust_unreadable"):
        parse_trust(data)


@quick
@given(st.sampled_from(sorted(json.loads(TRUST.to_bytes()))), values)
def test_mutated_trust_files_are_read_or_refused(name: str, value: object) -> None:
    data = dumps(json.loads(TRUST.to_bytes()) | {name: value})
    try:
        found = parse_trust(data)
    except TrustError:
        return
    assert isinstance(found, Trust)


def test_trust_file_reads_back() -> None:
    assert parse_trust(TRUST.to_bytes()) == TRUST
    assert parse_trust(json.dumps(json.loads(TRUST.to_bytes()), indent=2).encode()) == TRUST
    assert parse_trust(b"\xef\xbb\xbf" + TRUST.to_bytes()) == TRUST  # as editors of Windows save it


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (TRUST.to_bytes()[:-1] + b',"chain_id":1}', "a key occurs twice"),
        (b"[" * 33 + b"]" * 33, "nested beyond 32"),
        (b"\xef\xbb\xbf\xef\xbb\xbf" + TRUST.to_bytes(), "no JSON"),
        (TRUST.to_bytes()[:-1], "no JSON"),
    ],
)
def test_what_is_wrong_with_a_trust_file_is_said(data: bytes, said: str) -> None:
    with pytest.raises(TrustError, match=said):
        parse_trust(data)


@pytest.mark.parametrize("data", [b"[" * 60_000, b'{"version":' * 5000, b" " * 70_000, b'{"a":1,"a":1}'])
def test_trust_files_beyond_the_limits_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="trust_unreadable"):
        parse_trust(data)


@pytest.mark.slow
@thorough
@given(damaged() | mutated())
def test_thousands_of_changes_are_never_valid(data: bytes) -> None:
    refused(data)


@pytest.mark.slow
def test_no_single_character_of_any_text_in_the_file_can_change() -> None:
    for path in PLACES:
        old = at(VALUE, path)
        if not isinstance(old, str):
            continue
        for place in range(0, len(old), 1 + len(old) // 64):
            value = copy.deepcopy(VALUE)
            swapped = {"0": "1", "A": "B"}.get(old[place], "0" if old[place] != "0" else "1")
            at(value, path[:-1])[path[-1]] = old[:place] + swapped + old[place + 1 :]
            refused(dumps(value))
