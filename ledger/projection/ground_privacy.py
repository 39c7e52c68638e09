"""Ground table of erasures: what was erased here, so that a restored backup can be made to forget it again.

Numbers and times only; why it was erased is sealed. The row is what a later restore is held to, so it outlives
everything that it names.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import UniqueConstraint

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of


class ErasedKind(StrEnum):
    """What was erased."""

    INVOICE = "invoice"  # `target` is its number
    PERSON = "person"  # `target` is the party id


class ErasureRow(Row, table=True):
    """One erasure; a second of the same thing changes nothing."""

    __tablename__ = "erasure"
    __table_args__ = (UniqueConstraint("kind", "target"),)

    seq: int = column.sequence()
    kind: str = column.text(16)  # ErasedKind
    target: str = column.text(32)  # invoice number of 20 digits, or party id
    actor: int = column.whole()  # who erased; 0 when a list of erasures was applied again after a restore
    sealed_reason: bytes = column.blob()
    erased_at: int = column.whole()


ERASURE = table_of(ErasureRow)
