"""What is asked of an uploaded sheet, whatever its rows are: once an Idempotency-Key, alone with the sheet."""

from __future__ import annotations

from collections.abc import Callable

from ledger.projection import Connection, bulk_queries
from ledger.projection.bulk_jobs import BulkJob
from ledger.service.context import Context
from ledger.service.views import Caller
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json


def act_on_sheet(
    context: Context, caller: Caller, job_id: str, key: str, asked: tuple[str, Json],
    need: Callable[[Connection], BulkJob], act: Callable[[Connection, BulkJob], None],
) -> None:  # fmt: skip
    """Runs `act` on the sheet that `need` gives, held against others; `asked` is the act's name and its request.

    Raises: what `need` and `act` raise; IdempotencyConflict, Busy.
    """
    hashed = request_hash(*asked)

    def write(connection: Connection) -> dict[str, Json]:
        def take() -> dict[str, Json]:
            bulk_queries.lock_job(connection, job_id)
            act(connection, need(connection))
            return {"job": job_id}

        return remembered(context, connection, caller, key, hashed, take)

    run_write(context, write)
