"""The sequencer as a process: runs until it is told to end, or must."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

from ledger.sequencer.sequencer import Sequencer

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_until_signal(sequencer: Sequencer, on_ready: Callable[[], None] | None = None) -> None:
    """Runs `sequencer` in the main thread until SIGTERM or SIGINT; the round it is in is finished.

    `on_ready` is called once both signals end it well, so that whoever was told may send one at once.

    Raises: SequencerStoppedError.
    """
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        if on_ready is not None:
            on_ready()
        sequencer.run(stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
