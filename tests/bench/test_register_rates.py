"""The measure of a register runs to its end, and each of its ways is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.register_rates import measure


@pytest.mark.slow
def test_each_way_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure(tmp_path, 3)
    lines = capsys.readouterr().out.splitlines()
    costs = [float(line.split(": ")[1].split()[0]) for line in lines if "CPU a row" in line]
    assert len(costs) == 3
    assert min(costs) > 0
