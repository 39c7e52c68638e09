"""What is kept about a person, over HTTP: bounded in bytes, one at a time of each caller."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from api.routes import privacy
from ledger.service import ledger as doors
from ledger.service.personal_export import personal_export
from tests.api.conftest import Answer
from tests.api.test_life_of_an_invoice import World
from tests.api.test_life_of_an_invoice import world as world  # noqa: PLC0414 - the fixture, for this module too
from tests.api.test_problem_shapes import assert_problem


def record_of(world: World) -> str:
    return f"/v1/parties/{world.claimant.party}/record"


def test_a_person_is_given_what_is_kept_about_it(world: World) -> None:
    answer = world.claimant.client.get(record_of(world))
    assert (answer.status, answer.json()["party"]) == (200, world.claimant.party)


def test_more_than_an_answer_holds_names_the_command_that_writes_all_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "ANSWER_SIZE_MAX", 200)
    answer = world.claimant.client.get(record_of(world))
    assert_problem(answer, "invalid-parameter")
    (error,) = answer.json()["errors"]
    assert (error["path"], error["code"]) == ("party", "export_too_large")
    assert "einvoice party export" in str(error)
    assert "200 字节" in str(error)


def test_one_record_at_a_time_is_put_together_for_a_caller(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, let_go = threading.Event(), threading.Event()

    def slowly(*args: Any, **kwargs: Any) -> Any:
        entered.set()
        assert let_go.wait(20)
        return personal_export(*args, **kwargs)

    monkeypatch.setattr(doors, "personal_export", slowly)
    client, address = world.claimant.client, record_of(world)

    async def ask() -> Answer:
        return await client._request("GET", address, None, None)

    async def two() -> tuple[Answer, Answer]:
        first = asyncio.ensure_future(ask())
        while not entered.is_set():
            await asyncio.sleep(0.01)
        second = await ask()
        let_go.set()
        return await first, second

    first, second = client.portal.call(two)
    assert first.status == 200
    assert_problem(second, "busy")
    assert client.get(address).status == 200  # the place is free again
