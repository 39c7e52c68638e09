"""Months: opened by the calendar, filed by each enterprise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Query, Request, Response
from pydantic import BeforeValidator, Field

from api.pools import reads, writes
from api.render import answer, month_json, written_answer
from api.render_months import filing_json, report_json
from api.routes.declared import Authenticated, Door, IdempotencyKey, read_answers, router, write_answers
from api.schemas import answers, filing
from api.schemas.requests import MonthOpening
from api.schemas.values import Month, PathParty, digits_only
from api.tables import Format, Language, csv_answer, wants_csv
from ledger.domain.invoice import RateMark
from ledger.domain.month_report import RateSum
from ledger.service.declarations import declared_json
from ledger.service.month_reporting import Declared
from ledger.service.month_tables import report_table

REVISION_MAX = 65_535  # of a month's filings; a party's version counts each and has 24 bits for all it ever does

routes = router("months")

Subject = Annotated[PathParty | None, Query(description="Left out: the only enterprise the caller may act for.")]
Revision = Annotated[int, BeforeValidator(digits_only), Field(ge=0, le=REVISION_MAX)]


@routes.get("/months/{month}", responses=read_answers(answers.MonthTotals), summary="Totals of a month")
@reads
def read_month(
    ledger: Door, caller: Authenticated, month: Month,
    subject: Subject = None,
) -> Response:  # fmt: skip
    """An enterprise's month as the contract counts it, the quota used, and its filing."""
    return answer(month_json(ledger.month(caller, month, subject=subject)))


@routes.get("/months/{month}/report", responses=read_answers(filing.MonthReport), summary="Report of a month")
@reads
def read_report(
    request: Request, ledger: Door, caller: Authenticated, month: Month, subject: Subject = None,
    revision: Annotated[Revision | None, Query(description="An earlier filing; left out: the one that stands.")] = None,
    draft: Annotated[Literal["true", "false"], Query(description="As it would be filed now.")] = "false",
    format: Format = None, lang: Language = "zh",  # noqa: A002 - the name of the parameter
) -> Response:  # fmt: skip
    """As filed or, before that or with `draft`, as it would be; `format=csv` or `Accept: text/csv`: a table."""
    view = ledger.filing.report(caller, month, subject=subject, revision=revision, draft=draft == "true")
    if wants_csv(request, format):
        return csv_answer(report_table(view, lang), f"report-{month}.csv")
    return answer(report_json(view))


@routes.get("/months/{month}/filings", responses=read_answers(filing.FilingList), summary="Filings of a month")
@reads
def list_filings(ledger: Door, caller: Authenticated, month: Month, subject: Subject = None) -> Response:
    """The filing and its corrections, oldest first; each names the report it replaced."""
    found = ledger.filing.filings(caller, month, subject=subject)
    return answer({"month": month, "items": [filing_json(one) for one in found]})


@routes.get(
    "/months/{month}/declaration", responses=read_answers(filing.Declaration), summary="What is declared of a month"
)
@reads
def read_declaration(ledger: Door, caller: Authenticated, month: Month, subject: Subject = None) -> Response:
    """What the enterprise declares beside its invoices, as its report would say now."""
    return answer({"month": month, **declared_json(ledger.filing.declared(caller, month, subject=subject))})


@routes.put(
    "/months/{month}/declaration",
    status_code=201,
    responses=write_answers(filing.Declaration, waits=False),
    summary="Declare un-invoiced sales",
)
@writes
def declare_month(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, month: Month, body: filing.DeclarationRequest
) -> Response:
    """Keeps what is declared until the month is filed; nothing is signed yet, and the draft of the report shows it."""
    declared = Declared(_sums(body.uninvoiced), _sums(body.unread), body.note)
    ledger.filing.declare(caller, month, declared, subject=body.subject, idempotency_key=key)
    return answer({"month": month, **declared_json(declared)}, 201)


@routes.post("/months/{month}/filing", status_code=201, responses=write_answers(), summary="File a month")
@writes
def file_month(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, month: Month, body: filing.FilingRequest
) -> Response:
    """Files the month's return with the ledger's totals; afterwards the month is frozen."""
    written = ledger.filing.file(caller, month, declared=_declared(body), subject=body.subject, idempotency_key=key)
    return written_answer(written, location=f"/v1/months/{month}/report")


@routes.post("/months/{month}/refiling", status_code=201, responses=write_answers(), summary="Correct a filed month")
@writes
def refile_month(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, month: Month, body: filing.RefilingRequest
) -> Response:
    """Files a new report in the place of the one it names; both stay in the month's history."""
    written = ledger.filing.refile(
        caller, month, replaces=body.replaces, declared=_declared(body), subject=body.subject, idempotency_key=key
    )
    return written_answer(written, location=f"/v1/months/{month}/report")


@routes.post("/months/{month}/opening", status_code=201, responses=write_answers(), summary="Open a month")
@writes
def open_month(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, month: Month,
    body: MonthOpening,  # noqa: ARG001  # an object without fields: unknown ones are refused
) -> Response:  # fmt: skip
    """The authority or the calendar only: invoices of the month can be issued while it lasts, and 24 h longer."""
    return written_answer(ledger.open_month(caller, month, idempotency_key=key), location=f"/v1/months/{month}")


def _declared(body: filing.FilingRequest) -> Declared | None:
    if body.uninvoiced is None and body.unread is None and body.note is None:
        return None
    return Declared(_sums(body.uninvoiced or ()), _sums(body.unread or ()), body.note or "")


def _sums(declared: Sequence[filing.DeclaredSum]) -> tuple[RateSum, ...]:
    return tuple(RateSum(one.rate_bp, RateMark(one.rate_mark), one.net_fen, one.tax_fen) for one in declared)
