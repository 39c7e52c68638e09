"""Loading many modules in one go, as every process of the ledger does when it starts."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Imports inside are not interrupted by the search for garbage, which later leaves out what they made.

    Modules, classes and tables stay as long as the process: walking all of them again and again while they become more
    is a sixth of the time a server needs to start, and each full walk afterwards a quarter of a second. For the entry
    point of a process alone: what is garbage already is never freed.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
