"""Questions about uploaded sheets that signing asks, beside bulk_jobs.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from ledger.projection.ground import OPERATION, WAITING, QueueState
from ledger.projection.ground_work import BULK_JOB, BULK_ROW, EXTERNAL_ID, RowState
from ledger.projection.pages import parse_cursor
from ledger.projection.queued import FAILED

SAME_FILE_MAX = 20  # jobs of one file that an answer names
IDS_MAX = 500  # ids in one question, under SQLite's limit of variables


@dataclass(frozen=True)
class FailedGroup:
    """A group of a sheet that failed: `reason` 0 unless refused; `number` and `position` as the contract named one."""

    digest: bytes
    state: QueueState
    reason: int
    number: int | None
    position: int | None


def row_after(cursor: str | None) -> int:
    """Position of the row that a page's cursor stands for, 0 for the first page. Raises: CursorError."""
    return parse_cursor(cursor) or 0


def lock_job(connection: Connection, job_id: str) -> bool:
    """Holds a job until the transaction ends, so that two processes never sign the same row; whether there is one.

    SQLite has one writer and needs no lock.
    """
    statement = select(BULK_JOB.c.seq).where(BULK_JOB.c.job_id == job_id).with_for_update()
    return connection.execute(statement).one_or_none() is not None


def set_options(connection: Connection, job_id: str, options: bytes, now_s: int) -> None:
    """Replaces what holds for all rows of a job."""
    connection.execute(update(BULK_JOB).where(BULK_JOB.c.job_id == job_id).values(options=options, updated_at=now_s))


def jobs_of_file(connection: Connection, subject: int, file_hash: bytes, *, but: str) -> tuple[str, ...]:
    """Ids of an enterprise's other sheets with the same SHA-256, newest first; also cancelled ones."""
    table = BULK_JOB.c
    rows = connection.execute(
        select(table.job_id)
        .where(
            table.subject == subject,
            table.file_hash == file_hash,
            table.job_id != but,
        )
        .order_by(table.seq.desc())
        .limit(SAME_FILE_MAX)
    )
    return tuple(rows.scalars())


def any_signed(connection: Connection, job_ids: Sequence[str]) -> bool:
    """Whether a row of those sheets is signed or waits for its signature in a draft, at most SAME_FILE_MAX of them."""
    if not job_ids:
        return False
    found = select(BULK_ROW.c.position).where(
        BULK_ROW.c.job_id.in_(list(job_ids)),
        BULK_ROW.c.state.in_([RowState.SIGNED.value, RowState.DRAFTED.value]),
    )
    return connection.execute(found.limit(1)).one_or_none() is not None


def failed_group(connection: Connection, job_id: str) -> FailedGroup | None:
    """The first group of a sheet's rows that failed, None when none did."""
    row = connection.execute(
        select(OPERATION.c.digest, OPERATION.c.state, OPERATION.c.reason, OPERATION.c.refused_number)
        .join(BULK_ROW, BULK_ROW.c.digest == OPERATION.c.digest)
        .where(
            BULK_ROW.c.job_id == job_id,
            BULK_ROW.c.state == RowState.SIGNED.value,
            OPERATION.c.state.in_([state.value for state in FAILED]),
        )
        .order_by(BULK_ROW.c.position)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    position = None
    if row.refused_number is not None:
        position = connection.execute(
            select(BULK_ROW.c.position).where(BULK_ROW.c.job_id == job_id, BULK_ROW.c.number == row.refused_number)
        ).scalar_one_or_none()
    number = None if row.refused_number is None else int(row.refused_number)
    return FailedGroup(row.digest, QueueState(row.state), row.reason or 0, number, position)


def waiting_digest(connection: Connection, job_id: str) -> bytes | None:
    """The last group of a sheet that waits for its block, None when none does."""
    return connection.execute(
        select(OPERATION.c.digest)
        .join(BULK_ROW, BULK_ROW.c.digest == OPERATION.c.digest)
        .where(BULK_ROW.c.job_id == job_id, OPERATION.c.state == QueueState.ACCEPTED.value)
        .order_by(OPERATION.c.seq.desc())
        .limit(1)
    ).scalar_one_or_none()


def waiting_operations(connection: Connection, actor: int) -> int:
    """How many operations of a party wait for their block."""
    waiting = select(func.coalesce(func.sum(OPERATION.c.operation_count), 0)).where(WAITING, OPERATION.c.actor == actor)
    return int(connection.execute(waiting).scalar_one())


def ready_positions(connection: Connection, job_id: str, first: int, last: int) -> list[int]:
    """Positions from `first` to `last` of a sheet's rows that are ready, ascending."""
    table = BULK_ROW.c
    rows = connection.execute(
        select(table.position)
        .where(table.job_id == job_id, table.state == RowState.READY.value, table.position.between(first, last))
        .order_by(table.position)
    )
    return list(rows.scalars())


def end_row(connection: Connection, job_id: str, position: int, state: RowState, problems: bytes | None = None) -> None:
    """Ends a row that was ready without signing it; `problems` says why in the service's encoding, None: as before."""
    values = {"state": state.value} if problems is None else {"state": state.value, "problems": problems}
    row = (BULK_ROW.c.job_id == job_id) & (BULK_ROW.c.position == position)
    connection.execute(update(BULK_ROW).where(row, BULK_ROW.c.state == RowState.READY.value).values(**values))


def waiting_digests(connection: Connection, job_id: str) -> tuple[bytes, ...]:
    """Groups of a sheet that wait for their block."""
    of_job = select(BULK_ROW.c.digest).where(BULK_ROW.c.job_id == job_id, BULK_ROW.c.digest == OPERATION.c.digest)
    return tuple(connection.execute(select(OPERATION.c.digest).where(WAITING, of_job.exists())).scalars())


def taken_ids(connection: Connection, party: int, kind: str, ids: Sequence[str]) -> dict[str, str]:
    """Target of each of a party's own ids (at most IDS_MAX) that stands for something; not those of failed groups."""
    if len(ids) > IDS_MAX:
        raise ValueError(f"at most {IDS_MAX} ids are asked for at a time")
    rows = connection.execute(
        select(EXTERNAL_ID.c.external_id, EXTERNAL_ID.c.target, OPERATION.c.state)
        .outerjoin(OPERATION, OPERATION.c.digest == EXTERNAL_ID.c.digest)
        .where(EXTERNAL_ID.c.party == party, EXTERNAL_ID.c.kind == kind, EXTERNAL_ID.c.external_id.in_(list(ids)))
    )
    failed = {state.value for state in FAILED}
    return {row.external_id: row.target for row in rows if row.state not in failed}
