"""Random histories on the real contract: its calldata and logs are read, projected, and every word is audited."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from ledger.chain.calldata import decode_apply
from ledger.chain.events import sequenced
from ledger.chain.records import Log
from ledger.domain.blocks import BlockHead, ChainBlock, Outcome
from ledger.domain.groups import ChainDomain
from ledger.projection import Store, feed, invoices
from ledger.projection.audit import audit
from ledger.projection.rebuild import follow
from tests.contract.machine_credit import CreditMachine
from tests.contract.world import World
from verifier.operations import INVOICE_CODES, numbers_written
from verifier.words import storage_slot

CODES_MIN = 25  # different operations that a handful of histories applies


class ContractSource:
    """The chain of a contract on eth-tester, read as a node's blocks are; an invoice's history must end in its head."""

    def __init__(self, world: World) -> None:
        self._world, self._tester = world, world.tester
        self._domain = ChainDomain(world.chain_id, world.address)

    def head(self) -> BlockHead:
        return self.block(int(self._tester.get_block_by_number("latest")["number"])).head

    def block(self, number: int) -> ChainBlock:
        block = self._tester.get_block_by_number(number, full_transactions=True)
        groups = [group for transaction in block["transactions"] for group in self._groups(transaction)]
        head = BlockHead(number, _bytes(block["hash"]), int(block["timestamp"]))
        return ChainBlock(head, _bytes(block["parent_hash"]), tuple(groups))

    def words(self, keys: Sequence[int]) -> list[int]:
        storage = self._tester.backend.get_storage
        return [int(storage(self._world.address, int.from_bytes(storage_slot(key), "big"))) for key in keys]

    def _groups(self, transaction: dict[str, Any]) -> Sequence[Any]:
        receipt = self._tester.get_transaction_receipt(transaction["hash"])
        if _bytes(transaction["to"] or "0x") != self._world.address or receipt["status"] != 1:
            return ()
        logs = [
            Log(_bytes(log["address"]), tuple(_bytes(topic) for topic in log["topics"]), _bytes(log["data"]))
            for log in receipt["logs"]
        ]
        return sequenced(decode_apply(_bytes(transaction["data"])), logs, self._domain)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


class ProjectedMachine(CreditMachine):
    """Every operation of the ledger, bent and right; what the contract made of it is projected at the end."""

    applied: ClassVar[set[int]] = set()

    def teardown(self) -> None:
        try:
            if self.twin.batch:
                self.twin.flush()
            self._project()
        finally:
            super().teardown()

    def _project(self) -> None:
        source = ContractSource(self.twin.world)
        with (
            tempfile.TemporaryDirectory() as directory,
            Store.create(f"sqlite:///{Path(directory) / 'l.sqlite'}") as store,
        ):
            follow(store.engine, source)
            report = audit(store.engine, source)
            assert report.difference is None, report.difference
            for number in range(source.head().number + 1):
                for group in source.block(number).groups:
                    if group.outcome is Outcome.APPLIED:
                        self.applied.update(operation.code for operation in group.signed.group.operations)
            _hold_histories(store)


def _hold_histories(store: Store) -> None:
    """Each invoice's history ends in its head, and the feed shows each of its parties the last step."""
    with store.reading() as connection:
        shown = feed.events_after(connection, visible_to=None, after=0, limit=1_000)
        assert not shown.more
        last: dict[int, int] = {}
        for event in shown.events:
            operation = event.step.operation
            if event.step.state is not None and operation.code in INVOICE_CODES:
                last.update(dict.fromkeys(numbers_written(operation), event.order))
        for number, order in last.items():
            record = invoices.invoice(connection, number)
            assert record is not None
            steps = invoices.history(connection, number)
            assert (steps[-1].state, steps[-1].head, len(steps)) == (record.state, record.head, record.version)
            parts = (record.seller, record.buyer, record.holder, record.claimant or 0, record.employer or 0)
            for party in set(parts) - {0}:
                page = feed.events_after(connection, visible_to=frozenset({party}), after=order - 1, limit=1)
                assert page.events[0].order == order


def _run(count: int, steps: int) -> set[int]:
    ProjectedMachine.applied = set()
    run_state_machine_as_test(
        ProjectedMachine,
        settings=settings(
            max_examples=count,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return ProjectedMachine.applied


@pytest.mark.slow
def test_projection_agrees_with_the_contract_on_random_histories() -> None:
    applied = _run(4, 25)
    assert len(applied) >= CODES_MIN, sorted(applied)
