"""JSON-RPC methods about accounts, code, storage and their proofs, at any block."""

from __future__ import annotations

from typing import Any

from ledger.chain.errors import RpcError
from ledger.chain.limits import PROOF_KEYS_MAX
from ledger.chain.lmdb_store import Nodes
from ledger.chain.rpc_codec import INVALID_PARAMS, LIMIT_EXCEEDED, hex_bytes, parse_address, quantity, shown
from ledger.chain.rpc_params import parse_slot, parse_text, shown_slot, state_header
from ledger.chain.state import account, contract_code, proof_nodes, storage_value


def balance(nodes: Nodes, address: Any, block: Any = None) -> str:
    """Wei of an account."""
    return quantity(account(nodes, state_header(nodes, block), parse_address(address)).balance)


def transaction_count(nodes: Nodes, address: Any, block: Any = None) -> str:
    """Nonce of an account."""
    return quantity(account(nodes, state_header(nodes, block), parse_address(address)).nonce)


def code(nodes: Nodes, address: Any, block: Any = None) -> str:
    """Code of an account, empty when it has none."""
    found = account(nodes, state_header(nodes, block), parse_address(address))
    return hex_bytes(contract_code(nodes, found.code_hash))


def storage_at(nodes: Nodes, address: Any, slot: Any, block: Any = None) -> str:
    """One word of storage, 32 bytes."""
    who, key = parse_address(address), parse_slot(slot)
    found = account(nodes, state_header(nodes, block), who)
    return hex_bytes(storage_value(nodes, found.storage_root, key).to_bytes(32, "big"))


def proof(nodes: Nodes, address: Any, slots: Any, block: Any = None) -> dict[str, Any]:
    """An account and words of its storage, with the trie nodes that prove them (EIP-1186).

    Raises: RpcError, also for more than PROOF_KEYS_MAX slots.
    """
    who = parse_address(address)
    if not isinstance(slots, list):
        raise RpcError(INVALID_PARAMS, f"slots is a list, not {shown(slots)}")
    if len(slots) > PROOF_KEYS_MAX:
        raise RpcError(LIMIT_EXCEEDED, f"at most {PROOF_KEYS_MAX} slots in one proof")
    keys = [(shown_slot(parse_text(slot), parse_slot(slot)), parse_slot(slot)) for slot in slots]
    header = state_header(nodes, block)
    found = account(nodes, header, who)
    return {
        "address": hex_bytes(who),
        "accountProof": [hex_bytes(node) for node in proof_nodes(nodes, header.state_root, who)],
        "balance": quantity(found.balance),
        "codeHash": hex_bytes(found.code_hash),
        "nonce": quantity(found.nonce),
        "storageHash": hex_bytes(found.storage_root),
        "storageProof": [_storage_proof(nodes, found.storage_root, text, key) for text, key in keys],
    }


def _storage_proof(nodes: Nodes, root: bytes, text: str, key: bytes) -> dict[str, Any]:
    return {
        "key": text,
        "value": quantity(storage_value(nodes, root, key)),
        "proof": [hex_bytes(node) for node in proof_nodes(nodes, root, key)],
    }
