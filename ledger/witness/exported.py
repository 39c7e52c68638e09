"""The chain as a directory that `einvoice chain export` wrote: a source without a network.

Only the headers are read. That the transactions give these headers is what another client shows (docs/REPLAY.md).
"""

from __future__ import annotations

import array
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from ledger.witness.errors import SourceError
from ledger.witness.headers import HEADER_SIZE_MAX, Seen
from ledger.witness.sources import header_of

BLOCKS_FILE: Final = "blocks.rlp"
BLOCK_SIZE_MAX: Final = 16 * 1024 * 1024  # bytes; a batch of operations is under 128 KB
EXPORTED_MAX: Final = 50_000_000  # blocks whose places are held in memory, 8 bytes each: a block a second for 18 months
PREFIX_SIZE_MAX: Final = 9  # bytes before the body of an RLP list


class ExportedSource:
    """The chain in `blocks.rlp` of an export; give each look the directory of a newer one."""

    is_live = False

    def __init__(self, directory: Path) -> None:
        self._path = directory / BLOCKS_FILE
        try:
            self._file: BinaryIO = self._path.open("rb")
        except OSError as err:
            raise SourceError(f"{self._path}: {err.strerror}; write it with einvoice chain export") from err
        try:
            self._places = _places(self._file, self._path)
        except BaseException:
            self._file.close()
            raise

    def height(self) -> int:
        """Number of the newest block; 0 when the file is empty."""
        return len(self._places)

    def headers(self, first: int, count: int) -> list[Seen]:
        """Headers of `count` blocks from `first`, 1 or more; transactions are not read."""
        if first < 1 or first + count - 1 > len(self._places):
            raise SourceError(f"{self._path} has blocks 1 to {len(self._places)}")
        found = []
        for number in range(first, first + count):
            with _reading(self._path):
                self._file.seek(self._places[number - 1])
                start = self._file.read(2 * PREFIX_SIZE_MAX + HEADER_SIZE_MAX)
            inner, _ = _list_span(start, number)
            begin, size = _list_span(start[inner:], number)
            found.append(header_of(start[inner : inner + begin + size], number))
        return found

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _places(file: BinaryIO, path: Path) -> array.array[int]:
    """Offset of every block, by reading the size before each."""
    places = array.array("Q")
    with _reading(path):
        end = os.fstat(file.fileno()).st_size
        at = 0
        while at < end:
            if len(places) == EXPORTED_MAX:
                raise SourceError(f"{path} has more than {EXPORTED_MAX} blocks")
            file.seek(at)
            begin, size = _list_span(file.read(PREFIX_SIZE_MAX), len(places) + 1)
            if size > BLOCK_SIZE_MAX or at + begin + size > end:
                raise SourceError(f"{path}: block {len(places) + 1} is cut short or larger than {BLOCK_SIZE_MAX} bytes")
            places.append(at)
            at += begin + size
    return places


def _list_span(data: bytes, number: int) -> tuple[int, int]:
    """Where the body of the RLP list at the beginning of `data` starts, and its size in bytes."""
    if not data or data[0] < 0xC0:
        raise SourceError(f"block {number} is no RLP list")
    if data[0] <= 0xF7:
        return 1, data[0] - 0xC0
    digits = data[1 : 1 + data[0] - 0xF7]
    return 1 + len(digits), int.from_bytes(digits, "big")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise SourceError(f"{path}: {err.strerror}") from err
