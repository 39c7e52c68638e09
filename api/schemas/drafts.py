"""Groups that wait for the signature of a party that keeps its key itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.fields import SIGNATURE_PATTERN
from api.schemas.answers import Time
from api.schemas.values import Hash, Number, Strict

WORD = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
UINT = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,77})$", description="256 bits, decimal.")]


class TypedField(Strict):
    """A field of an EIP-712 type."""

    name: str
    type: str


class TypedDomain(Strict):
    """Which ledger a signature is for."""

    name: str
    version: str
    chainId: int  # noqa: N815 - EIP-712's own names
    verifyingContract: Annotated[str, Field(pattern=r"^0x[0-9a-f]{40}$")]  # noqa: N815


class TypedOperation(Strict):
    """One operation, four words (docs/OPERATIONS.md)."""

    what: UINT
    terms: UINT
    who: WORD
    ref: WORD


class TypedGroup(Strict):
    """The group that is signed."""

    actor: int
    validUntil: int  # noqa: N815
    operations: list[TypedOperation]


class TypedData(Strict):
    """EIP-712 typed data: give it to a wallet as it is."""

    types: dict[str, list[TypedField]]
    primaryType: str  # noqa: N815
    domain: TypedDomain
    message: TypedGroup


class DraftSummary(Strict):
    """A group that waits for the caller's signature."""

    digest: Hash
    created_at: Time
    sign_by: Time
    says: Annotated[list[str], Field(description="What is signed, in words; a line an operation.")]
    numbers: Annotated[list[Number], Field(description="Invoice numbers it takes, held until `sign_by`.")]


class Draft(DraftSummary):
    """The same with what a wallet signs; `digest` is what the wallet computes from it."""

    typed_data: TypedData


class DraftList(Strict):
    """Everything that waits, oldest first; at most 32."""

    items: list[DraftSummary]


class SignatureRequest(Strict):
    """A wallet's signature of a draft."""

    signature: Annotated[
        str, Field(pattern=SIGNATURE_PATTERN, description="r, s and v: 65 bytes as hex, with or without 0x.")
    ]
