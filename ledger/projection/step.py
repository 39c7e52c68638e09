"""One operation while it is applied: what it is, where it stands, and the rows it may change."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.domain.blocks import BlockHead, SequencedGroup
from ledger.domain.months import month_of
from ledger.domain.times import utc_time
from ledger.projection.draft import Changes, Draft
from ledger.projection.errors import ProjectionError
from verifier.operations import Operation


@dataclass(frozen=True)
class Step:
    """An operation of an applied or refused group; `order` is its place in the chain."""

    draft: Draft
    head: BlockHead
    group: SequencedGroup
    operation: Operation
    order: int

    @property
    def actor(self) -> int:
        """Party that signed."""
        return self.group.signed.group.actor

    @property
    def time_s(self) -> int:
        """Block time, seconds since 1970, UTC."""
        return self.head.time_s

    @property
    def month(self) -> int:
        """Month of the block time in China Standard Time."""
        return month_of(utc_time(self.time_s))

    def contradiction(self) -> ProjectionError:
        """The error of a group whose events do not fit its operations."""
        return ProjectionError(
            f"block {self.head.number}: the events of group {self.group.digest.hex()} do not fit its operations",
            block=self.head.number,
        )


@dataclass(frozen=True)
class Change:
    """An invoice's row before an operation (None when that made it) and after it; the first is a copy."""

    before: Changes | None
    after: Changes
