"""JSON-RPC 2.0 around the methods: ids come back, batches keep their order and limits, whatever is sent is answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain import ChainStorageError, RpcError, rpc_envelope
from ledger.chain.limits import RPC_BATCH_MAX
from ledger.chain.rpc_envelope import ID_LENGTH_MAX, answer_request


class Node:
    """Answers `echo` with its parameters, `fail` with an error, `broken` as a store that fails."""

    def answer(self, method: str, params: list[Any], *, deadline: float | None = None) -> Any:
        assert deadline is not None
        if method == "echo":
            return params
        if method == "broken":
            raise ChainStorageError("secret place", Path("/secret"))
        raise RpcError(3, "execution reverted", "0x12")


def answered(value: object) -> Any:
    answer = answer_request(Node(), value)
    return None if answer is None else json.loads(answer)


def request(request_id: object = 1, method: object = "echo", **more: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, **more}


@pytest.mark.parametrize("request_id", [1, 0, -5, 1.5, "a", "", None, "x" * ID_LENGTH_MAX])
def test_an_answer_has_the_id_of_its_request(request_id: object) -> None:
    assert answered(request(request_id, params=[1])) == {"jsonrpc": "2.0", "id": request_id, "result": [1]}


@pytest.mark.parametrize("request_id", [True, [], {}, "x" * (ID_LENGTH_MAX + 1)])
def test_what_is_no_id_is_not_repeated(request_id: object) -> None:
    assert answered(request(request_id))["id"] is None
    assert answered(request(request_id))["error"]["code"] == -32600


@pytest.mark.parametrize(
    "value",
    [None, 7, "echo", [], {}, {"id": 1}, request(method=7), request(method=None), {**request(), "jsonrpc": "1.0"}],
)
def test_what_is_no_request_is_one_error(value: object) -> None:
    assert answered(value)["error"]["code"] == -32600


def test_parameters_are_a_list_or_left_out() -> None:
    assert answered(request())["result"] == []
    assert answered(request(params=None))["result"] == []
    assert answered(request(params={"a": 1}))["error"]["code"] == -32602


def test_an_error_carries_its_data_and_nothing_of_the_machine() -> None:
    assert answered(request(method="fail"))["error"] == {"code": 3, "message": "execution reverted", "data": "0x12"}
    broken = answered(request(method="broken"))["error"]
    assert broken["code"] == -32603
    assert "secret" not in broken["message"]


def test_a_batch_is_answered_in_order_without_its_notifications() -> None:
    silent = {"jsonrpc": "2.0", "method": "echo"}
    found = answered([request(2), silent, 7, request(1, "fail")])
    assert [one["id"] for one in found] == [2, None, 1]
    assert answered([silent, silent]) is None
    assert answered(silent) is None


def test_a_batch_has_a_limit() -> None:
    assert len(answered([request()] * RPC_BATCH_MAX)) == RPC_BATCH_MAX
    assert answered([request()] * (RPC_BATCH_MAX + 1))["error"]["code"] == -32600


def test_an_answer_has_a_limit_that_a_batch_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    long = request(params=["x" * 400])
    monkeypatch.setattr(rpc_envelope, "RPC_ANSWER_SIZE_MAX", 1_200)
    assert len(answered(long)["result"][0]) == 400
    found = answered([long, long, long, request(9)])
    assert ["result" in one for one in found] == [True, True, False, True]
    assert found[2]["error"]["code"] == -32005
    assert answered(request(params=["x" * 1_200]))["error"]["code"] == -32005


keys = st.sampled_from(["jsonrpc", "id", "method", "params", "x"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10)
scalars |= st.sampled_from(["2.0", "echo"])
values = st.recursive(scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(keys, below, max_size=4))


@settings(max_examples=300)
@given(values)
def test_whatever_is_sent_gets_answers_of_the_standard_form(value: Any) -> None:
    found = answered(value)
    for one in found if isinstance(found, list) else [found] if found is not None else []:
        assert one["jsonrpc"] == "2.0"
        assert ("result" in one) != ("error" in one)
        if "error" in one:
            assert isinstance(one["error"]["code"], int)
            assert one["error"]["message"]
