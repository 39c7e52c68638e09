"""Damage inside the store: whoever reads it says so with an error of this layer, and writes nothing out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import lmdb
import pytest
import rlp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.chain import BlockUnreadableError, ChainError, ChainStorageError, export_chain, open_reader, open_writer
from ledger.chain.jsonrpc import open_rpc
from ledger.chain.lmdb_store import HEAD_KEY
from ledger.chain.records import Header
from ledger.chain.rpc_envelope import INTERNAL_ERROR, answer_request
from tests.chain.world import SEALER_KEY, SELLER, TEST_MAP_SIZE, Ledger
from verifier.hashing import keccak256
from verifier.words import AUTHORITY_PARTY, Table, storage_key

PAGE_SIZE = 4_096
NUMBER = 5  # a block in the middle
WORD = storage_key(Table.PARTY, AUTHORITY_PARTY)


@pytest.fixture
def stored(issuing: Ledger, tmp_path: Path) -> Path:
    """A copy of a chain that nobody has open."""
    issuing.commit(issuing.issued(1))
    return shutil.copytree(issuing.directory, tmp_path / "copy", ignore=shutil.ignore_patterns("lock.mdb"))


def records(directory: Path) -> dict[bytes, bytes]:
    with (
        lmdb.open(str(directory), map_size=TEST_MAP_SIZE) as environment,
        environment.begin() as transaction,
    ):
        return {bytes(key): bytes(value) for key, value in transaction.cursor()}


def put(directory: Path, key: bytes, value: bytes | None) -> None:
    with (
        lmdb.open(str(directory), map_size=TEST_MAP_SIZE) as environment,
        environment.begin(write=True) as transaction,
    ):
        if value is None:
            assert transaction.delete(key)
        else:
            transaction.put(key, value)


def named(number: int) -> bytes:
    return b"block-number-to-hash:%d" % number


def header_of(directory: Path, number: int) -> Header:
    kept = records(directory)
    return Header.decode(kept[bytes(rlp.decode(kept[named(number)]))])


def exported(directory: Path) -> bytes:
    """The blocks of an export; a failed one leaves nothing."""
    target = directory.parent / "out"
    try:
        export_chain(directory, target)
    except BaseException:
        assert not target.exists()
        raise
    written = (target / "blocks.rlp").read_bytes()
    shutil.rmtree(target)
    return written


def read_all(directory: Path) -> None:
    with closing(open_reader(directory)) as reader:
        for number in range(1, reader.head().number + 1):
            reader.block(number)
        reader.words([WORD])
        reader.proof([WORD])


DAMAGES: dict[str, Callable[[Path], tuple[bytes, bytes | None]]] = {
    "no hash under a number": lambda place: (named(NUMBER), b""),
    "bytes behind the hash": lambda place: (named(NUMBER), records(place)[named(NUMBER)] + b"\0"),
    "a hash cut short": lambda place: (named(NUMBER), rlp.encode(bytes(31))),
    "a hash of nothing": lambda place: (named(NUMBER), rlp.encode(bytes(32))),
    "a header gone": lambda place: (header_of(place, NUMBER).hash, None),
    "a header cut short": lambda place: (header_of(place, NUMBER).hash, header_of(place, NUMBER).rlp[:-9]),
    "transactions gone": lambda place: (header_of(place, NUMBER).transactions_root, None),
    "transactions cut short": lambda place: (header_of(place, NUMBER).transactions_root, b"\xf8\xff"),
    "no transactions but a text": lambda place: (header_of(place, NUMBER).transactions_root, b"\x83abc"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_block_is_named_by_readers_and_not_exported(
    stored: Path, damage: Callable[[Path], tuple[bytes, bytes | None]]
) -> None:
    read_all(stored)
    assert exported(stored)
    put(stored, *damage(stored))
    with pytest.raises(BlockUnreadableError, match=r"restore the chain from a backup|RLP|fields"):
        read_all(stored)
    with pytest.raises(BlockUnreadableError, match=f"block {NUMBER} is damaged: "):
        exported(stored)


def test_changed_bytes_that_still_are_a_block_are_not_exported(stored: Path) -> None:
    """One byte of a transaction: every part can be read, but it is not what the header's root stands for."""
    root = header_of(stored, NUMBER).transactions_root
    node = records(stored)[root]
    put(stored, root, node[:-1] + bytes([node[-1] ^ 1]))
    with pytest.raises(BlockUnreadableError, match=rf"block {NUMBER} is damaged: .* {root.hex()} has another hash"):
        exported(stored)
    assert [code for code in answered(stored) if code] == [INTERNAL_ERROR]
    put(stored, root, node)
    assert exported(stored)
    assert not any(answered(stored))


def test_a_block_in_anothers_place_is_not_exported(stored: Path) -> None:
    own = records(stored)[named(NUMBER)]
    put(stored, named(NUMBER), records(stored)[named(NUMBER - 1)])
    with pytest.raises(BlockUnreadableError, match=f"block {NUMBER} is damaged: it does not follow"):
        exported(stored)
    put(stored, named(NUMBER), own)
    assert exported(stored)


def test_no_block_is_sealed_on_damaged_state(issuing: Ledger) -> None:
    """A word of the state changed on the disk: the block made on it could be executed nowhere else."""
    issuing.commit(issuing.issued(1))
    own, others = (
        set(issuing.reader.proof([storage_key(Table.PARTY, party)]).storage_nodes)
        for party in (SELLER, AUTHORITY_PARTY)
    )
    issuing.close()
    head = head_of(issuing.directory)
    leaf = min(own - others, key=len)
    name = keccak256(leaf)
    put(issuing.directory, name, leaf[:-1] + bytes([leaf[-1] ^ 1]))
    with (
        open_writer(issuing.directory, sealer_key=SEALER_KEY, now=issuing.now) as writer,
        pytest.raises(BlockUnreadableError, match=rf"{name.hex()} has another hash: restore the chain"),
    ):
        writer.commit([issuing.issued(2)])
    assert head_of(issuing.directory) == head
    put(issuing.directory, name, leaf)
    issuing.open()
    assert issuing.commit(issuing.issued(2))[0].number == head.number + 1


def head_of(directory: Path) -> Header:
    kept = records(directory)
    return Header.decode(kept[kept[HEAD_KEY]])


def test_a_head_that_is_missing_is_named(stored: Path) -> None:
    head = records(stored)[HEAD_KEY]
    put(stored, HEAD_KEY, bytes(32))
    for reading in (read_all, exported):
        with pytest.raises(BlockUnreadableError, match="the newest block's header is missing"):
            reading(stored)
    put(stored, HEAD_KEY, head)
    read_all(stored)


def refusal(reading: Callable[[Path], object], place: Path) -> ChainError | None:
    """The error of this layer that a reading ends with; any other one ends the test."""
    try:
        reading(place)
    except ChainError as err:
        return err
    return None


def test_damaged_pages_are_the_stores_error(stored: Path) -> None:
    data = stored / "data.mdb"
    whole = data.read_bytes()
    refused = []
    for page in range(2, len(whole) // PAGE_SIZE):
        data.write_bytes(whole[: page * PAGE_SIZE] + bytes(PAGE_SIZE) + whole[(page + 1) * PAGE_SIZE :])
        refused.append(refusal(read_all, stored))
    said = [str(err) for err in refused if isinstance(err, ChainStorageError)]
    assert said
    assert all("data.mdb is damaged" in one for one in said)
    data.write_bytes(whole)
    read_all(stored)


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_record_is_damaged_nothing_but_the_layers_errors_comes_out(stored: Path, data: st.DataObject) -> None:
    kept = records(stored)
    key = data.draw(st.sampled_from(sorted(kept)))
    value = kept[key]
    at = data.draw(st.integers(0, len(value)))
    other = data.draw(
        st.sampled_from([None, b"", b"\xc0", value[:at], value[at:], value + b"\0", *list(kept.values())[:9]])
    )
    put(stored, key, other)
    try:
        for reading in (read_all, exported, answered):
            assert str(refusal(reading, stored))
    finally:
        put(stored, key, value)
    assert exported(stored)


def answered(directory: Path) -> list[int]:
    """Error codes of answers over JSON-RPC, 0 for a result."""
    rpc, codes = open_rpc(directory), []
    with closing(rpc):
        for method, params in (
            ("eth_getBlockByNumber", [hex(NUMBER), True]),
            ("eth_getBlockReceipts", ["latest"]),
            ("eth_getProof", ["0x" + "11" * 20, ["0x0"]]),
            ("eth_blockNumber", []),
        ):
            answer = answer_request(rpc, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            assert answer is not None
            found = json.loads(answer)
            codes.append(found["error"]["code"] if "error" in found else 0)
    return codes
