"""Where a ledger is kept, and what must or must not be there."""

from __future__ import annotations

import os
from pathlib import Path

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
    """The SQLite file is there: opening a missing one would make an empty one. Raises: NotReady."""
    path = settings.data_dir / "ledger.sqlite"
    if settings.database_url or (path.exists() and path.stat().st_size > 0):
        return
    raise NotReady(
        f"{path} is missing or empty: restore a backup, or run `einvoice init` for a new ledger",
        f"{path} 不存在或为空，请恢复备份，或用 einvoice init 新建账本",
    )


def sync_directory(path: Path) -> None:
    """Makes a rename inside `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
