"""Files as request bodies: the bytes as they are, with a limit of their own, few at once.

A file is taken whole, so that what is stored is what was sent; no form is parsed. Credential, parameters and
Idempotency-Key are checked before its first byte is read (api/endpoint.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from anyio import CapacityLimiter, WouldBlock
from anyio.lowlevel import RunVar
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Scope

from api.notes import NOTE_SIZE_MAX
from api.pools import access_of
from api.problems import BUSY, INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE, ProblemError, field_failure
from ledger.domain.errors import FieldProblem
from ledger.settings import Settings

UPLOAD_TIMEOUT_S = 240  # a file of 16 MiB takes this long at 70 KB/s, as slow as a body of JSON may be
UPLOADS_AT_ONCE_MAX = 16  # files of one process in memory at once: 256 MiB when all are as large as they may be
UPLOADS_OF_ONE_MAX = 4  # of them of one party, or of all strangers together: slow senders must not shut the others out
FILE_NAME_LENGTH_MAX = 200  # characters; what is kept of a name
UPLOAD_KEY = "einvoice.upload"
OCTETS = "application/octet-stream"

_FORMS = frozenset({"", "application/json", "application/x-www-form-urlencoded", "multipart/form-data"})
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,128}", re.ASCII)
_SLOTS: RunVar[CapacityLimiter] = RunVar("einvoice_uploads")
_SENDERS: RunVar[Counter[int]] = RunVar("einvoice_upload_senders")
STRANGERS = 0  # no party has this id


@dataclass(frozen=True)
class Upload:
    """A file as it came; `media_type` is what the sender says it is, never believed."""

    data: bytes
    media_type: str


def upload_of(request: Request) -> Upload:
    """The file of a request that `LedgerRoute` let in."""
    return cast("Upload", request.scope[UPLOAD_KEY])


@asynccontextmanager
async def one_upload(party: int = STRANGERS) -> AsyncIterator[None]:
    """A place among the files this process has in memory, for a party's or a stranger's file.

    Raises: ProblemError of type busy when all are taken, or as many as one sender may take.
    """
    slots, senders = _SLOTS.get(None), _SENDERS.get(None)
    if slots is None or senders is None:
        slots, senders = CapacityLimiter(UPLOADS_AT_ONCE_MAX), Counter()
        _SLOTS.set(slots)
        _SENDERS.set(senders)
    if senders[party] >= UPLOADS_OF_ONE_MAX:
        raise ProblemError(
            BUSY,
            f"{UPLOADS_OF_ONE_MAX} files of yours are being read; nothing was stored",
            f"您已有 {UPLOADS_OF_ONE_MAX} 个文件正在读取，未保存任何内容",
        )
    holder = object()
    try:
        slots.acquire_on_behalf_of_nowait(holder)
    except WouldBlock:
        raise ProblemError(
            BUSY, "too many files are being read; nothing was stored", "正在读取的文件过多，未保存任何内容"
        ) from None
    senders[party] += 1
    try:
        yield
    finally:
        slots.release_on_behalf_of(holder)
        senders[party] -= 1
        if not senders[party]:
            del senders[party]


async def take_upload(request: Request, read: Callable[[Request, int], Awaitable[bytes]]) -> None:
    """Reads the file of a request for `upload_of`. Raises: ProblemError for a form, another encoding, an empty body."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoded = request.headers.get("content-encoding", "identity").strip().lower() != "identity"
    if media_type in _FORMS or not _MEDIA_TYPE.fullmatch(media_type) or encoded:
        raise ProblemError(
            UNSUPPORTED_MEDIA_TYPE,
            f"send the file itself as the body, Content-Type: {OCTETS} or its own, without Content-Encoding",
            f"请直接以文件为请求体，Content-Type 为 {OCTETS} 或文件自身类型，不得使用 Content-Encoding",
        )
    data = await read(request, UPLOAD_TIMEOUT_S)
    if not data:
        empty = FieldProblem("file", "file_empty", "the file is empty; choose it again", "文件为空，请重新选择")
        raise field_failure(INVALID_REQUEST, [empty])
    request.scope[UPLOAD_KEY] = Upload(data, media_type)


def size_limit(routers: Iterable[APIRouter], settings: Settings) -> Callable[[Scope], int]:
    """What a request's body may have at most, in bytes, told by method and path before anything is routed."""
    patterns = [
        (route.path_regex, frozenset(route.methods or ()), NOTE_SIZE_MAX if access.note else settings.upload_size_max)
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and ((access := access_of(route.endpoint)).upload or access.note)
    ]

    def limit(scope: Scope) -> int:
        for pattern, methods, size_max in patterns:
            if scope["method"] in methods and pattern.match(scope["path"]):
                return size_max
        return settings.body_size_max

    return limit


def upload_body(*media_types: str) -> dict[str, Any]:
    """`openapi_extra` of a route whose body is a file."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (OCTETS, *media_types)}
    return {"requestBody": {"required": True, "content": content}}
