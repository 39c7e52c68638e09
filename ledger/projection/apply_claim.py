"""What one operation changes in p_claim: an invoice leaves the claim that had it, enters the one that has it."""

from __future__ import annotations

from ledger.projection.draft import Changes
from ledger.projection.step import Change, Step
from verifier.operations import Code
from verifier.words import Claim, Entry

CLAIMING = frozenset({Code.LOCK, Code.REGISTER_OUTSIDE})


def is_settled_or_booked(row: Changes) -> bool:
    """Whether an invoice was paid out or stands in somebody's books: a new registration then only disputes."""
    return row["claim"] == Claim.SETTLED or row["entry"] in (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE)


def move_claim(step: Step, change: Change) -> None:
    """Counts the invoice out of its old claim and into its new one; nothing when neither changed."""
    before, after = change.before, change.after
    old_key = None if before is None or before["claim"] != Claim.LOCKED else _key(before)
    taken = _is_taken(step, change)
    if before is not None and old_key is not None and (taken or after["claim"] != Claim.LOCKED):
        _leave(step, old_key, before["claimed_fen"], after["claim"], taken=taken)
    key = _key(after)
    if taken and key is not None:
        _enter(step, key, after["claimed_fen"])


def _is_taken(step: Step, change: Change) -> bool:
    """Whether the operation claimed the invoice; a registration that only disputes does not."""
    if step.operation.code == Code.REGISTER_OUTSIDE:
        return change.before is None or not is_settled_or_booked(change.before)
    return step.operation.code == Code.LOCK


def _key(row: Changes) -> tuple[str, int, int] | None:
    return None if row["claim_id"] is None else (row["claim_id"], row["claimant"], row["employer"])


def _leave(step: Step, key: tuple[str, int, int], fen: int, state: int, *, taken: bool) -> None:
    claims = step.draft.claims
    row = claims.get(*key)
    if row is None:
        return
    row["locked_count"] -= 1
    row["locked_fen"] -= fen
    if taken or state == Claim.FREE:
        row["released_count"] += 1  # unlocked, displaced, or its lock lapsed and the holder went on
    elif state == Claim.SETTLED:
        row["settled_count"] += 1
        row["settled_fen"] += fen
    else:
        row["cancelled_count"] += 1
    row["changed_at"] = step.time_s
    claims.put(row)


def _enter(step: Step, key: tuple[str, int, int], fen: int) -> None:
    claims = step.draft.claims
    row = claims.get(*key) or {
        "claim_id": key[0],
        "claimant": key[1],
        "employer": key[2],
        "opened_order": step.order,
        "opened_at": step.time_s,
        "locked_count": 0,
        "settled_count": 0,
        "released_count": 0,
        "cancelled_count": 0,
        "locked_fen": 0,
        "settled_fen": 0,
    }
    row["locked_count"] += 1
    row["locked_fen"] += fen
    row["changed_at"] = step.time_s
    claims.put(row)
