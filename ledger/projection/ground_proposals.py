"""Ground table of what one officer proposed and a second one decides on."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint

from ledger.projection import columns as column
from ledger.projection.columns import Row, table_of

PROPOSAL_ID_LENGTH = 32  # hex digits


class ProposalState(StrEnum):
    """What was decided. That an open one's time has passed, or its proposer was dismissed, is no state of the row."""

    OPEN = "open"
    CONFIRMED = "confirmed"  # a second officer signed it; `digest` is the group
    REFUSED = "refused"  # a second officer said no
    WITHDRAWN = "withdrawn"  # its proposer took it back
    ENDED = "ended"  # its proposer's appointment, or its reach, ended first


class ProposalRow(Row, table=True):
    """A proposal; of `party` and `number` one is set. `sealed` repeats what was proposed: no edit changes it."""

    __tablename__ = "proposal"
    __table_args__ = (
        UniqueConstraint("proposal_id"),
        Index("ix_proposal_state", "state", "seq"),
        Index("ix_proposal_digest", "digest"),
    )

    seq: int = column.sequence()
    proposal_id: str = column.text(PROPOSAL_ID_LENGTH)
    kind: str = column.text(32)  # name of the operation proposed
    party: int | None = column.whole(optional=True)
    number: str | None = column.number(optional=True)
    proposer: int = column.whole()
    proposed_at: int = column.whole()  # seconds since 1970, UTC
    expires_at: int = column.whole()
    sealed: bytes = column.blob()  # kind, subject, proposer, times and the reason
    state: str = column.text(16)  # ProposalState
    decided_by: int | None = column.whole(optional=True)
    decided_at: int | None = column.whole(optional=True)
    digest: bytes | None = column.word(optional=True)  # group that does it, once confirmed


PROPOSAL = table_of(ProposalRow)
