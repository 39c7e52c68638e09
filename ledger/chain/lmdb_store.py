"""The chain's store: one LMDB environment, one writing process, many reading ones.

Everything is one map of bytes to bytes: trie nodes and headers under their hash, and a few named records. Trie nodes
never change, so a reader at any head finds all it needs; what moves is the head record, and it moves in the same
fsynced transaction as the block it names. That is the whole recovery story: after a crash the store is at a head, the
old one or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import lmdb

from ledger.chain.errors import (
    ChainError,
    ChainExistsError,
    ChainFullError,
    ChainInUseError,
    ChainMissingError,
    ChainReadOnlyError,
    ChainStorageError,
)
from ledger.chain.identity import ChainIdentity, ChainRules
from ledger.chain.limits import MAP_SIZE, READER_CHECK_INTERVAL_S, READERS_MAX
from ledger.chain.lmdb_whole import is_whole

DATA_FILE = "data.mdb"
WRITER_LOCK_FILE = "writer.lock"
FREE_SIZE_MIN = 64 << 20  # bytes; with less left, a write that fell short means a full disk, not a broken one
STORE_FILES = frozenset({DATA_FILE, "lock.mdb", WRITER_LOCK_FILE})

IDENTITY_KEY = b"ledger:identity"
RULES_KEY = b"ledger:rules"
SNAPSHOT_KEY = b"ledger:head-snapshot"
HEAD_KEY = b"v1:canonical_head_hash"  # the engine's own record, so there is one head and not two


class Nodes(Protocol):
    """Reads of one moment: what `key` holds, KeyError when nothing."""

    def __getitem__(self, key: bytes) -> bytes: ...

    def __contains__(self, key: bytes, /) -> bool: ...


class ReadTransaction:
    """One LMDB read transaction: a consistent view of one head, however many reads it takes.

    Raises: ChainStorageError where a page of the store in `directory` is damaged.
    """

    __slots__ = ("_directory", "_read")

    def __init__(self, transaction: Any, directory: Path) -> None:
        self._read = transaction.get
        self._directory = directory

    def __getitem__(self, key: bytes) -> bytes:
        value = self._get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: bytes, /) -> bool:
        return self._get(key) is not None

    def _get(self, key: bytes) -> bytes | None:
        try:
            value: bytes | None = self._read(key)
        except lmdb.Error as err:
            raise ChainStorageError(
                f"{DATA_FILE} is damaged ({err}): restore it from a backup", self._directory
            ) from err
        return value


class _Opened:
    """One environment of this process, shared by all who open its path, because LMDB allows a path once a process."""

    def __init__(self, environment: Any) -> None:
        self.environment = environment
        self.pid = os.getpid()
        self.users = 0


_opened: dict[str, _Opened] = {}
_opened_lock = threading.Lock()  # guards _opened: two threads may open or close the same path


class ChainStore:
    """A chain directory opened for reading, and for writing by whoever holds the writer's lock.

    Safe to use from many threads. After a fork the environment is opened again on first use, because LMDB's
    environments do not survive one.
    """

    def __init__(self, directory: Path, *, map_size: int = MAP_SIZE) -> None:
        """Raises: ChainMissingError, ChainStorageError."""
        data = directory / DATA_FILE
        if not data.is_file() or not data.stat().st_size:  # LMDB would make an empty store of an empty file
            raise ChainMissingError("holds no chain: create one, or name the right directory", directory)
        self.directory = directory
        self._map_size = map_size
        self._opened = _acquire(directory, map_size)
        self._closed = False
        self._checked_at = 0.0
        self._check_readers()

    @contextlib.contextmanager
    def read(self) -> Iterator[ReadTransaction]:
        """One read transaction; open one a request."""
        self._check_readers()
        try:
            transaction = self._environment().begin(buffers=False)
        except lmdb.Error as err:
            raise ChainStorageError(f"cannot be read: {err}", self.directory) from err
        try:
            yield ReadTransaction(transaction, self.directory)
        finally:
            transaction.abort()

    def get(self, key: bytes) -> bytes | None:
        """Value of `key` at the head of this moment."""
        with self.read() as nodes:
            try:
                return nodes[key]
            except KeyError:
                return None

    def write(self, records: Mapping[bytes, bytes], deleted: Iterable[bytes] = ()) -> None:
        """Keeps all of `records` and drops all of `deleted`, or neither. On disk (fsync) when it returns.

        Raises: ChainFullError, ChainReadOnlyError, ChainStorageError; then nothing was kept.
        """
        self._check_readers()
        try:
            with self._environment().begin(write=True) as transaction:
                for key in deleted:
                    transaction.delete(key)
                transaction.cursor().putmulti(sorted(records.items()))
        except lmdb.Error as err:
            raise _translated(err, self.directory) from err

    def copy(self, target: Path) -> None:
        """Compacted copy of one moment, while the writer goes on.

        Raises: ChainExistsError when `target` is not an empty or new directory; ChainFullError, ChainStorageError.
        """
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise ChainExistsError("is not empty: copy into a new directory", target)
        try:
            self._environment().copy(str(target), compact=True)
        except lmdb.Error as err:
            raise _translated(err, target) from err
        _sync(target / DATA_FILE)
        _sync(target)

    def close(self) -> None:
        """Gives the environment back; the last user closes it. May be called twice."""
        if not self._closed:
            self._closed = True
            _release(self._opened)

    def _environment(self) -> Any:
        if self._opened.pid != os.getpid():
            self._opened = _acquire(self.directory, self._map_size)
        return self._opened.environment

    def _check_readers(self) -> None:
        """Gives back the slots of readers that were killed, at start and every minute."""
        now = time.monotonic()
        if self._checked_at and now - self._checked_at < READER_CHECK_INTERVAL_S:
            return
        self._checked_at = now
        with contextlib.suppress(lmdb.ReadonlyError):
            self._environment().reader_check()


class WriterLock:
    """The right to write a chain directory: an exclusive flock, gone with the process that held it."""

    def __init__(self, directory: Path) -> None:
        """Raises: ChainInUseError, ChainReadOnlyError."""
        path = directory / WRITER_LOCK_FILE
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as err:
            raise ChainReadOnlyError(f"cannot be written ({err.strerror}): check owner and mount", directory) from err
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            os.close(self._descriptor)
            raise ChainInUseError("another process writes this chain: stop it first", directory) from err

    def release(self) -> None:
        """Lets another process write."""
        os.close(self._descriptor)


def stored_identity(store: ChainStore) -> tuple[ChainIdentity, ChainRules]:
    """What the chain in `store` is.

    Raises: ChainMissingError when its creation was cut short; ChainStorageError when its records are damaged.
    """
    with store.read() as nodes:
        if IDENTITY_KEY not in nodes or RULES_KEY not in nodes:
            raise ChainMissingError("holds an unfinished chain: create it again", store.directory)
        try:
            return ChainIdentity.from_bytes(nodes[IDENTITY_KEY]), ChainRules.from_bytes(nodes[RULES_KEY])
        except (ValueError, LookupError, TypeError) as err:
            raise ChainStorageError(
                "what chain this is cannot be read: restore it from a backup", store.directory
            ) from err


def create_store(directory: Path, *, map_size: int = MAP_SIZE) -> ChainStore:
    """A store in a new or empty directory, or the one that a creation that was cut short left there.

    Raises: ChainExistsError when other files lie there; ChainReadOnlyError, ChainStorageError.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(path.name not in STORE_FILES for path in directory.iterdir()):
            raise ChainExistsError("is not empty: a chain needs a directory of its own", directory)
        if not (directory / DATA_FILE).exists():
            _open_environment(directory, map_size, create=True).close()
    except OSError as err:
        raise ChainReadOnlyError(f"cannot be written ({err.strerror}): check owner and mount", directory) from err
    except lmdb.Error as err:
        raise _translated(err, directory) from err
    return ChainStore(directory, map_size=map_size)


def require_writable(directory: Path) -> None:
    """Raises: ChainReadOnlyError when the store's files cannot be written by this process."""
    for path in (directory, directory / DATA_FILE):
        if not os.access(path, os.W_OK):
            raise ChainReadOnlyError(f"{path.name} cannot be written: check owner and mount", directory)
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        raise ChainReadOnlyError("its file system is mounted read-only", directory)


def _acquire(directory: Path, map_size: int) -> _Opened:
    path = str(directory.resolve())
    with _opened_lock:
        opened = _opened.get(path)
        if opened is not None and opened.pid != os.getpid():
            opened.environment.close()  # inherited over a fork: closes this process's view, not the parent's
            opened = None
        if opened is None:
            opened = _Opened(_whole_environment(directory, map_size))
            _opened[path] = opened
        opened.users += 1
        return opened


def _release(opened: _Opened) -> None:
    with _opened_lock:
        opened.users -= 1
        if opened.users == 0 and opened.pid == os.getpid():
            opened.environment.close()
            for path in [path for path, other in _opened.items() if other is opened]:
                del _opened[path]


def _whole_environment(directory: Path, map_size: int) -> Any:
    """Raises: ChainStorageError, also for a file that was cut short."""
    try:
        environment = _open_environment(directory, map_size, create=False)
        if is_whole(environment, directory / DATA_FILE, map_size):
            return environment
        environment.close()
    except lmdb.Error as err:
        raise _translated(err, directory) from err
    raise ChainStorageError(f"{DATA_FILE} was cut short: restore it from a backup", directory)


def _open_environment(directory: Path, map_size: int, *, create: bool) -> Any:
    """Durable settings: fsync of data and of the root page, no WRITEMAP, so a crash never leaves half a page."""

    def opened(*, readonly: bool) -> Any:
        return lmdb.open(
            str(directory),
            map_size=map_size,
            create=create,
            readonly=readonly,
            writemap=False,
            sync=True,
            metasync=True,
            readahead=False,  # keys are hashes: the next page on disk is never the next one wanted
            meminit=False,
            max_readers=READERS_MAX,
            mode=0o600,
        )

    if create:
        return opened(readonly=False)
    return opened(readonly=not _writable(directory))


def _writable(directory: Path) -> bool:
    return os.access(directory / DATA_FILE, os.W_OK) and not os.statvfs(directory).f_flag & os.ST_RDONLY


def _translated(err: lmdb.Error, directory: Path) -> ChainError:
    """The chain's error for LMDB's; LMDB knows errno values only by their text."""
    if isinstance(err, lmdb.MapFullError):
        return ChainFullError("the map is full: the block was not kept", directory)
    text = str(err)
    short_write = os.strerror(errno.EIO) in text and _free_size(directory) < FREE_SIZE_MIN  # LMDB's name for it
    if short_write or any(os.strerror(number) in text for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
        return ChainFullError(f"no space left ({text}): the block was not kept; free space and start again", directory)
    if isinstance(err, lmdb.ReadonlyError) or any(
        os.strerror(number) in text for number in (errno.EROFS, errno.EACCES, errno.EPERM)
    ):
        return ChainReadOnlyError(f"cannot be written ({text}): check owner and mount", directory)
    return ChainStorageError(f"the store failed: {text}", directory)


def _free_size(directory: Path) -> int:
    free = os.statvfs(directory)
    return free.f_bavail * free.f_frsize


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
