"""The node's JSON-RPC methods, in the standard encoding, answered from the store.

Reading methods work in any process; sending needs the writer's process. Numbers are 0x-hex without leading zeros, bytes
are 0x-hex in full, as every Ethereum client expects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import rlp

from ledger.chain.errors import BatchRefusedError, BlockUnknownError, RpcError
from ledger.chain.identity import ChainIdentity
from ledger.chain.limits import CALL_GAS, LOG_BLOCKS_MAX, LOGS_MAX, MAP_SIZE, PROOF_KEYS_MAX
from ledger.chain.lmdb_store import ChainStore, Nodes, stored_identity
from ledger.chain.records import Header, Log, Receipt, Transaction, block_header, head_header, receipts, transactions
from ledger.chain.rpc_codec import (
    INVALID_PARAMS,
    LIMIT_EXCEEDED,
    METHOD_NOT_FOUND,
    REJECTED,
    block_json,
    hex_bytes,
    log_json,
    parse_address,
    parse_data,
    parse_filter_topics,
    parse_hash,
    parse_number,
    parse_slot,
    quantity,
    receipt_json,
    topics_match,
    transaction_json,
)
from ledger.chain.state import account, contract_code, proof_nodes, storage_value

Submit = Callable[[bytes], bytes]
"""Puts one signed transaction into a block that is on disk when it returns; gives its hash."""

Call = Callable[[bytes, bytes, int, bytes], bytes]
"""(to, data, gas, sender) -> output, on the state of the head."""

CLIENT_VERSION: Final = "einvoice-ledger"


def open_rpc(directory: Path | str, *, map_size: int = MAP_SIZE) -> NodeRpc:
    """The reading methods over a chain directory, in any process. `close` it when done.

    Raises: ChainMissingError, ChainStorageError.
    """
    store = ChainStore(Path(directory), map_size=map_size)
    try:
        identity, rules = stored_identity(store)
    except BaseException:
        store.close()
        raise

    def call(to: bytes, data: bytes, gas: int, sender: bytes) -> bytes:
        from ledger.chain.engine import call_at_head  # the engine is slow to import, and few ask for calls

        return call_at_head(store, rules, to, data, gas, sender)

    return NodeRpc(store, identity, call)


class NodeRpc:
    """Answers JSON-RPC requests about one chain. Each request reads one moment of the store."""

    def __init__(self, store: ChainStore, identity: ChainIdentity, call: Call, submit: Submit | None = None) -> None:
        self._store = store
        self._identity = identity
        self._call = call
        self._submit = submit
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": self._chain_id,
            "net_version": lambda _nodes: str(identity.chain_id),
            "web3_clientVersion": lambda _nodes: CLIENT_VERSION,
            "eth_syncing": lambda _nodes: False,
            "eth_accounts": lambda _nodes: [],
            "eth_blockNumber": lambda nodes: quantity(head_header(nodes).number),
            "eth_gasPrice": lambda nodes: quantity(head_header(nodes).base_fee),
            "eth_maxPriorityFeePerGas": lambda _nodes: quantity(0),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getTransactionCount": self._transaction_count,
            "eth_getBalance": self._balance,
            "eth_getTransactionByHash": self._transaction_by_hash,
            "eth_getTransactionReceipt": self._transaction_receipt,
            "eth_getLogs": self._logs,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage_at,
            "eth_getProof": self._proof,
            "eth_call": self._eth_call,
        }

    def close(self) -> None:
        """Gives the store back."""
        self._store.close()

    def answer(self, method: str, params: list[Any]) -> Any:
        """Result of one request, ready for JSON.

        Raises: RpcError.
        """
        try:
            if method == "eth_sendRawTransaction" and self._submit is not None:
                (raw,) = params
                return hex_bytes(self._submit(parse_data(raw)))
            if method not in self._methods:
                raise RpcError(METHOD_NOT_FOUND, f"this node does not answer {method}")
            with self._store.read() as nodes:
                return self._methods[method](nodes, *params)
        except BlockUnknownError:
            return None
        except BatchRefusedError as err:
            raise RpcError(REJECTED, str(err)) from err
        except (TypeError, ValueError, IndexError, AttributeError) as err:
            raise RpcError(INVALID_PARAMS, f"wrong parameters for {method}: {err}") from err

    def _chain_id(self, _nodes: Nodes) -> str:
        return quantity(self._identity.chain_id)

    def _block_by_number(self, nodes: Nodes, block: str, full: bool = False) -> Any:
        return self._block(nodes, _header(nodes, block), full=full)

    def _block_by_hash(self, nodes: Nodes, block_hash: str, full: bool = False) -> Any:
        return self._block(nodes, _header(nodes, {"blockHash": block_hash}), full=full)

    def _block(self, nodes: Nodes, header: Header, *, full: bool) -> dict[str, Any]:
        listed = list(transactions(nodes, header))
        shown: list[Any] = [
            transaction_json(transaction, header, index) if full else hex_bytes(transaction.hash)
            for index, transaction in enumerate(listed)
        ]
        size = len(header.rlp) + sum(len(transaction.raw) for transaction in listed)
        return block_json(header, shown, size)

    def _block_receipts(self, nodes: Nodes, block: Any) -> list[dict[str, Any]]:
        return [receipt for receipt, _ in _receipts_json(nodes, _header(nodes, block))]

    def _transaction_count(self, nodes: Nodes, address: str, block: Any = "latest") -> str:
        return quantity(account(nodes, _state_header(nodes, block), parse_address(address)).nonce)

    def _balance(self, nodes: Nodes, address: str, block: Any = "latest") -> str:
        return quantity(account(nodes, _state_header(nodes, block), parse_address(address)).balance)

    def _transaction_by_hash(self, nodes: Nodes, transaction_hash: str) -> Any:
        header, index = _located(nodes, parse_hash(transaction_hash))
        return transaction_json(list(transactions(nodes, header))[index], header, index)

    def _transaction_receipt(self, nodes: Nodes, transaction_hash: str) -> Any:
        header, index = _located(nodes, parse_hash(transaction_hash))
        return _receipts_json(nodes, header)[index][0]

    def _logs(self, nodes: Nodes, query: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = parse_filter_topics(query.get("topics", []))
        listed = query.get("address", [])
        addresses = {parse_address(item) for item in ([listed] if isinstance(listed, str) else listed)}
        found: list[dict[str, Any]] = []
        for header in _range(nodes, query):
            for _, logs in _receipts_json(nodes, header):
                for log, encoded in logs:
                    if (addresses and log.address not in addresses) or not topics_match(log.topics, wanted):
                        continue
                    found.append(encoded)
                    if len(found) > LOGS_MAX:
                        raise RpcError(LIMIT_EXCEEDED, f"more than {LOGS_MAX} logs: ask for fewer blocks")
        return found

    def _code(self, nodes: Nodes, address: str, block: Any = "latest") -> str:
        found = account(nodes, _state_header(nodes, block), parse_address(address))
        return hex_bytes(contract_code(nodes, found.code_hash))

    def _storage_at(self, nodes: Nodes, address: str, slot: str, block: Any = "latest") -> str:
        found = account(nodes, _state_header(nodes, block), parse_address(address))
        return hex_bytes(storage_value(nodes, found.storage_root, parse_slot(slot)).to_bytes(32, "big"))

    def _proof(self, nodes: Nodes, address: str, slots: list[str], block: Any = "latest") -> dict[str, Any]:
        if len(slots) > PROOF_KEYS_MAX:
            raise RpcError(LIMIT_EXCEEDED, f"at most {PROOF_KEYS_MAX} slots in one proof")
        header, who = _state_header(nodes, block), parse_address(address)
        found = account(nodes, header, who)
        return {
            "address": address,
            "accountProof": [hex_bytes(node) for node in proof_nodes(nodes, header.state_root, who)],
            "balance": quantity(found.balance),
            "codeHash": hex_bytes(found.code_hash),
            "nonce": quantity(found.nonce),
            "storageHash": hex_bytes(found.storage_root),
            "storageProof": [
                {
                    "key": slot,
                    "value": quantity(storage_value(nodes, found.storage_root, parse_slot(slot))),
                    "proof": [hex_bytes(node) for node in proof_nodes(nodes, found.storage_root, parse_slot(slot))],
                }
                for slot in slots
            ],
        }

    def _eth_call(self, nodes: Nodes, request: dict[str, Any], block: Any = "latest") -> str:
        if _state_header(nodes, block).hash != head_header(nodes).hash:
            raise RpcError(INVALID_PARAMS, "calls are answered at the latest block only")
        gas = min(parse_number(request.get("gas", quantity(CALL_GAS))), CALL_GAS)
        data = parse_data(request.get("input", request.get("data", "0x")))
        sender = parse_address(request["from"]) if request.get("from") else bytes(20)
        return hex_bytes(self._call(parse_address(request["to"]), data, gas, sender))


def _header(nodes: Nodes, block: Any) -> Header:
    """Header that a block parameter names: a number, a tag, or an object of EIP-1898."""
    if isinstance(block, dict):
        if "blockHash" not in block:
            return _header(nodes, block["blockNumber"])
        wanted = parse_hash(block["blockHash"])
        if wanted not in nodes:
            raise BlockUnknownError(-1)
        header = Header.decode(nodes[wanted])
        if block_header(nodes, header.number).hash != wanted:
            raise BlockUnknownError(header.number)
        return header
    if block in ("latest", "pending", "safe", "finalized"):
        return head_header(nodes)
    return block_header(nodes, 0 if block == "earliest" else parse_number(block))


def _state_header(nodes: Nodes, block: Any) -> Header:
    try:
        return _header(nodes, block)
    except BlockUnknownError as err:
        raise RpcError(INVALID_PARAMS, f"no such block: {block}") from err


def _range(nodes: Nodes, query: dict[str, Any]) -> Iterable[Header]:
    if "blockHash" in query:
        return [_header(nodes, query)]
    first = _state_header(nodes, query.get("fromBlock", "latest"))
    last = _state_header(nodes, query.get("toBlock", "latest"))
    if last.number - first.number >= LOG_BLOCKS_MAX:
        raise RpcError(LIMIT_EXCEEDED, f"at most {LOG_BLOCKS_MAX} blocks in one request")
    return (block_header(nodes, number) for number in range(first.number, last.number + 1))


def _located(nodes: Nodes, transaction_hash: bytes) -> tuple[Header, int]:
    """Block and index of a transaction.

    Raises: BlockUnknownError.
    """
    try:
        number, index = rlp.decode(nodes[f"transaction-hash-to-block:{transaction_hash!r}".encode()])
    except KeyError as err:
        raise BlockUnknownError(-1) from err
    return block_header(nodes, int.from_bytes(number, "big")), int.from_bytes(index, "big")


def _receipts_json(nodes: Nodes, header: Header) -> list[tuple[dict[str, Any], list[tuple[Log, dict[str, Any]]]]]:
    """Each receipt of a block with its logs, as they are and as JSON."""
    result = []
    gas_before, first_log = 0, 0
    pairs: Iterable[tuple[Transaction, Receipt]] = zip(
        transactions(nodes, header), receipts(nodes, header), strict=True
    )
    for index, (transaction, receipt) in enumerate(pairs):
        logs = [(log, log_json(log, header, transaction, index, first_log + at)) for at, log in enumerate(receipt.logs)]
        encoded = receipt_json(receipt, header, transaction, index, receipt.cumulative_gas - gas_before)
        encoded["logs"] = [log for _, log in logs]
        result.append((encoded, logs))
        gas_before, first_log = receipt.cumulative_gas, first_log + len(logs)
    return result
