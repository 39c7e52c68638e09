"""What the service hands out: frozen values, amounts in fen, times aware UTC, bytes as lower-case hex without 0x."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from ledger.identity import EVERYTHING, Scopes
from ledger.service.approval_views import NO_APPROVAL, ApprovalView
from verifier.canonical import Json


@dataclass(frozen=True)
class Caller:
    """Who calls: the party an API key is bound to. `grants` maps an enterprise's party id to its grant bits."""

    party: int
    kind: str  # authority, officer, enterprise, person, calendar
    identity_text: str
    name: str
    suspended: bool
    grants: dict[int, int] = field(default_factory=dict)
    scopes: Scopes = EVERYTHING  # what its credential is for
    credential_ends_at: int | None = field(default=None, compare=False)  # seconds since 1970, UTC
    auditor: bool = False  # holds the authority's office: reads what an officer reads, writes nothing
    watcher: bool = False  # holds the office of a witness's reader: the chain itself, and nothing else of others
    district: str = ""  # of an officer: 2, 4 or 6 digits; "" is the whole ledger
    administers: frozenset[int] = frozenset()  # enterprises whose members the caller manages in their name
    session: str = ""  # id of the session that authenticated it, "" for an API key
    password_at: int = field(default=0, compare=False)  # when the password was last given in it, seconds since 1970
    credential: str = field(default="", compare=False)  # public part of what the caller signed in with; "" without
    key_id: str | None = field(default=None, compare=False)  # API key it presents, or that its password stems from
    company: int | None = None  # enterprise whose own provider opened the session: the caller acts for it alone

    @property
    def is_officer(self) -> bool:
        """Whether the caller acts for the tax bureau; one dismissed is suspended and does not any more."""
        return self.kind in ("authority", "officer") and not self.suspended

    @property
    def oversees(self) -> bool:
        """Whether the caller reads what is everybody's: an officer, or an auditor."""
        return self.is_officer or self.auditor

    @property
    def oversees_all(self) -> bool:
        """Whether that is the whole ledger: the authority, officers without a district, auditors."""
        return self.oversees and not self.district


class WriteStatus(StrEnum):
    """How far a write has come. `accepted` is durable and will be sequenced; the others are final."""

    ACCEPTED = "accepted"
    RECORDED = "recorded"
    REFUSED = "refused"
    MALFORMED = "malformed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Receipt:
    """The operator's signed promise: the group `digest` was accepted at `accepted_at` and is on chain by `by`.

    `signature` is r, s, v (65 bytes hex) by the operator's key over keccak256("einvoice receipt" + domain separator +
    digest + accepted_at as 8 bytes + by as 8 bytes). A receipt whose group
    is on no chain by then convicts the operator.
    """

    digest: str
    accepted_at: datetime
    by: datetime
    signature: str


@dataclass(frozen=True)
class ClaimHold:
    """Which claim has an invoice: told only to those who may know (claimant, employer's finance, officers)."""

    claim_id: str
    since: datetime
    claimant: int
    claimant_name: str
    employer: int
    employer_name: str
    reference: str  # the claimant's own reference id, "" if none or not theirs to see


@dataclass(frozen=True)
class Refusal:
    """Why the contract refused a group: reason name and code, the number it names, texts, and who has the invoice."""

    reason: str
    code: int
    number: str | None
    message: str
    message_zh: str
    action: str
    action_zh: str
    hold: ClaimHold | None = None


@dataclass(frozen=True)
class Written:
    """Answer to a write. `numbers` are the invoices it is about; exactly one group stands behind it."""

    status: WriteStatus
    digest: str
    receipt: Receipt
    numbers: tuple[str, ...] = ()
    claim_id: str | None = None
    party: int | None = None
    block: int | None = None
    recorded_at: datetime | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class LineRefusal:
    """One invoice of a refused claim and why it alone would be refused; None when it alone would be taken."""

    number: str
    refusal: Refusal | None


@dataclass(frozen=True)
class ClaimWritten:
    """Answer to opening a claim. When refused, `lines` names each invoice; `remaining` can be sent as a new claim,
    those of elsewhere with what they were read from.

    When recorded, `disputed` names invoices of elsewhere that another company paid or booked before: they are not in
    the claim, the stronger proof was noted and that company and the officers told.
    """

    written: Written
    lines: tuple[LineRefusal, ...] = ()
    remaining: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()


@dataclass(frozen=True)
class IssueRow:
    """Result of one row of a list: its number when issued, its problems or refusal when not."""

    index: int
    status: str  # accepted, recorded, refused, invalid
    number: str | None
    commitment: str | None
    problems: tuple[tuple[str, str, str, str], ...] = ()  # (path, code, English, Chinese)
    refusal: Refusal | None = None


@dataclass(frozen=True)
class IssueListWritten:
    """Answer to a list of issues: the group of the valid rows (None when there was none) and a result for each row."""

    written: Written | None
    rows: tuple[IssueRow, ...]


@dataclass(frozen=True)
class InvoiceView:
    """One invoice as it is now, with its document unless that was erased."""

    number: str
    kind: str  # ordinary, special, red
    colour: str  # normal, partly_red, fully_red
    claim_state: str  # free, locked, settled, cancelled
    entry: str  # not_booked, deductible, not_deductible, withdrawn
    seller: int
    buyer: int  # 0: a person
    holder: int
    seller_name: str
    buyer_name: str
    holder_name: str
    gross_fen: int
    tax_fen: int
    month: str  # YYYY-MM
    issued_at: datetime
    changed_at: datetime
    issued_block: int
    version: int
    commitment: str
    hold: ClaimHold | None
    document: dict[str, Json] | None
    credited_fen: int = 0  # taken back by reds
    left_fen: int = 0  # what reds left of the gross; 0 of a red
    reds: tuple[str, ...] = ()  # numbers of its reds, oldest first
    blue: str | None = None  # of a red: the invoice it credits
    red_reason: str = ""  # of a red: issued_in_error, return, service_ended, allowance
    risk: bool = False  # under an officer's risk flag
    risk_reason: str | None = None  # what the officer wrote, while the flag stands
    use: str = "none"  # none, selected, confirmed: as input tax, as it is by now
    issued_here: bool = True  # False: registered from elsewhere, its issue was not seen here; seller is 0
    strength: str = "issued_here"  # else signed_original, original, qr, typed: what its registration proves
    erased: bool = False  # its document was erased; the history stays
    issued_on: date | None = None  # China Standard Time; None: of an outside invoice, not kept any more


@dataclass(frozen=True)
class InvoicePage:
    """One page of a search; `next_cursor` is None on the last."""

    items: tuple[InvoiceView, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class HistoryEntry:
    """One operation of an invoice's life, applied or refused, in chain order."""

    operation: str  # issue, transfer, lock, ...
    outcome: str  # applied, refused
    reason: str | None
    at: datetime
    block: int
    actor: int
    actor_name: str
    subject: int
    subject_name: str
    party: int | None
    party_name: str | None
    digest: str
    version: int | None  # after it; None when refused
    claim_state: str | None
    holder: int | None
    red: str | None = None  # of a red letter: the red invoice
    blue: str | None = None  # of a red letter: the invoice it credits
    gross_fen: int | None = None  # of a slip or a red letter: what is credited
    red_reason: str | None = None  # of a slip's opening or a red letter
    note: str | None = None  # why, of flags, forced unlocking and answers to slips
    proposer: int | None = None  # officer that proposed it, where two were needed; `actor` confirmed
    proposer_name: str = ""


@dataclass(frozen=True)
class ClaimView:
    """One claim with its invoices; amounts in fen."""

    claim_id: str
    reference: str
    claimant: int
    claimant_name: str
    employer: int
    employer_name: str
    opened_at: datetime
    locked_count: int
    settled_count: int
    released_count: int
    locked_fen: int
    settled_fen: int
    lines: tuple[ClaimLine, ...]
    approval: ApprovalView = NO_APPROVAL


@dataclass(frozen=True)
class ClaimLine:
    """One invoice of a claim: locked, settled, cancelled by a full red, or released."""

    number: str
    state: str
    gross_fen: int
    ended: str | None = None  # settled, withdrawn, rejected, force_unlocked, displaced; None while it is locked
    ended_at: datetime | None = None
    reason: str | None = None  # of a released one: why, in the words of who released it
    payment_reference: str | None = None  # of a settled one
    decision: str | None = None  # the newest of an approver: approved, rejected
    strength: str = "issued_here"  # else what this claim's registration proves: signed_original, original, qr, typed


@dataclass(frozen=True)
class ClaimPage:
    items: tuple[ClaimView, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class PartyView:
    """One party; personal names only to those who may see them."""

    party: int
    kind: str
    name: str
    tax_id: str | None
    enrolled: bool
    suspended: bool
    quota_fen: int
    filed_through: str | None  # YYYY-MM
    version: int
    identity_hash: str
    certificate_hash: str | None
    grants: tuple[tuple[int, tuple[str, ...]], ...] = ()  # (person, names of bits), of an enterprise
    segments: tuple[tuple[str, str], ...] = ()  # (first, last number)
    district: str | None = None  # of an enterprise six digits; where an officer is appointed for, "" everywhere


@dataclass(frozen=True)
class CertificateView:
    """A certificate of a party; `reason` as in RFC 5280, in words, None with the other two while it is not revoked."""

    certificate_hash: str
    state: str  # current; recovering: a recovery's, until its 72 h are over; former: replaced, or it never counted
    made_at: datetime
    revoked_at: datetime | None
    revoked_by: int | None
    reason: str | None
    ends_at: datetime  # renew it before


@dataclass(frozen=True)
class PartyPage:
    items: tuple[PartyView, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class MonthView:
    """One enterprise's month: the contract's totals, and its filing if it was filed."""

    party: int
    month: str
    blue_gross_fen: int
    blue_tax_fen: int
    red_gross_fen: int
    red_tax_fen: int
    quota_fen: int
    quota_used_fen: int
    count: int
    open_for_issue: bool
    filed_at: datetime | None
    report_hash: str | None
    quota_left_fen: int = 0  # what can still be issued
    quota_returned_fen: int = 0  # given back by reds of the same month
    lifted: bool = False  # an officer lets it issue although months before are not filed


@dataclass(frozen=True)
class NumbersReserved:
    """Numbers held for a seller until `expires_at`."""

    numbers: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True)
class PublicInvoice:
    """What the public check discloses once number, gross and commitment agree: no buyer tax id, no lines."""

    number: str
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
    commitment: str
    block: int
    timeline: tuple[tuple[datetime, str], ...]  # (when, operation), applied ones only, no names


@dataclass(frozen=True)
class Health:
    """How the installation stands: head of the chain, what is projected, what waits."""

    chain_block: int
    projected_block: int
    waiting_groups: int
