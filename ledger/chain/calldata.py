"""Calldata of `apply`: signed groups as flat words, both ways.

The ABI of two arrays of flat structs needs no general encoder, and a general one takes longer than the EVM's pass
over the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

from ledger.chain.errors import BatchTooLargeError, BlockUnreadableError
from ledger.chain.limits import BATCH_CALLDATA_SIZE_MAX, BATCH_OPERATIONS_MAX
from ledger.domain.groups import Group, SignedGroup
from verifier.hashing import keccak256
from verifier.operations import GROUP_OPERATIONS_MAX, Operation

APPLY_SIGNATURE: Final = "apply((uint256,uint256,uint256)[],(uint256,uint256,bytes32,bytes32)[])"
APPLY_SELECTOR: Final = keccak256(APPLY_SIGNATURE.encode())[:4]
WORD: Final = 32
HEAD_SIZE: Final = 3 * WORD
OPERATION_SIZE: Final = 4 * WORD
_FIXED_SIZE: Final = 4 + 4 * WORD  # selector, two offsets, two counts
_ACTOR_SHIFT: Final = 224
_VALID_UNTIL_SHIFT: Final = 160
_COUNT_SHIFT: Final = 8
_U64: Final = (1 << 64) - 1


def calldata_size(groups: Sequence[SignedGroup]) -> int:
    """Bytes that `encode_apply` makes of `groups`."""
    return _FIXED_SIZE + sum(HEAD_SIZE + OPERATION_SIZE * len(signed.group.operations) for signed in groups)


def check_batch(groups: Sequence[SignedGroup]) -> None:
    """Raises: BatchTooLargeError when `groups` do not fit in one transaction; an empty batch is one too."""
    operation_count = sum(len(signed.group.operations) for signed in groups)
    if operation_count > BATCH_OPERATIONS_MAX:
        raise BatchTooLargeError("operations", operation_count, BATCH_OPERATIONS_MAX)
    size = calldata_size(groups)
    if size > BATCH_CALLDATA_SIZE_MAX:
        raise BatchTooLargeError("bytes of calldata", size, BATCH_CALLDATA_SIZE_MAX)


def encode_apply(groups: Sequence[SignedGroup]) -> bytes:
    """Calldata of `apply` for `groups`, in order.

    Raises: BatchTooLargeError; FieldRangeError when a field does not fit its bits.
    """
    check_batch(groups)
    heads = b"".join(_head(signed) for signed in groups)
    operations = b"".join(_operation(operation) for signed in groups for operation in signed.group.operations)
    return b"".join(
        (
            APPLY_SELECTOR,
            _word(2 * WORD),
            _word(3 * WORD + len(heads)),
            _word(len(heads) // HEAD_SIZE),
            heads,
            _word(len(operations) // OPERATION_SIZE),
            operations,
        )
    )


def decode_apply(calldata: bytes) -> tuple[SignedGroup, ...]:
    """Groups in the calldata of a successful call of `apply`, wherever its offsets point.

    Raises: BlockUnreadableError for another function, offsets outside, or counts that do not add up.
    """
    if calldata[:4] != APPLY_SELECTOR:
        raise BlockUnreadableError("a transaction calls another function than apply")
    body = calldata[4:]
    heads = _array(body, 0, HEAD_SIZE)
    operations = _array(body, WORD, OPERATION_SIZE)
    counts = [_int(head, 0) >> _COUNT_SHIFT & _U64 for head in heads]
    if sum(counts) != len(operations) or not all(1 <= count <= GROUP_OPERATIONS_MAX for count in counts):
        raise BlockUnreadableError("the counts of the groups do not add up to the operations")
    bounds = pairwise(accumulate(counts, initial=0))
    return tuple(_signed(head, operations[start:end]) for head, (start, end) in zip(heads, bounds, strict=True))


def _head(signed: SignedGroup) -> bytes:
    group = signed.group
    packed = (
        group.actor << _ACTOR_SHIFT
        | group.valid_until << _VALID_UNTIL_SHIFT
        | len(group.operations) << _COUNT_SHIFT
        | signed.v
    )
    return _word(packed) + _word(signed.r) + _word(signed.s)


def _operation(operation: Operation) -> bytes:
    what, terms, who, ref = operation.words()
    return _word(what) + _word(terms) + who + ref


def _signed(head: bytes, operations: list[bytes]) -> SignedGroup:
    packed = _int(head, 0)
    group = Group(
        actor=packed >> _ACTOR_SHIFT,
        valid_until=packed >> _VALID_UNTIL_SHIFT & _U64,
        operations=tuple(
            Operation.from_words(_int(words, 0), _int(words, 1), words[2 * WORD : 3 * WORD], words[3 * WORD :])
            for words in operations
        ),
    )
    return SignedGroup(group, v=packed & 0xFF, r=_int(head, 1), s=_int(head, 2))


def _array(body: bytes, offset_at: int, item_size: int) -> list[bytes]:
    offset = _int_at(body, offset_at)
    count = _int_at(body, offset)
    start = offset + WORD
    if count > BATCH_OPERATIONS_MAX or start + count * item_size > len(body):
        raise BlockUnreadableError("an array of the calldata lies outside it")
    return [body[at : at + item_size] for at in range(start, start + count * item_size, item_size)]


def _int_at(body: bytes, at: int) -> int:
    if at + WORD > len(body):
        raise BlockUnreadableError("an offset of the calldata lies outside it")
    return int.from_bytes(body[at : at + WORD], "big")


def _int(words: bytes, index: int) -> int:
    return int.from_bytes(words[index * WORD : (index + 1) * WORD], "big")


def _word(value: int) -> bytes:
    return value.to_bytes(WORD, "big")
