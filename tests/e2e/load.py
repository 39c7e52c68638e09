"""Clients that write over HTTP while processes die, and keep account of everything that was acknowledged.

A request that got no answer is sent again with its Idempotency-Key until it gets one: that is what a merchant's
program does. So at the end every request made has an answer, and the chain must hold each exactly once.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.running import Cast

ANSWER_LIMIT_S = 10.0
RETRY_WAIT_S = 0.05
DRAIN_LIMIT_S = 60.0
NO_ANSWER = frozenset({500, 502, 503, 429})  # nothing was stored, or it is not known; send it again


@dataclass
class Request:
    """One write and every answer it got."""

    role: str
    path: str
    body: dict[str, Any]
    key: str
    gross_fen: int = 0  # of an issue, unique in a run
    digest: str = ""
    numbers: tuple[str, ...] = ()
    statuses: list[int] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


class Client(threading.Thread):
    """One till or desk: issues, then has its invoices claimed; retries what got no answer; asks again at times."""

    def __init__(self, index: int, cast: Cast, address: Callable[[], str], seed: int) -> None:
        super().__init__(name=f"client-{index}")
        self._random = random.Random(seed * 1_000 + index)
        self._cast = cast
        self._address = address
        self._stop_asked = threading.Event()
        self._serial = itertools.count(1)
        self._index = index
        self._unclaimed: list[str] = []
        self.requests: list[Request] = []
        self.error: BaseException | None = None

    def finish(self) -> None:
        """Makes no new request; what is under way is brought to an answer."""
        self._stop_asked.set()

    def run(self) -> None:
        try:
            with httpx.Client(timeout=ANSWER_LIMIT_S) as http:
                while not self._stop_asked.is_set():
                    self._one(http)
        except BaseException as err:  # noqa: BLE001 - the test reports it
            self.error = err

    def _one(self, http: httpx.Client) -> None:
        answered = [request for request in self.requests if request.digest]
        if answered and self._random.random() < 0.15:
            self._send(http, self._random.choice(answered))  # a retry of what was answered long ago
            return
        request = self._claim() if len(self._unclaimed) >= 3 else self._issue()
        self.requests.append(request)
        self._send(http, request)
        if request.path == "/v1/invoices" and request.statuses[-1] == 201:
            self._unclaimed += request.numbers

    def _send(self, http: httpx.Client, request: Request) -> None:
        """Sends until there is an answer."""
        deadline = time.monotonic() + DRAIN_LIMIT_S
        while True:
            assert time.monotonic() < deadline, f"no answer to {request.key} within {DRAIN_LIMIT_S} s"
            try:
                answer = http.post(
                    self._address() + request.path,
                    json=request.body,
                    headers={
                        "Authorization": f"Bearer {self._cast.keys[request.role]}",
                        "Idempotency-Key": request.key,
                    },
                )
            except httpx.HTTPError:
                time.sleep(RETRY_WAIT_S)
                continue
            if answer.status_code in NO_ANSWER:
                time.sleep(RETRY_WAIT_S)
                continue
            self._account(request, answer)
            return

    def _account(self, request: Request, answer: httpx.Response) -> None:
        request.statuses.append(answer.status_code)
        if answer.status_code not in (201, 202):
            request.differences.append(f"{answer.status_code}: {answer.text[:500]}")
            return
        value = answer.json()
        digest, numbers = value["digest"], tuple(value["numbers"])
        if request.digest and (digest, numbers) != (request.digest, request.numbers):
            request.differences.append(f"first {request.digest} {request.numbers}, then {digest} {numbers}")
        request.digest, request.numbers = digest, numbers

    def _issue(self) -> Request:
        serial = next(self._serial)
        net_fen = (self._index * 1_000_000 + serial) * 100  # the gross tells which request it was
        tax_fen = net_fen * 6 // 100
        document = {
            "kind": "ordinary",
            "buyer": {"name": "散客"},
            "lines": [{"name": "*餐饮服务*餐费", "net_fen": net_fen, "rate_bp": 600, "tax_fen": tax_fen}],
            "net_fen": net_fen,
            "tax_fen": tax_fen,
            "gross_fen": net_fen + tax_fen,
        }
        body = {"document": document, "first_holder": self._cast.parties["claimant"]}
        return Request("seller", "/v1/invoices", body, f"i-{self._index}-{serial}", gross_fen=net_fen + tax_fen)

    def _claim(self) -> Request:
        numbers, self._unclaimed = self._unclaimed[:3], self._unclaimed[3:]
        body = {"numbers": numbers, "employer": self._cast.parties["employer"], "reference": "BX"}
        return Request("claimant", "/v1/claims", body, f"c-{self._index}-{next(self._serial)}")
