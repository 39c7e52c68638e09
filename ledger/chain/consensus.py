"""The rules of the embedded chain: London under EIP-225 (Clique) with a period of 0.

Equal timestamps are allowed, future ones never; nothing is paid to the zero coinbase; the clock is injected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from eth.abc import BlockHeaderAPI
from eth.chains.base import Chain
from eth.consensus.clique._utils import get_block_signer, is_in_turn, validate_header_integrity
from eth.consensus.clique.clique import CliqueApplier, CliqueConsensus, CliqueConsensusContext
from eth.vm.forks.london import LondonVM
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from ledger.chain.identity import ChainRules
from ledger.chain.limits import CLOCK_STEP_BACK_MAX_S
from ledger.chain.records import SEAL_SIZE

Clock = Callable[[], int]  # seconds since 1970, UTC


class LedgerConsensus(CliqueConsensus):
    """EIP-225 as py-evm implements it, with the clock injected and the fee recipient known before the seal."""

    sealer: ClassVar[Address]
    clock: ClassVar[Clock]

    @classmethod
    def get_fee_recipient(cls, header: BlockHeaderAPI) -> Address:
        """The sealer, also while the header has no seal yet: an import pays the recovered sealer."""
        if not any(header.extra_data[-SEAL_SIZE:]):
            return cls.sealer
        return super().get_fee_recipient(header)

    def validate_seal(self, header: BlockHeaderAPI) -> None:
        if header.timestamp > type(self).clock() + CLOCK_STEP_BACK_MAX_S:
            raise ValidationError(f"invalid future timestamp: {header.timestamp}")
        # its time is checked above, against the injected clock; everything else by the engine
        validate_header_integrity(header.copy(timestamp=0), self._epoch_length)

    def validate_seal_extension(self, header: BlockHeaderAPI, parents: Iterable[BlockHeaderAPI]) -> None:
        self.validate_seal(header)
        snapshot = self._snapshot_manager.get_or_create_snapshot(header.block_number - 1, header.parent_hash, parents)
        signer = get_block_signer(header)
        if signer not in snapshot.signers:
            raise ValidationError(f"{header} is sealed by 0x{signer.hex()}, who is not a sealer")
        if header.difficulty != (2 if is_in_turn(signer, snapshot, header) else 1):
            raise ValidationError(f"{header} has difficulty {header.difficulty}, wrong for its turn")
        self._snapshot_manager.apply(snapshot, header)


class LedgerVMBase(LondonVM):
    """London with Clique's equal timestamps, and nothing paid to the zero coinbase."""

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        """As the engine's, but a period of 0 allows a timestamp equal to the parent's."""
        if header.timestamp < parent_header.timestamp:
            raise ValidationError(f"timestamp {header.timestamp} is before the parent's {parent_header.timestamp}")
        super().validate_header(header.copy(timestamp=parent_header.timestamp + 1), parent_header)

    def _assign_block_rewards(self, block: Any) -> None:
        """Clique has no rewards; not touching the coinbase is what other clients do."""


def chain_class(rules: ChainRules, sealer: bytes, clock: Clock) -> type[Any]:
    """The engine's chain class for one chain: its rules are class attributes there."""
    vm = CliqueApplier().amend_vm_configuration(((0, LedgerVMBase),))[0][1]
    consensus = type("Consensus", (LedgerConsensus,), {"sealer": sealer, "clock": staticmethod(clock)})
    context = type("ConsensusContext", (CliqueConsensusContext,), {"epoch_length": rules.epoch_length})
    configured: type[Any] = Chain.configure(
        __name__="LedgerChain",
        vm_configuration=((0, vm.configure(consensus_class=consensus)),),
        chain_id=rules.chain_id,
        consensus_context_class=context,
    )
    return configured
