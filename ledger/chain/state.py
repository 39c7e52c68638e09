"""Contract words and their proofs, read from trie nodes. Everything is a function of nodes, header and contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import rlp
from trie.hexary import HexaryTrie

from ledger.chain.lmdb_store import Nodes
from ledger.chain.records import Header
from ledger.domain.blocks import StorageProof
from verifier.hashing import keccak256
from verifier.words import storage_slot

EMPTY_TRIE_ROOT: Final = keccak256(rlp.encode(b""))
EMPTY_CODE_HASH: Final = keccak256(b"")


@dataclass(frozen=True)
class Account:
    """One account of the state trie; an address never touched has the empty one."""

    nonce: int = 0
    balance: int = 0
    storage_root: bytes = EMPTY_TRIE_ROOT
    code_hash: bytes = EMPTY_CODE_HASH


def account(nodes: Nodes, header: Header, address: bytes) -> Account:
    """Account of 20-byte `address` after block `header`."""
    encoded = HexaryTrie(nodes, header.state_root)[keccak256(address)]
    if not encoded:
        return Account()
    nonce, balance, storage_root, code_hash = rlp.decode(encoded)
    return Account(int.from_bytes(nonce, "big"), int.from_bytes(balance, "big"), storage_root, code_hash)


def contract_code(nodes: Nodes, code_hash: bytes) -> bytes:
    """Code with that hash; empty for an account without code."""
    return nodes[code_hash] if code_hash != EMPTY_CODE_HASH else b""


def storage_value(nodes: Nodes, storage_root: bytes, slot: bytes) -> int:
    """Value at 32-byte `slot`, 0 when nothing is stored there."""
    encoded = HexaryTrie(nodes, storage_root)[keccak256(slot)]
    return int.from_bytes(rlp.decode(encoded), "big") if encoded else 0


def contract_words(nodes: Nodes, header: Header, contract: bytes, keys: Iterable[int]) -> list[int]:
    """Values of `words[key]` after block `header`, in the order of `keys`; 0 for a key never written."""
    storage_root = account(nodes, header, contract).storage_root
    return [storage_value(nodes, storage_root, storage_slot(key)) for key in keys]


def contract_proof(nodes: Nodes, header: Header, contract: bytes, keys: Sequence[int]) -> StorageProof:
    """Proof of `words[key]` for all `keys` at `header`."""
    storage_root = account(nodes, header, contract).storage_root
    found: dict[bytes, None] = {}
    for key in keys:
        found.update(dict.fromkeys(proof_nodes(nodes, storage_root, storage_slot(key))))
    return StorageProof(
        header_rlp=header.rlp,
        account_nodes=proof_nodes(nodes, header.state_root, contract),
        storage_nodes=tuple(found),
        words=tuple(storage_value(nodes, storage_root, storage_slot(key)) for key in keys),
    )


def proof_nodes(nodes: Nodes, root: bytes, key: bytes) -> tuple[bytes, ...]:
    """RLP of the nodes from `root` towards `key` of a trie that hashes its keys; nodes kept inside others excluded."""
    encoded = [rlp.encode(node) for node in _path(nodes, root, keccak256(key))]
    return tuple(node for index, node in enumerate(encoded) if index == 0 or len(node) >= 32)


def _path(nodes: Nodes, root: bytes, key: bytes) -> tuple[list[Any], ...]:
    trie: Any = HexaryTrie(nodes, root)  # its proofs are not typed
    path: tuple[list[Any], ...] = trie.get_proof(key)
    return path
