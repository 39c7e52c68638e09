"""Evidence of a ledger that several contracts carried: words are looked up in each, each handed over to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.verifier.bundle_factory import (
    CODE_HASH,
    CONTRACT,
    EMPLOYEE,
    IDENTITIES,
    MOVES,
    NUMBER,
    SUCCESSOR,
    Scenario,
)
from tests.verifier.judging import TRUST, failure
from verifier.bundle import revocation_key
from verifier.hashing import keccak256
from verifier.reasons import Reason
from verifier.report import Report, Result
from verifier.steps import examine
from verifier.trust import TrustedContract
from verifier.words import Table, storage_key

BOTH = (CONTRACT, SUCCESSOR)
ELSEWHERE = bytes.fromhex("5555555555555555555555555555555555555555")


def moved(first_late: int, count: int = len(MOVES)) -> Scenario:
    """The usual history, from the operation `first_late` on under the second contract."""
    moves = tuple(replace(move, contract=int(at >= first_late)) for at, move in enumerate(MOVES[:count]))
    return Scenario(moves=moves, contracts=BOTH)


CARRIED = moved(4)


def judge(scenario: Scenario) -> Report:
    return examine(scenario.data, scenario.trust)


def carried_with(**changes: object) -> Report:
    return examine(replace(CARRIED.bundle, **changes).to_bytes(), CARRIED.trust)


@pytest.mark.parametrize("first_late", [1, 4, 9, len(MOVES)])
def test_history_under_two_contracts_is_valid(first_late: int) -> None:
    scenario = moved(first_late)
    report = judge(scenario)
    assert report.verdict is Result.VALID, report.to_text("en")
    assert report.steps[1].compared["contract_1"] == SUCCESSOR.hex()
    assert [event.contract for event in scenario.bundle.history] == [int(at >= first_late) for at in range(len(MOVES))]


def test_invoice_that_only_the_successor_knows_is_valid() -> None:
    assert judge(moved(0)).verdict is Result.VALID


def test_trust_file_with_a_later_contract_reads_older_evidence() -> None:
    trust = replace(TRUST, contracts=CARRIED.trust.contracts)
    assert examine(Scenario().data, trust).verdict is Result.VALID


def test_trust_file_without_the_later_contract_cannot_check() -> None:
    report = examine(CARRIED.data, TRUST)
    assert report.verdict is Result.UNCHECKED
    assert (report.steps[1].name, report.steps[1].reason) == ("ledger", Reason.TRUST_OUTDATED)


def test_contracts_of_another_ledger_could_not_be_checked() -> None:
    for contracts in ((SUCCESSOR,), (SUCCESSOR, CONTRACT), (CONTRACT, ELSEWHERE)):
        changed = tuple(replace(event, contract=0) for event in CARRIED.bundle.history)
        report = carried_with(contracts=contracts, history=changed)
        assert report.verdict is Result.UNCHECKED
        assert report.steps[1].reason is Reason.OTHER_LEDGER


def test_words_of_a_retired_contract_are_no_evidence_of_a_later_block() -> None:
    """The lie: everything was true under the first contract, and the second has gone on since."""
    stale = Scenario(successors=(SUCCESSOR,), beyond=(SUCCESSOR,))
    assert failure(judge(stale), "account") is Reason.CONTRACT_SUCCEEDED
    assert examine(Scenario().data, CARRIED.trust).verdict is Result.VALID


def test_ledger_closed_for_an_address_without_code_stays_readable() -> None:
    for successor in (ELSEWHERE, CONTRACT):
        closed = Scenario(successors=(successor,))
        assert judge(closed).verdict is Result.VALID, judge(closed).to_text("en")
    opened = Scenario(successors=(ELSEWHERE,), beyond=(ELSEWHERE,))
    assert failure(judge(opened), "account") is Reason.CONTRACT_SUCCEEDED


def test_closing_must_be_proven() -> None:
    closed = Scenario(successors=(ELSEWHERE,))
    for at in range(len(closed.bundle.proof.account)):
        nodes = closed.bundle.proof.account
        proof = replace(closed.bundle.proof, account=(*nodes[:at], *nodes[at + 1 :]))
        report = examine(replace(closed.bundle, proof=proof).to_bytes(), closed.trust)
        assert failure(report, "account") is Reason.PROOF_INCOMPLETE


@pytest.mark.parametrize("first", [bytes(20), ELSEWHERE, CONTRACT])
def test_contract_that_did_not_hand_over_to_the_next_is_invalid(first: bytes) -> None:
    scenario = replace(CARRIED, successors=(first, bytes(20)))
    assert failure(judge(scenario), "account") is Reason.SUCCESSION_DIFFERS


def test_successor_that_was_itself_succeeded_is_invalid() -> None:
    scenario = replace(CARRIED, successors=(SUCCESSOR, ELSEWHERE), beyond=(ELSEWHERE,))
    assert failure(judge(scenario), "account") is Reason.CONTRACT_SUCCEEDED


def test_later_word_stands_before_an_earlier_one() -> None:
    party = storage_key(Table.IDENTITY, EMPLOYEE)
    known = int.from_bytes(keccak256(IDENTITIES[EMPLOYEE].encode()), "big")
    overwritten = replace(CARRIED, late_words={party: known}, words={party: 5})
    assert judge(overwritten).verdict is Result.VALID
    other = replace(CARRIED, late_words={party: 5})
    assert failure(judge(other), "words") is Reason.IDENTITY_DIFFERS


def test_absence_in_the_successor_must_be_proven() -> None:
    """The lie: the head of the first contract is shown, and what the successor wrote since is kept back."""
    first_only = moved(len(MOVES), 4)
    later = moved(4, 5)
    nodes = {*first_only.bundle.proof.storage, *later.bundle.proof.storage}
    for kept in (later.bundle.proof.storage, tuple(sorted(nodes))):
        shown = replace(first_only.bundle, proof=replace(later.bundle.proof, storage=kept))
        assert examine(shown.to_bytes(), later.trust).verdict is Result.INVALID


def test_revocation_in_either_contract_counts() -> None:
    der = next(event.certificate for event in CARRIED.events if event.actor == EMPLOYEE)
    word = {revocation_key(der): CARRIED.events[0].time_s}
    for scenario in (replace(CARRIED, words=word), replace(CARRIED, late_words=word)):
        assert failure(judge(scenario), "revocations") is Reason.CERTIFICATE_REVOKED


def test_group_signed_for_another_contract_is_invalid() -> None:
    history = list(CARRIED.bundle.history)
    history[4] = replace(history[4], contract=0)
    assert failure(carried_with(history=tuple(history)), "signatures") is Reason.SIGNATURE_INVALID


def test_contracts_of_the_groups_never_fall() -> None:
    history = [replace(event, contract=int(at == 2)) for at, event in enumerate(CARRIED.bundle.history)]
    assert failure(carried_with(history=tuple(history)), "history") is Reason.CONTRACT_ORDER


def test_group_of_a_contract_that_is_not_listed_could_not_be_checked() -> None:
    history = (replace(CARRIED.bundle.history[0], contract=2), *CARRIED.bundle.history[1:])
    report = carried_with(history=history)
    assert (report.verdict, report.steps[0].reason) == (Result.UNCHECKED, Reason.NOT_EVIDENCE)


def test_other_code_of_either_contract_is_invalid() -> None:
    for at in range(2):
        contracts = list(CARRIED.trust.contracts)
        contracts[at] = TrustedContract(contracts[at].address, keccak256(b"other"))
        report = examine(CARRIED.data, replace(CARRIED.trust, contracts=tuple(contracts)))
        assert failure(report, "account") is Reason.CODE_DIFFERS
    assert CARRIED.trust.contracts[0].code_hash == CODE_HASH


def test_missing_or_surplus_nodes_of_either_contract_are_invalid() -> None:
    proof = CARRIED.bundle.proof
    for part in ("account", "storage"):
        nodes = getattr(proof, part)
        for at in range(len(nodes)):
            fewer = replace(proof, **{part: (*nodes[:at], *nodes[at + 1 :])})
            assert Reason.PROOF_INCOMPLETE in carried_with(proof=fewer).reasons
    earlier_state = [
        node for node in moved(len(MOVES), 4).bundle.proof.storage if node not in CARRIED.bundle.proof.storage
    ]
    assert earlier_state, f"the first contract held {NUMBER} otherwise"
    more = replace(proof, storage=tuple(sorted((*proof.storage, earlier_state[0]))))
    assert failure(carried_with(proof=more), "words") is Reason.PROOF_SURPLUS
