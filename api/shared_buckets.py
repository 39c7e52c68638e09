"""Token buckets that all API processes of one installation share: a small file, mapped into the memory of each.

`einvoice serve` makes it anew at every start when there are several processes; one process needs none (see
`api.rate_limits.Buckets`, whose rules these follow). Buckets stand in sets, found by a keyed hash; a set is looked
through under a lock on its bytes alone, which the kernel lets go of when a process dies. What is let go of is a full
bucket; where a set holds none, newcomers share the bucket of their wider network.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import secrets
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

FILE_NAME: Final = "rates"
WAYS: Final = 8  # buckets of one set
CROWDS: Final = 1_024
_BUCKET = struct.Struct("=8sdd")  # keyed hash of whose it is, tokens, as of (seconds since the machine started)
_SET_SIZE: Final = WAYS * _BUCKET.size
_SECRET_SIZE: Final = 32
_NOBODY: Final = bytes(8)


class SharedFile:
    """The mapped file: a secret that keys the hashes, then tables. Every process opens it for itself."""

    def __init__(self, path: Path) -> None:
        """Raises: OSError when there is none."""
        self.descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        self.memory = mmap.mmap(self.descriptor, 0)
        self.secret = self.memory[:_SECRET_SIZE]

    def close(self) -> None:
        """Unmaps it."""
        self.memory.close()
        os.close(self.descriptor)


def make_file(path: Path, sizes: tuple[int, ...]) -> None:
    """An empty file with tables of so many buckets, instead of the one of the last start.

    All of it is on the disk from the start: a process that touches a page for which there is no room is ended.

    Raises: OSError, a full disk among them; then there is no file.
    """
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_SECRET_SIZE))
        os.posix_fallocate(descriptor, 0, _SECRET_SIZE + sum(table_size(most) for most in sizes))
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)


def table_size(most: int) -> int:
    """Bytes of a table of `most` buckets and its crowds."""
    return (_sets(most) * WAYS + CROWDS) * _BUCKET.size


class SharedBuckets:
    """Buckets of one table: each holds `burst` tokens at most and gains `per_s` a second, for all processes together.

    The clock must be the machine's, the same in every process.
    """

    def __init__(
        self, file: SharedFile, offset: int, per_s: int, burst: int, most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._file, self._per_s, self._burst, self._clock = file, per_s, float(max(burst, 1)), clock
        self._offset, self._sets = _SECRET_SIZE + offset, _sets(most)
        self._crowds = self._offset + self._sets * _SET_SIZE
        self._lock = threading.Lock()  # locks of a file are a process's, not a thread's

    def take(self, key: bytes, network: bytes) -> float:
        """Takes a token of `key`; seconds until there is one, 0.0 when it was taken. `network`: its crowd's."""
        if self._per_s == 0:
            return 0.0
        hashed = self._hashed(key)
        start = self._offset + int.from_bytes(hashed[8:], "big") % self._sets * _SET_SIZE
        with self._lock:
            fcntl.lockf(self._file.descriptor, fcntl.LOCK_EX, _SET_SIZE, start)
            try:
                now = self._clock()
                at = self._place(start, hashed[:8], now)
                if at is not None:
                    return self._taken(at, hashed[:8], now)
            finally:
                fcntl.lockf(self._file.descriptor, fcntl.LOCK_UN, _SET_SIZE, start)
            crowd = int.from_bytes(self._hashed(network)[8:], "big") % CROWDS
            at = self._crowds + crowd * _BUCKET.size
            fcntl.lockf(self._file.descriptor, fcntl.LOCK_EX, _BUCKET.size, at)
            try:
                return self._taken(at, b"crowded.", self._clock())
            finally:
                fcntl.lockf(self._file.descriptor, fcntl.LOCK_UN, _BUCKET.size, at)

    def _hashed(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, key=self._file.secret, digest_size=16).digest()

    def _place(self, start: int, whose: bytes, now: float) -> int | None:
        """Where that bucket stands in its set, or may; None when every other one is in use."""
        free = None
        for at in range(start, start + _SET_SIZE, _BUCKET.size):
            held, tokens, since = _BUCKET.unpack_from(self._file.memory, at)
            if held == whose:
                return at
            if free is None and (held == _NOBODY or self._filled(tokens, since, now) >= self._burst):
                free = at
        return free

    def _taken(self, at: int, whose: bytes, now: float) -> float:
        held, tokens, since = _BUCKET.unpack_from(self._file.memory, at)
        tokens = self._filled(tokens, since, now) if held == whose else self._burst
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._per_s
        _BUCKET.pack_into(self._file.memory, at, whose, tokens - 1 if tokens >= 1 else tokens, now)
        return wait

    def _filled(self, tokens: float, since: float, now: float) -> float:
        if since > now:  # of a clock that began anew
            return self._burst
        return min(self._burst, tokens + (now - since) * self._per_s)


def _sets(most: int) -> int:
    return max(most // WAYS, 1)
