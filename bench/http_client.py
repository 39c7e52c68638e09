"""A lean HTTP/1.1 client: many kept connections on one event loop, so that the load costs the servers little."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from bench.processes import Running

ANSWER_HEADERS_SIZE_MAX = 65_536


@dataclass(frozen=True)
class Answer:
    """One answer and how long it took."""

    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Connection:
    """One kept connection with one API key."""

    def __init__(self, running: Running, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = f"{running.host}:{running.port}"
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, running: Running) -> Self:
        """A new connection."""
        reader, writer = await asyncio.open_connection(running.host, running.port, limit=ANSWER_HEADERS_SIZE_MAX)
        return cls(running, reader, writer)

    async def post(self, path: str, api_key: str, idempotency_key: str, body: bytes) -> Answer:
        """Answer to a POST of JSON."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {api_key}\r\n"
            f"Idempotency-Key: {idempotency_key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return await self._exchange(head.encode() + body)

    async def get(self, path: str, api_key: str) -> Answer:
        """Answer to a GET."""
        head = f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {api_key}\r\n\r\n"
        return await self._exchange(head.encode())

    async def close(self) -> None:
        """Ends the connection."""
        self._writer.close()
        await self._writer.wait_closed()

    async def _exchange(self, request: bytes) -> Answer:
        begun = time.perf_counter()
        self._writer.write(request)
        headers = await self._reader.readuntil(b"\r\n\r\n")
        lowered = headers.lower()
        at = lowered.index(b"content-length:") + len(b"content-length:")
        body = await self._reader.readexactly(int(lowered[at : lowered.index(b"\r\n", at)]))
        return Answer(int(headers[9:12]), body, time.perf_counter() - begun)


async def share(running: Running, connections: int, work: Iterator[Callable[[Connection], Awaitable[None]]]) -> float:
    """Seconds that `connections` connections take to do all of `work`, each taking the next piece when it is free."""
    opened = [await Connection.open(running) for _ in range(connections)]

    async def run(connection: Connection) -> None:
        for piece in work:
            await piece(connection)

    begun = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for connection in opened:
                group.create_task(run(connection))
    finally:
        taken = time.perf_counter() - begun
        for connection in opened:
            await connection.close()
    return taken
