"""Calling a route as a role, and what the answer amounts to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from fastapi.routing import APIRoute

from api.access_table import Right, Role
from api.app import ROUTERS
from api.pools import access_of
from api.sessions import COOKIE
from tests.api.conftest import Answer, Client
from tests.attack.requests import REQUESTS, Asked
from tests.attack.scene import Scene

ROUTES = {route.name: route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}
UNKNOWN_CODES = frozenset({"party_unknown", "number_unknown"})  # of a field that names what there is none of
ROLE_REASONS = frozenset({"not_permitted", "not_holder", "suspended", "unknown_invoice"})  # of who signed, not of what


@dataclass
class Walk:
    """Requests to one application as every role of a scene."""

    door: Client
    scene: Scene

    def send(self, name: str, role: Role, asked: Asked) -> Answer:
        """The answer to a route, asked as a role."""
        route = ROUTES[name]
        method = next(iter(sorted(route.methods)))
        address = re.sub(r"\{(\w+)(?::path)?\}", lambda match: str(asked.path[match.group(1)]), route.path)
        headers = dict(asked.headers)
        body = asked.body
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("content-type", "application/json")
        if access_of(route.endpoint).writes:
            headers["idempotency-key"] = self.scene.world.key()
        client = self.door
        if asked.session:
            headers["sec-fetch-site"] = "same-origin"
            if role is not Role.STRANGER:
                headers["cookie"] = f"{COOKIE}={self.scene.session_of(role)[1]}"
        elif role is not Role.STRANGER:
            client = self.door.acting(self.scene.keys[role])
        return client.request(method, f"{address}?{asked.query}" if asked.query else address, body, headers)

    def ask(self, name: str, role: Role) -> tuple[Right, Answer]:
        """What a role gets of a route that is asked for the victim's things, and the answer."""
        asked = REQUESTS[name](self.scene)
        answer = self.send(name, role, asked)
        if answer.status < 400 and ROUTES[name].methods != {"GET"}:
            self.scene.used()
        return right_of(answer, asked.telltale), answer


def right_of(answer: Answer, telltale: str = "") -> Right:
    """What an answer amounts to; `telltale` stands in one that shows the victim's things."""
    if answer.status == 303 and answer.headers["location"].startswith("/sign-in?next="):
        return Right.SIGN_IN
    if answer.status < 400 or "problem+json" not in answer.headers["content-type"]:
        shown = not telltale or telltale.encode() in answer.body
        return Right.ALLOWED if shown else Right.OWN
    problem = answer.json()
    kind = problem["type"].removeprefix("/problems/")
    if kind == "not-authenticated":
        return Right.SIGN_IN
    if answer.status == 403:
        return Right.REFUSED
    codes = {one["code"] for one in problem.get("errors", ())}
    if answer.status == 404 or codes & UNKNOWN_CODES:
        return Right.HIDDEN
    if kind.removeprefix("refused/") in ROLE_REASONS:
        return Right.CONTRACT
    return Right.ALLOWED
