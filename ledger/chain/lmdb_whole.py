"""Whether a store's file is whole: reading a page behind its end would end the process by SIGBUS, with no word.

LMDB may leave pages that nothing refers to behind the end of its file, so a file that is too short for its last page is
suspicious and no more. Then every record is read once by a process of its own, which may die of it. Run as
`python lmdb_whole.py DIRECTORY MAP_SIZE`, it is that process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import lmdb

READ_LIMIT_S = 600  # tens of millions of records are read in that time


def is_whole(environment: Any, data: Path, map_size: int) -> bool:
    """Whether all that the store refers to is in its file `data`. Raises: OSError."""
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    return data.stat().st_size >= needed or _can_be_read(data.parent, map_size)


def _can_be_read(directory: Path, map_size: int) -> bool:
    command = [sys.executable, "-I", __file__, str(directory), str(map_size)]
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=READ_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0


def _read_all(directory: str, map_size: int) -> None:
    environment = lmdb.open(directory, map_size=map_size, readonly=True, create=False, readahead=False)
    with environment, environment.begin() as transaction:
        for _record in transaction.cursor():
            pass


if __name__ == "__main__":
    _read_all(sys.argv[1], int(sys.argv[2]))
