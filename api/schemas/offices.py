"""Bodies and answers of offices."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BeforeValidator, Field

from api.schemas.answers import Time
from api.schemas.values import Hash, Party, Strict, digits_only

OFFICE_NUMBER_MAX = 2**53 - 1  # an integer of JSON

OfficeName = Annotated[
    Literal["auditor", "witness", "administrator"],
    Field(description="auditor and witness: of the authority; administrator: of an enterprise."),
]
OfficeNumber = Annotated[
    int, BeforeValidator(digits_only), Path(ge=1, le=OFFICE_NUMBER_MAX, description="Number of the office.")
]


class OfficeRequest(Strict):
    """Appointment of a person to an office."""

    kind: OfficeName
    party: Annotated[Party, Field(description="The person, enrolled.")]


class OfficeEnding(Strict):
    """End of an office; no fields."""


class Office(Strict):
    """An office of a person."""

    office: int
    kind: OfficeName
    party: int
    name: str
    principal: Annotated[int, Field(description="Who appointed: the authority, or the enterprise.")]
    principal_name: str
    appointed_at: Time
    ended_at: Annotated[Time | None, Field(description="null: it stands.")]
    ended_by: int | None


class OfficePage(Strict):
    items: list[Office]
    next_cursor: str | None


class OfficeUse(Strict):
    """A group signed with the enterprise's key for its administrator."""

    digest: Annotated[Hash, Field(description="Of the group, as of read_operation.")]
    used_at: Time


class OfficeUsePage(Strict):
    items: list[OfficeUse]
    next_cursor: str | None
