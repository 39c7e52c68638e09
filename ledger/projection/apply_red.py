"""What red slips and red invoices change: p_slip, p_red, and the totals of the red's month.

The other side of a slip is in no event; it follows from the invoice's row and its buyer's, as docs/OPERATIONS.md
("Red letters") says, and `einvoice audit` holds it against the contract's slip word.
"""

from __future__ import annotations

from ledger.projection.columns import number_text
from ledger.projection.draft import Changes, Draft
from ledger.projection.step import Change, Step
from verifier.operations import Code
from verifier.words import LOCK_LIFETIME_S, Claim, Entry, Kind, SlipState, Use

FEN_MASK = (1 << 48) - 1
DEDUCT = 1  # purpose of a selection whose tax was deducted
SLIP_CODES = frozenset({Code.OPEN_SLIP, Code.CONFIRM_SLIP, Code.REFUSE_SLIP, Code.WITHDRAW_SLIP, Code.VOID_SLIP})


def other_side(draft: Draft, invoice: Changes, time_s: int) -> int:
    """Party that agrees to a red of the invoice beside its seller, 0 for nobody."""
    buyer = draft.parties.get(invoice["buyer"]) if invoice["buyer"] not in (0, invoice["seller"]) else None
    if buyer is not None and buyer["signer"]:
        return int(buyer["id"])
    stands = invoice["claim"] == Claim.LOCKED and time_s < invoice["claimed_at"] + LOCK_LIFETIME_S
    if stands or invoice["claim"] == Claim.SETTLED:
        return int(invoice["employer"])
    return int(invoice["holder"]) if invoice["entry"] in (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE) else 0


def apply_slip(step: Step, invoice: Changes) -> None:
    """Opens, answers, withdraws or voids the invoice's slip; nothing for other operations."""
    code = step.operation.code
    if code not in SLIP_CODES:
        return
    if code == Code.OPEN_SLIP:
        row = _opened(step, invoice)
        invoice["slip_order"] = step.order
        step.draft.invoices.put(invoice)
    else:
        known = step.draft.slips.get(invoice["slip_order"])
        if known is None:
            raise step.contradiction()
        row = known
        by_seller = row["state"] == SlipState.SELLER_OPENED
        if code == Code.CONFIRM_SLIP:
            row.update(state=SlipState.CONFIRMED.value, answered_at=step.time_s)
        elif code == Code.REFUSE_SLIP:
            refused = SlipState.REFUSED_BY_BUYER if by_seller else SlipState.REFUSED_BY_SELLER
            row.update(state=refused.value, answered_at=step.time_s)
        elif code == Code.VOID_SLIP:
            row["state"] = SlipState.VOID.value
        else:
            agreed = row["state"] == SlipState.CONFIRMED
            row["state"] = (SlipState.WITHDRAWN_AFTER_CONFIRMATION if agreed else SlipState.WITHDRAWN).value
        row.update(answerer=None, changed_at=step.time_s)
    step.draft.slips.put(row)


def _opened(step: Step, invoice: Changes) -> Changes:
    operation = step.operation
    other = other_side(step.draft, invoice, step.time_s)
    by_seller = operation.subject == invoice["seller"]
    return {
        "opened_order": step.order,
        "number": invoice["number"],
        "seller": invoice["seller"],
        "opener": operation.subject,
        "other": other,
        "answerer": other if by_seller else invoice["seller"],
        "reason": operation.option,
        "gross_fen": operation.terms & FEN_MASK,
        "tax_fen": operation.terms >> 48 & FEN_MASK,
        "state": (SlipState.SELLER_OPENED if by_seller else SlipState.BUYER_OPENED).value,
        "opened_block": step.head.number,
        "opened_at": step.time_s,
        "answered_at": None,
        "changed_at": step.time_s,
        "digest": step.group.digest,
        "red": None,
    }


def apply_red(step: Step, red: Changes, blue: Change) -> None:
    """A red invoice: its row beside p_invoice, the totals of its month, the slip it uses, the tax it takes back."""
    before = blue.before
    if before is None:
        raise step.contradiction()
    draft = step.draft
    slip = None if before["slip_order"] is None else draft.slips.get(before["slip_order"])
    if slip is not None and slip["state"] == SlipState.CONFIRMED:
        slip.update(state=SlipState.USED.value, red=red["number"], changed_at=step.time_s)
        draft.slips.put(slip)
    deducted = blue.after["usage"] == Use.CONFIRMED
    draft.reds.append(
        {
            "number": red["number"],
            "blue": before["number"],
            "seller": red["seller"],
            "buyer": red["buyer"],
            "month": red["month"],
            "blue_month": before["month"],
            "reason": step.operation.option,
            "gross_fen": red["gross_fen"],
            "tax_fen": red["tax_fen"],
            "issued_order": step.order,
            "issued_at": step.time_s,
            "settled": before["claim"] == Claim.SETTLED,
            "deducted": deducted,
            "transfer_out_fen": _take_tax(draft, before, red["tax_fen"], deducted=deducted),
        }
    )
    totals = totals_of(draft, red["seller"], red["month"])
    totals["red_gross_fen"] += red["gross_fen"]
    totals["red_tax_fen"] += red["tax_fen"]
    totals["quota_used_fen"] -= red["gross_fen"] if red["month"] == before["month"] else 0
    totals["count"] += 1
    draft.totals.put(totals)


def _take_tax(draft: Draft, blue: Changes, tax_fen: int, *, deducted: bool) -> int:
    """Lowers the tax left of a special blue; fen of deducted input tax that its buyer takes back."""
    row = draft.deductions.get(blue["number"]) if blue["kind"] == Kind.SPECIAL else None
    if row is None:
        return 0
    row["tax_left_fen"] -= tax_fen
    back = 0
    if deducted and row["purpose"] == DEDUCT:
        back = min(tax_fen, row["valid_tax_fen"] - row["transferred_fen"])  # no more than was deducted
        row["transferred_fen"] += back
    draft.deductions.put(row)
    return int(back)


def totals_of(draft: Draft, party: int, month: int) -> Changes:
    """The enterprise's month, zeros at first."""
    return draft.totals.get(party, month) or {
        "party": party,
        "month": month,
        "blue_gross_fen": 0,
        "red_gross_fen": 0,
        "blue_tax_fen": 0,
        "red_tax_fen": 0,
        "quota_used_fen": 0,
        "count": 0,
    }


def slip_parties(step: Step, invoice: Changes) -> tuple[int, ...]:
    """Sides of the invoice's last slip, for operations on slips and reds."""
    if step.operation.code not in SLIP_CODES and step.operation.code != Code.ISSUE_RED:
        return ()
    slip = None if invoice["slip_order"] is None else step.draft.slips.get(invoice["slip_order"])
    return () if slip is None else (slip["opener"], slip["other"])


def blue_of(step: Step) -> str:
    """Number of the blue that a red letter names, as it is stored."""
    return number_text(step.operation.terms >> 96 & (1 << 80) - 1)
