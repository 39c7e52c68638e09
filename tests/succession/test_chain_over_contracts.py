"""Readers and writers over several contracts: words read through, proofs of all, the remote side as the local one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import rlp

from contracts import load_artifact
from ledger.chain import export_chain, load_successor, open_reader, open_writer
from ledger.chain.records import Header
from ledger.chain.state import SUCCESSOR
from ledger.domain.blocks import Outcome, Retired, StorageProof
from ledger.domain.groups import SignedGroup
from tests.chain.test_chain_rpc import Node
from tests.chain.test_geth_replay import Geth, shown
from tests.chain.world import AUTHORITY, SEALER_KEY, SELLER, Ledger
from tests.succession.chains import created, retirement, signed_now, succeed
from verifier.hashing import keccak256
from verifier.trie import ProofNodes
from verifier.words import NUMBER_SPACE_FIRST, SUCCESSOR_SLOT, Table, storage_key, storage_slot

UNKNOWN = storage_key(Table.STATE, 7)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "chain")
    made.ready_to_issue()
    yield made
    made.close()


@pytest.fixture
def thrice(ledger: Ledger) -> Ledger:
    """Three contracts, an invoice issued under each: 1, 2 and 3."""
    ledger.writer.commit([issued(ledger, 1)])
    for index in (2, 3):
        succeed(ledger)
        ledger.writer.commit([issued(ledger, index)])
    return ledger


def issued(ledger: Ledger, index: int) -> SignedGroup:
    return signed_now(ledger, ledger.seller, SELLER, ledger.issue(index))


def states(*indices: int) -> list[int]:
    return [storage_key(Table.STATE, NUMBER_SPACE_FIRST + index) for index in indices]


def test_words_are_those_of_whichever_contract_wrote_them_last(thrice: Ledger) -> None:
    keys = [*states(1, 2, 3), storage_key(Table.PARTY, SELLER), storage_key(Table.PARTY, AUTHORITY), UNKNOWN]
    words = thrice.reader.words(keys)
    assert [bool(word) for word in words] == [True, True, True, True, True, False]
    for key, word in zip(keys, words, strict=True):
        assert thrice.writer.word_at(thrice.reader.identity.contract, key) == word


def test_every_block_says_which_contract_took_its_groups(thrice: Ledger) -> None:
    head = thrice.reader.head().number
    taken = [group for number in range(head + 1) for group in thrice.reader.block(number).groups]
    assert {group.outcome for group in taken} == {Outcome.APPLIED}
    handed_over = [group.contract for group in taken if isinstance(group.events[0], Retired)]
    assert handed_over == [0, 1]
    assert [group.contract for group in taken][-1] == 2


def test_a_writer_opened_before_sends_to_the_contract_that_is_current(ledger: Ledger) -> None:
    before = ledger.reader.identity
    successor = succeed(ledger)
    assert ledger.writer.identity == ledger.reader.identity
    assert ledger.reader.identity.contracts == (before.contract, successor)
    assert ledger.reader.identity.to_bytes() == before.to_bytes()
    _, (group,) = ledger.commit(issued(ledger, 1))
    assert (group.outcome, group.contract) == (Outcome.APPLIED, 1)


def test_a_group_for_the_retired_contract_is_malformed_for_its_successor(ledger: Ledger) -> None:
    late = issued(ledger, 1)
    succeed(ledger)
    _, (group,) = ledger.commit(late)
    assert (group.outcome, group.contract) == (Outcome.MALFORMED, 1)
    assert group.digest != late.group.digest(ledger.reader.identity.domains[0])
    assert ledger.reader.words(states(1)) == [0]


def test_a_contract_that_was_only_created_changes_nothing(ledger: Ledger) -> None:
    before = ledger.reader.identity
    created(ledger)
    assert ledger.reader.identity == before
    _, (group,) = ledger.commit(issued(ledger, 1))
    assert (group.outcome, group.contract) == (Outcome.APPLIED, 0)


@pytest.mark.parametrize("named", ["nobody", "itself"])
def test_a_ledger_handed_to_nobody_is_closed_and_stays_what_it_was(ledger: Ledger, named: str) -> None:
    before = ledger.reader.identity
    address = {"nobody": b"\x07" * 20, "itself": before.contract}[named]
    ledger.commit(issued(ledger, 1), retirement(ledger, address))
    assert ledger.reader.identity == before
    _, (group,) = ledger.commit(issued(ledger, 2))
    assert group.outcome is Outcome.MALFORMED
    proof = ledger.reader.proof(states(1))
    accounts = ProofNodes(tuple(sorted(proof.account_nodes)))
    assert (accounts.lookup(root(proof), keccak256(address)) is None) == (named == "nobody")


def root(proof: StorageProof) -> bytes:
    return Header.decode(proof.header_rlp).state_root


def test_a_proof_holds_each_contracts_account_successor_and_what_was_asked_of_it(thrice: Ledger) -> None:
    keys = [*states(1, 3), UNKNOWN]
    proof = thrice.reader.proof(keys)
    contracts = thrice.reader.identity.contracts
    assert proof.contracts == contracts
    assert list(proof.words) == thrice.reader.words(keys)
    accounts, storage = (
        ProofNodes(tuple(sorted(node for node in nodes if len(node) >= 32)))
        for nodes in (proof.account_nodes, proof.storage_nodes)
    )
    roots = [rlp.decode(accounts.lookup(root(proof), keccak256(contract)))[2] for contract in contracts]
    named = [storage.lookup(one, keccak256(SUCCESSOR)) for one in roots]
    assert [rlp.decode(one)[-20:] for one in named] == [*contracts[1:], bytes(20)]
    first, third, unknown = (keccak256(storage_slot(key)) for key in keys)
    assert [bool(storage.lookup(one, first)) for one in roots] == [True, False, False]
    assert storage.lookup(roots[2], third)
    assert [storage.lookup(one, unknown) for one in roots] == [None, None, None]
    accounts.check_all_used()
    storage.check_all_used()


def test_a_proof_at_an_older_block_is_of_the_contracts_of_then(ledger: Ledger) -> None:
    ledger.writer.commit([issued(ledger, 1)])
    at = ledger.reader.head().number
    before = ledger.reader.proof(states(1, 2))
    succeed(ledger)
    ledger.writer.commit([issued(ledger, 2)])
    assert ledger.reader.proof(states(1, 2), at) == before
    assert (before.contracts, before.words[1]) == (ledger.reader.identity.contracts[:1], 0)
    now = ledger.reader.proof(states(1, 2), ledger.reader.head().number)
    assert now == ledger.reader.proof(states(1, 2))
    assert len(now.contracts) == 2


def test_a_remote_reader_and_writer_follow_a_succession_as_the_local_ones(
    thrice: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.chain.remote.REMOTE_IDENTITY_AGE_S", 0.0)
    node = Node(thrice)
    try:
        keys = [*states(1, 2, 3), storage_key(Table.PARTY, SELLER), UNKNOWN]
        with open_writer(node.url, sealer_key=SEALER_KEY, now=thrice.now) as writer:
            reader = open_reader(node.url)
            for _ in range(2):
                assert writer.identity == reader.identity == thrice.reader.identity
                for number in range(thrice.reader.head().number + 1):
                    assert reader.block(number) == thrice.reader.block(number)
                assert reader.words(keys) == thrice.reader.words(keys)
                assert reader.proof(keys) == thrice.reader.proof(keys)
                assert reader.proof(keys, 7) == thrice.reader.proof(keys, 7)
                address = writer.next_created()
                writer.create(load_successor().creation(thrice.reader.identity.contract))
                writer.commit([retirement(thrice, address)])
                assert thrice.reader.identity.contract == address
            writer.commit([issued(thrice, 4)])
        assert all(thrice.reader.words(states(1, 2, 3, 4)))
    finally:
        node.close()


def test_a_remote_reader_that_looked_a_moment_ago_misses_no_block(ledger: Ledger) -> None:
    node = Node(ledger)
    try:
        reader = open_reader(node.url)
        assert reader.identity == ledger.reader.identity
        succeed(ledger)
        head, groups = ledger.commit(issued(ledger, 1))
        assert reader.block(head.number).groups == groups != ()
    finally:
        node.close()


def test_the_successors_slot_is_where_readers_look() -> None:
    assert load_artifact().storage_layout["parties"]["successor"]["slot"] == SUCCESSOR_SLOT


@pytest.mark.slow
def test_geth_executes_a_succession_to_the_same_head(thrice: Ledger, tmp_path: Path) -> None:
    export_chain(thrice.directory, tmp_path / "export")
    geth = Geth(tmp_path / "geth", tmp_path / "export" / "genesis.json")
    done = geth.imported(tmp_path / "export" / "blocks.rlp")
    assert done.returncode == 0, done.stdout[-4_000:]
    assert geth.head() == shown(Header.decode(thrice.reader.header_rlp(thrice.reader.head().number)))
