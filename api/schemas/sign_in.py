"""Bodies of signing in, sessions and invitations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field

from api.schemas.answers import Written
from api.schemas.values import GrantName, Party, Strict

SESSION_ID_PATTERN = r"^[0-9a-f]{32}$"
TEXT_SENT_MAX = 512  # characters of a name or password that are taken at all; how long one may be is said with its code
PARTIES_MAX = 200  # ledger.service.invitations.INVITATIONS_MAX

SessionId = Annotated[str, Path(pattern=SESSION_ID_PATTERN)]
Text = Annotated[str, Field(max_length=TEXT_SENT_MAX)]


class SignInRequest(Strict):
    """A name and a password."""

    name: Text
    password: Text


class ConfirmationRequest(Strict):
    """The password of the session's party."""

    password: Text


class PasswordRequest(Strict):
    """The password as it is and as it is to be."""

    password: Text
    new_password: Text


class AcceptanceRequest(Strict):
    """An invitation, and what its holder chooses."""

    invitation: Text
    name: Text
    password: Text


class InvitationRequest(Strict):
    """Parties to invite."""

    parties: Annotated[list[Party], Field(min_length=1, max_length=PARTIES_MAX)]


class MemberRow(Strict):
    """A person that gets grants of the enterprise; with `invite` also a link to choose a name and password."""

    person: Party
    grants: Annotated[list[GrantName], Field(min_length=1, max_length=3)]
    invite: bool = False


class MembersRequest(Strict):
    """A list of members, all or none of which are granted; `subject`: the enterprise an administrator acts for."""

    rows: Annotated[list[MemberRow], Field(min_length=1, max_length=PARTIES_MAX)]
    subject: Party | None = None


class Session(BaseModel):
    """A session; `current` is the one that asks, `company` the enterprise whose provider opened it (null: none)."""

    session_id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    agent: str
    current: bool
    company: int | None


class SignedIn(BaseModel):
    """Whose session began; its cookie comes with the answer."""

    party: int
    kind: str
    name: str
    session: Session


class SessionList(BaseModel):
    """Sessions of the caller's party, newest first."""

    items: list[Session]


class Ended(BaseModel):
    """How many sessions ended."""

    ended: int


class Invited(BaseModel):
    """An invitation: `invitation` is its secret, `link` the page that takes it."""

    party: int
    invitation: str
    link: str
    expires_at: datetime


class InvitedList(BaseModel):
    """Invitations in the order asked."""

    items: list[Invited]


class ImportedMember(BaseModel):
    """A row of the list: `signed` in the group, or `held` by who had the grants. The invitation is shown once."""

    person: int
    grants: list[GrantName]
    state: Literal["signed", "held"]
    invitation: Invited | None


class ImportedMembers(Written):
    """An imported list, with a result for each row in the order sent."""

    rows: list[ImportedMember]
