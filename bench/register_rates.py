"""`python -m bench.register_rates`: what enrolling a row of a register costs, against issuing a row of a list.

    python -m bench.register_rates                  1,024 rows each
    python -m bench.register_rates --rows 4096      more

Both go the way of the command line: one process that signs, stores, executes and projects, groups of 256. Counted is
the CPU time of that process, since others may use the machine as well; a second register on top of the first shows
whether a row costs more the more there are.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from bench.town import Town, found_town, new_key, new_tax_id
from ledger.projection import QueueState
from ledger.service import Ledger, node_if_none_runs
from ledger.settings import Settings
from verifier.operations import GROUP_OPERATIONS_MAX

ROWS = 1_024
BLOCK_WAIT_MS = 60_000
RATE_PLACES = 2


def register(rows: int) -> bytes:
    """A register of that many enterprises nobody enrolled."""
    lines = ["name,tax id,class", *(f"登记公司{index},{new_tax_id()},A" for index in range(rows))]
    return "\n".join(lines).encode()


def enrolled(ledger: Ledger, town: Town, rows: int) -> None:
    """Enrols a register. Raises: RuntimeError unless every row is."""
    done = ledger.register_file.enrol(ledger.caller(town.officer), register(rows), quotas={"A": 10**9})
    if done.state != "done" or set(done.counts) != {"enrolled"}:
        raise RuntimeError(f"not enrolled: {done.counts}")


def issued(ledger: Ledger, town: Town, rows: int) -> None:
    """Issues lists of 256. Raises: RuntimeError unless every list is recorded."""
    seller = ledger.caller(town.sellers[0].party)
    for start in range(0, rows, GROUP_OPERATIONS_MAX):
        drafts: list[object] = [town.document(row) for row in range(start, min(start + GROUP_OPERATIONS_MAX, rows))]
        answer = ledger.issue_list(seller, drafts, idempotency_key=new_key()).written
        ended = None if answer is None else ledger.context.watch.wait(bytes.fromhex(answer.digest), BLOCK_WAIT_MS)
        if ended is None or ended.state is not QueueState.RECORDED:
            raise RuntimeError(f"not recorded: {answer}")


def cpu_ms_per_row(work: Callable[[Ledger, Town, int], None], ledger: Ledger, town: Town, rows: int) -> float:
    """CPU milliseconds of this process a row."""
    begun = time.process_time()
    work(ledger, town, rows)
    return 1_000 * (time.process_time() - begun) / rows


def measure(directory: Path, rows: int) -> None:
    """Prints a line a way."""
    town = found_town(directory / "data")
    with Ledger.open(Settings(data_dir=directory / "data")) as ledger, node_if_none_runs(ledger.context):
        for name, work in (("issued in lists", issued), ("enrolled", enrolled), ("enrolled, a second file", enrolled)):
            cost_ms = cpu_ms_per_row(work, ledger, town, rows)
            sys.stdout.write(f"{name}: {cost_ms:.{RATE_PLACES}f} ms of CPU a row\n")
            sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures on a ledger in a temporary directory."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.register_rates", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of each register and list")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="einvoice-register-") as directory:
        measure(Path(directory), options.rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
