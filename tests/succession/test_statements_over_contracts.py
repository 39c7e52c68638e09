"""Statements of a ledger that three real contracts carried, and an operator who shows only what suits it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ledger.chain.lmdb_store import ChainStore
from ledger.chain.records import head_header
from ledger.chain.state import contract_proof
from ledger.domain.blocks import StorageProof
from tests.chain.world import SEALER_KEY, SELLER, Ledger
from tests.succession.chains import signed_now, succeed
from tests.verifier.bundle_factory import CURVE, ROOT, point
from verifier.bundle import proof_nodes
from verifier.reasons import Reason
from verifier.report import Report, Result
from verifier.statement import Says, Statement, Word, build_statement, statement_key
from verifier.steps import examine, not_older_than
from verifier.trust import Trust, TrustedContract
from verifier.words import NUMBER_SPACE_FIRST

NEVER = NUMBER_SPACE_FIRST + 900
BOTH = pytest.mark.parametrize("word", list(Word))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Three contracts, an invoice issued under each: 1, 2 and 3."""
    made = Ledger(Path(tmp_path_factory.mktemp("chain")) / "chain")
    made.ready_to_issue()
    for index in (1, 2, 3):
        if index > 1:
            succeed(made)
        made.writer.commit([signed_now(made, made.seller, SELLER, made.issue(index))])
    yield made
    made.close()


@pytest.fixture(scope="module")
def trust(ledger: Ledger) -> Trust:
    identity = ledger.reader.identity
    sealer = point(ec.derive_private_key(int.from_bytes(SEALER_KEY, "big"), CURVE))
    contracts = tuple(map(TrustedContract, identity.contracts, identity.code_hashes))
    assert len(contracts) == 3
    return Trust(identity.chain_id, identity.genesis_hash, contracts, (sealer,), ROOT)


def stated(ledger: Ledger, proof: StorageProof, number: int, says: Says, word: Word = Word.STATE) -> Statement:
    identity = ledger.reader.identity
    return build_statement(
        chain_id=identity.chain_id,
        contracts=proof.contracts,
        genesis=identity.genesis_hash,
        number=number,
        says=says,
        word=word,
        header=proof.header_rlp,
        account_nodes=proof.account_nodes,
        storage_nodes=proof.storage_nodes,
    )


def of(ledger: Ledger, number: int, says: Says = Says.NOT_ISSUED, word: Word = Word.STATE) -> Statement:
    return stated(ledger, ledger.reader.proof([statement_key(number, word)]), number, says, word)


def judged(statement: Statement, trust: Trust) -> Report:
    return examine(statement.to_bytes(), trust)


def reason(report: Report) -> tuple[str, Reason]:
    assert report.verdict is Result.INVALID
    step = next(step for step in report.steps if step.result is not Result.VALID)
    return step.name, step.reason


@BOTH
def test_what_no_contract_holds_was_never_issued(ledger: Ledger, trust: Trust, word: Word) -> None:
    report = judged(of(ledger, NEVER, word=word), trust)
    assert report.verdict is Result.VALID, report.to_text("en")
    assert len(of(ledger, NEVER, word=word).contracts) == 3


@BOTH
@pytest.mark.parametrize("index", [1, 2, 3])
def test_what_any_of_them_holds_was(ledger: Ledger, trust: Trust, index: int, word: Word) -> None:
    lie = of(ledger, NUMBER_SPACE_FIRST + index, word=word)
    assert reason(judged(lie, trust)) == ("statement", Reason.INVOICE_PRESENT)


@pytest.mark.parametrize("index", [1, 2, 3])
def test_an_open_invoice_is_not_settled_whichever_contract_holds_it(ledger: Ledger, trust: Trust, index: int) -> None:
    report = judged(of(ledger, NUMBER_SPACE_FIRST + index, Says.NOT_SETTLED), trust)
    assert report.verdict is Result.VALID, report.to_text("en")


@pytest.mark.parametrize("shown", [1, 2])
def test_an_operator_who_shows_retired_contracts_alone_is_caught(ledger: Ledger, trust: Trust, shown: int) -> None:
    """Number 3 is in none of the retired contracts, and the block is the newest: all nodes are real."""
    number = NUMBER_SPACE_FIRST + 3
    identity = ledger.reader.identity
    store = ChainStore(ledger.directory)
    with store.read() as nodes:
        of_last = contract_proof(
            nodes, head_header(nodes), identity.contracts[shown - 1], [statement_key(number, Word.STATE)]
        )
        of_first = contract_proof(nodes, head_header(nodes), identity.contracts[0], [statement_key(NEVER, Word.STATE)])
    store.close()
    everything = {*of_last.storage_nodes, *of_first.storage_nodes}
    lie = replace(of(ledger, NEVER), number=number, contracts=identity.contracts[:shown])
    lie = replace(lie, proof=replace(lie.proof, storage=proof_nodes(everything)))
    assert reason(judged(lie, trust)) == ("account", Reason.CONTRACT_SUCCEEDED)


def test_a_statement_from_before_a_succession_says_how_old_it_is(ledger: Ledger, trust: Trust) -> None:
    """Of the block before the second contract: number 3 was not issued then, and nobody is told more than that."""
    number = NUMBER_SPACE_FIRST + 3
    first = next(
        block for block in range(2, ledger.reader.head().number) if len(ledger.reader.proof([0], block).contracts) == 2
    )
    proof = ledger.reader.proof([statement_key(number, Word.STATE)], first - 1)
    assert len(proof.contracts) == 1
    report = judged(stated(ledger, proof, number, Says.NOT_ISSUED), trust)
    assert (report.verdict, report.block) == (Result.VALID, first - 1)
    assert not_older_than(report, report.block_time_s + 1).verdict is Result.UNCHECKED


def test_the_old_trust_file_asks_for_the_new_one(ledger: Ledger, trust: Trust) -> None:
    old = replace(trust, contracts=trust.contracts[:1])
    report = judged(of(ledger, NEVER), old)
    assert report.verdict is Result.UNCHECKED
    assert report.reasons[0] is Reason.TRUST_OUTDATED
