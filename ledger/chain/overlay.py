"""The store that the engine writes into: what a block makes stays in memory above what is read from below."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from eth.db.backends.base import BaseAtomicDB


class OverlayStore(BaseAtomicDB):
    """Writes of the block being executed, above a store of ours; what becomes of them is the heir's to say."""

    def __init__(self) -> None:
        self._made: dict[bytes, bytes | None] = {}  # by the block being executed; None: deleted

    @abstractmethod
    def _below(self, key: bytes) -> bytes:
        """What is read where the block made nothing. Raises: KeyError."""

    def __getitem__(self, key: bytes) -> bytes:
        if key not in self._made:
            return self._below(key)
        value = self._made[key]
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._made[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key not in self:
            raise KeyError(key)
        self._made[key] = None

    def _exists(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    @contextlib.contextmanager
    def atomic_batch(self) -> Iterator[Any]:
        yield self  # the block is the batch: a failure anywhere drops all of it
