"""The one chain writer: a batch of signed groups becomes one transaction in one block.

Embedded or remote, the same code sends through web3; what differs is the provider. On the embedded chain `commit`
returns when the block is on disk; on a remote one when the network has put the transaction into a block.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.exceptions import TimeExhausted, Web3Exception
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers.base import BaseProvider
from web3.types import TxParams

from contracts import load_artifact
from ledger.chain.calldata import WORD, encode_apply
from ledger.chain.creation import WORDS_SELECTOR, contract_address
from ledger.chain.current import CurrentIdentity
from ledger.chain.engine import Engine
from ledger.chain.errors import (
    BatchRefusedError,
    ChainForeignError,
    ChainStoppedError,
    RemoteChainError,
)
from ledger.chain.identity import ChainIdentity
from ledger.chain.jsonrpc import NodeRpc
from ledger.chain.limits import BATCH_GAS, MAP_SIZE, REMOTE_SEAL_TIMEOUT_S, REMOTE_TIMEOUT_S
from ledger.chain.lmdb_store import ChainStore, WriterLock, require_writable, stored_identity
from ledger.chain.pending_store import PendingStore
from ledger.chain.provider import EmbeddedProvider
from ledger.chain.remote import HttpReader, is_url
from ledger.chain.state import contract_code
from ledger.domain.blocks import BlockHead
from ledger.domain.groups import SignedGroup
from verifier.hashing import keccak256

Clock = Callable[[], int]


class ChainWriter:
    """Puts batches on one chain. Safe to call from several threads; batches go in one after the other."""

    def __init__(
        self, identity: Callable[[], ChainIdentity], web3: Web3, sealer: LocalAccount, close: Callable[[], None]
    ) -> None:
        """`identity` reads which chain this is, with the contracts it has by now."""
        self._identity = identity
        self._web3 = web3
        self._account = sealer
        self._close = close
        self._closed = False
        self._lock = threading.Lock()  # one batch at a time: nonce, engine and pending writes are shared

    @property
    def identity(self) -> ChainIdentity:
        """The chain with the contracts it has by now. Raises: RemoteChainError; ChainStoppedError after `close`."""
        self._require_open()
        return self._identity()

    def head(self) -> BlockHead:
        """The newest block.

        Raises: RemoteChainError; ChainStoppedError after `close`.
        """
        self._require_open()
        return _block_head(self._block("latest"))

    def commit(self, groups: Sequence[SignedGroup]) -> BlockHead:
        """Puts `groups` into one transaction, that into one block; the block is durable on return.

        What the contract answered each group is in the block (`ChainReader.block`). Fewer than all of a batch is never
        on the chain.

        Raises: BatchTooLargeError, BatchRefusedError, ChainClockError: nothing was written, try again or split.
        ChainFullError, ChainStorageError, ChainStoppedError: nothing was written, the writer has stopped.
        RemoteChainError: not known; look for the groups' digests before sending them again.
        """
        if not groups:
            raise ValueError("a batch has at least one group")
        calldata = encode_apply(groups)
        with self._lock:
            return self._sent(calldata)

    def next_created(self) -> bytes:
        """20-byte address that the next contract created here will have, if no batch comes between.

        Raises: RemoteChainError, ChainStoppedError.
        """
        self._require_open()
        return contract_address(bytes(HexBytes(self._account.address)), self._nonce())

    def create(self, creation: bytes) -> BlockHead:
        """Creates a contract, at the address `next_created` gave, in a block of its own; durable on return.

        Raises: as `commit`.
        """
        with self._lock:
            return self._sent(creation, creates=True)

    def code(self, address: bytes) -> bytes:
        """Code of the contract at a 20-byte address, empty when there is none. Raises: RemoteChainError."""
        self._require_open()
        return bytes(self._asked(lambda: self._web3.eth.get_code(Web3.to_checksum_address(address))))

    def word_at(self, contract: bytes, key: int) -> int:
        """What `words(key)` of the contract at a 20-byte address answers, whoever's successor it is.

        Raises: BatchRefusedError when it reverts or answers no word; RemoteChainError.
        """
        self._require_open()
        call: TxParams = {
            "to": Web3.to_checksum_address(contract),
            "data": HexBytes(WORDS_SELECTOR + key.to_bytes(32, "big")),
        }
        try:
            answer = bytes(self._web3.eth.call(call))
        except Web3Exception as err:
            raise BatchRefusedError(f"the contract 0x{contract.hex()} does not answer words: {err}") from err
        except requests.RequestException as err:
            raise RemoteChainError(f"the node failed: {err}") from err
        if len(answer) != WORD:
            raise BatchRefusedError(f"the contract 0x{contract.hex()} does not answer words")
        return int.from_bytes(answer, "big")

    def close(self) -> None:
        """Ends writing and lets another process write. May be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sent(self, data: bytes, *, creates: bool = False) -> BlockHead:
        """The block of a transaction to the current contract, or that creates one. The lock is held."""
        self._require_open()
        signed = self._account.sign_transaction(self._transaction(data, creates=creates))
        try:
            sent = self._web3.eth.send_raw_transaction(signed.raw_transaction)
            receipt = self._web3.eth.wait_for_transaction_receipt(sent, timeout=REMOTE_SEAL_TIMEOUT_S, poll_latency=0.2)
        except TimeExhausted as err:
            raise RemoteChainError(f"no block with the batch within {REMOTE_SEAL_TIMEOUT_S} s") from err
        except Web3Exception as err:
            raise BatchRefusedError(f"the node rejected the batch: {err}") from err
        except requests.RequestException as err:
            raise RemoteChainError(f"the node failed: {err}") from err
        if receipt["status"] != 1:
            raise BatchRefusedError(f"the transaction 0x{sent.hex()} reverted: the contract was given a wrong batch")
        return _block_head(self._block(int(receipt["blockNumber"])))

    def _transaction(self, data: bytes, *, creates: bool = False) -> dict[str, Any]:
        parent = self._block("latest")
        gas_under_half = int(parent["gasLimit"]) // 2 - 1  # a block over half full raises the base fee for ever
        return {
            "type": 2,
            "chainId": self.identity.chain_id,
            "nonce": self._nonce(),
            "gas": min(BATCH_GAS, gas_under_half),
            "maxFeePerGas": int(parent["baseFeePerGas"]) * 2,
            "maxPriorityFeePerGas": 0,
            "value": 0,
            "data": data,
            **({} if creates else {"to": Web3.to_checksum_address(self._identity().contract)}),
        }

    def _nonce(self) -> int:
        # the latest block's, not the pending: a batch sent again takes the place of the first, never a second one
        return int(self._asked(lambda: self._web3.eth.get_transaction_count(self._account.address, "latest")))

    def _block(self, which: Any) -> Any:
        return self._asked(lambda: self._web3.eth.get_block(which))

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except (Web3Exception, requests.RequestException) as err:
            raise RemoteChainError(f"the node failed: {err}") from err

    def _require_open(self) -> None:
        if self._closed:
            raise ChainStoppedError("the writer was closed")


def open_writer(
    directory_or_url: Path | str,
    *,
    sealer_key: bytes,
    now: Clock,
    map_size: int = MAP_SIZE,
    any_contract: bool = False,
) -> ChainWriter:
    """The writer of the chain in a directory, or on a JSON-RPC node at an http(s) URL.

    `sealer_key` is the 32-byte key that seals (embedded) or sends (remote); `now` gives seconds since 1970, UTC. With
    `any_contract` the current contract need not be this release's: a succession leaves one of another release behind.

    Raises: ChainMissingError, ChainForeignError, ChainReadOnlyError, ChainInUseError, ChainStorageError;
    RemoteChainError. The chain is as it was.
    """
    sealer: LocalAccount = Account.from_key(sealer_key)
    if is_url(directory_or_url):
        return _remote_writer(str(directory_or_url), sealer)
    directory = Path(directory_or_url)
    store = ChainStore(directory, map_size=map_size)
    try:
        require_writable(directory)
        lock = WriterLock(directory)
    except BaseException:
        store.close()
        raise
    try:
        current, rpc = _embedded_node(store, sealer_key, now, any_contract=any_contract)
    except BaseException:
        lock.release()
        store.close()
        raise

    def close() -> None:
        lock.release()
        store.close()

    def identity() -> ChainIdentity:
        with store.read() as nodes:
            return current.at_head(nodes)

    return ChainWriter(identity, _web3(EmbeddedProvider(rpc)), sealer, close)


def _embedded_node(
    store: ChainStore, sealer_key: bytes, now: Clock, *, any_contract: bool
) -> tuple[CurrentIdentity, NodeRpc]:
    founded, rules = stored_identity(store)
    current = CurrentIdentity(founded)
    _require_whole(store, current, any_contract=any_contract)
    engine = Engine(store, PendingStore(store), rules, sealer_key, now)
    return current, NodeRpc(store, founded, rules, lambda raw: engine.seal(raw).transaction_hash)


def _require_whole(store: ChainStore, current: CurrentIdentity, *, any_contract: bool) -> None:
    """Raises: ChainForeignError unless the first contract is the one recorded and the current this release's."""
    with store.read() as nodes:
        identity = current.at_head(nodes)
        code = contract_code(nodes, identity.code_hash)
    if identity.code_hashes[0] != current.founded.code_hashes[0] or keccak256(code) != identity.code_hash:
        raise ChainForeignError("the contract's code is not the one recorded: restore a backup", store.directory)
    if not any_contract and not code.startswith(load_artifact().runtime):  # what follows are this chain's immutables
        raise ChainForeignError(
            f"carries another contract (code 0x{identity.code_hash.hex()}) than this release: open it with the release "
            "that has it, or have this release's succeed it (einvoice succeed)",
            store.directory,
        )


def _remote_writer(url: str, sealer: LocalAccount) -> ChainWriter:
    reader = HttpReader(url)
    provider = HTTPProvider(url, request_kwargs={"timeout": REMOTE_TIMEOUT_S}, exception_retry_configuration=None)
    return ChainWriter(lambda: reader.identity, _web3(provider), sealer, reader.close)


def _web3(provider: BaseProvider) -> Web3:
    web3 = Web3(provider)
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)  # a Clique header's extra data is over 32 bytes
    return web3


def _block_head(block: Any) -> BlockHead:
    return BlockHead(int(block["number"]), bytes(HexBytes(block["hash"])), int(block["timestamp"]))
