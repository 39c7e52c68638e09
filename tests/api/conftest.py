"""The application under test: a client that speaks ASGI to it, a recording double for shapes, and a real ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from api.app import create_app
from ledger.service import Ledger, found
from ledger.settings import Settings
from tests.api.recording import API_KEY, RecordingLedger
from tests.service.world import Sequencing


@dataclass
class Answer:
    """One answer: status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw_headers: list[tuple[str, str]] = field(default_factory=list)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    """Sends requests to an ASGI application, byte for byte as given."""

    def __init__(self, portal: BlockingPortal, app: Any) -> None:
        self.portal = portal
        self.app = app
        self.headers: dict[str, str] = {}

    def request(
        self,
        method: str,
        address: str,
        body: bytes | list[bytes] | None = None,
        headers: list[tuple[str, str]] | dict[str, str] | None = None,
    ) -> Answer:
        """One request. A list as body arrives in that many messages."""
        return self.portal.call(self._request, method, address, body, headers)

    async def _request(self, method: str, address: str, body: Any, headers: Any) -> Answer:
        parts = urlsplit(address)
        pairs = [*self.headers.items(), *(headers.items() if isinstance(headers, dict) else headers or [])]
        chunks = body if isinstance(body, list) else [body or b""]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": unquote(parts.path), "raw_path": quote(parts.path, safe="/%").encode(), "root_path": "",
            "query_string": parts.query.encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        }  # fmt: skip
        sent: list[dict[str, Any]] = []
        pending = [
            {"type": "http.request", "body": chunk, "more_body": index + 1 < len(chunks)}
            for index, chunk in enumerate(chunks)
        ]

        async def receive() -> dict[str, Any]:
            return pending.pop(0) if pending else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *rest = sent
        pairs = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
        return Answer(start["status"], dict(pairs), b"".join(one.get("body", b"") for one in rest), pairs)

    def get(self, address: str, **headers: str) -> Answer:
        return self.request("GET", address, headers=_dashed(headers))

    def post(
        self, address: str, value: Any, *, key: str | None = "key-1", method: str = "POST", **headers: str
    ) -> Answer:
        """A JSON body with an Idempotency-Key (None: without)."""
        given = {"content-type": "application/json", **_dashed(headers)}
        if key is not None:
            given["idempotency-key"] = key
        return self.request(method, address, json.dumps(value).encode(), given)

    def acting(self, api_key: str) -> Client:
        """The same application, called with a credential."""
        other = Client(self.portal, self.app)
        other.headers = {"authorization": f"Bearer {api_key}"}
        return other


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def shapes(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RecordingLedger, Any]]:
    """The double and the application on it, made once: building the routes takes a tenth of a second."""
    double = RecordingLedger()
    settings = Settings(data_dir=tmp_path_factory.mktemp("shapes"), body_size_max=65_536, page_size_max=200)
    app = create_app(cast("Ledger", double), settings)
    with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield double, app


@pytest.fixture
def recording(shapes: tuple[RecordingLedger, Any]) -> RecordingLedger:
    """The double, with nothing recorded and its first answers."""
    shapes[0].reset()
    return shapes[0]


@pytest.fixture
def anyone(portal: BlockingPortal, recording: RecordingLedger, shapes: tuple[RecordingLedger, Any]) -> Client:
    """A client without a credential, on the recording double."""
    return Client(portal, shapes[1])


@pytest.fixture
def caller(anyone: Client) -> Client:
    """A client with a credential the recording double knows."""
    return anyone.acting(API_KEY)


# waits long enough that a busy machine answers 201 too
QUICK: dict[str, Any] = {"batch_interval_ms": 5, "outcome_poll_ms": 5, "post_wait_ms": 20_000}


@dataclass(frozen=True)
class Installation:
    """A real ledger in a directory, a sequencer for it, and the credential of its first officer."""

    ledger: Ledger
    settings: Settings
    officer_key: str
    sequencing: Sequencing


@contextmanager
def founded(settings: Settings) -> Iterator[Installation]:
    """A new ledger; its sequencer rests."""
    made = found(settings, authority_name="深圳市税务局", officer_name="陈税官")
    with Ledger.open(settings) as ledger:
        sequencing = Sequencing(ledger)
        try:
            yield Installation(ledger, settings, ledger.new_api_key(made.officer, "tests"), sequencing)
        finally:
            sequencing.close()


@contextmanager
def running(settings: Settings) -> Iterator[Installation]:
    """A new ledger with its sequencer at work."""
    with founded(settings) as installation, installation.sequencing.running():
        yield installation


@pytest.fixture(scope="session")
def resting_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("real") / "data", **QUICK)
    with founded(settings) as installation:
        yield installation


@pytest.fixture(scope="module")
def installation(resting_installation: Installation) -> Iterator[Installation]:
    """The ledger that all files share, its sequencer running while the tests of one file do."""
    with resting_installation.sequencing.running():
        yield resting_installation


@pytest.fixture(scope="session")
def resting_door(portal: BlockingPortal, resting_installation: Installation) -> Iterator[Client]:
    app = create_app(resting_installation.ledger, resting_installation.settings)
    with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield Client(portal, app)


@pytest.fixture(scope="module")
def public_door(resting_door: Client, installation: Installation) -> Client:
    """A client without a credential, on the real ledger."""
    return resting_door


@pytest.fixture(scope="module")
def officer(public_door: Client, installation: Installation) -> Client:
    """The first officer, on the real ledger."""
    return public_door.acting(installation.officer_key)


@pytest.fixture(scope="module")
def second_officer(public_door: Client, installation: Installation) -> Client:
    """The authority, as the second officer that confirms what the first one proposed."""
    return public_door.acting(installation.ledger.new_api_key(1, "second officer"))


def confirmed(second: Client, proposed: Answer, key: str) -> Answer:
    """The answer to a confirmation of what another officer proposed."""
    assert proposed.status == 201, proposed.text
    return second.post(f"/v1/proposals/{proposed.json()['proposal_id']}/confirmation", {}, key=key)
