"""JSON-RPC methods: parameters are read strictly, questions are bounded, and past blocks are answered as they were."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.chain import RpcError, rpc_logs
from ledger.chain.limits import CALL_GAS, LOG_BLOCKS_MAX, PROOF_KEYS_MAX
from ledger.chain.records import Log
from ledger.chain.rpc_codec import parse_data, parse_number, quantity
from ledger.chain.rpc_logs import LogFilter
from ledger.chain.rpc_params import parse_slot
from tests.chain.rpc_world import LOOPS_FOR_EVER, NOBODY, REVERTS_WITH_ITS_CALLDATA, ask, deployed, refused
from tests.chain.world import Ledger
from verifier.hashing import keccak256
from verifier.words import NUMBER_SPACE_FIRST, Table, storage_key

INVALID_PARAMS, NO_BLOCK, REJECTED, LIMIT_EXCEEDED, REVERTED = -32602, -32001, -32000, -32005, 3
UNKNOWN = "0x" + "11" * 32


def words_call(key: int) -> str:
    return "0x" + (keccak256(b"words(uint256)")[:4] + key.to_bytes(32, "big")).hex()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_getBlockByNumber", []),
        ("eth_getBlockByNumber", ["0x1"]),
        ("eth_getBlockByNumber", [None, False]),
        ("eth_getBlockByNumber", ["0x1", "true"]),
        ("eth_getBlockByNumber", ["0x1", False, 1]),
        ("eth_getBlockByNumber", ["0x01", False]),
        ("eth_getBlockByNumber", ["1", False]),
        ("eth_getBlockByNumber", ["0x", False]),
        ("eth_getBlockByNumber", ["0x1_0", False]),
        ("eth_getBlockByNumber", ["0x 1", False]),
        ("eth_getBlockByNumber", ["0x" + "f" * 17, False]),
        ("eth_getBlockByNumber", [1, False]),
        ("eth_getBlockByNumber", [UNKNOWN, False]),
        ("eth_getBlockByNumber", [{}, False]),
        ("eth_getBlockByHash", ["0x12", False]),
        ("eth_getBlockByHash", ["latest", False]),
        ("eth_getBlockReceipts", [{"blockHash": UNKNOWN, "blockNumber": "0x1"}]),
        ("eth_getBlockReceipts", [{}]),
        ("eth_getBlockReceipts", [{"blockHash": UNKNOWN, "requireCanonical": "yes"}]),
        ("eth_getTransactionByHash", ["0x" + "11" * 31]),
        ("eth_getTransactionReceipt", ["0x" + "g" * 64]),
        ("eth_getBalance", [NOBODY[:-1], "latest"]),
        ("eth_getBalance", ["latest"]),
        ("eth_getCode", [NOBODY, "newest"]),
        ("eth_getStorageAt", [NOBODY]),
        ("eth_getStorageAt", [NOBODY, "0"]),
        ("eth_getStorageAt", [NOBODY, "0x"]),
        ("eth_getStorageAt", [NOBODY, 0]),
        ("eth_getProof", [NOBODY, "0x0"]),
        ("eth_getProof", [NOBODY, [0]]),
        ("eth_getProof", [NOBODY, ["0x" + "0" * 65]]),
        ("eth_getLogs", []),
        ("eth_getLogs", [[]]),
        ("eth_getLogs", [{"topics": "0x"}]),
        ("eth_getLogs", [{"topics": [UNKNOWN] * 5}]),
        ("eth_getLogs", [{"topics": ["0x12"]}]),
        ("eth_getLogs", [{"address": "0x12"}]),
        ("eth_getLogs", [{"address": {}}]),
        ("eth_getLogs", [{"fromBlock": 0}]),
        ("eth_getLogs", [{"fromBlock": "0x2", "toBlock": "0x1"}]),
        ("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "0xffff"}]),
        ("eth_call", []),
        ("eth_call", ["0x"]),
        ("eth_call", [{}]),
        ("eth_call", [{"data": "0x00"}]),
        ("eth_call", [{"to": NOBODY, "data": "0x0"}]),
        ("eth_call", [{"to": NOBODY, "data": "0x00", "input": "0x01"}]),
        ("eth_call", [{"to": NOBODY, "gas": 7}]),
        ("eth_call", [{"to": NOBODY, "value": "0x" + "f" * 65}]),
        ("eth_call", [{"to": NOBODY}, "latest", {}]),
        ("eth_chainId", ["0x1"]),
    ],
)
def test_a_wrong_parameter_is_an_error_of_its_own(ledger: Ledger, method: str, params: list[Any]) -> None:
    assert refused(ledger, method, *params).code == INVALID_PARAMS


def test_state_of_a_block_that_is_not_there_is_an_error_and_not_a_guess(ledger: Ledger) -> None:
    for block in ("0xffff", UNKNOWN, {"blockHash": UNKNOWN}, {"blockNumber": "0xffff"}):
        assert refused(ledger, "eth_getBalance", NOBODY, block).code == NO_BLOCK
        assert refused(ledger, "eth_call", {"to": NOBODY}, block).code == NO_BLOCK
    assert refused(ledger, "eth_getLogs", {"blockHash": UNKNOWN}).code == REJECTED


def test_a_trie_node_is_no_block(ledger: Ledger) -> None:
    block = ask(ledger, "eth_getBlockByNumber", "latest", False)
    assert ask(ledger, "eth_getBlockByHash", block["stateRoot"], False) is None
    assert ask(ledger, "eth_getBlockByHash", block["hash"], False) == block


def test_past_blocks_are_answered_as_they_were(issuing: Ledger) -> None:
    before = issuing.reader.head()
    issuing.commit(issuing.issued(1))
    contract = "0x" + issuing.identity.contract.hex()
    key = storage_key(Table.STATE, NUMBER_SPACE_FIRST + 1)
    call = {"to": contract, "input": words_call(key)}
    assert int(ask(issuing, "eth_call", call), 16) == issuing.reader.words([key])[0] != 0
    for block in (hex(before.number), {"blockHash": "0x" + before.hash.hex()}, {"blockNumber": hex(before.number)}):
        assert int(ask(issuing, "eth_call", call, block), 16) == 0
    sealer = "0x" + issuing.identity.sealers[0].hex()
    assert ask(issuing, "eth_getTransactionCount", sealer, "0x0") == "0x0"
    assert int(ask(issuing, "eth_getTransactionCount", sealer), 16) == issuing.reader.head().number


def test_a_call_that_reverts_says_what_it_gave(ledger: Ledger) -> None:
    reverting = deployed(ledger, REVERTS_WITH_ITS_CALLDATA)
    for data in ("0x", "0x08c379a0" + "00" * 64):
        error = refused(ledger, "eth_call", {"to": reverting, "data": data})
        assert (error.code, error.data) == (REVERTED, data)
    assert ask(ledger, "eth_call", {"to": NOBODY, "data": "0x08c379a0"}) == "0x"


def test_a_call_ends_at_its_gas_and_at_its_time(ledger: Ledger) -> None:
    looping = deployed(ledger, LOOPS_FOR_EVER)
    error = refused(ledger, "eth_call", {"to": looping, "gas": "0x5208"})
    assert (error.code, str(error)) == (REJECTED, "out of gas")
    rpc = ledger.writer._web3.provider._rpc  # type: ignore[attr-defined]
    with pytest.raises(RpcError) as late:
        rpc.answer("eth_call", [{"to": looping, "gas": quantity(CALL_GAS * 1000)}], deadline=time.monotonic() + 0.2)
    assert late.value.code == LIMIT_EXCEEDED


def test_a_reading_request_ends_at_its_time(issuing: Ledger) -> None:
    rpc = issuing.writer._web3.provider._rpc  # type: ignore[attr-defined]
    for method, params in (("eth_getLogs", [{"fromBlock": "0x0"}]), ("eth_getBlockByNumber", ["latest", True]),
                           ("eth_getProof", [NOBODY, ["0x0"]])):  # fmt: skip
        assert rpc.answer(method, params, deadline=time.monotonic() + 60)
        with pytest.raises(RpcError) as late:
            rpc.answer(method, params, deadline=time.monotonic() - 1)
        assert late.value.code == LIMIT_EXCEEDED


def test_a_call_changes_nothing(issuing: Ledger) -> None:
    before = issuing.reader.head()
    contract = "0x" + issuing.identity.contract.hex()
    raw = ask(
        issuing, "eth_getTransactionByHash", ask(issuing, "eth_getBlockByNumber", "latest", False)["transactions"][0]
    )
    assert ask(issuing, "eth_call", {"to": contract, "from": raw["from"], "data": raw["input"]}) == "0x"
    assert issuing.reader.head() == before


def test_filters_take_what_they_name(issuing: Ledger) -> None:
    issuing.commit(issuing.issued(1, 2, 3))
    contract = "0x" + issuing.identity.contract.hex()
    everything = ask(issuing, "eth_getLogs", {"fromBlock": "earliest", "toBlock": "latest"})
    assert everything == ask(issuing, "eth_getLogs", {"fromBlock": "0x0", "address": [NOBODY, contract]})
    assert ask(issuing, "eth_getLogs", {"fromBlock": "0x0", "address": NOBODY}) == []
    numbers = [f"0x{NUMBER_SPACE_FIRST + at:064x}" for at in (1, 2, 3)]
    two = ask(issuing, "eth_getLogs", {"fromBlock": "0x0", "topics": [None, [numbers[0], numbers[2]]]})
    assert [log["topics"][1] for log in two] == [numbers[0], numbers[2]]
    last = ask(issuing, "eth_getLogs", {})
    assert last == [log for log in everything if log["blockNumber"] == quantity(issuing.reader.head().number)]
    assert len(last) == 3


def test_a_filter_too_wide_is_refused(issuing: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    assert issuing.reader.head().number < LOG_BLOCKS_MAX
    assert refused(issuing, "eth_getLogs", {"address": [NOBODY] * 101}).code == LIMIT_EXCEEDED
    assert refused(issuing, "eth_getLogs", {"topics": [[UNKNOWN] * 101]}).code == LIMIT_EXCEEDED
    assert refused(issuing, "eth_getProof", NOBODY, ["0x0"] * (PROOF_KEYS_MAX + 1)).code == LIMIT_EXCEEDED
    monkeypatch.setattr(rpc_logs, "LOG_BLOCKS_MAX", 2)
    assert refused(issuing, "eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x2"}).code == LIMIT_EXCEEDED
    assert ask(issuing, "eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x2"})
    monkeypatch.setattr(rpc_logs, "LOGS_MAX", 0)
    assert refused(issuing, "eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x2"}).code == LIMIT_EXCEEDED


def test_blooms_hide_no_log(issuing: Ledger) -> None:
    head, _ = issuing.commit(issuing.issued(1, 2, 3))
    bloom = bytes.fromhex(ask(issuing, "eth_getBlockByNumber", quantity(head.number), False)["logsBloom"][2:])
    for log in ask(issuing, "eth_getLogs", {}):
        topics = tuple(bytes.fromhex(topic[2:]) for topic in log["topics"])
        for wanted in (LogFilter(frozenset({issuing.identity.contract}), ()),
                       LogFilter(frozenset(), tuple(frozenset({topic}) for topic in topics))):  # fmt: skip
            assert wanted.may_be_in(bloom)
            assert wanted.takes(Log(issuing.identity.contract, topics, b""))
    assert not LogFilter(frozenset({b"\x11" * 20}), ()).may_be_in(bloom)


@given(st.integers(0, 2**256 - 1))
def test_numbers_are_read_as_they_are_written(value: int) -> None:
    assert parse_number(quantity(value)) == value
    assert parse_slot(quantity(value)) == value.to_bytes(32, "big")


@given(st.binary(max_size=100))
def test_bytes_are_read_as_they_are_written(value: bytes) -> None:
    assert parse_data("0x" + value.hex()) == value


@settings(max_examples=300)
@given(st.text(max_size=70) | st.from_regex(r"0x[0-9a-fA-F_ ]{0,70}", fullmatch=True) | st.integers() | st.none())
def test_any_other_text_is_refused_and_never_more(text: Any) -> None:
    for parse in (parse_number, parse_data, parse_slot):
        if not is_hex(text):
            with pytest.raises(RpcError) as caught:
                parse(text)
            assert caught.value.code == INVALID_PARAMS
            assert len(str(caught.value)) < 250


def is_hex(text: Any) -> bool:
    digits = text.removeprefix("0x") if isinstance(text, str) else "x"
    return isinstance(text, str) and text.startswith("0x") and set(digits) <= set("0123456789abcdefABCDEF")


texts = st.sampled_from(["latest", "earliest", "0x0", "0x1", "0x01", "0x", "0xffffffffffffffffff", NOBODY, UNKNOWN, ""])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | texts
names = st.sampled_from(["blockHash", "blockNumber", "fromBlock", "toBlock", "address", "topics", "to", "from", "data",
                         "input", "gas", "value", "requireCanonical"])  # fmt: skip
anything = st.recursive(
    scalars, lambda below: st.lists(below, max_size=4) | st.dictionaries(names, below, max_size=4), max_leaves=6
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_the_parameters_the_answer_is_a_result_or_an_error_of_the_standard(ledger: Ledger, data: Any) -> None:
    rpc = ledger.writer._web3.provider._rpc  # type: ignore[attr-defined]
    method = data.draw(st.sampled_from(sorted(rpc.methods)))
    try:
        json.dumps(rpc.answer(method, data.draw(st.lists(anything, max_size=4))))
    except RpcError as err:
        code = err.code
        assert code in (INVALID_PARAMS, NO_BLOCK, REJECTED, LIMIT_EXCEEDED, REVERTED)
