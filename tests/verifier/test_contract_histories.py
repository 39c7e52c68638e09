"""What the real contract wrote verifies, whatever the operation; what its rules forbid is refused."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contract.machine_credit import CreditMachine
from tests.contract.machine_world import CASES, prepared
from tests.contract.world import World
from tests.projection.test_on_contract import ContractSource
from tests.verifier.contract_histories import ContractEvidence, histories_of
from verifier.operations import INVOICE_CODES, Code
from verifier.report import Result

OURS = {"document", "fields", "revocations"}  # no real document, no certificates of these parties


def hold(world: World) -> set[int]:
    """Codes of the operations whose evidence holds; that of every invoice must."""
    source = ContractSource(world)
    blocks = (source.block(number) for number in range(source.head().number + 1))
    evidence, seen = ContractEvidence(world), set()
    for number, written in histories_of(blocks).items():
        report = evidence.report(number, written)
        for step in report.steps:
            if step.name not in OURS:
                assert step.result is Result.VALID, (number, step.name, step.reason, step.at)
        seen |= {one.operation.code for one in written}
    return seen


def every_way_out(world: World) -> None:
    """The operations that no situation of the prepared ledger needs."""
    for actor, code, subject, case, terms in (
        ("authority", Code.CLEAR_RISK_FLAG, "authority", "flagged", 0),
        ("officer", Code.FORCE_UNLOCK, "officer", "locked", 0),
        ("authority", Code.VOID_SLIP, "authority", "slip of seller", 0),
        ("cashier", Code.WITHDRAW_SLIP, "employer", "slip of buyer", 0),
        ("cashier", Code.WITHDRAW_BOOKING, "employer", "booked", 0),
        ("cashier", Code.UNSELECT, "employer", "selected", 0),
    ):
        world.do(actor, world.operation(code, subject, CASES[case], terms=terms))


def test_every_situation_of_the_contract_verifies() -> None:
    world, _ = prepared()
    with world.scratch() as scratch:
        every_way_out(scratch)
        assert hold(scratch) == INVOICE_CODES


class VerifiedMachine(CreditMachine):
    """Every operation of the ledger, bent and right; what the contract made of it is verified at the end."""

    seen: ClassVar[set[int]] = set()

    def teardown(self) -> None:
        try:
            if self.twin.batch:
                self.twin.flush()
            self.seen.update(hold(self.twin.world))
        finally:
            super().teardown()


def run_histories(count: int, steps: int) -> set[int]:
    VerifiedMachine.seen = set()
    run_state_machine_as_test(
        VerifiedMachine,
        settings=settings(
            max_examples=count,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return VerifiedMachine.seen


@pytest.mark.slow
def test_random_histories_of_the_contract_verify() -> None:
    assert run_histories(12, 25) == INVOICE_CODES
