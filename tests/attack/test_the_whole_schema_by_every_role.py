"""Requests that schemathesis makes of the OpenAPI, right and wrong ones, sent with every role's credential."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI, Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.access_table import Role
from api.app import create_app
from tests.attack.conftest import make_cast
from tests.service.world import World, must

PARTS = 4  # the operations are dealt out, so that each test stays within its time
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUNDED = settings(
    max_examples=2, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Town:
    """An application on a ledger of its own, which random requests may do anything to, and the roles' credentials."""

    world: World
    app: FastAPI
    keys: dict[Role, str]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    world = World(tmp_path_factory.mktemp("schema"))
    try:
        cast = make_cast(world)
        auditor, watcher = world.person("审计"), world.person("见证方")
        administrator, suspended = world.person("管理员"), world.person("停职", (cast.seller, ["issue", "finance"]))
        clerk = world.person("开票员", (cast.seller, ["issue"]))
        appoint = world.ledger.offices.appoint
        appoint(world.authority, "auditor", auditor.party, idempotency_key=world.key())
        appoint(world.authority, "witness", watcher.party, idempotency_key=world.key())
        appoint(cast.seller, "administrator", administrator.party, idempotency_key=world.key())
        must(world.suspended(suspended.party))
        callers = {
            Role.OUTSIDER: cast.attacker, Role.SUSPENDED: suspended, Role.WITNESS: watcher,
            Role.EMPLOYEE: cast.claimant, Role.CLERK: clerk, Role.FINANCE: cast.cashier,
            Role.ADMINISTRATOR: administrator, Role.ENTERPRISE: cast.seller, Role.AUDITOR: auditor,
            Role.OFFICER: world.officer, Role.OFFICER_ELSEWHERE: world.officer_of("3301"),
            Role.AUTHORITY: world.authority,
        }  # fmt: skip
        keys = {role: world.ledger.new_api_key(caller.party, "schema") for role, caller in callers.items()}
        yield Town(world, create_app(world.ledger, world.settings), keys)
    finally:
        world.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_no_request_of_the_schema_breaks_it_whoever_sends_it(town: Town, part: int) -> None:
    schema = schemathesis.openapi.from_dict(as_python_reads(town.app.openapi()))
    operations = [found.ok() for found in schema.get_all_operations()][part::PARTS]
    assert len(operations) > 20
    broken: list[str] = []
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            wrong_ones_there_are_none_of = Unsatisfiable if mode is GenerationMode.NEGATIVE else ()
            with suppress(wrong_ones_there_are_none_of):
                BOUNDED(given(case=operation.as_strategy(generation_mode=mode))(sender(town, broken)))()
    assert broken == []


def sender(town: Town, broken: list[str]) -> Any:
    """A test of one request: sent by every role, what is wrong with the answer is added to `broken`."""

    def send(case: schemathesis.Case) -> None:
        for role in Role:
            headers = {"Idempotency-Key": town.world.key()}
            if role is not Role.STRANGER:
                headers["Authorization"] = f"Bearer {town.keys[role]}"
            response = case.call(app=town.app, headers=headers)
            try:
                case.validate_response(response, checks=CHECKS)
            except FailureGroup as err:
                broken.append(f"{case.operation.label} as {role}: {response.status_code} {err.exceptions}")

    return send


def as_python_reads(value: Any) -> Any:
    r"""The document with its patterns' \u{61c} as Python's regular expressions write it."""
    if isinstance(value, dict):
        return {
            key: _python_pattern(one) if key == "pattern" and isinstance(one, str) else as_python_reads(one)
            for key, one in value.items()
        }
    return [as_python_reads(one) for one in value] if isinstance(value, list) else value


def _python_pattern(pattern: str) -> str:
    return re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda match: f"\\U{match.group(1):0>8}", pattern)


def test_an_answer_that_no_schema_promises_would_be_noticed() -> None:
    app = FastAPI()

    @app.get("/kept")
    async def kept() -> int:
        return 1

    @app.get("/broken")
    async def broken() -> Response:
        return Response(status_code=418)

    for operation in (found.ok() for found in schemathesis.openapi.from_dict(app.openapi()).get_all_operations()):
        case = operation.Case()
        response = case.call(app=app)
        if operation.path == "/kept":
            case.validate_response(response, checks=CHECKS)
        else:
            with pytest.raises(FailureGroup):
                case.validate_response(response, checks=CHECKS)
