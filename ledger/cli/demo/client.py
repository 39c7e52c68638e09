"""A caller of the API: one connection a thread, a fresh Idempotency-Key a write."""

from __future__ import annotations

import http.client
import json
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ledger.domain.typed_data import read_group
from ledger.identity import sign_digest
from ledger.identity.signing import signature_text

TIMEOUT_S = 60
ANSWER_SIZE_MAX = 8 << 20
SIGNATURE_NEEDED = "/problems/signature-needed"
Answer = tuple[int, dict[str, Any]]


class DemoError(Exception):
    """The demo did not go as it must; the message says where."""


class Client:
    """Calls one server. Safe to use from many threads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port
        self._local = threading.local()
        self._wallets: dict[str, bytes] = {}  # private keys that actors keep themselves, by their API key

    def keeps(self, api_key: str, wallet: bytes) -> None:
        """From now on what this actor writes is signed with its own key, as the server asks for its signature."""
        self._wallets[api_key] = wallet

    def write(self, method: str, path: str, api_key: str, body: dict[str, Any]) -> Answer:
        """Status and JSON of a write; of an actor with a key of its own once it signed."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
        sent = json.dumps(body).encode()
        status, data = self._request(method, path, api_key, sent, headers)
        answer = json.loads(data)
        if api_key in self._wallets and answer.get("type") == SIGNATURE_NEEDED:
            self._sign(f"/v1/drafts/{answer['draft']}", api_key)
            status, data = self._request(method, path, api_key, sent, headers)
            answer = json.loads(data)
        return status, answer

    def _sign(self, draft: str, api_key: str) -> None:
        """Gives a draft the signature of its actor, over the typed data that the server shows."""
        group, domain = read_group(json.loads(self.read(draft, api_key))["typed_data"])
        body = {"signature": signature_text(sign_digest(self._wallets[api_key], group.digest(domain)))}
        headers = {"Content-Type": "application/json"}
        self._request("POST", f"{draft}/signature", api_key, json.dumps(body).encode(), headers)

    def recorded(self, method: str, path: str, api_key: str, body: dict[str, Any]) -> dict[str, Any]:
        """JSON of a write that must be recorded. Raises: DemoError otherwise."""
        status, answer = self.write(method, path, api_key, body)
        if status != http.client.CREATED:
            raise DemoError(f"{method} {path} answered {status}: {answer.get('detail') or answer}")
        return answer

    def read(self, path: str, api_key: str | None = None) -> bytes:
        """Body of a read that must succeed. Raises: DemoError otherwise."""
        status, data = self._request("GET", path, api_key, None, {})
        if status != http.client.OK:
            raise DemoError(f"GET {path} answered {status}: {data[:300]!r}")
        return data

    def _request(
        self, method: str, path: str, api_key: str | None, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
            self._local.connection = connection
        if api_key is not None:
            headers = {**headers, "Authorization": f"Bearer {api_key}"}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(ANSWER_SIZE_MAX)


REFUSED = http.client.CONFLICT


@dataclass
class Refusals:
    """Groups that were refused as they should be: digest -> (what was tried, reason)."""

    expected: dict[str, tuple[str, str]] = field(default_factory=dict)

    def expect(
        self, client: Client, tried: str, reason: str, path: str, key: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """The answer to a write that the ledger must refuse for `reason`. Raises: DemoError otherwise."""
        status, answer = client.write("POST", path, key, body)
        if status != REFUSED or answer.get("reason") != reason:
            raise DemoError(f"to {tried} should be refused as {reason}, the answer was {status}: {answer}")
        self.expected[str(answer["digest"])] = (tried, reason)
        return answer
