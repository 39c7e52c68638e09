"""Random histories on the contract and on a plain model of its rules: every event and every word must agree."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contract.machine_credit import BREAKING, CreditMachine
from tests.contract.machine_ledger import SEEN, STEPS
from verifier.operations import Code, Reason

HISTORIES = 40
REASONS_SEEN_MIN = 36  # of 43; which of the rare ones come up is chance
NEW_REASONS = set(range(Reason.NOT_BUYER, len(Reason) + 1))


def run_histories(count: int, steps: int) -> tuple[set[int], set[int]]:
    """(codes applied, reasons given) in that many histories."""
    SEEN.clear()
    run_state_machine_as_test(
        CreditMachine,
        settings=settings(
            max_examples=count,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return (
        {code for kind, code in SEEN if kind == "applied"},
        {reason for kind, reason in SEEN if kind == "refused"},
    )


def test_contract_and_model_agree_on_a_short_history() -> None:
    applied, refused = run_histories(2, 20)
    assert applied
    assert refused


@pytest.mark.slow
def test_contract_and_model_agree_on_random_histories() -> None:
    applied, refused = run_histories(HISTORIES, STEPS)
    assert applied >= set(Code) - {Code.RETIRE}, set(Code) - {Code.RETIRE} - applied
    assert set(BREAKING) >= NEW_REASONS
    assert refused >= NEW_REASONS, NEW_REASONS - refused
    assert len(refused) >= REASONS_SEEN_MIN, set(Reason) - refused
    assert SEEN["Malformed", 0] > 0
