"""What a block says and proves, on the embedded chain."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import rlp
from trie.hexary import HexaryTrie

from ledger.chain import BlockUnknownError, create_chain
from ledger.chain.limits import PROOF_KEYS_MAX
from ledger.chain.lmdb_store import ChainStore
from ledger.chain.records import Header, block_header, head_header
from ledger.chain.state import account
from ledger.domain.blocks import InvoiceWritten, MonthOpened, Outcome, PartyNamed, PartyWritten
from tests.chain.world import AUTHORITY, SELLER, Actor, Ledger
from verifier.hashing import keccak256
from verifier.operations import Code, Operation, Reason
from verifier.words import NUMBER_SPACE_FIRST, PartyWord, StateWord, Table, head_after, storage_key, storage_slot


def test_block_1_creates_the_contract_with_the_authority_as_party_1(ledger: Ledger) -> None:
    assert ledger.reader.head().number == 1
    assert ledger.reader.block(1).groups == ()
    (word,) = ledger.reader.words([storage_key(Table.PARTY, AUTHORITY)])
    assert PartyWord.unpack(word).signer == int.from_bytes(ledger.authority.address, "big")
    assert ledger.reader.identity == ledger.writer.identity == ledger.identity
    genesis = Header.decode(ledger.reader.header_rlp(0))
    assert (genesis.hash, genesis.sealers) == (ledger.identity.genesis_hash, ledger.identity.sealers)


def test_chain_ids_are_drawn_at_random_below_31_bits(tmp_path_factory: pytest.TempPathFactory) -> None:
    ids = {
        create_chain(
            tmp_path_factory.mktemp("chain"), sealer_key=b"\1" * 32, authority=b"\2" * 20, now_s=1_700_000_000
        ).chain_id
        for _ in range(4)
    }
    assert len(ids) == 4
    assert all(0 < chain_id < 1 << 31 for chain_id in ids)


def test_groups_come_back_in_order_with_outcomes_and_events(issuing: Ledger) -> None:
    buyer = keccak256(b"enterprise:buyer")
    first = issuing.signed(issuing.seller, SELLER, issuing.issue(1, buyer=buyer), issuing.issue(2, buyer=buyer))
    intruder = issuing.signed(Actor("intruder"), SELLER, issuing.issue(3))
    again = issuing.signed(issuing.seller, SELLER, issuing.issue(2, gross=5))
    last = issuing.issued(4)
    head, groups = issuing.commit(first, intruder, again, first, last)

    assert [group.signed for group in groups] == [first, intruder, again, first, last]
    assert [group.outcome for group in groups] == [
        Outcome.APPLIED,
        Outcome.MALFORMED,
        Outcome.REFUSED,
        Outcome.MALFORMED,
        Outcome.APPLIED,
    ]
    assert [group.signer for group in groups] == [
        issuing.seller.address,
        Actor("intruder").address,
        *[issuing.seller.address] * 3,
    ]
    assert [type(event) for event in groups[0].events] == [PartyNamed, InvoiceWritten, InvoiceWritten]
    assert groups[0].digest == first.group.digest(issuing.domain)
    assert (groups[2].reason, groups[2].refused_number) == (Reason.NUMBER_TAKEN, NUMBER_SPACE_FIRST + 2)
    written = groups[0].events[1]
    assert isinstance(written, InvoiceWritten)
    assert StateWord.unpack(written.state).gross == 10_000
    assert written.head == head_after(
        bytes(32),
        groups[0].digest,
        first.group.operation_hashes[0],
        issuing.seller.address,
        head.time_s,
        written.state,
    )
    state, link = issuing.reader.words(
        [storage_key(Table.STATE, written.number), storage_key(Table.HEAD, written.number)]
    )
    assert (state, link.to_bytes(32, "big")) == (written.state, written.head)


def test_party_and_month_events_are_read(ledger: Ledger) -> None:
    appointed = ledger.do(ledger.authority, AUTHORITY, ledger.appoint(ledger.calendar, 5))
    (event,) = appointed.events
    assert isinstance(event, PartyWritten)
    assert (event.party, PartyWord.unpack(event.word).kind) == (2, 5)
    now = ledger.now()
    hours = now | (now + 100) << 64
    opened = ledger.do(ledger.calendar, 2, Operation(Code.OPEN_MONTH, 2, ledger.month, month=ledger.month, terms=hours))
    assert opened.events == (MonthOpened(ledger.month, now, now + 100),) or opened.reason
    assert opened.outcome == Outcome.APPLIED


def test_headers_link_by_hash_and_an_unknown_block_is_an_error(issuing: Ledger) -> None:
    head = issuing.reader.head()
    for number in range(1, head.number + 1):
        block = issuing.reader.block(number)
        assert keccak256(issuing.reader.header_rlp(number)) == block.head.hash
        assert block.parent_hash == keccak256(issuing.reader.header_rlp(number - 1))
    with pytest.raises(BlockUnknownError) as unknown:
        issuing.reader.block(head.number + 1)
    assert unknown.value.number == head.number + 1


def test_a_proof_holds_against_the_sealed_header_alone(issuing: Ledger) -> None:
    issuing.commit(issuing.issued(*range(1, 60)))
    number = NUMBER_SPACE_FIRST + 7
    keys = [storage_key(Table.STATE, number), storage_key(Table.HEAD, number), storage_key(Table.CLAIM, number)]
    proof = issuing.reader.proof(keys)
    assert list(proof.words) == issuing.reader.words(keys)
    assert proof.words[2] == 0
    assert len(set(proof.storage_nodes)) == len(proof.storage_nodes)

    state_root = rlp.decode(proof.header_rlp)[3]
    encoded = proven(state_root, keccak256(issuing.identity.contract), proof.account_nodes)
    storage_root, code_hash = rlp.decode(encoded)[2:]
    assert code_hash == issuing.identity.code_hash
    for key, word in zip(keys, proof.words, strict=True):
        value = proven(storage_root, keccak256(storage_slot(key)), proof.storage_nodes)
        assert (int.from_bytes(rlp.decode(value), "big") if value else 0) == word


def proven(root: bytes, key: bytes, nodes: tuple[bytes, ...]) -> bytes:
    """Value of `key` from `nodes` alone, each found by its own hash."""
    return bytes(HexaryTrie({keccak256(node): node for node in nodes}, root)[key])


def test_more_keys_than_the_limit_are_refused(ledger: Ledger) -> None:
    assert len(ledger.reader.proof(list(range(PROOF_KEYS_MAX))).words) == PROOF_KEYS_MAX
    with pytest.raises(ValueError, match=f"at most {PROOF_KEYS_MAX}"):
        ledger.reader.proof(list(range(PROOF_KEYS_MAX + 1)))


def test_epoch_headers_list_the_sealer_and_others_do_not(make_ledger: Callable[..., Ledger]) -> None:
    ledger = make_ledger(epoch_length=3)
    ledger.ready_to_issue()
    ledger.close()
    ledger.open()
    ledger.commit(ledger.issued(1))
    head = ledger.reader.head().number
    assert head > 6
    for number in range(head + 1):
        header = Header.decode(ledger.reader.header_rlp(number))
        assert header.sealers == (ledger.identity.sealers if number % 3 == 0 else ())


def test_base_fee_stays_zero_after_the_largest_batch(issuing: Ledger) -> None:
    buyers = [keccak256(b"enterprise:buyer %d" % index) for index in range(512)]
    operations = [issuing.issue(index, buyer=buyers[index]) for index in range(512)]
    head, groups = issuing.commit(
        issuing.signed(issuing.seller, SELLER, *operations[:256]),
        issuing.signed(issuing.seller, SELLER, *operations[256:]),
    )
    assert {group.outcome for group in groups} == {Outcome.APPLIED}
    sealed = Header.decode(issuing.reader.header_rlp(head.number))
    gas_used = int.from_bytes(sealed.fields[10], "big")
    assert 512 * 100_000 < gas_used < sealed.gas_limit // 2
    after, _ = issuing.commit(issuing.issued(600))
    assert Header.decode(issuing.reader.header_rlp(after.number)).base_fee == 0


def test_no_empty_account_enters_the_state(issuing: Ledger) -> None:
    """Other clients never write the zero coinbase; genesis gives it 1 wei so that touching it changes nothing."""
    store = ChainStore(issuing.directory)
    with store.read() as nodes:
        first, last = block_header(nodes, 0), head_header(nodes)
        assert account(nodes, first, bytes(20)) == account(nodes, last, bytes(20))
        assert account(nodes, last, bytes(20)).balance == 1
        assert account(nodes, last, issuing.identity.sealers[0]).balance == 10**24
    store.close()
