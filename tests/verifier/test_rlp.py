"""Strict RLP against the `rlp` package."""

from __future__ import annotations

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import CheckError
from verifier.reasons import Reason
from verifier.rlp import NESTING_MAX, decode, encode

items = st.recursive(st.binary(max_size=80), lambda inner: st.lists(inner, max_size=6), max_leaves=12)


def plain(item: object) -> object:
    return bytes(item) if isinstance(item, bytes) else [plain(inner) for inner in item]


@given(items)
def test_encodes_as_the_rlp_package_and_decodes_back(item: object) -> None:
    encoded = encode(item)
    assert encoded == rlp.encode(item)
    assert decode(encoded, Reason.PROOF_MALFORMED) == item


@given(st.binary(max_size=12) | st.binary(min_size=55, max_size=70))
def test_any_bytes_are_judged_as_the_rlp_package_judges_them(data: bytes) -> None:
    try:
        expected = plain(rlp.decode(data))
    except rlp.exceptions.DecodingError:
        expected = None
    try:
        found = decode(data, Reason.PROOF_MALFORMED)
    except CheckError:
        found = None
    assert found == expected


@given(items, st.data())
def test_accepted_bytes_are_the_only_encoding_of_their_item(item: object, data: st.DataObject) -> None:
    encoded = bytearray(encode(item))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        found = decode(bytes(encoded), Reason.PROOF_MALFORMED)
    except CheckError:
        return
    assert encode(found) == bytes(encoded)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81\x01",
        b"\xb8\x01a",
        b"\xb9\x00\x40" + b"a" * 64,
        b"\x82a",
        b"\xc2a",
        b"\xc1\x82a",
        b"aa",
        b"\xbf",
        b"\xff",
    ],
)
def test_what_is_not_canonical_is_refused(data: bytes) -> None:
    with pytest.raises(CheckError) as caught:
        decode(data, Reason.HEADER_MALFORMED)
    assert caught.value.reason is Reason.HEADER_MALFORMED


def test_nesting_has_a_limit() -> None:
    item: object = []
    for _ in range(NESTING_MAX - 1):
        item = [item]
    assert decode(encode(item), Reason.PROOF_MALFORMED) == item
    with pytest.raises(CheckError):
        decode(encode([item]), Reason.PROOF_MALFORMED)
