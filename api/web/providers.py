"""Pages of signing in through a company's own provider: /sign-in/through/{provider_id}. Links alone, no script.

A browser is sent to the provider from a link on a page of ours, never by another site's page (which could sign its
visitor in as somebody else) and never by a form (whose answer our content security policy keeps on this server).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Path, Request, Response

from api.endpoint import LedgerRoute
from api.pools import in_thread, one_of_company, open_query, pools
from api.sessions import (
    address_of,
    agent_of,
    clear_flow,
    clear_session,
    flow_of,
    need_own_site,
    safe_next,
    session_token,
    set_flow,
    set_session,
)
from api.web.sign_in import (
    SEE_OTHER,
    QueryText,
    go,
    language_of,
    me_address,
    of_session,
    page,
    problem_text,
    start_of,
)
from ledger.service import Ledger
from ledger.service.errors import (
    InvitationInvalid,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ProviderFailed,
    ProviderRefused,
    ServiceError,
    TooManyAttempts,
)
from ledger.service.provider_sign_in import Answer, Arrived, Purpose

ANSWER_LENGTH_MAX = 4_096  # characters of a code, a state or an error that a browser brings
STATUSES = {
    ProviderFailed: 502, ProviderRefused: 401, NotFound: 404, NotPermitted: 403, InvitationInvalid: 404,
    TooManyAttempts: 429,
}  # fmt: skip

log = structlog.get_logger("api")
routes = APIRouter(route_class=LedgerRoute, include_in_schema=False)

ProviderId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


@routes.get("/sign-in/through/{provider_id}")
async def provider_page(
    request: Request,
    provider_id: ProviderId,
    next: QueryText = "",  # noqa: A002  the name links have
    lang: QueryText = "",
) -> Response:
    """Where a company's people begin: which provider they will be sent to, and the link there."""
    language = language_of(request, lang)

    def show() -> Response:
        ledger = request.app.state.ledger
        try:
            enterprise, issuer = ledger.provider_sign_in.issuer(provider_id)
        except ServiceError as err:
            return _problem_page(language, provider_id, err)
        start = start_of(provider_id, Purpose.SIGN_IN, language, following=next)
        return page(
            "provider.html", language, "provider_title", _address(provider_id, next, language), 200,
            enterprise=enterprise, issuer=issuer, start=start, problem="",
        )  # fmt: skip

    return await in_thread(pools().reads, show)


@routes.get("/sign-in/through/{provider_id}/start")
async def provider_start(
    request: Request, provider_id: ProviderId, purpose: QueryText = "", i: QueryText = "",
    next: QueryText = "", lang: QueryText = "",  # noqa: A002  as links have it
) -> Response:  # fmt: skip
    """Sends the browser to the provider, with a cookie that it has to bring back."""
    need_own_site(request)
    language = language_of(request, lang)
    wanted = Purpose(purpose) if purpose in list(Purpose) else Purpose.SIGN_IN

    def leave(ledger: Ledger) -> Response:
        leaving = ledger.provider_sign_in.leave(
            provider_id, wanted, session=session_token(request) or "", invitation=i, following=next, language=language
        )
        return set_flow(go(leaving.address), leaving)

    return await _waiting(request, provider_id, language, leave)


@routes.get("/sign-in/through/{provider_id}/answer")
@open_query
async def provider_answer(request: Request, provider_id: ProviderId) -> Response:
    """Takes what the provider sent the browser back with; its further words are not looked at."""
    language = language_of(request, "")
    brought = Answer(*(_brought(request, name) for name in ("code", "state", "iss", "error")))

    def arrive(ledger: Ledger) -> Response:
        arrived = ledger.provider_sign_in.arrive(
            provider_id, flow_of(request), brought, session=session_token(request) or "",
            address=address_of(request), agent=agent_of(request),
        )  # fmt: skip
        return clear_flow(_gone_on(arrived))

    answer = await _waiting(request, provider_id, language, arrive)
    return answer if answer.status_code == SEE_OTHER else clear_flow(answer)


@routes.post("/me/providers/end")
async def unlink_form(request: Request) -> Response:
    """Ends the link to an account at a provider, and the sessions through it."""
    return await of_session(
        request, lambda ledger, caller, form: ledger.provider_sign_in.unlink(caller, form.get("provider_id", ""))
    )


def _gone_on(arrived: Arrived) -> Response:
    """Where a finished sign-in goes on."""
    if arrived.signed_in is not None:
        following = safe_next(arrived.following) if arrived.following else me_address(arrived.language)
        return set_session(go(following), arrived.signed_in)
    return go(me_address(arrived.language, "linked" if arrived.purpose is Purpose.LINK else "confirmed"))


def _brought(request: Request, name: str) -> str:
    """One word of an answer; "" when it is not there, more than once, or longer than any we take."""
    found = request.query_params.getlist(name)
    return found[0] if len(found) == 1 and len(found[0]) <= ANSWER_LENGTH_MAX else ""


async def _waiting(request: Request, provider_id: str, language: str, act: Callable[[Ledger], Response]) -> Response:
    """The answer of `act`, which waits for the provider; what goes wrong there is a page, not a problem of ours."""
    ledger = request.app.state.ledger

    def run() -> Response:
        try:
            return act(ledger)
        except NotAuthenticated:
            return clear_session(go(f"/sign-in?next=%2Fme&lang={language}"))
        except ServiceError as err:
            return _problem_page(language, provider_id, err)

    try:
        enterprise, _ = await in_thread(pools().reads, lambda: ledger.provider_sign_in.issuer(provider_id))
    except ServiceError as err:
        return _problem_page(language, provider_id, err)
    with one_of_company(enterprise):
        return await in_thread(pools().providers, run)


def _problem_page(language: str, provider_id: str, err: ServiceError) -> Response:
    status = STATUSES.get(type(err), 503)
    if status == 503:
        log.error("provider page failed", error=type(err).__name__)
    answer = page(
        "provider.html", language, "provider_title", _address(provider_id, "", language), status,
        enterprise=0, issuer="", start=f"/sign-in/through/{provider_id}?lang={language}" if status != 404 else "",
        problem=problem_text(err, language, status),
    )  # fmt: skip
    if isinstance(err, TooManyAttempts):
        answer.headers["retry-after"] = str(err.wait_s)
    return answer


def _address(provider_id: str, following: str, language: str) -> str:
    other = "en" if language == "zh" else "zh"
    return f"/sign-in/through/{provider_id}?{urlencode({'next': following, 'lang': other})}"
