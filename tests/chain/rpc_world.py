"""What the JSON-RPC tests share: asking a chain's node, and two small contracts beside the ledger's."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.chain import RpcError
from tests.chain.world import Ledger

REVERTS_WITH_ITS_CALLDATA = bytes.fromhex("366000600037366000fd")
LOOPS_FOR_EVER = bytes.fromhex("5b600056")
NOBODY = "0x" + "1" * 40


def ask(ledger: Ledger, method: str, *params: Any) -> Any:
    """Result of a method, asked of the writer's own node."""
    return ledger.writer._web3.provider._rpc.answer(method, list(params))  # type: ignore[attr-defined]


def refused(ledger: Ledger, method: str, *params: Any) -> RpcError:
    """The error of a request that has to fail."""
    with pytest.raises(RpcError) as caught:
        ask(ledger, method, *params)
    return caught.value


def deployed(ledger: Ledger, runtime: bytes) -> str:
    """Address of a new contract with that code, of at most 32 bytes."""
    size = len(runtime)
    creation = bytes([0x5F + size]) + runtime + bytes.fromhex(f"60005260{size:02x}60{32 - size:02x}f3")
    transaction = {name: value for name, value in ledger.writer._transaction(creation).items() if name != "to"}
    web3 = ledger.writer._web3
    sent = web3.eth.send_raw_transaction(ledger.writer._account.sign_transaction(transaction).raw_transaction)
    return str(web3.eth.get_transaction_receipt(sent)["contractAddress"])
