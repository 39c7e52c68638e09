"""The store under the block being built."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from eth.db.backends.base import BaseAtomicDB

from ledger.chain.lmdb_store import ChainStore


class PendingStore(BaseAtomicDB):
    """The store under the block being built: writes stay in memory until the block is kept or dropped."""

    def __init__(self, store: ChainStore) -> None:
        self._store = store
        self._pending: dict[bytes, bytes | None] = {}  # None: deleted
        self._reading: contextlib.ExitStack = contextlib.ExitStack()
        self._nodes: Any = None

    def __getitem__(self, key: bytes) -> bytes:
        if key in self._pending:
            value = self._pending[key]
            if value is None:
                raise KeyError(key)
            return value
        if self._nodes is None:
            self._nodes = self._reading.enter_context(self._store.read())
        found: bytes = self._nodes[key]
        return found

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._pending[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key not in self:
            raise KeyError(key)
        self._pending[key] = None

    def _exists(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    @contextlib.contextmanager
    def atomic_batch(self) -> Iterator[Any]:
        yield self  # the block is the batch: a failure anywhere drops all of it

    def keep(self) -> None:
        """Everything pending to disk, in one fsynced transaction."""
        self.end_reading()
        kept = {key: value for key, value in self._pending.items() if value is not None}
        deleted = [key for key, value in self._pending.items() if value is None]
        self._store.write(kept, deleted)
        self._pending.clear()

    def drop(self) -> None:
        """Forgets everything pending."""
        self.end_reading()
        self._pending.clear()

    def end_reading(self) -> None:
        """Gives back the read transaction; the next read takes a new one."""
        self._reading.close()
        self._nodes = None
