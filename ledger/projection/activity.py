"""Questions about what happened: blocks, refusals, a party's operations, counts for an overview."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, union

from ledger.domain.blocks import Outcome
from ledger.projection.columns import BLOCK_ORDER_SHIFT, GROUP_ORDER_SHIFT
from ledger.projection.derived import BLOCK, GROUP, INVOICE, OPERATION_RECORD, PARTY
from ledger.projection.invoices import GroupRecord, HistoryStep, group_record, step_of
from ledger.projection.pages import Page, page_of, page_size, parse_cursor

_POSITION_SHIFT = BLOCK_ORDER_SHIFT - GROUP_ORDER_SHIFT


@dataclass(frozen=True)
class BlockRecord:
    """One projected block; hashes have 32 bytes, times are seconds since 1970, UTC."""

    number: int
    hash: bytes
    parent_hash: bytes
    time_s: int
    group_count: int


@dataclass(frozen=True)
class Overview:
    """Counts over the whole ledger."""

    block: int | None
    block_time_s: int | None
    invoices: int
    gross_fen: int
    parties: int
    groups_refused: int


def block(connection: Connection, number: int) -> BlockRecord | None:
    """The projected block with that number."""
    row = connection.execute(select(BLOCK).where(BLOCK.c.number == number)).one_or_none()
    return None if row is None else BlockRecord(**row._mapping)


def blocks(connection: Connection, *, limit: int, cursor: str | None = None) -> Page[BlockRecord]:
    """Projected blocks, newest first. Raises: CursorError; ValueError for a page size outside its limit."""
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(BLOCK).order_by(BLOCK.c.number.desc()).limit(size + 1)
    if before is not None:
        statement = statement.where(BLOCK.c.number < before)
    return page_of([(row.number, BlockRecord(**row._mapping)) for row in connection.execute(statement)], size)


def groups_of_block(connection: Connection, number: int) -> tuple[GroupRecord, ...]:
    """Groups of one block in order."""
    rows = connection.execute(select(GROUP).where(GROUP.c.block == number).order_by(GROUP.c.position))
    return tuple(group_record(row) for row in rows)


def steps_of_group(connection: Connection, block_number: int, position: int) -> tuple[HistoryStep, ...]:
    """Operations of the group at that place, in order; none for a malformed group."""
    first = block_number << BLOCK_ORDER_SHIFT | position << GROUP_ORDER_SHIFT
    rows = connection.execute(
        select(OPERATION_RECORD)
        .where(OPERATION_RECORD.c.order >= first, OPERATION_RECORD.c.order < first + (1 << GROUP_ORDER_SHIFT))
        .order_by(OPERATION_RECORD.c.order)
    )
    return tuple(step_of(row) for row in rows)


def refused(
    connection: Connection, *, actor: int | None = None, limit: int, cursor: str | None = None
) -> Page[GroupRecord]:
    """Groups the contract refused, of one actor or all, newest first.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(GROUP).where(GROUP.c.outcome == Outcome.REFUSED.value)
    if actor is not None:
        statement = statement.where(GROUP.c.actor == actor)
    if before is not None:
        at, position = before >> _POSITION_SHIFT, before & (1 << _POSITION_SHIFT) - 1
        statement = statement.where((GROUP.c.block < at) | ((GROUP.c.block == at) & (GROUP.c.position < position)))
    rows = connection.execute(statement.order_by(GROUP.c.block.desc(), GROUP.c.position.desc()).limit(size + 1))
    return page_of([(row.block << _POSITION_SHIFT | row.position, group_record(row)) for row in rows], size)


def operations_of(connection: Connection, party: int, *, limit: int, cursor: str | None = None) -> Page[HistoryStep]:
    """Operations a party signed, that were made for it, or that name it, newest first, refused ones included.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    table = OPERATION_RECORD
    parts = []
    for role in (table.c.actor, table.c.subject, table.c.party):
        part = select(table.c.order).where(role == party).order_by(table.c.order.desc()).limit(size + 1)
        if before is not None:
            part = part.where(table.c.order < before)
        parts.append(select(part.subquery().c.order))
    rows = connection.execute(
        select(table)
        .where(table.c.order.in_(select(union(*parts).subquery().c.order)))
        .order_by(table.c.order.desc())
        .limit(size + 1)
    )
    return page_of([(row.order, step_of(row)) for row in rows], size)


def overview(connection: Connection) -> Overview:
    """Counts over the whole ledger, as of the last projected block."""
    head = connection.execute(select(BLOCK).order_by(BLOCK.c.number.desc()).limit(1)).one_or_none()
    issued = connection.execute(select(func.count(), func.coalesce(func.sum(INVOICE.c.gross_fen), 0))).one()
    parties = connection.execute(select(func.count()).select_from(PARTY)).scalar_one()
    refusals = connection.execute(
        select(func.count()).select_from(GROUP).where(GROUP.c.outcome == Outcome.REFUSED.value)
    ).scalar_one()
    return Overview(
        block=None if head is None else head.number,
        block_time_s=None if head is None else head.time_s,
        invoices=int(issued[0]),
        gross_fen=int(issued[1]),
        parties=int(parties),
        groups_refused=int(refusals),
    )
