"""Questions about the steps of a claim: what waits for an approver, what a payment settled, how each line ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, exists, or_, select
from sqlalchemy.sql.elements import ColumnElement

from ledger.projection.claims import ClaimRecord
from ledger.projection.columns import GROUP_ORDER_SHIFT, number_text
from ledger.projection.derived import CLAIM, INVOICE, OPERATION_RECORD
from ledger.projection.districts import District, Sight, enterprise_in
from ledger.projection.ground import OPERATION, REFERENCE, QueueState
from ledger.projection.ground_claims import CLAIM_PAYMENT
from ledger.projection.ground_work import CLAIM_APPROVAL, CLAIM_APPROVER, CLAIM_POLICY
from ledger.projection.invoice_filter import NUMBERS_MAX
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from verifier.operations import OUTSIDE_TERMS_LAYOUT, Code, unpack_bits
from verifier.words import Claim, StateWord

APPROVES_FOR_MAX = 100  # companies one person approves claims of, in one answer
_GROUP_MASK = (1 << GROUP_ORDER_SHIFT) - 1
_CLAIMING = (Code.LOCK, Code.REGISTER_OUTSIDE)
_ENDING = (Code.UNLOCK, Code.SETTLE, Code.FORCE_UNLOCK, *_CLAIMING)  # claiming again ends what had lapsed


@dataclass(frozen=True)
class LineEnding:
    """The operation that ended an invoice's part in a claim, and the stored kind and sealed text of its reference."""

    number: int
    code: Code
    actor: int
    ref: bytes
    ended_at: int
    sealed: bytes | None  # of a reference that the actor itself wrote
    kind: str | None


def put_claim_payment(
    connection: Connection, digest: bytes, *, claim_id: str, employer: int, reference_index: bytes, now_s: int
) -> None:
    """Notes that the group `digest` settles a claim under the payment reference with that 32-byte keyed hash."""
    row = {
        "digest": digest, "claim_id": claim_id, "employer": employer, "reference_index": reference_index,
        "created_at": now_s,
    }  # fmt: skip
    connection.execute(CLAIM_PAYMENT.insert(), row)


def claims_paid(
    connection: Connection, reference_index: bytes, *, visible_to: Sight, limit: int,
    cursor: str | None = None,
) -> Page[ClaimRecord]:  # fmt: skip
    """Claims settled under the reference of that keyed hash which `visible_to` made or received (None: all)."""
    paid = (
        select(CLAIM_PAYMENT.c.claim_id)
        .join(OPERATION, OPERATION.c.digest == CLAIM_PAYMENT.c.digest)
        .where(
            CLAIM_PAYMENT.c.reference_index == reference_index,
            CLAIM_PAYMENT.c.employer == CLAIM.c.employer,
            CLAIM_PAYMENT.c.claim_id == CLAIM.c.claim_id,
            OPERATION.c.state == QueueState.RECORDED.value,
        )
    )
    wanted = select(CLAIM_PAYMENT.c.claim_id).where(CLAIM_PAYMENT.c.reference_index == reference_index)
    conditions: list[ColumnElement[bool]] = [CLAIM.c.claim_id.in_(wanted), exists(paid)]
    if isinstance(visible_to, District):
        conditions.append(enterprise_in(CLAIM.c.employer, visible_to) | enterprise_in(CLAIM.c.claimant, visible_to))
    elif visible_to is not None:
        named = sorted(visible_to)
        conditions.append(or_(CLAIM.c.claimant.in_(named), CLAIM.c.employer.in_(named)))
    return _page(connection, select(CLAIM).where(*conditions), limit, cursor)


def approves_for(connection: Connection, person: int) -> frozenset[int]:
    """Companies whose claims `person` may approve."""
    table = CLAIM_APPROVER
    rows = select(table.c.enterprise).where(table.c.person == person).order_by(table.c.enterprise)
    return frozenset(connection.execute(rows.limit(APPROVES_FOR_MAX)).scalars())


def claims_to_decide(
    connection: Connection, person: int, *, employer: int | None = None, limit: int, cursor: str | None = None
) -> Page[ClaimRecord]:
    """Claims of others with a locked line that needs an approval `person` may give and that nobody decided on.

    With `employer` those at that company alone.
    """
    decided = exists(
        select(CLAIM_APPROVAL.c.seq)
        .where(
            CLAIM_APPROVAL.c.claim_id == CLAIM.c.claim_id,
            CLAIM_APPROVAL.c.employer == CLAIM.c.employer,
            or_(CLAIM_APPROVAL.c.number.is_(None), CLAIM_APPROVAL.c.number == INVOICE.c.number),
        )
        .correlate(CLAIM, INVOICE)
    )
    undecided = exists(
        select(INVOICE.c.number)
        .where(
            INVOICE.c.claim_id == CLAIM.c.claim_id,
            INVOICE.c.claimant == CLAIM.c.claimant,
            INVOICE.c.employer == CLAIM.c.employer,
            INVOICE.c.claim == Claim.LOCKED,
            ~decided,
        )
        .correlate(CLAIM)
    )
    statement = (
        select(CLAIM)
        .join(CLAIM_POLICY, CLAIM_POLICY.c.enterprise == CLAIM.c.employer)
        .join(
            CLAIM_APPROVER,
            and_(CLAIM_APPROVER.c.enterprise == CLAIM.c.employer, CLAIM_APPROVER.c.person == person),
        )
        .where(
            CLAIM.c.claimant != person,
            CLAIM.c.locked_count > 0,
            CLAIM_POLICY.c.approval_from_fen.is_not(None),
            CLAIM.c.locked_fen + CLAIM.c.settled_fen >= CLAIM_POLICY.c.approval_from_fen,
            undecided,
        )
    )
    if employer is not None:
        statement = statement.where(CLAIM.c.employer == employer)
    return _page(connection, statement, limit, cursor)


def lines_claimed(connection: Connection, record: ClaimRecord) -> dict[int, StateWord]:
    """Invoices a claim began with, each with its state then: one group locks or registers them all.

    A registration that only disputes a settlement locked nothing and is left out.
    """
    table = OPERATION_RECORD
    first = record.opened_order & ~_GROUP_MASK
    rows = connection.execute(
        select(table.c.number, table.c.code, table.c.terms, table.c.state)
        .where(
            table.c.order >= first, table.c.order <= first | _GROUP_MASK, table.c.code.in_(_CLAIMING),
            table.c.outcome == "applied",
        )
        .order_by(table.c.number)
    )  # fmt: skip
    claim_id = int(record.claim_id, 16)
    states = {
        int(row.number): StateWord.unpack(int.from_bytes(row.state, "big"))
        for row in rows
        if _claim_id(row.code, row.terms) == claim_id
    }
    return {number: state for number, state in states.items() if state.claim == Claim.LOCKED}


def disputed_numbers(connection: Connection, digest: bytes, numbers: Sequence[int]) -> tuple[int, ...]:
    """Those of `numbers` that the group `digest` registered without locking them: paid or booked before."""
    if len(numbers) > NUMBERS_MAX:
        raise ValueError(f"at most {NUMBERS_MAX} numbers are asked for at a time")
    table = OPERATION_RECORD
    rows = connection.execute(
        select(table.c.number, table.c.state)
        .where(
            table.c.number.in_([number_text(number) for number in numbers]),
            table.c.digest == digest,
            table.c.code == Code.REGISTER_OUTSIDE,
            table.c.outcome == "applied",
        )
        .order_by(table.c.number)
    )
    states = {int(row.number): StateWord.unpack(int.from_bytes(row.state, "big")) for row in rows}
    return tuple(number for number, state in states.items() if state.claim != Claim.LOCKED)


def line_endings(connection: Connection, record: ClaimRecord, numbers: Sequence[int]) -> dict[int, LineEnding]:
    """What ended each of those lines of a claim; lines that stand locked are left out."""
    if len(numbers) > NUMBERS_MAX:
        raise ValueError(f"at most {NUMBERS_MAX} lines are asked for at a time")
    table = OPERATION_RECORD
    rows = connection.execute(
        select(
            table.c.number, table.c.code, table.c.actor, table.c.ref, table.c.time_s, REFERENCE.c.sealed,
            REFERENCE.c.kind, REFERENCE.c.party,
        )
        .outerjoin(REFERENCE, REFERENCE.c.ref == table.c.ref)
        .where(
            table.c.number.in_([number_text(number) for number in numbers]),
            table.c.order > record.opened_order | _GROUP_MASK,
            table.c.code.in_(_ENDING),
            table.c.outcome == "applied",
        )
        .order_by(table.c.order)
    )  # fmt: skip
    found: dict[int, LineEnding] = {}
    for row in rows:
        own = row.party == row.actor  # a ref is on chain: copying it must not open its text
        ending = LineEnding(
            int(row.number), Code(row.code), row.actor, row.ref, row.time_s,
            row.sealed if own else None, row.kind if own else None,
        )  # fmt: skip
        found.setdefault(ending.number, ending)
    return found


def _claim_id(code: int, terms: bytes) -> int:
    word = int.from_bytes(terms, "big")
    return unpack_bits(OUTSIDE_TERMS_LAYOUT, word)["claim_id"] if code == Code.REGISTER_OUTSIDE else word


def _page(
    connection: Connection, statement: Select[tuple[object, ...]], limit: int, cursor: str | None
) -> Page[ClaimRecord]:
    size, before = page_size(limit), parse_cursor(cursor)
    if before is not None:
        statement = statement.where(CLAIM.c.opened_order < before)
    rows = connection.execute(statement.order_by(CLAIM.c.opened_order.desc()).limit(size + 1))
    return page_of([(row.opened_order, ClaimRecord(**row._mapping)) for row in rows], size)
