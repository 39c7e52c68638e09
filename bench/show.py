"""Prints a report as tables."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

WAYS = (
    ("naive way: eth-tester, one transaction an issue", "naive_per_s", None),
    ("naive way, its gas given by hand", "naive_gas_given_per_s", None),
    ("chain alone, groups of 1", "chain_single_per_s", "chain_single_to_naive"),
    ("chain alone, groups of 256", "chain_group_per_s", "chain_group_to_naive"),
    ("HTTP, single posts, 64 connections", "http_single_per_s", "http_single_to_naive"),
    ("HTTP, lists of 256, 4 connections", "http_list_per_s", "http_list_to_naive"),
)


def show(report: dict[str, Any], console: Console) -> None:
    """Prints rates, latencies and sizes."""
    ratios = report["ratios"]
    rates = Table("way", "issues/s", "x naive", title=f"commit {report['commit']}")
    for name, rate, ratio in WAYS:
        rates.add_row(name, f"{report[rate]:,.0f}", "" if ratio is None else f"{ratios[ratio]:.1f}")
    console.print(rates)
    console.print(
        f"HTTP of chain alone: single {ratios['http_single_to_chain_single']:.0%}, "
        f"lists {ratios['http_list_to_chain_group']:.0%}"
    )
    console.print(
        f"by CPU time, chain alone to naive: groups of 1 {ratios['chain_single_to_naive_by_cpu']:.1f} x, "
        f"of 256 {ratios['chain_group_to_naive_by_cpu']:.1f} x"
    )
    latencies = Table("latency, ms", "p50", "p95", "p99")
    for name, values in report["latency_ms"].items():
        latencies.add_row(name.replace("_", " "), *(f"{values[key]:,.1f}" for key in ("p50", "p95", "p99")))
    console.print(latencies)
    console.print(
        f"histories with {report['invoices_on_ledger']:,} invoices on the ledger; evidence of "
        f"{report['evidence_events']} events in blocks of 256 operations: {report['evidence_bytes']:,} bytes"
    )
