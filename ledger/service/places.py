"""Where a ledger is kept, and what must or must not be there."""

from __future__ import annotations

import os
from pathlib import Path

from ledger.service.errors import NotReady
from ledger.settings import EMBEDDED_CHAIN, Settings

SQLITE_START = b"SQLite format 3\0"  # of every database file that holds anything


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
    """The SQLite file is one: opening a missing or an empty file would make a new database. Raises: NotReady."""
    if settings.database_url:
        return
    path = settings.data_dir / "ledger.sqlite"
    try:
        with path.open("rb") as file:
            if file.read(len(SQLITE_START)) == SQLITE_START:
                return
        said, said_zh = "is damaged: it is no database", "已损坏，不是数据库"
    except FileNotFoundError:
        said, said_zh = "is missing", "不存在"
    except OSError as err:
        said, said_zh = f"cannot be read: {err.strerror}", "无法读取"
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
