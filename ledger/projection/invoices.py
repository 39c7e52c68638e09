"""Questions about invoices: one by its number, a search a party may make, the history of one.

Every function takes a connection and gives plain values. Party ids are 0 for "a person who was not named".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, select

from ledger.projection.columns import BLOCK_ORDER_SHIFT, GROUP_ORDER_SHIFT, number_text
from ledger.projection.derived import GROUP, INVOICE, OPERATION_RECORD
from ledger.projection.derived_rules import RED
from ledger.projection.districts import INVOICE_ROLES, District, Sight, any_enterprise, few_enterprises
from ledger.projection.invoice_filter import (
    NUMBERS_MAX,
    VISIBLE_PARTIES_MAX,
    InvoiceFilter,
    conditions_of,
    driving,
    orders_of,
    takes_part,
)
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from verifier.operations import Operation
from verifier.words import Strength

__all__ = [
    "HISTORY_MAX",
    "NUMBERS_MAX",
    "GroupRecord",
    "HistoryStep",
    "InvoiceFilter",
    "InvoiceRecord",
    "group_at",
    "group_record",
    "history",
    "invoice",
    "invoices",
    "issuing_step",
    "may_see",
    "record_of",
    "reds_of",
    "refused_attempts",
    "search",
    "sees",
    "step_of",
]

HISTORY_MAX = 10_000  # operations of one invoice in one answer; a version has 24 bits, a real history under 20
REDS_MAX = 1_000  # reds of one invoice in one answer; more than a handful is a dispute


@dataclass(frozen=True)
class InvoiceRecord:
    """One invoice as it is now; times are seconds since 1970, UTC; `state` is the contract's word.

    The claim fields are set while it is locked, settled or cancelled; enums are those of verifier.words. `usage` is as
    it is by now, while the word of a frozen selection may still say "selected". `seller` is 0 for an outside invoice.
    `blue` is the invoice a red credits; `slip_order` and `exception_order` name its last slip and exception.
    """

    number: int
    seller: int
    buyer: int
    holder: int
    kind: int
    colour: int
    claim: int
    entry: int
    usage: int
    risk: int
    strength: int
    gross_fen: int
    tax_fen: int
    credited_fen: int
    month: int
    issued_order: int
    issued_block: int
    issued_at: int
    changed_at: int
    version: int
    state: int
    head: bytes
    commitment: bytes
    digest: bytes
    buyer_identity: bytes
    claim_id: str | None
    claimant: int | None
    employer: int | None
    claimed_at: int | None
    claimed_fen: int | None = None
    reddened_since: bool = False
    blue: int | None = None
    deduction_month: int | None = None
    slip_order: int | None = None
    exception_order: int | None = None

    @property
    def is_outside(self) -> bool:
        """Whether its issue was not seen on this ledger."""
        return self.strength != Strength.ISSUED_HERE


@dataclass(frozen=True)
class HistoryStep:
    """One operation of a history. `state` is the state or party word after it, `head` the head word; None: refused.

    A red letter is a step of two histories: in that of its blue, state and head are the blue's.
    """

    block: int
    position: int  # of its group in the block
    index: int  # of the operation in its group
    time_s: int
    digest: bytes
    actor: int
    operation: Operation
    state: int | None
    head: bytes | None
    outcome: str


@dataclass(frozen=True)
class GroupRecord:
    """A group as it stands in a block: what evidence shows of it. `signature` is r, s, v in 65 bytes.

    `contract` counts the ledger's contracts from 0, the first: the one the group was sent to.
    """

    block: int
    position: int
    digest: bytes
    actor: int
    valid_until: int
    signature: bytes
    signer: bytes
    outcome: str
    reason: int
    refused_number: int | None
    operation_hashes: tuple[bytes, ...]
    contract: int


def invoice(connection: Connection, number: int) -> InvoiceRecord | None:
    """The invoice with that number, None when the chain has none."""
    row = connection.execute(select(INVOICE).where(INVOICE.c.number == number_text(number))).one_or_none()
    return None if row is None else _record(row)


def invoices(connection: Connection, numbers: tuple[int, ...]) -> dict[int, InvoiceRecord]:
    """The invoices with those numbers, at most NUMBERS_MAX; unknown ones are left out."""
    if len(numbers) > NUMBERS_MAX:
        raise ValueError(f"at most {NUMBERS_MAX} numbers are asked for at a time")
    texts = [number_text(number) for number in numbers]
    rows = connection.execute(select(INVOICE).where(INVOICE.c.number.in_(texts)))
    return {int(row.number): _record(row) for row in rows}


def may_see(record: InvoiceRecord, visible_to: frozenset[int] | None) -> bool:
    """Whether those parties take part in the invoice now; None sees all."""
    return visible_to is None or not _parts(record).isdisjoint(visible_to)


def sees(connection: Connection, record: InvoiceRecord, sight: Sight) -> bool:
    """Whether those parties, or enterprises of that district, take part in the invoice now; None sees all."""
    if isinstance(sight, District):
        return any_enterprise(connection, _parts(record), sight)
    return may_see(record, sight)


def _parts(record: InvoiceRecord) -> set[int]:
    return {getattr(record, role) for role in INVOICE_ROLES} - {None, 0}


def search(
    connection: Connection,
    wanted: InvoiceFilter,
    *,
    visible_to: Sight,
    limit: int,
    cursor: str | None = None,
) -> Page[InvoiceRecord]:
    """Invoices that match and that `visible_to` take part in now (None: all), newest first.

    Raises: CursorError; ValueError for a page size or number of parties outside its limit.
    """
    size = page_size(limit)
    before = parse_cursor(cursor)
    if isinstance(visible_to, District):
        few = few_enterprises(connection, visible_to, VISIBLE_PARTIES_MAX)
        visible_to = visible_to if few is None else few
    parties = driving(wanted, visible_to)
    conditions = conditions_of(wanted, by_index=parties is None)
    if before is not None:
        conditions.append(INVOICE.c.issued_order < before)
    wider = isinstance(visible_to, District) or parties is None or visible_to is None or not parties <= visible_to
    if visible_to is not None and wider:
        conditions.append(takes_part(visible_to))
    if parties is None and wanted.party is not None:
        conditions.append(takes_part(frozenset({wanted.party})))
    statement = select(INVOICE)
    if parties is None:
        statement = statement.where(*conditions)
    else:
        statement = statement.where(INVOICE.c.issued_order.in_(orders_of(parties, conditions, size)))
    rows = connection.execute(statement.order_by(INVOICE.c.issued_order.desc()).limit(size + 1))
    return page_of([(row.issued_order, _record(row)) for row in rows], size)


def history(connection: Connection, number: int) -> tuple[HistoryStep, ...]:
    """Every applied operation of an invoice, oldest first; empty for an unknown number."""
    return _steps_of(connection, number, "applied")


def refused_attempts(connection: Connection, number: int) -> tuple[HistoryStep, ...]:
    """Every operation on that number in a group the contract refused, oldest first."""
    return _steps_of(connection, number, "refused")


def issuing_step(connection: Connection, number: int) -> HistoryStep | None:
    """The operation that issued an invoice, or the registration of an outside one that counts."""
    record = invoice(connection, number)
    if record is None:
        return None
    row = connection.execute(select(OPERATION_RECORD).where(OPERATION_RECORD.c.order == record.issued_order)).one()
    return step_of(row)


def reds_of(connection: Connection, number: int) -> tuple[InvoiceRecord, ...]:
    """The red invoices of a blue one, oldest first."""
    rows = connection.execute(
        select(INVOICE)
        .join(RED, RED.c.number == INVOICE.c.number)
        .where(RED.c.blue == number_text(number))
        .order_by(RED.c.issued_order)
        .limit(REDS_MAX)
    )
    return tuple(_record(row) for row in rows)


def group_at(connection: Connection, block: int, position: int) -> GroupRecord | None:
    """The group at that place of that block."""
    row = connection.execute(select(GROUP).where(GROUP.c.block == block, GROUP.c.position == position)).one_or_none()
    return None if row is None else group_record(row)


def group_record(row: Row[tuple[object, ...]]) -> GroupRecord:
    """A p_group row as a plain value."""
    values = row._mapping
    hashes = values["operation_hashes"]
    refused = values["refused_number"]
    return GroupRecord(
        **{
            **values,
            "refused_number": None if refused is None else int(refused),
            "operation_hashes": tuple(hashes[at : at + 32] for at in range(0, len(hashes), 32)),
        }
    )


def step_of(row: Row[tuple[object, ...]]) -> HistoryStep:
    """A p_operation row as a plain value."""
    values = row._mapping
    order, state = values["order"], values["state"]
    return HistoryStep(
        block=order >> BLOCK_ORDER_SHIFT,
        position=order >> GROUP_ORDER_SHIFT & (1 << BLOCK_ORDER_SHIFT - GROUP_ORDER_SHIFT) - 1,
        index=order & (1 << GROUP_ORDER_SHIFT) - 1,
        time_s=values["time_s"],
        digest=values["digest"],
        actor=values["actor"],
        operation=Operation.from_words(
            int.from_bytes(values["what"], "big"), int.from_bytes(values["terms"], "big"), values["who"], values["ref"]
        ),
        state=None if state is None else int.from_bytes(state, "big"),
        head=values["head"],
        outcome=values["outcome"],
    )


def record_of(values: Mapping[str, Any]) -> InvoiceRecord:
    """A p_invoice row's columns as a plain value."""
    blue = values["blue"]
    return InvoiceRecord(
        **{
            **values,
            "number": int(values["number"]),
            "state": int.from_bytes(values["state"], "big"),
            "blue": None if blue is None else int(blue),
        }
    )


def _steps_of(connection: Connection, number: int, outcome: str) -> tuple[HistoryStep, ...]:
    """Steps that name the number, and red letters that name it as their blue; each along its own index."""
    table, given = OPERATION_RECORD, number_text(number)
    own, as_blue = (
        connection.execute(
            select(table).where(column == given, table.c.outcome == outcome).order_by(table.c.order).limit(HISTORY_MAX)
        ).all()
        for column in (table.c.number, table.c.blue)
    )
    steps = [(row.order, step_of(row)) for row in own]
    steps += [(row.order, _as_of_blue(row)) for row in as_blue]
    return tuple(step for _, step in sorted(steps, key=lambda item: item[0]))


def _as_of_blue(row: Row[tuple[object, ...]]) -> HistoryStep:
    values = row._mapping
    state = values["blue_state"]
    return replace(
        step_of(row), state=None if state is None else int.from_bytes(state, "big"), head=values["blue_head"]
    )


def _record(row: Row[tuple[object, ...]]) -> InvoiceRecord:
    return record_of({**row._mapping})
