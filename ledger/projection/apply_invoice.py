"""What one operation on an invoice changes: p_invoice and p_totals, then its claim, slip, deduction, exceptions."""

from __future__ import annotations

from ledger.domain.blocks import ExceptionRaised, InvoiceWritten
from ledger.projection.apply_claim import CLAIMING, is_settled_or_booked, move_claim
from ledger.projection.apply_deduction import apply_deduction
from ledger.projection.apply_exception import acknowledge, raise_exceptions
from ledger.projection.apply_red import apply_red, apply_slip, blue_of, totals_of
from ledger.projection.columns import number_text, word_bytes
from ledger.projection.draft import Changes, Draft
from ledger.projection.errors import ProjectionError
from ledger.projection.step import Change, Step
from verifier.operations import Code
from verifier.words import Claim, StateWord

FEN_MASK = (1 << 48) - 1
TAX_SHIFT = 48
CLAIM_ID_SHIFT = 96  # of a registration's terms
_UNCLAIMED = {"claim_id": None, "claimant": None, "employer": None, "claimed_at": None, "claimed_fen": None}


def apply_invoice(
    step: Step, written: tuple[InvoiceWritten, ...], raised: tuple[ExceptionRaised, ...]
) -> tuple[Change, ...]:
    """Writes the invoices' new states and what follows from them; the rows before and after, in the order of `written`.

    Raises: ProjectionError when an operation changes an invoice that was never issued.
    """
    changes = tuple(_write(step, event) for event in written)
    operation = step.operation
    for change in changes:
        move_claim(step, change)
    if operation.code == Code.ISSUE_RED:
        apply_red(step, changes[0].after, changes[1])
    else:
        apply_slip(step, changes[0].after)
    apply_deduction(step, changes[-1])
    raise_exceptions(step, changes[-1], raised)
    if operation.code == Code.ACKNOWLEDGE_EXCEPTION:
        acknowledge(step, changes[0].after)
    return changes


def _write(step: Step, event: InvoiceWritten) -> Change:
    draft, operation = step.draft, step.operation
    state = StateWord.unpack(event.state)
    known = draft.invoices.get(number_text(event.number))
    before = None if known is None else dict(known)
    if event.number == operation.number and _is_made(operation.code, known):
        row = {**_made(step, event), "slip_order": None, "exception_order": None}
        if known is not None:  # registered again: what was raised of it stays
            row["exception_order"] = known["exception_order"]
    elif known is None:
        raise ProjectionError(
            f"block {step.head.number} changes invoice {number_text(event.number)}, which was never issued",
            block=step.head.number,
        )
    else:
        row = known
    row.update(_state_columns(state))
    row.update(state=word_bytes(event.state), head=event.head, changed_at=step.time_s)
    _claim_columns(step, row, before)
    if operation.code == Code.SELECT:
        row["deduction_month"] = operation.month
    elif state.use == 0:
        row["deduction_month"] = None
    if operation.code == Code.ISSUE:
        _add_totals(draft, state, row["tax_fen"])
    draft.invoices.put(row)
    return Change(before, row)


def _is_made(code: int, known: Changes | None) -> bool:
    """Whether the operation makes the invoice's row: issued, red, or registered and not only disputed."""
    if code == Code.REGISTER_OUTSIDE:
        return known is None or not is_settled_or_booked(known)
    return code in (Code.ISSUE, Code.ISSUE_RED)


def _made(step: Step, event: InvoiceWritten) -> Changes:
    operation = step.operation
    blue = None
    identity = operation.who
    if operation.code == Code.ISSUE_RED:
        blue = blue_of(step)
        of_blue = step.draft.invoices.get(blue)
        identity = identity if of_blue is None else of_blue["buyer_identity"]
    return {
        "number": number_text(event.number),
        "tax_fen": operation.terms >> TAX_SHIFT & FEN_MASK,
        "issued_order": step.order,
        "issued_block": step.head.number,
        "issued_at": step.time_s,
        "commitment": operation.ref,
        "digest": step.group.digest,
        "buyer_identity": identity,
        "blue": blue,
        "deduction_month": None,
        **_UNCLAIMED,
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
        "reddened_since": bool(state.reddened_since),
    }


def _claim_columns(step: Step, row: Changes, before: Changes | None) -> None:
    operation = step.operation
    disputed = operation.code == Code.REGISTER_OUTSIDE and before is not None and is_settled_or_booked(before)
    if operation.code in CLAIMING and not disputed:
        claim_id = operation.terms if operation.code == Code.LOCK else operation.terms >> CLAIM_ID_SHIFT
        row.update(
            claim_id=f"{claim_id:032x}",
            claimant=step.actor,
            employer=operation.party,
            claimed_at=step.time_s,
            claimed_fen=row["gross_fen"] - row["credited_fen"],
        )
    elif row["claim"] == Claim.FREE:
        row.update(_UNCLAIMED)


def _add_totals(draft: Draft, state: StateWord, tax_fen: int) -> None:
    row = totals_of(draft, state.seller, state.month)
    row["blue_gross_fen"] += state.gross
    row["blue_tax_fen"] += tax_fen
    row["quota_used_fen"] += state.gross
    row["count"] += 1
    draft.totals.put(row)
