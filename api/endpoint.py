"""What happens to every request before its endpoint: credential, parameters, Idempotency-Key, body, in that order.

A request without a known credential is refused before its body is read. The checks here are those that hold for
every route; a route's own parameters and fields are declared where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, cast

from anyio import fail_after
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.access_table import admit_caller, rule_of
from api.fields import KEY_PATTERN, field_problems, parameter_problem, shown_key
from api.json_body import parse_body
from api.notes import take_note
from api.noting import note_query, note_refusal
from api.pools import Access, access_of, in_thread, pools
from api.problems import (
    BAD_REQUEST,
    IDEMPOTENCY_KEY,
    INVALID_JSON,
    INVALID_PARAMETER,
    REQUEST_TIMEOUT,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemError,
    field_failure,
)
from api.scopes import taken_by
from api.sessions import caller_by_session, session_token
from api.uploads import STRANGERS, one_upload, take_upload
from ledger.service import Scope
from ledger.service.errors import NotAuthenticated, NotFound, NotPermitted
from ledger.service.people import need_scope
from ledger.service.views import Caller

BODY_TIMEOUT_S = 30  # a body of 2 MB takes this long at 70 KB/s; slower senders would only hold connections
PARSE_INLINE_SIZE_MAX = 65_536  # bytes; above, parsing takes over 1 ms and must not hold up the event loop
CALLER_KEY = "einvoice.caller"
_READS = frozenset({"GET", "HEAD"})
_API_KEY = re.compile(r"(?i:bearer) +(einv_[0-9a-f]{16}_[0-9a-f]{64})")
_IDEMPOTENCY_KEY = re.compile(KEY_PATTERN)


class LedgerRequest(Request):
    """A request whose JSON body has been parsed by `parse_body`."""

    parsed: Any = None

    async def json(self) -> Any:
        """The parsed body."""
        return self.parsed


class LedgerRoute(APIRoute):
    """Route that does the checks every endpoint needs before FastAPI reads its parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Handler of this route: our checks, then FastAPI's."""
        inner = super().get_route_handler()
        access = access_of(self.endpoint)
        rule = rule_of(self.name)
        takes_body = self.body_field is not None
        known = frozenset(_query_names(self.dependant))
        looks = not (access.public or access.writes or access.own)
        scopes = taken_by(self.name, is_read=frozenset(self.methods or ()) <= _READS)

        async def handle(request: Request) -> Response:
            try:
                return await answered(request)
            except (NotAuthenticated, NotPermitted, NotFound) as err:
                if not access.public:
                    await note_refusal(request, request.scope.get(CALLER_KEY), self.name, err)
                raise

        async def answered(request: Request) -> Response:
            if not access.public:
                await admit(request, scopes)
                admit_caller(rule, caller_of(request))
            if not access.open_query:
                check_query(request, known)
            _check_idempotency_key(request, access)
            if looks and caller_of(request).oversees:
                await note_query(request, caller_of(request), self.name)
            if access.upload:
                async with one_upload(STRANGERS if access.public else caller_of(request).party):
                    await take_upload(request, read_body)
                    return await inner(request)
            if access.note:
                await take_note(request, read_body)
            if not takes_body:
                return await inner(request)
            check_content_type(request)
            parsing = LedgerRequest(request.scope, request.receive)
            parsing.parsed = await _read_json(parsing)
            return await inner(parsing)

        return handle


def caller_of(request: Request) -> Caller:
    """The authenticated caller of a request that `LedgerRoute` let in."""
    return cast("Caller", request.scope[CALLER_KEY])


async def admit(request: Request, scopes: tuple[Scope, ...]) -> Caller:
    """The caller of a request, whose credential is for one of `scopes`.

    Raises: NotAuthenticated, ScopeMissing, ProblemError when it asks too often.
    """
    caller = await authenticate(request)
    request.scope[CALLER_KEY] = caller
    request.app.state.rates.admit_caller(caller)
    need_scope(caller, *scopes)
    return caller


async def authenticate(request: Request) -> Caller:
    """The party whose API key, or else session, a request carries. Raises: NotAuthenticated, ProblemError."""
    given = request.headers.getlist("authorization")
    if not given and (token := session_token(request)) is not None:
        return await caller_by_session(request, token)
    match = _API_KEY.fullmatch(given[0]) if len(given) == 1 else None
    if match is None:
        raise NotAuthenticated
    ledger, text = request.app.state.ledger, match.group(1)
    return cast("Caller", await in_thread(pools().reads, lambda: ledger.authenticate(text)))


def _query_names(dependant: Dependant) -> Iterator[str]:
    """Names of the query parameters of an endpoint and of what it depends on."""
    yield from (field.alias for field in dependant.query_params)
    for below in dependant.dependencies:
        yield from _query_names(below)


def check_query(request: Request, known: frozenset[str]) -> None:
    """Unknown and repeated query parameters are refused: ignoring a misspelt filter would answer another question."""
    if not request.scope["query_string"]:
        return
    errors: list[dict[str, object]] = []
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known or name in seen:
            kind = "repeated" if name in seen else "extra_forbidden"
            errors.append({"type": kind, "loc": ("query", shown_key(name))})
        seen.add(name)
    if errors:
        raise field_failure(INVALID_PARAMETER, field_problems(errors))


def _check_idempotency_key(request: Request, access: Access) -> None:
    if not access.writes:
        return
    given = request.headers.getlist("idempotency-key")
    if len(given) == 1 and _IDEMPOTENCY_KEY.fullmatch(given[0]):
        return
    code = "missing" if not given else "repeated" if len(given) > 1 else "key_form"
    problem = parameter_problem(
        "header.idempotency-key",
        code,
        "send one Idempotency-Key of 1 to 128 visible ASCII characters, new for each new request",
        "请发送一个 Idempotency-Key，1 到 128 个可见 ASCII 字符，每个新请求用新值",
    )
    raise field_failure(IDEMPOTENCY_KEY, [problem])


def check_content_type(request: Request) -> None:
    """Raises: ProblemError unless the body is said to be JSON, as it is."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise ProblemError(
            UNSUPPORTED_MEDIA_TYPE,
            "send the body as Content-Type: application/json (UTF-8)",
            "请以 Content-Type: application/json（UTF-8）发送请求体",
        )
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ProblemError(
            UNSUPPORTED_MEDIA_TYPE, "send the body without Content-Encoding", "请求体不得使用 Content-Encoding"
        )


async def read_body(request: Request, timeout_s: int = BODY_TIMEOUT_S) -> bytes:
    """The whole body. Raises: ProblemError when it does not arrive in time, or not at all."""
    try:
        with fail_after(timeout_s):
            return await request.body()
    except TimeoutError:
        raise ProblemError(
            REQUEST_TIMEOUT,
            f"the body did not arrive within {timeout_s} s",
            f"请求体未在 {timeout_s} 秒内到达",
        ) from None
    except ClientDisconnect:
        raise ProblemError(
            BAD_REQUEST, "the connection closed before the body ended", "连接在请求体结束前关闭"
        ) from None


async def _read_json(request: Request) -> Any:
    data = await read_body(request)
    if not data:
        raise ProblemError(INVALID_JSON, "the body is empty; send a JSON object", "请求体为空，请发送 JSON 对象")
    if len(data) <= PARSE_INLINE_SIZE_MAX:
        return parse_body(data)
    return await in_thread(pools().reads, lambda: parse_body(data))
