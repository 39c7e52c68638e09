"""The application: routes, what turns failures into problems, and the ledger it opens and closes."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api import openapi
from api.fields import field_problems
from api.middleware import Envelope
from api.problems import (
    INVALID_PARAMETER,
    INVALID_REQUEST,
    ProblemError,
    field_failure,
    http_failure,
    render,
    service_failure,
)
from api.rate_limits import AddressLimit, Clock, RateLimits, shared_rates
from api.routes import (
    api_keys,
    approvals,
    audit_log,
    bulk,
    checkpoints,
    claims,
    deductions,
    drafts,
    enrolment,
    events,
    invoices,
    months,
    offices,
    operations,
    outside,
    papers,
    parties,
    privacy,
    proposals,
    reds,
    registers,
    rpc,
    sign_in,
    statements,
    supervising,
    supervision,
    tills,
)
from api.routes import providers as provider_routes
from api.uploads import size_limit
from api.web import check, check_file, collect, problem_pages
from api.web import providers as provider_pages
from api.web import sign_in as sign_in_pages
from ledger.service import Ledger, ServiceError
from ledger.settings import Settings

ROUTERS = (
    papers.routes,  # before invoices: /invoices/export is no number
    invoices.routes,
    privacy.routes,
    statements.routes,
    claims.routes,
    approvals.routes,
    bulk.routes,
    outside.routes,
    months.routes,
    deductions.routes,
    supervision.routes,
    parties.routes,
    drafts.routes,
    enrolment.routes,
    sign_in.routes,
    api_keys.routes,
    offices.routes,
    provider_routes.routes,
    audit_log.routes,
    operations.routes,
    operations.health_routes,
    checkpoints.routes,
    reds.routes,
    registers.routes,
    proposals.routes,
    supervising.routes,
    events.routes,
    tills.routes,
    rpc.routes,
    check.routes,
    check_file.routes,
    collect.routes,
    sign_in_pages.routes,
    provider_pages.routes,
    problem_pages.routes,
)


def create_app(
    ledger: Ledger | None = None, settings: Settings | None = None, clock: Clock = time.monotonic
) -> FastAPI:
    """The ASGI application. A `ledger` that is given stays the caller's to close; else one is opened at start-up.

    Raises: pydantic.ValidationError when a setting is out of range.
    """
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = ledger if ledger is not None else await to_thread.run_sync(Ledger.open, chosen)
        app.state.ledger = opened
        try:
            yield
        finally:
            if ledger is None:
                await to_thread.run_sync(opened.close)

    app = FastAPI(
        title=openapi.TITLE,
        version=openapi.VERSION,
        description=openapi.DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # one address a thing; a redirect would drop the body of a POST
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    app.state.settings = chosen
    for router in ROUTERS:
        app.include_router(router)
    methods = _methods_by_path()
    app.state.rates = RateLimits(chosen, clock, shared_rates(chosen))
    app.add_middleware(AddressLimit, rates=app.state.rates)
    app.add_middleware(Envelope, body_size_max=size_limit(ROUTERS, chosen))
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)

    async def on_http_exception(request: Request, err: Exception) -> Response:
        found = cast("HTTPException", err)
        failure = http_failure(found.status_code, found.headers)
        if found.status_code == 405:
            failure.headers["allow"] = _allowed(request.url.path, methods)
        return _response(failure)

    app.add_exception_handler(HTTPException, on_http_exception)
    openapi.install(app)
    return app


async def _on_problem(_request: Request, err: Exception) -> Response:
    return _response(cast("ProblemError", err))


async def _on_service_error(request: Request, err: Exception) -> Response:
    return _response(service_failure(cast("ServiceError", err), has_body=request.method not in ("GET", "HEAD")))


async def _on_validation_error(_request: Request, err: Exception) -> Response:
    errors = cast("RequestValidationError", err).errors()
    outside = [one for one in errors if one["loc"][0] != "body"]
    kind = INVALID_PARAMETER if outside else INVALID_REQUEST
    return _response(field_failure(kind, field_problems(outside or errors)))


def _response(problem: ProblemError) -> Response:
    rendered = render(problem)
    return Response(rendered.body, rendered.status, rendered.headers)


def _operation_id(route: APIRoute) -> str:
    return route.name


def _methods_by_path() -> list[tuple[re.Pattern[str], frozenset[str]]]:
    return [
        (route.path_regex, frozenset(route.methods or ()))
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
    ]


def _allowed(path: str, methods: list[tuple[re.Pattern[str], frozenset[str]]]) -> str:
    found: set[str] = set()
    for pattern, of_route in methods:
        if pattern.match(path):
            found |= of_route
    return ", ".join(sorted(found))
