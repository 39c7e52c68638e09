"""Bodies of requests. The invoice document passes as plain JSON: the service checks it and names its fields."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.fields import ADDRESS_PATTERN, SIGNATURE_PATTERN
from api.schemas.outside_items import OUTSIDE_ITEMS_MAX, OutsideInvoice
from api.schemas.values import (
    CLAIM_NUMBERS_MAX,
    DOCUMENTS_MAX,
    PARTY_MAX,
    RESERVE_MAX,
    SEGMENT_BLOCKS_MAX,
    Area,
    District,
    ExternalId,
    Fen,
    GrantName,
    Hash,
    Month,
    Name,
    Number,
    Party,
    Reason,
    Reference,
    RevocationReason,
    Strict,
    TaxId,
)

TIME_MAX = 2**53 - 1


def _first_holder(value: Any) -> int | str | None:
    """A union would name its branches in the path of an error; this names the field alone."""
    if value is None or value in ("seller", "buyer") or (type(value) is int and 1 <= value <= PARTY_MAX):
        return value  # type: ignore[no-any-return]
    raise PydanticCustomError("first_holder_form", "a party id, seller or buyer")


Document = Annotated[
    Any,
    Field(
        description="Invoice document, a draft without number (docs/FORMATS.md).", json_schema_extra={"type": "object"}
    ),
]
Subject = Annotated[Party | None, Field(description="Enterprise the caller acts for; left out: the only one it may.")]
FirstHolder = Annotated[
    int | str | None,
    PlainValidator(_first_holder),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": PARTY_MAX},
                {"enum": ["seller", "buyer"]},
                {"type": "null"},
            ]
        }
    ),
    Field(
        description="First holder: an enrolled person's party id, `seller` until pickup, or `buyer`. Left out: the "
        "buyer if it is named with its tax id, else the seller."
    ),
]
Lines = Annotated[
    Annotated[list[Number], Field(min_length=1, max_length=CLAIM_NUMBERS_MAX)] | None,
    Field(description="Some lines of the claim; left out: all that are still locked."),
]


class IssueRequest(Strict):
    """One invoice to issue."""

    document: Document
    subject: Subject = None
    first_holder: FirstHolder = None
    number: Annotated[Number | None, Field(description="One of the seller's reserved numbers; left out: the next.")] = (
        None
    )
    external_id: ExternalId | None = None


class IssueListRequest(Strict):
    """Invoices of one seller to issue in one signed group."""

    documents: Annotated[list[Document], Field(min_length=1, max_length=DOCUMENTS_MAX)]
    subject: Subject = None
    first_holder: FirstHolder = None
    external_ids: Annotated[
        Annotated[list[ExternalId | None], Field(min_length=1, max_length=DOCUMENTS_MAX)] | None,
        Field(description="Your own id of each document, or null; as many as documents."),
    ] = None


class TransferRequest(Strict):
    """Handing an invoice to another party."""

    to: Annotated[Party, Field(description="New holder.")]
    subject: Subject = None
    external_id: ExternalId | None = None


class BookingRequest(Strict):
    """Entering an invoice into the holder's accounts."""

    deductible: Annotated[bool, Field(description="Label: deductible from income tax or not.")]
    subject: Subject = None
    external_id: ExternalId | None = None


class BookingWithdrawal(Strict):
    """Taking a booking back."""

    reason: Reason
    subject: Subject = None


class ClaimRequest(Strict):
    """Invoices to claim from an employer, all or none; at least one of `numbers` and `outside`."""

    numbers: Annotated[list[Number], Field(default_factory=list, max_length=CLAIM_NUMBERS_MAX)]
    outside: Annotated[
        list[OutsideInvoice],
        Field(
            default_factory=list,
            max_length=OUTSIDE_ITEMS_MAX,
            description="Invoices of elsewhere, registered and claimed at once.",
        ),
    ]
    employer: Annotated[Party, Field(description="Enterprise that reimburses.")]
    reference: Reference
    external_id: ExternalId | None = None


class ClaimWithdrawal(Strict):
    """Releasing lines of a claim."""

    numbers: Lines = None


class ClaimApproval(Strict):
    """Reimbursing lines of a claim; irreversible."""

    payment_reference: Annotated[Reference, Field(description="Reference of the payment.")]
    numbers: Lines = None
    external_id: ExternalId | None = None


class ClaimRejection(Strict):
    """Refusing lines of a claim; they are free again."""

    reason: Reason
    numbers: Lines = None


class MonthOpening(Strict):
    """Opening of a month for issuing; no fields."""


class KeyChange(Strict):
    """Change of a party's key; no fields."""


class OwnKeyProof(Strict):
    """A key that its party keeps itself, and the proof that it holds it (docs/API.md, "Keys of your own")."""

    address: Annotated[str, Field(pattern=ADDRESS_PATTERN, description="The key's address.")]
    time: Annotated[int, Field(ge=0, le=TIME_MAX, description="When the proof was signed, seconds since 1970, UTC.")]
    signature: Annotated[str, Field(pattern=SIGNATURE_PATTERN, description="r, s and v of the proof: 65 bytes as hex.")]


class KeyRotation(Strict):
    """Change of the caller's own key."""

    own: Annotated[
        OwnKeyProof | None, Field(description="A key the caller keeps itself; left out: one made and kept here.")
    ] = None


class OfficerRequest(Strict):
    """Appointment of an officer; the key pair is made and kept by the server."""

    name: Name
    district: District = ""


class DistrictRequest(Strict):
    """Where an officer is appointed for from now on."""

    district: District


class NumbersRequest(Strict):
    """Numbers to hold for a seller, for tills that issue off line."""

    count: Annotated[int, Field(ge=1, le=RESERVE_MAX)]
    subject: Subject = None


class EnrolRequest(Strict):
    """Enrolment of an enterprise or a person; the key pair is made and kept by the server."""

    kind: Literal["enterprise", "person"]
    name: Name
    tax_id: Annotated[TaxId | None, Field(description="Of an enterprise; a person has none.")] = None
    quota_fen: Annotated[Fen, Field(description="Gross an enterprise may issue in a month; 0 for a person.")] = 0
    first_month: Annotated[Month | None, Field(description="First month an enterprise may issue in.")] = None


class QuotaRequest(Strict):
    """Gross a party may issue in one month."""

    quota_fen: Fen


class SegmentRequest(Strict):
    """Numbers to allot to an enterprise, in blocks of 10,000."""

    blocks: Annotated[int, Field(ge=1, le=SEGMENT_BLOCKS_MAX)]
    area: Annotated[Area | None, Field(description="Area of the new numbers; left out: the ledger's own.")] = None


class ReasonRequest(Strict):
    """Why a party is suspended or reinstated."""

    reason: Reason


class RevocationRequest(Strict):
    """A certificate to revoke, and why."""

    reason: RevocationReason
    certificate_hash: Annotated[
        Hash | None, Field(description="Which; left out: the one of the key that the party has now.")
    ] = None


class MemberRequest(Strict):
    """A member that leaves; `subject`: the enterprise an administrator acts for."""

    subject: Party | None = None


class GrantRequest(Strict):
    """Grants an enterprise gives to, or takes from, a person."""

    person: Annotated[Party, Field(description="The person.")]
    grants: Annotated[list[GrantName], Field(min_length=1, max_length=3)]
    subject: Annotated[
        Party | None, Field(description="The enterprise an administrator acts for; left out: the caller.")
    ] = None


class VerifyRequest(Strict):
    """What somebody who holds an invoice knows of it: all three are needed."""

    number: Number
    gross_fen: Fen
    commitment: Hash
