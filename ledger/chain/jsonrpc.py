"""The node's JSON-RPC methods, in the standard encoding, answered from the store.

Reading methods work in any process; sending needs the writer's process. Numbers are 0x-hex without leading zeros, bytes
are 0x-hex in full, as every Ethereum client expects. `rpc_envelope` puts requests and answers around them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from ledger.chain import rpc_blocks, rpc_logs, rpc_state
from ledger.chain.errors import BatchRefusedError, BlockUnknownError, RpcError
from ledger.chain.identity import ChainIdentity, ChainRules
from ledger.chain.limits import CALL_GAS, MAP_SIZE, RPC_TIME_MAX_MS
from ledger.chain.lmdb_store import ChainStore, Nodes, stored_identity
from ledger.chain.records import head_header
from ledger.chain.rpc_codec import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    REJECTED,
    hex_bytes,
    parse_address,
    parse_data,
    parse_number,
    quantity,
)
from ledger.chain.rpc_params import TimedNodes, parse_object, state_header
from ledger.chain.tries import HashedNodes

Submit = Callable[[bytes], bytes]
"""Puts one signed transaction into a block that is on disk when it returns; gives its hash."""

CLIENT_NAME: Final = "einvoice-ledger"
SEND_METHOD: Final = "eth_sendRawTransaction"


@dataclass(frozen=True)
class _Method:
    """A reading method: (nodes, parameters) -> result, of which the first `required` must be given."""

    read: Callable[..., Any]
    required: int = 0
    most: int = 0


_METHODS: Final = {
    "eth_syncing": _Method(lambda _nodes: False),
    "eth_accounts": _Method(lambda _nodes: []),
    "eth_blockNumber": _Method(lambda nodes: quantity(head_header(nodes).number)),
    "eth_gasPrice": _Method(lambda nodes: quantity(head_header(nodes).base_fee)),
    "eth_maxPriorityFeePerGas": _Method(lambda _nodes: quantity(0)),
    "eth_getBlockByNumber": _Method(rpc_blocks.block_by_number, 2, 2),
    "eth_getBlockByHash": _Method(rpc_blocks.block_by_hash, 2, 2),
    "eth_getBlockTransactionCountByNumber": _Method(rpc_blocks.transaction_count_by_number, 1, 1),
    "eth_getBlockTransactionCountByHash": _Method(rpc_blocks.transaction_count_by_hash, 1, 1),
    "eth_getBlockReceipts": _Method(rpc_blocks.block_receipts, 1, 1),
    "debug_getRawHeader": _Method(rpc_blocks.raw_header, 1, 1),
    "debug_getRawReceipts": _Method(rpc_blocks.raw_block_receipts, 1, 1),
    "eth_getTransactionByHash": _Method(rpc_blocks.transaction_by_hash, 1, 1),
    "eth_getTransactionReceipt": _Method(rpc_blocks.transaction_receipt, 1, 1),
    "eth_getLogs": _Method(rpc_logs.find_logs, 1, 1),
    "eth_getTransactionCount": _Method(rpc_state.transaction_count, 1, 2),
    "eth_getBalance": _Method(rpc_state.balance, 1, 2),
    "eth_getCode": _Method(rpc_state.code, 1, 2),
    "eth_getStorageAt": _Method(rpc_state.storage_at, 2, 3),
    "eth_getProof": _Method(rpc_state.proof, 2, 3),
}


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
    return NodeRpc(store, identity, rules)


class NodeRpc:
    """Answers JSON-RPC requests about one chain. Each request reads one moment of the store."""

    def __init__(
        self, store: ChainStore, identity: ChainIdentity, rules: ChainRules, submit: Submit | None = None
    ) -> None:
        self._store = store
        self._rules = rules
        self._submit = submit
        self._methods = {
            **_METHODS,
            "eth_chainId": _Method(lambda _nodes: quantity(identity.chain_id)),
            "net_version": _Method(lambda _nodes: str(identity.chain_id)),
            "web3_clientVersion": _Method(lambda _nodes: client_version()),
        }

    @property
    def methods(self) -> frozenset[str]:
        """Names of the reading methods."""
        return frozenset(self._methods) | {"eth_call"}

    def close(self) -> None:
        """Gives the store back."""
        self._store.close()

    def answer(self, method: str, params: list[Any], *, deadline: float | None = None) -> Any:
        """Result of one request, ready for JSON; `deadline` is of the monotonic clock, by default a request's limit.

        Raises: RpcError.
        """
        until = time.monotonic() + RPC_TIME_MAX_MS / 1000 if deadline is None else deadline
        if method == SEND_METHOD and self._submit is not None:
            return self._send(self._submit, *_checked(method, params, 1, 1))
        if method == "eth_call":
            request, block = _checked(method, params, 1, 2)
            return self._call(request, block, until)
        if method not in self._methods:
            raise RpcError(METHOD_NOT_FOUND, f"this node does not answer {method[:80]!r}")
        asked = self._methods[method]
        given = _checked(method, params, asked.required, asked.most)
        with self._store.read() as nodes:
            try:
                return asked.read(TimedNodes(HashedNodes(nodes), until), *given)
            except BlockUnknownError:
                return None

    def _send(self, submit: Submit, raw: Any) -> str:
        try:
            return hex_bytes(submit(parse_data(raw)))
        except BatchRefusedError as err:
            raise RpcError(REJECTED, str(err)) from err

    def _call(self, request: Any, block: Any, deadline: float) -> str:
        from ledger.chain.rpc_call import CallRequest, run_call  # the engine is slow to import, and few ask for calls

        given = parse_object(request, "a call")
        data, other = given.get("input"), given.get("data")
        if data is not None and other is not None and data != other:
            raise RpcError(INVALID_PARAMS, "input and data differ: give one")
        if given.get("to") is None:
            raise RpcError(INVALID_PARAMS, "a call needs `to`: this node runs no code but the chain's")
        call = CallRequest(
            sender=parse_address(given["from"]) if given.get("from") is not None else bytes(20),
            to=parse_address(given["to"]),
            data=parse_data(data if data is not None else "0x" if other is None else other),
            value=parse_number(given["value"]) if given.get("value") is not None else 0,
            gas=min(parse_number(given["gas"]), CALL_GAS) if given.get("gas") is not None else CALL_GAS,
        )
        with self._store.read() as nodes:
            block_hash = _state_hash(nodes, block)
        return hex_bytes(run_call(self._store, self._rules, block_hash, call, deadline))


def client_version() -> str:
    """Name and version, as web3_clientVersion gives them."""
    try:
        return f"{CLIENT_NAME}/v{version(CLIENT_NAME)}"
    except PackageNotFoundError:  # run from a source tree that is not installed
        return f"{CLIENT_NAME}/v0"


def _state_hash(nodes: Nodes, block: Any) -> bytes:
    return state_header(nodes, block).hash


def _checked(method: str, params: list[Any], required: int, most: int) -> list[Any]:
    """Parameters, those left out filled with None.

    Raises: RpcError for too few or too many.
    """
    if len(params) > most:
        raise RpcError(INVALID_PARAMS, f"{method} takes at most {most} parameters, not {len(params)}")
    for at in range(required):
        if at >= len(params) or params[at] is None:
            raise RpcError(INVALID_PARAMS, f"{method} lacks parameter {at + 1} of {required}")
    return [*params, *[None] * (most - len(params))]
