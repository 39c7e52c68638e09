"""Evidence over a succession on the real contract: its own words, its own successor slot, its own signatures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.test_succession import CLAIM_ID, built_after, retirement
from tests.contract.world import NUMBER, World, opened_world
from tests.projection.test_on_contract import ContractSource
from tests.verifier.contract_histories import ContractEvidence, Written, histories_of
from verifier.operations import Code
from verifier.reasons import Reason
from verifier.report import Report, Result
from verifier.steps import examine

OURS = {"document", "fields", "revocations"}  # the operations name no real document, the parties no real certificate


@pytest.fixture(scope="module")
def old() -> World:
    world = opened_world()
    world.do(
        "clerk", world.issue_operation(buyer=None, first_holder="employee"), world.issue_operation(number=NUMBER + 1)
    )
    return world


@pytest.fixture(scope="module")
def new(old: World) -> World:
    """The successor, after the old contract handed over to it and one of two invoices went on."""
    successor = built_after(old)
    old.do("authority", retirement(old, successor.address))
    lock = successor.operation(Code.LOCK, "employee", party=successor.ids["employer"], terms=CLAIM_ID)
    successor.do("employee", lock)
    return successor


def histories(*worlds: World) -> dict[int, list[Written]]:
    """What was done to each invoice under each contract in turn."""
    found: dict[int, list[Written]] = {}
    for contract, world in enumerate(worlds):
        source = ContractSource(world)
        blocks = [source.block(number) for number in range(source.head().number + 1)]
        for number, written in histories_of(blocks).items():
            found.setdefault(number, []).extend(replace(one, contract=contract) for one in written)
    return found


def failed(report: Report) -> list[tuple[str, Reason]]:
    """Steps that are not valid, of those that these histories are to pass."""
    return [
        (step.name, step.reason) for step in report.steps if step.result is not Result.VALID and step.name not in OURS
    ]


def test_histories_under_one_and_both_contracts_hold(old: World, new: World) -> None:
    evidence, written = ContractEvidence(new, (old,)), histories(old, new)
    assert [one.contract for one in written[NUMBER]] == [0, 1]
    assert [one.contract for one in written[NUMBER + 1]] == [0]
    for number in (NUMBER, NUMBER + 1):
        assert failed(evidence.report(number, written[number])) == []


def test_the_retired_contract_alone_is_no_evidence_any_more(old: World, new: World) -> None:
    """The lie: what the first contract still holds, shown as of a block after the succession."""
    assert new.address != old.address
    report = ContractEvidence(old).report(NUMBER + 1, histories(old)[NUMBER + 1])
    assert failed(report)[0] in {("account", Reason.CONTRACT_SUCCEEDED), ("account", Reason.PROOF_INCOMPLETE)}


def test_an_operation_under_the_other_contracts_name_is_invalid(old: World, new: World) -> None:
    evidence, written = ContractEvidence(new, (old,)), histories(old, new)[NUMBER]
    for contracts in ((0, 0), (1, 1), (1, 0)):
        changed = [replace(one, contract=contract) for one, contract in zip(written, contracts, strict=True)]
        assert ("signatures", Reason.SIGNATURE_INVALID) in failed(evidence.report(NUMBER, changed))


def test_a_history_without_what_the_successor_wrote_is_invalid(old: World, new: World) -> None:
    evidence, written = ContractEvidence(new, (old,)), histories(old, new)[NUMBER]
    assert ("history", Reason.STATE_DIFFERS) in failed(evidence.report(NUMBER, written[:1]))
    bundle = evidence.bundle(NUMBER, written)
    hidden = replace(bundle, contracts=bundle.contracts[:1])
    assert examine(hidden.to_bytes(), evidence.trust).verdict is not Result.VALID
