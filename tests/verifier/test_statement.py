"""Statements of absence: true ones are valid, and every way of lying with one is caught at a step that says so."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.verifier.bundle_factory import CHAIN_ID, GENESIS, NUMBER, SEALER_KEY, private_key, proof_nodes, sealed_header
from tests.verifier.statement_factory import (
    BLOCK_TIME_S,
    ISSUED,
    NEVER,
    SETTLED,
    SUCCESSOR,
    Ledger,
    others,
    words_of,
)
from verifier.canonical import dumps
from verifier.hashing import keccak256
from verifier.header import parse_header
from verifier.reasons import Reason
from verifier.report import Report, Result
from verifier.shape import base64_of
from verifier.statement import Says, Statement, Word
from verifier.steps import examine, not_older_than
from verifier.trust import Trust
from verifier.witnesses import WitnessKey, checkpoint_text
from verifier.words import Claim, Colour

LEDGER = Ledger()
BOTH = pytest.mark.parametrize("word", list(Word))


def report_of(statement: Statement, trust: Trust = LEDGER.trust) -> Report:
    return examine(statement.to_bytes(), trust)


def failed(report: Report) -> tuple[str, Result, Reason]:
    """Name, result and reason of the first step that is not valid."""
    step = next(step for step in report.steps if step.result is not Result.VALID)
    return step.name, step.result, step.reason


def invalid(statement: Statement, step: str, reason: Reason, trust: Trust = LEDGER.trust) -> None:
    report = report_of(statement, trust)
    assert report.verdict is Result.INVALID
    assert failed(report) == (step, Result.INVALID, reason)


@BOTH
def test_a_number_never_issued_is_stated_by_the_absence_of_either_word(word: Word) -> None:
    report = report_of(LEDGER.statement(NEVER, word=word))
    assert report.verdict is Result.VALID, report.to_text("en")
    names = [step.name for step in report.steps]
    assert names == ["file", "ledger", "seal", "witnesses", "account", "words", "statement"]
    assert [step.number for step in report.steps] == list(range(1, 8))
    assert (report.number, report.says, report.block) == (f"{NEVER:020d}", "not_issued", 77)
    assert report.steps[-1].compared["number_space"] == "this_ledger"


@BOTH
def test_an_issued_number_is_not_stated_as_never_issued(word: Word) -> None:
    invalid(LEDGER.statement(NUMBER, word=word), "statement", Reason.INVOICE_PRESENT)


def test_a_number_of_elsewhere_is_said_to_be_one() -> None:
    report = report_of(LEDGER.statement(14403180911000000317))
    assert report.verdict is Result.VALID
    assert report.steps[-1].compared["number_space"] == "elsewhere"


def test_a_registered_number_of_elsewhere_is_not_stated_as_never_issued() -> None:
    ledger = Ledger((others(20) | words_of(14403180911000000317, replace(ISSUED, strength=3)),))
    invalid(ledger.statement(14403180911000000317), "statement", Reason.INVOICE_PRESENT)


@pytest.mark.parametrize("claim", [Claim.FREE, Claim.LOCKED, Claim.CANCELLED])
def test_an_invoice_that_nobody_was_paid_for_is_stated_as_not_settled(claim: Claim) -> None:
    ledger = Ledger((others(20) | words_of(NUMBER, replace(ISSUED, claim=int(claim))),))
    report = report_of(ledger.statement(NUMBER, Says.NOT_SETTLED))
    assert report.verdict is Result.VALID, report.to_text("en")
    assert report.steps[-1].compared["claim"] == claim.name.lower()


@pytest.mark.parametrize("colour", [Colour.NORMAL, Colour.FULLY_RED])
def test_a_settled_invoice_is_not_stated_as_not_settled(colour: Colour) -> None:
    ledger = Ledger((others(20) | words_of(NUMBER, replace(SETTLED, colour=int(colour))),))
    invalid(ledger.statement(NUMBER, Says.NOT_SETTLED), "statement", Reason.INVOICE_SETTLED)


def test_a_number_that_does_not_exist_is_not_stated_as_not_settled() -> None:
    invalid(LEDGER.statement(NEVER, Says.NOT_SETTLED), "statement", Reason.INVOICE_ABSENT)


def test_not_settled_follows_the_state_alone() -> None:
    report = report_of(LEDGER.statement(NUMBER, Says.NOT_SETTLED, Word.HEAD))
    assert failed(report) == ("file", Result.UNCHECKED, Reason.NOT_EVIDENCE)


@BOTH
def test_an_issued_number_cannot_be_hidden_by_leaving_nodes_out(word: Word) -> None:
    statement = LEDGER.statement(NUMBER, word=word)
    for left_out in statement.proof.storage:
        storage = tuple(node for node in statement.proof.storage if node != left_out)
        report = report_of(replace(statement, proof=replace(statement.proof, storage=storage)))
        assert report.verdict is Result.INVALID
        assert failed(report)[2] is Reason.PROOF_INCOMPLETE


def test_the_proof_of_another_number_states_nothing() -> None:
    other = LEDGER.statement(NEVER + 1)
    invalid(replace(LEDGER.statement(NUMBER), proof=other.proof), "words", Reason.PROOF_INCOMPLETE)


def test_the_proof_of_the_other_word_states_nothing() -> None:
    statement = LEDGER.statement(NEVER)
    assert LEDGER.statement(NEVER, word=Word.HEAD).proof != statement.proof
    assert report_of(replace(statement, word=Word.HEAD)).verdict is Result.INVALID


def test_a_true_statement_with_a_node_too_many_is_invalid() -> None:
    statement, other = LEDGER.statement(NEVER), LEDGER.statement(NUMBER)
    storage = tuple(sorted({*statement.proof.storage, *other.proof.storage}))
    invalid(replace(statement, proof=replace(statement.proof, storage=storage)), "words", Reason.PROOF_SURPLUS)


def test_a_statement_out_of_an_empty_ledger_of_ones_own_making_is_invalid() -> None:
    forged = Ledger(({},)).statement(NUMBER)
    header = sealed_header(Ledger(({},)).accounts.root_hash, BLOCK_TIME_S, private_key(4242))
    invalid(replace(forged, proof=replace(forged.proof, header=header)), "seal", Reason.SEAL_INVALID)


def test_a_statement_of_another_ledger_cannot_be_checked() -> None:
    trust = replace(LEDGER.trust, genesis=keccak256(b"another genesis"))
    assert failed(report_of(LEDGER.statement(NEVER), trust)) == ("ledger", Result.UNCHECKED, Reason.OTHER_LEDGER)


# -- old blocks ----------------------------------------------------------------------------------


def test_an_old_statement_stays_true_of_its_block_and_fails_who_asks_for_a_newer_one() -> None:
    before = Ledger((others(40),)).statement(NUMBER)
    report = report_of(before)
    assert report.verdict is Result.VALID, "of a block before the issue"
    assert not_older_than(report, BLOCK_TIME_S).verdict is Result.VALID
    late = not_older_than(report, BLOCK_TIME_S + 1)
    assert late.verdict is Result.UNCHECKED
    assert (late.steps[-1].number, late.steps[-1].name, late.steps[-1].reason) == (8, "age", Reason.TOO_OLD)


def test_the_old_root_under_a_newer_header_is_invalid() -> None:
    before = Ledger((others(40),)).statement(NUMBER)
    newer = sealed_header(LEDGER.accounts.root_hash, BLOCK_TIME_S + 60, SEALER_KEY)
    lie = replace(before, proof=replace(before.proof, header=newer))
    invalid(lie, "account", Reason.PROOF_INCOMPLETE)


# -- succession ----------------------------------------------------------------------------------

CARRIED_ON = Ledger((others(40) | words_of(NUMBER, ISSUED), others(3) | words_of(NUMBER - 1, ISSUED)))


@BOTH
def test_a_number_that_no_contract_holds_is_never_issued(word: Word) -> None:
    report = report_of(CARRIED_ON.statement(NEVER, word=word))
    assert report.verdict is Result.VALID, report.to_text("en")


@BOTH
@pytest.mark.parametrize("number", [NUMBER, NUMBER - 1])
def test_a_number_that_an_earlier_or_the_current_contract_holds_is_not_never_issued(number: int, word: Word) -> None:
    invalid(CARRIED_ON.statement(number, word=word), "statement", Reason.INVOICE_PRESENT)


@BOTH
def test_a_retired_contract_alone_does_not_tell_what_was_issued_since(word: Word) -> None:
    lie = CARRIED_ON.statement(NUMBER - 1, word=word, contracts=1)
    invalid(lie, "account", Reason.PROOF_INCOMPLETE)
    shown = proof_nodes(CARRIED_ON.accounts, keccak256(SUCCESSOR))
    account = tuple(sorted({*lie.proof.account, *shown}))
    invalid(replace(lie, proof=replace(lie.proof, account=account)), "account", Reason.CONTRACT_SUCCEEDED)


def test_the_succession_cannot_be_left_out_of_the_proof() -> None:
    lie = CARRIED_ON.statement(NUMBER - 1, contracts=1)
    for left_out in lie.proof.storage:
        storage = tuple(node for node in lie.proof.storage if node != left_out)
        report = report_of(replace(lie, proof=replace(lie.proof, storage=storage)))
        assert report.verdict is Result.INVALID
        assert failed(report)[:1] == ("account",)


def test_what_the_current_contract_wrote_counts_not_what_its_predecessor_holds() -> None:
    paid_since = Ledger((others(40) | words_of(NUMBER, ISSUED), others(3) | words_of(NUMBER, SETTLED)))
    invalid(paid_since.statement(NUMBER, Says.NOT_SETTLED), "statement", Reason.INVOICE_SETTLED)
    open_still = Ledger((others(40) | words_of(NUMBER, ISSUED), others(3)))
    assert report_of(open_still.statement(NUMBER, Says.NOT_SETTLED)).verdict is Result.VALID


def test_a_statement_older_than_the_succession_stays_valid() -> None:
    """The trust file knows both contracts; at that block only the first was there."""
    assert report_of(LEDGER.statement(NEVER)).verdict is Result.VALID
    assert len(LEDGER.trust.contracts) == 2


# -- witnesses -----------------------------------------------------------------------------------

WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = WitnessKey("witness.example/w1", WITNESS.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
ASKING = replace(LEDGER.trust, witnesses=(KEY,), witnesses_needed=1)


def witnessed(statement: Statement, time_s: int = BLOCK_TIME_S) -> Statement:
    checkpoint = checkpoint_text(CHAIN_ID, GENESIS, parse_header(statement.proof.header))
    signature = WITNESS.sign(f"cosignature/v1\ntime {time_s}\n{checkpoint}".encode())
    line = f"— {KEY.name} {base64_of(KEY.key_id + time_s.to_bytes(8, 'big') + signature)}"
    return replace(statement, checkpoint=checkpoint, witnesses=(line,))


def test_a_witnessed_statement_is_valid_where_witnesses_are_asked_for() -> None:
    report = report_of(witnessed(LEDGER.statement(NEVER)), ASKING)
    assert report.verdict is Result.VALID, report.to_text("en")


def test_without_its_witness_or_with_that_of_another_block_it_is_not() -> None:
    statement = LEDGER.statement(NEVER)
    assert failed(report_of(statement, ASKING)) == ("witnesses", Result.UNCHECKED, Reason.WITNESSES_MISSING)
    other = witnessed(Ledger((others(41),)).statement(NEVER))
    invalid(
        replace(statement, checkpoint=other.checkpoint, witnesses=other.witnesses),
        "witnesses",
        Reason.CHECKPOINT_DIFFERS,
        ASKING,
    )


# -- shape and words -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, Reason.UNKNOWN_VERSION),
        ({"version": True}, Reason.UNKNOWN_VERSION),
        ({"says": "never_paid"}, Reason.NOT_EVIDENCE),
        ({"says": None}, Reason.NOT_EVIDENCE),
        ({"word": "claim"}, Reason.NOT_EVIDENCE),
        ({"number": "9" * 19}, Reason.NOT_EVIDENCE),
        ({"number": "９" * 20}, Reason.NOT_EVIDENCE),
        ({"chain": {}}, Reason.NOT_EVIDENCE),
        ({"proof": []}, Reason.NOT_EVIDENCE),
        ({"witnesses": ["x"]}, Reason.NOT_EVIDENCE),
        ({"note": ""}, Reason.NOT_EVIDENCE),
    ],
)
def test_a_file_of_another_shape_is_no_statement(change: dict[str, object], reason: Reason) -> None:
    value = json.loads(LEDGER.statement(NEVER).to_bytes()) | change
    report = examine(dumps(value), LEDGER.trust)
    assert failed(report) == ("file", Result.UNCHECKED, reason)
    assert [step.name for step in report.steps][-1] == "statement"


def test_the_report_says_what_is_stated_in_both_languages() -> None:
    never = report_of(LEDGER.statement(NEVER))
    open_still = report_of(LEDGER.statement(NUMBER, Says.NOT_SETTLED))
    assert "从未开具" in never.to_text("zh")
    assert "never issued" in never.to_text("en")
    assert "未核销" in open_still.to_text("zh")
    assert "not settled" in open_still.to_text("en")
    assert json.loads(never.to_json("en"))["says"] == "not_issued"
