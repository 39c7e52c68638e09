"""Merkle-Patricia proofs: what a state or storage root says about a key, from a few of its nodes.

A node is RLP: 17 items (a branch: 16 children and a value) or 2 (an extension or a leaf, told apart by the
first nibble of the path). A child is the keccak256 of its node, or the node itself when that has under 32
bytes. Following the key's nibbles from the root ends in the value, or at a place that proves there is none.
"""

from __future__ import annotations

from itertools import pairwise

from verifier.errors import CheckError
from verifier.hashing import HASH_SIZE, keccak256
from verifier.reasons import Reason
from verifier.rlp import Item, decode

EMPTY_ROOT = keccak256(b"\x80")  # root of a trie without any key
NODE_SIZE_MAX = 1024  # bytes; a branch of 16 hashes has 532, a leaf of this contract under 110, receipts are not here
BRANCH_ITEMS = 17
LEAF_FLAG, ODD_FLAG = 2, 1  # in the first nibble of a compact path


class ProofNodes:
    """Nodes of one proof, found by their hash; remembers which were needed.

    Nodes stand in ascending byte order, each once, so that a proof has one byte string.

    Raises: CheckError when they do not, or when one is larger than NODE_SIZE_MAX bytes.
    """

    def __init__(self, nodes: tuple[bytes, ...], size_max: int = NODE_SIZE_MAX) -> None:
        if any(one >= two for one, two in pairwise(nodes)):
            raise CheckError(Reason.PROOF_MALFORMED, "nodes are not in ascending order")
        if any(len(node) > size_max for node in nodes):
            raise CheckError(Reason.PROOF_MALFORMED, f"a node has more than {size_max} bytes")
        self._nodes = {keccak256(node): node for node in nodes}
        self._read: dict[bytes, list[Item]] = {}

    def lookup(self, root: bytes, key: bytes) -> bytes | None:
        """Value at `key` in the trie with the 32-byte `root`; None when the trie proves there is none.

        `key` is the key as the trie has it; in state and storage tries that is a keccak256.

        Raises: CheckError when a node is missing or malformed.
        """
        if root == EMPTY_ROOT:
            return None
        node = self._node(root)
        nibbles = [nibble for byte in key for nibble in (byte >> 4, byte & 15)]
        at = 0
        while True:
            if len(node) == BRANCH_ITEMS:
                if at == len(nibbles):
                    return _value(node[16]) or None
                child = node[nibbles[at]]
                at += 1
            else:
                path, is_leaf = _compact_path(node[0])
                end = at + len(path)
                if nibbles[at:end] != path or (is_leaf and end != len(nibbles)):
                    return None
                if is_leaf:
                    return _value(node[1])
                child = node[1]
                at = end
            if child == b"":
                return None
            node = self._child(child)

    def check_all_used(self) -> None:
        """Accept the proof when every node was needed.

        Raises: CheckError otherwise.
        """
        surplus = len(self._nodes) - len(self._read)
        if surplus:
            raise CheckError(Reason.PROOF_SURPLUS, f"{surplus} nodes")

    def _node(self, digest: bytes) -> list[Item]:
        known = self._read.get(digest)
        if known is not None:
            return known
        encoded = self._nodes.get(digest)
        if encoded is None:
            raise CheckError(Reason.PROOF_INCOMPLETE, f"node {digest.hex()}")
        self._read[digest] = node = _shaped(decode(encoded, Reason.PROOF_MALFORMED))
        return node

    def _child(self, child: Item) -> list[Item]:
        if isinstance(child, bytes):
            if len(child) != HASH_SIZE:
                raise CheckError(Reason.PROOF_MALFORMED, "a child is no hash")
            return self._node(child)
        return _shaped(child)


def _shaped(item: Item) -> list[Item]:
    if isinstance(item, bytes) or len(item) not in {2, BRANCH_ITEMS}:
        raise CheckError(Reason.PROOF_MALFORMED, "a node has 2 or 17 items")
    return item


def _value(item: Item) -> bytes:
    if not isinstance(item, bytes):
        raise CheckError(Reason.PROOF_MALFORMED, "a value is a list")
    return item


def _compact_path(item: Item) -> tuple[list[int], bool]:
    """Nibbles of a compact path, and whether its node is a leaf.

    Source: Ethereum yellow paper, appendix C.
    """
    if not isinstance(item, bytes) or not item:
        raise CheckError(Reason.PROOF_MALFORMED, "a node has no path")
    flags = item[0] >> 4
    nibbles = [nibble for byte in item for nibble in (byte >> 4, byte & 15)]
    path = nibbles[1:] if flags & ODD_FLAG else nibbles[2:]
    is_padded = flags & ODD_FLAG or nibbles[1] == 0
    is_leaf = bool(flags & LEAF_FLAG)
    if flags > (LEAF_FLAG | ODD_FLAG) or not is_padded or not (path or is_leaf):
        raise CheckError(Reason.PROOF_MALFORMED, "a path is not in compact form")
    return path, is_leaf
