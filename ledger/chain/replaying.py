"""Executing a ledger's blocks again in the engine as it is published, and holding every root against the headers.

The chain that the node runs is py-evm with rules of its own where it builds and seals (consensus.py). Here blocks are
imported by py-evm's own classes, as a program of somebody else would: its London, its Clique. One check differs, since
Clique with a period of 0 allows a time equal to the parent's and py-evm does not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import rlp
from eth.chains.base import Chain
from eth.consensus.clique.clique import CliqueApplier, CliqueConsensusContext
from eth.consensus.clique.datatypes import Snapshot
from eth.db.schema import SchemaV1
from eth.exceptions import PyEVMError
from eth.vm.forks.london import LondonVM
from eth.vm.forks.london.blocks import LondonBlockHeader
from eth.vm.interrupt import EVMMissingData
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException
from rlp.sedes import big_endian_int
from trie.exceptions import MissingTraversalNode, MissingTrieNode

from ledger.chain.errors import BlockDiffersError, BlockUnknownError, BlockUnreadableError
from ledger.chain.events import recover_signer
from ledger.chain.export import block_rlp, genesis_json
from ledger.chain.lmdb_store import ChainStore, stored_identity
from ledger.chain.records import Header, block_header, receipts, transactions
from ledger.chain.replay_store import ReplayStore, shown
from ledger.chain.state import account, contract_code, ledger_contracts
from ledger.domain.blocks import BlockHead
from verifier.errors import CheckError
from verifier.header import SealedHeader, parse_header
from verifier.signatures import is_canonical

_SEAL_V: Final = 27  # a seal's last byte is 0 or 1, ecrecover's v 27 or 28
_UNREADABLE: Final = (EVMMissingData, MissingTrieNode, MissingTraversalNode, RLPException, KeyError)
_ROOTS: Final = ("transaction_root", "state_root", "receipt_root", "gas_used", "bloom")  # named first: they say what
_UNHEARD: Final = logging.getLogger("einvoice.replay")
_UNHEARD.disabled = True  # what py-evm warns of is raised, too, and told once


class EqualTimes(LondonVM):
    """py-evm's London, which would refuse a block as old as its parent; Clique with a period of 0 seals such."""

    @classmethod
    def validate_header(cls, header: Any, parent_header: Any) -> None:
        if header.timestamp < parent_header.timestamp:
            raise ValidationError(f"timestamp {header.timestamp} is before the parent's {parent_header.timestamp}")
        super().validate_header(header.copy(timestamp=parent_header.timestamp + 1), parent_header)


class Replay:
    """A chain directory executed block by block, from genesis or from a block executed before. Reads, never writes."""

    def __init__(self, directory: Path | str) -> None:
        """Raises: ChainMissingError, ChainStorageError."""
        self._store = ChainStore(Path(directory))
        try:
            self.identity, self._rules = stored_identity(self._store)
        except BaseException:
            self._store.close()
            raise
        self._records = ReplayStore(self._store)
        self._chain: Any = None
        self._last: Header | None = None

    def close(self) -> None:
        self._store.close()

    def from_genesis(self) -> BlockHead:
        """Makes genesis again out of what it gives to whom; the ledger's must be that one.

        Raises: BlockDiffersError.
        """
        identity = self.identity
        with self._records.executing(0) as nodes:
            genesis = self._header(nodes, 0)
            _same(0, "hash", genesis.hash.hex(), identity.genesis_hash.hex())
            _same(0, "sealers", _joined(genesis.sealers), _joined(sorted(identity.sealers)))
            try:
                alloc = {one: account(nodes, genesis, one).balance for one in (bytes(20), *identity.sealers)}
            except _UNREADABLE as err:
                raise BlockDiffersError(0, "state", f"unreadable: {err}", "the state of genesis") from err
            described = genesis_json(genesis, self._rules.chain_id, self._rules.epoch_length, alloc)
            self._chain = chain_of_genesis(described, self._records)
            _same(0, "hash", genesis.hash.hex(), self._chain.get_canonical_head().hash.hex())
            self._records.hold_against_ledger()
            self._records.forget()
        self._last = genesis
        return genesis.head

    def from_block(self, executed: BlockHead) -> None:
        """Goes on after a block that an earlier replay executed, so that its state is known to be right.

        Raises: BlockDiffersError when the ledger has another block of that number.
        """
        number = executed.number
        with self._records.executing(number) as nodes:
            header = self._header(nodes, number)
            _same(number, "hash", header.hash.hex(), executed.hash.hex())
            chain_class = replaying_chain(self._rules.chain_id, self._rules.epoch_length)
            headers = chain_class.get_chaindb_class()(self._records)
            score = nodes[SchemaV1.make_block_hash_to_score_lookup_key(Hash32(header.hash))]
            headers.persist_checkpoint_header(
                rlp.decode(header.rlp, sedes=LondonBlockHeader), rlp.decode(score, big_endian_int)
            )
            self._chain = chain_class(self._records)
            self._records.forget()
        sealers = frozenset(Address(sealer) for sealer in self.identity.sealers)
        snapshot = Snapshot(signers=sealers, block_hash=Hash32(header.hash), votes=frozenset(), tallies={})
        self._chain.consensus_context.snapshot_manager._snapshots[header.hash] = snapshot
        self._last = header

    def check_again(self, executed: BlockHead) -> BlockHead:
        """A block that was executed before is still there: header, transactions and receipts are what their hashes say.

        Raises: BlockDiffersError, BlockUnknownError.
        """
        number = executed.number
        with self._records.executing(number) as nodes:
            header = self._header(nodes, number)
            _same(number, "hash", header.hash.hex(), executed.hash.hex())
            try:
                for read in (transactions, receipts):
                    for _ in read(self._records, header):
                        pass
            except (BlockUnreadableError, *_UNREADABLE) as err:
                raise BlockDiffersError(
                    number, "node", f"missing or unreadable: {err}", "what the header names"
                ) from err
        return header.head

    def execute(self, number: int) -> BlockHead:
        """Executes block `number`, the one after the last; its head, once everything of it is what the ledger holds.

        Raises: BlockDiffersError naming the first field that is not; BlockUnknownError.
        """
        parent = self._last
        assert parent is not None, "a replay begins at genesis or at a block"
        assert number == parent.number + 1, "blocks are executed in their order"
        with self._records.executing(number) as nodes:
            try:
                header = self._header(nodes, number)
                self._check_header(header, parent)
                raw = [one.raw for one in transactions(nodes, header)]
                self._import(header, block_rlp(header, raw))
                self._records.hold_against_ledger()
            except (BlockUnreadableError, *_UNREADABLE) as err:
                self._records.drop()
                raise BlockDiffersError(
                    number, "node", f"missing or unreadable: {err}", "what the block needs"
                ) from err
            except BaseException:
                self._records.drop()
                raise
            self._records.forget()
        self._last = header
        return header.head

    def check_contracts(self) -> None:
        """At the last block executed the first contract has the code that is pinned, and each that follows has its own.

        Raises: BlockDiffersError.
        """
        assert self._last is not None, "a replay begins at genesis or at a block"
        number, first = self._last.number, self.identity.contracts[0]
        with self._records.executing(number):
            for address, contract in ledger_contracts(self._records, self._last, first):
                if address == first:
                    pinned = self.identity.code_hashes[0].hex()
                    _same(number, f"code hash of {first.hex()}", contract.code_hash.hex(), pinned)
                contract_code(self._records, contract.code_hash)  # what is read is what its hash says

    def _header(self, nodes: Any, number: int) -> Header:
        """Header that the ledger names as block `number`, once its bytes are what its hash says."""
        try:
            header = block_header(nodes, number)
        except BlockUnknownError:
            raise
        except (BlockUnreadableError, *_UNREADABLE) as err:
            raise BlockDiffersError(number, "header", f"unreadable: {err}", "a sealed header") from err
        _same(number, "number", str(header.number), str(number))
        named = bytes(rlp.decode(nodes[SchemaV1.make_block_number_to_hash_lookup_key(BlockNumber(number))]))
        _same(number, "hash", named.hex(), header.hash.hex())
        return header

    def _check_header(self, header: Header, parent: Header) -> None:
        """Parent, time and seal: who sealed it is one of those pinned, in the one form a seal has."""
        number = header.number
        _same(number, "parent_hash", header.parent_hash.hex(), parent.hash.hex())
        if header.time_s < parent.time_s:
            raise BlockDiffersError(number, "timestamp", str(header.time_s), f"at least {parent.time_s}, its parent's")
        try:
            sealed = parse_header(header.rlp)
        except CheckError as err:
            raise BlockDiffersError(number, "header", shown(header.rlp), f"a canonical header: {err}") from err
        sealer = _sealer_of(sealed)
        if sealer not in self.identity.sealers:
            pinned = _joined(self.identity.sealers)
            raise BlockDiffersError(number, "seal", sealer.hex() or sealed.seal.hex(), f"a canonical seal of {pinned}")
        if any(header.fields[2]):
            raise BlockDiffersError(number, "coinbase", header.fields[2].hex(), "zero: nobody is voted in")

    def _import(self, header: Header, encoded: bytes) -> None:
        chain = self._chain
        block = rlp.decode(encoded, sedes=EqualTimes.get_block_class())
        try:
            chain.import_block(block, perform_validation=True)
        except (ValidationError, PyEVMError, RLPException) as err:
            if isinstance(err, EVMMissingData):
                raise
            self._records.drop()
            raise self._explained(header, block, err) from err

    def _explained(self, header: Header, block: Any, err: Exception) -> BlockDiffersError:
        """Which field of a block that cannot be imported is not what executing its transactions gives."""
        base = self._chain.create_header_from_parent(self._chain.get_canonical_head())
        try:
            made = self._chain.get_vm(base.copy(gas_used=block.header.gas_used)).import_block(block).block.header
        except (ValidationError, PyEVMError) as failure:
            return BlockDiffersError(header.number, "transactions", f"cannot be executed: {failure}", "a valid block")
        finally:
            self._records.drop()
        names = sorted(made._meta.field_names, key=lambda name: _ROOTS.index(name) if name in _ROOTS else len(_ROOTS))
        for name in names:
            stored, recomputed = getattr(block.header, name), getattr(made, name)
            if stored != recomputed:
                return BlockDiffersError(header.number, name, _text(stored), _text(recomputed))
        return BlockDiffersError(header.number, "header", str(err), "a header by the rules of Clique")


def replaying_chain(chain_id: int, epoch_length: int) -> Any:
    """py-evm's chain class for a ledger of that chain id and epoch."""
    return Chain.configure(
        __name__="Replay",
        vm_configuration=CliqueApplier().amend_vm_configuration(((0, EqualTimes),)),
        chain_id=chain_id,
        consensus_context_class=type("Context", (CliqueConsensusContext,), {"epoch_length": epoch_length}),
        logger=_UNHEARD,
    )


def chain_of_genesis(genesis: dict[str, Any], database: Any) -> Any:
    """A chain of genesis alone, from an exported genesis.json, in `database` (an atomic database of py-evm)."""
    chain_class = replaying_chain(genesis["config"]["chainId"], genesis["config"]["clique"]["epoch"])
    return chain_class.from_genesis(
        database,
        {
            "difficulty": int(genesis["difficulty"], 16),
            "gas_limit": int(genesis["gasLimit"], 16),
            "timestamp": int(genesis["timestamp"], 16),
            "extra_data": bytes.fromhex(genesis["extraData"][2:]),
            "base_fee_per_gas": int(genesis["baseFeePerGas"], 16),
            "nonce": bytes.fromhex(genesis["nonce"][2:]),
        },
        {
            bytes.fromhex(address): {"balance": int(entry["balance"], 16), "nonce": 0, "code": b"", "storage": {}}
            for address, entry in genesis["alloc"].items()
        },
    )


def _sealer_of(sealed: SealedHeader) -> bytes:
    """Address that made a seal; empty when the seal is nobody's, or not in its one form."""
    r, s = int.from_bytes(sealed.seal[:32], "big"), int.from_bytes(sealed.seal[32:64], "big")
    if not is_canonical(r, s):
        return b""
    return recover_signer(sealed.seal_hash, _SEAL_V + sealed.seal[64], r, s)


def _same(number: int, field: str, stored: str, recomputed: str) -> None:
    if stored != recomputed:
        raise BlockDiffersError(number, field, stored, recomputed)


def _joined(addresses: Iterable[bytes]) -> str:
    return " ".join(address.hex() for address in addresses)


def _text(value: object) -> str:
    return shown(value) if isinstance(value, bytes) else str(value)
