"""What the service tells of a company's claim policy and of decisions on claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Approver:
    """A person who may decide on a company's claims."""

    party: int
    name: str


@dataclass(frozen=True)
class ClaimPolicyView:
    """What a company wants of its claims before its finance may settle them."""

    enterprise: int
    approval_required: bool
    from_fen: int  # claims of this sum and more need an approval; 0 when none does
    approvers: tuple[Approver, ...]
    updated_at: datetime | None  # None: the company never said


@dataclass(frozen=True)
class DecisionView:
    """One decision on a claim, or on one line of it when `number` is not None."""

    decision: str  # approved, rejected
    number: str | None
    approver: int
    approver_name: str
    note: str
    decided_at: datetime


@dataclass(frozen=True)
class ApprovalView:
    """Where a claim stands with its approvers: not_required, waiting, approved or rejected, and every decision."""

    state: str  # rejected: of the lines still locked some were, and none waits
    required: bool
    decisions: tuple[DecisionView, ...] = ()


NO_APPROVAL = ApprovalView("not_required", required=False)
