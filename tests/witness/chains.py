"""Chains for witnesses: one that grows, a second history under the same sealer's key, a server that lies as told."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from coincurve import PrivateKey

from ledger.chain import export_chain
from ledger.chain.jsonrpc import NodeRpc, open_rpc
from ledger.chain.rpc_envelope import answer_request
from ledger.witness import ExportedSource, Home, Told, found_home, witness_once
from tests.chain.world import SEALER_KEY, Ledger
from tests.verifier.judging import TRUST
from verifier.trust import Trust, TrustedContract

NAME = "witness.example/w1"


def trust_of(ledger: Ledger) -> Trust:
    """What an authority publishes about the chain."""
    identity = ledger.identity
    return replace(
        TRUST,
        chain_id=identity.chain_id,
        genesis=identity.genesis_hash,
        contracts=tuple(map(TrustedContract, identity.contracts, identity.code_hashes)),
        sealers=(PrivateKey(SEALER_KEY).public_key.format(compressed=False)[1:],),
    )


class Town:
    """A chain that can be copied before it goes on, and a witness of it."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.directory = directory
        self.ledger = Ledger(directory / "chain", **options)
        self.ledger.ready_to_issue()
        self.trust = trust_of(self.ledger)
        self.issued = 0
        self.exports = 0
        self.opened = [self.ledger]

    def close(self) -> None:
        for ledger in self.opened:
            ledger.close()

    def grow(self, blocks: int, ledger: Ledger | None = None, *, gross: int = 10_000) -> None:
        chain = ledger or self.ledger
        for _ in range(blocks):
            chain.do(chain.seller, 4, chain.issue(self.issued, gross=gross))
            self.issued += 1

    def second(self, name: str = "second") -> Ledger:
        """The chain as it is now, in a directory of its own, to go on otherwise: same keys, same past."""
        self.ledger.close()
        shutil.copytree(self.ledger.directory, self.directory / name)
        self.ledger.open()
        other = Ledger.__new__(Ledger)
        other.__dict__.update(self.ledger.__dict__)
        other.directory = self.directory / name
        other.open()
        self.opened.append(other)
        return other

    def export(self, ledger: Ledger | None = None) -> Path:
        self.exports += 1
        target = self.directory / f"export-{self.exports}"
        export_chain((ledger or self.ledger).directory, target)
        return target

    def home(self, name: str = "witness") -> Home:
        return found_home(self.directory / name, name=NAME, trust_data=self.trust.to_bytes())

    def look(self, home: Home, ledger: Ledger | None = None, *, now_s: float | None = None) -> Told:
        """One look at an export of the chain as it is."""
        source = ExportedSource(self.export(ledger))
        try:
            return witness_once(home, source, clock=lambda: (ledger or self.ledger).now() if now_s is None else now_s)
        finally:
            source.close()


Bend = Callable[[bytes], bytes]


class Server:
    """JSON-RPC over real HTTP on the loopback; what it answers can be exchanged at any moment."""

    def __init__(self) -> None:
        self.answer: Callable[[bytes], tuple[int, bytes]] = lambda _body: (500, b"")
        self.headers: list[dict[str, str]] = []
        self.rpcs: list[NodeRpc] = []
        self.url = ""

    def serves(self, ledger: Ledger, bend: Bend = lambda data: data) -> None:
        """Answers as the ledger's own `/rpc` does, `bend` changing the bytes."""
        rpc = open_rpc(ledger.directory)
        self.rpcs.append(rpc)

        def answered(body: bytes) -> tuple[int, bytes]:
            data = answer_request(rpc, json.loads(body))
            assert data is not None
            return 200, bend(data)

        self.answer = answered

    def says(self, data: bytes, status: int = 200) -> None:
        self.answer = lambda _body: (status, data)


@contextmanager
def served() -> Iterator[Server]:
    """A server for as long as the context is open."""
    told = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, data = told.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(ConnectionError):  # the reader had enough
                self.wfile.write(data)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    told.url = f"http://127.0.0.1:{server.server_port}/rpc"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for rpc in told.rpcs:
            rpc.close()
