"""Canonical JSON against the standard's samples and, as a second route, against the rfc8785 package."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from verifier.canonical import DEPTH_MAX, INTEGER_MAX, VALUES_MAX, dumps, loads
from verifier.errors import CanonicalError
from verifier.reasons import Reason

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "vectors" / "rfc8785"
SIZE = 1_000_000
FLOAT_SAMPLES = {"values", "structures"}  # `structures` writes 56.0

values = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
utf16_keys = st.dictionaries(
    st.text(st.sampled_from("a\ue000\uffff\U00010000\U0001f602\ufb33é\x80"), max_size=3), st.none(), max_size=8
)


def sample_names() -> list[str]:
    return sorted(path.stem for path in (SAMPLES / "input").glob("*.json"))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="shared samples are absent")
def test_standard_samples_give_the_standard_bytes() -> None:
    names = sample_names()
    assert set(names) > FLOAT_SAMPLES
    for name in set(names) - FLOAT_SAMPLES:
        value = json.loads((SAMPLES / "input" / f"{name}.json").read_text())
        expected = bytes.fromhex((SAMPLES / "outhex" / f"{name}.txt").read_text())
        assert dumps(value) == expected, name
        assert loads(expected, SIZE) == value


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="shared samples are absent")
def test_standard_samples_with_floats_are_refused() -> None:
    for name in FLOAT_SAMPLES:
        value = json.loads((SAMPLES / "input" / f"{name}.json").read_text())
        with pytest.raises(CanonicalError):
            dumps(value)


@given(values)
def test_same_bytes_as_the_rfc8785_package(value: object) -> None:
    assert dumps(value) == rfc8785.dumps(value)


@given(utf16_keys)
def test_keys_are_sorted_by_utf16_units_as_in_the_rfc8785_package(value: dict[str, None]) -> None:
    assert dumps(value) == rfc8785.dumps(value)


@given(values)
def test_reads_back_what_it_writes(value: object) -> None:
    assert loads(dumps(value), SIZE) == value


def test_astral_key_sorts_before_private_use_key() -> None:
    assert dumps({"\ue000": 1, "\U00010000": 2}) == '{"\U00010000":2,"\ue000":1}'.encode()


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), INTEGER_MAX + 1, -INTEGER_MAX - 1, {1: 2}, {"a": b"x"}, "\ud800", {"\ud800": 1}, {1, 2}],
)
def test_values_without_canonical_form_are_refused(value: object) -> None:
    with pytest.raises(CanonicalError) as caught:
        dumps(value)
    assert caught.value.reason is Reason.NOT_CANONICAL


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" 1",
        b"1\n",
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b"1.0",
        b"1e3",
        b"-0",
        b"NaN",
        b"Infinity",
        b"9007199254740992",
        b"1" * 5000,
        b'"\\u0041"',
        b'"\\ud800"',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b"\xff\xfe1\x00",
        b'"\\u001F"',
        b"[" * 100_000,
        b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
        b'{"a":1',
        b"[1,]",
    ],
)
def test_bytes_that_are_not_canonical_are_refused(text: bytes) -> None:
    with pytest.raises(CanonicalError) as caught:
        loads(text, SIZE)
    assert caught.value.reason is Reason.NOT_CANONICAL


def test_deep_nesting_is_refused_even_where_a_library_raised_the_recursion_limit() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        for text in (b"[" * 100_000, b'{"a":' * 100_000, b'["]"' + b",[" * 100_000, b'["\\\\",' + b"[" * 100_000):
            with pytest.raises(CanonicalError):
                loads(text, SIZE)
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    "text",
    [b'"\\' * 1_999_999, b'"' * 3_999_999, b'"' + b"\\" * 3_999_990, b"[" + b"[]," * 249_000 + b"[]]", b"[" * 400_000],
)
@pytest.mark.timeout(60)  # a guard against a blow-up; what it takes is measured in bench/
def test_largest_hostile_texts_are_judged(text: bytes) -> None:
    value: object = None
    with contextlib.suppress(CanonicalError):
        value = loads(text, 4_000_000)
    assert value is None or dumps(value) == text


def test_brackets_inside_strings_do_not_nest() -> None:
    text = b'["' + b"[{" * 100 + b'\\"[[[["]'
    assert dumps(loads(text, SIZE)) == text


def test_deepest_nesting_is_accepted() -> None:
    text = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX
    assert dumps(loads(text, SIZE)) == text


def test_limits_on_size_and_values_hold() -> None:
    assert loads(b"[1]", 3) == [1]
    with pytest.raises(CanonicalError) as caught:
        loads(b"[1]", 2)
    assert caught.value.reason is Reason.FILE_TOO_LARGE
    with pytest.raises(CanonicalError) as caught:
        loads(b"[" + b"0," * VALUES_MAX + b"0]", 4_000_000)
    assert caught.value.reason is Reason.FILE_TOO_LARGE


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = loads(data, SIZE)
    except CanonicalError:
        return
    assert dumps(value) == data
