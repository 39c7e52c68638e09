"""The HTTP parser of the server, with the limits it lacks: how large and how slow the head of a request may be.

httptools keeps a header that has not ended in memory, copies it with every packet, and waits for its end for ever;
limits of the application come too late, for it sees a request only once its head is whole.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SIZE_MAX = 131_072  # bytes; api.middleware answers heads over 36 KB with a problem, beyond this none is owed
HEAD_TIMEOUT_S = 20  # from the first byte, or from the connection, to the end of the head


class BoundedProtocol(HttpToolsProtocol):
    """One connection; it is cut when what is neither a whole head nor body grows too large or takes too long."""

    _unread_size = 0  # bytes since the parser last handed over a head, a piece of body, or the end of a message
    _between_heads = False  # from the end of a head to the end of its message
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock of the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses what arrived, and cuts the connection when that was too much for a head."""
        if not self._between_heads:
            self._await_head()
        self._unread_size += len(data)
        super().data_received(data)
        if self._unread_size > HEAD_SIZE_MAX and not self.transport.is_closing():
            self.logger.warning("Request head too large.")
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._unread_size = 0
        self._between_heads = True
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of body."""
        self._unread_size = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A whole request; the next head may begin."""
        self._unread_size = 0
        self._between_heads = False
        super().on_message_complete()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._cut)

    def _cut(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
