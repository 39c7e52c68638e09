"""Tills, collecting there, picking up what is kept, and uploads of what was issued off line."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.pools import reads, writes
from api.render import answer, written_answer
from api.render_tills import collected_members, till_json, upload_json
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    read_answers,
    router,
    write_answers,
)
from api.schemas import tills
from api.schemas.values import PathParty
from ledger.service.problems import invalid
from ledger.service.till_uploads import Offline
from ledger.service.till_views import OrderLineView, TillItem, Title

routes = router("tills")


@routes.post("/tills", status_code=201, responses=write_answers(tills.Till, waits=False), summary="Register a till")
@writes
def register_till(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: tills.TillRequest) -> Response:
    """A till with its public key, its goods, and who signs its invoices."""
    view = ledger.tills.register(
        caller, name=body.name, public_key=body.public_key, clerk=body.clerk,
        items=tuple(TillItem(one.name, one.rate_bp) for one in body.items), subject=body.subject, idempotency_key=key,
    )  # fmt: skip
    return answer(till_json(view), 201, {"location": f"/v1/tills/{view.till_id}"})


@routes.get("/tills", responses=read_answers(tills.TillList), summary="List tills")
@reads
def list_tills(ledger: Door, caller: Authenticated, subject: Annotated[PathParty | None, Query()] = None) -> Response:
    """Tills of an enterprise one issues for."""
    found = ledger.tills.tills(caller, subject=subject)
    return answer({"items": [till_json(one) for one in found]})


@routes.get("/tills/{till_id}", responses=read_answers(tills.Till), summary="Read a till")
@reads
def read_till(ledger: Door, caller: Authenticated, till_id: tills.TillId) -> Response:
    """One till."""
    return answer(till_json(ledger.tills.till(caller, till_id)))


@routes.post(
    "/tills/{till_id}/closing",
    status_code=201,
    responses=write_answers(tills.Till, waits=False),
    summary="Close a till",
)
@writes
def close_till(
    ledger: Door,
    caller: Authenticated,
    key: IdempotencyKey,
    till_id: tills.TillId,
    body: tills.Closing,  # noqa: ARG001 - an empty object, as every write
) -> Response:
    """For good: its orders are refused from then on."""
    return answer(till_json(ledger.tills.close(caller, till_id, idempotency_key=key)), 201)


@routes.post(
    "/tills/{till_id}/uploads",
    status_code=201,
    responses=write_answers(tills.UploadAnswer, waits=False),
    summary="Upload what was issued off line",
)
@writes
def upload_offline(
    ledger: Door,
    caller: Authenticated,
    key: IdempotencyKey,
    till_id: tills.TillId,
    body: tills.UploadRequest,
) -> Response:
    """Invoices with numbers the till held, at most 48 hours old; each row for itself, a repeated one is the same."""
    rows = tuple(Offline(one.number, one.issued_at, one.document, one.order_id) for one in body.invoices)
    return answer(upload_json(ledger.till_uploads.upload(caller, till_id, rows, idempotency_key=key)), 201)


@routes.post(
    "/collections", status_code=201, responses=write_answers(tills.Collection), summary="Collect an order's invoice"
)
@writes
def collect(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: tills.CollectionRequest) -> Response:
    """A person collects a scanned order and holds the invoice; a channel reports a payment with its title."""
    title = Title(body.title.name, body.title.tax_id)
    if (body.order is None) == (body.payment is None):
        raise invalid("order", "order_or_payment")
    if body.order is not None:
        found = ledger.collecting.collect(body.order, title, collector=caller, idempotency_key=key)
    else:
        assert body.payment is not None
        payment = body.payment
        found = ledger.collecting.pay(
            caller, order_id=payment.order_id, gross_fen=payment.gross_fen,
            lines=tuple(OrderLineView(one.name, one.rate_bp, one.gross_fen) for one in payment.lines),
            title=title, first_holder=payment.first_holder, subject=payment.subject, idempotency_key=key,
        )  # fmt: skip
    return written_answer(found.written, location=f"/v1/invoices/{found.number}", extra=collected_members(found))


@routes.post("/pickups", status_code=201, responses=write_answers(), summary="Pick an invoice up")
@writes
def pick_up(ledger: Door, caller: Authenticated, key: IdempotencyKey, body: tills.PickupRequest) -> Response:
    """The person who knows number and commitment of an invoice that is kept for pickup holds it from then on."""
    written = ledger.collecting.pick_up(caller, body.number, body.commitment, idempotency_key=key)
    return written_answer(written, location=f"/v1/invoices/{body.number}")


@routes.get("/titles", responses=read_answers(tills.TitleList), summary="Titles used before")
@reads
def list_titles(ledger: Door, caller: Authenticated) -> Response:
    """Titles the caller collected under, the last used first."""
    found = ledger.collecting.titles(caller)
    return answer({"items": [{"name": one.name, "tax_id": one.tax_id} for one in found]})
