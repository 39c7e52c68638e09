"""Sign-in providers as the service hands them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class ProviderView:
    """A provider of an enterprise, without its secret; `sign_in` is the page its people begin at."""

    provider_id: str
    enterprise: int
    issuer: str
    client_id: str
    created_at: datetime
    sign_in: str
    redirect_uri: str  # what the enterprise enters at its provider
    linked_count: int


@dataclass(frozen=True)
class Leaving:
    """Where a browser is sent, and what it keeps until it is back."""

    address: str
    cookie: str = field(repr=False)


@dataclass(frozen=True)
class Choice:
    """A provider a person may link, as its /me page shows it; `linked_at` None: not linked."""

    provider_id: str
    enterprise: int
    issuer: str
    linked_at: datetime | None


def answer_address(public_url: str, provider_id: str) -> str:
    """Address a provider sends people back to; one for each, so that no provider answers for another."""
    return f"{public_url.rstrip('/')}/sign-in/through/{provider_id}/answer"


def sign_in_address(public_url: str, provider_id: str) -> str:
    """Page at which the people of a provider begin."""
    return f"{public_url.rstrip('/')}/sign-in/through/{provider_id}"
