"""The store under the block being built.

What is kept under its hash is hashed when it is read: a block made on damaged state would be sealed, and no other
client could ever execute it again.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ledger.chain.lmdb_store import ChainStore
from ledger.chain.overlay import OverlayStore
from ledger.chain.tries import HashedNodes


class PendingStore(OverlayStore):
    """The store under the block being built: writes stay in memory until the block is kept or dropped.

    Reading raises BlockUnreadableError where something else is stored than its hash says.
    """

    def __init__(self, store: ChainStore) -> None:
        super().__init__()
        self._store = store
        self._reading: contextlib.ExitStack = contextlib.ExitStack()
        self._nodes: Any = None

    def _below(self, key: bytes) -> bytes:
        if self._nodes is None:
            self._nodes = HashedNodes(self._reading.enter_context(self._store.read()))
        found: bytes = self._nodes[key]
        return found

    def keep(self) -> None:
        """Everything pending to disk, in one fsynced transaction."""
        self.end_reading()
        kept = {key: value for key, value in self._made.items() if value is not None}
        deleted = [key for key, value in self._made.items() if value is None]
        self._store.write(kept, deleted)
        self._made.clear()

    def drop(self) -> None:
        """Forgets everything pending."""
        self.end_reading()
        self._made.clear()

    def end_reading(self) -> None:
        """Gives back the read transaction; the next read takes a new one."""
        self._reading.close()
        self._nodes = None
