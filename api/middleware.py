"""Around every answer: size limits before it, security headers on it, and a problem instead of any fault.

Plain ASGI, so that it costs microseconds and does not touch the body.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import PurePath

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import (
    ADDRESS_TOO_LONG,
    BODY_TOO_LARGE,
    HEADERS_TOO_LARGE,
    ProblemError,
    internal_failure,
    render,
)

ADDRESS_SIZE_MAX = 4_096  # bytes of path and query; the longest of ours takes 400
HEADERS_SIZE_MAX = 32_768  # bytes of all names and values; browsers and proxies send 1,000 to 8,000
FRAMES_LOGGED_MAX = 12  # innermost frames of a fault, enough to find it

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_NO_STORE = (b"cache-control", b"no-store")

log = structlog.get_logger("api")


class Envelope:
    """Outermost part of the application: limits, headers, and no fault ever leaves it as anything but a problem."""

    def __init__(self, app: ASGIApp, body_size_max: Callable[[Scope], int]) -> None:
        self.app = app
        self.body_size_max = body_size_max  # bytes, of a request with that scope: uploads have a limit of their own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = message["headers"] = [*message.get("headers", ()), *_SECURITY]
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append(_NO_STORE)
            await send(message)

        try:
            size_max = self.body_size_max(scope)
            self._check_sizes(scope, size_max)
            await self.app(scope, self._limited(receive, size_max), send_safely)
        except ProblemError as refused:
            await _answer(refused, scope, send_safely)
        except Exception as err:  # noqa: BLE001  # whatever it is, the client gets a problem and the log a trace
            problem = internal_failure()
            _log_fault(err, scope, problem)
            if not started:
                await _answer(problem, scope, send_safely)

    def _check_sizes(self, scope: Scope, body_size_max: int) -> None:
        raw_path = scope.get("raw_path") or scope["path"].encode()
        if len(raw_path) + len(scope["query_string"]) > ADDRESS_SIZE_MAX:
            raise ProblemError(ADDRESS_TOO_LONG, f"at most {ADDRESS_SIZE_MAX} bytes", f"最多 {ADDRESS_SIZE_MAX} 字节")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADERS_SIZE_MAX:
            raise ProblemError(HEADERS_TOO_LARGE, f"at most {HEADERS_SIZE_MAX} bytes", f"最多 {HEADERS_SIZE_MAX} 字节")
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isascii() and declared.isdigit() and (len(declared) > 18 or int(declared) > body_size_max):
            raise self._too_large(body_size_max)

    def _limited(self, receive: Receive, body_size_max: int) -> Receive:
        """`receive` that stops a body without, or with a false, Content-Length at the limit."""
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > body_size_max:
                    raise self._too_large(body_size_max)
            return message

        return receive_limited

    def _too_large(self, body_size_max: int) -> ProblemError:
        return ProblemError(
            BODY_TOO_LARGE,
            f"this request body has at most {body_size_max} bytes; send less at once",
            f"该请求体最多 {body_size_max} 字节，请分批发送",
        )


async def _answer(problem: ProblemError, scope: Scope, send: Send) -> None:
    rendered = render(problem)
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in rendered.headers.items()]
    headers.append((b"content-length", str(len(rendered.body)).encode()))
    body = b"" if scope.get("method") == "HEAD" else rendered.body
    await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _log_fault(err: BaseException, scope: Scope, problem: ProblemError) -> None:
    """Where a fault happened, not what it said: messages and values may hold personal data."""
    frames = traceback.extract_tb(err.__traceback__)[-FRAMES_LOGGED_MAX:]
    route = scope.get("route")
    log.error(
        "unexpected exception",
        instance=problem.instance,
        error=type(err).__name__,
        cause=type(err.__cause__).__name__ if err.__cause__ else None,
        method=scope.get("method"),
        route=getattr(route, "path", None),
        frames=[f"{PurePath(one.filename).name}:{one.lineno} {one.name}" for one in frames],
    )
