"""Reading a remote JSON-RPC node with the standard library: no web3, a time limit and a size limit on every answer."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import rlp

from ledger.chain.errors import BlockUnknownError, BlockUnreadableError, RemoteChainError, RpcError
from ledger.chain.identity import ChainIdentity
from ledger.chain.limits import (
    PROOF_KEYS_MAX,
    REMOTE_ANSWER_SIZE_MAX,
    REMOTE_BATCH_SIZE,
    REMOTE_TIMEOUT_S,
    WORDS_KEYS_MAX,
)
from ledger.chain.reader import chain_block, require_key_count
from ledger.chain.records import Header, Log, Receipt, Transaction
from ledger.chain.rpc_codec import header_from_json, hex_bytes, parse_address, parse_data, parse_hash, parse_number
from ledger.domain.blocks import BlockHead, ChainBlock, StorageProof
from verifier.hashing import keccak256
from verifier.words import storage_slot

CONTRACT_BLOCK: Final = 1  # its first transaction creates the contract


def is_url(directory_or_url: Path | str) -> bool:
    """Whether a chain is named by an http(s) URL."""
    return isinstance(directory_or_url, str) and directory_or_url.startswith(("http://", "https://"))


class HttpReader:
    """Reads a chain on a JSON-RPC node. What it answers is checked against hashes where hashes are at hand."""

    def __init__(self, url: str) -> None:
        """Raises: RemoteChainError."""
        if not is_url(url):
            raise RemoteChainError(f"not an http(s) URL: {url}")
        self._url = url
        _ = self.identity  # a wrong URL shows now, not at the first request of a user

    @cached_property
    def identity(self) -> ChainIdentity:
        """Read from the chain itself: genesis, and the contract that block 1 created."""
        chain_id, genesis, first = self._ask(
            ("eth_chainId", []), ("eth_getBlockByNumber", ["0x0", False]), ("eth_getBlockByNumber", ["0x1", True])
        )
        if not genesis or not first or not first["transactions"]:
            raise RemoteChainError("the node has no ledger: block 1 does not create a contract")
        (receipt,) = self._ask(("eth_getTransactionReceipt", [first["transactions"][0]["hash"]]))
        if not receipt or not receipt.get("contractAddress"):
            raise RemoteChainError("the node has no ledger: block 1 does not create a contract")
        (code,) = self._ask(("eth_getCode", [receipt["contractAddress"], "latest"]))
        header = _header(genesis)
        return ChainIdentity(
            chain_id=parse_number(chain_id),
            genesis_hash=header.hash,
            contract=parse_address(receipt["contractAddress"]),
            code_hash=keccak256(parse_data(code)),
            sealers=header.sealers,
        )

    def head(self) -> BlockHead:
        (block,) = self._ask(("eth_getBlockByNumber", ["latest", False]))
        return _header(block).head

    def block(self, number: int) -> ChainBlock:
        (block,) = self._ask(("eth_getBlockByNumber", [hex(number), True]))
        if block is None:
            raise BlockUnknownError(number)
        header = _header(block)
        asked = [("eth_getTransactionReceipt", [each["hash"]]) for each in block["transactions"]]
        receipts = self._ask(*asked)
        try:
            pairs = [
                (_transaction(each), _receipt(receipt, header))
                for each, receipt in zip(block["transactions"], receipts, strict=True)
            ]
        except (KeyError, TypeError) as err:
            raise RemoteChainError(f"the node's block {number} lacks a part: {err}") from err
        return chain_block(header, pairs, self.identity)

    def words(self, keys: Sequence[int]) -> list[int]:
        require_key_count(keys, WORDS_KEYS_MAX)
        at = hex_bytes(self.head().hash)
        contract = hex_bytes(self.identity.contract)
        asked = [("eth_getStorageAt", [contract, hex_bytes(storage_slot(key)), {"blockHash": at}]) for key in keys]
        return [int.from_bytes(parse_data(value), "big") for value in self._ask(*asked)]

    def proof(self, keys: Sequence[int]) -> StorageProof:
        require_key_count(keys, PROOF_KEYS_MAX)
        (block,) = self._ask(("eth_getBlockByNumber", ["latest", False]))
        header = _header(block)
        slots = [hex_bytes(storage_slot(key)) for key in keys]
        (found,) = self._ask(
            ("eth_getProof", [hex_bytes(self.identity.contract), slots, {"blockHash": hex_bytes(header.hash)}])
        )
        try:
            nodes = [parse_data(node) for item in found["storageProof"] for node in item["proof"]]
            return StorageProof(
                header_rlp=header.rlp,
                account_nodes=tuple(parse_data(node) for node in found["accountProof"]),
                storage_nodes=tuple(dict.fromkeys(nodes)),
                words=tuple(parse_number(item["value"]) for item in found["storageProof"]),
            )
        except (KeyError, TypeError) as err:
            raise RemoteChainError(f"the node's proof lacks a part: {err}") from err

    def header_rlp(self, number: int) -> bytes:
        (block,) = self._ask(("eth_getBlockByNumber", [hex(number), False]))
        if block is None:
            raise BlockUnknownError(number)
        return _header(block).rlp

    def close(self) -> None:
        """Nothing is held open between requests."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, *requests: tuple[str, list[Any]]) -> list[Any]:
        """Results of `requests`, in their order.

        Raises: RemoteChainError.
        """
        results: list[Any] = []
        for start in range(0, len(requests), REMOTE_BATCH_SIZE):
            results.extend(self._ask_batch(requests[start : start + REMOTE_BATCH_SIZE]))
        return results

    def _ask_batch(self, requests: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        body = [
            {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
            for index, (method, params) in enumerate(requests)
        ]
        answers = self._post(json.dumps(body).encode())
        if not isinstance(answers, list):
            raise RemoteChainError(f"the node does not answer batches: {str(answers)[:200]}")
        try:
            by_id = {answer["id"]: answer for answer in answers}
            failed = next((by_id[index]["error"] for index in range(len(body)) if "error" in by_id[index]), None)
            if failed is not None:
                raise RemoteChainError(f"the node refused a request: {str(failed)[:200]}")
            return [by_id[index]["result"] for index in range(len(body))]
        except (KeyError, TypeError) as err:
            raise RemoteChainError(f"the node's answer is not JSON-RPC: {err!r}") from err

    def _post(self, body: bytes) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self._url, data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=REMOTE_TIMEOUT_S) as answer:  # noqa: S310
                content = answer.read(REMOTE_ANSWER_SIZE_MAX + 1)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as err:
            raise RemoteChainError(f"the node cannot be reached: {err}") from err
        if len(content) > REMOTE_ANSWER_SIZE_MAX:
            raise RemoteChainError(f"the node's answer is over {REMOTE_ANSWER_SIZE_MAX} bytes")
        try:
            return json.loads(content)
        except ValueError as err:
            raise RemoteChainError("the node's answer is not JSON") from err


def _header(block: Any) -> Header:
    try:
        return header_from_json(block)
    except (RpcError, KeyError, TypeError, BlockUnreadableError) as err:
        raise RemoteChainError(f"the node's header cannot be read: {err!r}") from err


def _transaction(each: dict[str, Any]) -> Transaction:
    """What reading groups needs of a transaction; its hash is the node's word, its signature is not looked at."""
    to = parse_address(each["to"]) if each["to"] else b""
    return Transaction(rlp.encode([]), 0, (b"", b"", b"", to, b"", parse_data(each["input"]), b"", b"", b""))


def _receipt(receipt: dict[str, Any], header: Header) -> Receipt:
    if parse_hash(receipt["blockHash"]) != header.hash:
        raise RemoteChainError(f"the chain moved while block {header.number} was read: read it again")
    return Receipt(
        success=parse_number(receipt["status"]) == 1,
        cumulative_gas=parse_number(receipt["cumulativeGasUsed"]),
        bloom=parse_data(receipt["logsBloom"]),
        logs=tuple(
            Log(
                parse_address(log["address"]),
                tuple(parse_hash(topic) for topic in log["topics"]),
                parse_data(log["data"]),
            )
            for log in receipt["logs"]
        ),
    )
