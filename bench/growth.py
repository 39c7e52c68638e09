"""`python -m bench.growth`: how evidence of one invoice grows while the ledger around it does.

    python -m bench.growth                          at 1,000, 10,000 and 100,000 invoices; a quarter of an hour
    python -m bench.growth --at 1000 --at 4000      sooner

The same hundred invoices are asked for at every size; the mean is of them, as the depth of a trie differs by key.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import structlog
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.filled_ledger import fill, forget
from bench.town import Town, Workshop, found_town, workshop
from ledger.settings import Settings
from verifier import Trust, parse_trust, verify
from verifier.canonical import dumps
from verifier.report import Result

SIZES = (1_000, 10_000, 100_000)
ASKED = 100  # invoices asked for at every size


@dataclass(frozen=True)
class Growth:
    """With `invoices` on the ledger: means of the size and the nodes of one's evidence, median times."""

    invoices: int
    evidence_bytes: float
    storage_nodes: float
    account_nodes: float
    make_ms: float
    verify_ms: float


def measure(shop: Workshop, town: Town, sizes: Sequence[int], progress: Progress) -> Iterator[Growth]:
    """One row a size, while the ledger is filled from one to the next."""
    trust = parse_trust(dumps(shop.ledger.trust()))
    bar = progress.add_task("issuing", total=max(sizes))
    asked: list[str] = []
    there = 0
    for size in sorted(sizes):
        numbers, _ = fill(shop, town, size - there, lambda rows: progress.advance(bar, rows))
        asked, there = asked or numbers[:: max(1, len(numbers) // ASKED)][:ASKED], size
        yield _row(shop, town, asked, trust, size)


def _row(shop: Workshop, town: Town, asked: list[str], trust: Trust, invoices: int) -> Growth:
    sizes, storage, account, making, verifying = [], [], [], [], []
    callers = {seller.first_number: shop.ledger.caller(seller.party) for seller in town.sellers}
    for number in asked:
        seller = callers[max(first for first in callers if first <= int(number))]
        begun = time.perf_counter()
        content = shop.ledger.evidence(seller, number)
        making.append(time.perf_counter() - begun)
        forget()
        begun = time.perf_counter()
        report = verify(content, trust)
        verifying.append(time.perf_counter() - begun)
        if report.verdict is not Result.VALID:
            raise RuntimeError(f"the evidence is not valid: {report}")
        proof = json.loads(content)["proof"]
        sizes.append(len(content))
        storage.append(len(proof["storage"]))
        account.append(len(proof["account"]))
    return Growth(
        invoices, fmean(sizes), fmean(storage), fmean(account), 1_000 * median(making), 1_000 * median(verifying)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fills a ledger in a temporary directory and prints a row a size."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--at", type=int, action="append", help=f"size to measure at, {ASKED} or more; may be repeated")
    options = parser.parse_args(arguments)
    sizes = tuple(options.at or SIZES)
    if min(sizes) < ASKED:
        parser.error(f"--at: {ASKED} or more")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    console = Console()
    table = Table("invoices", "evidence, bytes", "storage nodes", "account nodes", "make, ms", "verify, ms")
    with tempfile.TemporaryDirectory(prefix="einvoice-growth-") as directory, Progress(console=console) as progress:
        town = found_town(Path(directory) / "data")
        with workshop(Settings(data_dir=Path(directory) / "data", queue_limit_per_party=4_096)) as shop:
            for row in measure(shop, town, sizes, progress):
                table.add_row(
                    f"{row.invoices:,}", f"{row.evidence_bytes:,.0f}", f"{row.storage_nodes:.1f}",
                    f"{row.account_nodes:.1f}", f"{row.make_ms:.1f}", f"{row.verify_ms:.1f}",
                )  # fmt: skip
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
