"""Signed groups as the queue stores them.

    version 1 | actor 4 | valid_until 8 | count 2 | v 1 | r 32 | s 32 | count x (what 32, terms 32, who 32, ref 32)

All big-endian. The bytes say everything the chain needs; they are resent unchanged.
"""

from __future__ import annotations

from ledger.domain.groups import Group, SignedGroup
from ledger.projection.errors import StorageError
from verifier.operations import GROUP_OPERATIONS_MAX, Operation

PACKING_VERSION = 1
HEAD_SIZE = 80
OPERATION_SIZE = 128
SIGNATURE_AT = 15  # v, r and s lie side by side
SIGNATURE_SIZE = 65


def pack_signed(signed: SignedGroup) -> bytes:
    """`signed` as bytes.

    Raises: verifier.operations.FieldRangeError when a field of an operation does not fit.
    """
    group = signed.group
    words = [operation.words() for operation in group.operations]
    return b"".join(
        (
            PACKING_VERSION.to_bytes(1, "big"),
            group.actor.to_bytes(4, "big"),
            group.valid_until.to_bytes(8, "big"),
            len(words).to_bytes(2, "big"),
            signed.v.to_bytes(1, "big"),
            signed.r.to_bytes(32, "big"),
            signed.s.to_bytes(32, "big"),
            *(what.to_bytes(32, "big") + terms.to_bytes(32, "big") + who + ref for what, terms, who, ref in words),
        )
    )


def unpack_signed(packed: bytes) -> SignedGroup:
    """The group `packed` holds.

    Raises: StorageError when the bytes are of another version or size.
    """
    count = int.from_bytes(packed[13:15], "big")
    if packed[:1] != b"\x01" or not 1 <= count <= GROUP_OPERATIONS_MAX:
        raise StorageError("a queued group of another version: was this database written by a newer program?")
    if len(packed) != HEAD_SIZE + count * OPERATION_SIZE:
        raise StorageError("a queued group of the wrong size: the database is damaged, restore a backup")
    operations = []
    for at in range(HEAD_SIZE, len(packed), OPERATION_SIZE):
        what, terms, who, ref = (packed[at + 32 * index : at + 32 * index + 32] for index in range(4))
        operations.append(Operation.from_words(int.from_bytes(what, "big"), int.from_bytes(terms, "big"), who, ref))
    group = Group(
        actor=int.from_bytes(packed[1:5], "big"),
        valid_until=int.from_bytes(packed[5:13], "big"),
        operations=tuple(operations),
    )
    return SignedGroup(
        group=group,
        v=packed[15],
        r=int.from_bytes(packed[16:48], "big"),
        s=int.from_bytes(packed[48:80], "big"),
    )
