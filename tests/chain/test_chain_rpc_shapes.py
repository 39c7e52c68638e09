"""Answers have the keys and kinds of values of the standard's own examples, case by case."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import rlp
from trie.hexary import HexaryTrie

from ledger.chain import NodeRpc
from tests.chain.rpc_world import NOBODY, REVERTS_WITH_ITS_CALLDATA, ask, deployed, refused
from tests.chain.world import Ledger
from verifier.hashing import keccak256
from verifier.words import AUTHORITY_PARTY, Table, storage_key, storage_slot

SHAPES: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "shared" / "samples" / "vectors" / "jsonrpc_shapes.json").read_text()
)
UNKNOWN = "0x" + "11" * 32
ZERO = "0x" + "00" * 32

# what the examples have of forks after London, and of legacy transactions
LATER_KEYS = {
    *("withdrawals", "withdrawalsRoot", "parentBeaconBlockRoot", "requestsHash", "excessBlobGas", "blobGasUsed"),
    *("blobGasPrice", "maxFeePerBlobGas", "blobVersionedHashes", "authorizationList", "root"),
}
LATER_CASES = re.compile(r"blob|setcode|eip7702|legacy|access-list|callenv|(cancun|merge|prague|shanghai)-fork")

QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")
DATA = re.compile(r"0x([0-9a-f]{2})*")


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of a kind as the examples name them."""
    if kind in ("null", "bool", "list", "object", "str"):
        return isinstance(value, {"null": type(None), "bool": bool, "list": list, "object": dict, "str": str}[kind])
    text = value.lower() if isinstance(value, str) else ""  # addresses may come in mixed case
    if kind == "quantity":
        return QUANTITY.fullmatch(text) is not None
    size = kind.removeprefix("data")
    return DATA.fullmatch(text) is not None and (not size or len(text) == 2 + 2 * int(size))


def assert_keys(found: dict[str, Any], method: str, *, more: frozenset[str] = frozenset()) -> None:
    """All keys of the examples but those of other forks, no others, each value of a kind that the examples have."""
    kinds = SHAPES[method]["object_keys"]
    assert set(found) == (set(kinds) - LATER_KEYS) | more
    for key, value in found.items():
        allowed = list(kinds.get(key, ["quantity"]))
        if key in ("r", "s"):
            allowed.append("quantity")  # a number; the examples' happen to have all 64 digits
        if key == "data":
            allowed.append("data")  # as many words as the event has
        assert any(fits(value, kind) for kind in allowed), (key, value)


@pytest.fixture
def world(issuing: Ledger) -> dict[str, Any]:
    """Parameters that the cases below are asked with."""
    head, _ = issuing.commit(issuing.issued(1, 2))
    block = ask(issuing, "eth_getBlockByNumber", hex(head.number), False)
    first = ask(issuing, "eth_getBlockByNumber", "0x1", False)
    return {
        "ledger": issuing,
        "contract": "0x" + issuing.identity.contract.hex(),
        "number": hex(head.number),
        "hash": block["hash"],
        "genesis": "0x" + issuing.identity.genesis_hash.hex(),
        "transaction": block["transactions"][0],
        "creation": first["transactions"][0],
        "slot": "0x" + storage_slot(storage_key(Table.PARTY, AUTHORITY_PARTY)).hex(),
        "words": "0x" + (keccak256(b"words(uint256)")[:4] + bytes(32)).hex(),
    }


def cases(world: dict[str, Any]) -> dict[str, list[Any]]:
    """Parameters by the example's name: the same question, asked of this chain."""
    contract, number, block_hash = world["contract"], world["number"], world["hash"]
    reverting = deployed(world["ledger"], REVERTS_WITH_ITS_CALLDATA)
    by_hash = {"blockHash": block_hash}
    logs = {"fromBlock": "0x0", "toBlock": number, "address": contract}
    topics = [ask(world["ledger"], "eth_getLogs", logs)[0]["topics"][0]]
    return {
        "debug_getRawHeader/get-block-n": [number],
        "debug_getRawHeader/get-genesis": ["0x0"],
        "debug_getRawHeader/get-invalid-number": ["2"],
        "debug_getRawReceipts/get-block-n": [number],
        "debug_getRawReceipts/get-genesis": ["0x0"],
        "debug_getRawReceipts/get-invalid-number": ["2"],
        "eth_blockNumber/simple-test": [],
        "eth_chainId/get-chain-id": [],
        "eth_syncing/check-syncing": [],
        "net_version/get-network-id": [],
        "eth_call/call-contract": [{"to": contract, "input": world["words"]}, "latest"],
        "eth_call/call-revert-abi-error": [{"to": reverting, "input": "0x08c379a0" + "00" * 96}, "latest"],
        "eth_call/call-revert-abi-panic": [{"to": reverting, "input": "0x4e487b71" + "00" * 31 + "11"}, "latest"],
        "eth_getBalance/get-balance": [contract, "latest"],
        "eth_getBalance/get-balance-blockhash": [contract, by_hash],
        "eth_getBalance/get-balance-default-block": [contract],
        "eth_getBalance/get-balance-unknown-account": [NOBODY, "latest"],
        "eth_getBlockByHash/get-block-by-hash": [block_hash, True],
        "eth_getBlockByHash/get-block-by-empty-hash": [ZERO, True],
        "eth_getBlockByHash/get-block-by-notfound-hash": [UNKNOWN, True],
        "eth_getBlockByNumber/get-block-london-fork": [number, True],
        "eth_getBlockByNumber/get-block-notfound": ["0x3e8", True],
        "eth_getBlockByNumber/get-genesis": ["0x0", True],
        **{f"eth_getBlockByNumber/get-{tag}": [tag, True] for tag in ("finalized", "latest", "safe")},
        "eth_getBlockReceipts/get-block-receipts-0": ["0x0"],
        "eth_getBlockReceipts/get-block-receipts-by-hash": [block_hash],
        "eth_getBlockReceipts/get-block-receipts-earliest": ["earliest"],
        "eth_getBlockReceipts/get-block-receipts-empty": [ZERO],
        "eth_getBlockReceipts/get-block-receipts-future": ["0x3e8"],
        "eth_getBlockReceipts/get-block-receipts-latest": ["latest"],
        "eth_getBlockReceipts/get-block-receipts-n": [number],
        "eth_getBlockReceipts/get-block-receipts-not-found": [UNKNOWN],
        "eth_getBlockTransactionCountByHash/get-block-n": [block_hash],
        "eth_getBlockTransactionCountByHash/get-genesis": [world["genesis"]],
        "eth_getBlockTransactionCountByNumber/get-block-n": [number],
        "eth_getBlockTransactionCountByNumber/get-genesis": ["0x0"],
        "eth_getCode/get-code": [contract, "latest"],
        "eth_getCode/get-code-default-block": [contract],
        "eth_getCode/get-code-unknown-account": [NOBODY, "latest"],
        "eth_getLogs/contract-addr": [{**logs, "address": [contract]}],
        "eth_getLogs/filter-error-future-block-range": [{"fromBlock": "0x0", "toBlock": "0x3e8"}],
        "eth_getLogs/filter-error-invalid-blockHash-and-range": [{**by_hash, "fromBlock": "0x0", "toBlock": number}],
        "eth_getLogs/filter-error-reversed-block-range": [{"fromBlock": number, "toBlock": "0x1"}],
        "eth_getLogs/filter-with-blockHash": [by_hash],
        "eth_getLogs/filter-with-blockHash-and-topics": [{**by_hash, "topics": topics}],
        "eth_getLogs/topic-exact-match": [{**logs, "topics": topics}],
        "eth_getLogs/topic-null-wildcard": [{**logs, "topics": [None]}],
        "eth_getLogs/topic-wildcard": [{**logs, "topics": [[], topics]}],
        "eth_getProof/get-account-proof-blockhash": [contract, [], by_hash],
        "eth_getProof/get-account-proof-default-block": [contract, []],
        "eth_getProof/get-account-proof-latest": [contract, [], "latest"],
        "eth_getProof/get-account-proof-with-storage": [contract, [world["slot"]], "latest"],
        "eth_getStorageAt/get-storage": [contract, world["slot"], "latest"],
        "eth_getStorageAt/get-storage-default-block": [contract, world["slot"]],
        "eth_getStorageAt/get-storage-invalid-key": [contract, "0xasdf", "latest"],
        "eth_getStorageAt/get-storage-invalid-key-too-large": [contract, "0x" + "00" * 33, "latest"],
        "eth_getStorageAt/get-storage-unknown-account": [NOBODY, "0x1", "latest"],
        "eth_getTransactionByHash/get-dynamic-fee": [world["transaction"]],
        "eth_getTransactionByHash/get-empty-tx": [ZERO],
        "eth_getTransactionByHash/get-notfound-tx": [UNKNOWN],
        "eth_getTransactionCount/get-nonce": [contract, "latest"],
        "eth_getTransactionCount/get-nonce-default-block": [contract],
        "eth_getTransactionCount/get-nonce-unknown-account": [NOBODY, "latest"],
        "eth_getTransactionReceipt/get-dynamic-fee": [world["transaction"]],
        "eth_getTransactionReceipt/get-empty-tx": [ZERO],
        "eth_getTransactionReceipt/get-notfound-tx": [UNKNOWN],
    }


def examples() -> dict[str, dict[str, Any]]:
    """The examples that this chain can have, by method and name."""
    return {
        f"{method}/{Path(case['file']).stem}": case
        for method, shape in SHAPES.items()
        for case in shape["cases"]
        if not LATER_CASES.search(case["file"])
    }


def test_every_example_ends_here_as_it_does_there(world: dict[str, Any]) -> None:
    asked = cases(world)
    assert set(asked) == set(examples())
    for name, case in examples().items():
        method, params = name.partition("/")[0], asked[name]
        if case["outcome"] == "error":
            error = refused(world["ledger"], method, *params)
            assert error.code == case["code"], name
            assert error.code != 3 or error.data == params[0]["input"], name
            continue
        found = ask(world["ledger"], method, *params)
        # a word that is no number of the standard's form is data, as other contracts' results are
        assert fits(found, case["outcome"]) or (case["outcome"] == "quantity" and fits(found, "data")), name


def test_blocks_transactions_receipts_logs_and_proofs_have_the_standard_keys(world: dict[str, Any]) -> None:
    ledger: Ledger = world["ledger"]
    block = ask(ledger, "eth_getBlockByNumber", world["number"], True)
    assert_keys(block, "eth_getBlockByNumber")
    assert_keys(ask(ledger, "eth_getBlockByHash", world["hash"], False), "eth_getBlockByHash", more=BASE_FEE)
    assert_keys(ask(ledger, "eth_getBlockByNumber", "0x0", False), "eth_getBlockByNumber")
    for at in ("transaction", "creation"):
        assert_keys(ask(ledger, "eth_getTransactionByHash", world[at]), "eth_getTransactionByHash")
        receipt = ask(ledger, "eth_getTransactionReceipt", world[at])
        assert_keys(receipt, "eth_getTransactionReceipt")
    assert receipt["contractAddress"].lower() == world["contract"]
    assert block["transactions"] == [ask(ledger, "eth_getTransactionByHash", world["transaction"])]
    (receipt,) = ask(ledger, "eth_getBlockReceipts", world["number"])
    assert_keys(receipt, "eth_getBlockReceipts")
    assert len(receipt["logs"]) == 2
    for log in receipt["logs"]:
        assert_keys(log, "eth_getLogs")
    proof = ask(ledger, "eth_getProof", world["contract"], [world["slot"], "0x0"], "latest")
    assert_keys(proof, "eth_getProof")
    assert [one["key"] for one in proof["storageProof"]] == [world["slot"], "0x0"]


def test_raw_headers_and_receipts_are_what_the_hashes_commit_to(world: dict[str, Any]) -> None:
    ledger: Ledger = world["ledger"]
    for named in ("0x0", world["number"], world["hash"], {"blockHash": world["hash"]}):
        header = bytes.fromhex(ask(ledger, "debug_getRawHeader", named)[2:])
        block = ask(ledger, "eth_getBlockReceipts", named)
        raw = [bytes.fromhex(one[2:]) for one in ask(ledger, "debug_getRawReceipts", named)]
        assert len(raw) == len(block)
        receipts = HexaryTrie({})
        for index, one in enumerate(raw):
            receipts[rlp.encode(index)] = one
        assert rlp.decode(header)[5] == receipts.root_hash
        assert named == "0x0" or "0x" + keccak256(header).hex() == world["hash"]
    assert ask(ledger, "debug_getRawHeader", UNKNOWN) is None
    assert ask(ledger, "debug_getRawReceipts", "0x3e8") is None
    assert refused(ledger, "debug_getRawHeader", "0x01").code == -32602


BASE_FEE = frozenset({"baseFeePerGas"})  # the example of a block by hash is older than London


def test_a_wrong_shape_is_noticed(world: dict[str, Any]) -> None:
    log = ask(world["ledger"], "eth_getTransactionReceipt", world["transaction"])["logs"][0]
    for wrong in ({**log, "logIndex": "0x00"}, {**log, "extra": "0x0"}, {**log, "removed": "false"},
                  {**log, "blockHash": "0x12"}, {key: log[key] for key in log if key != "address"}):  # fmt: skip
        with pytest.raises(AssertionError):
            assert_keys(wrong, "eth_getLogs")


def test_every_method_of_the_standard_set_is_answered(issuing: Ledger) -> None:
    rpc: NodeRpc = issuing.writer._web3.provider._rpc  # type: ignore[attr-defined]
    assert set(SHAPES) | {"web3_clientVersion"} <= rpc.methods
    assert re.fullmatch(r"einvoice-ledger/v[\w.+-]+", ask(issuing, "web3_clientVersion"))
