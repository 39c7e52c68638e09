"""Ground table of payments: which claims of a company a payment reference settled.

The reference itself is sealed (`reference`); what is kept here finds it and says nothing without the master key.
"""

from __future__ import annotations

from sqlalchemy import Index

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of


class ClaimPaymentRow(Row, table=True):
    """A settling of a claim under a payment reference; it counts once its group is recorded."""

    __tablename__ = "claim_payment"
    __table_args__ = (Index("ix_claim_payment_index", "reference_index", "employer"),)

    digest: bytes = column.word(key=True)  # group that settles
    claim_id: str = column.text(32)
    employer: int = column.whole()
    reference_index: bytes = column.word()  # keyed hash of the payment reference (ledger.identity.vault)
    created_at: int = column.whole()


CLAIM_PAYMENT = table_of(ClaimPaymentRow)
