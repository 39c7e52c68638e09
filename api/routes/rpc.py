"""`POST /rpc`: the chain's read-only JSON-RPC, for clients and explorers that speak the standard.

Not a route of ours but the standard's: the body's own errors are JSON-RPC errors under HTTP 200, while what concerns
the HTTP request (credential, size, time, media type) is a problem as everywhere. So it has no OpenAPI entry.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.endpoint import CALLER_KEY, admit, check_content_type, check_query, read_body
from api.json_body import parse_body
from api.noting import note_query, note_refusal
from api.pools import in_thread, pools
from api.problems import ProblemError
from api.scopes import READING
from ledger.service import Ledger, unreadable
from ledger.service.errors import NotAuthenticated, NotPermitted

routes = APIRouter(include_in_schema=False)


@routes.post("/rpc")
async def read_chain(request: Request) -> Response:
    """Answers one JSON-RPC request or a batch, to officers and the authority unless EINVOICE_RPC_OPEN is set."""
    ledger: Ledger = request.app.state.ledger
    if request.app.state.settings.rpc_open:
        ledger.admit_to_rpc(None)
    else:
        await _admit(request, ledger)
    check_query(request, frozenset())
    check_content_type(request)
    data = await read_body(request)
    answer = await in_thread(pools().chain, lambda: _answered(ledger, data))
    if answer is None:
        return Response(status_code=204)  # notifications alone
    return Response(answer, media_type="application/json")


async def _admit(request: Request, ledger: Ledger) -> None:
    """Lets a caller read the chain, and notes it where it oversees. Raises: NotAuthenticated, NotPermitted."""
    try:
        caller = await admit(request, READING)
        ledger.admit_to_rpc(caller)
    except (NotAuthenticated, NotPermitted) as err:
        await note_refusal(request, request.scope.get(CALLER_KEY), "read_chain", err)
        raise
    if caller.oversees:
        await note_query(request, caller, "read_chain")


def _answered(ledger: Ledger, data: bytes) -> bytes | None:
    try:
        value = parse_body(data)
    except ProblemError as err:
        return unreadable(err.detail)
    return ledger.rpc(value)
