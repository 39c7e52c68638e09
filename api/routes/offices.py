"""Offices: auditors and witnesses' readers of the authority, administrators of enterprises."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.pools import reads, writes
from api.render import answer, time_text
from api.routes.declared import Authenticated, Door, IdempotencyKey, PageSize, read_answers, router, write_answers
from api.schemas import offices
from api.schemas.values import Cursor
from ledger.service.offices import OfficeView
from verifier.canonical import Json

routes = router("offices")


@routes.post(
    "/offices", status_code=201, responses=write_answers(offices.Office, waits=False), summary="Appoint to an office"
)
@writes
def appoint_to_office(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, body: offices.OfficeRequest
) -> Response:
    """The authority appoints auditors and witnesses' readers, an enterprise its administrators; persons, each."""
    view = ledger.offices.appoint(caller, body.kind, body.party, idempotency_key=key)
    return answer(office_json(view), 201)


@routes.get("/offices", responses=read_answers(offices.OfficePage), summary="List offices")
@reads
def list_offices(
    ledger: Door, caller: Authenticated, limit: PageSize, cursor: Annotated[Cursor | None, Query()] = None
) -> Response:
    """Offices the caller gave or holds, ended ones too, newest first; all to officers and auditors."""
    page = ledger.offices.offices(caller, cursor=cursor, limit=limit)
    return answer({"items": [office_json(one) for one in page.items], "next_cursor": page.next_cursor})


@routes.post(
    "/offices/{office}/ending",
    status_code=201,
    responses=write_answers(offices.Office, waits=False),
    summary="End an office",
)
@writes
def end_office(
    ledger: Door, caller: Authenticated, key: IdempotencyKey, office: offices.OfficeNumber,
    body: offices.OfficeEnding,  # noqa: ARG001  # an object without fields: unknown ones are refused
) -> Response:  # fmt: skip
    """For good, by who appointed; the person's next request is without it."""
    return answer(office_json(ledger.offices.end(caller, office, idempotency_key=key)), 201)


@routes.get("/offices/{office}/uses", responses=read_answers(offices.OfficeUsePage), summary="What an office signed")
@reads
def list_office_uses(
    ledger: Door, caller: Authenticated, limit: PageSize, office: offices.OfficeNumber,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """What an administrator had signed with the enterprise's key, newest first."""
    page = ledger.offices.uses(caller, office, cursor=cursor, limit=limit)
    items: list[Json] = [{"digest": one.digest, "used_at": time_text(one.used_at)} for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


def office_json(view: OfficeView) -> dict[str, Json]:
    """An office as the API shows it."""
    return {
        "office": view.office,
        "kind": view.kind,
        "party": view.party,
        "name": view.name,
        "principal": view.principal,
        "principal_name": view.principal_name,
        "appointed_at": time_text(view.appointed_at),
        "ended_at": None if view.ended_at is None else time_text(view.ended_at),
        "ended_by": view.ended_by,
    }
