"""`python -m bench`: measures everything in one run, prints it, writes bench/report.json."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import structlog
from rich.console import Console

from bench.run import Counts, measure
from bench.show import show
from bench.summary import REPORT, write_report

FULL = Counts(naive=1_024, chain=1_024, http_single=2_048, http_list=8_192, invoices=50_000, histories=2_000, repeats=3)
QUICK = Counts(naive=256, chain=256, http_single=128, http_list=512, invoices=1_024, histories=100, repeats=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 0 when it could be measured, whatever the numbers are."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts, under a minute; rates are only rough")
    parser.add_argument("--repeats", type=int, help="rounds of the rates, of which the best counts")
    parser.add_argument("--invoices", type=int, help="invoices on the ledger when histories are read")
    parser.add_argument("--output", type=Path, default=REPORT, help="where the report is written")
    parser.add_argument("--directory", type=Path, help="where ledgers are made (default: a temporary directory)")
    options = parser.parse_args(arguments)
    counts = (QUICK if options.quick else FULL).changed(repeats=options.repeats, invoices=options.invoices)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    console = Console()
    with tempfile.TemporaryDirectory(prefix="einvoice-bench-", dir=options.directory) as directory:
        report = measure(counts, Path(directory), console)
    write_report(report, options.output)
    show(report, console)
    console.print(f"written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
