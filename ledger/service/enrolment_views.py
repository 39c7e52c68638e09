"""What requests for enrolment show: to who made them, and to officers. Times aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class EnrolmentAsked:
    """A request just made; `token` reads its status and is shown this once."""

    request_id: str
    token: str
    created_at: datetime


@dataclass(frozen=True)
class EnrolmentStatus:
    """How far a request is: waiting, approved (on its way to the chain), enrolled, refused.

    `party` and `certificate` (DER as base64) are told once it is enrolled, `reason` of one that was refused.
    """

    request_id: str
    state: str
    created_at: datetime
    decided_at: datetime | None
    reason: str | None
    party: int | None
    certificate: str | None


@dataclass(frozen=True)
class EnrolmentRequestView:
    """A request as officers see it; `tax_id` is the enterprise's, or of a person the employer's.

    `enrolled_as` is the party that has this tax id already, `named_before` whether some invoice named it.
    """

    request_id: str
    kind: str  # enterprise, person
    name: str
    tax_id: str
    address: str
    state: str
    created_at: datetime
    decided_by: int | None
    decided_at: datetime | None
    reason: str | None
    party: int | None
    employer: int | None


@dataclass(frozen=True)
class EnrolmentRequestPage:
    """Requests, newest first."""

    items: tuple[EnrolmentRequestView, ...]
    next_cursor: str | None
