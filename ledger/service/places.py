"""Where a ledger is kept, and what must or must not be there."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from ledger.service.errors import NotReady
from ledger.settings import EMBEDDED_CHAIN, Settings


def chain_place(settings: Settings) -> Path | str:
    """Where the chain is: a directory, or the address of a JSON-RPC node."""
    return settings.chain_dir if settings.chain_url == EMBEDDED_CHAIN else settings.chain_url


def require_unused(data_dir: Path, action: str, action_zh: str) -> None:
    """Nothing is at `data_dir`, or an empty directory. Raises: NotReady saying `action`."""
    try:
        if not data_dir.exists() or not any(data_dir.iterdir()):
            return
    except NotADirectoryError as err:
        raise NotReady(f"{data_dir} is not a directory; {action}", f"{data_dir} 不是目录，{action_zh}") from err
    except OSError as err:
        raise NotReady(f"{data_dir} cannot be read: {err.strerror}; {action}", f"{data_dir} 无法读取") from err
    raise NotReady(f"{data_dir} is not empty; {action}", f"{data_dir} 不是空目录，{action_zh}")


def require_database(settings: Settings) -> None:
    """The SQLite file is one: opening a missing or an empty file would make a new database. Raises: NotReady.

    SQLite itself reads it. A plain open and close of the file would give up every lock that this process holds on
    it (POSIX locks are the process's, https://www.sqlite.org/howtocorrupt.html section 2.2), and another process
    would take away the log under our connections.
    """
    if settings.database_url:
        return
    path = settings.data_dir / "ledger.sqlite"
    said, said_zh = "is missing", "不存在"
    try:
        if path.stat().st_size:
            address = f"file:{quote(str(path.absolute()))}?mode=rw"
            with closing(sqlite3.connect(address, uri=True, timeout=settings.busy_timeout_ms / 1000)) as connection:
                (version,) = connection.execute("PRAGMA schema_version").fetchone()
            if version:  # 0: nothing was ever created in it; a file of a few bytes passes for an empty database
                return
        said, said_zh = "is damaged: it is no database", "已损坏，不是数据库"
    except FileNotFoundError:
        pass
    except OSError as err:
        said, said_zh = f"cannot be read: {err.strerror}", "无法读取"
    except sqlite3.OperationalError:
        return  # locked, read-only, no space: opening it comes next and says so
    except sqlite3.DatabaseError:
        said, said_zh = "is damaged: it is no database", "已损坏，不是数据库"
    raise NotReady(
        f"{path} {said}; restore a backup, or run `einvoice init` for a new ledger elsewhere",
        f"{path} {said_zh}，请恢复备份，或另选目录用 einvoice init 新建账本",
    )


def sync_directory(path: Path) -> None:
    """Makes a rename inside `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
