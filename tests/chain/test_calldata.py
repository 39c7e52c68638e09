"""Calldata of apply against eth-abi, and hostile calldata."""

from __future__ import annotations

import pytest
from eth_abi import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from contracts import load_artifact
from ledger.chain.calldata import APPLY_SELECTOR, APPLY_SIGNATURE, calldata_size, decode_apply, encode_apply
from ledger.chain.errors import BatchTooLargeError, BlockUnreadableError
from ledger.chain.limits import BATCH_CALLDATA_SIZE_MAX, BATCH_OPERATIONS_MAX
from ledger.domain.groups import Group, SignedGroup
from verifier.hashing import keccak256
from verifier.operations import Operation

APPLY_TYPES = ["(uint256,uint256,uint256)[]", "(uint256,uint256,bytes32,bytes32)[]"]
words = st.integers(0, 2**256 - 1)
hashes = st.binary(min_size=32, max_size=32)
operations = st.builds(Operation.from_words, words, words, hashes, hashes)
groups = st.builds(
    SignedGroup,
    st.builds(
        Group,
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**64 - 1),
        st.lists(operations, min_size=1, max_size=3).map(tuple),
    ),
    v=st.integers(0, 255),
    r=words,
    s=words,
)
batches = st.lists(groups, min_size=1, max_size=4)


def one_group(count: int) -> SignedGroup:
    return SignedGroup(Group(1, 2, tuple(Operation(1, 1, number) for number in range(count))), 27, 1, 1)


@given(batches)
def test_decoding_gives_back_the_groups_encoded(batch: list[SignedGroup]) -> None:
    encoded = encode_apply(batch)
    assert decode_apply(encoded) == tuple(batch)
    assert len(encoded) == calldata_size(batch)


@given(batches)
def test_encoding_is_that_of_the_abi(batch: list[SignedGroup]) -> None:
    heads, ops = decode(APPLY_TYPES, encode_apply(batch)[4:], strict=True)
    assert encode_apply(batch) == APPLY_SELECTOR + encode(APPLY_TYPES, [heads, ops])
    assert [op[0] for op in ops] == [op.what for signed in batch for op in signed.group.operations]
    assert [head[0] >> 224 for head in heads] == [signed.group.actor for signed in batch]


def test_selector_is_that_of_the_compiled_contract() -> None:
    inputs = next(entry["inputs"] for entry in load_artifact().abi if entry.get("name") == "apply")
    types = ["(" + ",".join(part["type"] for part in given["components"]) + ")[]" for given in inputs]
    assert f"apply({','.join(types)})" == APPLY_SIGNATURE
    assert keccak256(APPLY_SIGNATURE.encode())[:4] == APPLY_SELECTOR


@given(st.binary(max_size=400))
def test_hostile_calldata_is_refused_with_the_layers_error(tail: bytes) -> None:
    try:
        decoded = decode_apply(APPLY_SELECTOR + tail)
    except BlockUnreadableError:
        return
    assert calldata_size(decoded) <= len(tail) + 4 + 64


@pytest.mark.parametrize(
    "spoil",
    [
        lambda calldata: b"\0\0\0\0" + calldata[4:],
        lambda calldata: calldata[:-1],
        lambda calldata: calldata[:4] + b"\xff" * 32 + calldata[36:],
        lambda calldata: calldata[: 4 + 64] + (2).to_bytes(32, "big") + calldata[4 + 96 :],
    ],
    ids=["other function", "cut short", "offset outside", "one head too many"],
)
def test_damaged_calldata_is_refused(spoil: object) -> None:
    calldata = encode_apply([one_group(2)])
    assert decode_apply(calldata)
    with pytest.raises(BlockUnreadableError):
        decode_apply(spoil(calldata))  # type: ignore[operator]


def test_a_batch_at_the_limits_is_encoded_and_one_over_refused() -> None:
    assert len(decode_apply(encode_apply([one_group(256), one_group(256)]))) == 2
    with pytest.raises(BatchTooLargeError) as refused:
        encode_apply([one_group(256), one_group(256), one_group(1)])
    assert (refused.value.count, refused.value.limit) == (513, BATCH_OPERATIONS_MAX)


def test_calldata_over_96_kilobytes_is_refused() -> None:
    most = (BATCH_CALLDATA_SIZE_MAX - calldata_size([])) // (calldata_size([one_group(1)]) - calldata_size([]))
    assert most < BATCH_OPERATIONS_MAX
    assert len(encode_apply([one_group(1)] * most)) <= BATCH_CALLDATA_SIZE_MAX
    with pytest.raises(BatchTooLargeError) as refused:
        encode_apply([one_group(1)] * (most + 1))
    assert refused.value.limit == BATCH_CALLDATA_SIZE_MAX
