"""What a node looks after beside sequencing goes on after an error that nobody foresaw, and ends with the node."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.sequencer import Sequencer
from ledger.service.bulk_signing import BulkSigning
from ledger.service.maintenance import run_node
from tests.service.test_sheets_under_sql import asked, uploaded
from tests.service.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ledger of its own: its node is exchanged."""
    made = World(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("failures", [0, 3])
def test_sheets_are_signed_after_whatever_broke(world: World, monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    seller = world.enterprise("文件开票公司", segment=True)
    job = uploaded(world, seller)
    asked(world, seller, job)
    go_on, left = BulkSigning.go_on, [None] * failures

    def breaking(self: BulkSigning) -> bool:
        if left:
            left.pop()
            raise KeyError("nobody foresaw it")
        return go_on(self)

    def until_signed(sequencer: Sequencer, _on_ready: object) -> None:
        for _ in range(500):
            sequencer.round()
            if world.ledger.bulk.job(seller, job).state == "done":
                return
            threading.Event().wait(0.02)

    world.sequencing.close()
    monkeypatch.setattr("ledger.service.bulk_steps.LEFT_S", 0)
    monkeypatch.setattr("ledger.service.maintenance.AGAIN_S", 0.01)
    monkeypatch.setattr(BulkSigning, "go_on", breaking)
    monkeypatch.setattr("ledger.service.maintenance.run_until_signal", until_signed)
    run_node(world.ledger.context, lambda: None)
    assert (left, world.ledger.bulk.job(seller, job).state) == ([], "done")
    assert "sheets" not in {thread.name for thread in threading.enumerate()}
    world.sequencing = type(world.sequencing)(world.ledger)
