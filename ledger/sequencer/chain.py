"""What the sequencer needs of a chain; ledger.chain's writers and readers are such."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ledger.chain.identity import ChainIdentity
from ledger.domain.blocks import BlockHead, ChainBlock
from ledger.domain.groups import SignedGroup


class BatchWriter(Protocol):
    """The one writer of a chain."""

    def commit(self, groups: Sequence[SignedGroup]) -> BlockHead:
        """Seals one block with `groups` in order; on disk when it returns. All of them or none."""
        ...


class BlockReader(Protocol):
    """Reads sealed blocks."""

    @property
    def identity(self) -> ChainIdentity:
        """The chain with the contracts it has by now."""
        ...

    def head(self) -> BlockHead:
        """The newest block."""
        ...

    def block(self, number: int) -> ChainBlock:
        """Block `number` with its groups and what the contract answered each."""
        ...

    def words(self, keys: Sequence[int]) -> list[int]:
        """The contract's words at the head, in the order of `keys`."""
        ...
