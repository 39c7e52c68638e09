"""Offices of persons, and what administrators had signed by theirs.

Whether a row is what was written here is for the caller to see: `sealed` is bound to its other columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, func, select, update

from ledger.projection.districts import District, enterprise_in
from ledger.projection.ground_offices import OFFICE, OFFICE_USE, OfficeKind
from ledger.projection.pages import Page, page_of, page_size, parse_cursor

OFFICES_PER_PARTY_MAX = 64  # of one person in one answer; nobody is given more
OFFICES_PER_PRINCIPAL_MAX = 200  # that stand at once: what an enterprise or the authority can look through

# Every request asks this. Built once: building and caching a statement costs more than running it.
_STANDING = (
    select(OFFICE)
    .where(OFFICE.c.party == bindparam("party"), OFFICE.c.ended_at.is_(None))
    .order_by(OFFICE.c.seq)
    .limit(OFFICES_PER_PARTY_MAX)
)

__all__ = ["OFFICES_PER_PARTY_MAX", "OFFICES_PER_PRINCIPAL_MAX", "Office", "OfficeKind", "OfficeUse"]


@dataclass(frozen=True)
class Office:
    """An office as it is stored; times are seconds since 1970, UTC; `kind` one of OfficeKind."""

    seq: int
    kind: str
    party: int
    principal: int
    appointed_at: int
    ended_by: int | None
    ended_at: int | None
    sealed: bytes

    @property
    def text(self) -> str:
        """What `sealed` is bound to."""
        ended = "-" if self.ended_at is None else f"{self.ended_by} {self.ended_at}"
        return f"{self.seq} {self.kind} {self.party} {self.principal} {self.appointed_at} {ended}"


@dataclass(frozen=True)
class OfficeUse:
    """A group of `digest` (32 bytes) signed with the enterprise's key for the holder of `office` (Office.seq)."""

    seq: int
    office: int
    digest: bytes
    used_at: int


def office(connection: Connection, seq: int) -> Office | None:
    """The office with that number."""
    return _office(connection.execute(select(OFFICE).where(OFFICE.c.seq == seq)).one_or_none())


def standing(connection: Connection, party: int) -> tuple[Office, ...]:
    """Offices a person holds now."""
    return tuple(_of(row) for row in connection.execute(_STANDING, {"party": party}))


def count_standing(connection: Connection, *, party: int | None = None, principal: int | None = None) -> int:
    """How many offices stand, of a person or by who appointed."""
    statement = select(func.count()).select_from(OFFICE).where(OFFICE.c.ended_at.is_(None))
    if party is not None:
        statement = statement.where(OFFICE.c.party == party)
    if principal is not None:
        statement = statement.where(OFFICE.c.principal == principal)
    return int(connection.execute(statement).scalar_one())


def offices(
    connection: Connection, *, principal: int | None = None, party: int | None = None,
    district: District | None = None, limit: int, cursor: str | None = None,
) -> Page[Office]:  # fmt: skip
    """Offices by who appointed and who holds, of a district's enterprises or all, ended ones too, newest first.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(OFFICE).order_by(OFFICE.c.seq.desc()).limit(size + 1)
    if principal is not None:
        statement = statement.where(OFFICE.c.principal == principal)
    if party is not None:
        statement = statement.where(OFFICE.c.party == party)
    if district is not None:
        statement = statement.where(enterprise_in(OFFICE.c.principal, district))
    if before is not None:
        statement = statement.where(OFFICE.c.seq < before)
    return page_of([(row.seq, _of(row)) for row in connection.execute(statement)], size)


def add_office(connection: Connection, *, kind: OfficeKind, party: int, principal: int, now_s: int) -> Office:
    """Stores an office without its seal, which needs its number; `put_seal` follows in the same transaction."""
    values = {"kind": kind.value, "party": party, "principal": principal, "appointed_at": now_s, "sealed": b""}
    result = connection.execute(OFFICE.insert().returning(OFFICE.c.seq), values)
    found = office(connection, int(result.scalar_one()))
    assert found is not None
    return found


def end_office(connection: Connection, seq: int, *, ended_by: int, now_s: int) -> Office:
    """Ends an office that stands, for good; its seal is to be put anew in the same transaction."""
    connection.execute(
        update(OFFICE).where(OFFICE.c.seq == seq, OFFICE.c.ended_at.is_(None)).values(ended_by=ended_by, ended_at=now_s)
    )
    found = office(connection, seq)
    assert found is not None
    return found


def put_seal(connection: Connection, seq: int, sealed: bytes) -> None:
    """Stores what is bound to the office's other columns."""
    connection.execute(update(OFFICE).where(OFFICE.c.seq == seq).values(sealed=sealed))


def add_use(connection: Connection, *, office: int, digest: bytes, now_s: int) -> None:
    """A group was signed with the enterprise's key for the holder of an office."""
    connection.execute(OFFICE_USE.insert(), {"office": office, "digest": digest, "used_at": now_s})


def user_of(connection: Connection, digest: bytes) -> int | None:
    """The person for whom a group was signed with its enterprise's key; None when the enterprise itself asked."""
    statement = select(OFFICE.c.party).join(OFFICE_USE, OFFICE_USE.c.office == OFFICE.c.seq)
    return connection.execute(statement.where(OFFICE_USE.c.digest == digest)).scalar_one_or_none()


def uses(connection: Connection, seq: int, *, limit: int, cursor: str | None = None) -> Page[OfficeUse]:
    """What was signed for the holder of an office, newest first.

    Raises: CursorError; ValueError for a page size outside its limit.
    """
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(OFFICE_USE).where(OFFICE_USE.c.office == seq).order_by(OFFICE_USE.c.seq.desc()).limit(size + 1)
    if before is not None:
        statement = statement.where(OFFICE_USE.c.seq < before)
    return page_of([(row.seq, OfficeUse(**row._mapping)) for row in connection.execute(statement)], size)


def _office(row: Row[tuple[object, ...]] | None) -> Office | None:
    return None if row is None else _of(row)


def _of(row: Row[tuple[object, ...]]) -> Office:
    return Office(**row._mapping)
