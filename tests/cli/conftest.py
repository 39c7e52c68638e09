"""A ledger for the command line, and processes that end with their test."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.cli.town import Town, founded_town


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("EINVOICE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A ledger that the tests of one module share."""
    return founded_town(tmp_path_factory.mktemp("town"))


@pytest.fixture
def ended() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes put in here are gone when the test ends, and whatever they started."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        with suppress(ProcessLookupError):  # the whole group ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
