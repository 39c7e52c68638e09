"""Steps of a company's claim before finance: who may approve, from which sum on, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from ledger.projection.columns import number_text
from ledger.projection.database import upsert
from ledger.projection.ground_work import CLAIM_APPROVAL, CLAIM_APPROVER, CLAIM_POLICY, Decision

APPROVERS_MAX = 1_000  # approvers of one company in one answer
DECISIONS_MAX = 2_000  # decisions on one claim in one answer; one a line of a claim, several times over
CLAIMS_MAX = 200  # claims in one question: a page of them


@dataclass(frozen=True)
class ClaimPolicy:
    """Claims of a company from `approval_from_fen` on need an approval; None: no claim does."""

    enterprise: int
    approval_from_fen: int | None
    updated_by: int
    updated_at: int


@dataclass(frozen=True)
class ClaimDecision:
    """One decision on a claim (`number` None) or on one line of it; `sealed_note` is the approver's own words."""

    claim_id: str
    employer: int
    number: int | None
    approver: int
    decision: Decision
    sealed_note: bytes | None
    decided_at: int


def put_claim_policy(connection: Connection, policy: ClaimPolicy) -> None:
    """Stores what a company wants of its claims, replacing what it wanted."""
    upsert(connection, CLAIM_POLICY, [{column.name: getattr(policy, column.name) for column in CLAIM_POLICY.c}])


def claim_policy(connection: Connection, enterprise: int) -> ClaimPolicy | None:
    """What a company wants of its claims; None: it never said, so no approval is needed."""
    row = connection.execute(select(CLAIM_POLICY).where(CLAIM_POLICY.c.enterprise == enterprise)).one_or_none()
    return None if row is None else ClaimPolicy(**row._mapping)


def put_approver(connection: Connection, enterprise: int, person: int, *, added_by: int, now_s: int) -> None:
    """Lets `person` approve claims at `enterprise`; again changes nothing."""
    if not is_approver(connection, enterprise, person):
        row = {"enterprise": enterprise, "person": person, "added_by": added_by, "added_at": now_s}
        connection.execute(CLAIM_APPROVER.insert(), row)


def remove_approver(connection: Connection, enterprise: int, person: int) -> bool:
    """Ends it; False when `person` was no approver."""
    table = CLAIM_APPROVER
    result = connection.execute(delete(table).where(table.c.enterprise == enterprise, table.c.person == person))
    return int(result.rowcount) == 1


def is_approver(connection: Connection, enterprise: int, person: int) -> bool:
    """Whether `person` may approve claims at `enterprise`."""
    table = CLAIM_APPROVER
    found = select(table.c.person).where(table.c.enterprise == enterprise, table.c.person == person)
    return connection.execute(found).one_or_none() is not None


def approvers(connection: Connection, enterprise: int) -> tuple[int, ...]:
    """People who may approve claims at `enterprise`, by id."""
    table = CLAIM_APPROVER
    rows = select(table.c.person).where(table.c.enterprise == enterprise).order_by(table.c.person).limit(APPROVERS_MAX)
    return tuple(connection.execute(rows).scalars())


def add_decision(connection: Connection, new: ClaimDecision) -> bool:
    """Adds a decision; False, with nothing added, when the last one on that subject is that approver's and the same."""
    table = CLAIM_APPROVAL
    number = None if new.number is None else number_text(new.number)
    last = connection.execute(
        select(table.c.decision, table.c.approver)
        .where(
            table.c.claim_id == new.claim_id,
            table.c.employer == new.employer,
            table.c.number.is_(None) if number is None else table.c.number == number,
        )
        .order_by(table.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if last is not None and (last.decision, last.approver) == (new.decision, new.approver):
        return False
    values = {name: getattr(new, name) for name in ClaimDecision.__dataclass_fields__}
    connection.execute(table.insert(), {**values, "number": number, "decision": new.decision.value})
    return True


def decisions(connection: Connection, claim_id: str, employer: int) -> tuple[ClaimDecision, ...]:
    """Every decision on a claim and its lines, oldest first."""
    table = CLAIM_APPROVAL
    rows = connection.execute(
        select(*(table.c[name] for name in ClaimDecision.__dataclass_fields__))
        .where(table.c.claim_id == claim_id, table.c.employer == employer)
        .order_by(table.c.seq)
        .limit(DECISIONS_MAX)
    )
    return tuple(
        ClaimDecision(
            **{
                **row._mapping,
                "number": None if row.number is None else int(row.number),
                "decision": Decision(row.decision),
            }
        )
        for row in rows
    )


def latest_decisions(connection: Connection, employer: int, claim_ids: tuple[str, ...]) -> dict[str, Decision]:
    """The last decision on each of those claims as a whole (at most CLAIMS_MAX); undecided ones are left out."""
    if len(claim_ids) > CLAIMS_MAX:
        raise ValueError(f"at most {CLAIMS_MAX} claims are asked for at a time")
    table = CLAIM_APPROVAL
    newest = (
        select(func.max(table.c.seq))
        .where(table.c.claim_id.in_(claim_ids), table.c.employer == employer, table.c.number.is_(None))
        .group_by(table.c.claim_id)
    )
    rows = connection.execute(select(table.c.claim_id, table.c.decision).where(table.c.seq.in_(newest)))
    return {row.claim_id: Decision(row.decision) for row in rows}
