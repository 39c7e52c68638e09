"""Questions about red letters: the slips of an invoice or of a party, its reds, its other side, its risk flag.

Every function takes a connection and gives plain values; times are seconds since 1970, UTC, amounts fen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, false, or_, select, union

from ledger.projection import parties
from ledger.projection.columns import number_text
from ledger.projection.derived import OPERATION_RECORD
from ledger.projection.derived_rules import RED, SLIP
from ledger.projection.invoices import REDS_MAX, InvoiceRecord
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from verifier.operations import Code
from verifier.words import LOCK_LIFETIME_S, SLIP_LIFETIME_S, Claim, Entry, SlipState

BLUES_MAX = 1_000  # blue invoices in one question: a page of them
PARTIES_MAX = 100  # parties in one question, as in a search of invoices
_WAITING = (SlipState.SELLER_OPENED.value, SlipState.BUYER_OPENED.value)


@dataclass(frozen=True)
class SlipRecord:
    """One red slip. `state` is as stored: a waiting one lapses 72 h after `opened_at` without being written.

    `answerer` is who is asked while it waits; `digest` the group that opened it; `red` the red that used it.
    """

    opened_order: int
    number: int
    seller: int
    opener: int
    other: int
    answerer: int | None
    reason: int
    gross_fen: int
    tax_fen: int
    state: int
    opened_block: int
    opened_at: int
    answered_at: int | None
    changed_at: int
    digest: bytes
    red: int | None


@dataclass(frozen=True)
class Asked:
    """Enterprises whose slips somebody may answer: as sellers, and as the other side."""

    as_seller: frozenset[int]
    as_other: frozenset[int]


def slip(connection: Connection, opened_order: int) -> SlipRecord | None:
    """The slip whose opening has that order."""
    row = connection.execute(select(SLIP).where(SLIP.c.opened_order == opened_order)).one_or_none()
    return None if row is None else _slip(row)


def slips(
    connection: Connection,
    *,
    number: int | None = None,
    visible_to: frozenset[int] | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[SlipRecord]:
    """Slips of one invoice or all, of which one of `visible_to` is a side (None: any), newest first.

    Raises: CursorError; ValueError for a page size or number of parties outside its limit.
    """
    size = page_size(limit)
    conditions = _after(cursor)
    if number is not None:
        conditions.append(SLIP.c.number == number_text(number))
        if visible_to is not None:
            conditions.append(or_(*(column.in_(sorted(visible_to)) for column in _SIDES)))
        return _page(connection, and_(*conditions) if conditions else None, size)
    if visible_to is None:
        return _page(connection, and_(*conditions) if conditions else None, size)
    if len(visible_to) > PARTIES_MAX:
        raise ValueError(f"slips are asked for at most {PARTIES_MAX} parties")
    named = sorted(visible_to - {0})
    if not named:
        return Page((), None)
    # each side along its own index: one OR over three columns would scan all
    found = union(*(_orders([column.in_(named), *conditions], size) for column in _SIDES)).subquery()
    return _page(connection, SLIP.c.opened_order.in_(select(found.c.opened_order)), size)


def slips_to_answer(
    connection: Connection,
    asked: Asked | None,
    *,
    number: int | None = None,
    now_s: int,
    limit: int,
    cursor: str | None = None,
) -> Page[SlipRecord]:
    """Slips, of one invoice or all, that wait at `now_s` for one of `asked` (None: for anybody), newest first.

    Raises: CursorError; ValueError for a page size or number of parties outside its limit.
    """
    size = page_size(limit)
    waits = [SLIP.c.state.in_(_WAITING), SLIP.c.opened_at > now_s - SLIP_LIFETIME_S, *_after(cursor)]
    if number is not None:
        waits.append(SLIP.c.number == number_text(number))
    if asked is None:
        return _page(connection, and_(*waits), size)
    if len(asked.as_seller | asked.as_other) > PARTIES_MAX:
        raise ValueError(f"slips are asked for at most {PARTIES_MAX} parties")
    named = or_(
        false(),
        and_(SLIP.c.answerer == SLIP.c.seller, SLIP.c.answerer.in_(sorted(asked.as_seller))),
        and_(SLIP.c.answerer != SLIP.c.seller, SLIP.c.answerer.in_(sorted(asked.as_other))),
    )
    return _page(connection, and_(named, *waits), size)


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


def red_numbers(connection: Connection, blues: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Numbers of the reds of those blue invoices, oldest first; those without one are left out."""
    if len(blues) > BLUES_MAX:
        raise ValueError(f"at most {BLUES_MAX} invoices are asked for at a time")
    found: dict[int, tuple[int, ...]] = {}
    rows = connection.execute(
        select(RED.c.blue, RED.c.number)
        .where(RED.c.blue.in_([number_text(number) for number in blues]))
        .order_by(RED.c.blue, RED.c.issued_order)
        .limit(REDS_MAX)
    )
    for row in rows:
        found[int(row.blue)] = (*found.get(int(row.blue), ()), int(row.number))
    return found


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


_SIDES = (SLIP.c.seller, SLIP.c.other, SLIP.c.opener)


def _after(cursor: str | None) -> list[ColumnElement[bool]]:
    before = parse_cursor(cursor)
    return [] if before is None else [SLIP.c.opened_order < before]


def _orders(conditions: list[ColumnElement[bool]], size: int) -> Select[tuple[int]]:
    newest = select(SLIP.c.opened_order).where(*conditions).order_by(SLIP.c.opened_order.desc()).limit(size + 1)
    return select(newest.subquery().c.opened_order)


def _page(connection: Connection, condition: ColumnElement[bool] | None, size: int) -> Page[SlipRecord]:
    statement = select(SLIP).order_by(SLIP.c.opened_order.desc()).limit(size + 1)
    if condition is not None:
        statement = statement.where(condition)
    return page_of([(row.opened_order, _slip(row)) for row in connection.execute(statement)], size)


def _slip(row: Row[tuple[object, ...]]) -> SlipRecord:
    values = row._mapping
    red = values["red"]
    return SlipRecord(**{**values, "number": int(values["number"]), "red": None if red is None else int(red)})
