"""A company's claim policy, its approvers' decisions, and finding things by one's own id."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from api.pools import reads, writes
from api.render import answer, claim_json
from api.render_approvals import external_id_json, policy_json
from api.routes.declared import Authenticated, Door, IdempotencyKey, read_answers, router, write_answers
from api.schemas import answers, approvals
from api.schemas.values import ClaimId, PathParty

routes = router("approvals")


@routes.get(
    "/parties/{party}/claim-policy", responses=read_answers(approvals.ClaimPolicy), summary="Read a claim policy"
)
@reads
def read_claim_policy(ledger: Door, caller: Authenticated, party: PathParty) -> Response:
    """From which sum an enterprise's claims need an approval, and who may give it."""
    return answer(policy_json(ledger.approvals.policy(caller, party)))


@routes.put(
    "/parties/{party}/claim-policy",
    status_code=201,
    responses=write_answers(approvals.ClaimPolicy, waits=False),
    summary="Set a claim policy",
)
@writes
def set_claim_policy(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: approvals.ClaimPolicyRequest
) -> Response:
    """The enterprise says what it wants of its claims. The server keeps to it; the contract knows nothing of it."""
    view = ledger.approvals.set_policy(
        caller,
        party,
        approval_required=body.approval_required,
        from_fen=body.from_fen,
        approvers=body.approvers,
        idempotency_key=key,
    )
    return answer(policy_json(view), 201)


@routes.post(
    "/claims/{claim_id}/decision",
    status_code=201,
    responses=write_answers(answers.Claim, waits=False),
    summary="Decide on a claim",
)
@writes
def decide_claim(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, claim_id: ClaimId, body: approvals.ClaimDecision
) -> Response:
    """An approver approves or rejects, the whole or lines; the newest decision counts. A rejection frees nothing."""
    view = ledger.approvals.decide(
        caller, claim_id, decision=body.decision, numbers=body.numbers, note=body.note, idempotency_key=key
    )
    return answer(claim_json(view), 201)


@routes.get(
    "/external-ids/{external_id:path}",
    responses=read_answers(approvals.ExternalIdTargets),
    summary="Find by your own id",
)
@reads
def read_external_id(
    ledger: Door, caller: Authenticated,
    external_id: Annotated[str, Path(description="Your own id, percent-encoded; it may hold slashes.")],
    kind: Annotated[approvals.ExternalIdKind | None, Query()] = None,
    party: Annotated[PathParty | None, Query(description="Whose id; left out: yours and your enterprises'.")] = None,
) -> Response:  # fmt: skip
    """What an own id of the caller, or of an enterprise it acts for, stands for and what became of it."""
    found = ledger.external_ids.find(caller, external_id, kind=kind, party=party)
    return answer({"items": [external_id_json(one) for one in found]})
