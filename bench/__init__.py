"""Measures what the ledger carries, as ratios within one run on one machine; see docs/PERFORMANCE.md."""
