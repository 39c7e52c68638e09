"""Months: opened by the calendar, filed by each enterprise."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.pools import reads, writes
from api.render import answer, month_json, written_answer
from api.routes.declared import Authenticated, Door, IdempotencyKey, read_answers, router, write_answers
from api.schemas import answers
from api.schemas.requests import FilingRequest, MonthOpening
from api.schemas.values import Month, PathParty

routes = router("months")


@routes.get("/months/{month}", responses=read_answers(answers.MonthTotals), summary="Totals of a month")
@reads
def read_month(
    ledger: Door, caller: Authenticated, month: Month,
    subject: Annotated[PathParty | None, Query(description="Left out: the only one the caller may act for.")] = None,
) -> Response:  # fmt: skip
    """An enterprise's month as the contract counts it, the quota used, and its filing."""
    return answer(month_json(ledger.month(caller, month, subject=subject)))


@routes.post("/months/{month}/filing", status_code=201, responses=write_answers(), summary="File a month")
@writes
def file_month(ledger: Door, caller: Authenticated, key: IdempotencyKey, month: Month, body: FilingRequest) -> Response:
    """Files the month's return with the ledger's totals; afterwards the month is frozen."""
    written = ledger.file_month(
        caller, month, subject=body.subject, uninvoiced_fen=body.uninvoiced_fen, note=body.note, idempotency_key=key
    )
    return written_answer(written, location=f"/v1/months/{month}")


@routes.post("/months/{month}/opening", status_code=201, responses=write_answers(), summary="Open a month")
@writes
def open_month(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, month: Month,
    body: MonthOpening,  # noqa: ARG001  # an object without fields: unknown ones are refused
) -> Response:  # fmt: skip
    """The authority or the calendar only: invoices of the month can be issued while it lasts, and 24 h longer."""
    return written_answer(ledger.open_month(caller, month, idempotency_key=key), location=f"/v1/months/{month}")
