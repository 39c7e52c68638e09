"""The store under the block being built."""

from __future__ import annotations

import contextlib
from typing import Any

from ledger.chain.lmdb_store import ChainStore
from ledger.chain.overlay import OverlayStore


class PendingStore(OverlayStore):
    """The store under the block being built: writes stay in memory until the block is kept or dropped."""

    def __init__(self, store: ChainStore) -> None:
        super().__init__()
        self._store = store
        self._reading: contextlib.ExitStack = contextlib.ExitStack()
        self._nodes: Any = None

    def _below(self, key: bytes) -> bytes:
        if self._nodes is None:
            self._nodes = self._reading.enter_context(self._store.read())
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
