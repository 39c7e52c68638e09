"""A ledger of elsewhere, reached through its JSON-RPC, and files from which its checkers read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.witness import RpcSource

API_KEY_FILE_SIZE_MAX = 1_024  # bytes; a key has under 100


def rpc_source(url: str, key_file: Path | None, variable: str) -> RpcSource:
    """The ledger at `url`, with the API key of a file or, without one, of an environment variable.

    Raises: SourceError, OSError.
    """
    from ledger.witness import RpcSource, SourceError

    api_key = os.environ.get(variable)
    if key_file is not None:
        try:
            api_key = bytes_of(key_file, API_KEY_FILE_SIZE_MAX).decode("ascii").strip()
        except UnicodeDecodeError as err:
            raise SourceError(f"{key_file} holds no API key") from err
    return RpcSource(url, api_key)


def bytes_of(path: Path, size_max: int) -> bytes:
    """At most `size_max` bytes and one of a file, so that one too large is found by whoever parses it.

    Raises: OSError.
    """
    with path.open("rb") as file:
        return file.read(size_max + 1)
