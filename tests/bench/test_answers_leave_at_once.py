"""Small answers are not held back: 40 ms a request is what Nagle's algorithm costs where nobody switched it off."""

from __future__ import annotations

import asyncio
import socket

import pytest

from api.server import _listener
from ledger.settings import Settings


@pytest.mark.parametrize("handed_over", [False, True])
def test_accepted_connections_send_small_answers_at_once(handed_over: bool) -> None:
    own = _listener(Settings(port=0), None)
    listener = _listener(Settings(), socket.dup(own.fileno())) if handed_over else own
    assert asyncio.run(_accepted_without_delay(listener))
    own.close()


def test_a_listener_that_names_no_protocol_holds_them_back() -> None:
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    plain.bind(("127.0.0.1", 0))
    plain.listen()
    assert not asyncio.run(_accepted_without_delay(plain))


async def _accepted_without_delay(listener: socket.socket) -> bool:
    accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def on_connection(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = writer.get_extra_info("socket")
        accepted.set_result(bool(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    async with await asyncio.start_server(on_connection, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        try:
            return await asyncio.wait_for(accepted, timeout=5)
        finally:
            writer.close()
            await writer.wait_closed()
