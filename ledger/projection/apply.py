"""Applying one block to the derived tables: the only code that writes them.

It takes a block as the chain layer reads it and nothing else, so the same blocks always give the same rows,
whether applied as they come, after a restart, or by a rebuild.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from ledger.domain.blocks import (
    BlockHead,
    ChainBlock,
    ChainEvent,
    ExceptionRaised,
    InvoiceWritten,
    MonthOpened,
    Outcome,
    PartyNamed,
    PartyWritten,
    Retired,
    SequencedGroup,
)
from ledger.projection import queued
from ledger.projection.apply_exception import apply_refusal
from ledger.projection.apply_feed import feed_invoices, feed_party, feed_public, feed_refused
from ledger.projection.apply_invoice import apply_invoice
from ledger.projection.apply_party import apply_name, apply_recovery, apply_register
from ledger.projection.apply_red import blue_of
from ledger.projection.columns import (
    BLOCK_ORDER_SHIFT,
    GROUP_ORDER_SHIFT,
    number_text,
    seconds,
    word_bytes,
)
from ledger.projection.derived import BLOCK
from ledger.projection.draft import Draft
from ledger.projection.errors import ChainDivergedError, ProjectionError
from ledger.projection.step import Step
from verifier.operations import INVOICE_CODES, Code, numbers_written

FIRST_BLOCK = 0  # genesis: a projection that began later could miss groups
_LAST_BLOCK = select(BLOCK).order_by(BLOCK.c.number.desc()).limit(1)  # asked every 20 ms, so built once


def projected_head(connection: Connection) -> BlockHead | None:
    """The last block applied, None before the first."""
    row = connection.execute(_LAST_BLOCK).one_or_none()
    return None if row is None else BlockHead(number=row.number, hash=row.hash, time_s=row.time_s)


def apply_block(connection: Connection, block: ChainBlock) -> bool:
    """Applies `block`, which follows the last one applied, and settles its groups in the queue.

    False when it was applied before. Everything happens in the caller's transaction.

    Raises: ChainDivergedError when it is not of the chain that was applied; ProjectionError when it leaves a gap or
    contradicts itself.
    """
    if not _is_next(connection, block):
        return False
    draft = Draft(connection)
    _preload(draft, block)
    for position, group in enumerate(block.groups):
        _apply_group(draft, block.head, position, group)
    connection.execute(
        BLOCK.insert(),
        {
            "number": block.head.number,
            "hash": block.head.hash,
            "parent_hash": block.parent_hash,
            "time_s": block.head.time_s,
            "group_count": len(block.groups),
        },
    )
    draft.write()
    queued.settle(connection, block)
    return True


def _is_next(connection: Connection, block: ChainBlock) -> bool:
    last = projected_head(connection)
    number = block.head.number
    if last is None:
        if number != FIRST_BLOCK:
            raise ProjectionError(f"a projection begins at block {FIRST_BLOCK}, not {number}", block=number)
        return True
    if number <= last.number:
        known = connection.execute(select(BLOCK.c.hash).where(BLOCK.c.number == number)).scalar_one_or_none()
        if known is not None and known != block.head.hash:
            raise ChainDivergedError(
                f"block {number} of the chain is not the block that was projected: run `einvoice rebuild`", block=number
            )
        return False
    if number != last.number + 1:
        raise ProjectionError(f"block {last.number + 1} comes next, not {number}", block=number)
    if block.parent_hash != last.hash:
        raise ChainDivergedError(
            f"block {number} does not follow the block that was projected: run `einvoice rebuild`", block=number
        )
    return True


def _preload(draft: Draft, block: ChainBlock) -> None:
    """Reads what the block touches in a few statements instead of one an event."""
    invoices: set[tuple[object, ...]] = set()
    parties: set[tuple[object, ...]] = set()
    deductions: set[tuple[object, ...]] = set()
    for group in block.groups:
        parties.add((group.signed.group.actor,))
        if group.outcome is Outcome.APPLIED:
            operations = group.signed.group.operations
            deductions.update((number_text(op.number),) for op in operations if op.code in (Code.SELECT, Code.UNSELECT))
        for event in group.events:
            if isinstance(event, InvoiceWritten):
                invoices.add((number_text(event.number),))
            elif isinstance(event, PartyWritten):
                parties.add((event.party,))
    draft.invoices.preload(invoices)
    draft.parties.preload(parties)
    draft.deductions.preload(deductions)


def _apply_group(draft: Draft, head: BlockHead, position: int, group: SequencedGroup) -> None:
    signed = group.signed
    draft.groups.append(
        {
            "block": head.number,
            "position": position,
            "digest": group.digest,
            "actor": signed.group.actor,
            "valid_until": seconds(signed.group.valid_until),
            "signature": signed.r.to_bytes(32, "big") + signed.s.to_bytes(32, "big") + signed.v.to_bytes(1, "big"),
            "signer": group.signer,
            "outcome": group.outcome.value,
            "reason": group.reason,
            "refused_number": number_text(group.refused_number) if group.outcome is Outcome.REFUSED else None,
            "operation_hashes": b"".join(signed.group.operation_hashes),
            "contract": group.contract,
        }
    )
    if group.outcome is Outcome.MALFORMED:
        return  # names nobody, enters no history
    apply_recovery(draft, group, head.time_s)
    events = iter(group.events)
    refused = group.outcome is Outcome.REFUSED
    told = False
    for index, operation in enumerate(signed.group.operations):
        order = head.number << BLOCK_ORDER_SHIFT | position << GROUP_ORDER_SHIFT | index
        step = Step(draft, head, group, operation, order)
        row = _operation_row(step)
        draft.operations.append(row)
        if refused:
            feed_refused(step)
            if not told and operation.number == group.refused_number:
                told = True
                apply_refusal(step, group.reason)
        elif operation.code in INVOICE_CODES:
            _apply_to_invoices(step, row, events)
        else:
            _apply_to_register(step, row, events)
    if next(events, None) is not None:
        raise Step(draft, head, group, signed.group.operations[-1], 0).contradiction()


def _apply_to_invoices(step: Step, row: dict[str, object], events: Iterator[ChainEvent]) -> None:
    raised: list[ExceptionRaised] = []
    written: list[InvoiceWritten] = []
    for number in numbers_written(step.operation):
        event = next(events, None)
        while isinstance(event, PartyNamed | ExceptionRaised):
            if isinstance(event, PartyNamed):
                apply_name(step.draft, event, step.time_s)
            else:
                raised.append(event)
            event = next(events, None)
        if not isinstance(event, InvoiceWritten) or (event.number, event.what) != (number, step.operation.what):
            raise step.contradiction()
        written.append(event)
    row["state"], row["head"] = word_bytes(written[0].state), written[0].head
    if len(written) > 1:
        row["blue_state"], row["blue_head"] = word_bytes(written[1].state), written[1].head
    changes = apply_invoice(step, tuple(written), tuple(raised))
    feed_invoices(step, changes, tuple(raised))


def _apply_to_register(step: Step, row: dict[str, object], events: Iterator[ChainEvent]) -> None:
    event = next(events, None)
    if isinstance(event, PartyWritten):
        if event.what != step.operation.what:
            raise step.contradiction()
        row["state"], row["party"] = word_bytes(event.word), step.operation.party or event.party
        feed_party(step, event)
    elif isinstance(event, MonthOpened | Retired):
        feed_public(step)
    else:
        raise step.contradiction()
    apply_register(step, event)


def _operation_row(step: Step) -> dict[str, object]:
    operation = step.operation
    what, terms, who, ref = operation.words()
    return {
        "order": step.order,
        "digest": step.group.digest,
        "outcome": step.group.outcome.value,
        "code": operation.code,
        "number": number_text(operation.number) if operation.code in INVOICE_CODES else None,
        "party": operation.party or None,
        "actor": step.actor,
        "subject": operation.subject,
        "what": word_bytes(what),
        "terms": word_bytes(terms),
        "who": who,
        "ref": ref,
        "state": None,
        "head": None,
        "time_s": step.time_s,
        "blue": blue_of(step) if operation.code == Code.ISSUE_RED else None,
        "blue_state": None,
        "blue_head": None,
    }
