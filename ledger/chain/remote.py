"""Reading a remote JSON-RPC node with the standard library: no web3, a time limit and a size limit on every answer."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import rlp

from ledger.chain.errors import BlockUnknownError, BlockUnreadableError, RemoteChainError, RpcError
from ledger.chain.identity import ChainIdentity
from ledger.chain.limits import (
    CONTRACTS_MAX,
    PROOF_KEYS_MAX,
    REMOTE_ANSWER_SIZE_MAX,
    REMOTE_BATCH_SIZE,
    REMOTE_IDENTITY_AGE_S,
    REMOTE_TIMEOUT_S,
    WORDS_KEYS_MAX,
)
from ledger.chain.reader import chain_block, require_key_count
from ledger.chain.records import Header, Log, Receipt, Transaction
from ledger.chain.rpc_codec import header_from_json, hex_bytes, parse_address, parse_data, parse_hash, parse_number
from ledger.chain.state import NO_ADDRESS, SUCCESSOR
from ledger.domain.blocks import BlockHead, ChainBlock, StorageProof
from verifier.canonical import check_depth
from verifier.hashing import keccak256
from verifier.words import storage_slot

CONTRACT_BLOCK: Final = 1  # its first transaction creates the contract


def is_url(directory_or_url: Path | str) -> bool:
    """Whether a chain is named by an http(s) URL."""
    return isinstance(directory_or_url, str) and directory_or_url.startswith(("http://", "https://"))


@dataclass(frozen=True)
class _Known:
    """An identity, the block it is of, and when (monotonic seconds) it was asked for."""

    asked_at: float
    number: int
    identity: ChainIdentity


class HttpReader:
    """Reads a chain on a JSON-RPC node. What it answers is checked against hashes where hashes are at hand."""

    def __init__(self, url: str, post: Callable[[bytes], bytes] | None = None) -> None:
        """`post` brings a body there another way (with an API key) and raises RemoteChainError itself.

        Raises: RemoteChainError.
        """
        if not is_url(url):
            raise RemoteChainError(f"not an http(s) URL: {url}")
        self._url = url
        self._brought = self._fetched if post is None else post
        self._known: _Known | None = None
        _ = self.identity  # a wrong URL shows now, not at the first request of a user

    @property
    def identity(self) -> ChainIdentity:
        """Read from the chain itself: genesis, the contract that block 1 created, and its successors.

        Looked at again when it is older than REMOTE_IDENTITY_AGE_S.
        """
        known = self._known
        if known is not None and time.monotonic() - known.asked_at < REMOTE_IDENTITY_AGE_S:
            return known.identity
        return self._read_identity().identity

    def _read_identity(self) -> _Known:
        asked_at, head = time.monotonic(), self.head()
        contracts = self._contracts({"blockHash": hex_bytes(head.hash)})
        known = self._known
        if known is not None and known.identity.contracts == contracts:
            identity = known.identity
        else:
            codes = self._ask(*[("eth_getCode", [hex_bytes(contract), "latest"]) for contract in contracts])
            identity = self._founded.grown(contracts, tuple(keccak256(parse_data(code)) for code in codes))
        self._known = _Known(asked_at, head.number, identity)
        return self._known

    @cached_property
    def _founded(self) -> ChainIdentity:
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
            contracts=(parse_address(receipt["contractAddress"]),),
            code_hashes=(keccak256(parse_data(code)),),
            sealers=header.sealers,
        )

    def _contracts(self, at: Any) -> tuple[bytes, ...]:
        """The ledger's contracts at block `at`, first to current, as ledger.chain.state.ledger_contracts finds them."""
        found = [self._founded.contracts[0]]
        while len(found) < CONTRACTS_MAX:
            (value,) = self._ask(("eth_getStorageAt", [hex_bytes(found[-1]), hex_bytes(SUCCESSOR), at]))
            successor = parse_hash(value)[12:]
            if successor == NO_ADDRESS or successor in found:
                break
            (code,) = self._ask(("eth_getCode", [hex_bytes(successor), at]))
            if not parse_data(code):
                break
            found.append(successor)
        return tuple(found)

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
        known = self._known
        if known is None or known.number < number:  # the block may be the first of a contract not heard of yet
            known = self._read_identity()
        return chain_block(header, pairs, known.identity)

    def words(self, keys: Sequence[int]) -> list[int]:
        require_key_count(keys, WORDS_KEYS_MAX)
        at = {"blockHash": hex_bytes(self.head().hash)}
        words = dict.fromkeys(keys, 0)
        for contract in reversed(self._contracts(at)):
            missing = [key for key, word in words.items() if not word]
            slots = [hex_bytes(storage_slot(key)) for key in missing]
            asked = [("eth_getStorageAt", [hex_bytes(contract), slot, at]) for slot in slots]
            found = [int.from_bytes(parse_data(value), "big") for value in self._ask(*asked)]
            words.update(zip(missing, found, strict=True))
        return [words[key] for key in keys]

    def proof(self, keys: Sequence[int], at: int | None = None) -> StorageProof:
        require_key_count(keys, PROOF_KEYS_MAX)
        (block,) = self._ask(("eth_getBlockByNumber", ["latest" if at is None else hex(at), False]))
        if block is None:
            raise BlockUnknownError(at or 0)
        header = _header(block)
        moment = {"blockHash": hex_bytes(header.hash)}
        contracts = self._contracts(moment)
        slots = [hex_bytes(SUCCESSOR), *(hex_bytes(storage_slot(key)) for key in keys)]
        found = self._ask(*[("eth_getProof", [hex_bytes(contract), slots, moment]) for contract in contracts])
        try:
            closed_for = parse_number(found[-1]["storageProof"][0]["value"]).to_bytes(32, "big")[12:]
            if closed_for != NO_ADDRESS:  # then it is shown that nothing is there to carry the ledger on
                (absent,) = self._ask(("eth_getProof", [hex_bytes(closed_for), [], moment]))
                found[-1]["accountProof"] += absent["accountProof"]
            return _storage_proof(header, contracts, found)
        except (KeyError, TypeError, IndexError) as err:
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
        try:
            text = self._brought(body).decode()
            check_depth(text)  # where the engine raised the recursion limit, deep nesting would end the process
            return json.loads(text)
        except ValueError as err:
            raise RemoteChainError("the node's answer is not JSON") from err

    def _fetched(self, body: bytes) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self._url, data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=REMOTE_TIMEOUT_S) as answer:  # noqa: S310
                content: bytes = answer.read(REMOTE_ANSWER_SIZE_MAX + 1)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as err:
            raise RemoteChainError(f"the node cannot be reached: {err}") from err
        if len(content) > REMOTE_ANSWER_SIZE_MAX:
            raise RemoteChainError(f"the node's answer is over {REMOTE_ANSWER_SIZE_MAX} bytes")
        return content


def _storage_proof(header: Header, contracts: tuple[bytes, ...], found: list[Any]) -> StorageProof:
    """The answers of eth_getProof, one a contract and each first for its successor slot, as one proof."""
    in_accounts = [node for one in found for node in one["accountProof"]]
    in_storage = [node for one in found for node in one["storageProof"][0]["proof"]]
    words: list[int] = []
    for at in range(1, len(found[0]["storageProof"])):
        word = 0
        for one in reversed(found):  # as far as the contract that wrote the word
            in_storage.extend(one["storageProof"][at]["proof"])
            word = parse_number(one["storageProof"][at]["value"])
            if word:
                break
        words.append(word)
    return StorageProof(
        header_rlp=header.rlp,
        account_nodes=tuple(parse_data(node) for node in dict.fromkeys(in_accounts)),
        storage_nodes=tuple(parse_data(node) for node in dict.fromkeys(in_storage)),
        words=tuple(words),
        contracts=contracts,
    )


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
