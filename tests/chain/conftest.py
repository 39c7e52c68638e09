"""Chains for the tests: one that is shared and only grows, and a maker of fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chain.world import Ledger


@pytest.fixture
def make_ledger(tmp_path: Path) -> Iterator[Callable[..., Ledger]]:
    """Makes ledgers that are closed after the test."""
    made: list[Ledger] = []

    def make(name: str = "chain", **options: Any) -> Ledger:
        made.append(Ledger(tmp_path / name, **options))
        return made[-1]

    yield make
    for ledger in made:
        ledger.close()


@pytest.fixture
def ledger(make_ledger: Callable[..., Ledger]) -> Ledger:
    """A fresh chain of genesis and block 1."""
    return make_ledger()


@pytest.fixture
def issuing(ledger: Ledger) -> Ledger:
    """A chain on which the seller can issue."""
    ledger.ready_to_issue()
    return ledger
