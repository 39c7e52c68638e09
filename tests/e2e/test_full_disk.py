"""A disk that fills up under load: what was acknowledged is there when there is room again, the rest was refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def filled(tmp_path: Path, full: str) -> dict[str, Any]:
    """What happened on a disk that filled up."""
    disk = tmp_path / "disk"
    disk.mkdir()
    namespace = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run(
        [*namespace, "mount", "-t", "tmpfs", "none", str(disk)], capture_output=True, check=False
    ).returncode:
        pytest.skip("this machine lets no test mount a file system")
    run = subprocess.run(
        [*namespace, sys.executable, "-m", "tests.e2e.full_disk", str(disk), full],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    result: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    assert result["acknowledged"] > 0
    assert result["reads"] == 200
    assert "Traceback" not in result["log"]
    assert set(result["codes"]) == {0}
    return result


def test_a_full_disk_refuses_writes_and_loses_none_that_it_took(tmp_path: Path) -> None:
    result = filled(tmp_path, "all")
    assert set(result["refusals"]) == {503}, "nothing was stored, and the client is told to send it again"
    assert "the disk is full" in result["log"]


def test_a_full_chain_stops_the_node_in_words_and_nothing_accepted_is_lost(tmp_path: Path) -> None:
    result = filled(tmp_path, "chain")
    assert result["node_code"] == 1
    assert "no space left" in result["log"]
    code, text = result["on_full"]  # started on the full disk it stops again, or waits for room until it is killed
    assert code != 0
    assert "Traceback" not in text
    assert result["refusals"] == [], "what is accepted waits for the chain to have room"
