"""The HTTP path with real processes: single posts over many connections, and lists; counted only when recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from bench.http_client import Answer, Connection, share
from bench.processes import Running
from bench.town import Town, new_key

LIST_ROWS = 256
OPERATION_POLL_S = 0.1  # a client that polls faster only takes time from the servers
OPERATION_TIMEOUT_S = 120
SINGLE_CONNECTIONS = 64
LIST_CONNECTIONS = 4

Advance = Callable[[int], None]


@dataclass
class Load:
    """What one kind of load gave: seconds in all, latency of every request in seconds, and how many waited longer."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    accepted_first: int = 0  # answered 202, recorded later: their latency ends when the operation is seen recorded


def single_posts(running: Running, town: Town, count: int, advance: Advance) -> Load:
    """`count` invoices posted one by one over 64 connections of 20 sellers."""
    bodies = [json.dumps({"document": town.document(index)}, ensure_ascii=False).encode() for index in range(count)]
    return _load(running, town, "/v1/invoices", bodies, SINGLE_CONNECTIONS, 1, advance)


def lists(running: Running, town: Town, count: int, advance: Advance) -> Load:
    """`count` invoices posted in lists of 256 rows over 4 connections."""
    bodies = [
        json.dumps(
            {"documents": [town.document(index * LIST_ROWS + row) for row in range(LIST_ROWS)]}, ensure_ascii=False
        ).encode()
        for index in range(count // LIST_ROWS)
    ]
    return _load(running, town, "/v1/invoices/list", bodies, LIST_CONNECTIONS, LIST_ROWS, advance)


def _load(
    running: Running, town: Town, path: str, bodies: list[bytes], connections: int, rows: int, advance: Advance
) -> Load:
    load = Load()

    def work() -> Iterator[Callable[[Connection], Awaitable[None]]]:
        for index, body in enumerate(bodies):
            api_key = town.sellers[index % len(town.sellers)].api_key

            async def piece(connection: Connection, api_key: str = api_key, body: bytes = body) -> None:
                answer = await connection.post(path, api_key, new_key(), body)
                load.latencies.append(answer.seconds + await _until_recorded(connection, api_key, answer, load))
                advance(rows)

            yield piece

    load.seconds = asyncio.run(share(running, connections, work()))
    return load


async def _until_recorded(connection: Connection, api_key: str, answer: Answer, load: Load) -> float:
    """Seconds until the operation of `answer` is recorded; 0 when the answer says so."""
    if answer.status == 201:
        return 0.0
    if answer.status != 202:
        raise RuntimeError(f"answered {answer.status}: {answer.body[:500].decode()}")
    load.accepted_first += 1
    digest = answer.json()["digest"]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while loop.time() - begun < OPERATION_TIMEOUT_S:
        await asyncio.sleep(OPERATION_POLL_S)
        seen = await connection.get(f"/v1/operations/{digest}", api_key)
        if seen.status != 200:
            raise RuntimeError(f"operation answered {seen.status}: {seen.body[:500].decode()}")
        if seen.json()["status"] == "recorded":
            return loop.time() - begun
    raise RuntimeError(f"operation {digest} was not recorded within {OPERATION_TIMEOUT_S} s")
