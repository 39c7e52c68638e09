"""Supervision: officers' lists over all parties by month, as JSON pages or CSV."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from api.pools import reads
from api.render import answer, time_text
from api.routes.declared import Authenticated, Door, PageSize, read_answers, router
from api.schemas import supervision
from api.schemas.values import Cursor, Month, PathParty
from api.tables import Format, Language, csv_answer, wants_csv
from ledger.service.supervision_views import SupervisionPage
from verifier.canonical import Json

REASON_LENGTH_MAX = 40  # of a reason's name

routes = router("supervision")

OfMonth = Annotated[
    Month | None, Query(description="Left out: the current month; of those who have not filed, the last that ended.")
]
OfParty = Annotated[PathParty | None, Query(description="Rows of one party only.")]
OfReason = Annotated[
    Annotated[str, Field(pattern=r"^[a-z_]+$", max_length=REASON_LENGTH_MAX)] | None,
    Query(description="One reason only, by its name in docs/OPERATIONS.md."),
]
After = Annotated[Cursor | None, Query()]


@routes.get(
    "/supervision/nonfilers", responses=read_answers(supervision.NonfilerPage), summary="Who has not filed a month"
)
@reads
def list_nonfilers(
    request: Request, ledger: Door, caller: Authenticated, limit: PageSize, month: OfMonth = None, cursor: After = None,
    format: Format = None, lang: Language = "zh",  # noqa: A002 - the name of the parameter
) -> Response:  # fmt: skip
    """Officers only. Enrolled enterprises whose return of the month is missing, those longest behind first."""
    if wants_csv(request, format):
        table = ledger.supervision.nonfilers_table(caller, month, cursor=cursor, language=lang)
        return _csv("nonfilers", month, table)
    return _page(ledger.supervision.nonfilers(caller, month, cursor=cursor, limit=limit))


@routes.get(
    "/supervision/exceptions",
    responses=read_answers(supervision.SupervisedExceptionPage),
    summary="Exceptions raised in a month",
)
@reads
def list_supervised_exceptions(
    request: Request, ledger: Door, caller: Authenticated, limit: PageSize, month: OfMonth = None,
    party: OfParty = None,
    cursor: After = None, format: Format = None, lang: Language = "zh",  # noqa: A002 - the name of the parameter
) -> Response:  # fmt: skip
    """Officers only. What happened to invoices after they were paid out, deducted or claimed; newest first."""
    if wants_csv(request, format):
        table = ledger.supervision.exceptions_table(caller, month, party=party, cursor=cursor, language=lang)
        return _csv("exceptions", month, table)
    return _page(ledger.supervision.exceptions(caller, month, party=party, cursor=cursor, limit=limit))


@routes.get(
    "/supervision/refusals", responses=read_answers(supervision.SupervisedRefusalPage), summary="Refused attempts"
)
@reads
def list_refusals(
    request: Request, ledger: Door, caller: Authenticated, limit: PageSize, month: OfMonth = None,
    party: OfParty = None,
    reason: OfReason = None, cursor: After = None, format: Format = None,  # noqa: A002 - the name of the parameter
    lang: Language = "zh",
) -> Response:  # fmt: skip
    """Officers only. Signed groups the contract refused in a month, with the rule they broke; newest first."""
    if wants_csv(request, format):
        table = ledger.supervision.refusals_table(
            caller, month, party=party, reason=reason, cursor=cursor, language=lang
        )
        return _csv("refusals", month, table)
    return _page(ledger.supervision.refusals(caller, month, party=party, reason=reason, cursor=cursor, limit=limit))


@routes.get(
    "/supervision/duplicates", responses=read_answers(supervision.DuplicatePage), summary="Invoices claimed twice"
)
@reads
def list_duplicates(
    request: Request, ledger: Door, caller: Authenticated, limit: PageSize, month: OfMonth = None,
    party: OfParty = None,
    cursor: After = None, format: Format = None, lang: Language = "zh",  # noqa: A002 - the name of the parameter
) -> Response:  # fmt: skip
    """Officers only. Second claims and registrations, tried or displaced, with both sides; newest first."""
    if wants_csv(request, format):
        table = ledger.supervision.duplicates_table(caller, month, party=party, cursor=cursor, language=lang)
        return _csv("duplicates", month, table)
    return _page(ledger.supervision.duplicates(caller, month, party=party, cursor=cursor, limit=limit))


def _csv(name: str, month: str | None, table: tuple[bytes, str | None]) -> Response:
    data, after = table
    return csv_answer(data, f"{name}{'-' + month if month else ''}.csv", after)


def _page(page: SupervisionPage[Any]) -> Response:
    return answer({"items": [_row(one) for one in page.items], "next_cursor": page.next_cursor})


def _row(view: Any) -> Json:
    """A row's fields as they are, times as texts."""
    return {name: _plain(value) for name, value in asdict(view).items()}


def _plain(value: Any) -> Json:
    if isinstance(value, datetime):
        return time_text(value)
    return list(value) if isinstance(value, tuple) else value
