"""What a request leaves in the audit log: who was refused, and what officers and auditors asked for.

The one place where both are noticed, for every route alike. Only ids in their strict form are noted, and which other
parameters were given, never what people typed.
"""

from __future__ import annotations

from starlette.requests import Request

from api.pools import in_thread, pools
from ledger.service import Ledger, ServiceError
from ledger.service.errors import NotAuthenticated
from ledger.service.request_notes import about_of, filters_of
from ledger.service.views import Caller


async def note_query(request: Request, caller: Caller, route: str) -> None:
    """Notes what somebody who oversees asks for, before it is answered. Raises: Busy when that fails."""
    ledger: Ledger = request.app.state.ledger
    about, filters = about_of(request.path_params), filters_of(request.query_params.multi_items())
    await in_thread(pools().reads, lambda: ledger.request_notes.asked(caller, route, about, filters))


async def note_refusal(request: Request, caller: Caller | None, route: str, error: ServiceError) -> None:
    """Notes that a request was refused for lack of a credential or a right; what cannot be noted is logged."""
    ledger: Ledger = request.app.state.ledger
    if caller is not None:
        ledger.request_notes.refused(caller, route, error, about_of(request.path_params))
    elif isinstance(error, NotAuthenticated) and request.headers.get("authorization") is not None:
        _, _, text = request.headers["authorization"].partition(" ")
        await in_thread(pools().reads, lambda: ledger.request_notes.not_admitted("api_key", text.strip()))
    elif isinstance(error, NotAuthenticated) and request.headers.get("cookie") is not None:
        ledger.request_notes.not_admitted("session", None)
