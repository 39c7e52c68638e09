"""Reading the chain: one small protocol, answered from LMDB here and over HTTP from a remote node.

Imports neither the engine nor web3, so that API workers start fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ledger.chain.calldata import decode_apply
from ledger.chain.current import CurrentIdentity
from ledger.chain.errors import BlockUnreadableError
from ledger.chain.events import sequenced
from ledger.chain.identity import ChainIdentity
from ledger.chain.limits import MAP_SIZE, PROOF_KEYS_MAX, WORDS_KEYS_MAX
from ledger.chain.lmdb_store import ChainStore, stored_identity
from ledger.chain.records import Header, Receipt, Transaction, block_header, executed, head_header
from ledger.chain.state import account, contract_proof, contract_words
from ledger.domain.blocks import BlockHead, ChainBlock, SequencedGroup, StorageProof


class ChainReader(Protocol):
    """What the ledger reads from a chain. Safe to use from many threads."""

    @property
    def identity(self) -> ChainIdentity:
        """The chain with the contracts it has by now: after a succession, one more."""
        ...

    def head(self) -> BlockHead:
        """The newest block."""
        ...

    def block(self, number: int) -> ChainBlock:
        """Block `number` with its groups and what the contract answered each.

        Raises: BlockUnknownError, BlockUnreadableError.
        """
        ...

    def words(self, keys: Sequence[int]) -> list[int]:
        """Values of the ledger's words at the head, in the order of `keys` (verifier.words.storage_key)."""
        ...

    def proof(self, keys: Sequence[int], at: int | None = None) -> StorageProof:
        """Proof of the ledger's words at block `at`, by default at the head.

        Raises: BlockUnknownError.
        """
        ...

    def header_rlp(self, number: int) -> bytes:
        """Sealed header of block `number`, RLP.

        Raises: BlockUnknownError.
        """
        ...

    def close(self) -> None: ...


class LmdbReader:
    """Reads a chain directory, in any process, while the writer goes on."""

    def __init__(self, directory: Path, *, map_size: int = MAP_SIZE) -> None:
        """Raises: ChainMissingError, ChainStorageError."""
        self._store = ChainStore(directory, map_size=map_size)
        try:
            self._identity = CurrentIdentity(stored_identity(self._store)[0])
        except BaseException:
            self._store.close()
            raise

    @property
    def identity(self) -> ChainIdentity:
        with self._store.read() as nodes:
            return self._identity.at_head(nodes)

    def head(self) -> BlockHead:
        with self._store.read() as nodes:
            return head_header(nodes).head

    def block(self, number: int) -> ChainBlock:
        with self._store.read() as nodes:
            header = block_header(nodes, number)
            return chain_block(header, executed(nodes, header), self._identity.at_head(nodes))

    def words(self, keys: Sequence[int]) -> list[int]:
        require_key_count(keys, WORDS_KEYS_MAX)
        with self._store.read() as nodes:
            header = head_header(nodes)
            contracts = self._identity.at_head(nodes).contracts
            return contract_words(nodes, [account(nodes, header, contract) for contract in contracts], keys)

    def proof(self, keys: Sequence[int], at: int | None = None) -> StorageProof:
        require_key_count(keys, PROOF_KEYS_MAX)
        with self._store.read() as nodes:
            header = head_header(nodes) if at is None else block_header(nodes, at)
            return contract_proof(nodes, header, self._identity.founded.contracts[0], keys)

    def header_rlp(self, number: int) -> bytes:
        with self._store.read() as nodes:
            return block_header(nodes, number).rlp

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_reader(directory_or_url: Path | str, *, map_size: int = MAP_SIZE) -> ChainReader:
    """Reader of the chain in a directory, or on a JSON-RPC node at an http(s) URL.

    Raises: ChainMissingError, ChainStorageError; RemoteChainError.
    """
    from ledger.chain.remote import HttpReader, is_url

    if is_url(directory_or_url):
        return HttpReader(str(directory_or_url))
    return LmdbReader(Path(directory_or_url), map_size=map_size)


def copy_chain(directory: Path | str, target_directory: Path | str) -> None:
    """Hot, compacted copy of a chain directory, of one moment, while the writer goes on.

    Raises: ChainMissingError; ChainExistsError when the target is not empty; ChainFullError, ChainStorageError.
    """
    store = ChainStore(Path(directory))
    try:
        store.copy(Path(target_directory))
    finally:
        store.close()


def chain_block(header: Header, pairs: Sequence[tuple[Transaction, Receipt]], identity: ChainIdentity) -> ChainBlock:
    """A block's groups and answers, from its transactions and receipts; `identity` has all contracts up to it.

    Raises: BlockUnreadableError, also when the contract was called from another contract: its events are there, but
    the groups that they answer are not in any transaction.
    """
    groups: list[SequencedGroup] = []
    for transaction, receipt in pairs:
        logs = [log for log in receipt.logs if log.address in identity.contracts]
        if transaction.to in identity.contracts and receipt.success:
            index = identity.contracts.index(transaction.to)
            if any(log.address != transaction.to for log in logs):
                raise BlockUnreadableError(f"block {header.number} has a call of one of the contracts from another")
            groups.extend(sequenced(decode_apply(transaction.data), logs, identity.domains[index], index))
        elif logs:
            raise BlockUnreadableError(f"block {header.number} has a call of the contract from another contract")
    return ChainBlock(header.head, header.parent_hash, tuple(groups))


def require_key_count(keys: Sequence[int], limit: int) -> None:
    """Raises: ValueError."""
    if len(keys) > limit:
        raise ValueError(f"{len(keys)} keys asked at once; at most {limit}")
