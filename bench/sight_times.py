"""`python -m bench.sight_times`: whether the time of an answer tells another's thing from one that never was.

Each question is asked in pairs, of a thing that is there and of one that is not, in turns of which comes first, below
HTTP, where the two could differ. Times are of the CPU, which tell more than a clock over a network does. `share` is of
the pairs in which what is there took longer: 0.5 tells nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from logging import ERROR
from pathlib import Path
from statistics import median

import structlog

from bench.town import Town, Workshop, found_town, new_key, new_tax_id, workshop
from ledger.domain.numbers import format_number
from ledger.service import Caller, ServiceError

PAIRS = 2_000
INVOICES = 64
PEOPLE, GUESSES = 8, 4  # a fifth wrong password of one name would have to wait
ELSEWHERE = "2102"
PASSWORD = "sieben Raben am Fenster 41"  # of people who live as long as the measure

Ask = Callable[[str], object]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints microseconds, ratios and shares as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.sight_times", description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"pairs of each question (default: {PAIRS})")
    parser.add_argument("--directory", type=Path, help="where the ledger is made (default: a temporary directory)")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(ERROR))
    with tempfile.TemporaryDirectory(prefix="einvoice-bench-", dir=options.directory) as directory:
        print(json.dumps(measure(Path(directory) / "town", options.pairs), indent=1))
    return 0


def measure(directory: Path, pairs: int) -> dict[str, dict[str, float]]:
    """By question: median microseconds of each kind, their ratio, and the share of pairs that told."""
    town = found_town(directory)
    with workshop(town.settings) as shop:
        there = _issued(shop, town)
        absent = [format_number(int(one) + 70_000) for one in there]
        outsider, officer = shop.ledger.caller(town.sellers[1].party), _officer(shop)
        found = {}
        for name, ask in _questions(shop, outsider, officer).items():
            found[name] = _compared(ask, there, absent, pairs)
        codes = [_tax_id(shop, one.party) for one in town.sellers]
        by_code = lambda code: shop.ledger.parties(officer, tax_id=code)  # noqa: E731 - one of the questions
        found["officer elsewhere, party by tax id"] = _compared(by_code, codes, [new_tax_id() for _ in codes], pairs)
        known, unknown = _names(shop, town), [f"nobody-{secrets.token_hex(4)}" for _ in range(PEOPLE)]
        guess = lambda name: shop.ledger.sign_in.begin(name, "not the password of anybody")  # noqa: E731
        found["sign-in, by name"] = _compared(guess, known, unknown, min(pairs, PEOPLE * GUESSES))
    return found


def _questions(shop: Workshop, outsider: Caller, officer: Caller) -> dict[str, Ask]:
    ledger = shop.ledger

    def of(name: str, caller: Caller) -> dict[str, Ask]:
        return {
            f"{name}, invoice": lambda number: ledger.invoice(caller, number),
            f"{name}, evidence": lambda number: ledger.evidence(caller, number),
            f"{name}, slips of an invoice": lambda number: ledger.red_letters.slips(caller, number=number, limit=10),
            f"{name}, search by number": lambda number: ledger.search(caller, number=number, limit=10),
            f"{name}, search by number and amount": lambda number: ledger.search(
                caller, number=number, gross_min_fen=1, limit=10
            ),
        }

    return {**of("enterprise", outsider), **of("officer elsewhere", officer)}


def _compared(ask: Ask, there: list[str], absent: list[str], pairs: int) -> dict[str, float]:
    order, taken = random.Random(7), []
    for index in range(pairs):
        asked = (there[index % len(there)], absent[index % len(absent)])
        first = order.randrange(2)
        times = {which: _time_us(ask, asked[which]) for which in (first, 1 - first)}
        taken.append((times[0], times[1]))
    there_us, absent_us = median(one for one, _ in taken), median(one for _, one in taken)
    return {
        "there_us": round(there_us, 1),
        "absent_us": round(absent_us, 1),
        "ratio": round(there_us / absent_us, 3),
        "share": round(sum(one > other for one, other in taken) / len(taken), 3),
    }


def _time_us(ask: Ask, asked: str) -> float:
    begun = time.process_time()
    with suppress(ServiceError):
        ask(asked)
    return (time.process_time() - begun) * 1e6


def _issued(shop: Workshop, town: Town) -> list[str]:
    caller = shop.ledger.caller(town.sellers[0].party)
    numbers = [
        shop.ledger.issue(caller, town.document(index), idempotency_key=new_key()).numbers[0]
        for index in range(INVOICES)
    ]
    shop.sequencer.round()
    return numbers


def _officer(shop: Workshop) -> Caller:
    authority = shop.ledger.caller(1)
    written, _ = shop.ledger.appoint_officer(authority, name="外地", district=ELSEWHERE, idempotency_key=new_key())
    party = shop.recorded(authority, written).party
    assert party is not None
    return shop.ledger.caller(party)


def _tax_id(shop: Workshop, party: int) -> str:
    view = shop.ledger.party(shop.ledger.caller(party), party)
    assert view.tax_id is not None
    return view.tax_id


def _names(shop: Workshop, town: Town) -> list[str]:
    """Names of people who have a password."""
    names = []
    for index, seller in enumerate(town.sellers[:PEOPLE]):
        caller = shop.ledger.caller(seller.party)
        (made,) = shop.ledger.invitations.invite(caller, [seller.party])
        name = f"somebody-{index}-{secrets.token_hex(2)}"
        shop.ledger.invitations.accept(made.token, name, PASSWORD)
        names.append(name)
    return names


if __name__ == "__main__":
    raise SystemExit(main())
