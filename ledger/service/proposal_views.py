"""What officers read of each other's proposals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ProposalView:
    """A proposal: about a party or an invoice, one of them None. `digest` is the group of a confirmed one.

    `state` is open, confirmed, refused, withdrawn, expired, or ended (its proposer is no officer any more).
    """

    proposal_id: str
    kind: str  # suspend, set_risk_flag
    party: int | None
    party_name: str
    number: str | None
    reason: str
    proposer: int
    proposer_name: str
    proposed_at: datetime
    expires_at: datetime
    state: str
    decided_by: int | None
    decided_by_name: str
    decided_at: datetime | None
    digest: str | None


@dataclass(frozen=True)
class ProposalPage:
    """Proposals, newest first; `next_cursor` is None at the end."""

    items: tuple[ProposalView, ...]
    next_cursor: str | None
