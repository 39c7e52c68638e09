"""What deduction changes: p_deduction and p_deducted.

Confirming or filing a period freezes its selections without an event for each; the draft marks them at the block's
end. The contract writes `use` 2 with an invoice's next operation, which says the same.
"""

from __future__ import annotations

from ledger.domain.blocks import BlockHead, SequencedGroup
from ledger.projection.draft import Changes, Draft
from ledger.projection.step import Change, Step
from verifier.operations import Code, Operation
from verifier.words import Kind, Strength, Use

PURPOSE_MASK = 15
REASON_SHIFT = 4
_UNSELECTED = {
    "month": 0,
    "valid_tax_fen": 0,
    "purpose": 0,
    "reason": 0,
    "usage": Use.NONE.value,
    "selected_at": None,
}


def apply_deduction(step: Step, change: Change) -> None:
    """Selects, unselects or freezes the invoice's tax as its new state says."""
    draft, operation, before, after = step.draft, step.operation, change.before, change.after
    if operation.code == Code.ISSUE and after["kind"] == Kind.SPECIAL:
        draft.deductions.put(
            {
                "number": after["number"],
                "party": after["buyer"],
                "issued_order": after["issued_order"],
                "tax_left_fen": after["tax_fen"],
                "transferred_fen": 0,
                **_UNSELECTED,
            }
        )
        return
    if before is None or after["kind"] != Kind.SPECIAL or after["strength"] != Strength.ISSUED_HERE:
        return
    if after["usage"] == before["usage"]:
        return
    row = draft.deductions.get(after["number"])
    if row is None:
        raise step.contradiction()
    if operation.code == Code.SELECT:
        row.update(
            month=operation.month,
            valid_tax_fen=operation.terms,
            purpose=operation.option & PURPOSE_MASK,
            reason=operation.option >> REASON_SHIFT,
            usage=Use.SELECTED.value,
            selected_at=step.time_s,
        )
        _add(draft, row, 1)
    elif after["usage"] == Use.NONE:  # unselected by the buyer, by a flag or by a red
        _add(draft, row, -1)
        row.update(_UNSELECTED)
    else:
        row["usage"] = Use.CONFIRMED.value
    draft.deductions.put(row)


def apply_confirmation(draft: Draft, operation: Operation, group: SequencedGroup, head: BlockHead) -> None:
    """A buyer's period is confirmed."""
    row = _period(draft, operation.subject, operation.month)
    row.update(confirmed_at=head.time_s, confirmed_by=group.signed.group.actor, digest=group.digest)
    draft.deducted.put(row)
    freeze(draft, operation)


def freeze(draft: Draft, operation: Operation) -> None:
    """From now on the selections of that period are final."""
    draft.frozen.append({"of_party": operation.subject, "of_month": operation.month})


def _add(draft: Draft, row: Changes, count: int) -> None:
    period = _period(draft, row["party"], row["month"])
    period["valid_tax_fen"] += count * row["valid_tax_fen"]
    period["count"] += count
    draft.deducted.put(period)


def _period(draft: Draft, party: int, month: int) -> Changes:
    return draft.deducted.get(party, month) or {
        "party": party,
        "month": month,
        "valid_tax_fen": 0,
        "count": 0,
        "confirmed_at": None,
        "confirmed_by": None,
        "digest": None,
    }
