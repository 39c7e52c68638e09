"""The operator's JSON-RPC as a source: real HTTP, and servers that answer whatever they like."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.witness import Home, Kind, RpcSource, SourceError, Told, check_conviction, witness, witness_once
from ledger.witness import sources as sources_module
from tests.witness.chains import Server, Town

COUNT = b'[{"jsonrpc":"2.0","id":0,"result":"0x5"}]'
WAIT_S = 20


def looked(home: Home, server: Server) -> Told:
    return witness_once(home, RpcSource(server.url))


def test_a_chain_over_http_is_followed_in_several_batches(
    town: Town, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.witness.following.HEADERS_AT_ONCE_MAX", 3)
    home = town.home()
    town.grow(6)
    server.serves(town.ledger)
    told = witness_once(home, RpcSource(server.url, "officer-key"))
    assert told.signed is not None
    assert told.signed.checkpoint.block_hash == town.ledger.reader.head().hash
    assert {one["authorization"] for one in server.headers} == {"Bearer officer-key"}
    assert len(server.headers) > 3


def test_rollback_and_second_history_over_http_are_refused(town: Town, server: Server) -> None:
    home, second = town.home(), town.second()
    town.grow(3)
    server.serves(town.ledger)
    assert looked(home, server).signed is not None
    server.serves(second)
    rolled = looked(home, server).refusal
    assert rolled is not None
    assert rolled.kind is Kind.ROLLBACK
    assert not (home.directory / "proofs").exists()
    town.grow(5, second, gross=20_000)
    forked = looked(home, server).refusal
    assert forked is not None
    assert forked.kind is Kind.FORK
    proof = (home.directory / "proofs" / forked.proof).read_bytes()
    assert check_conviction(proof, town.trust).is_joined


def test_a_server_that_falls_silent_about_its_fork_is_convicted_by_what_it_showed(town: Town, server: Server) -> None:
    home, second = town.home(), town.second()
    town.grow(3)
    server.serves(town.ledger)
    looked(home, server)
    town.grow(5, second, gross=20_000)
    server.serves(second)
    honest = server.answer
    asked = []

    def answer(body: bytes) -> tuple[int, bytes]:
        asked.append(body)
        return honest(body) if len(asked) <= 2 else (503, b"")

    server.answer = answer
    forked = looked(home, server).refusal
    assert forked is not None
    assert forked.kind is Kind.FORK
    found = check_conviction((home.directory / "proofs" / forked.proof).read_bytes(), town.trust)
    assert (found.height, found.is_joined) == (town.ledger.reader.head().number, False)


def test_a_block_dated_before_the_last_look_is_recorded(town: Town, server: Server) -> None:
    home, now = town.home(), town.ledger.now()
    server.serves(town.ledger)
    witness_once(home, RpcSource(server.url), clock=lambda: now + 500)
    town.grow(1)
    witness_once(home, RpcSource(server.url), clock=lambda: now + 505)
    skew = home.state().skew
    assert skew.behind_max_s >= 450
    assert (skew.behind_block, skew.last_s, skew.over_limit) == (
        town.ledger.reader.head().number, -skew.behind_max_s, 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b"null",
        b"[]",
        b"[1]",
        b"1e400",
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"no\\u001b[31m"}}',
        b'[{"id":0,"error":{"code":1,"message":"broken"}}]',
        b'[{"id":0,"error":7}]',
        b'[{"id":"0","result":"0x1"}]',
        b'[{"id":true,"result":"0x1"}]',
        b'[{"id":9,"result":"0x1"}]',
        b'[{"id":0,"result":5}]',
        b'[{"id":0,"result":null}]',
        b'[{"id":0,"result":"0x"}]',
        b'[{"id":0,"result":"0x05"}]',
        b'[{"id":0,"result":"0x1_0"}]',
        b'[{"id":0,"result":"0xffffffffffffffff"}]',
        b'[{"id":0,"result":"0x' + b"f" * 5_000 + b'"}]',
        b'[{"id":0,"result":' + b"9" * 5_000 + b"}]",
        b" " * (4 * 1024 * 1024 + 1),
    ],
)
def test_an_answer_that_is_none_is_a_source_error(town: Town, server: Server, data: bytes) -> None:
    home = town.home()
    server.says(data)
    with pytest.raises(SourceError) as caught:
        looked(home, server)
    assert str(caught.value).isprintable()
    assert home.state().height == 0


@pytest.mark.parametrize(("status", "match"), [(401, "officer"), (403, "officer"), (302, "302"), (500, "500")])
def test_other_statuses_are_no_answers(town: Town, server: Server, status: int, match: str) -> None:
    server.says(COUNT, status)
    with pytest.raises(SourceError, match=match):
        RpcSource(server.url).height()


FIELDS = ("hash", "parentHash", "miner", "stateRoot", "logsBloom", "difficulty", "number", "timestamp", "extraData")


def test_any_block_field_of_any_type_is_a_clear_end(town: Town, server: Server) -> None:
    home = town.home()
    server.serves(town.ledger)
    honest = server.answer
    odd = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.integers(), max_size=2),
                    st.sampled_from(["0x", "0x0", "0xzz", "0x" + "00" * 32, "0x" + "00" * 5_000, "0x1"]))  # fmt: skip

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(name=st.sampled_from(FIELDS), value=odd)
    def bent(name: str, value: Any) -> None:
        def answer(body: bytes) -> tuple[int, bytes]:
            status, data = honest(body)
            answers = json.loads(data)
            if isinstance(answers[0]["result"], dict):
                answers[-1]["result"][name] = value
            return status, json.dumps(answers).encode()

        server.answer = answer
        with pytest.raises(SourceError):
            looked(home, server)

    bent()
    assert not (home.directory / "checkpoint").exists()
    server.answer = honest
    assert looked(home, server).signed is not None


def test_a_missing_block_is_a_source_error(town: Town, server: Server) -> None:
    server.answer = lambda body: (200, COUNT if b"eth_blockNumber" in body else _nulls(body))
    with pytest.raises(SourceError, match="block 1 is not there"):
        looked(town.home(), server)


def _nulls(body: bytes) -> bytes:
    return json.dumps([{"jsonrpc": "2.0", "id": one["id"], "result": None} for one in json.loads(body)]).encode()


def test_a_server_that_drips_is_cut(server: Server) -> None:
    release = threading.Event()

    def hang(_body: bytes) -> tuple[int, bytes]:
        release.wait(WAIT_S)
        return 200, COUNT

    server.answer = hang
    try:
        with pytest.raises(SourceError, match="does not answer"):
            RpcSource(server.url, answer_limit_s=0.2).height()
    finally:
        release.set()


@pytest.mark.parametrize(
    ("url", "key", "match"),
    [
        ("ftp://127.0.0.1/rpc", None, "no address"),
        ("127.0.0.1:8000", None, "no address"),
        ("http://[::1/rpc", None, "no address"),
        ("http://127.0.0.1:99999/rpc", None, "no address"),
        ("http://user:word@127.0.0.1/rpc", None, "no address"),
        ("http://invoices.example/rpc", "key", "in the clear"),
        ("https://invoices.example/rpc", "two\nlines", "printable"),
        ("https://invoices.example/rpc", "", "printable"),
    ],
)
def test_a_wrong_address_or_key_is_refused(url: str, key: str | None, match: str) -> None:
    with pytest.raises(SourceError, match=match):
        RpcSource(url, key)


def test_nobody_there_is_waited_for_and_followed_again(
    town: Town, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.witness.running.BACKOFF_FIRST_S", 0.01)
    home, stop = town.home(), threading.Event()
    server.says(b"", 503)
    seen: list[Told] = []

    def tell(told: Told) -> None:
        seen.append(told)
        if len(seen) == 3:
            server.serves(town.ledger)
        if told.signed is not None:
            stop.set()

    assert witness(home, RpcSource(server.url), tell, stop, interval_s=0.01) is None
    assert [told.outage is not None for told in seen] == [True, True, True, False]
    assert seen[-1].signed is not None


def test_a_refusal_ends_the_loop(town: Town, server: Server) -> None:
    home = town.home()
    second = town.second()
    town.grow(2)
    server.serves(town.ledger)
    looked(home, server)
    server.serves(second)
    seen: list[Told] = []
    refusal = witness(home, RpcSource(server.url), seen.append, threading.Event(), interval_s=0.01)
    assert refusal is not None
    assert refusal.kind is Kind.ROLLBACK
    assert [told.refusal for told in seen] == [refusal]


def test_the_limits_fit_what_the_operator_answers() -> None:
    from ledger.chain.limits import RPC_BATCH_MAX

    assert sources_module.HEADERS_AT_ONCE_MAX <= RPC_BATCH_MAX
