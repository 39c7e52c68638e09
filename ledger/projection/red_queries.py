"""Questions a red letter asks: who must agree, what stands behind an operation, which reds there are.

Every function takes a connection and gives plain values; times are seconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from ledger.projection import parties
from ledger.projection.columns import number_text
from ledger.projection.derived import OPERATION_RECORD
from ledger.projection.derived_rules import EXCEPTION, RED
from ledger.projection.invoices import REDS_MAX, InvoiceRecord
from verifier.operations import Code
from verifier.words import LOCK_LIFETIME_S, Claim, Entry

BLUES_MAX = 1_000  # blue invoices in one question: a page of them


def other_side(connection: Connection, record: InvoiceRecord, now_s: int) -> int | None:
    """Party that agrees to a red of the invoice beside its seller, as docs/OPERATIONS.md says; None for nobody."""
    if record.buyer not in (0, record.seller):
        buyer = parties.party(connection, record.buyer)
        if buyer is not None and buyer.signer:
            return record.buyer
    if record.claim == Claim.SETTLED or (
        record.claim == Claim.LOCKED and record.claimed_at is not None and now_s < record.claimed_at + LOCK_LIFETIME_S
    ):
        return record.employer
    return record.holder if record.entry in (Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE) else None


def red_numbers(connection: Connection, blues: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Numbers of the reds of those blue invoices, oldest first; those without one are left out."""
    if len(blues) > BLUES_MAX:
        raise ValueError(f"at most {BLUES_MAX} invoices are asked for at a time")
    found: dict[int, tuple[int, ...]] = {}
    if not blues:  # as almost always: no page of invoices should pay for a question about nothing
        return found
    rows = connection.execute(
        select(RED.c.blue, RED.c.number)
        .where(RED.c.blue.in_([number_text(number) for number in blues]))
        .order_by(RED.c.blue, RED.c.issued_order)
        .limit(REDS_MAX)
    )
    for row in rows:
        found[int(row.blue)] = (*found.get(int(row.blue), ()), int(row.number))
    return found


def reason_of_red(connection: Connection, number: int) -> int | None:
    """Why a red was issued, None for a number that is no red."""
    return connection.execute(select(RED.c.reason).where(RED.c.number == number_text(number))).scalar_one_or_none()


def red_of_operation(connection: Connection, order: int) -> int | None:
    """The red invoice that the operation of that order issued, None when it issued none."""
    number = connection.execute(
        select(OPERATION_RECORD.c.number).where(
            OPERATION_RECORD.c.order == order, OPERATION_RECORD.c.code == Code.ISSUE_RED
        )
    ).scalar_one_or_none()
    return None if number is None else int(number)


def reference_of_operation(connection: Connection, order: int) -> tuple[bytes, int]:
    """`ref` of the operation with that order, and who signed it."""
    row = connection.execute(
        select(OPERATION_RECORD.c.ref, OPERATION_RECORD.c.actor).where(OPERATION_RECORD.c.order == order)
    ).one()
    return row.ref, row.actor


def flag_reference(connection: Connection, number: int) -> tuple[bytes, int] | None:
    """`ref` and signer of the operation that set an invoice's risk flag last, None when none ever did."""
    row = connection.execute(
        select(OPERATION_RECORD.c.ref, OPERATION_RECORD.c.actor)
        .where(
            OPERATION_RECORD.c.number == number_text(number),
            OPERATION_RECORD.c.outcome == "applied",
            OPERATION_RECORD.c.code == Code.SET_RISK_FLAG,
        )
        .order_by(OPERATION_RECORD.c.order.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.ref, row.actor)


def told_of(connection: Connection, number: int, companies: frozenset[int]) -> bool:
    """Whether one of `companies` was told an exception about that invoice."""
    found = connection.execute(
        select(EXCEPTION.c.order)
        .where(EXCEPTION.c.number == number_text(number), EXCEPTION.c.party.in_(sorted(companies - {0})))
        .limit(1)
    ).first()
    return found is not None
