"""docs/API.md lists every route, problem type and limit, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.endpoint import BODY_TIMEOUT_S
from api.json_body import DEPTH_MAX
from api.middleware import ADDRESS_SIZE_MAX, HEADERS_SIZE_MAX
from api.pools import WAITING_PER_THREAD_MAX, WRITE_THREADS_MAX
from api.problems import PROBLEM_TYPES, REFUSED
from api.schemas.values import CLAIM_NUMBERS_MAX, DOCUMENTS_MAX, PAGE_SIZE_DEFAULT, RESERVE_MAX
from api.web.check import VERIFIER_COMMAND
from ledger.cli.own_keys import PASSWORD_VARIABLE
from ledger.cli.receipts import API_KEY_VARIABLE
from ledger.settings import Settings
from verifier.operations import Reason

TEXT = (Path(__file__).parents[2] / "docs" / "API.md").read_text()


def test_every_route_is_documented_and_every_documented_route_exists():
    routes = {
        f"{method} {route.path.replace(':path', '')}"
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    } | {"GET /v1/openapi.json"}
    assert set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`?]*)`", TEXT)) == routes


def test_every_problem_type_is_documented_with_its_status():
    for one in PROBLEM_TYPES.values():
        if one.name not in {f"refused/{name}" for name in REFUSED}:
            assert f"| {one.status} | `{one.uri}` | {one.title}. {one.meaning} |" in TEXT
    for name, one in REFUSED.items():
        assert f"| `{one.uri}` | {Reason[name.upper()].value} | {one.title} |" in TEXT
    documented = set(re.findall(r"\| `(/problems/[^`]+)` \|", TEXT))
    assert documented == {one.uri for one in PROBLEM_TYPES.values()}


def test_limits_are_documented_as_they_are():
    for limit in (f"{ADDRESS_SIZE_MAX:,} bytes", f"{HEADERS_SIZE_MAX:,} bytes", f"within {BODY_TIMEOUT_S} s",
                  f"at most {DEPTH_MAX} deep", f"{DOCUMENTS_MAX}, {CLAIM_NUMBERS_MAX}, {RESERVE_MAX:,}",
                  f"{WRITE_THREADS_MAX}; more wait for their turn, {WAITING_PER_THREAD_MAX} times",
                  f"{PAGE_SIZE_DEFAULT} when left out"):  # fmt: skip
        assert limit in TEXT
    assert VERIFIER_COMMAND.format(file="invoice-<number>.evidence.json") in TEXT


def test_settings_named_exist():
    of_commands = {API_KEY_VARIABLE, PASSWORD_VARIABLE}  # secrets of whoever runs a command, no settings of a ledger
    for name in set(re.findall(r"EINVOICE_[A-Z_]+", TEXT)) - of_commands:
        assert name.removeprefix("EINVOICE_").lower() in Settings.model_fields
