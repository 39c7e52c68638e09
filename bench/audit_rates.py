"""`python -m bench.audit_rates`: how long a full audit takes beside the chain's own execution, in one run.

The same blocks both times: while the ledger is filled, only the time inside the chain's writer counts (executing,
sealing, keeping a block); then everything that `einvoice audit --full` does counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from logging import ERROR
from pathlib import Path
from typing import Any

import structlog

from bench.filled_ledger import LIST_ROWS, fill
from bench.timing import Taken, timed
from bench.town import Town, Workshop, found_town, new_key, workshop
from ledger.chain import ChainWriter
from ledger.service import Ledger
from ledger.service.full_audit import full_audit

INVOICES = 4_096
_MEASURED = (
    "import resource, sys; from ledger.cli.app import app\n"
    "try: app(['audit', '--full', '--json'])\n"
    "except SystemExit as end: assert not end.code, end.code\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fills a ledger in halves, audits it after each; prints seconds, ratios and memory as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.audit_rates", description=__doc__)
    parser.add_argument("--invoices", type=int, default=INVOICES, help=f"invoices in all (default: {INVOICES})")
    parser.add_argument("--directory", type=Path, help="where the ledger is made (default: a temporary directory)")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(ERROR))
    with tempfile.TemporaryDirectory(prefix="einvoice-bench-", dir=options.directory) as directory:
        print(json.dumps(measure(Path(directory) / "town", options.invoices), indent=1))
    return 0


def measure(directory: Path, invoices: int) -> list[dict[str, Any]]:
    """One row a half: invoices so far, seconds of chain and audit, their ratio, peak memory of an audit's process."""
    rows = []
    with _writing_timed() as chain:
        town = found_town(directory)
        for half in (1, 2):
            with workshop(town.settings) as shop:
                fill(shop, town, invoices // 4, lambda _: None)
                _singles(shop, town, invoices // 4)
            rows.append({"invoices": invoices // 2 * half, **_audited(town, chain)})
    return rows


def _singles(shop: Workshop, town: Town, count: int) -> None:
    """`count` invoices in groups of one, 256 groups a block."""
    callers = [shop.ledger.caller(seller.party) for seller in town.sellers]
    for index in range(count):
        shop.ledger.issue(callers[index % len(callers)], town.document(index), idempotency_key=new_key())
        if index % LIST_ROWS == LIST_ROWS - 1 or index == count - 1:
            shop.sequencer.round()


def _audited(town: Town, chain: Taken) -> dict[str, Any]:
    began: dict[str, float] = {}

    def note(phase: str, _done: int, _of: int) -> None:
        began.setdefault(phase, time.perf_counter())

    with Ledger.open(town.settings) as ledger, timed() as audit:
        start = time.perf_counter()
        report = full_audit(ledger.context, note)
    if report.difference is not None:
        raise RuntimeError(f"the audit found {report.difference}")
    environment = {**os.environ, "EINVOICE_DATA_DIR": str(town.settings.data_dir)}
    process = subprocess.run(
        [sys.executable, "-c", _MEASURED], env=environment, check=True, capture_output=True, text=True
    )
    return {
        "blocks": report.block + 1,
        "chain_s": round(chain.seconds, 2),
        "audit_s": round(audit.seconds, 2),
        "chain_cpu_s": round(chain.cpu_seconds, 2),
        "audit_cpu_s": round(audit.cpu_seconds, 2),
        "executing_s": round(began["comparing rows"] - start, 2),
        "ratio": round(chain.seconds / audit.seconds, 2),
        "ratio_cpu": round(chain.cpu_seconds / audit.cpu_seconds, 2),
        "peak_mb": int(process.stderr.split()[-1]) // 1024,
    }


@contextmanager
def _writing_timed() -> Iterator[Taken]:
    """Sums up the time that all chain writers of this process spend on blocks."""
    total, commit = Taken(), ChainWriter.commit

    def timed_commit(writer: ChainWriter, groups: Any) -> Any:
        with timed() as taken:
            head = commit(writer, groups)
        total.seconds += taken.seconds
        total.cpu_seconds += taken.cpu_seconds
        return head

    ChainWriter.commit = timed_commit  # type: ignore[assignment, method-assign]
    try:
        yield total
    finally:
        ChainWriter.commit = commit  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
