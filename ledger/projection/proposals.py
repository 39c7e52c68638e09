"""What officers proposed to each other: stored, listed, decided once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from ledger.projection.columns import number_text
from ledger.projection.derived import PARTY
from ledger.projection.districts import District, governed, invoice_of
from ledger.projection.ground_proposals import PROPOSAL, ProposalState
from ledger.projection.pages import Page, page_of, page_size, parse_cursor


@dataclass(frozen=True)
class NewProposal:
    """A proposal about a party or an invoice, one of them None; times are seconds since 1970, UTC."""

    proposal_id: str
    kind: str
    party: int | None
    number: int | None
    proposer: int
    proposed_at: int
    expires_at: int
    sealed: bytes


@dataclass(frozen=True)
class ProposalRecord(NewProposal):
    """A proposal as it stands; `digest` is the group that does what was confirmed."""

    seq: int
    state: ProposalState
    decided_by: int | None
    decided_at: int | None
    digest: bytes | None


def put_proposal(connection: Connection, new: NewProposal) -> None:
    """Stores an open proposal."""
    row = {name: getattr(new, name) for name in NewProposal.__dataclass_fields__}
    row["number"] = None if new.number is None else number_text(new.number)
    connection.execute(PROPOSAL.insert(), {**row, "state": ProposalState.OPEN.value})


def proposal(connection: Connection, proposal_id: str) -> ProposalRecord | None:
    """The proposal with that id."""
    row = connection.execute(select(PROPOSAL).where(PROPOSAL.c.proposal_id == proposal_id)).one_or_none()
    return None if row is None else record_of({**row._mapping})


def proposals(
    connection: Connection, *, only_open: bool, now_s: int, district: District | None = None, limit: int,
    cursor: str | None = None,
) -> Page[ProposalRecord]:  # fmt: skip
    """Proposals about whom an officer of `district` governs and the invoices it sees, or all, newest first.

    `only_open`: those that can still be decided on at `now_s`.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    conditions = [] if before is None else [PROPOSAL.c.seq < before]
    if only_open:
        conditions.append(_open(now_s))
    if district is not None:
        about = (governed(PROPOSAL.c.party, district), invoice_of(PROPOSAL.c.number, district))
        conditions.append(or_(*about))
    rows = connection.execute(select(PROPOSAL).where(*conditions).order_by(PROPOSAL.c.seq.desc()).limit(size + 1))
    return page_of([(row.seq, record_of({**row._mapping})) for row in rows], size)


def open_about(
    connection: Connection, kind: str, *, party: int | None, number: int | None, now_s: int
) -> ProposalRecord | None:
    """The proposal that proposes the same and can still be decided on."""
    about = PROPOSAL.c.party == party if number is None else PROPOSAL.c.number == number_text(number)
    statement = select(PROPOSAL).where(_open(now_s), PROPOSAL.c.kind == kind, about).limit(1)
    row = connection.execute(statement).one_or_none()
    return None if row is None else record_of({**row._mapping})


def open_count(connection: Connection, proposer: int, now_s: int) -> int:
    """How many proposals of one officer wait for a decision."""
    statement = select(func.count()).where(_open(now_s), PROPOSAL.c.proposer == proposer)
    return connection.execute(statement).scalar_one()


def decide(
    connection: Connection, proposal_id: str, state: ProposalState, *, by: int, now_s: int, digest: bytes | None = None
) -> bool:
    """Ends a proposal that can be decided on at `now_s`; False when it cannot any more."""
    table = PROPOSAL
    result = connection.execute(
        update(table)
        .where(table.c.proposal_id == proposal_id, _open(now_s))
        .values(state=state.value, decided_by=by, decided_at=now_s, digest=digest)
    )
    return int(result.rowcount) == 1


def end_of_proposer(connection: Connection, proposer: int, *, by: int, now_s: int) -> int:
    """Ends every open proposal of an officer whose appointment ends; how many."""
    table = PROPOSAL
    result = connection.execute(
        update(table)
        .where(table.c.proposer == proposer, table.c.state == ProposalState.OPEN.value)
        .values(state=ProposalState.ENDED.value, decided_by=by, decided_at=now_s)
    )
    return int(result.rowcount)


def proposers(connection: Connection, digests: frozenset[bytes]) -> dict[bytes, int]:
    """Who proposed what groups did, by digest; groups that needed no second officer are left out."""
    statement = select(PROPOSAL.c.digest, PROPOSAL.c.proposer).where(PROPOSAL.c.digest.in_(sorted(digests)))
    return {row.digest: row.proposer for row in connection.execute(statement)}


def _open(now_s: int) -> ColumnElement[bool]:
    """Nothing was decided, its time is not over, and its proposer is still appointed."""
    table = PROPOSAL
    appointed = exists(select(PARTY.c.id).where(PARTY.c.id == table.c.proposer, ~PARTY.c.suspended))
    return and_(table.c.state == ProposalState.OPEN.value, table.c.expires_at > now_s, appointed)


def record_of(values: Mapping[str, Any]) -> ProposalRecord:
    """A proposal row's columns as a plain value."""
    number = values["number"]
    return ProposalRecord(
        **{**values, "number": None if number is None else int(number), "state": ProposalState(values["state"])}
    )
