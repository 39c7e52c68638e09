"""Derived tables of red letters, deduction, exceptions, supervision and the feed of events; as derived.py.

A cursor of each list is the order of an operation (block << 20 | group << 10 | operation), so lists are in chain order
and a page stays right while blocks are added.
"""

from __future__ import annotations

from sqlalchemy import Index, text

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

PUBLIC = 0  # party of p_event rows that everybody may read: months opened, the contract retired


class SlipRow(Row, table=True):
    """One red slip. A waiting one lapses 72 h after `opened_at`; nothing is written then, so readers derive it."""

    __tablename__ = "p_slip"
    __table_args__ = (
        Index("ix_p_slip_number", "number", "opened_order"),
        Index("ix_p_slip_answerer", "answerer", "opened_order"),
        Index("ix_p_slip_seller", "seller", "opened_order"),
        Index("ix_p_slip_other", "other", "opened_order"),
        Index("ix_p_slip_opener", "opener", "opened_order"),
    )

    opened_order: int = column.whole(key=True)  # order of the operation that opened it
    number: str = column.number()  # the blue invoice
    seller: int = column.whole()
    opener: int = column.whole()
    other: int = column.whole()  # the invoice's other side at opening; the opener itself where that side opened
    answerer: int | None = column.whole(optional=True)  # who is asked while it waits
    reason: int = column.whole()  # 1 issued in error, 2 return, 3 service ended, 4 allowance
    gross_fen: int = column.whole()
    tax_fen: int = column.whole()
    state: int = column.whole()  # verifier.words.SlipState
    opened_block: int = column.whole()
    opened_at: int = column.whole()
    answered_at: int | None = column.whole(optional=True)  # confirmed or refused
    changed_at: int = column.whole()
    digest: bytes = column.word()  # group that opened it
    red: str | None = column.number(optional=True)  # the red invoice that used it


class RedRow(Row, table=True):
    """One red invoice, beside its row in p_invoice: what it took from its blue."""

    __tablename__ = "p_red"
    __table_args__ = (
        Index("ix_p_red_blue", "blue", "issued_order"),
        Index("ix_p_red_seller", "seller", "month", "issued_order"),
        Index("ix_p_red_buyer", "buyer", "month", "issued_order"),
    )

    number: str = column.number(key=True)
    blue: str = column.number()
    seller: int = column.whole()
    buyer: int = column.whole()
    month: int = column.whole()  # of the red
    blue_month: int = column.whole()
    reason: int = column.whole()
    gross_fen: int = column.whole()
    tax_fen: int = column.whole()
    issued_order: int = column.whole()
    issued_at: int = column.whole()
    settled: bool  # the blue was reimbursed when it was reddened
    deducted: bool  # the blue's deduction was frozen when it was reddened
    transfer_out_fen: int = column.whole()  # input tax the buyer deducted and has to take back


class DeductionRow(Row, table=True):
    """Input tax of one special invoice issued here."""

    __tablename__ = "p_deduction"
    __table_args__ = (Index("ix_p_deduction_party", "party", "month", "issued_order"),)

    number: str = column.number(key=True)
    party: int = column.whole()  # the buyer
    month: int = column.whole()  # period it is selected for, 0 for none
    issued_order: int = column.whole()
    tax_left_fen: int = column.whole()  # tax less that of its reds
    valid_tax_fen: int = column.whole()
    purpose: int = column.whole()  # 0 none, 1 deduct, 2 not deduct, 3 export refund
    reason: int = column.whole()  # of not deducting
    usage: int = column.whole()  # verifier.words.Use, as it is by now
    selected_at: int | None = column.whole(optional=True)
    transferred_fen: int = column.whole()  # what reds took back of a frozen deduction


class DeductedRow(Row, table=True):
    """One buyer's period: what is selected for it, of any purpose."""

    __tablename__ = "p_deducted"

    party: int = column.whole(key=True)
    month: int = column.whole(key=True)
    valid_tax_fen: int = column.whole()
    count: int = column.whole()
    confirmed_at: int | None = column.whole(optional=True)
    confirmed_by: int | None = column.whole(optional=True)  # who signed
    digest: bytes | None = column.word(optional=True)  # group that confirmed it


class LiftRow(Row, table=True):
    """A month that an enterprise may issue in although months before it are not filed."""

    __tablename__ = "p_lift"

    party: int = column.whole(key=True)
    month: int = column.whole(key=True)
    lifted_by: int = column.whole()
    lifted_at: int = column.whole()
    digest: bytes = column.word()


class ExceptionRow(Row, table=True):
    """One exception raised by one operation, and who acknowledged it since."""

    __tablename__ = "p_exception"
    __table_args__ = (
        Index("ix_p_exception_number", "number", "order"),
        Index("ix_p_exception_party", "party", "order"),
        Index("ix_p_exception_claimant", "claimant", "order"),
        Index("ix_p_exception_month", "month", "order"),
        Index(
            "ix_p_exception_open",
            "order",
            sqlite_where=text("officer_at IS NULL"),
            postgresql_where=text("officer_at IS NULL"),
        ),
    )

    order: int = column.whole(key=True)  # of the operation that raised it
    number: str = column.number()
    kinds: int = column.whole()  # bits of verifier.words.ExceptionKind, raised by that operation
    party: int = column.whole()  # the company told
    claimant: int | None = column.whole(optional=True)  # of the claim that stood then
    claim_id: str | None = column.text(32, optional=True)
    gross_fen: int = column.whole()  # of the invoice then
    code: int = column.whole()  # operation that raised it
    digest: bytes = column.word()
    block: int = column.whole()
    raised_at: int = column.whole()
    month: int = column.whole()  # of raised_at, China Standard Time
    answerable: bool  # whether the company told can acknowledge: a later one may have named another company
    previous: int | None = column.whole(optional=True)  # order of the exception of this invoice before it
    officer: int | None = column.whole(optional=True)
    officer_at: int | None = column.whole(optional=True)
    party_actor: int | None = column.whole(optional=True)  # who signed for the company
    party_at: int | None = column.whole(optional=True)


class RevocationRow(Row, table=True):
    """A certificate that was revoked."""

    __tablename__ = "p_revocation"
    __table_args__ = (Index("ix_p_revocation_party", "party"),)

    certificate_hash: bytes = column.word(key=True)
    party: int = column.whole()
    reason: int = column.whole()  # RFC 5280
    revoked_by: int = column.whole()
    revoked_at: int = column.whole()
    block: int = column.whole()
    digest: bytes = column.word()


class AnchorRow(Row, table=True):
    """A head of an officer's audit log, put on chain."""

    __tablename__ = "p_anchor"
    __table_args__ = (Index("ix_p_anchor_party", "party", "order"),)

    order: int = column.whole(key=True)
    party: int = column.whole()
    log_head: bytes = column.word()
    anchored_at: int = column.whole()
    digest: bytes = column.word()


class RefusalRow(Row, table=True):
    """One refused group: the operation that broke a rule, and which rule."""

    __tablename__ = "p_refusal"
    __table_args__ = (
        Index("ix_p_refusal_month", "month", "order"),
        Index("ix_p_refusal_actor", "actor", "order"),
        Index("ix_p_refusal_subject", "subject", "order"),
        Index("ix_p_refusal_reason", "reason", "order"),
    )

    order: int = column.whole(key=True)  # of the operation
    month: int = column.whole()  # of refused_at, China Standard Time
    refused_at: int = column.whole()
    actor: int = column.whole()
    subject: int = column.whole()
    party: int | None = column.whole(optional=True)  # the other party named
    code: int = column.whole()
    number: str | None = column.number(optional=True)  # of an invoice operation
    reason: int = column.whole()  # verifier.operations.Reason
    gross_fen: int | None = column.whole(optional=True)  # of the invoice asked for, where known
    digest: bytes = column.word()


class DuplicateRow(Row, table=True):
    """A second claim or second registration of one invoice: tried, displaced or disputed."""

    __tablename__ = "p_duplicate"
    __table_args__ = (
        Index("ix_p_duplicate_month", "month", "order"),
        Index("ix_p_duplicate_number", "number", "order"),
        Index("ix_p_duplicate_first_employer", "first_employer", "order"),
        Index("ix_p_duplicate_second_employer", "second_employer", "order"),
    )

    order: int = column.whole(key=True)  # of the second operation
    month: int = column.whole()  # of happened_at, China Standard Time
    happened_at: int = column.whole()
    number: str = column.number()
    kind: str = column.text(16)  # locked, settled, booked: refused so; displaced, disputed: applied
    gross_fen: int = column.whole()
    first_claimant: int | None = column.whole(optional=True)
    first_employer: int | None = column.whole(optional=True)
    first_claim_id: str | None = column.text(32, optional=True)
    first_at: int | None = column.whole(optional=True)
    second_claimant: int = column.whole()
    second_employer: int = column.whole()
    second_claim_id: str = column.text(32)
    digest: bytes = column.word()


class EventRow(Row, table=True):
    """Who may read an operation in the feed of events, and as what (bits of feed.Role)."""

    __tablename__ = "p_event"
    __table_args__ = ({"sqlite_with_rowid": False},)

    party: int = column.whole(key=True)  # PUBLIC: everybody
    order: int = column.whole(key=True)
    roles: int = column.whole()


SLIP = table_of(SlipRow)
RED = table_of(RedRow)
DEDUCTION = table_of(DeductionRow)
DEDUCTED = table_of(DeductedRow)
LIFT = table_of(LiftRow)
EXCEPTION = table_of(ExceptionRow)
REVOCATION = table_of(RevocationRow)
ANCHOR = table_of(AnchorRow)
REFUSAL = table_of(RefusalRow)
DUPLICATE = table_of(DuplicateRow)
EVENT = table_of(EventRow)
