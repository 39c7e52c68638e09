"""One HTTP POST of a witness: limits of size and time on what comes back, no redirects, no proxies."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ledger.witness.errors import SourceError

READ_LIMIT_S: Final = 10.0  # seconds of silence
CHUNK_SIZE: Final = 65_536


def post(
    address: SplitResult, body: bytes, headers: dict[str, str], *, answer_limit_s: float, size_max: int
) -> tuple[int, bytes]:
    """Status and body of the answer, which has at most `size_max` bytes and is whole after `answer_limit_s` seconds.

    Raises: SourceError when there is none.
    """
    host, port = address.hostname or "", address.port
    connection: http.client.HTTPConnection
    if address.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=READ_LIMIT_S, context=ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(host, port, timeout=READ_LIMIT_S)
    overdue = threading.Timer(answer_limit_s, _cut, [connection])  # ends one that drips byte by byte too
    overdue.start()
    try:
        path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        connection.request("POST", path, body, headers)
        with connection.getresponse() as response:
            return response.status, _read(response, size_max)
    except (OSError, http.client.HTTPException) as err:
        raise SourceError(f"{host} does not answer: {type(err).__name__}: {err}") from err
    finally:
        overdue.cancel()
        connection.close()


def address_of(url: str, what: str) -> SplitResult:
    """The parts of an http(s) address without user and fragment; `what` says in the error what it should be.

    Raises: SourceError.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError as err:
        raise SourceError(f"no address of {what}: {url!r}") from err
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.fragment:
        raise SourceError(f"no address of {what}: {url!r}; give http(s)://host[:port]/path")
    return parts


def _cut(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):  # it has just ended by itself
            connection.sock.shutdown(socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse, size_max: int) -> bytes:
    """The whole body, within its size."""
    parts, size = [], 0
    while part := response.read1(CHUNK_SIZE):
        parts.append(part)
        size += len(part)
        if size > size_max:
            raise SourceError(f"the answer has more than {size_max} bytes")
    if response.length:
        raise SourceError(f"the answer ends {response.length} bytes early")
    return b"".join(parts)
