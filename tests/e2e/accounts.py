"""Comparing what was acknowledged with the chain and with SQL."""

from __future__ import annotations

import time
from collections import Counter

from ledger.domain.blocks import Outcome
from ledger.service import Ledger, WriteStatus, audit, rebuild
from tests.e2e.load import Request
from tests.e2e.running import Cast
from tests.service.world import settings_of
from verifier.operations import Code

DRAIN_LIMIT_S = 60


def wait_until_drained(cast: Cast) -> None:
    """Waits until the running node has sequenced all that waits."""
    with Ledger.open(settings_of(cast.data_dir)) as ledger:
        deadline = time.monotonic() + DRAIN_LIMIT_S
        while True:
            health = ledger.health()
            if health.waiting_groups == 0 and health.projected_block == health.chain_block:
                return
            assert time.monotonic() < deadline, health
            time.sleep(0.05)


def compare(cast: Cast, requests: list[Request]) -> None:
    """Every acknowledged request is on the chain once, in SQL, and under the numbers it was told; nothing else is.

    Nothing may run on the data directory.
    """
    assert not [request for request in requests if request.differences], [
        (request.key, request.differences) for request in requests if request.differences
    ]
    assert all(request.digest for request in requests)
    with Ledger.open(settings_of(cast.data_dir)) as ledger:
        _compare_chain(ledger, requests)
        _compare_views(ledger, cast, requests)
        report = audit(ledger.context)
        assert report.difference is None, report.difference
        rebuild(ledger.context)
        again = audit(ledger.context)
        assert again == report
        _compare_views(ledger, cast, requests)


def compare_lists(cast: Cast, requests: list[Request]) -> None:
    """As `compare`, of issued lists: every row once, under the number it was told."""
    with Ledger.open(settings_of(cast.data_dir)) as ledger:
        on_chain: Counter[str] = Counter()
        issued: Counter[str] = Counter()
        reader = ledger.context.reader
        for number in range(1, reader.head().number + 1):
            for group in reader.block(number).groups:
                on_chain[group.digest.hex()] += 1
                issued.update(f"{op.number:020d}" for op in group.signed.group.operations if op.code == Code.ISSUE)
        told = [number for request in requests for number in request.numbers]
        assert sorted(told) == sorted(issued.elements())
        assert len(set(told)) == len(told)
        assert {on_chain[request.digest] for request in requests} == {1}
        report = audit(ledger.context)
        assert (report.difference, report.invoices) == (None, len(told))


def _compare_chain(ledger: Ledger, requests: list[Request]) -> None:
    on_chain: Counter[str] = Counter()
    issued: Counter[int] = Counter()
    gross: Counter[int] = Counter()
    reader = ledger.context.reader
    for number in range(1, reader.head().number + 1):
        for group in reader.block(number).groups:
            on_chain[group.digest.hex()] += 1
            assert group.outcome is Outcome.APPLIED, (number, group.outcome, group.reason)
            for op in group.signed.group.operations:
                if op.code == Code.ISSUE:
                    issued[op.number] += 1
                    gross[op.terms & (1 << 48) - 1] += 1
    assert set(on_chain.values()) == {1}, "a group was sequenced twice"
    lost = [request.key for request in requests if request.digest not in on_chain]
    assert not lost, f"acknowledged and lost: {lost}"
    issues = [request for request in requests if request.gross_fen]
    assert set(issued.values()) <= {1}, "a number was issued twice"
    assert sum(issued.values()) == len(issues), "an invoice nobody asked for, or one made twice"
    assert gross == Counter(request.gross_fen for request in issues)
    assert {number for request in issues for number in request.numbers} == {f"{number:020d}" for number in issued}


def _compare_views(ledger: Ledger, cast: Cast, requests: list[Request]) -> None:
    officer = ledger.caller(cast.officer)
    claimed = {number for request in requests if not request.gross_fen for number in request.numbers}
    for request in requests:
        written = ledger.operation(officer, request.digest)
        assert written.status is WriteStatus.RECORDED, (request.key, written.status)
        assert written.numbers == request.numbers
        if request.gross_fen:
            view = ledger.invoice(officer, request.numbers[0])
            assert view.gross_fen == request.gross_fen
            assert view.document is not None
            assert view.document["gross_fen"] == request.gross_fen
            assert view.claim_state == ("locked" if view.number in claimed else "free")
