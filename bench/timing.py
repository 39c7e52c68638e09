"""Time of a piece of work: by the clock, and of this process's CPU, which others on the machine disturb less."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Taken:
    """Seconds that a piece of work took."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Taken]:
    """Times the block; read the result after it."""
    taken = Taken()
    begun, cpu_begun = time.perf_counter(), time.process_time()
    try:
        yield taken
    finally:
        taken.seconds, taken.cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu_begun
