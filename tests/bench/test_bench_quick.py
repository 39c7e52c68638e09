"""The benchmark runs to its end and says everything it promises; how fast is for docs/PERFORMANCE.md."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.run import Counts
from bench.summary import latency_ms, percentile

ROOT = Path(__file__).parents[2]
RATES = ("naive_per_s", "chain_single_per_s", "chain_group_per_s", "http_single_per_s", "http_list_per_s")
QUICK_TIMEOUT_S = 580  # a minute on two idle cores; below the limit of a whole test


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, percent) for percent in (1, 50, 95, 99, 100)] == [1.0, 50.0, 95.0, 99.0, 100.0]
    assert percentile([7.0], 95) == 7.0
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert latency_ms([0.001, 0.002, 0.003]) == {"p50": 2.0, "p95": 3.0, "p99": 3.0}


def test_counts_below_one_are_refused() -> None:
    counts = Counts(naive=1, chain=256, http_single=1, http_list=256, invoices=1, histories=1, repeats=1)
    assert counts.changed(repeats=None, invoices=5).invoices == 5
    with pytest.raises(SystemExit):
        counts.changed(repeats=0)


@pytest.mark.slow
def test_a_quick_run_reports_everything(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    command = [sys.executable, "-m", "bench", "--quick", "--output", str(output), "--directory", str(tmp_path)]
    ran = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=QUICK_TIMEOUT_S)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads(output.read_text(encoding="utf-8"))
    for name in RATES:
        assert report[name] > 0, name
        assert len(report["rounds"][name]) == 1
        assert report[name] == max(report["rounds"][name])
    for name in ("history_p95_ms", "verify_p50_ms", "verify_p95_ms", "evidence_bytes", "fill_per_s"):
        assert report[name] > 0, name
    assert report["evidence_events"] == 10
    assert report["invoices_on_ledger"] == report["counts"]["invoices"]
    for name in ("http_single", "http_list", "history", "verify", "make_evidence"):
        found = report["latency_ms"][name]
        assert 0 < found["p50"] <= found["p95"] <= found["p99"], name
    assert set(report["ratios"]) == {
        *("chain_single_to_naive", "chain_group_to_naive", "http_single_to_chain_single"),
        *("http_list_to_chain_group", "http_single_to_naive", "http_list_to_naive"),
        *("chain_single_to_naive_by_cpu", "chain_group_to_naive_by_cpu"),
    }
    assert report["commit"]
    assert report["machine"]["cores"] >= 1
    assert list(tmp_path.iterdir()) == [output], "ledgers made for measuring are removed"
