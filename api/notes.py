"""Signed notes as request bodies: short text that carries its own signatures, so that it needs no other credential."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.requests import Request

from api.problems import UNSUPPORTED_MEDIA_TYPE, ProblemError
from ledger.service.checkpoints import CHECKPOINT_SIZE_MAX

NOTE_SIZE_MAX = CHECKPOINT_SIZE_MAX  # bytes; more is refused before it is read
NOTE_TIMEOUT_S = 10  # 4 KB at 400 bytes a second: a stranger's slow body holds nothing but its connection
NOTE_KEY = "einvoice.note"
PLAIN = "text/plain"
NOTE_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {PLAIN: {"schema": {"type": "string", "maxLength": NOTE_SIZE_MAX}}}}
}
"""`openapi_extra` of a route whose body is a note."""


def note_of(request: Request) -> bytes:
    """The note of a request that `LedgerRoute` let in."""
    return cast("bytes", request.scope[NOTE_KEY])


async def take_note(request: Request, read: Callable[[Request, int], Awaitable[bytes]]) -> None:
    """Reads the body of a request for `note_of`. Raises: ProblemError for another media type or encoding."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    encoded = request.headers.get("content-encoding", "identity").strip().lower() != "identity"
    if media_type.strip().lower() != PLAIN or charset not in ("", "charset=utf-8") or encoded:
        raise ProblemError(
            UNSUPPORTED_MEDIA_TYPE,
            "send the note itself as the body, Content-Type: text/plain (UTF-8), without Content-Encoding",
            "请直接以签名便笺为请求体，Content-Type 为 text/plain（UTF-8），不得使用 Content-Encoding",
        )
    request.scope[NOTE_KEY] = await read(request, NOTE_TIMEOUT_S)
