"""Shapes of API keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.fields import API_KEY_ID_PATTERN, CHALLENGE_ID_PATTERN, TEXT_PATTERN
from api.schemas.answers import Time
from api.schemas.values import Party, Strict

LABEL_LENGTH_MAX = 64
LIFETIME_DAYS_MAX = 1_825

ScopeName = Literal["read", "issue", "claim", "finance", "manage", "supervise", "all"]
ApiKeyId = Annotated[str, Field(pattern=API_KEY_ID_PATTERN, description="Public part of an API key, 16 hex digits.")]
LifetimeDays = Annotated[
    int, Field(ge=1, le=LIFETIME_DAYS_MAX, description="Days until it ends; left out: a year, or with its maker.")
]


class ApiKeyRequest(Strict):
    """A key to make, which acts as the caller."""

    label: Annotated[
        str, Field(min_length=1, max_length=LABEL_LENGTH_MAX, pattern=TEXT_PATTERN, description="What it is for.")
    ]
    scopes: Annotated[
        list[ScopeName] | None,
        Field(min_length=1, max_length=7, description="What it may be used for; left out: as the caller's own."),
    ] = None
    lifetime_days: LifetimeDays | None = None


class ApiKeyEnd(Strict):
    """An object without fields."""


class ApiKey(Strict):
    """A key without its secret."""

    key_id: ApiKeyId
    party: int
    label: str
    scopes: list[ScopeName]
    state: Literal["active", "revoked", "expired", "dismissed", "rotated"]
    signed_in: Annotated[bool, Field(description="Made by answering a challenge.")]
    created_at: Time
    expires_at: Annotated[Time | None, Field(description="null: made before keys had an end.")]
    last_used_at: Annotated[Time | None, Field(description="About an hour exact.")]
    revoked_at: Time | None
    made_by: Annotated[int | None, Field(description="Party that made it; null: the operator, or an enrolment.")]
    made_with: Annotated[str | None, Field(description="Key it was made with; it ends with that one.")]
    made_in: Annotated[
        str | None, Field(description="Session it was made in; it ends with a new password or with every session.")
    ]


class ApiKeyMade(ApiKey):
    """A key just made."""

    api_key: Annotated[
        str, Field(description='The key itself, told once; "" when the Idempotency-Key was used before.')
    ]


class ApiKeyList(Strict):
    """Keys of a party: those that work, then those that ended, each newest first."""

    items: list[ApiKey]


ChallengeId = Annotated[str, Field(pattern=CHALLENGE_ID_PATTERN, description="`challenge_id` as it was given.")]
SIGNATURE_LENGTH_MAX = 256


class ChallengeRequest(Strict):
    """Who is to sign in with its own key, and what for."""

    party: Party
    scopes: Annotated[
        list[ScopeName] | None, Field(min_length=1, max_length=7, description="Left out: everything.")
    ] = None


class ChallengeAsked(Strict):
    """What the party's key is to sign."""

    challenge_id: ChallengeId
    expires_at: Time
    typed_data: Annotated[dict[str, Any], Field(description="EIP-712 typed data, for any wallet.")]


class ChallengeAnswer(Strict):
    """A signature of the typed data."""

    signature: Annotated[
        str, Field(min_length=1, max_length=SIGNATURE_LENGTH_MAX, description="r, s and v: 65 bytes hex, also with 0x.")
    ]
