"""Shapes of answers, as OpenAPI declares them. `api.render` writes them; a test holds every answer against these.

Amounts are integer fen, times RFC 3339 in UTC with `Z`, hashes lower-case hex without 0x.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from api.schemas.requests import ClaimRequest
from api.schemas.values import ClaimState, Hash, Month, Number, PartyKind, Strength, Strict

Time = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z$", json_schema_extra={"format": "date-time"})
]
Status = Literal["accepted", "recorded", "refused", "malformed", "expired"]
DocumentJson = Annotated[dict[str, Any], Field(description="Invoice document (docs/FORMATS.md).")]


class FieldError(Strict):
    """One wrong field."""

    path: Annotated[str, Field(description="Dotted path: `document.lines.0.net_fen`, `query.limit`.")]
    code: Annotated[str, Field(description="Stable code.")]
    message: str
    message_zh: str


class Hold(Strict):
    """Which claim has an invoice; told only to those who may know."""

    claim_id: str
    since: Time
    claimant: int
    claimant_name: str
    employer: int
    employer_name: str
    reference: str


class Refusal(Strict):
    """Why the contract refused."""

    reason: Annotated[str, Field(description="Reason name of docs/OPERATIONS.md.")]
    code: int
    number: Number | None
    message: str
    message_zh: str
    action: Annotated[str, Field(description="What to do.")]
    action_zh: str
    hold: Hold | None


class Receipt(Strict):
    """The operator's signed promise: the group is on chain by `by`, or this convicts the operator."""

    digest: Hash
    accepted_at: Time
    by: Time
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{130}$", description="r, s, v: 65 bytes hex.")]


class Written(Strict):
    """What became of a write. `recorded` is final and on disk; `accepted` is on disk and will be sequenced."""

    status: Status
    digest: Hash
    receipt: Receipt
    numbers: list[Number]
    claim_id: str | None
    party: int | None
    block: int | None
    recorded_at: Time | None
    refusal: Refusal | None


class IssueRow(Strict):
    """Result of one row of a list."""

    index: int
    status: Literal["accepted", "recorded", "refused", "malformed", "expired", "invalid"]
    number: Number | None
    commitment: Hash | None
    errors: list[FieldError]
    refusal: Refusal | None


class IssueListWritten(Written):
    """What became of a list: the group of the valid rows, and a result for each row."""

    issued_count: int
    invalid_count: int
    rows: list[IssueRow]


class ClaimLineRefusal(Strict):
    """One invoice of a refused claim: why it alone would be refused, null when it alone would be taken."""

    number: Number
    refusal: Refusal | None


class ClaimOpened(Written):
    """A new claim; `claim_id` is null when everything it brought is disputed."""

    disputed: Annotated[
        list[Number],
        Field(description="Paid or booked elsewhere before: not in the claim; that company and the officers are told."),
    ]


class Enrolled(Written):
    """An enrolment; `api_key` is the new party's credential."""

    api_key: str


class Problem(Strict):
    """A failure, RFC 9457. Members beyond `instance` occur where the problem type says so."""

    type: Annotated[str, Field(description="Stable, /problems/<name>; docs/API.md lists them all.")]
    title: str
    status: int
    detail: str
    detail_zh: str
    instance: Annotated[str, Field(description="Names this occurrence, as in the server's log.")]
    errors: Annotated[list[FieldError], Field(default_factory=list)]
    reason: str | None = None
    scope: Annotated[str | None, Field(description="What the API key lacks.")] = None
    code: int | None = None
    number: Number | None = None
    action: str | None = None
    action_zh: str | None = None
    hold: Hold | None = None
    digest: Hash | None = None
    receipt: Receipt | None = None
    lines: list[ClaimLineRefusal] | None = None
    remaining: Annotated[ClaimRequest | None, Field(description="Body of a new claim of the rest.")] = None
    rows: list[IssueRow] | None = None
    draft: Annotated[Hash | None, Field(description="What waits for the caller's signature.")] = None
    sign_by: Time | None = None


class Invoice(Strict):
    """One invoice as it is now; `document` is null once it was erased."""

    number: Number
    kind: Literal["ordinary", "special", "red"]
    colour: Literal["normal", "partly_red", "fully_red"]
    claim_state: ClaimState
    entry: Literal["not_booked", "deductible", "not_deductible", "withdrawn"]
    seller: int
    buyer: Annotated[int, Field(description="0: a person.")]
    holder: int
    seller_name: str
    buyer_name: str
    holder_name: str
    gross_fen: int
    tax_fen: int
    month: Month
    issued_at: Time
    changed_at: Time
    issued_block: int
    version: int
    commitment: Hash
    hold: Hold | None
    document: DocumentJson | None
    credited_fen: Annotated[int, Field(description="Taken back by reds.")]
    left_fen: Annotated[int, Field(description="What reds left of the gross; 0 of a red.")]
    reds: Annotated[list[Number], Field(description="Its reds, oldest first.")]
    blue: Annotated[Number | None, Field(description="Of a red: the invoice it credits.")]
    red_reason: str | None
    risk: Annotated[bool, Field(description="Under a risk flag of the tax authority.")]
    risk_reason: str | None
    use: Annotated[Literal["none", "selected", "confirmed"], Field(description="As input tax, as it is by now.")]
    erased: Annotated[bool, Field(description="Its document was erased; the history stays.")]
    issued_here: Annotated[bool, Field(description="False: registered from elsewhere; its issue was not seen here.")]
    strength: Strength
    issued_on: Annotated[
        str | None, Field(description="YYYY-MM-DD in China Standard Time; null: of an outside one, not kept any more.")
    ]


class InvoicePage(Strict):
    items: list[Invoice]
    next_cursor: str | None


class HistoryEntry(Strict):
    """One operation of an invoice's life, in chain order."""

    operation: str
    outcome: Literal["applied", "refused"]
    reason: str | None
    at: Time
    block: int
    actor: int
    actor_name: str
    subject: int
    subject_name: str
    party: int | None
    party_name: str | None
    digest: Hash
    version: int | None
    claim_state: str | None
    holder: int | None
    red: Annotated[Number | None, Field(description="Of a red letter: the red invoice.")]
    blue: Annotated[Number | None, Field(description="Of a red letter: the invoice it credits.")]
    gross_fen: Annotated[int | None, Field(description="Of a slip or red letter: what is credited.")]
    red_reason: str | None
    note: Annotated[str | None, Field(description="Why, of flags, forced unlocking and answers to slips.")]
    proposer: Annotated[int | None, Field(description="Officer that proposed it, where two are needed.")]
    proposer_name: str


class History(Strict):
    number: Number
    items: list[HistoryEntry]


class ClaimLine(Strict):
    number: Number
    state: Literal["locked", "settled", "cancelled", "released"]
    gross_fen: int
    ended: Literal["settled", "withdrawn", "rejected", "force_unlocked", "displaced"] | None
    ended_at: Time | None
    reason: Annotated[str | None, Field(description="Of a released line: why, as finance or the claimant wrote it.")]
    payment_reference: Annotated[str | None, Field(description="Of a settled line.")]
    decision: Annotated[Literal["approved", "rejected"] | None, Field(description="An approver's newest.")]
    issued_here: Annotated[bool, Field(description="False: registered from elsewhere; its issue was not seen here.")]
    strength: Strength


class ClaimDecided(Strict):
    """One decision of an approver; `number` null: on the claim as a whole."""

    decision: Literal["approved", "rejected"]
    number: Number | None
    approver: int
    approver_name: str
    note: str
    decided_at: Time


class ClaimApprovalState(Strict):
    """Where a claim stands with the company's approvers."""

    state: Literal["not_required", "waiting", "approved", "rejected"]
    required: bool
    decisions: list[ClaimDecided]


class Claim(Strict):
    """One claim with its invoices."""

    claim_id: str
    reference: str
    claimant: int
    claimant_name: str
    employer: int
    employer_name: str
    opened_at: Time
    locked_count: int
    settled_count: int
    released_count: int
    locked_fen: int
    settled_fen: int
    lines: list[ClaimLine]
    approval: ClaimApprovalState


class ClaimPage(Strict):
    items: list[Claim]
    next_cursor: str | None


class PartyGrants(Strict):
    person: int
    grants: list[str]


class Segment(Strict):
    first: Number
    last: Number


class Party(Strict):
    """One party."""

    party: int
    kind: PartyKind
    name: str
    tax_id: str | None
    enrolled: bool
    suspended: bool
    quota_fen: int
    filed_through: str | None
    version: int
    identity_hash: str
    certificate_hash: str | None
    grants: list[PartyGrants]
    segments: list[Segment]
    district: Annotated[
        str | None,
        Field(description="Of an enterprise six digits of its code; of an officer where it acts, empty everywhere."),
    ]


class Certificate(Strict):
    """A certificate of a party, and its revocation."""

    certificate_hash: str
    state: Literal["current", "recovering", "former"]
    made_at: Time
    ends_at: Annotated[Time, Field(description="Renew it before: POST /v1/key/renewal.")]
    revoked_at: Time | None
    revoked_by: int | None
    reason: Annotated[str | None, Field(description="Why it was revoked, as in RFC 5280.")]


class CertificateList(Strict):
    items: list[Certificate]


class PartyPage(Strict):
    items: list[Party]
    next_cursor: str | None


class MonthTotals(Strict):
    """One enterprise's month as the contract counts it, and its filing."""

    party: int
    month: Month
    blue_gross_fen: int
    blue_tax_fen: int
    red_gross_fen: int
    red_tax_fen: int
    quota_fen: int
    quota_used_fen: int
    count: int
    open_for_issue: bool
    filed_at: Time | None
    report_hash: str | None
    quota_left_fen: Annotated[int, Field(description="What can still be issued.")]
    quota_returned_fen: Annotated[int, Field(description="Given back by reds of the same month.")]
    lifted: Annotated[bool, Field(description="May issue although months before are not filed.")]


class NumbersReserved(Strict):
    numbers: list[Number]
    expires_at: Time


class PublicEvent(Strict):
    at: Time
    operation: str


class PublicInvoice(Strict):
    """What is public of an invoice once all three agree: no buyer's tax id, no lines."""

    number: Number
    kind: str
    colour: str
    claim_state: str
    seller_name: str
    seller_tax_id: str
    buyer_name: str
    net_fen: int
    tax_fen: int
    gross_fen: int
    issued_on: str
    commitment: Hash
    block: int
    timeline: list[PublicEvent]


class Verdict(Strict):
    """Answer of the public check. When they do not match, the answer is the same whatever differs."""

    matches: bool
    message: str
    message_zh: str
    invoice: PublicInvoice | None


class Health(Strict):
    status: Literal["ok"]
    chain_block: int
    projected_block: int
    waiting_groups: int


class Evidence(Strict):
    """Evidence file of docs/EVIDENCE.md, canonical JSON: save the bytes as they come."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class Statement(Strict):
    """Statement file of docs/EVIDENCE.md, canonical JSON: save the bytes as they come."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class Trust(Strict):
    """Trust file for the verifier."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
