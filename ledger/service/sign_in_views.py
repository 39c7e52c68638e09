"""What signing in hands out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ledger.service.views import Caller


@dataclass(frozen=True)
class SessionView:
    """A session of the caller; `current` is the one that asks, `agent` browser and system, "" when not told."""

    session_id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime  # whatever is done with it
    agent: str
    current: bool
    company: int | None = None  # enterprise whose provider opened it; None: the party's own password did


@dataclass(frozen=True)
class SignedIn:
    """A session just begun: `token` is for its cookie only. `device`: what lets this browser try again at leisure."""

    caller: Caller
    session: SessionView
    token: str = field(repr=False)
    device: str = field(repr=False, default="")


def invitation_link(public_url: str, token: str) -> str:
    """Address of the page of an invitation; the token is hex digits and a point."""
    return f"{public_url.rstrip('/')}/invitation?i={token}"


@dataclass(frozen=True)
class Invited:
    """An invitation just made; `token` is shown once, to who hands it on."""

    party: int
    expires_at: datetime
    token: str = field(repr=False)
