"""Deriving the projection again from the chain, and following the chain block by block.

A rebuild first puts every group's outcome back to "waiting": those on chain are settled again as their blocks
are applied, and those the chain does not hold (after a rollback of it) are sequenced again or expire. Stop the
sequencer first; a rebuild that is interrupted leaves a projection that is right as of an earlier block, and the
sequencer goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from ledger.domain.blocks import BlockHead
from ledger.projection import queued
from ledger.projection.apply import FIRST_BLOCK, apply_block, projected_head
from ledger.projection.columns import METADATA
from ledger.projection.database import reading, writing
from ledger.projection.derived import derived_tables
from ledger.projection.errors import ChainDivergedError
from ledger.projection.source import BlockSource

BLOCKS_IN_ONE_TRANSACTION = 50  # a few MB of rows: quick to commit, and what an interruption loses

Progress = Callable[[int, int], None]  # (block just applied, last block)


def rebuild(engine: Engine, source: BlockSource, progress: Progress | None = None) -> int:
    """Drops every derived table and derives it again from `source`; the number of the last block applied.

    Raises: ProjectionError when a block contradicts itself; DatabaseUnavailableError; what `source` raises.
    """
    with writing(engine) as connection:
        METADATA.drop_all(connection, tables=derived_tables())
        METADATA.create_all(connection, tables=derived_tables())
        queued.reopen(connection)
    return follow(engine, source, progress)


def follow(engine: Engine, source: BlockSource, progress: Progress | None = None, *, until: int | None = None) -> int:
    """Applies every block of `source` that the projection lacks, up to `until`; the number of the last block applied.

    Raises: ChainDivergedError when the projection is of another chain, or of more blocks than this one has.
    """
    last = source.head()
    goal = last.number if until is None else until
    with reading(engine) as connection:
        known = projected_head(connection)
    if known is not None:
        _hold_same_chain(known, last)
    at = FIRST_BLOCK if known is None else known.number + 1
    while at <= goal:
        end = min(at + BLOCKS_IN_ONE_TRANSACTION, goal + 1)
        blocks = [source.block(number) for number in range(at, end)]  # read before the write lock is taken
        with writing(engine) as connection:
            for block in blocks:
                apply_block(connection, block)
        at = end
        if progress is not None:
            progress(at - 1, goal)
    return at - 1


def _hold_same_chain(known: BlockHead, last: BlockHead) -> None:
    """Refuses a chain that ends before, or otherwise than, the projection; further blocks are held by their parents."""
    if known.number > last.number:
        raise ChainDivergedError(
            f"block {known.number} was projected, but the chain ends at {last.number}: restore the chain, or run "
            "`einvoice rebuild`",
            block=known.number,
        )
    if known.number == last.number and known.hash != last.hash:
        raise ChainDivergedError(
            f"block {known.number} of the chain is not the block that was projected: run `einvoice rebuild`",
            block=known.number,
        )
