"""Queued bytes give back the group that was signed, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.groups import Group, SignedGroup
from ledger.projection import StorageError
from ledger.projection.packing import SIGNATURE_AT, SIGNATURE_SIZE, pack_signed, unpack_signed
from verifier.operations import WHAT_LAYOUT, Operation

_WORD = st.binary(min_size=32, max_size=32)
_OPERATIONS = st.builds(
    Operation,
    terms=st.integers(0, 2**256 - 1),
    who=_WORD,
    ref=_WORD,
    **{name: st.integers(0, 2**bits - 1) for name, bits in WHAT_LAYOUT},
)
_SIGNED = st.builds(
    SignedGroup,
    group=st.builds(
        Group,
        actor=st.integers(0, 2**32 - 1),
        valid_until=st.integers(0, 2**64 - 1),
        operations=st.lists(_OPERATIONS, min_size=1, max_size=4).map(tuple),
    ),
    v=st.integers(0, 255),
    r=st.integers(0, 2**256 - 1),
    s=st.integers(0, 2**256 - 1),
)


@given(signed=_SIGNED)
def test_packed_group_comes_back(signed: SignedGroup) -> None:
    packed = pack_signed(signed)
    assert unpack_signed(packed) == signed
    signature = packed[SIGNATURE_AT : SIGNATURE_AT + SIGNATURE_SIZE]
    assert signature == bytes((signed.v,)) + signed.r.to_bytes(32, "big") + signed.s.to_bytes(32, "big")


@given(signed=_SIGNED, cut=st.integers(1, 200))
def test_cut_or_lengthened_bytes_are_refused(signed: SignedGroup, cut: int) -> None:
    packed = pack_signed(signed)
    for wrong in (packed[:-cut], packed + bytes(cut), b"\x02" + packed[1:]):
        with pytest.raises(StorageError):
            unpack_signed(wrong)


@given(garbage=st.binary(max_size=400))
def test_garbage_is_refused(garbage: bytes) -> None:
    try:
        signed = unpack_signed(garbage)
    except StorageError:
        return
    assert pack_signed(signed) == garbage
