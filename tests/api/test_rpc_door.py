"""`POST /rpc`: who is let in, what is a problem of HTTP, and what is an error of JSON-RPC."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal

from api.app import create_app
from api.pools import CHAIN_THREADS_MAX
from ledger.chain import open_rpc
from ledger.chain.limits import (
    CALL_GAS,
    LOG_BLOCKS_MAX,
    LOGS_MAX,
    PROOF_KEYS_MAX,
    RPC_ANSWER_SIZE_MAX,
    RPC_BATCH_MAX,
    RPC_TIME_MAX_MS,
)
from ledger.chain.rpc_logs import ADDRESSES_MAX, TOPIC_CHOICES_MAX
from ledger.service import Ledger, NotReady
from ledger.service.chain_door import ChainDoor
from ledger.settings import Settings
from tests.api.conftest import Answer, Client, Installation
from tests.api.test_life_of_an_invoice import key, tax_id
from tests.api.test_problem_shapes import assert_problem
from tests.api.test_server_process import serving
from verifier.words import AUTHORITY_PARTY

BLOCK_NUMBER = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}


def asked(client: Client, method: str, *params: Any) -> Any:
    answer = client.post("/rpc", {"jsonrpc": "2.0", "id": "a", "method": method, "params": params}, key=None)
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert (body["jsonrpc"], body["id"]) == ("2.0", "a")
    return body["result"] if "result" in body else body["error"]["code"]


def sent(client: Client, body: bytes, media_type: str = "application/json", address: str = "/rpc") -> Answer:
    return client.request("POST", address, body, {"content-type": media_type})


@pytest.fixture(scope="module")
def authority(public_door: Client, installation: Installation) -> Client:
    return public_door.acting(installation.ledger.new_api_key(AUTHORITY_PARTY, "tests"))


@pytest.fixture(scope="module")
def enterprise(public_door: Client, officer: Client) -> Client:
    enrolled = officer.post(
        "/v1/parties", {"kind": "enterprise", "name": "旁观公司", "tax_id": tax_id(), "quota_fen": 0}, key=key()
    )
    assert enrolled.status == 201, enrolled.text
    return public_door.acting(enrolled.json()["api_key"])


@pytest.fixture(scope="module")
def open_door(portal: BlockingPortal, installation: Installation) -> Iterator[Client]:
    """The same ledger, opened to all."""
    settings = installation.settings.model_copy(update={"rpc_open": True})
    with Ledger.open(settings) as ledger:
        app = create_app(ledger, settings)
        with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
            yield Client(portal, app)


def test_officers_and_the_authority_read_the_chain(
    officer: Client, authority: Client, installation: Installation
) -> None:
    head = installation.ledger.context.reader.head()
    for client in (officer, authority):
        assert asked(client, "eth_getBlockByHash", "0x" + head.hash.hex(), False)["number"] == hex(head.number)
        assert asked(client, "eth_chainId") == hex(installation.ledger.context.reader.identity.chain_id)


def test_everybody_else_is_refused_with_a_problem(public_door: Client, enterprise: Client) -> None:
    assert_problem(public_door.post("/rpc", BLOCK_NUMBER, key=None), "not-authenticated")
    unknown = public_door.acting(f"einv_{'a1' * 8}_{'b2' * 32}")
    assert_problem(unknown.post("/rpc", BLOCK_NUMBER, key=None), "not-authenticated")
    assert_problem(enterprise.post("/rpc", BLOCK_NUMBER, key=None), "not-permitted")


def test_a_wrong_credential_is_refused_before_the_body_is_looked_at(public_door: Client, enterprise: Client) -> None:
    assert_problem(sent(public_door, b"{"), "not-authenticated")
    assert_problem(sent(enterprise, b"{", "text/plain"), "not-permitted")


def test_a_setting_opens_the_door_to_everybody(open_door: Client, public_door: Client) -> None:
    assert int(asked(open_door, "eth_blockNumber"), 16) > 0
    assert public_door.post("/rpc", BLOCK_NUMBER, key=None).status == 401


def test_the_body_s_own_errors_are_json_rpc(officer: Client) -> None:
    for body, code in (
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b'{"a":1,"a":2}', -32700),
        (b"[" * 60_000, -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"eth_blockNumber"}', -32600),
        (json.dumps([BLOCK_NUMBER] * 101).encode(), -32600),
    ):
        answer = sent(officer, body)
        assert answer.status == 200
        assert answer.json()["error"]["code"] == code, body[:40]


def test_a_batch_is_answered_in_order_and_notifications_with_nothing(officer: Client) -> None:
    notification = {"jsonrpc": "2.0", "method": "eth_blockNumber"}
    wrong = {**BLOCK_NUMBER, "id": 2, "method": "eth_sign"}
    answers = officer.post("/rpc", [BLOCK_NUMBER, notification, wrong], key=None).json()
    assert [one["id"] for one in answers] == [1, 2]
    assert answers[1]["error"]["code"] == -32601
    silent = officer.post("/rpc", notification, key=None)
    assert (silent.status, silent.body) == (204, b"")


@pytest.mark.parametrize("method", ["eth_sendRawTransaction", "eth_sendTransaction", "eth_sign", "personal_sign",
                                    "miner_start", "admin_addPeer", "debug_setHead"])  # fmt: skip
def test_nothing_can_be_written(officer: Client, method: str) -> None:
    assert asked(officer, method, "0x00") == -32601


def test_what_concerns_the_request_is_a_problem(officer: Client, installation: Installation) -> None:
    body = json.dumps(BLOCK_NUMBER).encode()
    assert_problem(sent(officer, body, "text/plain"), "unsupported-media-type")
    assert_problem(sent(officer, body, address="/rpc?x=1"), "invalid-parameter")
    assert_problem(sent(officer, b" " * (installation.settings.body_size_max + 1)), "body-too-large")
    assert_problem(officer.get("/rpc"), "method-not-allowed")


@pytest.mark.slow
def test_an_open_door_is_warned_of_at_start(installation: Installation) -> None:
    with serving(installation.settings.data_dir, EINVOICE_RPC_OPEN="true") as (address, process):
        answered = httpx.post(f"{address}/rpc", json=BLOCK_NUMBER)
        assert int(answered.json()["result"], 16) > 0
        process.terminate()
        assert "EINVOICE_RPC_OPEN" in process.stderr.read()


def test_the_door_is_closed_unless_opened() -> None:
    assert Settings().rpc_open is False


def test_a_network_s_chain_is_asked_elsewhere() -> None:
    door = ChainDoor(Settings(chain_url="http://127.0.0.1:1", rpc_open=True))
    with pytest.raises(NotReady, match="a network"):
        door.answer(BLOCK_NUMBER)
    door.close()


def test_methods_and_limits_are_documented_as_they_are(installation: Installation) -> None:
    text = (Path(__file__).parents[2] / "docs" / "API.md").read_text()
    chapter = text.split("## The chain as JSON-RPC")[1].split("\n## ")[0]
    rpc = open_rpc(installation.settings.chain_dir)
    assert set(re.findall(r"`((?:eth|net|web3|debug)_\w+)`", chapter)) == rpc.methods
    rpc.close()
    for row in (f"requests in a batch | {RPC_BATCH_MAX}", f"request or batch | {RPC_TIME_MAX_MS:,} ms",
                f"bytes of one answer | {RPC_ANSWER_SIZE_MAX:,}", f"in its answer | {LOG_BLOCKS_MAX:,}; {LOGS_MAX:,}",
                f"in a filter | {ADDRESSES_MAX}", f"`eth_getProof` | {PROOF_KEYS_MAX:,}",
                f"`eth_call` | {CALL_GAS:,}", f"by one process | {CHAIN_THREADS_MAX};"):  # fmt: skip
        assert row in chapter, row
    assert ADDRESSES_MAX == TOPIC_CHOICES_MAX
