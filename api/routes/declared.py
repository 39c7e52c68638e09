"""What every route declares: its dependencies by type, and the answers OpenAPI lists."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Security
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from pydantic import BaseModel

from api.endpoint import LedgerRoute, caller_of
from api.fields import KEY_PATTERN, TEXT_PATTERN, parameter_problem
from api.problems import INVALID_PARAMETER, field_failure
from api.schemas.answers import Written
from api.schemas.values import PAGE_SIZE_DEFAULT, Limit
from api.uploads import FILE_NAME_LENGTH_MAX, Upload, upload_of
from ledger.service import Caller, Ledger

Answers = dict[int | str, dict[str, Any]]
PROBLEM = {"$ref": "#/components/schemas/Problem"}
"""What every failure looks like; `api.openapi` adds it to the document."""


class ApiKeyScheme(SecurityBase):
    """`Authorization: Bearer einv_...`; the key itself is checked in LedgerRoute, before the body is read."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel(description="API key: `Authorization: Bearer einv_<16 hex>_<64 hex>`.")
        self.scheme_name = "api_key"

    async def __call__(self, request: Request) -> Caller:
        """The caller."""
        return caller_of(request)


async def _ledger_of(request: Request) -> Any:
    return request.app.state.ledger


async def _limit(request: Request, limit: Limit = PAGE_SIZE_DEFAULT) -> int:
    most = request.app.state.settings.page_size_max
    if limit > most and "limit" in request.query_params:
        wrong = parameter_problem("query.limit", "integer_range", f"must be at most {most}", f"不得大于 {most}")
        raise field_failure(INVALID_PARAMETER, [wrong])
    return min(limit, int(most))


async def _upload(request: Request) -> Upload:
    return upload_of(request)


Door = Annotated[Ledger, Depends(_ledger_of)]
Authenticated = Annotated[Caller, Security(ApiKeyScheme())]
PageSize = Annotated[int, Depends(_limit)]
UploadedFile = Annotated[Upload, Depends(_upload)]
FileName = Annotated[
    str, Query(max_length=FILE_NAME_LENGTH_MAX, pattern=TEXT_PATTERN, description="Name of the uploaded file.")
]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=KEY_PATTERN,
        description="Names this request for a week: sent again with the same content it is answered, not done, again.",
    ),
]

_MEANINGS = {
    400: "The request cannot be read: JSON, parameters, Idempotency-Key.",
    401: "A valid API key is needed.",
    403: "Not permitted.",
    404: "Not found, or not for the caller to know of.",
    410: "The invoice's document was erased.",
    409: "Refused by the ledger (/problems/refused/<reason>), or in conflict with its state.",
    413: "The body is too large.",
    415: "The body has another media type than this takes.",
    422: "Some fields are wrong.",
    429: "Too many requests, or too many of the caller's operations wait.",
    500: "The server failed.",
    503: "Busy or not ready; nothing was stored.",
}
_PUBLIC = (400, 429, 500, 503)
_READ = (400, 401, 403, 404, 429, 500, 503)
_BODY = (413, 415, 422)


def router(tag: str) -> APIRouter:
    """Router of one subject."""
    return APIRouter(prefix="/v1", route_class=LedgerRoute, tags=[tag])


def read_answers(model: type[BaseModel], *, body: bool = False) -> Answers:
    """Answers of a read with a credential; `body`: of a file that is sent to be looked at."""
    return {200: _success(model, "Found."), **_failures(_READ + (_BODY if body else ()))}


def witnessed_answers(model: type[BaseModel]) -> Answers:
    """Answers of a read with a credential that may ask for witnesses' signatures."""
    return {200: _success(model, "Found."), **_failures((*_READ, 409, 410))}


def file_answers(*media_types: str) -> Answers:
    """Answers of a download with a credential; its route has `response_class=Response`."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media_types}
    return {200: {"description": "The file.", "content": content}, **_failures((*_READ, 410))}


def public_answers(model: type[BaseModel], *, body: bool = False) -> Answers:
    """Answers of a public read; `body`: it is asked by POST."""
    return {200: _success(model, "Answered."), **_failures(_PUBLIC + ((410, *_BODY) if body else ()))}


def public_file_answers(*media_types: str) -> Answers:
    """Answers of a public download; its route has `response_class=Response`."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media_types}
    return {200: {"description": "The file.", "content": content}, **_failures((*_PUBLIC, 404, 410))}


def note_answers(model: type[BaseModel]) -> Answers:
    """Answers to a signed note that anybody may bring."""
    return {200: _success(model, "Taken, now or before."), **_failures((*_PUBLIC, 409, *_BODY))}


def challenge_answers(model: type[BaseModel]) -> Answers:
    """Answers to a signed challenge, which stands where a credential does."""
    return {200: _success(model, "Signed in."), **_failures((*_PUBLIC, 401, 404, 409, *_BODY))}


def sign_in_answers(model: type[BaseModel], status: int = 201) -> Answers:
    """Answers of a request that is given a password; a session's cookies come with success."""
    return {status: _success(model, "Signed in."), **_failures((*_READ, *_BODY, 429))}


def personal_answers(model: type[BaseModel], status: int = 200) -> Answers:
    """Answers of a change to what people sign in with."""
    return {status: _success(model, "Done."), **_failures((*_READ, *_BODY))}


def asked_answers(model: type[BaseModel]) -> Answers:
    """Answers to a request that anybody may make."""
    return {201: _success(model, "Stored: it waits for an officer."), **_failures((*_PUBLIC, *_BODY, 429))}


def token_answers(model: type[BaseModel]) -> Answers:
    """Answers of a read that needs a token of its own."""
    return {200: _success(model, "Found."), **_failures((*_PUBLIC, 404))}


def write_answers(model: type[BaseModel] = Written, *, waits: bool = True) -> Answers:
    """Answers of a write; one that needs no block (`waits` false) is never merely accepted."""
    failures = _failures((*_READ, 409, *_BODY, 429))
    recorded: Answers = {201: _success(model, "Recorded: it is on disk and every reader sees it.")}
    if not waits:
        return {**recorded, **failures}
    return {
        **recorded,
        202: _success(model, "Accepted: durable, will be sequenced. `Location` says where to look."),
        **failures,
    }


def _success(model: type[BaseModel], description: str) -> dict[str, Any]:
    return {"model": model, "description": description}


def _failures(statuses: tuple[int, ...]) -> Answers:
    """By reference: a model given here is prepared for each status of each route, an eighth of the API's start."""
    return {
        status: {"description": _MEANINGS[status], "content": {"application/json": {"schema": PROBLEM}}}
        for status in sorted(statuses)
    }
