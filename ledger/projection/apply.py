"""Applying one block to the derived tables: the only code that writes them.

It takes a block as the chain layer reads it and nothing else, so the same blocks always give the same rows,
whether applied as they come, after a restart, or by a rebuild.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from ledger.domain.blocks import (
    BlockHead,
    ChainBlock,
    InvoiceWritten,
    Outcome,
    PartyNamed,
    PartyWritten,
    SequencedGroup,
)
from ledger.projection import queued
from ledger.projection.apply_invoice import apply_invoice
from ledger.projection.apply_party import apply_name, apply_recovery, apply_register
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
from verifier.operations import Code, Operation

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
    invoices, parties = set(), set()
    for group in block.groups:
        parties.add((group.signed.group.actor,))
        for event in group.events:
            if isinstance(event, InvoiceWritten):
                invoices.add((number_text(event.number),))
            elif isinstance(event, PartyWritten):
                parties.add((event.party,))
    draft.invoices.preload(invoices)
    draft.parties.preload(parties)


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
        }
    )
    if group.outcome is Outcome.MALFORMED:
        return  # names nobody, enters no history
    apply_recovery(draft, group, head.time_s)
    events = iter(group.events)
    for index, operation in enumerate(signed.group.operations):
        order = head.number << BLOCK_ORDER_SHIFT | position << GROUP_ORDER_SHIFT | index
        row = _operation_row(group, operation, order, head.time_s)
        draft.operations.append(row)
        if group.outcome is Outcome.REFUSED:
            continue
        event = next(events, None)
        while isinstance(event, PartyNamed):
            apply_name(draft, event, head.time_s)
            event = next(events, None)
        if isinstance(event, InvoiceWritten):
            if event.number != operation.number or event.what != operation.what:
                raise _contradiction(head, group)
            row["state"], row["head"] = word_bytes(event.state), event.head
            apply_invoice(draft, operation, event, group, order, head)
        elif event is None or (isinstance(event, PartyWritten) and event.what != operation.what):
            raise _contradiction(head, group)
        else:
            if isinstance(event, PartyWritten):
                row["state"], row["party"] = word_bytes(event.word), operation.party or event.party
            apply_register(draft, operation, event, group, head)
    if next(events, None) is not None:
        raise _contradiction(head, group)


def _operation_row(group: SequencedGroup, operation: Operation, order: int, time_s: int) -> dict[str, object]:
    what, terms, who, ref = operation.words()
    return {
        "order": order,
        "digest": group.digest,
        "outcome": group.outcome.value,
        "code": operation.code,
        "number": number_text(operation.number) if Code.ISSUE <= operation.code <= Code.UNSELECT else None,
        "party": operation.party or None,
        "actor": group.signed.group.actor,
        "subject": operation.subject,
        "what": word_bytes(what),
        "terms": word_bytes(terms),
        "who": who,
        "ref": ref,
        "state": None,
        "head": None,
        "time_s": time_s,
    }


def _contradiction(head: BlockHead, group: SequencedGroup) -> ProjectionError:
    return ProjectionError(
        f"block {head.number}: the events of group {group.digest.hex()} do not fit its operations", block=head.number
    )
