"""What a request leaves in the audit log: who was refused, and what officers and auditors asked for.

The one place where both are noticed, for every route alike. Only ids in their strict form are noted, and which other
parameters were given, never what people typed.
"""

from __future__ import annotations

import re

from starlette.requests import Request

from api.pools import in_thread, pools
from ledger.service import Ledger, ServiceError
from ledger.service.errors import NotAuthenticated
from ledger.service.views import Caller

ABOUT = (
    "number",
    "claim_id",
    "digest",
    "proposal_id",
    "request_id",
    "job",
    "till_id",
    "webhook_id",
    "office",
    "key_id",
    "party",
    "month",
)
"""Path parameters that name what is asked for, the most exact one first."""

IDS = frozenset({"number", "party", "subject", "month", "employer", "actor"})
"""Query parameters whose values are ids."""

_STRICT_ID = re.compile(r"[0-9a-f-]{1,64}", re.ASCII)
_PAGING = frozenset({"cursor", "limit", "lang", "format"})
_FILTERS_LENGTH_MAX = 120  # characters of the names of other parameters


async def note_query(request: Request, caller: Caller, route: str) -> None:
    """Notes what somebody who oversees asks for, before it is answered. Raises: Busy when that fails."""
    ledger: Ledger = request.app.state.ledger
    about, filters = _about(request), _filters(request)
    await in_thread(pools().reads, lambda: ledger.request_notes.asked(caller, route, about, filters))


async def note_refusal(request: Request, caller: Caller | None, route: str, error: ServiceError) -> None:
    """Notes that a request was refused for lack of a credential or a right; what cannot be noted is logged."""
    ledger: Ledger = request.app.state.ledger
    if caller is not None:
        ledger.request_notes.refused(caller, route, error, _about(request))
    elif isinstance(error, NotAuthenticated) and request.headers.get("authorization") is not None:
        _, _, text = request.headers["authorization"].partition(" ")
        await in_thread(pools().reads, lambda: ledger.request_notes.not_admitted("api_key", text.strip()))
    elif isinstance(error, NotAuthenticated) and request.headers.get("cookie") is not None:
        ledger.request_notes.not_admitted("session", None)


def _about(request: Request) -> str:
    for name in ABOUT:
        value = str(request.path_params.get(name, ""))
        if _STRICT_ID.fullmatch(value):
            return value
    return ""


def _filters(request: Request) -> dict[str, str]:
    """Ids that were asked for, and the names of what else was."""
    found: dict[str, str] = {}
    others = []
    for name, value in request.query_params.multi_items():
        if name in IDS and _STRICT_ID.fullmatch(value):
            found[name] = value
        elif name not in _PAGING:
            others.append(name)
    if others:
        found["filters"] = ",".join(sorted(others))[:_FILTERS_LENGTH_MAX]
    return found
