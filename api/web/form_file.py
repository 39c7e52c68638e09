"""The one file of a page's form, taken out of multipart/form-data in memory: nothing of it reaches a disk."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, cast

from fastapi.routing import APIRoute
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request
from starlette.responses import Response

from api.endpoint import check_query, read_body
from api.pools import ACCESS, Access
from api.problems import UNSUPPORTED_MEDIA_TYPE, ProblemError
from api.uploads import UPLOAD_TIMEOUT_S, one_upload

PARTS_MAX = 4  # of one form: a file and a language, and what a browser may add
BOUNDARY_SIZE_MAX = 70  # bytes (RFC 2046, 5.1.1)
TAKES_FILE = Access(writes=False, public=True, upload=True, file=True)
FORM_KEY = "einvoice.form"


@dataclass
class _Part:
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    content: list[bytes] = field(default_factory=list)
    name: str = ""


class FileFormRoute(APIRoute):
    """Route of a page's form with a file: its fields, by name, are read before the endpoint is called."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Handler of this route: the form, then FastAPI's."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            check_query(request, frozenset())
            async with one_upload():
                boundary = _boundary(request.headers.get("content-type", ""))
                request.scope[FORM_KEY] = fields_of(await read_body(request, UPLOAD_TIMEOUT_S), boundary)
                return await inner(request)

        return handle


def takes_file(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """An endpoint of a `FileFormRoute`: its body may be as large as an upload, and it is open to everybody."""
    setattr(endpoint, ACCESS, TAKES_FILE)
    return endpoint


def form_of(request: Request) -> dict[str, bytes]:
    """Fields of the form, by name."""
    return cast("dict[str, bytes]", request.scope[FORM_KEY])


def fields_of(body: bytes, boundary: bytes) -> dict[str, bytes]:
    """Fields of a form by name, as they came; of several of one name the first. Raises: ProblemError."""
    parts: list[_Part] = []
    ended: list[bool] = []

    def begin() -> None:
        if len(parts) == PARTS_MAX:
            raise _refused()
        parts.append(_Part())

    def header_end() -> None:
        part = parts[-1]
        if bytes(part.header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(part.value))
            part.name = options.get(b"name", b"").decode("utf-8", "replace")
        part.header.clear()
        part.value.clear()

    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": begin,
            "on_header_field": lambda data, start, end: parts[-1].header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: parts[-1].value.extend(data[start:end]),
            "on_header_end": header_end,
            "on_end": lambda: ended.append(True),
            "on_part_data": lambda data, start, end: parts[-1].content.append(data[start:end]),
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as err:
        raise _refused() from err
    if not ended:  # a body cut short holds part of a file, of which nothing can be said
        raise _refused()
    found: dict[str, bytes] = {}
    for part in parts:
        found.setdefault(part.name, b"".join(part.content))
    return found


def _boundary(content_type: str) -> bytes:
    media_type, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if media_type != b"multipart/form-data" or not 1 <= len(boundary) <= BOUNDARY_SIZE_MAX:
        raise _refused()
    return boundary


def _refused() -> ProblemError:
    return ProblemError(
        UNSUPPORTED_MEDIA_TYPE, "send the form of the page, with one file", "请使用页面上的表单提交文件"
    )
