"""Answers and filters of the audit log."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.fields import ABOUT_PATTERN, TIME_PATTERN
from api.schemas.answers import Time
from api.schemas.values import Hash, Strict

DETAIL_FIELDS_MAX = 32

AuditKindName = Literal[
    "sign_in", "sign_in_failed", "sign_out", "refused", "key_used", "permission_changed", "officer_query", "erased",
    "exported",
]  # fmt: skip
About = Annotated[
    str,
    Field(
        pattern=ABOUT_PATTERN,
        description="Invoice number, claim, party or another id that entries are about.",
    ),
]


def _moment(value: Any) -> Any:
    """A time with its offset. Raises: PydanticCustomError for a day or an hour that there is none."""
    if not isinstance(value, str):
        return value
    wrong = PydanticCustomError("time_form", "a time with its offset")
    if not re.fullmatch(TIME_PATTERN, value, re.ASCII):
        raise wrong
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise wrong from err


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": TIME_PATTERN}),
    Field(description="RFC 3339 with offset, for example 2026-11-05T02:30:00Z."),
]


class AuditLogEntry(Strict):
    """One entry. `entry_hash` covers it and all entries before."""

    seq: int
    noted_at: Time
    kind: str
    actor: int | None
    about: str
    detail: Annotated[dict[str, Any], Field(max_length=DETAIL_FIELDS_MAX)]
    entry_hash: Hash


class AuditLogPage(Strict):
    """Entries, newest first."""

    items: list[AuditLogEntry]
    next_cursor: str | None
