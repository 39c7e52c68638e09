"""Sheets of invoices: upload, look at every row, sign, download the results."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.downloads import CSV, XLSX, file_answer
from api.pools import downloads, reads, uploads, writes
from api.render import answer
from api.render_bulk import check_not_stopped, job_json, row_json
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
from api.schemas import bulk
from api.schemas.values import Cursor, PathParty
from api.uploads import upload_body
from verifier.canonical import Json

routes = router("bulk")

Subject = Annotated[PathParty | None, Query(description="Enterprise that issues; left out: the only one one may.")]


@routes.post(
    "/bulk",
    status_code=201,
    responses=write_answers(bulk.BulkJob, waits=False),
    summary="Upload a sheet of invoices",
    openapi_extra=upload_body(CSV, XLSX),
)
@uploads
def upload_sheet(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, file: UploadedFile, file_name: FileName = "",
    subject: Subject = None, first_holder: Annotated[bulk.QueryHolder | None, Query()] = None,
) -> Response:  # fmt: skip
    """Reads a CSV or XLSX of at most 10,000 invoices and keeps each row with its result; nothing is signed."""
    job = ledger.bulk.upload(
        caller, file.data, file_name=file_name, subject=subject, first_holder=first_holder, idempotency_key=key
    )
    return answer(job_json(job), 201, {"location": f"/v1/bulk/{job.job}"})


@routes.get("/bulk", responses=read_answers(bulk.BulkJobPage), summary="List uploaded sheets")
@reads
def list_sheets(
    ledger: Door, caller: Authenticated, limit: PageSize, subject: Subject = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Sheets of an enterprise the caller issues for, newest first."""
    page = ledger.bulk.jobs(caller, subject=subject, cursor=cursor, limit=limit)
    return answer({"items": [job_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.get("/bulk/template", responses=file_answers(CSV, XLSX), response_class=Response, summary="Template of a sheet")
@downloads
def sheet_template(
    ledger: Door, _caller: Authenticated, format: Annotated[bulk.SheetFormat, Query()] = "xlsx",  # noqa: A002 - its name on the wire
    lang: Annotated[bulk.Language, Query()] = "zh",
) -> Response:  # fmt: skip
    """An empty sheet with the names of all columns; the XLSX explains them."""
    return file_answer(*ledger.bulk.template(kind=format, language=lang))


@routes.get("/bulk/{job}", responses=read_answers(bulk.BulkRows), summary="Read an uploaded sheet")
@reads
def read_sheet(
    ledger: Door, caller: Authenticated, job: bulk.JobId, limit: PageSize,
    state: Annotated[bulk.RowState | None, Query(description="Rows in this state only.")] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """The sheet with its totals, and a page of its rows with what is wrong with or became of each."""
    page = ledger.bulk.rows(caller, job, state=state, cursor=cursor, limit=limit)
    items: list[Json] = [row_json(one) for one in page.items]
    return answer({"job": job_json(ledger.bulk.job(caller, job)), "items": items, "next_cursor": page.next_cursor})


@routes.post(
    "/bulk/{job}/signing", status_code=201, responses=write_answers(bulk.BulkJob), summary="Sign an uploaded sheet"
)
@writes
def sign_sheet(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, job: bulk.JobId, body: bulk.BulkSigning
) -> Response:
    """Signs every sound row, once for 256; 201 when all are recorded, 202 while the node goes on with the rest.

    For a signer that keeps its key itself, 202 with `drafts`: what waits for its signatures.

    Stopped by a refusal or for lack of numbers, it is a problem that says why; asked again, it goes on.
    """
    signed = ledger.bulk.sign(caller, job, again=body.again, idempotency_key=key)
    check_not_stopped(signed.state, signed.stopped, f"/v1/bulk/{job}")
    return answer(job_json(signed), 201 if signed.state == "done" else 202, {"location": f"/v1/bulk/{job}"})


@routes.post(
    "/bulk/{job}/cancellation",
    status_code=201,
    responses=write_answers(bulk.BulkJob, waits=False),
    summary="Give an uploaded sheet up",
)
@writes
def cancel_sheet(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, job: bulk.JobId, _body: bulk.BulkCancelling
) -> Response:
    """Forgets its drafts; a sheet that is being signed comes to its end first, and what was issued stays issued."""
    return answer(job_json(ledger.bulk.cancel(caller, job, idempotency_key=key)), 201, {"location": f"/v1/bulk/{job}"})


@routes.get(
    "/bulk/{job}/results",
    responses=file_answers(CSV, XLSX),
    response_class=Response,
    summary="Results of a sheet as a sheet",
)
@downloads
def sheet_results(
    ledger: Door, caller: Authenticated, job: bulk.JobId,
    format: Annotated[bulk.SheetFormat, Query()] = "csv",  # noqa: A002 - its name on the wire
    lang: Annotated[bulk.Language, Query()] = "zh",
) -> Response:  # fmt: skip
    """Row, reference, external id, number, status and reason of every invoice of the sheet."""
    return file_answer(*ledger.bulk.results(caller, job, kind=format, language=lang))
