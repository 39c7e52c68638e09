"""Ground tables of the work around invoices: outside originals, claim steps, bulk sheets, tills, reports, webhooks.

As ground.py: never derived, in every backup. What other people wrote (files, drafts, notes) is sealed; what a list
filters by is in the clear. A row that belongs to a signed group names its digest; the group's outcome is asked of the
queue and never copied here, so that a refused group leaves nothing that looks done.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

EXTERNAL_ID_SIZE_MAX = 128  # characters of a caller's own id
ITEM_KIND_SIZE_MAX = 32
TARGET_SIZE_MAX = 64  # characters: an invoice number, a claim id or a digest in hex
URL_SIZE_MAX = 2_048  # characters; what servers commonly take
ERROR_SIZE_MAX = 200  # characters of what a webhook's receiver answered
ID_SIZE = 32  # hex digits of a random 128-bit id


class Decision(StrEnum):
    """What an approver said of a claim, or of one line of it."""

    APPROVED = "approved"
    REJECTED = "rejected"


class WebhookState(StrEnum):
    """Whether events are sent."""

    ACTIVE = "active"
    PAUSED = "paused"  # by its owner, or after a dead letter; the cursor stays
    ENDED = "ended"


class DeliveryState(StrEnum):
    """Where the sending of one event stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"  # given up; sent again only when its owner asks


class BulkState(StrEnum):
    """Where an uploaded sheet stands."""

    DRAFT = "draft"  # read, waits for its owner to sign
    RUNNING = "running"  # rows are being signed; resumed after a break
    DONE = "done"
    CANCELLED = "cancelled"


class JobKind(StrEnum):
    """What the rows of an uploaded sheet are."""

    ISSUE = "issue"  # invoices
    REGISTER = "register"  # enterprises to be enrolled; a row's `number` is what its operation is ordered by


class RowState(StrEnum):
    """Where one row of a sheet stands; what became of a signed one is its group's outcome."""

    INVALID = "invalid"  # cannot be signed, `problems` says why
    READY = "ready"
    DRAFTED = "drafted"  # in the draft `digest`, which waits for the signature of whoever keeps its own key
    SIGNED = "signed"  # in the group `digest`
    BEFORE = "before"  # of a register: the enterprise was enrolled before its turn came
    REFUSED = "refused"  # of a register: the contract refused this row, `problems` says why


class OutsideDocumentRow(Row, table=True):
    """What was read for one registration of an outside invoice. Sealed columns are NULL once it was forgotten."""

    __tablename__ = "outside_document"
    __table_args__ = (
        Index("ix_outside_document_digest", "digest"),
        Index("ix_outside_document_original", "original_hash"),
    )

    number: str = column.number(key=True)
    digest: bytes = column.word(key=True)  # group that registers it
    party: int = column.whole()  # who registered it
    kind: str = column.text(16)  # form of the original: ofd, xml, pdf, qr, typed
    original_hash: bytes | None = column.word(optional=True)  # SHA-256 of the original's bytes; NULL when typed
    sealed_original: bytes | None = column.blob(optional=True)  # the file as it came; NULL when typed
    sealed_document: bytes | None = column.blob(optional=True)  # the fields that were read
    sealed_seed: bytes | None = column.blob(optional=True)  # seed the commitment's salts come from
    commitment: bytes = column.word()
    stored_at: int = column.whole()


class ExternalIdRow(Row, table=True):
    """A caller's own id of something of ours: one target an id, any number of ids a target."""

    __tablename__ = "external_id"
    __table_args__ = (
        UniqueConstraint("party", "kind", "external_id"),
        Index("ix_external_id_target", "party", "kind", "target"),
    )

    seq: int = column.sequence()
    party: int = column.whole()  # whose id it is
    kind: str = column.text(ITEM_KIND_SIZE_MAX)  # what it names: invoice, claim, job...
    external_id: str = column.text(EXTERNAL_ID_SIZE_MAX)
    target: str = column.text(TARGET_SIZE_MAX)
    digest: bytes | None = column.word(optional=True)  # group that makes the target; NULL when it needs none
    created_at: int = column.whole()


class ClaimPolicyRow(Row, table=True):
    """What a company wants of its claims before finance sees them."""

    __tablename__ = "claim_policy"

    enterprise: int = column.whole(key=True)
    approval_from_fen: int | None = column.whole(optional=True)  # claims from this sum need approval; NULL: none do
    updated_by: int = column.whole()
    updated_at: int = column.whole()


class ClaimApproverRow(Row, table=True):
    """A person who may approve claims made at a company."""

    __tablename__ = "claim_approver"
    __table_args__ = (Index("ix_claim_approver_person", "person"),)

    enterprise: int = column.whole(key=True)
    person: int = column.whole(key=True)
    added_by: int = column.whole()
    added_at: int = column.whole()


class ClaimApprovalRow(Row, table=True):
    """One decision on a claim, or on one of its lines. Rows are only added; the newest of a subject counts."""

    __tablename__ = "claim_approval"
    __table_args__ = (Index("ix_claim_approval_claim", "claim_id", "seq"),)

    seq: int = column.sequence()
    claim_id: str = column.text(ID_SIZE)
    employer: int = column.whole()
    number: str | None = column.number(optional=True)  # the line; NULL: the claim as a whole
    approver: int = column.whole()
    decision: str = column.text(16)  # Decision
    sealed_note: bytes | None = column.blob(optional=True)
    decided_at: int = column.whole()


class WebhookRow(Row, table=True):
    """Where a party wants its events sent."""

    __tablename__ = "webhook"
    __table_args__ = (
        Index("ix_webhook_party", "party"),
        Index("ix_webhook_state", "state"),
        Index("ix_webhook_made_with", "made_with"),
    )

    webhook_id: str = column.text(ID_SIZE, key=True)
    party: int = column.whole()
    url: str = column.text(URL_SIZE_MAX)
    sealed_secret: bytes = column.blob()  # key of the signature over each delivery
    cursor_order: int = column.whole()  # order of the last event put into webhook_delivery
    state: str = column.text(16)  # WebhookState
    created_at: int = column.whole()
    updated_at: int = column.whole()
    made_with: str | None = column.text(16, optional=True)  # key_id: it ends with that one


class WebhookDeliveryRow(Row, table=True):
    """The sending of one event to one webhook."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_order"),
        Index("ix_webhook_delivery_state", "webhook_id", "state", "seq"),
        Index(
            "ix_webhook_delivery_due",
            "next_try_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    seq: int = column.sequence()
    webhook_id: str = column.text(ID_SIZE)
    event_order: int = column.whole()  # p_operation.order
    state: str = column.text(16)  # DeliveryState
    attempts: int = column.whole()
    next_try_at: int = column.whole()
    last_status: int | None = column.whole(optional=True)  # HTTP status of the last attempt, NULL without an answer
    last_error: str | None = column.text(ERROR_SIZE_MAX, optional=True)
    created_at: int = column.whole()
    finished_at: int | None = column.whole(optional=True)


class BulkJobRow(Row, table=True):
    """An uploaded sheet."""

    __tablename__ = "bulk_job"
    __table_args__ = (
        UniqueConstraint("job_id"),
        Index("ix_bulk_job_subject", "subject", "seq"),
        Index("ix_bulk_job_state", "state"),
    )

    seq: int = column.sequence()
    job_id: str = column.text(ID_SIZE)
    subject: int = column.whole()  # enterprise it is for; of a register the officer that uploaded it
    party: int = column.whole()  # who uploaded it
    kind: str = column.text(ITEM_KIND_SIZE_MAX)  # JobKind
    file_hash: bytes = column.word()  # SHA-256 of the uploaded bytes
    options: bytes = column.blob()  # the file's name and what holds for every row, sealed
    state: str = column.text(16)  # BulkState
    row_count: int = column.whole()
    created_at: int = column.whole()
    updated_at: int = column.whole()


class BulkRowRow(Row, table=True):
    """One row of a sheet, with its draft and, once signed, the group that holds it."""

    __tablename__ = "bulk_row"
    __table_args__ = (
        Index("ix_bulk_row_state", "job_id", "state", "position"),
        Index("ix_bulk_row_digest", "digest"),
    )

    job_id: str = column.text(ID_SIZE, key=True)
    position: int = column.whole(key=True)  # row of the sheet, from 1
    state: str = column.text(16)  # RowState
    sealed_draft: bytes | None = column.blob(optional=True)
    gross_fen: int | None = column.whole(optional=True)
    tax_fen: int | None = column.whole(optional=True)
    problems: bytes | None = column.blob(optional=True)  # the service's own encoding; NULL when sound
    number: str | None = column.number(optional=True)
    digest: bytes | None = column.word(optional=True)


class TillOrderRow(Row, table=True):
    """A till's signed order and the invoice it became: asked twice it is the same invoice."""

    __tablename__ = "till_order"
    __table_args__ = (
        UniqueConstraint("seller", "order_id"),
        Index("ix_till_order_seller", "seller", "seq"),
        Index("ix_till_order_number", "number"),
    )

    seq: int = column.sequence()
    seller: int = column.whole()
    order_id: str = column.text(EXTERNAL_ID_SIZE_MAX)
    order_hash: bytes = column.word()  # of the signed order's bytes: one id never stands for two orders
    gross_fen: int = column.whole()
    expires_at: int = column.whole()
    number: str | None = column.number(optional=True)
    digest: bytes | None = column.word(optional=True)  # group that issues the invoice
    picked_by: int | None = column.whole(optional=True)  # first holder; NULL: kept for pickup
    seen_at: int = column.whole()


class MonthDeclarationRow(Row, table=True):
    """What an enterprise declares of a month beside its invoices, until it files."""

    __tablename__ = "month_declaration"

    party: int = column.whole(key=True)
    month: int = column.whole(key=True)
    declared: bytes = column.blob()  # un-invoiced sales and the like, canonical JSON, sealed
    updated_by: int = column.whole()
    updated_at: int = column.whole()


class MonthReportRow(Row, table=True):
    """A month's report as it was or will be filed: the bytes behind the report hash on chain."""

    __tablename__ = "month_report"
    __table_args__ = (Index("ix_month_report_month", "party", "month", "stored_at"),)

    report_hash: bytes = column.word(key=True)
    party: int = column.whole()
    month: int = column.whole()
    report: bytes = column.blob()  # salt and canonical JSON, sealed
    stored_by: int = column.whole()
    stored_at: int = column.whole()


OUTSIDE_DOCUMENT = table_of(OutsideDocumentRow)
EXTERNAL_ID = table_of(ExternalIdRow)
CLAIM_POLICY = table_of(ClaimPolicyRow)
CLAIM_APPROVER = table_of(ClaimApproverRow)
CLAIM_APPROVAL = table_of(ClaimApprovalRow)
WEBHOOK = table_of(WebhookRow)
WEBHOOK_DELIVERY = table_of(WebhookDeliveryRow)
BULK_JOB = table_of(BulkJobRow)
BULK_ROW = table_of(BulkRowRow)
TILL_ORDER = table_of(TillOrderRow)
MONTH_DECLARATION = table_of(MonthDeclarationRow)
MONTH_REPORT = table_of(MonthReportRow)
