"""One run: every part in turn, the rates in several rounds of which the best counts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench import summary
from bench.chain_rates import BATCH_OPERATIONS, ChainBench
from bench.filled_ledger import evidence, fill, history_seconds
from bench.http_rates import LIST_ROWS, Load, lists, single_posts
from bench.naive import naive_issues
from bench.processes import serving
from bench.timing import Taken
from bench.town import SELLERS, Town, found_town, workshop

EVENTS = 10
HTTP_WARM_UP = 64


@dataclass(frozen=True)
class Counts:
    """How much is measured: issues a round for each way, invoices on the filled ledger, histories read, rounds."""

    naive: int
    chain: int
    http_single: int
    http_list: int
    invoices: int
    histories: int
    repeats: int

    def changed(self, **given: int | None) -> Self:
        """These counts with those that were given."""
        wanted = {name: value for name, value in given.items() if value is not None}
        if any(value < 1 for value in wanted.values()):
            raise SystemExit(f"counts are at least 1: {wanted}")
        return replace(self, **wanted)


class Bars:
    """Progress bars, one a part."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def bar(self, name: str, total: int) -> Callable[[int], None]:
        """Starts a bar; call the result with what was done."""
        task = self._progress.add_task(name, total=total)
        return lambda done: self._progress.advance(task, done)


def measure(counts: Counts, directory: Path, console: Console) -> dict[str, Any]:
    """The report of one run; ledgers are made below `directory`."""
    commit, load_before = summary.commit(), summary.machine()["load_average"]  # as begun: others may commit meanwhile
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bars = Bars(progress)
        rates, latencies, cpu_ms = _rates(counts, directory, bars)
        filled = _filled(counts, directory, bars)
    best = {name: max(runs) for name, runs in rates.items()}
    return {
        **{name: round(rate, 1) for name, rate in best.items()},
        **filled,
        "ratios": {
            "chain_single_to_naive": round(best["chain_single_per_s"] / best["naive_per_s"], 2),
            "chain_group_to_naive": round(best["chain_group_per_s"] / best["naive_per_s"], 2),
            "http_single_to_chain_single": round(best["http_single_per_s"] / best["chain_single_per_s"], 3),
            "http_list_to_chain_group": round(best["http_list_per_s"] / best["chain_group_per_s"], 3),
            "http_single_to_naive": round(best["http_single_per_s"] / best["naive_per_s"], 2),
            "http_list_to_naive": round(best["http_list_per_s"] / best["naive_per_s"], 2),
            "chain_single_to_naive_by_cpu": round(cpu_ms["naive"] / cpu_ms["chain_single"], 2),
            "chain_group_to_naive_by_cpu": round(cpu_ms["naive"] / cpu_ms["chain_group"], 2),
        },
        "latency_ms": {**latencies, **filled["latency_ms"]},
        "cpu_ms_per_issue": cpu_ms,
        "rounds": {name: [round(rate, 1) for rate in runs] for name, runs in rates.items()},
        "counts": vars(counts),
        "commit": commit,
        "measured_at": summary.now_text(),
        "machine": summary.machine(),
        "load_average_before": load_before,
    }


def _rates(
    counts: Counts, directory: Path, bars: Bars
) -> tuple[dict[str, list[float]], dict[str, dict[str, float]], dict[str, float]]:
    """Rates a second of every round; HTTP latencies of the fastest round; least CPU time of the single-process ways."""
    rates: dict[str, list[float]] = {}
    cpu_ms: dict[str, float] = {}
    fastest: dict[str, Load] = {}

    def note(name: str, count: int, seconds: float) -> None:
        rates.setdefault(name, []).append(count / seconds)

    def note_both(name: str, count: int, taken: Taken) -> None:
        note(name, count, taken.seconds)
        way = name.removesuffix("_per_s")
        cpu_ms[way] = min(cpu_ms.get(way, inf), 1_000 * taken.cpu_seconds / count)

    chain_town = found_town(directory / "chain", bars.bar("founding the chain's ledger", SELLERS + 1))
    http_town = found_town(directory / "http", bars.bar("founding the served ledger", SELLERS + 1))
    with closing(ChainBench(chain_town)) as chain:
        for turn in range(1, counts.repeats + 1):
            of = f"{turn}/{counts.repeats}"
            advance = bars.bar(f"naive way {of}", counts.naive)
            note_both("naive_per_s", counts.naive, naive_issues(counts.naive, advance))
            advance = bars.bar(f"naive way, gas given {of}", counts.naive)
            note_both("naive_gas_given_per_s", counts.naive, naive_issues(counts.naive, advance, gas_given=True))
            for name, size in (("chain_single_per_s", 1), ("chain_group_per_s", BATCH_OPERATIONS)):
                advance = bars.bar(f"chain alone, groups of {size} {of}", counts.chain)
                note_both(name, counts.chain, chain.issues(counts.chain, size, advance))
            for name, count, load in _served(counts, http_town, bars, of):
                note(name, count, load.seconds)
                if name not in fastest or load.seconds < fastest[name].seconds:
                    fastest[name] = load
    latencies = {name.removesuffix("_per_s"): summary.latency_ms(load.latencies) for name, load in fastest.items()}
    return rates, latencies, {way: round(value, 3) for way, value in cpu_ms.items()}


def _served(counts: Counts, town: Town, bars: Bars, of: str) -> list[tuple[str, int, Load]]:
    with serving(town.settings) as running:
        single_posts(running, town, HTTP_WARM_UP, bars.bar(f"warming up {of}", HTTP_WARM_UP))
        advance = bars.bar(f"HTTP, single posts {of}", counts.http_single)
        single = single_posts(running, town, counts.http_single, advance)
        advance = bars.bar(f"HTTP, lists of {LIST_ROWS} {of}", counts.http_list)
        listed = lists(running, town, counts.http_list, advance)
    return [("http_single_per_s", counts.http_single, single), ("http_list_per_s", counts.http_list, listed)]


def _filled(counts: Counts, directory: Path, bars: Bars) -> dict[str, Any]:
    town = found_town(directory / "filled", bars.bar("founding the filled ledger", SELLERS + 1))
    with workshop(town.settings) as shop:
        numbers, fill_seconds = fill(shop, town, counts.invoices, bars.bar("filling the ledger", counts.invoices))
        facts = evidence(shop, town, bars.bar("ten events for the evidence", EVENTS))
    with serving(town.settings) as running:
        history_seconds(running, town, numbers, HTTP_WARM_UP, bars.bar("warming up", HTTP_WARM_UP))
        advance = bars.bar("reading histories", counts.histories)
        histories = history_seconds(running, town, numbers, counts.histories, advance)
    history, verifying = summary.latency_ms(histories), summary.latency_ms(facts.verify_seconds)
    return {
        "history_p95_ms": history["p95"],
        "verify_p50_ms": verifying["p50"],
        "verify_p95_ms": verifying["p95"],
        "evidence_bytes": facts.size,
        "evidence_events": facts.events,
        "invoices_on_ledger": len(numbers),
        "fill_per_s": round(len(numbers) / fill_seconds, 1),
        "latency_ms": {
            "history": history,
            "verify": verifying,
            "make_evidence": summary.latency_ms(facts.make_seconds),
        },
    }
