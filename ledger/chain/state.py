"""The ledger's words and their proofs, read from trie nodes. Everything is a function of nodes, header and contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import rlp

from ledger.chain.errors import BlockUnreadableError
from ledger.chain.limits import CONTRACTS_MAX
from ledger.chain.lmdb_store import Nodes
from ledger.chain.records import Header
from ledger.chain.tries import RESTORE, trie_path, trie_value
from ledger.domain.blocks import StorageProof
from verifier.hashing import keccak256
from verifier.words import SUCCESSOR_SLOT, storage_slot

SUCCESSOR: Final = SUCCESSOR_SLOT.to_bytes(32, "big")
NO_ADDRESS: Final = bytes(20)
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
    """Account of 20-byte `address` after block `header`. Raises: BlockUnreadableError."""
    encoded = trie_value(nodes, header.state_root, keccak256(address))
    if not encoded:
        return Account()
    try:
        nonce, balance, storage_root, code_hash = rlp.decode(encoded)
    except (rlp.DecodingError, ValueError, TypeError) as err:
        raise BlockUnreadableError(f"the account {address.hex()} cannot be read: {RESTORE}") from err
    return Account(int.from_bytes(nonce, "big"), int.from_bytes(balance, "big"), storage_root, code_hash)


def contract_code(nodes: Nodes, code_hash: bytes) -> bytes:
    """Code with that hash; empty for an account without code. Raises: BlockUnreadableError."""
    if code_hash == EMPTY_CODE_HASH:
        return b""
    try:
        return nodes[code_hash]
    except KeyError as err:
        raise BlockUnreadableError(f"the code {code_hash.hex()} is missing: {RESTORE}") from err


def storage_value(nodes: Nodes, storage_root: bytes, slot: bytes) -> int:
    """Value at 32-byte `slot`, 0 when nothing is stored there. Raises: BlockUnreadableError."""
    encoded = trie_value(nodes, storage_root, keccak256(slot))
    try:
        return int.from_bytes(rlp.decode(encoded), "big") if encoded else 0
    except (rlp.DecodingError, ValueError, TypeError) as err:
        raise BlockUnreadableError(f"the word at {slot.hex()} cannot be read: {RESTORE}") from err


def ledger_contracts(nodes: Nodes, header: Header, first: bytes) -> tuple[tuple[bytes, Account], ...]:
    """Addresses and accounts of the ledger's contracts after block `header`, first to current.

    Each retired contract names its successor. One that has no code, or was listed before, closes the ledger instead of
    carrying it on: the retired contract is then the last.
    """
    found = {first: account(nodes, header, first)}
    address = first
    while len(found) < CONTRACTS_MAX:
        address = named_successor(nodes, found[address])
        if address in found or address == NO_ADDRESS:
            break
        successor = account(nodes, header, address)
        if successor.code_hash == EMPTY_CODE_HASH:
            break
        found[address] = successor
    return tuple(found.items())


def named_successor(nodes: Nodes, contract: Account) -> bytes:
    """20-byte address in a contract's successor slot, NO_ADDRESS while it is open."""
    return storage_value(nodes, contract.storage_root, SUCCESSOR).to_bytes(32, "big")[12:]


def contract_words(nodes: Nodes, contracts: Sequence[Account], keys: Iterable[int]) -> list[int]:
    """Values of `words[key]` in the order of `keys`, 0 for a key never written.

    `contracts` are the ledger's, first to current. A word is looked for as the contract itself does: where the current
    one never wrote it, in its predecessor.
    """
    return [_word(nodes, contracts, storage_slot(key)) for key in keys]


def contract_proof(nodes: Nodes, header: Header, first: bytes, keys: Sequence[int]) -> StorageProof:
    """Proof of `words[key]` for all `keys` at `header`, of the ledger that began with the contract `first`."""
    contracts = ledger_contracts(nodes, header, first)
    accounts = [one for _, one in contracts]
    in_accounts: dict[bytes, None] = {}
    in_storage: dict[bytes, None] = {}
    for address, one in contracts:
        in_accounts.update(dict.fromkeys(proof_nodes(nodes, header.state_root, address)))
        in_storage.update(dict.fromkeys(proof_nodes(nodes, one.storage_root, SUCCESSOR)))
    closed_for = named_successor(nodes, accounts[-1])
    if closed_for != NO_ADDRESS:  # then it is shown that nothing is there to carry the ledger on
        in_accounts.update(dict.fromkeys(proof_nodes(nodes, header.state_root, closed_for)))
    words = []
    for slot in map(storage_slot, keys):
        value, depth = _found(nodes, accounts, slot)
        words.append(value)
        # each contract that was asked, the current one first: those before the one that wrote it show that they did not
        for one in reversed(accounts[depth:]):
            in_storage.update(dict.fromkeys(proof_nodes(nodes, one.storage_root, slot)))
    return StorageProof(
        header_rlp=header.rlp,
        account_nodes=tuple(in_accounts),
        storage_nodes=tuple(in_storage),
        words=tuple(words),
        contracts=tuple(address for address, _ in contracts),
    )


def _word(nodes: Nodes, contracts: Sequence[Account], slot: bytes) -> int:
    return _found(nodes, contracts, slot)[0]


def _found(nodes: Nodes, contracts: Sequence[Account], slot: bytes) -> tuple[int, int]:
    """Value at `slot` and the index of the contract that wrote it; 0 and 0 when none did."""
    for index in reversed(range(len(contracts))):
        value = storage_value(nodes, contracts[index].storage_root, slot)
        if value:
            return value, index
    return 0, 0


def proof_nodes(nodes: Nodes, root: bytes, key: bytes) -> tuple[bytes, ...]:
    """RLP of the nodes from `root` towards `key` of a trie that hashes its keys; nodes kept inside others excluded.

    An empty trie has none to show.
    """
    if root == EMPTY_TRIE_ROOT:
        return ()
    encoded = [rlp.encode(node) for node in trie_path(nodes, root, keccak256(key))]
    return tuple(node for index, node in enumerate(encoded) if index == 0 or len(node) >= 32)
