"""What one operation on an invoice changes: p_invoice, p_totals, p_claim."""

from __future__ import annotations

from ledger.domain.blocks import BlockHead, InvoiceWritten, SequencedGroup
from ledger.projection.columns import number_text, word_bytes
from ledger.projection.draft import Changes, Draft
from ledger.projection.errors import ProjectionError
from verifier.operations import Code, Operation
from verifier.words import Claim, StateWord

_FEN_MASK = (1 << 48) - 1
_TAX_SHIFT = 48


def apply_invoice(
    draft: Draft, operation: Operation, event: InvoiceWritten, group: SequencedGroup, order: int, head: BlockHead
) -> None:
    """Writes the invoice's new state and what follows from it.

    Raises: ProjectionError when an operation changes an invoice that was never issued.
    """
    state = StateWord.unpack(event.state)
    if operation.code == Code.ISSUE:
        row = _issued(operation, event, group, order, head)
        _add_totals(draft, state, row["tax_fen"])
    else:
        known = draft.invoices.get(number_text(event.number))
        if known is None:
            raise ProjectionError(
                f"block {head.number} changes invoice {number_text(event.number)}, which was never issued",
                block=head.number,
            )
        row = known
    before = (row["claim"], _claim_key(row))
    row.update(_state_columns(state))
    row.update(state=word_bytes(event.state), head=event.head, changed_at=head.time_s)
    if operation.code == Code.LOCK:
        row.update(
            claim_id=f"{operation.terms:032x}",
            claimant=group.signed.group.actor,
            employer=operation.party,
            claimed_at=head.time_s,
        )
    elif state.claim == Claim.FREE:
        row.update(claim_id=None, claimant=None, employer=None, claimed_at=None)
    draft.invoices.put(row)
    if before != (Claim.FREE, None) or state.claim != Claim.FREE:
        _move_claim(draft, row, before, operation, order, head.time_s)


def _issued(operation: Operation, event: InvoiceWritten, group: SequencedGroup, order: int, head: BlockHead) -> Changes:
    return {
        "number": number_text(event.number),
        "tax_fen": operation.terms >> _TAX_SHIFT & _FEN_MASK,
        "issued_order": order,
        "issued_block": head.number,
        "issued_at": head.time_s,
        "commitment": operation.ref,
        "digest": group.digest,
        "buyer_identity": operation.who,
        "claim": 0,
        "claim_id": None,
        "claimant": None,
        "employer": None,
        "claimed_at": None,
    }


def _state_columns(state: StateWord) -> Changes:
    return {
        "seller": state.seller,
        "buyer": state.buyer,
        "holder": state.holder,
        "kind": state.kind,
        "colour": state.colour,
        "claim": state.claim,
        "entry": state.entry,
        "usage": state.use,
        "risk": state.risk,
        "strength": state.strength,
        "gross_fen": state.gross,
        "credited_fen": state.credited,
        "month": state.month,
        "version": state.version,
    }


def _add_totals(draft: Draft, state: StateWord, tax_fen: int) -> None:
    row = draft.totals.get(state.seller, state.month) or {
        "party": state.seller,
        "month": state.month,
        "blue_gross_fen": 0,
        "red_gross_fen": 0,
        "blue_tax_fen": 0,
        "red_tax_fen": 0,
        "quota_used_fen": 0,
        "count": 0,
    }
    row["blue_gross_fen"] += state.gross
    row["blue_tax_fen"] += tax_fen
    row["quota_used_fen"] += state.gross
    row["count"] += 1
    draft.totals.put(row)


def _claim_key(row: Changes) -> tuple[str, int, int] | None:
    return None if row["claim_id"] is None else (row["claim_id"], row["claimant"], row["employer"])


def _move_claim(
    draft: Draft,
    row: Changes,
    before: tuple[int, tuple[str, int, int] | None],
    operation: Operation,
    order: int,
    time_s: int,
) -> None:
    """Counts the invoice out of the claim that had it and into the one that has it now."""
    old_claim, old_key = before
    key, gross_fen = _claim_key(row), row["gross_fen"]
    settled = row["claim"] == Claim.SETTLED and old_key == key
    if old_claim == Claim.LOCKED and old_key is not None and (operation.code == Code.LOCK or row["claim"] != old_claim):
        old = draft.claims.get(*old_key)
        if old is not None:
            old["locked_count"] -= 1
            old["locked_fen"] -= gross_fen
            if settled:
                old["settled_count"] += 1
                old["settled_fen"] += gross_fen
            else:
                old["released_count"] += 1  # unlocked, or its lock lapsed and the holder went on
            old["changed_at"] = time_s
            draft.claims.put(old)
    if operation.code == Code.LOCK and key is not None:
        new = draft.claims.get(*key) or {
            "claim_id": key[0],
            "claimant": key[1],
            "employer": key[2],
            "opened_order": order,
            "opened_at": time_s,
            "locked_count": 0,
            "settled_count": 0,
            "released_count": 0,
            "locked_fen": 0,
            "settled_fen": 0,
        }
        new["locked_count"] += 1
        new["locked_fen"] += gross_fen
        new["changed_at"] = time_s
        draft.claims.put(new)
