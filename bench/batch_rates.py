"""`python -m bench.batch_rates`: how many evidence files `python -m verifier` judges a second in one run.

    python -m bench.batch_rates                     120 files of 10 events, 20 of 20 events
    python -m bench.batch_rates --files 60          fewer

Every invoice of a list is issued, claimed, withdrawn and so on in the same blocks; each has a file of its own. The rate
is by CPU time of the verifying process without its start, since others may use the machine as well.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import structlog

from bench.town import Town, Workshop, found_town, new_key, workshop
from ledger.settings import Settings
from verifier.canonical import dumps

FILES = 120
CLAIM_MAX = 60  # lines of one claim
EVENTS, MORE_EVENTS = 10, 20

TIMED = """
import json, resource, sys
from verifier.__main__ import main
def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
begun = cpu_s()
code = main(sys.argv[1:])
print(json.dumps([code, cpu_s() - begun]), file=sys.stderr)
"""


def lived(shop: Workshop, town: Town, count: int, events: int) -> list[str]:
    """Numbers of `count` invoices with `events` events each: issued, then claimed and withdrawn in turn."""
    seller, person = shop.ledger.caller(town.sellers[0].party), shop.ledger.caller(town.person)
    numbers: list[str] = []
    for start in range(0, count, CLAIM_MAX):
        drafts: list[object] = [town.document(row) for row in range(start, min(start + CLAIM_MAX, count))]
        issued = shop.ledger.issue_list(seller, drafts, first_holder=town.person, idempotency_key=new_key()).written
        assert issued is not None
        shop.recorded(seller, issued)
        mine = list(issued.numbers)
        claim_id = ""
        for event in range(1, events):
            if event % 2:
                opened = shop.ledger.open_claim(
                    person, mine, employer=town.buyer, reference="BX", idempotency_key=new_key()
                )
                shop.recorded(person, opened.written)
                claim_id = opened.written.claim_id or ""
            else:
                withdrawn = shop.ledger.withdraw_claim(person, claim_id, idempotency_key=new_key())
                shop.recorded(person, withdrawn)
        numbers += mine
    return numbers


def judged(directory: Path, files: Sequence[Path]) -> float:
    """CPU seconds of one run over `files`. Raises: RuntimeError unless each is valid."""
    command = [sys.executable, "-c", TIMED, *map(str, files), "--trust", str(directory / "trust.json"), "--json"]
    done = subprocess.run(command, capture_output=True, check=False)
    code, cpu_s = json.loads(done.stderr.splitlines()[-1])
    lines = done.stdout.splitlines()
    if code != 0 or len(lines) != len(files):
        raise RuntimeError(f"exit code {code}, {len(lines)} lines for {len(files)} files")
    return float(cpu_s)


def measure(directory: Path, count: int) -> None:
    """Prints a line for each length of history: alone, and in one run."""
    town = found_town(directory / "data")
    with workshop(Settings(data_dir=directory / "data", queue_limit_per_party=4_096)) as shop:
        (directory / "trust.json").write_bytes(dumps(shop.ledger.trust()))
        seller = shop.ledger.caller(town.sellers[0].party)
        for events, wanted in ((EVENTS, count), (MORE_EVENTS, max(2, count // 6))):
            files = []
            for number in lived(shop, town, wanted, events):
                file = directory / f"{number}.json"
                file.write_bytes(shop.ledger.evidence(seller, number))
                files.append(file)
            history = json.loads(files[0].read_bytes())["history"]
            if len(history) != events:
                raise RuntimeError(f"{len(history)} events, not {events}")
            one_s = judged(directory, files[:1])
            all_s = judged(directory, files)
            each_s = all_s / len(files)
            sys.stdout.write(
                f"{events} events, {files[0].stat().st_size:,} bytes: alone {1_000 * one_s:.0f} ms; {len(files)} in "
                f"one run {1_000 * each_s:.1f} ms each, {1 / each_s:.0f} files a second and core\n"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the files in a temporary directory and prints what judging them took."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.batch_rates", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=FILES, help="files of 10 events")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="einvoice-batch-") as directory:
        measure(Path(directory), options.files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
