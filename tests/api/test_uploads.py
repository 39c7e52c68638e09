"""Files as bodies: taken whole within their own limit, refused by name before and beyond it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI, Response

from api.middleware import Envelope
from api.pools import readings, uploads, writes
from api.problems import ProblemError, render, service_failure
from api.rate_limits import RateLimits
from api.routes.declared import Authenticated, FileName, IdempotencyKey, UploadedFile, router
from api.uploads import STRANGERS, UPLOADS_AT_ONCE_MAX, UPLOADS_OF_ONE_MAX, one_upload, size_limit, upload_body
from ledger.service import ServiceError
from ledger.settings import Settings
from tests.api.conftest import Client
from tests.api.recording import API_KEY, CALLER, RecordingLedger

SETTINGS = Settings(body_size_max=1_024, upload_size_max=4_096)
routes = router("uploads under test")


@routes.post("/file", name="upload_sheet", openapi_extra=upload_body("text/csv"))  # admitted and taken as that one
@uploads
def keep(_caller: Authenticated, key: IdempotencyKey, file: UploadedFile, file_name: FileName = "") -> Response:
    """Says what came."""
    return Response(b"|".join((key.encode(), file.media_type.encode(), file_name.encode(), file.data)))


@routes.post("/look", name="read_outside")
@readings
def look(_caller: Authenticated, file: UploadedFile) -> Response:
    """Says what came, without a key."""
    return Response(file.data)


@routes.post("/plain", name="register_webhook")
@writes
def plain(_caller: Authenticated, _key: IdempotencyKey) -> Response:
    """No upload."""
    return Response(b"plain")


@pytest.fixture(scope="module")
def door(portal: BlockingPortal) -> Client:
    """A client with a credential on the routes above."""
    app = FastAPI()
    app.include_router(routes)
    app.state.ledger = RecordingLedger()
    app.state.rates = RateLimits(SETTINGS)

    async def on_problem(_request: Any, err: Any) -> Response:
        rendered = render(err)
        return Response(rendered.body, rendered.status, rendered.headers)

    async def on_service_error(_request: Any, err: Any) -> Response:
        rendered = render(service_failure(err, has_body=True))
        return Response(rendered.body, rendered.status, rendered.headers)

    app.add_exception_handler(ProblemError, on_problem)
    app.add_exception_handler(ServiceError, on_service_error)
    app.add_middleware(Envelope, body_size_max=size_limit([routes], SETTINGS))
    return Client(portal, app).acting(API_KEY)


def sent(door: Client, body: Any, address: str = "/v1/file", **headers: str) -> Any:
    given = {"content-type": "text/csv", "idempotency-key": "k", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return door.request("POST", address, body, {name: text for name, text in given.items() if text})


def test_file_arrives_as_it_was_sent(door):
    answer = sent(door, b"\x00\xff" * 2_000, "/v1/file?file_name=%E4%BA%94%E6%9C%88.csv")
    assert (answer.status, answer.body) == (200, "k|text/csv|五月.csv|".encode() + b"\x00\xff" * 2_000)
    assert sent(door, [b"a", b"b"]).body.endswith(b"|ab")


def test_file_beyond_its_limit_is_refused_whether_or_not_it_says_so(door):
    assert sent(door, b"x" * 4_096).status == 200
    for answer in (
        sent(door, b"x" * 4_097),
        sent(door, b"x", content_length="4097"),
        sent(door, [b"x" * 4_000, b"y" * 97]),
    ):
        assert answer.status == 413
        assert "4096" in answer.json()["detail"]


def test_other_bodies_keep_their_own_limit(door):
    assert sent(door, b"", "/v1/plain").status == 200
    assert sent(door, b"", "/v1/plain", content_length="1025").status == 413


@pytest.mark.parametrize(
    "media_type", ["", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "?"]
)
def test_forms_and_json_are_no_files(door, media_type):
    answer = sent(door, b"a=b", content_type=media_type)
    assert answer.status == 415
    assert "application/octet-stream" in answer.json()["detail"]
    assert sent(door, b"a=b", content_encoding="gzip").status == 415


def test_empty_file_is_named(door):
    answer = sent(door, b"")
    assert answer.status == 422
    assert answer.json()["errors"][0]["code"] == "file_empty"


def test_credential_and_key_are_asked_before_the_file(door, portal):
    stranger = Client(portal, door.app).request("POST", "/v1/file", b"x", {"content-type": "text/csv"})
    assert stranger.status == 401
    assert sent(door, b"x", idempotency_key="").status == 400
    assert sent(door, b"x", "/v1/look", idempotency_key="").status == 200


def test_files_in_memory_are_counted(portal):
    async def fill() -> list[int]:
        async with AsyncExitStack() as stack:
            for at in range(UPLOADS_AT_ONCE_MAX):
                await stack.enter_async_context(one_upload(at))
            try:
                async with one_upload(UPLOADS_AT_ONCE_MAX):
                    return [200]
            except ProblemError as err:
                refused = err.kind.status
        async with one_upload():
            return [refused, 200]

    assert portal.call(fill) == [503, 200]


@pytest.mark.parametrize("slow", [7, STRANGERS])
def test_one_sender_or_all_strangers_do_not_take_every_place(portal, slow):
    async def fill() -> list[int]:
        async with AsyncExitStack() as stack:
            for _ in range(UPLOADS_OF_ONE_MAX):
                await stack.enter_async_context(one_upload(slow))
            try:
                async with one_upload(slow):
                    return [200]
            except ProblemError as err:
                refused = err.kind.status
            async with one_upload(8):
                pass
        async with one_upload(slow):
            return [refused, 200]

    assert portal.call(fill) == [503, 200]


def test_the_places_of_a_sender_are_its_partys(door, portal):
    async def fill(stack: AsyncExitStack, party: int) -> None:
        for _ in range(UPLOADS_OF_ONE_MAX):
            await stack.enter_async_context(one_upload(party))

    for party, status in ((CALLER.party, 503), (CALLER.party + 1, 200), (STRANGERS, 200)):
        stack = AsyncExitStack()
        portal.call(fill, stack, party)
        assert sent(door, b"x", "/v1/look", idempotency_key="").status == status
        portal.call(stack.aclose)
