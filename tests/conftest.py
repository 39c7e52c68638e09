"""What every test leaves as it found it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import structlog

# A collection walks all that the libraries and the prepared ledgers hold: at the default of 700 new objects that is a
# tenth of a run.
gc.set_threshold(100_000, 20, 50)

LOG = structlog.get_config()  # before any command or server was set up in this process


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """A command run in this process sends the log to the standard error it had, which is closed afterwards."""
    structlog.configure(**LOG)  # a fixture of the whole file may have run one
    yield
    structlog.configure(**LOG)
