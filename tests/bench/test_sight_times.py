"""The measure of what the time of an answer tells runs to its end; what it found is in docs/PERFORMANCE.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sight_times import measure


@pytest.mark.slow
def test_every_question_is_asked_in_pairs_and_compared(tmp_path: Path) -> None:
    found = measure(tmp_path / "town", pairs=2)
    assert {"enterprise, invoice", "officer elsewhere, invoice", "sign-in, by name"} <= set(found)
    for name, one in found.items():
        assert min(one["there_us"], one["absent_us"]) > 0, name
        assert one["ratio"] == pytest.approx(one["there_us"] / one["absent_us"], rel=0.01), name
        assert 0 <= one["share"] <= 1, name
