"""A real HTTP server that takes webhooks, as a process of its own thread; says what it is told to say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Taken:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)["data"]  # type: ignore[no-any-return]

    def signed_with(self, secret: str) -> bool:
        """Whether a receiver that knows `secret` takes it for genuine: Standard Webhooks, written out."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        given = [one.split(",", 1) for one in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(text, wanted) for version, text in given)


class Receiver:
    """What arrived, and what is answered: a status, or a redirect, a flood, a drip."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.status = 200
        self.manner = "plain"
        self.release = threading.Event()
        self.url = ""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver for as long as the `with` lasts."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.taken.append(Taken(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if state.manner == "drip":
                self._drip()
                return
            self.send_response(302 if state.manner == "redirect" else state.status)
            if state.manner == "redirect":
                self.send_header("location", f"{state.url}/elsewhere")
            self.end_headers()
            if state.manner == "flood":
                try:
                    for _ in range(4096):
                        self.wfile.write(b"x" * 65_536)
                except OSError:
                    return

        def _drip(self) -> None:
            try:
                while not state.release.wait(0.05):
                    self.wfile.write(b"H")
                    self.wfile.flush()
            except OSError:
                return

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
