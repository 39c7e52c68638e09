"""Trie proofs against the standard's vectors, a real block, and tries built by the `trie` package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from verifier.errors import CheckError
from verifier.hashing import keccak256
from verifier.reasons import Reason
from verifier.trie import EMPTY_ROOT, ProofNodes

VECTORS = Path(__file__).parents[3] / "shared" / "samples" / "vectors"
ANY_SIZE = 1 << 20
needs_samples = pytest.mark.skipif(not VECTORS.is_dir(), reason="shared samples are absent")
entries = st.dictionaries(
    st.binary(min_size=2, max_size=2), st.binary(min_size=1, max_size=40), min_size=1, max_size=20
)


def proof(trie: HexaryTrie, *keys: bytes) -> tuple[bytes, ...]:
    """Nodes of a proof as a file holds them: none that stands inside its parent, each once, ascending."""
    nodes = {rlp.encode(node) for key in keys for node in trie.get_proof(key)}
    return tuple(sorted(node for node in nodes if len(node) >= 32 or keccak256(node) == trie.root_hash))


def as_bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()


@needs_samples
@pytest.mark.parametrize("name", sorted(path.stem for path in (VECTORS / "trie_vectors").glob("*.json")))
def test_standard_vectors_prove_what_is_there_and_what_is_not(name: str) -> None:
    is_secure = "ecure" in name
    tests = json.loads((VECTORS / "trie_vectors" / f"{name}.json").read_text())["tests"]
    assert tests
    for case in tests.values():
        steps = case["in"].items() if isinstance(case["in"], dict) else case["in"]
        trie, expected = HexaryTrie({}), {}
        for key_text, value in steps:
            key = keccak256(as_bytes(key_text)) if is_secure else as_bytes(key_text)
            expected[key] = as_bytes(value) if value is not None else None
            if value is None:
                del trie[key]
            else:
                trie[key] = as_bytes(value)
        root = as_bytes(case["root"])
        assert trie.root_hash == root
        for key, value in expected.items():
            nodes = ProofNodes(proof(trie, key) if root != EMPTY_ROOT else ())
            assert nodes.lookup(root, key) == value
            nodes.check_all_used()


@needs_samples
def test_receipts_of_a_real_block_and_their_altered_proofs() -> None:
    block = json.loads((VECTORS / "mpt_receipts" / "mainnet_14764013.json").read_text())
    root = as_bytes(block["header"]["receiptsRoot"])

    def look(case: dict[str, object], at: bytes) -> bytes | None:
        nodes = ProofNodes(tuple(sorted(map(as_bytes, case["proof"]))), ANY_SIZE)
        value = nodes.lookup(at, as_bytes(case["key"]))
        nodes.check_all_used()
        return value

    for case in block["receipt_proofs"]:
        assert look(case, root) == as_bytes(block["receipts_consensus_encoding"][int(case["index"])])
    assert look(block["absence_proof"], root) is None
    assert len(block["negatives"]) > 5
    for case in block["negatives"]:
        try:
            found = look(case, as_bytes(case["root"]))
        except CheckError:
            continue
        assert found != as_bytes(case["value"]), case["case"]


@given(entries, st.binary(min_size=2, max_size=2))
def test_every_key_and_every_absence_is_proven(entries: dict[bytes, bytes], other: bytes) -> None:
    trie = HexaryTrie({})
    for key, value in entries.items():
        trie[key] = value
    for key in {*entries, other}:
        nodes = ProofNodes(proof(trie, key))
        assert nodes.lookup(trie.root_hash, key) == entries.get(key)
        nodes.check_all_used()


@settings(max_examples=60)
@given(entries, st.data())
def test_a_changed_missing_or_surplus_node_never_proves(entries: dict[bytes, bytes], data: st.DataObject) -> None:
    trie = HexaryTrie({})
    for key, value in entries.items():
        trie[key] = value
    key = data.draw(st.sampled_from(sorted(entries)))
    nodes = proof(trie, key)
    at = data.draw(st.integers(0, len(nodes) - 1))
    changed = bytearray(nodes[at])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CheckError):
        ProofNodes(tuple(sorted({*nodes[:at], *nodes[at + 1 :], bytes(changed)}))).lookup(trie.root_hash, key)
    with pytest.raises(CheckError):
        ProofNodes(nodes[:at] + nodes[at + 1 :]).lookup(trie.root_hash, key)
    surplus = ProofNodes(tuple(sorted({*nodes, b"\xc2\x20a" + bytes(40)})))
    assert surplus.lookup(trie.root_hash, key) == entries[key]
    with pytest.raises(CheckError) as caught:
        surplus.check_all_used()
    assert caught.value.reason is Reason.PROOF_SURPLUS


def test_empty_trie_proves_absence_without_nodes() -> None:
    assert HexaryTrie({}).root_hash == EMPTY_ROOT
    assert ProofNodes(()).lookup(EMPTY_ROOT, b"key") is None


def test_nodes_out_of_order_twice_or_too_large_are_refused() -> None:
    for nodes in ((b"b", b"a"), (b"a", b"a"), (b"a" * 2000,)):
        with pytest.raises(CheckError) as caught:
            ProofNodes(nodes)
        assert caught.value.reason is Reason.PROOF_MALFORMED


@pytest.mark.parametrize(
    ("node", "key"),
    [
        (b"text", b"\0"),
        ([b"", b"value"], b"\0"),
        ([b"\x20"], b""),
        ([b"\x2f", b"value"], b""),
        ([b"\x40", b"value"], b""),
        ([b"\x00", bytes(32)], b"\0"),
        ([[b"\x20"], b"value"], b""),
        ([b"\x20", [b"value"]], b""),
        ([b"\x10", b"short"], b"\0"),
        ([b""] * 16, b"\0"),
        ([b"short"] * 17, b"\0"),
        ([b""] * 16 + [[b"value"]], b""),
    ],
)
def test_malformed_nodes_are_refused(node: object, key: bytes) -> None:
    encoded = rlp.encode(node)
    with pytest.raises(CheckError) as caught:
        ProofNodes((encoded,)).lookup(keccak256(encoded), key)
    assert caught.value.reason is Reason.PROOF_MALFORMED
