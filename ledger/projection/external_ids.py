"""The callers' own ids: an ERP finds by its id whatever it made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from ledger.projection.errors import ExternalIdTakenError
from ledger.projection.ground_work import EXTERNAL_ID
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from ledger.projection.queued import group_failed

TARGETS_MAX = 500  # targets in one question, under SQLite's limit of variables
IDS_MAX = 10  # ids of one target in one answer


@dataclass(frozen=True)
class ExternalId:
    """`party`'s own id of `target` (a number, claim id, job id...), made by the group `digest` if by one."""

    party: int
    kind: str
    external_id: str
    target: str
    digest: bytes | None
    created_at: int


def put_external_id(connection: Connection, new: ExternalId) -> bool:
    """Stores an id; False when it stood for the same target already.

    An id whose group failed is free again: a failed try leaves nothing behind.

    Raises: ExternalIdTakenError when it stands for another target.
    """
    earlier = external_id(connection, new.party, new.kind, new.external_id)
    if earlier is not None:
        if earlier.target == new.target and earlier.digest == new.digest:
            return False
        if earlier.target != new.target and not group_failed(connection, earlier.digest):
            raise ExternalIdTakenError(new.kind, new.external_id, earlier.target)
        connection.execute(
            delete(EXTERNAL_ID).where(
                EXTERNAL_ID.c.party == new.party,
                EXTERNAL_ID.c.kind == new.kind,
                EXTERNAL_ID.c.external_id == new.external_id,
            )
        )
    values = {name: getattr(new, name) for name in ExternalId.__dataclass_fields__}
    connection.execute(EXTERNAL_ID.insert(), values)
    return True


def external_id(connection: Connection, party: int, kind: str, given: str) -> ExternalId | None:
    """What `party`'s id `given` stands for; ids of failed groups included, as their outcome explains them."""
    row = connection.execute(
        select(*_COLUMNS).where(
            EXTERNAL_ID.c.party == party, EXTERNAL_ID.c.kind == kind, EXTERNAL_ID.c.external_id == given
        )
    ).one_or_none()
    return None if row is None else ExternalId(**row._mapping)


def external_ids_of(
    connection: Connection, party: int, kind: str, targets: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """`party`'s ids of each of `targets` (at most TARGETS_MAX), oldest first; targets without one are left out."""
    if len(targets) > TARGETS_MAX:
        raise ValueError(f"at most {TARGETS_MAX} targets are asked for at a time")
    rows = connection.execute(
        select(EXTERNAL_ID.c.target, EXTERNAL_ID.c.external_id)
        .where(EXTERNAL_ID.c.party == party, EXTERNAL_ID.c.kind == kind, EXTERNAL_ID.c.target.in_(list(targets)))
        .order_by(EXTERNAL_ID.c.seq)
        .limit(TARGETS_MAX * IDS_MAX)
    )
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        found[row.target] = (*found.get(row.target, ()), row.external_id)
    return found


def external_ids(
    connection: Connection, party: int, kind: str, *, limit: int, cursor: str | None = None
) -> Page[ExternalId]:
    """`party`'s ids of a kind, newest first. Raises: CursorError; ValueError for a page size outside its limit."""
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(EXTERNAL_ID.c.seq, *_COLUMNS).where(EXTERNAL_ID.c.party == party, EXTERNAL_ID.c.kind == kind)
    if before is not None:
        statement = statement.where(EXTERNAL_ID.c.seq < before)
    rows = connection.execute(statement.order_by(EXTERNAL_ID.c.seq.desc()).limit(size + 1))
    return page_of(
        [
            (row.seq, ExternalId(**{name: row._mapping[name] for name in ExternalId.__dataclass_fields__}))
            for row in rows
        ],
        size,
    )


_COLUMNS = [EXTERNAL_ID.c[name] for name in ExternalId.__dataclass_fields__]
