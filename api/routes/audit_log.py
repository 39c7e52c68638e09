"""The audit log, for the tax authority and its auditors."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Query, Response

from api.pools import reads
from api.render import answer, time_text
from api.routes.declared import Authenticated, Door, PageSize, read_answers, router
from api.schemas import audit_log
from api.schemas.values import Cursor, PathParty
from ledger.service.audit_log_reading import AuditEntryView
from verifier.canonical import Json

routes = router("audit log")


@routes.get("/audit-log", responses=read_answers(audit_log.AuditLogPage), summary="Read the audit log")
@reads
def read_audit_log(
    ledger: Door, caller: Authenticated, limit: PageSize,
    kind: Annotated[audit_log.AuditKindName | None, Query()] = None,
    actor: Annotated[PathParty | None, Query()] = None,
    about: Annotated[audit_log.About | None, Query()] = None,
    since: Annotated[audit_log.Moment | None, Query()] = None,
    until: Annotated[audit_log.Moment | None, Query()] = None,
    cursor: Annotated[Cursor | None, Query()] = None,
) -> Response:  # fmt: skip
    """Entries that match all that is given, newest first; `since` is included, `until` is not."""
    page = ledger.audit_log.entries(
        caller, kind=kind, actor=actor, about=about, since=since, until=until, cursor=cursor, limit=limit
    )
    return answer({"items": [entry_json(one) for one in page.items], "next_cursor": page.next_cursor})


def entry_json(one: AuditEntryView) -> dict[str, Json]:
    """One entry."""
    return {
        "seq": one.seq,
        "noted_at": time_text(one.noted_at),
        "kind": one.kind,
        "actor": one.actor,
        "about": one.about,
        "detail": cast("dict[str, Json]", one.detail),
        "entry_hash": one.entry_hash,
    }
