"""Noting which credentials are used, at most once an hour each, without a request waiting for it."""

from __future__ import annotations

import threading

from ledger.projection import StorageError, Store, api_keys
from ledger.projection.api_keys import StoredApiKey

USE_NOTED_EVERY_S = 3_600  # so that reads do not become writes
USES_REMEMBERED_MAX = 4_096  # keys one process remembers having noted; beyond, all are forgotten and noted again


class KeyUses:
    """What one process has noted. Thread-safe."""

    def __init__(self) -> None:
        self._noted: dict[str, int] = {}
        self._lock = threading.Lock()  # guards _noted: requests authenticate on many threads

    def note(self, store: Store, stored: StoredApiKey, now_s: int) -> None:
        """A credential was used; what cannot be noted now, a later request notes."""
        since_s = now_s - USE_NOTED_EVERY_S
        if (stored.last_used_at or 0) > since_s:
            return
        with self._lock:
            if self._noted.get(stored.key_id, 0) > since_s:
                return
            if len(self._noted) >= USES_REMEMBERED_MAX:
                self._noted.clear()
            self._noted[stored.key_id] = now_s
        try:
            store.write_later(lambda connection: api_keys.note_use(connection, stored.key_id, now_s, since_s))
        except StorageError:  # full or closing
            with self._lock:
                self._noted.pop(stored.key_id, None)
