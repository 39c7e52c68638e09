"""Questions about red slips. That a waiting one lapsed is derived from `now_s`, as nothing is written then."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, or_, select, union
from sqlalchemy.sql.elements import ColumnElement

from ledger.domain.slips import SlipState, slip_state
from ledger.projection.columns import number_text
from ledger.projection.derived import INVOICE
from ledger.projection.derived_rules import SLIP
from ledger.projection.districts import District, Sight, enterprise_in
from ledger.projection.invoice_filter import VISIBLE_PARTIES_MAX
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from verifier.words import SLIP_LIFETIME_S

SLIPS_OF_NUMBER_MAX = 1_000  # slips of one invoice in one answer; one at a time, so a real one has a few


@dataclass(frozen=True)
class SlipRecord:
    """One red slip on chain; times are seconds since 1970, UTC, `stored` is the state as written.

    `other` is the invoice's other side at opening, `answerer` who is asked while it waits, `red` the red that used it.
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
    stored: int
    opened_block: int
    opened_at: int
    answered_at: int | None
    changed_at: int
    digest: bytes
    red: int | None

    def state(self, now_s: int) -> SlipState:
        """What it is at `now_s`: a waiting one is void once 72 h passed."""
        found = slip_state(self.stored, self.opened_at, now_s)
        assert found is not None, "a slip on chain has a state"
        return found

    @property
    def void_at(self) -> int:
        """When it lapses unless it is answered."""
        return self.opened_at + SLIP_LIFETIME_S


def slip(connection: Connection, number: int) -> SlipRecord | None:
    """The last slip of an invoice, standing or not; None when it never had one."""
    row = connection.execute(
        select(SLIP)
        .join(INVOICE, INVOICE.c.slip_order == SLIP.c.opened_order)
        .where(INVOICE.c.number == number_text(number))
    ).one_or_none()
    return None if row is None else _slip(row)


def slips_of_number(connection: Connection, number: int, *, of: frozenset[int] | None = None) -> tuple[SlipRecord, ...]:
    """Slips of an invoice, oldest first: those `of` these parties, who opened or may answer them; None: every one."""
    conditions = [SLIP.c.number == number_text(number)]
    if of is not None:
        conditions.append(or_(*(SLIP.c[side].in_(sorted(of)) for side in ("seller", "other", "opener"))))
    rows = connection.execute(select(SLIP).where(*conditions).order_by(SLIP.c.opened_order).limit(SLIPS_OF_NUMBER_MAX))
    return tuple(_slip(row) for row in rows)


def slips_to_answer(
    connection: Connection, parties: frozenset[int], *, now_s: int, limit: int, cursor: str | None = None
) -> Page[SlipRecord]:
    """Slips that wait for one of `parties` at `now_s`, newest first.

    Raises: CursorError; ValueError for a page size or number of parties outside its limit.
    """
    waiting = SLIP.c.opened_at > now_s - SLIP_LIFETIME_S
    return _page(connection, (SLIP.c.answerer,), parties, [waiting], limit, cursor)


def slips_opened_by(
    connection: Connection, parties: frozenset[int], *, limit: int, cursor: str | None = None
) -> Page[SlipRecord]:
    """Slips that one of `parties` opened, newest first. Raises: as slips_to_answer."""
    return _page(connection, (SLIP.c.opener,), parties, [], limit, cursor)


def slips(
    connection: Connection,
    *,
    visible_to: Sight,
    state: int | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[SlipRecord]:
    """Slips with one of `visible_to` on either side (None: all), of a stored `state` or any, newest first.

    Raises: as slips_to_answer.
    """
    conditions = [] if state is None else [SLIP.c.state == state]
    return _page(connection, (SLIP.c.seller, SLIP.c.other), visible_to, conditions, limit, cursor)


def _page(
    connection: Connection,
    roles: tuple[ColumnElement[int], ...],
    parties: Sight,
    conditions: list[ColumnElement[bool]],
    limit: int,
    cursor: str | None,
) -> Page[SlipRecord]:
    """Each role along its own index; one OR over them would scan the table."""
    size, before = page_size(limit), parse_cursor(cursor)
    if before is not None:
        conditions = [*conditions, SLIP.c.opened_order < before]
    statement = select(SLIP)
    if isinstance(parties, District):
        conditions = [*conditions, or_(*(enterprise_in(role, parties) for role in roles))]
    if parties is None or isinstance(parties, District):
        statement = statement.where(*conditions)
    else:
        if len(parties) > VISIBLE_PARTIES_MAX:
            raise ValueError(f"a search is for at most {VISIBLE_PARTIES_MAX} parties")
        named = sorted(parties - {0})
        parts = [
            select(
                select(SLIP.c.opened_order)
                .where(role.in_(named), *conditions)
                .order_by(SLIP.c.opened_order.desc())
                .limit(size + 1)
                .subquery()
                .c.opened_order
            )
            for role in roles
        ]
        orders = select(union(*parts).subquery().c.opened_order) if len(parts) > 1 else parts[0]
        statement = statement.where(SLIP.c.opened_order.in_(orders), or_(*(role.in_(named) for role in roles)))
    rows = connection.execute(statement.order_by(SLIP.c.opened_order.desc()).limit(size + 1))
    return page_of([(row.opened_order, _slip(row)) for row in rows], size)


def _slip(row: Row[tuple[object, ...]]) -> SlipRecord:
    values = {("stored" if name == "state" else name): value for name, value in row._mapping.items()}
    red = values["red"]
    return SlipRecord(**{**values, "number": int(values["number"]), "red": None if red is None else int(red)})
