"""`Replay` executes every block again and names the first field of the first block that is stored otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lmdb
import pytest
import rlp
from coincurve import PrivateKey
from trie.hexary import HexaryTrie

from ledger.chain import BlockDiffersError, BlockUnknownError, ChainMissingError, Replay
from ledger.chain.lmdb_store import HEAD_KEY
from ledger.chain.records import Header
from ledger.domain.blocks import BlockHead
from tests.chain.world import SEALER_KEY, TEST_MAP_SIZE, Ledger
from verifier.hashing import keccak256

STATE_ROOT, TRANSACTIONS_ROOT, NUMBER, TIME, EXTRA = 3, 4, 8, 11, 12
SEAL_SIZE = 65


@pytest.fixture
def chain(make_ledger: Callable[..., Ledger]) -> Path:
    """The directory of a closed chain of eight blocks, two of them with headers that list the sealer."""
    ledger = make_ledger(epoch_length=4)
    ledger.ready_to_issue()
    ledger.commit(ledger.issued(1, 2, 3))
    ledger.commit(ledger.issued(4), ledger.issued(4))
    ledger.close()
    return ledger.directory


def executed(directory: Path, last: int | None = None) -> BlockHead:
    replay = Replay(directory)
    try:
        head, number = replay.from_genesis(), 1
        while last is None or number <= last:
            try:
                head = replay.execute(number)
            except BlockUnknownError:
                break
            number += 1
        replay.check_contracts()
        return head
    finally:
        replay.close()


def put(directory: Path, records: dict[bytes, bytes | None]) -> None:
    """Writes to the store as its operator could, behind the ledger's back; None deletes."""
    with (
        lmdb.open(str(directory), map_size=TEST_MAP_SIZE) as environment,
        environment.begin(write=True) as transaction,
    ):
        for key, value in records.items():
            assert transaction.delete(key) if value is None else transaction.put(key, value)


def stored(directory: Path, key: bytes) -> bytes:
    with lmdb.open(str(directory), map_size=TEST_MAP_SIZE) as environment, environment.begin() as transaction:
        value = transaction.get(key)
        assert value is not None
        return bytes(value)


def header_of(directory: Path, number: int) -> Header:
    return Header.decode(stored(directory, rlp.decode(stored(directory, b"block-number-to-hash:%d" % number))))


def resealed(header: Header, key: bytes, **fields: bytes) -> bytes:
    """The header with other fields, sealed by `key` as the operator would."""
    names = {"state_root": STATE_ROOT, "transactions_root": TRANSACTIONS_ROOT, "number": NUMBER, "time": TIME}
    changed = list(header.fields)
    for name, value in fields.items():
        changed[names[name]] = value
    body = header.extra[:-SEAL_SIZE]
    changed[EXTRA] = body
    changed[EXTRA] = body + PrivateKey(key).sign_recoverable(keccak256(rlp.encode(changed)), hasher=None)
    return bytes(rlp.encode(changed))


def put_header(directory: Path, number: int, encoded: bytes) -> None:
    """Puts a header in the place of the head's."""
    name = keccak256(encoded)
    put(directory, {name: encoded, b"block-number-to-hash:%d" % number: rlp.encode(name), HEAD_KEY: name})


def named(directory: Path) -> tuple[int, str]:
    with pytest.raises(BlockDiffersError) as caught:
        executed(directory)
    assert caught.value.stored != caught.value.recomputed
    return caught.value.number, caught.value.field


def test_an_untouched_chain_gives_its_own_head(chain: Path) -> None:
    head = executed(chain)
    assert head.hash == stored(chain, HEAD_KEY)
    assert head.number == 8


def test_a_replay_goes_on_where_another_ended(chain: Path) -> None:
    replay = Replay(chain)
    replay.from_block(executed(chain, last=5))
    assert [replay.execute(number).number for number in (6, 7, 8)] == [6, 7, 8]
    replay.close()


def test_a_replay_does_not_go_on_from_a_block_that_is_another_by_now(chain: Path) -> None:
    replay = Replay(chain)
    head = executed(chain, last=5)
    for asked in (replay.from_block, replay.check_again):
        with pytest.raises(BlockDiffersError) as caught:
            asked(BlockHead(head.number, bytes(32), head.time_s))
        assert (caught.value.number, caught.value.field) == (5, "hash")
    replay.close()


def test_a_header_resealed_with_another_state_root_is_named(chain: Path) -> None:
    put_header(chain, 8, resealed(header_of(chain, 8), SEALER_KEY, state_root=keccak256(b"wished for")))
    assert named(chain) == (8, "state_root")


def test_a_header_sealed_by_somebody_else_is_named(chain: Path) -> None:
    put_header(chain, 8, resealed(header_of(chain, 8), keccak256(b"intruder")))
    assert named(chain) == (8, "seal")


def test_a_seal_in_its_other_form_is_named(chain: Path) -> None:
    header = header_of(chain, 8)
    order = int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141", 16)
    seal = header.extra[-SEAL_SIZE:]
    other = seal[:32] + (order - int.from_bytes(seal[32:64], "big")).to_bytes(32, "big") + bytes([1 - seal[64]])
    fields = list(header.fields)
    fields[EXTRA] = header.extra[:-SEAL_SIZE] + other
    put_header(chain, 8, rlp.encode(fields))
    assert named(chain) == (8, "seal")


def test_a_time_before_the_parents_is_named(chain: Path) -> None:
    put_header(chain, 8, resealed(header_of(chain, 8), SEALER_KEY, time=(1_700_000_000).to_bytes(4, "big")))
    assert named(chain) == (8, "timestamp")


def test_an_altered_transaction_is_named_even_when_resealed(chain: Path) -> None:
    header = header_of(chain, 8)
    transaction = bytearray(transaction_of(chain, header))
    transaction[-100] ^= 1  # in the signature or the last operation: whatever it is, it is not what was executed
    nodes: dict[bytes, bytes] = {}
    altered = HexaryTrie(nodes)
    altered[rlp.encode(0)] = bytes(transaction)
    put(chain, {altered.root_hash: nodes[altered.root_hash]})
    put_header(chain, 8, resealed(header, SEALER_KEY, transactions_root=altered.root_hash))
    number, field = named(chain)
    assert number == 8
    assert field in ("transactions", "state_root", "receipt_root", "gas_used")


def test_a_block_whose_bytes_were_changed_in_the_store_is_named(chain: Path) -> None:
    root = header_of(chain, 7).transactions_root
    node = stored(chain, root)
    put(chain, {root: node[:-1] + bytes([node[-1] ^ 1])})
    with pytest.raises(BlockDiffersError) as caught:
        executed(chain)
    assert caught.value.number == 7
    assert len(str(caught.value)) < 1_000  # whatever the size of the node


@pytest.mark.parametrize("which", ["receipts", "state", "header", "number"])
def test_a_record_that_is_missing_is_named_at_its_block(chain: Path, which: str) -> None:
    header = header_of(chain, 7)
    key = {
        "receipts": header.receipts_root,
        "state": header.state_root,
        "header": header.hash,
        "number": b"transaction-hash-to-block:%r" % keccak256(transaction_of(chain, header)),
    }[which]
    put(chain, {key: None})
    assert named(chain)[0] == 7


def test_a_state_node_with_other_bytes_is_named(chain: Path) -> None:
    root = header_of(chain, 6).state_root
    put(chain, {root: rlp.encode([b"", b"anything"])})
    assert named(chain) == (6, "node")


def test_a_genesis_of_another_ledger_is_named(chain: Path) -> None:
    genesis = header_of(chain, 0)
    fields = list(genesis.fields)
    fields[TIME] = (genesis.time_s - 1).to_bytes(4, "big")
    encoded = rlp.encode(fields)
    put(chain, {keccak256(encoded): encoded, b"block-number-to-hash:0": rlp.encode(keccak256(encoded))})
    assert named(chain) == (0, "hash")


def test_what_was_executed_before_is_read_again(chain: Path) -> None:
    head = executed(chain, last=7)
    checked_again(chain, head)
    root = header_of(chain, 7).receipts_root
    put(chain, {root: stored(chain, root)[:-1] + b"?"})
    with pytest.raises(BlockDiffersError) as caught:
        checked_again(chain, head)
    assert caught.value.number == 7


def test_a_directory_without_a_chain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChainMissingError):
        Replay(tmp_path)


def transaction_of(directory: Path, header: Header) -> bytes:
    root = header.transactions_root
    trie = HexaryTrie({root: stored(directory, root)}, root)
    return bytes(trie[rlp.encode(0)])


def checked_again(directory: Path, head: BlockHead) -> None:
    replay = Replay(directory)
    try:
        replay.check_again(head)
    finally:
        replay.close()
