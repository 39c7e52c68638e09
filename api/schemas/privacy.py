"""Shapes of erasures and of what is kept about one person."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.answers import Time
from api.schemas.values import Reason, Strict


class ErasureRequest(Strict):
    """Why something is erased; kept sealed."""

    reason: Reason


class Erasure(Strict):
    """What was erased, by whom and when; `by` is 0 when a restore applied it again."""

    kind: Literal["invoice", "person"]
    target: Annotated[str, Field(description="Invoice number, or party id of the person.")]
    by: int
    reason: str
    at: Time
    attested: Annotated[bool, Field(description="The authority's key signed it, for the invoice's evidence to say so.")]


class ErasureList(Strict):
    items: list[Erasure]


class PersonExport(Strict):
    """Rows of every table about one person, sealed texts opened, bytes in hex."""

    format: Literal["einvoice-person-1"]
    party: int
    made_at: Time
    tables: Annotated[dict[str, list[dict[str, Any]]], Field(description="Rows by table.")]
    left_out: Annotated[dict[str, list[str]], Field(description="Columns that are never given: keys, secrets.")]
    more_rows_in: Annotated[list[str], Field(description="Tables with more rows than one export holds.")]
