"""Enrolment by request: anybody asks with a key of its own, officers decide."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Query, Request, Response

from api.fields import ADDRESS_PATTERN, below
from api.pools import asks, public, reads, writes
from api.render import answer, time_text, written_answer
from api.routes.declared import (
    Authenticated,
    Door,
    IdempotencyKey,
    PageSize,
    asked_answers,
    public_answers,
    read_answers,
    router,
    token_answers,
    write_answers,
)
from api.schemas import enrolment
from api.schemas.values import Cursor
from api.sessions import address_of
from ledger.domain.errors import FieldProblem
from ledger.domain.key_proof import Purpose
from ledger.service import InvalidRequest
from ledger.service.enrolment_views import EnrolmentRequestView, EnrolmentStatus
from ledger.service.key_proofs import OwnKey
from verifier.canonical import Json

routes = router("enrolment")
TEXT_LENGTH_MAX = 220


@routes.get("/key-proof", responses=public_answers(enrolment.ProofTypedData), summary="What proves a key")
@public
def read_key_proof(
    ledger: Door,
    purpose: Annotated[Purpose, Query(description="What the key is for.")],
    identity: Annotated[str, Query(max_length=TEXT_LENGTH_MAX, description="enterprise:<tax id>..., docs/API.md.")],
    address: Annotated[str, Query(pattern=ADDRESS_PATTERN, description="The key's address.")],
    name: Annotated[str, Query(max_length=TEXT_LENGTH_MAX, description="Name to enrol; empty for `replace key`.")] = "",
) -> Response:
    """The typed data, as of now, that proves possession of a key; nothing is stored."""
    return answer(ledger.enrolment.proof_typed_data(purpose, identity, name, address))


@routes.post(
    "/enrolment-requests",
    status_code=201,
    responses=asked_answers(enrolment.EnrolmentAsked),
    summary="Ask to be enrolled",
)
@asks
def ask_enrolment(ledger: Door, request: Request, body: enrolment.EnrolmentAsk) -> Response:
    """Open to anybody: the request waits for an officer. Sent twice it is one request, answered as the first time."""
    own = OwnKey(body.own.address, body.own.time, body.own.signature)
    try:
        asked = ledger.enrolment.ask(
            kind=body.kind, name=body.name, tax_id=body.tax_id, own=own, address=address_of(request)
        )
    except InvalidRequest as err:
        raise InvalidRequest(tuple(_placed(err))) from err
    return answer(
        {"request_id": asked.request_id, "token": asked.token, "created_at": time_text(asked.created_at)},
        201,
        {"location": f"/v1/enrolment-requests/{asked.request_id}/status"},
    )


@routes.get(
    "/enrolment-requests/{request_id}/status",
    responses=token_answers(enrolment.EnrolmentStatus),
    summary="How far a request is",
)
@public
def read_enrolment_status(ledger: Door, request_id: enrolment.RequestId, token: enrolment.EnrolmentToken) -> Response:
    """For whoever asked: the token of the answer goes into the header `Enrolment-Token`."""
    return answer(_json(ledger.enrolment.status(request_id, token)))


@routes.get(
    "/enrolment-requests", responses=read_answers(enrolment.EnrolmentRequestPage), summary="List requests for enrolment"
)
@reads
def list_enrolment_requests(
    ledger: Door, caller: Authenticated, limit: PageSize,
    state: Annotated[enrolment.EnrolmentState | None, Query()] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Officers only: requests of their district."""
    page = ledger.enrolment.page(caller, state=state, cursor=cursor, limit=limit)
    return answer({"items": [_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.get(
    "/enrolment-requests/{request_id}",
    responses=read_answers(enrolment.EnrolmentRequest),
    summary="Read a request for enrolment",
)
@reads
def read_enrolment_request(ledger: Door, caller: Authenticated, request_id: enrolment.RequestId) -> Response:
    """Officers only."""
    return answer(_json(ledger.enrolment.request(caller, request_id)))


@routes.post(
    "/enrolment-requests/{request_id}/approval",
    status_code=201,
    responses=write_answers(),
    summary="Grant a request for enrolment",
)
@writes
def approve_enrolment(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, request_id: enrolment.RequestId,
    body: enrolment.EnrolmentApproval,
) -> Response:  # fmt: skip
    """Officers only: a certificate for the requester's own key, and the party with it on chain."""
    written = ledger.enrolment.approve(
        caller, request_id, quota_fen=body.quota_fen, first_month=body.first_month, idempotency_key=key
    )
    return written_answer(written, location=f"/v1/parties/{written.party}" if written.party is not None else None)


@routes.post(
    "/enrolment-requests/refusals",
    status_code=201,
    responses=write_answers(enrolment.EnrolmentsRefused, waits=False),
    summary="Refuse several requests for enrolment",
)
@writes
def refuse_enrolments(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, body: enrolment.EnrolmentRefusals
) -> Response:
    """Officers only: up to 100 with one reason, all of them or none."""
    refused = ledger.enrolment.refuse_many(caller, body.request_ids, reason=body.reason, idempotency_key=key)
    return answer({"request_ids": list(refused)}, 201)


@routes.post(
    "/enrolment-requests/{request_id}/refusal",
    status_code=201,
    responses=write_answers(enrolment.EnrolmentRequest, waits=False),
    summary="Refuse a request for enrolment",
)
@writes
def refuse_enrolment(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, request_id: enrolment.RequestId,
    body: enrolment.EnrolmentRefusal,
) -> Response:  # fmt: skip
    """Officers only: the requester reads the reason."""
    return answer(_json(ledger.enrolment.refuse(caller, request_id, reason=body.reason, idempotency_key=key)), 201)


def _placed(err: InvalidRequest) -> list[FieldProblem]:
    """Problems at paths of the body: those of the key below `own`."""
    found: list[FieldProblem] = []
    for one in err.problems:
        found.extend(below("own", (one,)) if one.path in ("address", "time", "signature") else (one,))
    return found


def _json(view: EnrolmentRequestView | EnrolmentStatus) -> dict[str, Json]:
    times = {"created_at": time_text(view.created_at)}
    decided = None if view.decided_at is None else time_text(view.decided_at)
    return {**asdict(view), **times, "decided_at": decided}
