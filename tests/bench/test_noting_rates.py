"""The measure of the audit log's cost runs to its end and compares writes with and without their entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.noting_rates import measure


@pytest.mark.slow
def test_each_kind_of_work_is_timed_and_compared(tmp_path: Path) -> None:
    found = measure(tmp_path / "town", rounds=2, writes=2)
    assert set(found["ms"]) == set(found["cpu_ms"]) == {"write", "write_noted", "read", "officer_read_noted"}
    assert min(found["ms"].values()) > 0
    assert found["write_noted_to_write"] == pytest.approx(found["ms"]["write_noted"] / found["ms"]["write"], rel=0.01)
