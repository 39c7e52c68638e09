"""Deduction: a buyer's finance selects input tax for a period, sees the sums, confirms."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.pools import reads, writes
from api.render import answer, written_answer
from api.render_months import deduction_json, period_json
from api.routes.declared import Authenticated, Door, IdempotencyKey, PageSize, read_answers, router, write_answers
from api.schemas import deductions
from api.schemas.values import Cursor, Month, Number, PathParty
from ledger.domain.deduction import DeductionPurpose, NonDeductionReason
from ledger.service.deduction_views import DeductionPage
from ledger.service.deductions import WantedSelection

routes = router("deduction")

Subject = Annotated[PathParty | None, Query(description="Left out: the only enterprise the caller may act for.")]


@routes.get(
    "/invoices/{number}/deduction", responses=read_answers(deductions.Deduction), summary="Input tax of an invoice"
)
@reads
def read_deduction(ledger: Door, caller: Authenticated, number: Number) -> Response:
    """How much tax is left, which period has it, for what purpose, and whether that is final."""
    return answer(deduction_json(ledger.deductions.deduction(caller, number)))


@routes.get(
    "/deductions/{month}/selectable", responses=read_answers(deductions.DeductionPage), summary="What can be selected"
)
@reads
def list_selectable(
    ledger: Door, caller: Authenticated, limit: PageSize, month: Month, subject: Subject = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Special invoices of the buyer issued by then, in no period, not fully red, not flagged; newest first."""
    return _page(ledger.deductions.selectable(caller, month, subject=subject, cursor=cursor, limit=limit))


@routes.get(
    "/deductions/{month}/selected", responses=read_answers(deductions.DeductionPage), summary="What is selected"
)
@reads
def list_selected(
    ledger: Door, caller: Authenticated, limit: PageSize, month: Month, subject: Subject = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Invoices in the buyer's period, newest first."""
    return _page(ledger.deductions.selected(caller, month, subject=subject, cursor=cursor, limit=limit))


@routes.get("/deductions/{month}", responses=read_answers(deductions.Period), summary="Statistics of a period")
@reads
def read_period(ledger: Door, caller: Authenticated, month: Month, subject: Subject = None) -> Response:
    """Count and valid tax by purpose, and whether the period is open, confirmed or filed."""
    return answer(period_json(ledger.deductions.period(caller, month, subject=subject)))


@routes.post("/deductions/{month}/selections", status_code=201, responses=write_answers(), summary="Select input tax")
@writes
def select_invoices(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, month: Month, body: deductions.SelectionRequest
) -> Response:
    """Selects 1 to 256 invoices for the period under one signature, all or none."""
    written = ledger.deductions.select(
        caller, month, [_wanted(one) for one in body.selections], subject=body.subject, idempotency_key=key
    )
    return written_answer(written, location=f"/v1/deductions/{month}")


@routes.post("/deductions/unselections", status_code=201, responses=write_answers(), summary="Unselect input tax")
@writes
def unselect_invoices(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, body: deductions.UnselectionRequest
) -> Response:
    """Takes 1 to 256 invoices out of the periods they are selected for, all or none."""
    return written_answer(ledger.deductions.unselect(caller, body.numbers, subject=body.subject, idempotency_key=key))


@routes.post("/deductions/{month}/confirmation", status_code=201, responses=write_answers(), summary="Confirm a period")
@writes
def confirm_period(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, month: Month, body: deductions.ConfirmationRequest
) -> Response:
    """Confirms the sums the period has; its selections are then final."""
    written = ledger.deductions.confirm(caller, month, subject=body.subject, idempotency_key=key)
    return written_answer(written, location=f"/v1/deductions/{month}")


def _wanted(one: deductions.Selection) -> WantedSelection:
    return WantedSelection(
        one.number,
        DeductionPurpose[one.purpose.upper()],
        one.valid_tax_fen,
        NonDeductionReason[one.reason.upper()] if one.reason is not None else None,
    )


def _page(page: DeductionPage) -> Response:
    return answer({"items": [deduction_json(one) for one in page.items], "next_cursor": page.next_cursor})
