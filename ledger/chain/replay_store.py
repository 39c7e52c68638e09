"""The store under a replay: what the ledger's own store holds, taken only where it is what its key says.

Trie nodes, headers and code are kept under their keccak256, so whatever is read is hashed and can be nothing else. All
that executing writes stays here in memory and is held, block by block, against the ledger's own records; then it goes.
So a replay needs no disk, no more memory than a block, and begins at any block that was executed before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from ledger.chain.errors import BlockDiffersError
from ledger.chain.lmdb_store import ChainStore
from ledger.chain.overlay import OverlayStore
from verifier.hashing import keccak256

HASH_SIZE: Final = 32
SHOWN_SIZE_MAX: Final = 64  # bytes of a node that a difference shows; a block's transaction has 96 KB
_MOVING: Final = b"v1:"  # the engine's records of the head and of gaps: each block writes them anew


class ReplayStore(OverlayStore):
    """One replay's view of a ledger's store."""

    def __init__(self, store: ChainStore) -> None:
        super().__init__()
        self._store = store
        self._before: dict[bytes, bytes | None] = {}  # records (not nodes) of the block before
        self._number = 0
        self.nodes: Any = None  # the ledger's own records, of one moment, while a block is executed

    @contextlib.contextmanager
    def executing(self, number: int) -> Iterator[Any]:
        """Everything inside is of block `number`; what the ledger holds, of one moment."""
        self._number = number
        with self._store.read() as nodes:
            self.nodes = nodes
            try:
                yield nodes
            finally:
                self.nodes = None

    def _below(self, key: bytes) -> bytes:
        if key in self._before:
            value = self._before[key]
            if value is None:
                raise KeyError(key)
            return value
        if len(key) != HASH_SIZE:
            raise KeyError(key)  # a record that names a place, not a content, is only taken from the replay itself
        found: bytes = self.nodes[key]
        if keccak256(found) != key:
            raise BlockDiffersError(self._number, "node", f"{shown(found)} under {key.hex()}", "bytes of that hash")
        return found

    def hold_against_ledger(self) -> None:
        """Every node and record that the block made is in the ledger's store, byte for byte.

        Raises: BlockDiffersError.
        """
        for key, value in self._made.items():
            if value is None or key.startswith(_MOVING):
                continue
            stored = self.nodes[key] if key in self.nodes else None  # noqa: SIM401 - a transaction, no dictionary
            if stored != value:
                name = key.hex() if len(key) == HASH_SIZE else key.decode(errors="replace")
                field = "node" if len(key) == HASH_SIZE else "record"
                said = "nothing" if stored is None else shown(stored)
                raise BlockDiffersError(self._number, field, f"{said} under {name}", shown(value))

    def forget(self) -> None:
        """Ends a block: the next one reads nodes from the ledger and only these few records from here."""
        moving = {key: value for key, value in self._before.items() if key.startswith(_MOVING)}
        self._before = {**moving, **{key: value for key, value in self._made.items() if len(key) != HASH_SIZE}}
        self._made.clear()

    def drop(self) -> None:
        """Ends a block that does not count."""
        self._made.clear()


def shown(value: bytes) -> str:
    """Bytes as hex, long ones by their beginning, hash and size."""
    if len(value) <= SHOWN_SIZE_MAX:
        return value.hex()
    return f"{value[:SHOWN_SIZE_MAX].hex()}... ({len(value)} bytes, keccak256 {keccak256(value).hex()})"
