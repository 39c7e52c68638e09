"""The commitment: an invoice document as the root of a Merkle tree of salted leaves.

Every scalar of the document is one leaf, every array adds a leaf with its length, every empty object a leaf
of its own. A file can so show the whole document or only some fields, and the root on chain stays the same.
The salt keeps a hidden field from being guessed from its hash.

    leaf   keccak256(0x00 || salt, 16 bytes || canonical JSON of [path, value])
    inner  keccak256(0x01 || left || right); the odd node at the end of a row moves up unchanged
    root   keccak256(0x02 || leaf count, 4 bytes big-endian || top)

Paths join keys and indices by dots: `seller.name`, `lines.0.net_fen`. `lines.#` is the length of the array
`lines`; `x.#` = null says that `x` is an empty object. Leaves are ordered by the UTF-8 bytes of their paths.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from operator import itemgetter

from verifier.canonical import Json, dumps
from verifier.errors import CommitmentError
from verifier.hashing import keccak256
from verifier.reasons import Reason

Scalar = str | int | bool | None

SALT_SIZE = 16  # 128 bits: no hidden value can be found by trying values
SEED_SIZE = 32
LEAVES_MAX = 24_000  # an invoice of 2,000 lines with eleven fields each; hashing them takes about 0.3 s
PATH_SIZE_MAX = 512  # bytes; 8 keys of 63
PATH_KEYS_MAX = 8  # an invoice nests 3 deep; each key of each path is an object while the document is put together
LENGTH_KEY = "#"
LEAF_TAG, INNER_TAG, ROOT_TAG = b"\x00", b"\x01", b"\x02"


@dataclass(frozen=True, slots=True)
class ShownLeaf:
    """One field in the clear: its index among the leaves, path, 16-byte salt and scalar value."""

    index: int
    path: str
    salt: bytes
    value: Scalar

    def hash(self) -> bytes:
        return leaf_hash(self.salt, self.path, self.value)


@dataclass(frozen=True, slots=True)
class HiddenLeaf:
    """One field kept back: its index among the leaves and its 32-byte leaf hash."""

    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A document, whole or redacted: every leaf is in exactly one of the two lists, both by index."""

    count: int
    shown: tuple[ShownLeaf, ...]
    hidden: tuple[HiddenLeaf, ...]

    def fields(self) -> dict[str, Scalar]:
        """Shown values by path."""
        return {leaf.path: leaf.value for leaf in self.shown}

    def root(self) -> bytes:
        """32-byte commitment that these leaves give.

        Raises: CommitmentError when an index is missing or occurs twice, the shown paths are out of order or
        contradict each other, or a whole document's leaves are not those of any JSON document.
        """
        check_structure(self)
        row: list[bytes] = [b""] * self.count
        for shown in self.shown:
            row[shown.index] = shown.hash()
        for hidden in self.hidden:
            row[hidden.index] = hidden.hash
        return merkle_root(row)

    def redacted(self, keep: Collection[str]) -> Disclosure:
        """The same document showing only the leaves whose paths are in `keep` or below one of them."""
        shown = tuple(leaf for leaf in self.shown if _is_kept(leaf.path, keep))
        kept = {leaf.index for leaf in shown}
        turned = [HiddenLeaf(leaf.index, leaf.hash()) for leaf in self.shown if leaf.index not in kept]
        hidden = sorted([*self.hidden, *turned], key=lambda leaf: leaf.index)
        return Disclosure(self.count, shown, tuple(hidden))


def leaves(document: dict[str, Json]) -> list[tuple[str, Scalar]]:
    """Scalar leaves of `document` as (path, value), ordered by the path's UTF-8 bytes.

    Raises: CommitmentError for an empty document, more than LEAVES_MAX leaves, a path of more than PATH_KEYS_MAX keys
    or PATH_SIZE_MAX bytes, or a key that is empty, starts with a digit, or holds a dot or `#`.
    """
    if not isinstance(document, dict) or not document:
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, "the document is no object or has no field")
    found: list[tuple[str, Scalar]] = []
    _flatten(document, "", 0, found)
    if len(found) > LEAVES_MAX:
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, f"{len(found)} leaves, at most {LEAVES_MAX}")
    if all(map(str.isascii, map(itemgetter(0), found))):
        found.sort(key=itemgetter(0))
    else:
        found.sort(key=lambda leaf: leaf[0].encode())
    return found


def salt_for(seed: bytes, path: str) -> bytes:
    """16-byte salt of the leaf at `path`: the first bytes of keccak256(seed || path).

    Only the 32-byte `seed` is stored; deleting it makes the commitment say nothing any more.
    """
    if len(seed) != SEED_SIZE:
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, f"the seed has {len(seed)} bytes, not {SEED_SIZE}")
    return keccak256(seed + path.encode())[:SALT_SIZE]


def leaf_hash(salt: bytes, path: str, value: Scalar) -> bytes:
    """32-byte hash of one leaf."""
    return keccak256(LEAF_TAG + salt + dumps([path, value]))


def merkle_root(row: list[bytes]) -> bytes:
    """32-byte root over at least one leaf hash; commits to their number and order."""
    count = len(row)
    while len(row) > 1:
        above = [keccak256(INNER_TAG + row[at] + row[at + 1]) for at in range(0, len(row) - 1, 2)]
        if len(row) % 2:
            above.append(row[-1])
        row = above
    return keccak256(ROOT_TAG + count.to_bytes(4, "big") + row[0])


def commit(document: dict[str, Json], seed: bytes) -> bytes:
    """32-byte commitment of `document`, salted from the 32-byte `seed`: the `ref` of its issue.

    Raises: CommitmentError as `leaves`; CanonicalError for a value without canonical form.
    """
    return merkle_root([leaf_hash(salt_for(seed, path), path, value) for path, value in leaves(document)])


def disclose(document: dict[str, Json], seed: bytes, paths: Collection[str] | None = None) -> Disclosure:
    """`document` with all leaves shown, or only those at or below `paths`; the root is commit()'s.

    Raises: CommitmentError as `leaves`.
    """
    shown = tuple(
        ShownLeaf(index, path, salt_for(seed, path), value) for index, (path, value) in enumerate(leaves(document))
    )
    whole = Disclosure(len(shown), shown, ())
    return whole if paths is None else whole.redacted(paths)


def document_of(fields: Iterable[tuple[str, Scalar]]) -> dict[str, Json]:
    """The document whose leaves are `fields`, the inverse of `leaves`.

    Raises: CommitmentError when they are not the leaves of one document.
    """
    ordered = list(fields)
    tree: dict[str, Json] = {}
    for path, value in ordered:
        *parents, last = path.split(".", PATH_KEYS_MAX)
        node = tree
        for key in parents:
            below = node.setdefault(key, {})
            if not isinstance(below, dict):
                raise CommitmentError(Reason.DOCUMENT_MALFORMED, path)
            node = below
        if last in node:
            raise CommitmentError(Reason.DOCUMENT_MALFORMED, path)
        node[last] = value
    if LENGTH_KEY in tree:
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, LENGTH_KEY)
    document = _unflatten(tree, "")
    if not isinstance(document, dict) or leaves(document) != ordered:
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, "leaves are not those of one document")
    return document


def check_structure(disclosure: Disclosure) -> None:
    """Accept a disclosure whose indices fill 0..count-1 and whose shown paths can stand in one document.

    A hidden leaf's path cannot be seen; only a whole document proves that no path occurs twice in the tree.

    Raises: CommitmentError otherwise.
    """
    if not 1 <= disclosure.count <= LEAVES_MAX:
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, f"{disclosure.count} leaves")
    indices = [leaf.index for leaf in disclosure.shown]
    hidden = [leaf.index for leaf in disclosure.hidden]
    if indices != sorted(indices) or hidden != sorted(hidden):
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, "leaves are not in order")
    if sorted(indices + hidden) != list(range(disclosure.count)):
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, "a leaf is missing or occurs twice")
    for leaf in disclosure.shown:
        too_long = len(leaf.path.encode()) > PATH_SIZE_MAX or leaf.path.count(".") >= PATH_KEYS_MAX
        if len(leaf.salt) != SALT_SIZE or too_long:
            raise CommitmentError(Reason.DOCUMENT_MALFORMED, leaf.path)
    if not disclosure.hidden:
        document_of((leaf.path, leaf.value) for leaf in disclosure.shown)
        return
    _check_shown_paths(disclosure.shown)


def _check_shown_paths(shown: tuple[ShownLeaf, ...]) -> None:
    """Paths ascend, none is below another, and no index reaches a shown length."""
    paths = [leaf.path.encode() for leaf in shown]
    if any(one >= two for one, two in itertools.pairwise(paths)):
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, "shown paths do not ascend")
    values = {leaf.path: leaf.value for leaf in shown}
    for leaf in shown:
        keys = leaf.path.split(".")
        for depth in range(1, len(keys)):
            above = ".".join(keys[:depth])
            length = values.get(f"{above}.{LENGTH_KEY}", -1)
            key = keys[depth]
            fits = length == -1 or key == LENGTH_KEY or _is_index_below(key, length)
            if above in values or not fits:
                raise CommitmentError(Reason.DOCUMENT_MALFORMED, leaf.path)


def _is_index_below(key: str, length: Scalar) -> bool:
    return _is_index(key) and type(length) is int and int(key) < length


def _is_index(key: str) -> bool:
    """Whether `key` is a decimal array index without leading zeros, short enough to be one."""
    return key.isascii() and key.isdigit() and len(key) <= len(str(LEAVES_MAX)) and (key == "0" or key[0] != "0")


def _is_kept(path: str, keep: Collection[str]) -> bool:
    keys = path.split(".")
    return any(".".join(keys[:depth]) in keep for depth in range(1, len(keys) + 1))


def _flatten(value: Json, path: str, depth: int, found: list[tuple[str, Scalar]]) -> None:
    if depth + isinstance(value, dict | list | tuple) > PATH_KEYS_MAX:  # what holds others has a leaf one key deeper
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, f"nested beyond {PATH_KEYS_MAX}")
    if isinstance(value, dict):
        if not value:
            found.append((f"{path}.{LENGTH_KEY}", None))
        for key, item in value.items():
            _check_key(key)
            _flatten(item, f"{path}.{key}" if path else key, depth + 1, found)
    elif isinstance(value, list | tuple):
        found.append((f"{path}.{LENGTH_KEY}", len(value)))
        for index, item in enumerate(value):
            _flatten(item, f"{path}.{index}", depth + 1, found)
    elif value is None or isinstance(value, str | int):
        if len(path) * 4 > PATH_SIZE_MAX and len(path.encode()) > PATH_SIZE_MAX:
            raise CommitmentError(Reason.DOCUMENT_MALFORMED, f"a path is longer than {PATH_SIZE_MAX} bytes")
        found.append((path, value))
    else:
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, f"{type(value).__name__} at {path}")


def _check_key(key: str) -> None:
    if not isinstance(key, str) or not key or "." in key or LENGTH_KEY in key or key[0] in "0123456789":
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, f"key {key!r}: empty, or with a digit first, a dot or #")


def _unflatten(node: Json, path: str) -> Json:
    if not isinstance(node, dict):
        return node
    if LENGTH_KEY not in node:
        return {key: _unflatten(item, f"{path}.{key}") for key, item in node.items()}
    length = node[LENGTH_KEY]
    if length is None and len(node) == 1:
        return {}
    if type(length) is not int or length != len(node) - 1:
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, f"{path}.{LENGTH_KEY}")
    items = [node.get(str(index), node) for index in range(length)]
    if any(item is node for item in items):
        raise CommitmentError(Reason.DOCUMENT_MALFORMED, path)
    return [_unflatten(item, f"{path}.{index}") for index, item in enumerate(items)]
