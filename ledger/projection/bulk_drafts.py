"""Rows of uploaded sheets whose group waits for the signature of a party that keeps its own key.

A drafted row names its draft's digest and the number it would take. It is signed in the transaction that accepts the
draft; when the draft ends instead, it is ready again in the transaction that deletes the draft (signing_drafts.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, update

from ledger.projection import number_pool, signing_drafts
from ledger.projection.bulk_jobs import set_job_state
from ledger.projection.columns import number_text
from ledger.projection.ground_enrolment import SIGNING_DRAFT
from ledger.projection.ground_work import BULK_ROW, BulkState, RowState

DRAFTS_OF_SHEETS_MAX = 24  # of the 32 drafts a party may have: the others stay for all else it does


@dataclass(frozen=True)
class SheetDraft:
    """A waiting draft of a sheet: whose signature it wants, until when (seconds since 1970), its rows and their sum."""

    digest: bytes
    actor: int
    valid_until: int
    count: int
    gross_fen: int
    first_number: int
    last_number: int


def draft_rows(connection: Connection, job_id: str, drafted: Mapping[int, int], digest: bytes) -> None:
    """Marks ready rows (position -> invoice number) as held by the draft `digest`, where that draft is stored."""
    table = BULK_ROW
    connection.execute(
        update(table)
        .where(table.c.job_id == job_id, table.c.position == bindparam("of_position"))
        .values(state=RowState.DRAFTED.value, number=bindparam("to_number"), digest=digest),
        [{"of_position": position, "to_number": number_text(number)} for position, number in drafted.items()],
    )


def sign_drafted(connection: Connection, job_id: str, digest: bytes, now_s: int) -> int:
    """Marks the rows of a draft as signed, where its group is accepted, and has the sheet gone on with; how many."""
    table = BULK_ROW
    signed = connection.execute(
        update(table)
        .where(table.c.job_id == job_id, table.c.digest == digest, table.c.state == RowState.DRAFTED.value)
        .values(state=RowState.SIGNED.value)
    )
    set_job_state(connection, job_id, BulkState.RUNNING, now_s)
    return int(signed.rowcount)


def drafts_of_sheet(connection: Connection, job_id: str) -> tuple[SheetDraft, ...]:
    """What waits for a signature, in the sheet's order, ended but not swept ones too."""
    rows, drafts = BULK_ROW.c, SIGNING_DRAFT.c
    found = connection.execute(
        select(
            drafts.digest,
            drafts.actor,
            drafts.valid_until,
            func.count().label("count"),
            func.coalesce(func.sum(rows.gross_fen), 0).label("gross_fen"),
            func.min(rows.number).label("first_number"),
            func.max(rows.number).label("last_number"),
        )
        .join_from(BULK_ROW, SIGNING_DRAFT, drafts.digest == rows.digest)
        .where(rows.job_id == job_id, rows.state == RowState.DRAFTED.value)
        .group_by(drafts.digest, drafts.actor, drafts.valid_until)
        .order_by(func.min(rows.position))
        .limit(signing_drafts.DRAFTS_OF_PARTY_MAX)
    )
    return tuple(
        SheetDraft(
            one.digest, one.actor, one.valid_until, int(one._mapping["count"]), int(one.gross_fen),
            int(one.first_number), int(one.last_number),
        )
        for one in found
    )  # fmt: skip


def has_drafted(connection: Connection, job_id: str) -> bool:
    """Whether rows of a sheet wait for a signature."""
    drafted = (BULK_ROW.c.job_id == job_id) & (BULK_ROW.c.state == RowState.DRAFTED.value)
    return connection.execute(select(BULK_ROW.c.position).where(drafted).limit(1)).one_or_none() is not None


def withdraw(connection: Connection, draft: SheetDraft) -> None:
    """Takes a draft back: its rows are ready again and its numbers free."""
    numbers = connection.execute(
        select(BULK_ROW.c.number).where(BULK_ROW.c.digest == draft.digest, BULK_ROW.c.number.is_not(None))
    ).scalars()
    number_pool.end_hold(connection, map(int, numbers), expires_at=draft.valid_until)
    signing_drafts.remove(connection, draft.digest)


def reopen_lost(connection: Connection, job_id: str) -> int:
    """Makes drafted rows ready whose draft is gone, however it went; how many."""
    table = BULK_ROW
    kept = select(SIGNING_DRAFT.c.digest).where(SIGNING_DRAFT.c.digest == table.c.digest)
    lost = (table.c.job_id == job_id) & (table.c.state == RowState.DRAFTED.value) & ~kept.exists()
    reopened = update(table).where(lost).values(state=RowState.READY.value, number=None, digest=None)
    return int(connection.execute(reopened).rowcount)
