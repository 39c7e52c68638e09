"""The commitment: every field counts, redaction keeps the root, and nothing can be hidden or added."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from verifier.canonical import dumps
from verifier.commitment import (
    LEAVES_MAX,
    Disclosure,
    HiddenLeaf,
    ShownLeaf,
    commit,
    disclose,
    document_of,
    leaf_hash,
    leaves,
    merkle_root,
    salt_for,
)
from verifier.errors import CommitmentError, EvidenceError
from verifier.hashing import keccak256

SEED = bytes(range(32))
DOCUMENT = {
    "number": "90000000000000010000",
    "gross_fen": 11300,
    "seller": {"name": "甲公司", "tax_id": "91440300MA5DA1234X"},
    "lines": [{"item": "*餐饮*午餐", "net_fen": 10000}, {"item": "茶", "net_fen": 0}],
    "remarks": {},
    "marks": [],
    "paid": True,
    "note": None,
}

keys = st.text(st.characters(codec="utf-8", exclude_characters=".#0123456789"), min_size=1, max_size=4)
scalars = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=4)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=12) | st.dictionaries(keys, inner, max_size=4), max_leaves=15
)
documents = st.dictionaries(keys, values, min_size=1, max_size=5)


def test_leaves_are_paths_in_byte_order_with_lengths_and_empty_objects() -> None:
    assert leaves(DOCUMENT) == [
        ("gross_fen", 11300),
        ("lines.#", 2),
        ("lines.0.item", "*餐饮*午餐"),
        ("lines.0.net_fen", 10000),
        ("lines.1.item", "茶"),
        ("lines.1.net_fen", 0),
        ("marks.#", 0),
        ("note", None),
        ("number", "90000000000000010000"),
        ("paid", True),
        ("remarks.#", None),
        ("seller.name", "甲公司"),
        ("seller.tax_id", "91440300MA5DA1234X"),
    ]


def test_root_is_what_the_definition_says_for_three_leaves() -> None:
    def leaf(path: str, text: bytes) -> bytes:
        salt = keccak256(SEED + path.encode())[:16]
        return keccak256(b"\x00" + salt + b'["' + path.encode() + b'",' + text + b"]")

    one, two, three = leaf("a", b"1"), leaf("b", b'"x"'), leaf("c", b"null")
    top = keccak256(b"\x01" + keccak256(b"\x01" + one + two) + three)
    assert commit({"c": None, "b": "x", "a": 1}, SEED) == keccak256(b"\x02\x00\x00\x00\x03" + top)


def test_example_of_the_documentation_keeps_its_root() -> None:
    assert commit(DOCUMENT, SEED).hex() == EXAMPLE_ROOT


EXAMPLE_ROOT = "def6261b62a29f46c60b56c3fa21d1ef57578dbdba92f5f1f79e3eb424ba2502"


@given(documents)
def test_document_is_rebuilt_from_its_leaves(document: dict[str, object]) -> None:
    assert dumps(document_of(leaves(document))) == dumps(document)


@given(documents, st.data())
def test_every_redaction_has_the_root_of_the_whole(document: dict[str, object], data: st.DataObject) -> None:
    paths = [path for path, _ in leaves(document)]
    keep = data.draw(st.lists(st.sampled_from(paths), unique=True))
    redacted = disclose(document, SEED, keep)
    assert redacted.root() == commit(document, SEED)
    assert set(redacted.fields()) == set(keep)
    assert redacted == disclose(document, SEED).redacted(keep)


@given(documents, documents)
def test_different_documents_have_different_roots(one: dict[str, object], two: dict[str, object]) -> None:
    assume(dumps(one) != dumps(two))
    assert commit(one, SEED) != commit(two, SEED)


@given(documents, st.data())
def test_no_leaf_can_be_changed_dropped_or_moved(document: dict[str, object], data: st.DataObject) -> None:
    whole = disclose(document, SEED)
    root = whole.root()
    at = data.draw(st.integers(0, whole.count - 1))
    leaf = whole.shown[at]
    rest = whole.shown[:at] + whole.shown[at + 1 :]
    changes = [
        replace(whole, shown=(*whole.shown[:at], replace(leaf, value="other value"), *whole.shown[at + 1 :])),
        replace(whole, shown=(*whole.shown[:at], replace(leaf, salt=bytes(16)), *whole.shown[at + 1 :])),
        replace(whole, shown=(*whole.shown[:at], replace(leaf, path=leaf.path + "x"), *whole.shown[at + 1 :])),
        replace(whole, shown=rest),
        replace(whole, shown=rest, count=whole.count - 1),
        replace(whole, shown=rest, hidden=(HiddenLeaf(at, bytes(32)),)),
        replace(whole, count=whole.count + 1, hidden=(HiddenLeaf(whole.count, bytes(32)),)),
    ]
    for changed in changes:
        assert root_or_none(changed) != root


def root_or_none(disclosure: Disclosure) -> bytes | None:
    try:
        return disclosure.root()
    except EvidenceError:
        return None


def test_keep_names_a_field_or_everything_below_it() -> None:
    shown = disclose(DOCUMENT, SEED, ["seller", "lines.0", "gross_fen"]).fields()
    assert list(shown) == ["gross_fen", "lines.0.item", "lines.0.net_fen", "seller.name", "seller.tax_id"]


def test_salts_differ_by_path_and_seed() -> None:
    assert len({salt_for(SEED, "a"), salt_for(SEED, "b"), salt_for(bytes(32), "a")}) == 3
    assert len(salt_for(SEED, "a")) == 16
    with pytest.raises(CommitmentError):
        salt_for(SEED[:31], "a")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"": 1},
        {"a.b": 1},
        {"a": {"#": 1}},
        {"0": 1},
        {"a": 1.5},
        {"a": b"x"},
        {"a": {"b" * 600: 1}},
        {"a": [0] * LEAVES_MAX},
        [1],
    ],
)
def test_documents_without_a_commitment_are_refused(document: object) -> None:
    with pytest.raises(CommitmentError):
        commit(document, SEED)


def test_largest_document_is_accepted() -> None:
    assert len(leaves({"a": [0] * (LEAVES_MAX - 1)})) == LEAVES_MAX


@pytest.mark.parametrize(
    "fields",
    [
        [("a", 1), ("a", 2)],
        [("b", 1), ("a", 2)],
        [("a", 1), ("a.b", 2)],
        [("a.b", 2), ("a", 1)],
        [("a.#", 1), ("a.0", 2), ("a.1", 2)],
        [("a.#", 2), ("a.0", 2)],
        [("a.#", True), ("a.0", 2)],
        [("a.#", None), ("a.b", 2)],
        [("a.#.b", 1)],
        [("#", 0)],
        [("", 1)],
        [("a..b", 1)],
        [("a.0", 1)],
        [("a.#", 1), ("a.00", 2)],
        [("a" + ".a" * 400, 1)],
    ],
)
def test_leaves_of_no_document_are_refused_whole(fields: list[tuple[str, object]]) -> None:
    with pytest.raises(CommitmentError):
        document_of(fields)
    shown = tuple(ShownLeaf(index, path, bytes(16), value) for index, (path, value) in enumerate(fields))
    with pytest.raises(CommitmentError):
        Disclosure(len(fields), shown, ()).root()


@pytest.mark.parametrize(
    "fields",
    [
        [("a", 1), ("a", 2)],
        [("b", 1), ("a", 2)],
        [("a", 1), ("a.b", 2)],
        [("a.#", 1), ("a.1", 2)],
        [("a.#", None), ("a.b", 2)],
    ],
)
def test_leaves_that_contradict_each_other_are_refused_beside_hidden_ones(fields: list[tuple[str, object]]) -> None:
    shown = tuple(ShownLeaf(index, path, bytes(16), value) for index, (path, value) in enumerate(fields))
    hidden = (HiddenLeaf(len(fields), bytes(32)),)
    with pytest.raises(CommitmentError):
        Disclosure(len(fields) + 1, shown, hidden).root()


def test_leaf_and_inner_hashes_cannot_be_taken_for_each_other() -> None:
    one, two = leaf_hash(bytes(16), "a", 1), leaf_hash(bytes(16), "b", 1)
    assert merkle_root([one, two]) != merkle_root([keccak256(b"\x01" + one + two)])
