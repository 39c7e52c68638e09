"""Heads of requests that never end: one huge, many small, or byte by byte, against uvicorn on a real socket."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from api import protocol
from api.protocol import HEAD_SIZE_MAX, BoundedProtocol

SMALL_TIMEOUT_S = 1


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server with the protocol of ours, impatient."""
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", SMALL_TIMEOUT_S)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(application, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, loop="asyncio")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()
    server.should_exit = True
    thread.join()
    listener.close()


def sent_until_cut(address: tuple[str, int], start: bytes, piece: bytes, pieces: int, pause_s: float = 0) -> int:
    """Bytes the server took before it cut the connection; all of them when it never did."""
    sent = 0
    with socket.create_connection(address, timeout=10) as connection:
        try:
            connection.sendall(start)
            for _ in range(pieces):
                connection.sendall(piece)
                sent += len(piece)
                time.sleep(pause_s)
            connection.settimeout(SMALL_TIMEOUT_S * 3)
            connection.recv(1)
        except ConnectionError:
            return sent
    return sent


@pytest.mark.parametrize(("start", "piece"), [(b"X: ", b"a" * 65_536), (b"", b"x: y\r\n" * 10_000)])
def test_a_head_that_grows_without_end_is_cut(address: tuple[str, int], start: bytes, piece: bytes) -> None:
    taken = sent_until_cut(address, b"GET / HTTP/1.1\r\nHost: a\r\n" + start, piece, 2_000)
    assert taken < 64 * HEAD_SIZE_MAX  # socket buffers included


def test_trailers_that_grow_without_end_are_cut(address: tuple[str, int]) -> None:
    start = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    assert sent_until_cut(address, start, b"x: y\r\n" * 10_000, 2_000) < 64 * HEAD_SIZE_MAX


@pytest.mark.parametrize("start", [b"", b"\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_a_head_that_does_not_end_in_time_is_cut(address: tuple[str, int], start: bytes) -> None:
    began = time.monotonic()
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(start)
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
    assert time.monotonic() - began < 5


def test_a_large_body_and_a_second_request_on_the_connection_are_answered(address: tuple[str, int]) -> None:
    body = b"b" * (4 * HEAD_SIZE_MAX)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(address, timeout=10) as connection:
        for _ in range(2):
            connection.sendall(head + body)
            answer = b""
            while not answer.endswith(b"\r\n\r\n" + str(len(body)).encode()):
                piece = connection.recv(4_096)
                assert piece, answer
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(SMALL_TIMEOUT_S * 1.5)  # idle between requests is not a slow head
