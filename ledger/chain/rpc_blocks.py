"""JSON-RPC methods about blocks, transactions and receipts. What is not there is None, which is null in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import rlp

from ledger.chain.errors import BlockUnknownError
from ledger.chain.export import block_rlp
from ledger.chain.lmdb_store import Nodes
from ledger.chain.records import Header, Log, Receipt, block_header, executed, raw_receipts, transactions
from ledger.chain.rpc_codec import block_json, hex_bytes, log_json, parse_hash, quantity, receipt_json, transaction_json
from ledger.chain.rpc_params import header_at, header_named, header_of_hash, parse_flag


def block_by_number(nodes: Nodes, block: Any, full: Any) -> Any:
    """A block by number or tag, its transactions as hashes or, `full`, as objects."""
    whole = parse_flag(full, "the second parameter")
    return _block(nodes, header_at(nodes, block), full=whole)


def block_by_hash(nodes: Nodes, block_hash: Any, full: Any) -> Any:
    """As `block_by_number`, by hash."""
    whole = parse_flag(full, "the second parameter")
    return _block(nodes, header_of_hash(nodes, block_hash), full=whole)


def transaction_count_by_number(nodes: Nodes, block: Any) -> str:
    """How many transactions a block has."""
    return quantity(len(list(transactions(nodes, header_at(nodes, block)))))


def transaction_count_by_hash(nodes: Nodes, block_hash: Any) -> str:
    """As `transaction_count_by_number`, by hash."""
    return quantity(len(list(transactions(nodes, header_of_hash(nodes, block_hash)))))


def block_receipts(nodes: Nodes, block: Any) -> list[dict[str, Any]]:
    """Receipts of a block, in order."""
    return [receipt for _, receipt in _receipts(nodes, header_named(nodes, block))]


def raw_header(nodes: Nodes, block: Any) -> str:
    """RLP of a block's header, whose keccak256 is the block's hash."""
    return hex_bytes(header_named(nodes, block).rlp)


def raw_block_receipts(nodes: Nodes, block: Any) -> list[str]:
    """Receipts of a block, in order, as its header's root commits to them."""
    return [hex_bytes(raw) for raw in raw_receipts(nodes, header_named(nodes, block))]


def transaction_by_hash(nodes: Nodes, transaction_hash: Any) -> Any:
    """A transaction with its place."""
    header, index = _located(nodes, parse_hash(transaction_hash))
    return transaction_json(list(transactions(nodes, header))[index], header, index)


def transaction_receipt(nodes: Nodes, transaction_hash: Any) -> Any:
    """A transaction's receipt."""
    header, index = _located(nodes, parse_hash(transaction_hash))
    return list(_receipts(nodes, header))[index][1]


def block_logs(nodes: Nodes, header: Header) -> Iterator[tuple[Log, dict[str, Any]]]:
    """Logs of a block in order, as they are and as JSON."""
    for receipt, encoded in _receipts(nodes, header):
        yield from zip(receipt.logs, encoded["logs"], strict=True)


def _block(nodes: Nodes, header: Header, *, full: bool) -> dict[str, Any]:
    included = list(transactions(nodes, header))
    listed: list[Any] = [
        transaction_json(transaction, header, index) if full else hex_bytes(transaction.hash)
        for index, transaction in enumerate(included)
    ]
    return block_json(header, listed, len(block_rlp(header, [transaction.raw for transaction in included])))


def _located(nodes: Nodes, transaction_hash: bytes) -> tuple[Header, int]:
    """Block and index of a transaction.

    Raises: BlockUnknownError.
    """
    try:
        number, index = rlp.decode(nodes[f"transaction-hash-to-block:{transaction_hash!r}".encode()])
    except KeyError as err:
        raise BlockUnknownError(-1) from err
    return block_header(nodes, int.from_bytes(number, "big")), int.from_bytes(index, "big")


def _receipts(nodes: Nodes, header: Header) -> Iterator[tuple[Receipt, dict[str, Any]]]:
    """Each receipt of a block, as it is and as JSON."""
    gas_before, first_log = 0, 0
    for index, (transaction, receipt) in enumerate(executed(nodes, header)):
        encoded = receipt_json(receipt, header, transaction, index, receipt.cumulative_gas - gas_before)
        encoded["logs"] = [
            log_json(log, header, transaction, index, first_log + at) for at, log in enumerate(receipt.logs)
        ]
        yield receipt, encoded
        gas_before, first_log = receipt.cumulative_gas, first_log + len(receipt.logs)
