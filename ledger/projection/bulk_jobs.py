"""Uploaded sheets: one job a sheet, one row a row, resumable at any moment.

A row is signed when the group that holds it is accepted, in the same transaction (`sign_rows`); what became of it is
its group's outcome, read along with it. Rows of a failed group can be made ready again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, func, select, update

from ledger.projection.columns import number_text
from ledger.projection.ground import OPERATION, QueueState
from ledger.projection.ground_work import BULK_JOB, BULK_ROW, BulkState, JobKind, RowState
from ledger.projection.pages import Page, page_of, page_size, parse_cursor
from ledger.projection.queued import FAILED

ROWS_MAX = 30_000  # rows of one sheet: a district's whole register, 118 signatures
RESUMED_MAX = 1_000  # jobs found at a restart


@dataclass(frozen=True)
class BulkJob:
    """An uploaded sheet; `options` holds for all its rows, sealed."""

    job_id: str
    subject: int
    party: int
    kind: JobKind
    file_hash: bytes
    options: bytes
    state: BulkState
    row_count: int
    created_at: int
    updated_at: int


@dataclass(frozen=True)
class NewBulkRow:
    """One row as it was read: READY with a sealed draft, or INVALID with problems. `position` from 1."""

    position: int
    state: RowState
    sealed_draft: bytes | None
    gross_fen: int | None = None
    tax_fen: int | None = None
    problems: bytes | None = None


@dataclass(frozen=True)
class BulkRow:
    """One row as it is; `group_state`, `reason` and `block` are its group's outcome once it is signed."""

    position: int
    state: RowState
    sealed_draft: bytes | None
    gross_fen: int | None
    tax_fen: int | None
    problems: bytes | None
    number: int | None
    digest: bytes | None
    group_state: QueueState | None
    reason: int
    block: int | None


@dataclass(frozen=True)
class BulkSums:
    """Rows of one state (and, when signed, one outcome), their count and sums in fen."""

    state: RowState
    group_state: QueueState | None
    count: int
    gross_fen: int
    tax_fen: int


def add_job(connection: Connection, job: BulkJob, rows: Sequence[NewBulkRow]) -> None:
    """Stores a sheet with its rows.

    Raises: ValueError for more than ROWS_MAX rows.
    """
    if len(rows) > ROWS_MAX:
        raise ValueError(f"a sheet has at most {ROWS_MAX} rows")
    connection.execute(BULK_JOB.insert(), {name: getattr(job, name) for name in BulkJob.__dataclass_fields__})
    if rows:
        connection.execute(
            BULK_ROW.insert(),
            [
                {"job_id": job.job_id, **{name: getattr(row, name) for name in NewBulkRow.__dataclass_fields__}}
                for row in rows
            ],
        )


def job(connection: Connection, job_id: str) -> BulkJob | None:
    """The job with that id."""
    row = connection.execute(select(BULK_JOB).where(BULK_JOB.c.job_id == job_id)).one_or_none()
    return None if row is None else _job(row)


def jobs(
    connection: Connection, kind: JobKind, subject: int | None, *, limit: int, cursor: str | None = None
) -> Page[BulkJob]:
    """Jobs of a kind of a party (None: everybody's), newest first. Raises: CursorError; ValueError as `page_size`."""
    size, before = page_size(limit), parse_cursor(cursor)
    statement = select(BULK_JOB).where(BULK_JOB.c.kind == kind.value)
    if subject is not None:
        statement = statement.where(BULK_JOB.c.subject == subject)
    if before is not None:
        statement = statement.where(BULK_JOB.c.seq < before)
    rows = connection.execute(statement.order_by(BULK_JOB.c.seq.desc()).limit(size + 1))
    return page_of([(row.seq, _job(row)) for row in rows], size)


def running_jobs(connection: Connection, kind: JobKind) -> tuple[BulkJob, ...]:
    """Jobs of a kind to go on with after a restart, oldest first."""
    running = (BULK_JOB.c.state == BulkState.RUNNING.value) & (BULK_JOB.c.kind == kind.value)
    rows = connection.execute(select(BULK_JOB).where(running).order_by(BULK_JOB.c.seq).limit(RESUMED_MAX))
    return tuple(_job(row) for row in rows)


def set_job_state(connection: Connection, job_id: str, state: BulkState, now_s: int) -> None:
    """Moves a job on."""
    connection.execute(update(BULK_JOB).where(BULK_JOB.c.job_id == job_id).values(state=state.value, updated_at=now_s))


def rows(
    connection: Connection, job_id: str, *, state: RowState | None = None, after: int = 0, limit: int
) -> tuple[BulkRow, ...]:
    """Rows of a job in the sheet's order, from the one after position `after`, with their groups' outcome.

    Raises: ValueError for a page size outside its limit.
    """
    statement = (
        select(BULK_ROW, OPERATION.c.state.label("group_state"), OPERATION.c.reason, OPERATION.c.block)
        .outerjoin(OPERATION, OPERATION.c.digest == BULK_ROW.c.digest)
        .where(BULK_ROW.c.job_id == job_id, BULK_ROW.c.position > after)
    )
    if state is not None:
        statement = statement.where(BULK_ROW.c.state == state.value)
    found = connection.execute(statement.order_by(BULK_ROW.c.position).limit(page_size(limit)))
    return tuple(_row(row) for row in found)


def sums(connection: Connection, job_id: str) -> tuple[BulkSums, ...]:
    """Counts and sums of a job's rows by state and outcome: what its owner sees before and after signing."""
    table = BULK_ROW
    found = connection.execute(
        select(
            table.c.state,
            OPERATION.c.state.label("group_state"),
            func.count().label("count"),
            func.coalesce(func.sum(table.c.gross_fen), 0).label("gross_fen"),
            func.coalesce(func.sum(table.c.tax_fen), 0).label("tax_fen"),
        )
        .select_from(table.outerjoin(OPERATION, OPERATION.c.digest == table.c.digest))
        .where(table.c.job_id == job_id)
        .group_by(table.c.state, OPERATION.c.state)
        .order_by(table.c.state, OPERATION.c.state)
    )
    return tuple(
        BulkSums(
            state=RowState(row.state),
            group_state=None if row.group_state is None else QueueState(row.group_state),
            count=int(row._mapping["count"]),
            gross_fen=int(row.gross_fen),
            tax_fen=int(row.tax_fen),
        )
        for row in found
    )


def sign_rows(connection: Connection, job_id: str, signed: Mapping[int, int], digest: bytes) -> None:
    """Marks rows (position -> invoice number) as held by the group `digest`; call it where that group is accepted."""
    if signed:
        table = BULK_ROW
        connection.execute(
            update(table)
            .where(table.c.job_id == job_id, table.c.position == bindparam("of_position"))
            .values(state=RowState.SIGNED.value, number=bindparam("to_number"), digest=digest),
            [{"of_position": position, "to_number": number_text(number)} for position, number in signed.items()],
        )


def reopen_failed(connection: Connection, job_id: str) -> int:
    """Makes rows whose group was refused, malformed or expired ready again, their numbers given up; how many."""
    table = BULK_ROW
    failed = select(OPERATION.c.digest).where(
        OPERATION.c.digest == table.c.digest, OPERATION.c.state.in_([state.value for state in FAILED])
    )
    result = connection.execute(
        update(table)
        .where(table.c.job_id == job_id, table.c.state == RowState.SIGNED.value, failed.exists())
        .values(state=RowState.READY.value, number=None, digest=None)
    )
    return int(result.rowcount)


def forget_drafts(connection: Connection, job_id: str) -> int:
    """Deletes the sealed drafts of a job's rows; how many. Documents of what was issued stay."""
    result = connection.execute(update(BULK_ROW).where(BULK_ROW.c.job_id == job_id).values(sealed_draft=None))
    return int(result.rowcount)


def _job(row: Row[tuple[object, ...]]) -> BulkJob:
    values = row._mapping
    fields = {name: values[name] for name in BulkJob.__dataclass_fields__}
    return BulkJob(**{**fields, "kind": JobKind(fields["kind"]), "state": BulkState(fields["state"])})


def _row(row: Row[tuple[object, ...]]) -> BulkRow:
    values = row._mapping
    number, group_state = values["number"], values["group_state"]
    return BulkRow(
        **{
            **{name: values[name] for name in BulkRow.__dataclass_fields__},
            "state": RowState(values["state"]),
            "number": None if number is None else int(number),
            "group_state": None if group_state is None else QueueState(group_state),
            "reason": values["reason"] or 0,
        }
    )
