"""Reading tries out of the store: what a key leads to, or that the store is damaged on the way there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import rlp
from trie.exceptions import InvalidNode, MissingTraversalNode, MissingTrieNode, ValidationError
from trie.hexary import HexaryTrie

from ledger.chain.errors import BlockUnreadableError
from ledger.chain.lmdb_store import Nodes
from verifier.hashing import HASH_SIZE, keccak256

RESTORE: Final = "restore the chain from a backup"

# over bytes that are no node the library raises no closed set of errors
_BROKEN = (InvalidNode, ValidationError, rlp.DecodingError, ValueError, TypeError, LookupError, AssertionError)


class HashedNodes:
    """Nodes that are what their key says: whatever is kept under a hash is hashed when it is read.

    Raises: BlockUnreadableError where it is something else.
    """

    __slots__ = ("_nodes",)

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def __getitem__(self, key: bytes) -> bytes:
        value = self._nodes[key]
        if len(key) == HASH_SIZE and keccak256(value) != key:
            raise BlockUnreadableError(f"what is stored as {key.hex()} has another hash: {RESTORE}")
        return value

    def __contains__(self, key: bytes, /) -> bool:
        return key in self._nodes


def trie_value(nodes: Nodes, root: bytes, key: bytes) -> bytes:
    """What the trie with the 32-byte `root` holds at `key`, empty for nothing.

    Raises: BlockUnreadableError when a node is missing or none.
    """
    with _whole(root):
        return bytes(HexaryTrie(nodes, root)[key])


def trie_path(nodes: Nodes, root: bytes, key: bytes) -> tuple[list[Any], ...]:
    """The decoded nodes from `root` towards `key`. Raises: BlockUnreadableError as `trie_value`."""
    trie: Any = HexaryTrie(nodes, root)  # its proofs are not typed
    with _whole(root):
        path: tuple[list[Any], ...] = trie.get_proof(key)
        return path


@contextmanager
def _whole(root: bytes) -> Iterator[None]:
    try:
        yield
    except (MissingTrieNode, MissingTraversalNode) as err:
        raise BlockUnreadableError(f"a node below {root.hex()} is missing: {RESTORE}") from err
    except _BROKEN as err:
        raise BlockUnreadableError(f"a node below {root.hex()} is damaged: {RESTORE}") from err
