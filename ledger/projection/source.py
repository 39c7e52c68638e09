"""What the projection needs of a chain: blocks to derive from, words to hold the result against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ledger.domain.blocks import BlockHead, ChainBlock


class BlockSource(Protocol):
    """A chain to read; ledger.chain's readers are such."""

    def head(self) -> BlockHead:
        """The newest block."""
        ...

    def block(self, number: int) -> ChainBlock:
        """Block `number` with its groups and what the contract answered each."""
        ...

    def words(self, keys: Sequence[int]) -> list[int]:
        """The contract's words at the head, in the order of `keys`."""
        ...
