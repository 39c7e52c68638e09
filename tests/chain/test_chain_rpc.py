"""The node's JSON-RPC, and the same chain through a remote URL: same reader, same writer, same answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from web3 import Web3
from web3.exceptions import Web3RPCError

from ledger.chain import (
    BatchRefusedError,
    BlockUnknownError,
    RemoteChainError,
    RpcError,
    limits,
    open_reader,
    open_rpc,
    open_writer,
    remote,
)
from ledger.chain.limits import PROOF_KEYS_MAX
from ledger.chain.records import Header
from ledger.domain.blocks import Outcome
from tests.chain.world import SEALER_KEY, SELLER, Actor, Ledger
from verifier.hashing import keccak256
from verifier.words import NUMBER_SPACE_FIRST, Table, storage_key, storage_slot


class Node:
    """The embedded node's JSON-RPC behind HTTP, writing included, as a network's node would be."""

    def __init__(self, ledger: Ledger) -> None:
        self.rpc = ledger.writer._web3.provider._rpc  # type: ignore[attr-defined]
        self.spoil: Callable[[bytes], bytes] = lambda answer: answer
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answers = [node.answered(each) for each in (body if isinstance(body, list) else [body])]
                content = node.spoil(json.dumps(answers if isinstance(body, list) else answers[0]).encode())
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def answered(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            result = {"result": self.rpc.answer(request["method"], request["params"])}
        except RpcError as err:
            result = {"error": {"code": err.code, "message": str(err)}}
        return {"jsonrpc": "2.0", "id": request["id"], **result}

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def node(issuing: Ledger) -> Iterator[Node]:
    serving = Node(issuing)
    yield serving
    serving.close()


def ask(ledger: Ledger, method: str, *params: Any) -> Any:
    return ledger.writer._web3.provider._rpc.answer(method, list(params))  # type: ignore[attr-defined]


def test_a_remote_reader_answers_as_the_local_one(issuing: Ledger, node: Node) -> None:
    issuing.commit(
        issuing.signed(
            issuing.seller, SELLER, issuing.issue(1, buyer=keccak256(b"enterprise:buyer")), issuing.issue(2)
        ),
        issuing.signed(Actor("intruder"), SELLER, issuing.issue(3)),
    )
    reader = open_reader(node.url)
    assert reader.identity == issuing.identity
    assert reader.head() == issuing.reader.head()
    for number in range(reader.head().number + 1):
        assert reader.block(number) == issuing.reader.block(number)
        assert reader.header_rlp(number) == issuing.reader.header_rlp(number)
    keys = [storage_key(Table.STATE, NUMBER_SPACE_FIRST + 1), 99, storage_key(Table.PARTY, SELLER)]
    assert reader.words(keys) == issuing.reader.words(keys)
    assert reader.proof(keys) == issuing.reader.proof(keys)
    with pytest.raises(BlockUnknownError):
        reader.block(10_000)


def test_a_remote_writer_puts_batches_as_the_local_one(issuing: Ledger, node: Node) -> None:
    with open_writer(node.url, sealer_key=SEALER_KEY, now=issuing.now) as writer:
        assert writer.identity == issuing.identity
        head = writer.commit([issuing.issued(1, 2)])
        assert head == issuing.reader.head() == writer.head()
        assert issuing.reader.block(head.number).groups[0].outcome == Outcome.APPLIED
        node.spoil = lambda answer: answer.replace(b'"status": "0x1"', b'"status": "0x0"')
        with pytest.raises(BatchRefusedError, match="reverted"):
            writer.commit([issuing.issued(3)])


def test_a_node_that_is_down_is_the_layers_error(issuing: Ledger, node: Node) -> None:
    reader = open_reader(node.url)
    writer = open_writer(node.url, sealer_key=SEALER_KEY, now=issuing.now)
    node.close()
    with pytest.raises(RemoteChainError):
        reader.head()
    with pytest.raises(RemoteChainError):
        writer.commit([issuing.issued(1)])
    with pytest.raises(RemoteChainError):
        open_reader(node.url)
    node.server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    node.thread = threading.Thread(target=node.server.serve_forever, kwargs={"poll_interval": 0.02})
    node.thread.start()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: b"<html>gateway</html>",
        lambda answer: b'{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"no batches"}}',
        lambda answer: answer.replace(b'"timestamp": "0x', b'"timestamp": "0x1'),
        lambda answer: answer.replace(b'"id": 0', b'"id": 7'),
        lambda answer: answer.replace(b'"result"', b'"error"'),
        lambda answer: answer + b" " * 5_000,
    ],
    ids=["not JSON", "no batches", "header of another hash", "answer to another", "error", "too long"],
)
def test_a_node_that_lies_or_fails_is_the_layers_error(
    issuing: Ledger, node: Node, spoil: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = open_reader(node.url)
    assert reader.head() == issuing.reader.head()
    node.spoil = spoil
    monkeypatch.setattr(remote, "REMOTE_ANSWER_SIZE_MAX", 5_000)
    with pytest.raises(RemoteChainError):
        reader.head()


def test_web3_reads_blocks_receipts_logs_and_state_in_the_standard_encoding(issuing: Ledger) -> None:
    head, groups = issuing.commit(issuing.issued(1, 2, 3))
    web3: Web3 = issuing.writer._web3
    block = web3.eth.get_block(head.number, full_transactions=True)
    assert bytes(block["hash"]) == head.hash
    (transaction,) = block["transactions"]
    assert transaction == web3.eth.get_transaction(transaction["hash"])  # type: ignore[index]
    receipt = web3.eth.get_transaction_receipt(transaction["hash"])  # type: ignore[index]
    assert receipt["status"] == 1
    assert receipt["from"] == Web3.to_checksum_address(issuing.identity.sealers[0])
    logs = web3.eth.get_logs({"address": Web3.to_checksum_address(issuing.identity.contract), "fromBlock": head.number})
    assert [dict(log) for log in logs] == [dict(log) for log in receipt["logs"]]
    assert [log["logIndex"] for log in logs] == [0, 1, 2]
    assert [int.from_bytes(log["topics"][1], "big") for log in logs] == [event.number for event in groups[0].events]  # type: ignore[union-attr]
    key = storage_key(Table.STATE, NUMBER_SPACE_FIRST + 1)
    contract = Web3.to_checksum_address(issuing.identity.contract)
    assert int.from_bytes(web3.eth.get_storage_at(contract, int.from_bytes(storage_slot(key), "big")), "big") != 0
    assert keccak256(bytes(web3.eth.get_code(contract))) == issuing.identity.code_hash
    called = web3.eth.call({"to": contract, "data": words_call(key)})
    assert [int.from_bytes(called, "big")] == issuing.reader.words([key])
    assert web3.eth.chain_id == issuing.identity.chain_id
    assert web3.eth.gas_price == 0


def words_call(key: int) -> bytes:
    return keccak256(b"words(uint256)")[:4] + key.to_bytes(32, "big")


def test_logs_are_found_by_topic_and_within_limits_only(issuing: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    issuing.commit(issuing.issued(1, 2, 3))
    topics = [None, f"0x{NUMBER_SPACE_FIRST + 2:064x}"]
    (found,) = ask(issuing, "eth_getLogs", {"fromBlock": "0x0", "topics": topics})
    assert int(found["topics"][1], 16) == NUMBER_SPACE_FIRST + 2
    assert not ask(issuing, "eth_getLogs", {"fromBlock": "0x0", "topics": ["0x" + "0" * 64]})
    monkeypatch.setattr("ledger.chain.rpc_logs.LOG_BLOCKS_MAX", 3)
    with pytest.raises(RpcError) as wide:
        ask(issuing, "eth_getLogs", {"fromBlock": "0x0"})
    assert wide.value.code == -32005
    monkeypatch.setattr("ledger.chain.rpc_logs.LOG_BLOCKS_MAX", limits.LOG_BLOCKS_MAX)
    monkeypatch.setattr("ledger.chain.rpc_logs.LOGS_MAX", 2)
    with pytest.raises(RpcError):
        ask(issuing, "eth_getLogs", {"fromBlock": "0x0"})


def test_unknown_things_are_null_and_bad_parameters_errors(issuing: Ledger) -> None:
    assert ask(issuing, "eth_getBlockByNumber", "0xffff", False) is None
    assert ask(issuing, "eth_getBlockByHash", "0x" + "11" * 32, False) is None
    assert ask(issuing, "eth_getTransactionReceipt", "0x" + "11" * 32) is None
    assert ask(issuing, "eth_getBlockByNumber", "earliest", False)["hash"] == "0x" + issuing.identity.genesis_hash.hex()
    for method, params, code in (
        ("eth_sign", [], -32601),
        ("eth_getBalance", ["0x12"], -32602),
        ("eth_getBlockByNumber", [], -32602),
        ("eth_getBlockByNumber", ["zz", False], -32602),
        ("eth_getStorageAt", ["0x" + "1" * 40, "0x0", "0xffff"], -32001),
        ("eth_getLogs", [{"topics": "0x"}], -32602),
        ("eth_call", [{"to": "0x" + "1" * 39 + "z"}], -32602),
        ("eth_getProof", ["0x" + "1" * 40, ["0x0"] * (PROOF_KEYS_MAX + 1)], -32005),
    ):
        with pytest.raises(RpcError) as refused:
            ask(issuing, method, *params)
        assert refused.value.code == code, method


def test_a_wrong_nonce_or_a_foreign_signature_makes_no_block(issuing: Ledger) -> None:
    before = issuing.reader.head()
    web3 = issuing.writer._web3
    transaction = {**issuing.writer._transaction(b""), "nonce": 0}
    with pytest.raises(Web3RPCError, match="nonce"):
        web3.eth.send_raw_transaction(issuing.writer._account.sign_transaction(transaction).raw_transaction)
    for raw in (b"\x02\xc0", b"\x09", b"\xc0"):
        with pytest.raises(Web3RPCError, match="cannot be read"):
            web3.eth.send_raw_transaction(raw)
    right = issuing.writer._transaction(b"")
    for wrong in ({"maxPriorityFeePerGas": 1, "maxFeePerGas": 1}, {"gas": limits.BLOCK_GAS_LIMIT // 2}):
        signed = issuing.writer._account.sign_transaction({**right, **wrong})
        with pytest.raises(Web3RPCError, match="must"):
            web3.eth.send_raw_transaction(signed.raw_transaction)
    assert issuing.reader.head() == before


def test_headers_survive_the_standard_encoding(issuing: Ledger) -> None:
    for number in range(issuing.reader.head().number + 1):
        block = ask(issuing, "eth_getBlockByNumber", hex(number), False)
        header = Header.decode(issuing.reader.header_rlp(number))
        assert remote._header(block) == header
        with pytest.raises(RemoteChainError):
            remote._header({**block, "gasUsed": "0x77"})


def test_any_process_may_answer_reading_methods_and_none_writes(issuing: Ledger) -> None:
    rpc = open_rpc(issuing.directory)
    assert rpc.answer("eth_blockNumber", []) == hex(issuing.reader.head().number)
    contract = "0x" + issuing.identity.contract.hex()
    called = rpc.answer(
        "eth_call", [{"to": contract, "data": "0x" + words_call(storage_key(Table.PARTY, SELLER)).hex()}]
    )
    assert [int(called, 16)] == issuing.reader.words([storage_key(Table.PARTY, SELLER)])
    with pytest.raises(RpcError) as refused:
        rpc.answer("eth_sendRawTransaction", ["0x00"])
    assert refused.value.code == -32601
    with pytest.raises(RpcError, match="reverted"):
        rpc.answer("eth_call", [{"to": contract, "data": "0xffffffff"}])
    rpc.close()
