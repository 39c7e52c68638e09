"""Derived tables: what queries read, made from blocks alone by apply.py and never edited elsewhere.

`einvoice rebuild` drops every one of them and derives it again; `einvoice audit` compares them with a replay.
"""

from __future__ import annotations

from sqlalchemy import Index, Table, text

from ledger.projection import columns as column
from ledger.projection import derived_rules  # noqa: F401 - its import fills METADATA with the rest of the derived tables
from ledger.projection.columns import DERIVED_PREFIX, METADATA, Row, table_of


class BlockRow(Row, table=True):
    """One projected block. The highest number is how far the projection has come."""

    __tablename__ = "p_block"

    number: int = column.whole(key=True)
    hash: bytes = column.word()
    parent_hash: bytes = column.word()
    time_s: int = column.whole()
    group_count: int = column.whole()


class GroupRow(Row, table=True):
    """One group as a block holds it. A digest may stand in several blocks: a replay is malformed."""

    __tablename__ = "p_group"
    __table_args__ = (
        Index("ix_p_group_digest", "digest"),
        Index("ix_p_group_refused", "outcome", "block", "position"),
        Index("ix_p_group_actor", "actor", "outcome", "block", "position"),
    )

    block: int = column.whole(key=True)
    position: int = column.whole(key=True)  # in the block, from 0
    digest: bytes = column.word()
    actor: int = column.whole()
    valid_until: int = column.whole()
    signature: bytes = column.blob()  # r 32, s 32, v 1
    signer: bytes = column.blob()  # 20-byte address, empty when none is recovered
    outcome: str = column.text(16)
    reason: int = column.whole()
    refused_number: str | None = column.number(optional=True)
    operation_hashes: bytes = column.blob()  # 32 bytes an operation, in order
    contract: int = column.whole()  # of the ledger's contracts, from 0: the one it was sent to


class OperationRecordRow(Row, table=True):
    """One operation of an applied or refused group, in chain order."""

    __tablename__ = "p_operation"
    __table_args__ = (
        Index("ix_p_operation_number", "number", "order"),
        Index("ix_p_operation_party", "party", "order"),
        Index("ix_p_operation_actor", "actor", "order"),
        Index("ix_p_operation_subject", "subject", "order"),
        Index(
            "ix_p_operation_blue",
            "blue",
            "order",
            sqlite_where=text("blue IS NOT NULL"),
            postgresql_where=text("blue IS NOT NULL"),
        ),
    )

    order: int = column.whole(key=True)  # block << 20 | group << 10 | operation
    digest: bytes = column.word()
    outcome: str = column.text(16)
    code: int = column.whole()
    number: str | None = column.number(optional=True)  # of an invoice operation
    party: int | None = column.whole(optional=True)  # party changed, or the other party named
    actor: int = column.whole()
    subject: int = column.whole()
    what: bytes = column.word()
    terms: bytes = column.word()
    who: bytes = column.word()
    ref: bytes = column.word()
    state: bytes | None = column.word(optional=True)  # state or party word after it; NULL when refused
    head: bytes | None = column.word(optional=True)  # head word after an invoice operation
    time_s: int = column.whole()  # block time
    blue: str | None = column.number(optional=True)  # of a red letter: it is in the history of both
    blue_state: bytes | None = column.word(optional=True)
    blue_head: bytes | None = column.word(optional=True)


class InvoiceRow(Row, table=True):
    """One invoice as it is now."""

    __tablename__ = "p_invoice"
    __table_args__ = (
        Index("uq_p_invoice_issued_order", "issued_order", unique=True),
        Index("ix_p_invoice_seller", "seller", "issued_order"),
        Index("ix_p_invoice_buyer", "buyer", "issued_order"),
        Index("ix_p_invoice_holder", "holder", "issued_order"),
        Index("ix_p_invoice_claimant", "claimant", "issued_order"),
        Index("ix_p_invoice_employer", "employer", "issued_order"),
        Index("ix_p_invoice_month", "month", "issued_order"),
        Index("ix_p_invoice_gross", "gross_fen"),
        Index("ix_p_invoice_claim_id", "claim_id"),
        Index("ix_p_invoice_month_seller", "month", "seller", "number"),
    )

    number: str = column.number(key=True)
    seller: int = column.whole()  # 0: unknown, the invoice was not issued here
    buyer: int = column.whole()  # 0: a person
    holder: int = column.whole()
    kind: int = column.whole()
    colour: int = column.whole()
    claim: int = column.whole()
    entry: int = column.whole()
    usage: int = column.whole()  # as it is by now: a frozen period's selections are confirmed
    risk: int = column.whole()
    strength: int = column.whole()
    gross_fen: int = column.whole()
    tax_fen: int = column.whole()
    credited_fen: int = column.whole()
    month: int = column.whole()  # (year - 2000) * 12 + month - 1
    issued_order: int = column.whole()  # order of the operation that issued it
    issued_block: int = column.whole()
    issued_at: int = column.whole()  # block time, seconds
    changed_at: int = column.whole()  # block time of the last operation
    version: int = column.whole()
    state: bytes = column.word()
    head: bytes = column.word()
    commitment: bytes = column.word()
    digest: bytes = column.word()  # group that issued it, or whose registration counts
    buyer_identity: bytes = column.word()  # identity hash named at issue, zero for a person
    claim_id: str | None = column.text(32, optional=True)  # 32 hex digits, while locked, settled or cancelled
    claimant: int | None = column.whole(optional=True)
    employer: int | None = column.whole(optional=True)
    claimed_at: int | None = column.whole(optional=True)
    claimed_fen: int | None = column.whole(optional=True)  # gross less credited when it was claimed
    reddened_since: bool  # partly red since it was locked: the claim is not settled at the old amount
    blue: str | None = column.number(optional=True)  # of a red: the invoice it credits
    deduction_month: int | None = column.whole(optional=True)  # period it is selected for
    slip_order: int | None = column.whole(optional=True)  # its last slip, p_slip.opened_order
    exception_order: int | None = column.whole(optional=True)  # its last exception, p_exception.order


class PartyRow(Row, table=True):
    """One party as it is now."""

    __tablename__ = "p_party"
    __table_args__ = (
        Index("ix_p_party_identity", "identity"),
        Index("ix_p_party_signer", "signer"),
        Index("ix_p_party_kind", "kind", "id"),
        Index("ix_p_party_filed", "kind", "filed_through", "id"),
    )

    id: int = column.whole(key=True)
    kind: int = column.whole()
    signer: bytes = column.blob()  # 20-byte address; empty for a party that was named but not enrolled
    suspended: bool
    filed_through: int = column.whole()
    quota_fen: int = column.whole()
    version: int = column.whole()
    word: bytes = column.word()
    identity: bytes = column.word()
    certificate_hash: bytes = column.word()
    recovery_signer: bytes | None = column.blob(optional=True)  # set while a recovery is pending
    recovery_at: int | None = column.whole(optional=True)
    recovery_certificate: bytes | None = column.word(optional=True)
    named_at: int = column.whole()  # block time it first appeared


class GrantRow(Row, table=True):
    """What an enterprise granted a person; bits 0 once everything was revoked."""

    __tablename__ = "p_grant"
    __table_args__ = (Index("ix_p_grant_person", "person"),)

    enterprise: int = column.whole(key=True)
    person: int = column.whole(key=True)
    bits: int = column.whole()


class SegmentRow(Row, table=True):
    """One allotment of numbers."""

    __tablename__ = "p_segment"
    __table_args__ = (Index("ix_p_segment_party", "party", "first_number"),)

    first_number: str = column.number(key=True)
    last_number: str = column.number()
    party: int = column.whole()
    allotted_at: int = column.whole()


class TotalsRow(Row, table=True):
    """One enterprise's month."""

    __tablename__ = "p_totals"

    party: int = column.whole(key=True)
    month: int = column.whole(key=True)
    blue_gross_fen: int = column.whole()
    red_gross_fen: int = column.whole()
    blue_tax_fen: int = column.whole()
    red_tax_fen: int = column.whole()
    quota_used_fen: int = column.whole()
    count: int = column.whole()


class MonthRow(Row, table=True):
    """A month that was opened for issuing."""

    __tablename__ = "p_month"

    month: int = column.whole(key=True)
    opens_at: int = column.whole()
    closes_at: int = column.whole()
    digest: bytes = column.word()


class FilingRow(Row, table=True):
    """A month as an enterprise filed it: revision 0, then one more with each refiling; the highest stands."""

    __tablename__ = "p_filing"

    party: int = column.whole(key=True)
    month: int = column.whole(key=True)
    revision: int = column.whole(key=True)
    replaced_hash: bytes | None = column.word(optional=True)  # report hash of the revision before
    totals: bytes = column.word()
    report_hash: bytes = column.word()
    actor: int = column.whole()
    digest: bytes = column.word()
    block: int = column.whole()
    filed_at: int = column.whole()


class ClaimRow(Row, table=True):
    """One claim: the invoices locked under one id by one claimant at one employer."""

    __tablename__ = "p_claim"
    __table_args__ = (
        Index("ix_p_claim_claimant", "claimant", "opened_order"),
        Index("ix_p_claim_employer", "employer", "opened_order"),
    )

    claim_id: str = column.text(32, key=True)  # 32 hex digits
    claimant: int = column.whole(key=True)
    employer: int = column.whole(key=True)
    opened_order: int = column.whole()  # order of its first lock
    opened_at: int = column.whole()
    changed_at: int = column.whole()
    locked_count: int = column.whole()  # now locked under it
    settled_count: int = column.whole()
    released_count: int = column.whole()  # unlocked, displaced, or lapsed and taken elsewhere
    cancelled_count: int = column.whole()  # ended by a full red
    locked_fen: int = column.whole()
    settled_fen: int = column.whole()


class ContractRow(Row, table=True):
    """The successor, once the contract was retired."""

    __tablename__ = "p_contract"

    successor: bytes = column.word(key=True)  # 20 bytes
    block: int = column.whole()


BLOCK = table_of(BlockRow)
GROUP = table_of(GroupRow)
OPERATION_RECORD = table_of(OperationRecordRow)
INVOICE = table_of(InvoiceRow)
PARTY = table_of(PartyRow)
GRANT = table_of(GrantRow)
SEGMENT = table_of(SegmentRow)
TOTALS = table_of(TotalsRow)
MONTH = table_of(MonthRow)
FILING = table_of(FilingRow)
CLAIM = table_of(ClaimRow)
CONTRACT = table_of(ContractRow)


def derived_tables() -> list[Table]:
    """Every table that a rebuild makes again."""
    return [table for name, table in sorted(METADATA.tables.items()) if name.startswith(DERIVED_PREFIX)]
