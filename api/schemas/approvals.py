"""Bodies and answers of claim policies, decisions and the callers' own ids."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.answers import Time
from api.schemas.values import CLAIM_NUMBERS_MAX, Fen, Note, Number, Party, Strict

APPROVERS_MAX = 100
ExternalIdKind = Literal["invoice", "claim", "settlement", "booking", "transfer"]


class ClaimPolicyRequest(Strict):
    """What a company wants of its claims; replaces what it wanted before."""

    approval_required: Annotated[bool, Field(description="Whether claims need an approver before finance.")]
    from_fen: Annotated[Fen, Field(description="Claims of this sum and more do.")] = 0
    approvers: Annotated[list[Party], Field(max_length=APPROVERS_MAX, description="Persons who may decide.")]


class Approver(Strict):
    party: int
    name: str


class ClaimPolicy(Strict):
    """What a company wants of its claims."""

    enterprise: int
    approval_required: bool
    from_fen: int
    approvers: list[Approver]
    updated_at: Annotated[Time | None, Field(description="null: it never said.")]


class ClaimDecision(Strict):
    """An approver's decision on a claim, or on lines of it that are still locked."""

    decision: Literal["approved", "rejected"]
    numbers: Annotated[
        Annotated[list[Number], Field(min_length=1, max_length=CLAIM_NUMBERS_MAX)] | None,
        Field(description="Some lines; left out: the claim as a whole."),
    ] = None
    note: Note = ""


class ExternalIdTarget(Strict):
    """What an own id stands for."""

    external_id: str
    party: Annotated[int, Field(description="Whose id it is.")]
    kind: ExternalIdKind
    number: Annotated[Number | None, Field(description="Of an invoice.")]
    numbers: Annotated[list[Number], Field(description="Invoices of the operation.")]
    claim_id: str | None
    digest: str
    status: Annotated[
        Literal["accepted", "recorded", "refused", "malformed", "expired"],
        Field(description="After a failure the id is free again."),
    ]
    created_at: Time


class ExternalIdTargets(Strict):
    """What an own id stands for, at most one thing of a kind and party."""

    items: list[ExternalIdTarget]
