"""Reads a Merkle-Patricia trie of hashed keys, and writes many keys into one in a single pass.

Writing key by key encodes and hashes every node on the way to each key again and again; one pass over the sorted keys
does it once a node. Keys are the 64 hex digits of a 32-byte hash, so all have one length, a branch never holds a value,
and the digits are the nibbles. Only writing of values that are not empty: deleting stays with the `trie` library.

A reference to a node is as inside its parent: empty, the 32-byte hash of its RLP, or the RLP itself when shorter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final, NamedTuple

from lru import LRU
from rlp import encode as rlp_encode

from ledger.chain.lmdb_store import Nodes
from verifier.hashing import keccak256

NODES_CACHED: Final = 16_384  # decoded nodes kept in memory, about 1.5 KB each: the upper levels of a large trie
_EMPTY: Final = b""
_EMPTY_ROOT: Final = keccak256(b"\x80")


class Branch(NamedTuple):
    """Sixteen references, by the next digit."""

    children: tuple[bytes, ...]


class Leaf(NamedTuple):
    """The digits that remain, and the value."""

    path: str
    value: bytes


class Extension(NamedTuple):
    """Digits shared by all keys below, and a reference to the branch they lead to."""

    path: str
    child: bytes


Node = Branch | Leaf | Extension
_Item = tuple[str, bytes]

_decoded: LRU[bytes, Node] = LRU(NODES_CACHED)  # by hash, so that an entry is right for every trie that has it


def read_value(nodes: Nodes, root: bytes, key: str) -> bytes:
    """Value at the 64 digits of `key`, empty when there is none.

    Raises: KeyError with the hash of a node that is missing.
    """
    reference = _EMPTY if root == _EMPTY_ROOT else root
    depth = 0
    while reference:
        node = _load(nodes, reference)
        if isinstance(node, Branch):
            reference = node.children[int(key[depth], 16)]
            depth += 1
        elif isinstance(node, Leaf):
            return node.value if key[depth:] == node.path else _EMPTY
        else:
            if not key.startswith(node.path, depth):
                return _EMPTY
            depth += len(node.path)
            reference = node.child
    return _EMPTY


class TrieUpdate:
    """One pass of writing. `written` collects the RLP of new nodes, one entry for each place that names them."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self.written: list[tuple[bytes, bytes]] = []

    def apply(self, root: bytes, values: Mapping[str, bytes]) -> bytes:
        """Root after writing `values` by the 64 digits of their keys; each is RLP and not empty."""
        items = sorted(values.items())
        reference = self._put(_EMPTY if root == _EMPTY_ROOT else root, items, 0)
        if len(reference) < 32:  # a root is always named by its hash
            digest = keccak256(reference)
            self.written.append((digest, reference))
            return digest
        return reference

    def _put(self, reference: bytes, items: list[_Item], depth: int) -> bytes:
        """Reference to the subtree at `reference`, `depth` digits down, with `items` written into it."""
        if not reference:
            return self._build(items, depth)
        node = _load(self._nodes, reference)
        if isinstance(node, Branch):
            return self._put_below(list(node.children), items, depth)
        if isinstance(node, Leaf):
            standing = items[0][0][:depth] + node.path
            return self._build(sorted({standing: node.value, **dict(items)}.items()), depth)
        return self._put_extension(node, items, depth)

    def _put_extension(self, node: Extension, items: list[_Item], depth: int) -> bytes:
        first, last = items[0][0][depth:], items[-1][0][depth:]
        shared = min(_shared(node.path, first), _shared(node.path, last))  # the others lie between these two
        if shared == len(node.path):
            return self._extension(node.path, self._put(node.child, items, depth + shared))
        children = [_EMPTY] * 16
        children[int(node.path[shared], 16)] = self._extension(node.path[shared + 1 :], node.child)
        return self._extension(node.path[:shared], self._put_below(children, items, depth + shared))

    def _build(self, items: list[_Item], depth: int) -> bytes:
        """Reference to a new subtree of `items` alone."""
        if len(items) == 1:
            key, value = items[0]
            return self._store(Leaf(key[depth:], value))
        first = items[0][0][depth:]
        path = first[: _shared(first, items[-1][0][depth:])]
        return self._extension(path, self._put_below([_EMPTY] * 16, items, depth + len(path)))

    def _put_below(self, children: list[bytes], items: list[_Item], depth: int) -> bytes:
        for digit, group in groupby(items, lambda item: item[0][depth]):
            index = int(digit, 16)
            children[index] = self._put(children[index], list(group), depth + 1)
        return self._store(Branch(tuple(children)))

    def _extension(self, path: str, child: bytes) -> bytes:
        return self._store(Extension(path, child)) if path else child

    def _store(self, node: Node) -> bytes:
        encoded = _encode(node)
        if len(encoded) < 32:
            return encoded
        digest = keccak256(encoded)
        self.written.append((digest, encoded))
        _decoded[digest] = node
        return digest


def _shared(first: str, second: str) -> int:
    """How many digits two paths have in common from their start."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(first), len(second)))


def _load(nodes: Nodes, reference: bytes) -> Node:
    if len(reference) < 32:
        return _decode(reference)
    node: Node | None = _decoded.get(reference)
    if node is None:
        node = _decode(nodes[reference])
        _decoded[reference] = node
    return node


def _encode(node: Node) -> bytes:
    if isinstance(node, Branch):
        return _listed(b"".join([_named(child) for child in node.children]) + b"\x80")
    if isinstance(node, Leaf):
        return _listed(_string(_packed(node.path, 2)) + _string(node.value))
    return _listed(_string(_packed(node.path, 0)) + _named(node.child))


def _named(reference: bytes) -> bytes:
    if len(reference) == 32:
        return b"\xa0" + reference
    return reference or b"\x80"


def _packed(path: str, flag: int) -> bytes:
    """Digits as bytes, after a digit of flags: 2 for a leaf, 1 for an odd count."""
    return bytes.fromhex(f"{flag + 1}{path}" if len(path) % 2 else f"{flag}0{path}")


def _string(value: bytes) -> bytes:
    encoded: bytes = rlp_encode(value)
    return encoded


def _listed(payload: bytes) -> bytes:
    size = len(payload)
    if size < 56:
        return bytes([0xC0 + size]) + payload
    return (b"\xf8" + bytes([size]) if size < 256 else b"\xf9" + size.to_bytes(2, "big")) + payload


def _decode(encoded: bytes) -> Node:
    parts = list(_parts(encoded))
    if len(parts) == 17:
        return Branch(tuple(parts[:16]))
    digits = parts[0].hex()
    path = digits[1:] if digits[0] in "13" else digits[2:]
    return Leaf(path, parts[1]) if digits[0] in "23" else Extension(path, parts[1])


def _parts(encoded: bytes) -> Iterator[bytes]:
    """Items of an encoded node: strings without their prefix, nodes kept inside with theirs."""
    first = encoded[0]
    at = 1 if first < 0xF8 else first - 0xF7 + 1
    end = len(encoded)
    while at < end:
        prefix = encoded[at]
        if prefix == 0x80:
            yield _EMPTY
            at += 1
        elif prefix < 0x80:
            yield encoded[at : at + 1]
            at += 1
        elif prefix < 0xB8:
            yield encoded[at + 1 : at + prefix - 0x7F]
            at += prefix - 0x7F
        elif prefix < 0xC0:
            size_end = at + 1 + prefix - 0xB7
            size = int.from_bytes(encoded[at + 1 : size_end], "big")
            yield encoded[size_end : size_end + size]
            at = size_end + size
        else:  # a node of under 32 bytes
            yield encoded[at : at + prefix - 0xBF]
            at += prefix - 0xBF
