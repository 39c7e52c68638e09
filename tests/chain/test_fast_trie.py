"""Writing a trie in one pass against writing key by key, and reading against the trie library."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.db.storage import AccountStorageDB
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from ledger.chain.fast_storage import BatchedStorage
from ledger.chain.fast_trie import TrieUpdate, read_value
from verifier.hashing import keccak256

# few digits vary, so that keys share long paths and every kind of node appears
keys = st.one_of(
    st.tuples(st.sampled_from([0, 1, 16, 255]), st.integers(0, 40)).map(
        lambda pair: bytes([pair[0]]) + bytes(30) + bytes([pair[1]])
    ),
    st.integers(0, 300).map(lambda number: keccak256(b"%d" % number)),
)
values = st.one_of(st.integers(1, 200), st.integers(1, 2**256 - 1)).map(rlp.encode)
rounds = st.lists(st.dictionaries(keys, values, min_size=1, max_size=40), min_size=1, max_size=4)


@settings(deadline=None, max_examples=150)
@given(rounds)
def test_one_pass_gives_the_root_of_key_by_key(writes: list[dict[bytes, bytes]]) -> None:
    expected = HexaryTrie({})
    nodes: dict[bytes, bytes] = {}
    root = BLANK_ROOT_HASH
    standing: dict[bytes, bytes] = {}
    for written in writes:
        for key, value in written.items():
            expected[key] = value
        update = TrieUpdate(nodes)
        root = update.apply(root, {key.hex(): value for key, value in written.items()})
        assert all(keccak256(encoded) == digest for digest, encoded in update.written)
        nodes.update(update.written)
        standing.update(written)
        assert root == expected.root_hash
    ours = HexaryTrie(nodes, root)
    for key, value in standing.items():
        assert read_value(nodes, root, key.hex()) == ours[key] == value
    for absent in (b"\x01" + bytes(31), b"\xff" * 32, keccak256(b"absent")):
        assert read_value(nodes, root, absent.hex()) == expected[absent]


def test_a_missing_node_is_named() -> None:
    nodes: dict[bytes, bytes] = {}
    update = TrieUpdate(nodes)
    root = update.apply(BLANK_ROOT_HASH, {keccak256(b"%d" % each).hex(): b"\x01" for each in range(3)})
    with pytest.raises(KeyError):
        read_value({}, keccak256(b"never stored"), keccak256(b"1").hex())
    assert read_value(dict(update.written), root, keccak256(b"1").hex()) == b"\x01"


steps = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 30), st.one_of(st.just(0), st.integers(1, 2**256 - 1))),
        st.tuples(st.sampled_from(["root", "persist", "record", "commit", "discard", "wipe", "lock"])),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=200)
@given(steps)
def test_storage_gives_the_same_words_and_roots_as_the_engine(actions: list[tuple[Any, ...]]) -> None:
    """Sets, clears, checkpoints, deletions and persisting in any order."""
    roots = []
    for storage_class in (AccountStorageDB, BatchedStorage):
        db = AtomicDB()
        roots.append(list(play(storage_class, db, actions)))
    assert roots[0] == roots[1]


def play(storage_class: type[Any], db: AtomicDB, actions: list[tuple[Any, ...]]) -> Any:
    store = storage_class(db, BLANK_ROOT_HASH, b"\xaa" * 20)
    checkpoints: list[int] = []
    number = 1_000_000
    root = BLANK_ROOT_HASH
    for name, *arguments in actions:
        if name == "set":
            store.set(*arguments)
        elif name == "record":
            number += 1
            store.record(number)
            checkpoints.append(number)
        elif name in ("commit", "discard") and checkpoints:
            getattr(store, name)(checkpoints.pop())
        elif name == "wipe" and not checkpoints:
            store.delete()
        elif name in ("lock", "root", "persist") and not checkpoints:
            store.lock_changes()
            if name != "lock":
                store.make_storage_root()
                root = store.get_changed_root() if store.has_changed_root else root
                yield root
            if name == "persist":
                store.persist(db)
                store = storage_class(db, root, b"\xaa" * 20)  # the engine takes a new one for the next block
        yield [store.get(slot) for slot in range(0, 31, 3)]
    for _ in checkpoints:
        store.commit(checkpoints.pop())
    store.make_storage_root()
    yield store.get_changed_root() if store.has_changed_root else root
