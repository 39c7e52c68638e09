"""Shapes of what one officer proposes and a second one decides on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.answers import Time
from api.schemas.values import Hash, Number, Strict

PROPOSAL_ID_LENGTH = 32
PROPOSAL_ID_PATTERN = rf"^[0-9a-f]{{{PROPOSAL_ID_LENGTH}}}$"

ProposalId = Annotated[str, Field(pattern=PROPOSAL_ID_PATTERN, description="32 hex digits.")]


class Decision(Strict):
    """Confirming, refusing or taking back says nothing more: an object without fields."""


class Proposal(Strict):
    """What an officer proposed: of `party` and `number` one is null."""

    proposal_id: ProposalId
    kind: Literal["suspend", "set_risk_flag"]
    party: int | None
    party_name: str
    number: Number | None
    reason: str
    proposer: int
    proposer_name: str
    proposed_at: Time
    expires_at: Annotated[Time, Field(description="72 hours after it was proposed.")]
    state: Annotated[
        Literal["open", "confirmed", "refused", "withdrawn", "expired", "ended"],
        Field(description="ended: its proposer's appointment or district ended first."),
    ]
    decided_by: int | None
    decided_by_name: str
    decided_at: Time | None
    digest: Annotated[Hash | None, Field(description="Of a confirmed one: the operation, as /v1/operations has it.")]


class ProposalPage(Strict):
    items: list[Proposal]
    next_cursor: str | None
