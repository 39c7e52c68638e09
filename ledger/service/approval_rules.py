"""When a claim needs an approver's decision, and whether it is there.

This is the company's own policy, kept by this server: the contract knows nothing of it and settles what finance signs.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.domain.numbers import format_number
from ledger.projection import Connection, Decision, approvals, claims
from ledger.projection.approvals import ClaimDecision, ClaimPolicy
from ledger.projection.claims import ClaimRecord
from ledger.service.errors import ApprovalMissing
from ledger.service.views import Caller

NOT_REQUIRED, WAITING = "not_required", "waiting"


def needs_approval(policy: ClaimPolicy | None, record: ClaimRecord) -> bool:
    """Whether a claim is one the company wants approved: by what of it is locked or settled."""
    if policy is None or policy.approval_from_fen is None:
        return False
    return record.locked_fen + record.settled_fen >= policy.approval_from_fen


def decided(decisions: Iterable[ClaimDecision], number: int) -> Decision | None:
    """The newest decision on a line, or on the claim as a whole; None while there is none. Oldest come first."""
    found = None
    for one in decisions:
        if one.number in (None, number):
            found = one.decision
    return found


def approval_state(
    *, required: bool, decisions: Iterable[ClaimDecision], locked: Iterable[int], ended: Iterable[int]
) -> str:
    """not_required, waiting, rejected or approved: of the lines still locked, the worst.

    Of a claim without any it is what was said of the lines that `ended` it: those settled, else all of it.
    """
    known = list(decisions)
    waiting = list(locked)
    states = {decided(known, number) for number in waiting or ended}
    if waiting and None in states:
        return WAITING if required else NOT_REQUIRED
    states.discard(None)
    if not states:
        return NOT_REQUIRED
    return (Decision.REJECTED if Decision.REJECTED in states else Decision.APPROVED).value


def need_approval(connection: Connection, record: ClaimRecord, numbers: Iterable[int]) -> None:
    """Lets finance settle those lines. Raises: ApprovalMissing naming the lines that wait or were rejected."""
    policy = approvals.claim_policy(connection, record.employer)
    if not needs_approval(policy, record):
        return
    assert policy is not None
    known = decisions_on(connection, record)
    waiting = [format_number(number) for number in numbers if decided(known, number) is None]
    rejected = [format_number(number) for number in numbers if decided(known, number) is Decision.REJECTED]
    if waiting or rejected:
        raise ApprovalMissing(record.claim_id, policy.approval_from_fen or 0, waiting, rejected)


def decisions_on(connection: Connection, record: ClaimRecord) -> list[ClaimDecision]:
    """Decisions on a claim, oldest first.

    A claim id is its claimant's own: where another claimant used the same one at that company, only decisions
    on single lines count, since one on "the claim" does not say whose.
    """
    same = [one for one in claims.claim(connection, record.claim_id) if one.employer == record.employer]
    found = approvals.decisions(connection, record.claim_id, record.employer)
    return [one for one in found if len(same) == 1 or one.number is not None]


def may_decide(connection: Connection, caller: Caller, record: ClaimRecord) -> bool:
    """Whether the caller may see and decide on a claim: an approver's, of a sum that needs approval, not its own."""
    return (
        not caller.suspended
        and record.claimant != caller.party
        and caller.company in (None, record.employer)
        and approvals.is_approver(connection, record.employer, caller.party)
        and needs_approval(approvals.claim_policy(connection, record.employer), record)
    )
