"""A copy of the database while it is in use, through SQLite's online backup.

Take this copy before the chain's: a chain that is ahead of its projection is followed at the next start, a
projection ahead of its chain is not (docs/STORAGE.md).
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Engine

from ledger.projection.database import unavailable
from ledger.projection.errors import StorageError


def backup(engine: Engine, target: Path) -> int:
    """Writes a copy of one moment to the new file `target`, checked and synced; its size in bytes.

    Raises: StorageError when `target` exists or the database is no SQLite file; DatabaseUnavailableError.
    """
    if engine.dialect.name != "sqlite":
        raise StorageError("this database is PostgreSQL: copy it with pg_dump, before the chain")
    if target.exists():
        raise StorageError(f"{target} exists: a backup never overwrites, name a new file")
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        _copy(engine, unfinished)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.rename(target)
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as err:
        raise StorageError(f"the backup {target} cannot be written: {err.strerror}") from err
    except sqlite3.Error as err:
        raise unavailable(err) from err
    finally:
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def _copy(engine: Engine, path: Path) -> None:
    path.unlink(missing_ok=True)
    copy = sqlite3.connect(path)
    try:
        with engine.connect() as connection:
            source = connection.connection.dbapi_connection
            # All pages in one step: in WAL mode that holds up no writer, while a copy in small steps starts over
            # whenever another process writes, and would never end under load.
            source.backup(copy, pages=-1)  # type: ignore[union-attr]
        copy.execute("PRAGMA journal_mode = DELETE")  # one file without companions
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StorageError(f"the copy is damaged ({verdict}): check the disk, then the database")
    finally:
        copy.close()
