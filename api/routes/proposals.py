"""Two officers: what one proposes, a second one confirms or refuses."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Response

from api.pools import reads, writes
from api.render import answer, written_answer
from api.render_proposals import proposal_json
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    PageSize,
    read_answers,
    router,
    write_answers,
)
from api.schemas import proposals, supervising
from api.schemas.requests import ReasonRequest
from api.schemas.values import Cursor, Number, PathParty
from ledger.service.proposal_views import ProposalView

routes = router("proposals")

ProposalId = Annotated[str, Path(pattern=proposals.PROPOSAL_ID_PATTERN, description="32 hex digits.")]


@routes.post(
    "/parties/{party}/suspension",
    status_code=201,
    responses=write_answers(proposals.Proposal, waits=False),
    summary="Propose to suspend a party",
)
@writes
def propose_suspension(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: ReasonRequest
) -> Response:
    """Officers only. Nothing happens until a second officer confirms; then the party can do nothing until it is
    reinstated."""
    return _proposed(ledger.proposals.suspension(caller, party, reason=body.reason, idempotency_key=key))


@routes.post(
    "/invoices/{number}/risk-flag",
    status_code=201,
    responses=write_answers(proposals.Proposal, waits=False),
    summary="Propose a risk flag",
)
@writes
def propose_risk_flag(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: supervising.OfficerReason
) -> Response:
    """Officers only. Nothing happens until a second officer confirms; then the invoice cannot be handed on, claimed,
    settled or deducted until the flag is cleared."""
    return _proposed(ledger.proposals.flag(caller, number, reason=body.reason, idempotency_key=key))


@routes.get("/proposals", responses=read_answers(proposals.ProposalPage), summary="List proposals")
@reads
def list_proposals(
    ledger: Door, caller: Authenticated, limit: PageSize,
    only_open: Annotated[
        Literal["true", "false"], Query(alias="open", description="Only those that can still be decided on.")
    ] = "false",
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Officers and auditors only: proposals about what the caller oversees, newest first."""
    page = ledger.proposals.page(caller, only_open=only_open == "true", cursor=cursor, limit=limit)
    return answer({"items": [proposal_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.get("/proposals/{proposal_id}", responses=read_answers(proposals.Proposal), summary="Read a proposal")
@reads
def read_proposal(ledger: Door, caller: Authenticated, proposal_id: ProposalId) -> Response:
    """Officers and auditors only: who proposed what, why, until when, and who decided."""
    return answer(proposal_json(ledger.proposals.proposal(caller, proposal_id)))


@routes.post(
    "/proposals/{proposal_id}/confirmation",
    status_code=201,
    responses=write_answers(),
    summary="Confirm another officer's proposal",
)
@writes
def confirm_proposal(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, proposal_id: ProposalId,
    body: proposals.Decision,  # noqa: ARG001  # an object without fields: unknown ones are refused
) -> Response:  # fmt: skip
    """Officers only, never its proposer: what was proposed is signed in the caller's name and recorded."""
    return written_answer(ledger.proposals.confirm(caller, proposal_id, idempotency_key=key))


@routes.post(
    "/proposals/{proposal_id}/refusal",
    status_code=201,
    responses=write_answers(proposals.Proposal, waits=False),
    summary="Refuse a proposal or take it back",
)
@writes
def refuse_proposal(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, proposal_id: ProposalId,
    body: proposals.Decision,  # noqa: ARG001  # an object without fields: unknown ones are refused
) -> Response:  # fmt: skip
    """Officers only: another officer refuses it, its proposer takes it back."""
    return answer(proposal_json(ledger.proposals.refuse(caller, proposal_id, idempotency_key=key)), 201)


def _proposed(view: ProposalView) -> Response:
    return answer(proposal_json(view), 201, {"location": f"/v1/proposals/{view.proposal_id}"})
