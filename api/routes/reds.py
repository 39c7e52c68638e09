"""Red letters: slips between the two sides, red invoices, and how an invoice can be reddened."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response

from api.pools import reads, writes
from api.render import answer, written_answer
from api.render_reds import outlook_json, slip_json
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    PageSize,
    read_answers,
    router,
    write_answers,
)
from api.schemas import reds
from api.schemas.values import Cursor, Number
from ledger.domain.red import Credit
from ledger.service.red_views import SlipPage

routes = router("red letters")


@routes.get("/invoices/{number}/red", responses=read_answers(reds.RedOutlook), summary="How to redden an invoice")
@reads
def read_red_outlook(ledger: Door, caller: Authenticated, number: Number) -> Response:
    """Whether the seller may redden it alone, needs a slip, or cannot and why; what is left of each line."""
    return answer(outlook_json(ledger.red_letters.outlook(caller, number)))


@routes.post("/invoices/{number}/red", status_code=201, responses=write_answers(), summary="Issue a red invoice")
@writes
def issue_red(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: reds.RedRequest
) -> Response:
    """Credits the invoice, whole or in part; `numbers` of the answer holds the red's own number."""
    written = ledger.red_letters.issue_red(
        caller,
        number,
        reason=body.reason,
        parts=_credits(body.parts),
        document=body.document,
        subject=body.subject,
        external_id=body.external_id,
        idempotency_key=key,
    )
    return written_answer(written, location=f"/v1/invoices/{written.numbers[0]}" if written.numbers else None)


@routes.get("/slips", responses=read_answers(reds.SlipPage), summary="List red slips")
@reads
def list_slips(
    ledger: Door, caller: Authenticated, limit: PageSize,
    waiting: Annotated[Literal["true", "false"], Query(description="Only those the caller may answer now.")] = "false",
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Slips in which the caller's side took part, newest first, without their drafts."""
    page = ledger.red_letters.slips(caller, waiting=waiting == "true", cursor=cursor, limit=limit)
    return _page(page)


@routes.get("/invoices/{number}/slips", responses=read_answers(reds.SlipPage), summary="Red slips of an invoice")
@reads
def read_slips(ledger: Door, caller: Authenticated, number: Number, limit: PageSize) -> Response:
    """Every slip of an invoice, newest first, each with the draft of the red it is about."""
    return _page(ledger.red_letters.slips(caller, number=number, limit=limit))


@routes.post("/invoices/{number}/slip", status_code=201, responses=write_answers(), summary="Open a red slip")
@writes
def open_slip(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: reds.SlipRequest
) -> Response:
    """Asks the other side to agree to a red of the whole rest, of `parts`, or as `document` says."""
    written = ledger.red_letters.open_slip(
        caller,
        number,
        reason=body.reason,
        parts=_credits(body.parts),
        document=body.document,
        subject=body.subject,
        idempotency_key=key,
    )
    return written_answer(written, location=f"/v1/invoices/{number}/slips")


@routes.post(
    "/invoices/{number}/slip/confirmation", status_code=201, responses=write_answers(), summary="Confirm a red slip"
)
@writes
def confirm_slip(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: reds.SlipAnswer
) -> Response:
    """The side that was asked agrees; the seller can issue the red then."""
    written = ledger.red_letters.confirm_slip(caller, number, note=body.note, subject=body.subject, idempotency_key=key)
    return written_answer(written, location=f"/v1/invoices/{number}/slips")


@routes.post("/invoices/{number}/slip/refusal", status_code=201, responses=write_answers(), summary="Refuse a red slip")
@writes
def refuse_slip(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: reds.SlipAnswer
) -> Response:
    """The side that was asked does not agree."""
    written = ledger.red_letters.refuse_slip(caller, number, note=body.note, subject=body.subject, idempotency_key=key)
    return written_answer(written, location=f"/v1/invoices/{number}/slips")


@routes.post(
    "/invoices/{number}/slip/withdrawal", status_code=201, responses=write_answers(), summary="Withdraw a red slip"
)
@writes
def withdraw_slip(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: reds.SlipAnswer
) -> Response:
    """The side that opened takes it back, also after it was confirmed."""
    written = ledger.red_letters.withdraw_slip(
        caller, number, note=body.note, subject=body.subject, idempotency_key=key
    )
    return written_answer(written, location=f"/v1/invoices/{number}/slips")


@routes.post("/invoices/{number}/slip/voiding", status_code=201, responses=write_answers(), summary="Void a red slip")
@writes
def void_slip(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, number: Number, body: reds.SlipVoiding
) -> Response:
    """Officers only: ends a slip that waits or was confirmed."""
    written = ledger.red_letters.void_slip(caller, number, reason=body.reason, idempotency_key=key)
    return written_answer(written, location=f"/v1/invoices/{number}/slips")


def _credits(parts: list[reds.Part] | None) -> list[Credit] | None:
    return None if parts is None else [Credit(one.line, one.quantity, one.net_fen, one.tax_fen) for one in parts]


def _page(page: SlipPage) -> Response:
    return answer({"items": [slip_json(one) for one in page.items], "next_cursor": page.next_cursor})
