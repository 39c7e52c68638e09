"""Registers of enterprises: an officer uploads a file, enrols its rows, follows them, downloads their results."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.downloads import CSV, XLSX, file_answer
from api.pools import downloads, reads, uploads, writes
from api.render import answer
from api.render_bulk import check_not_stopped
from api.render_registers import register_json, register_row_json
from api.routes.declared import (
    Authenticated,
    Door,
    FileName,
    IdempotencyKey,
    PageSize,
    UploadedFile,
    file_answers,
    read_answers,
    router,
    write_answers,
)
from api.schemas import registers
from api.schemas.bulk import JobId
from api.schemas.values import Cursor, Month
from api.uploads import upload_body
from ledger.service.problems import invalid
from verifier.canonical import Json

routes = router("registers")


@routes.post(
    "/registers",
    status_code=201,
    responses=write_answers(registers.RegisterJob, waits=False),
    summary="Upload a register of enterprises",
    openapi_extra=upload_body(CSV, XLSX),
)
@uploads
def upload_register(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, file: UploadedFile,
    quotas: Annotated[registers.QuotasText, Query()],
    first_month: Annotated[Month | None, Query()] = None, file_name: FileName = "",
) -> Response:  # fmt: skip
    """Officers only: reads a CSV or XLSX of at most 30,000 enterprises and keeps each row with its result."""
    view = ledger.register_file.upload(
        caller, file.data, quotas=_quotas(quotas), first_month=first_month, file_name=file_name, idempotency_key=key
    )
    return answer(register_json(view), 201, {"location": f"/v1/registers/{view.job}"})


@routes.get("/registers", responses=read_answers(registers.RegisterJobPage), summary="List uploaded registers")
@reads
def list_registers(
    ledger: Door, caller: Authenticated, limit: PageSize, cursor: Annotated[Cursor | None, Query()] = None
) -> Response:
    """The officer's own, newest first; everybody's for who oversees the whole ledger."""
    page = ledger.register_file.jobs(caller, cursor=cursor, limit=limit)
    return answer({"items": [register_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.get("/registers/{job}", responses=read_answers(registers.RegisterRows), summary="Read an uploaded register")
@reads
def read_register(
    ledger: Door, caller: Authenticated, job: JobId, limit: PageSize,
    state: Annotated[registers.RegisterRowState | None, Query(description="Rows in this state only.")] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """How far it is, and a page of its rows with what is wrong with or became of each."""
    page = ledger.register_file.rows(caller, job, state=state, cursor=cursor, limit=limit)
    items: list[Json] = [register_row_json(one) for one in page.items]
    view = ledger.register_file.job(caller, job)
    return answer({"job": register_json(view), "items": items, "next_cursor": page.next_cursor})


@routes.post(
    "/registers/{job}/signing",
    status_code=201,
    responses=write_answers(registers.RegisterJob),
    summary="Enrol an uploaded register",
)
@writes
def sign_register(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, job: JobId, _body: registers.RegisterSigning
) -> Response:
    """Signs every sound row, once for 256; 201 when all have their end, 202 while the node goes on with the rest."""
    view = ledger.register_file.sign(caller, job, idempotency_key=key)
    location = f"/v1/registers/{job}"
    check_not_stopped(view.state, view.stopped, location)
    return answer(register_json(view), 201 if view.state == "done" else 202, {"location": location})


@routes.post(
    "/registers/{job}/cancellation",
    status_code=201,
    responses=write_answers(registers.RegisterJob, waits=False),
    summary="Give an uploaded register up",
)
@writes
def cancel_register(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, job: JobId, _body: registers.RegisterCancelling
) -> Response:
    """Also while it is being enrolled: what is signed comes to its block, the rest is left."""
    view = ledger.register_file.cancel(caller, job, idempotency_key=key)
    return answer(register_json(view), 201, {"location": f"/v1/registers/{job}"})


@routes.get(
    "/registers/{job}/results",
    responses=file_answers(CSV),
    response_class=Response,
    summary="Results of a register as CSV",
)
@downloads
def register_results(ledger: Door, caller: Authenticated, job: JobId) -> Response:
    """Row, name, tax id, class, status, party and reason of every row of the file; no cell starts a formula."""
    return file_answer(*ledger.register_file.results_file(caller, job))


def _quotas(text: str) -> dict[str, int]:
    """Gross fen by class. Raises: InvalidRequest at `quotas` for a class named twice."""
    given = [one.partition("=") for one in text.split(",")]
    quotas = {name: int(fen) for name, _, fen in given}
    if len(quotas) != len(given):
        raise invalid("quotas", "register_class_twice")
    return quotas
