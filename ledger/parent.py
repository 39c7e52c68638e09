"""Ending with the process that started this one: nobody else would, and what is left keeps the port and the chain.

A parent that was killed tells nobody. The kernel does: it closes the parent's end of a pipe, here our standard input,
and what multiprocessing holds between a process and its workers.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import connection

HELD_BY_PARENT = "LEDGER_STDIN_HELD_BY_PARENT"  # set for a child whose standard input its parent holds open
READ_SIZE = 4_096  # bytes thrown away at a time, should anybody write there


def end_with_parent() -> None:
    """From now on this process ends by SIGTERM when its parent is gone; for others than children nothing changes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        _when(lambda: bool(connection.wait([parent.sentinel])))
    elif os.environ.get(HELD_BY_PARENT):
        _when(_stdin_closed)


def _stdin_closed() -> bool:
    while os.read(0, READ_SIZE):
        pass
    return True


def _when(gone: Callable[[], bool]) -> None:
    def wait() -> None:
        if gone():
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
