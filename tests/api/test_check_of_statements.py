"""The public check takes a statement: what it says is told in both languages, and a lie is called one."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import Answer, Client
from tests.api.test_check_page import outline
from tests.api.test_life_of_an_invoice import World
from tests.api.test_life_of_an_invoice import world as world  # noqa: PLC0414 - the fixture, for this module too
from tests.api.test_statements_over_http import unissued
from verifier.canonical import dumps


def uploaded(client: Client, data: bytes, language: str) -> Answer:
    parts = [
        b'--edge\r\ncontent-disposition: form-data; name="lang"\r\n\r\n' + language.encode(),
        b'--edge\r\ncontent-disposition: form-data; name="file"; filename="s.json"\r\n'
        b"content-type: application/json\r\n\r\n" + data,
        b"--edge--\r\n",
    ]
    headers = {"content-type": "multipart/form-data; boundary=edge"}
    answer = client.request("POST", "/check", b"\r\n".join(parts), headers)
    assert answer.status == 200, answer.text
    outline(answer.text)
    return answer


@pytest.fixture
def never(world: World) -> bytes:
    number = unissued(world.claimant.client)
    return world.claimant.client.get(f"/v1/statements/{number}?says=not_issued").body


@pytest.mark.parametrize(
    ("language", "said", "note"),
    [("zh", "本账本从未开具号码", "截至该区块"), ("en", "had never issued the number", "ask for a recent one")],
)
def test_a_true_statement_is_explained(public_door: Client, never: bytes, language: str, said: str, note: str) -> None:
    answer = uploaded(public_door, never, language)
    assert said in answer.text
    assert note in answer.text
    assert json.loads(never)["number"] in answer.text


@pytest.mark.parametrize(("language", "said"), [("zh", "该发票未核销"), ("en", "was not settled")])
def test_an_open_invoice_is_said_not_to_be_settled(world: World, public_door: Client, language: str, said: str) -> None:
    number = world.issue()
    data = world.claimant.client.get(f"/v1/statements/{number}?says=not_settled").body
    answer = uploaded(public_door, data, language)
    assert said.removeprefix("该发票") in answer.text
    assert "match" in answer.text


def test_a_number_of_elsewhere_is_said_to_be_one(world: World, public_door: Client) -> None:
    for at in range(50):
        found = world.claimant.client.get(f"/v1/statements/{14403180911000000000 + at}?says=not_issued")
        if found.status == 200:
            break
    assert "It is no number of this ledger" in uploaded(public_door, found.body, "en").text
    assert "该号码不属于本账本" in uploaded(public_door, found.body, "zh").text


@pytest.mark.parametrize(("language", "said"), [("zh", "请勿采信"), ("en", "Do not rely on it")])
def test_a_lie_is_called_one(world: World, public_door: Client, language: str, said: str) -> None:
    number = world.issue()
    data = world.claimant.client.get(f"/v1/statements/{number}?says=not_settled").body
    lie = dumps(json.loads(data) | {"says": "not_issued"})
    answer = uploaded(public_door, lie, language)
    assert said in answer.text
    assert "had never issued" not in answer.text


def test_a_statement_of_another_ledger_is_not_judged(public_door: Client, never: bytes) -> None:
    value = json.loads(never)
    value["chain"]["chain_id"] += 1
    answer = uploaded(public_door, dumps(value), "en")
    assert "Could not check" in answer.text
    assert "tells nothing about the number" in answer.text
