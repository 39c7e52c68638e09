"""Shapes of officers' lists."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.answers import Time
from api.schemas.values import Hash, Month, Number, Strict

AreaOf = Annotated[str, Field(description="4 digits of the area that registered the enterprise, empty if unknown.")]


class Nonfiler(Strict):
    """An enrolled enterprise that has not filed the month; sums are of that month."""

    party: int
    name: str
    tax_id: str
    area: AreaOf
    filed_through: Month
    months_behind: int
    suspended: bool
    lifted: Annotated[bool, Field(description="An officer lets it issue in the month.")]
    count: int
    blue_gross_fen: int
    red_gross_fen: int
    gross_fen: Annotated[int, Field(description="Blue less red.")]


class NonfilerPage(Strict):
    items: list[Nonfiler]
    next_cursor: str | None


class SupervisedException(Strict):
    """What happened to an invoice after it was paid out, deducted or claimed; `party` is the company told."""

    number: Number
    kinds: list[str]
    text: str
    text_zh: str
    operation: str
    party: int | None
    party_name: str
    area: AreaOf
    claimant: int | None
    claimant_name: str
    claim_id: str | None
    gross_fen: int
    raised_at: Time
    block: int
    officer_at: Time | None
    party_at: Time | None


class SupervisedExceptionPage(Strict):
    items: list[SupervisedException]
    next_cursor: str | None


class SupervisedRefusal(Strict):
    """A refused group by the operation that broke a rule."""

    reason: Annotated[str, Field(description="Reason name of docs/OPERATIONS.md.")]
    reason_text: str
    reason_text_zh: str
    operation: str
    number: Number | None
    party: Annotated[int, Field(description="Acted for.")]
    party_name: str
    area: AreaOf
    actor: Annotated[int, Field(description="Who signed.")]
    actor_name: str
    gross_fen: int | None
    refused_at: Time
    digest: Hash


class SupervisedRefusalPage(Strict):
    items: list[SupervisedRefusal]
    next_cursor: str | None


class Duplicate(Strict):
    """A second claim or registration of one invoice; `first_*` is null when no claim stood."""

    number: Number
    kind: Literal["locked", "settled", "booked", "displaced", "disputed"]
    gross_fen: int
    first_claimant: int | None
    first_claimant_name: str
    first_employer: int | None
    first_employer_name: str
    first_claim_id: str | None
    first_at: Time | None
    second_claimant: int
    second_claimant_name: str
    second_employer: int
    second_employer_name: str
    area: AreaOf
    second_claim_id: str
    happened_at: Time
    digest: Hash


class DuplicatePage(Strict):
    items: list[Duplicate]
    next_cursor: str | None
