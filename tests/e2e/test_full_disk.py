"""A disk that fills up under load: what was acknowledged is there when there is room again, the rest was refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
DISK_SIZE = "5m"


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs -o size={DISK_SIZE} none {disk} && exec "$@"'
    namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets no test mount a file system")
    run = subprocess.run(
        [*namespace, sys.executable, "-m", "tests.e2e.full_disk", str(disk)],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout.splitlines()[-1])
    assert result["acknowledged"] > 0
    assert set(result["refusals"]) == {503}, "nothing was stored, and the client is told to send it again"
    assert result["reads"] == 200
    assert "Traceback" not in result["log"]
    if result["node_code"] is not None:  # the chain was full first: the node stops, in words
        assert result["node_code"] == 1
        assert "no space left" in result["log"] or "disk is full" in result["log"]
        assert result["on_full"] != []
        assert "Traceback" not in result["on_full"][1]
    assert set(result["codes"]) == {0}
