"""Bodies of enterprises' sign-in providers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from api.schemas.values import Strict

PROVIDER_ID_PATTERN = r"^[0-9a-f]{32}$"
TEXT_SENT_MAX = 2_048  # characters that are taken at all; how long each may be is said with its code

ProviderId = Annotated[str, Path(pattern=PROVIDER_ID_PATTERN)]
Text = Annotated[str, Field(max_length=TEXT_SENT_MAX)]


class ProviderRequest(Strict):
    """A provider as it knows this ledger: its issuer, and the client it registered for it."""

    issuer: Text
    client_id: Text
    client_secret: Text


class ProviderRemoval(Strict):
    """An empty object."""


class Provider(BaseModel):
    """A sign-in provider: `sign_in` is where its people begin, `redirect_uri` what is entered there. No secret."""

    provider_id: str
    enterprise: int
    issuer: str
    client_id: str
    created_at: datetime
    sign_in: str
    redirect_uri: str
    linked_count: int


class ProviderList(BaseModel):
    """Providers of the caller, oldest first."""

    items: list[Provider]


class ProviderRemoved(BaseModel):
    """How many people had linked an account there."""

    links: int
