"""Requests for enrolment, and proofs of possession."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Header
from pydantic import Field

from api.fields import CLAIM_ID_PATTERN, HASH_PATTERN
from api.schemas.answers import Time
from api.schemas.drafts import TypedDomain, TypedField
from api.schemas.requests import OwnKeyProof
from api.schemas.values import Fen, Month, Name, Reason, Strict, TaxId
from ledger.service.enrolment import REFUSED_AT_ONCE_MAX

EnrolmentState = Literal["waiting", "approved", "refused"]
RequestId = Annotated[str, Field(pattern=CLAIM_ID_PATTERN, description="Request id, 32 lower-case hex digits.")]
EnrolmentToken = Annotated[
    str, Header(alias="Enrolment-Token", pattern=HASH_PATTERN, description="`token` of the answer to the request.")
]


class EnrolmentAsk(Strict):
    """A stranger's request to be enrolled under a key it keeps itself."""

    kind: Literal["enterprise", "person"]
    name: Name
    tax_id: Annotated[TaxId, Field(description="The enterprise's; of a person the employer's.")]
    own: Annotated[
        OwnKeyProof,
        Field(description="Purpose `enrol`, identity enterprise:<tax_id> or person@<tax_id>, the name as given."),
    ]


class EnrolmentAsked(Strict):
    """A request that waits for an officer; `token` reads its status and is shown this once."""

    request_id: RequestId
    token: str
    created_at: Time


class EnrolmentStatus(Strict):
    """How far a request is; `party` and `certificate` once it is enrolled, `reason` when it was refused."""

    request_id: RequestId
    state: Literal["waiting", "approved", "enrolled", "refused"]
    created_at: Time
    decided_at: Time | None
    reason: str | None
    party: int | None
    certificate: Annotated[str | None, Field(description="DER as base64.")]


class EnrolmentRequest(Strict):
    """A request as officers see it."""

    request_id: RequestId
    kind: Literal["enterprise", "person"]
    name: str
    tax_id: Annotated[str, Field(description="The enterprise's; of a person the employer's.")]
    address: str
    state: Literal["waiting", "approved", "enrolled", "refused"]
    created_at: Time
    decided_by: int | None
    decided_at: Time | None
    reason: str | None
    party: Annotated[int | None, Field(description="What it became.")]
    employer: Annotated[int | None, Field(description="The enrolled employer of a person.")]


class EnrolmentRequestPage(Strict):
    """Requests, newest first."""

    items: list[EnrolmentRequest]
    next_cursor: str | None


class EnrolmentApproval(Strict):
    """What an enterprise may do once it is enrolled."""

    quota_fen: Annotated[Fen, Field(description="Gross it may issue in a month; without effect for a person.")] = 0
    first_month: Annotated[Month | None, Field(description="First month it may issue in; left out: this one.")] = None


class EnrolmentRefusal(Strict):
    """Why a request is refused; its requester reads it."""

    reason: Reason


class EnrolmentRefusals(Strict):
    """Why several requests are refused."""

    request_ids: Annotated[list[RequestId], Field(min_length=1, max_length=REFUSED_AT_ONCE_MAX)]
    reason: Reason


class EnrolmentsRefused(Strict):
    """Requests that are refused now."""

    request_ids: list[RequestId]


class ProofMessage(Strict):
    """What is proven, for which key, when."""

    purpose: str
    identity: str
    name: str
    key: str
    time: int


class ProofTypedData(Strict):
    """EIP-712 typed data of a proof of possession: give it to the wallet as it is."""

    types: dict[str, list[TypedField]]
    primaryType: str  # noqa: N815 - EIP-712's own name
    domain: TypedDomain
    message: ProofMessage
