"""`python -m bench.noting_rates`: what the audit log costs a write, as a ratio, and an officer's read.

One invoice is issued at a time, signed, stored and durable when the call returns, in turns with the entry of the log
and without it, on one ledger, so that whatever else the machine does falls on both alike. No block is waited for.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from logging import ERROR
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import structlog

from bench.timing import Taken, timed
from bench.town import Town, Workshop, found_town, new_key, workshop
from ledger.service import Caller, drafts
from ledger.service.request_notes import RequestNotes
from ledger.service.views import InvoiceView

ROUNDS = 12
WRITES = 64  # of a turn; the sequencer empties the queue after each


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints milliseconds and ratios as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.noting_rates", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns of each kind (default: {ROUNDS})")
    parser.add_argument("--writes", type=int, default=WRITES, help=f"writes of a turn (default: {WRITES})")
    parser.add_argument("--directory", type=Path, help="where the ledger is made (default: a temporary directory)")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(ERROR))
    with tempfile.TemporaryDirectory(prefix="einvoice-bench-", dir=options.directory) as directory:
        print(json.dumps(measure(Path(directory) / "town", options.rounds, options.writes), indent=1))
    return 0


def measure(directory: Path, rounds: int, writes: int) -> dict[str, Any]:
    """Medians over the turns: milliseconds of one write and one read each way, and their ratios."""
    town = found_town(directory)
    with workshop(town.settings) as shop:
        notes = RequestNotes(shop.ledger.context)
        numbers = _issued(shop, town, writes)
        officer, seller = shop.ledger.caller(2), shop.ledger.caller(town.sellers[0].party)
        works: dict[str, Callable[[], object]] = {
            "write": lambda: _issued(shop, town, writes),
            "write_noted": lambda: _issued(shop, town, writes),
            "read": lambda: [shop.ledger.invoice(seller, number) for number in numbers],
            "officer_read_noted": lambda: [_looked(shop, notes, officer, number) for number in numbers],
        }
        taken: dict[str, list[Taken]] = {name: [] for name in works}
        for turn in range(rounds):
            notes.close()  # a minute over: what was asked for before is noted anew
            for name, work in list(works.items())[:: -1 if turn % 2 else 1]:
                with _not_noted() if name == "write" else nullcontext(), timed() as one:
                    work()
                taken[name].append(one)
                shop.sequencer.round()
    ms = {name: _median_ms([one.seconds for one in turns], writes) for name, turns in taken.items()}
    cpu_ms = {name: _median_ms([one.cpu_seconds for one in turns], writes) for name, turns in taken.items()}
    return {
        "ms": ms,
        "cpu_ms": cpu_ms,
        "write_noted_to_write": round(ms["write_noted"] / ms["write"], 3),
        "write_noted_to_write_by_cpu": round(cpu_ms["write_noted"] / cpu_ms["write"], 3),
    }


def _issued(shop: Workshop, town: Town, count: int) -> list[str]:
    caller = shop.ledger.caller(town.sellers[0].party)
    return [
        shop.ledger.issue(caller, town.document(index), idempotency_key=new_key()).numbers[0] for index in range(count)
    ]


def _looked(shop: Workshop, notes: RequestNotes, officer: Caller, number: str) -> InvoiceView:
    """What an officer's request for an invoice does below HTTP."""
    notes.asked(officer, "read_invoice", number, {})
    return shop.ledger.invoice(officer, number)


@contextmanager
def _not_noted() -> Iterator[None]:
    """Groups are stored without their entry: for measuring alone, an audit log has no switch."""
    with mock.patch.object(drafts, "note_group"):
        yield


def _median_ms(seconds: list[float], count: int) -> float:
    return round(median(seconds) * 1_000 / count, 3)


if __name__ == "__main__":
    raise SystemExit(main())
