"""API keys as the service hands them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class ApiKeyView:
    """A credential without its secret; `secret` is the whole text of one just made, for its owner, told once."""

    key_id: str
    party: int
    label: str
    scopes: tuple[str, ...]
    state: str  # active, revoked, expired, dismissed
    signed_in: bool  # made by answering a challenge
    created_at: datetime
    expires_at: datetime | None  # None: made before keys had an end
    last_used_at: datetime | None  # about an hour exact
    revoked_at: datetime | None
    made_by: int | None
    made_with: str | None  # key_id
    made_in: str | None  # session_id
    secret: str = field(default="", repr=False)
