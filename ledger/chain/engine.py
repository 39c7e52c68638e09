"""The embedded engine: one sealer's Clique chain on py-evm, block by block.

The rules of the header are those of EIP-225 with a period of 0: equal timestamps are allowed, future ones never. A
block holds one transaction, is executed once, sealed, validated as an import would, and kept in one transaction of the
store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth.abc import BlockHeaderAPI
from eth.consensus.clique._utils import sign_block_header
from eth.consensus.clique.datatypes import Snapshot
from eth.consensus.clique.encoding import decode_snapshot, encode_snapshot
from eth.consensus.clique.snapshot_manager import SnapshotManager
from eth.exceptions import PyEVMError
from eth.vm.forks.london.blocks import LondonBlockHeader
from eth.vm.forks.london.headers import calculate_expected_base_fee_per_gas
from eth_keys.backends import get_backend
from eth_keys.backends.coincurve import CoinCurveECCBackend
from eth_keys.datatypes import PrivateKey
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from ledger.chain.consensus import Clock, chain_class
from ledger.chain.errors import (
    BatchRefusedError,
    ChainClockError,
    ChainForeignError,
    ChainStoppedError,
    ChainStorageError,
)
from ledger.chain.identity import ChainRules
from ledger.chain.limits import CLOCK_STEP_BACK_MAX_S
from ledger.chain.lmdb_store import SNAPSHOT_KEY, ChainStore
from ledger.chain.pending_store import PendingStore
from ledger.chain.records import SEAL_SIZE, VANITY_SIZE
from ledger.domain.blocks import BlockHead

VANITY = b"e-invoice ledger".ljust(VANITY_SIZE, b"\0")
IN_TURN_DIFFICULTY = 2  # a lone sealer is always in turn


Accompany = Callable[[PendingStore], None]


@dataclass(frozen=True)
class SealedBlock:
    """One block as it was kept."""

    head: BlockHead
    transaction_hash: bytes


class Engine:
    """Builds and keeps blocks for one sealer. Not for several threads at once: the writer's lock is around it."""

    def __init__(
        self, store: ChainStore, pending: PendingStore, rules: ChainRules, sealer_key: bytes, clock: Clock
    ) -> None:
        """`pending` lies over `store` and may hold a genesis that is not kept yet.

        Raises: ChainForeignError, ChainStorageError.
        """
        if not isinstance(get_backend(), CoinCurveECCBackend):
            raise ChainStoppedError("coincurve is not active: install it and unset ECC_BACKEND_CLASS")
        self._store = store
        self._clock = clock
        self._key = PrivateKey(sealer_key)
        self.sealer: bytes = self._key.public_key.to_canonical_address()
        self._pending = pending
        self.chain: Any = chain_class(rules, self.sealer, clock)(pending)
        self._epoch_length = rules.epoch_length
        self.header: Any = self.chain.get_canonical_head()
        self._latest_s: int = self.header.timestamp
        self._stopped: BaseException | None = None
        self._seed_snapshot()
        pending.end_reading()  # an idle writer holds no page of the store

    @property
    def head(self) -> BlockHead:
        """The newest block."""
        return BlockHead(self.header.block_number, self.header.hash, self.header.timestamp)

    def seal(self, raw_transaction: bytes, accompany: Accompany | None = None) -> SealedBlock:
        """Builds, seals and keeps one block with one transaction. On disk when it returns.

        `accompany` may add records that are kept in the same transaction of the store.

        Raises: ChainClockError, BatchRefusedError; ChainStoppedError, ChainFullError, ChainStorageError.
        """
        if self._stopped is not None:
            raise ChainStoppedError("the writer stopped at a failure: restart it") from self._stopped
        time_s = self._block_time()
        try:
            block = self._build(raw_transaction, time_s)
            self.chain.validate_block(block)
            self.chain.chaindb.persist_block(block)
            self._pending[SNAPSHOT_KEY] = encode_snapshot(self._snapshot(block.header))
            if accompany is not None:
                accompany(self._pending)
        except ValidationError as err:
            self._pending.drop()
            raise BatchRefusedError(f"the transaction does not make a valid block: {err}") from err
        except BaseException:
            self._pending.drop()
            raise
        try:
            self._pending.keep()
        except BaseException as err:
            self._pending.drop()
            self._stopped = err  # what is on disk is a head; which one, only a restart tells
            raise
        self.header = block.header
        return SealedBlock(self.head, block.transactions[0].hash)

    def _block_time(self) -> int:
        """The parent's time or now, whichever is later: never the future, never before the parent."""
        now_s = self._clock()
        if now_s < self._latest_s - CLOCK_STEP_BACK_MAX_S:
            raise ChainClockError(now_s, self._latest_s)
        self._latest_s = max(self._latest_s, now_s)
        return max(int(self.header.timestamp), now_s)

    def _build(self, raw_transaction: bytes, time_s: int) -> Any:
        parent = self.header
        number = parent.block_number + 1
        listed = b"".join(sorted(self._snapshot(parent).signers)) if number % self._epoch_length == 0 else b""
        unsealed = LondonBlockHeader(
            difficulty=IN_TURN_DIFFICULTY,
            block_number=number,
            gas_limit=parent.gas_limit,
            timestamp=time_s,
            parent_hash=parent.hash,
            state_root=parent.state_root,
            extra_data=VANITY + listed + bytes(SEAL_SIZE),
            base_fee_per_gas=calculate_expected_base_fee_per_gas(parent),
            nonce=bytes(8),
        )
        vm = self.chain.get_vm(unsealed)
        transaction = self._checked(vm.get_transaction_builder(), raw_transaction, parent.gas_limit)
        header, receipts, computations = vm.apply_all_transactions([transaction], unsealed)
        if computations[0].is_error:
            raise BatchRefusedError(f"the transaction reverted: {computations[0].error!r}")
        filled = vm.set_block_transactions_and_withdrawals(vm.get_block(), header, [transaction], receipts)
        block = vm.mine_block(filled).block
        return block.copy(header=sign_block_header(block.header, self._key))

    def _checked(self, builder: Any, raw_transaction: bytes, gas_limit: int) -> Any:
        """The transaction, decoded, when it keeps the rules that keep the base fee at 0 and imports equal."""
        try:
            transaction = builder.decode(raw_transaction)
            tip = transaction.max_priority_fee_per_gas
        except (RLPException, ValidationError, PyEVMError, AttributeError) as err:
            raise BatchRefusedError(f"the transaction cannot be read: {err}") from err
        if tip:
            raise BatchRefusedError("the tip must be 0: a tip goes to another address at import")
        if transaction.gas > gas_limit // 2 - 1:
            raise BatchRefusedError("the gas must stay under half a block: more lifts the base fee for ever")
        return transaction

    def _snapshot(self, header: BlockHeaderAPI) -> Snapshot:
        snapshots: SnapshotManager = self.chain.consensus_context.snapshot_manager
        return snapshots.get_or_create_snapshot(header.block_number, header.hash)

    def _seed_snapshot(self) -> None:
        """The sealers kept with the head: without them the engine walks back to the last epoch, header by header."""
        if SNAPSHOT_KEY not in self._pending:
            raise ChainStorageError("the sealers of the head are missing: restore a backup", self._store.directory)
        snapshot = decode_snapshot(self._pending[SNAPSHOT_KEY])
        if snapshot.block_hash != self.header.hash:
            raise ChainStorageError("the sealers kept are not the head's: restore a backup", self._store.directory)
        if set(snapshot.signers) != {self.sealer}:
            listed = ", ".join("0x" + sealer.hex() for sealer in sorted(snapshot.signers))
            raise ChainForeignError(
                f"is sealed by {listed}, not by 0x{self.sealer.hex()}: give this chain's sealer key",
                self._store.directory,
            )
        self.chain.consensus_context.snapshot_manager._snapshots[snapshot.block_hash] = snapshot
