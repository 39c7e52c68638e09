"""What officers do about single invoices and sellers, and the exceptions companies and officers are told."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response

from api.pools import reads, writes
from api.render import answer, written_answer
from api.render_reds import exception_json
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    PageSize,
    read_answers,
    router,
    write_answers,
)
from api.schemas import supervising
from api.schemas.values import Cursor, Number, PathParty

routes = router("supervising")


@routes.post(
    "/invoices/{number}/risk-flag/clearance", status_code=201, responses=write_answers(), summary="Clear a risk flag"
)
@writes
def clear_risk_flag(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: supervising.OfficerReason
) -> Response:
    """Officers only: takes the flag away."""
    return written_answer(ledger.supervising.clear_flag(caller, number, reason=body.reason, idempotency_key=key))


@routes.post(
    "/invoices/{number}/force-unlock", status_code=201, responses=write_answers(), summary="Unlock an invoice by force"
)
@writes
def force_unlock(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: supervising.OfficerReason
) -> Response:
    """Officers only: frees a claimed invoice that is not settled."""
    return written_answer(ledger.supervising.force_unlock(caller, number, reason=body.reason, idempotency_key=key))


@routes.post(
    "/parties/{party}/block-lift", status_code=201, responses=write_answers(), summary="Lift an enterprise's block"
)
@writes
def lift_block(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, party: PathParty, body: supervising.BlockLift
) -> Response:
    """Officers only: it may issue in `month` although months before are not filed."""
    written = ledger.supervising.lift_block(caller, party, body.month, reason=body.reason, idempotency_key=key)
    return written_answer(written, location=f"/v1/parties/{party}")


@routes.get("/exceptions", responses=read_answers(supervising.ExceptionPage), summary="List exceptions")
@reads
def list_exceptions(
    ledger: Door, caller: Authenticated, limit: PageSize,
    number: Annotated[Number | None, Query()] = None,
    unanswered: Annotated[
        Literal["true", "false"], Query(description="Only those the caller's side can still acknowledge.")
    ] = "false",
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """All to officers, else those told to the caller's company or about the caller's own claims; newest first."""
    page = ledger.supervising.exceptions(
        caller, number=number, unanswered=unanswered == "true", cursor=cursor, limit=limit
    )
    return answer({"items": [exception_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.post(
    "/invoices/{number}/exception/acknowledgement",
    status_code=201,
    responses=write_answers(),
    summary="Acknowledge exceptions",
)
@writes
def acknowledge_exception(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: supervising.Acknowledgement
) -> Response:
    """An officer, or finance of the company told, has seen the exceptions of an invoice."""
    written = ledger.supervising.acknowledge(caller, number, note=body.note, subject=body.subject, idempotency_key=key)
    return written_answer(written)
