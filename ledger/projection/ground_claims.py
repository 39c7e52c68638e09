"""Ground table of payments: which claims of a company a payment reference settled."""

from __future__ import annotations

from sqlalchemy import Index

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

PAYMENT_REFERENCE_SIZE_MAX = 128  # characters


class ClaimPaymentRow(Row, table=True):
    """A settling of a claim under a payment reference; it counts once its group is recorded."""

    __tablename__ = "claim_payment"
    __table_args__ = (Index("ix_claim_payment_reference", "payment_reference", "employer"),)

    digest: bytes = column.word(key=True)  # group that settles
    claim_id: str = column.text(32)
    employer: int = column.whole()
    payment_reference: str = column.text(PAYMENT_REFERENCE_SIZE_MAX)
    created_at: int = column.whole()


CLAIM_PAYMENT = table_of(ClaimPaymentRow)
