"""Officers' proposals as JSON."""

from __future__ import annotations

from api.render import time_text
from ledger.service.proposal_views import ProposalView
from verifier.canonical import Json


def proposal_json(view: ProposalView) -> dict[str, Json]:
    return {
        "proposal_id": view.proposal_id,
        "kind": view.kind,
        "party": view.party,
        "party_name": view.party_name,
        "number": view.number,
        "reason": view.reason,
        "proposer": view.proposer,
        "proposer_name": view.proposer_name,
        "proposed_at": time_text(view.proposed_at),
        "expires_at": time_text(view.expires_at),
        "state": view.state,
        "decided_by": view.decided_by,
        "decided_by_name": view.decided_by_name,
        "decided_at": time_text(view.decided_at) if view.decided_at is not None else None,
        "digest": view.digest,
    }
