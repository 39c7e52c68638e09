"""Claim policies, decisions and own ids as JSON."""

from __future__ import annotations

from api.render import time_text
from ledger.service.approval_views import ClaimPolicyView
from ledger.service.external_ids import ExternalIdView
from verifier.canonical import Json


def policy_json(view: ClaimPolicyView) -> dict[str, Json]:
    return {
        "enterprise": view.enterprise,
        "approval_required": view.approval_required,
        "from_fen": view.from_fen,
        "approvers": [{"party": one.party, "name": one.name} for one in view.approvers],
        "updated_at": time_text(view.updated_at) if view.updated_at is not None else None,
    }


def external_id_json(view: ExternalIdView) -> dict[str, Json]:
    return {
        "external_id": view.external_id,
        "party": view.party,
        "kind": view.kind,
        "number": view.number,
        "numbers": list(view.numbers),
        "claim_id": view.claim_id,
        "digest": view.digest,
        "status": view.status,
        "created_at": time_text(view.created_at),
    }
