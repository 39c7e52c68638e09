"""The naive way: one transaction an invoice, sent through web3 to eth-tester, to a contract that checks nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vyper import compile_code
from web3 import EthereumTesterProvider, Web3

from bench.timing import Taken, timed

SOURCE = Path(__file__).parent / "OneWord.vy"
TRANSACTION_GAS = 200_000  # one issue uses about 47,000; web3 asks the node for an estimate when it is left out


class NaiveChain:
    """An eth-tester chain with the one-word contract on it."""

    def __init__(self) -> None:
        compiled = compile_code(SOURCE.read_text(encoding="utf-8"), output_formats=["abi", "bytecode"])
        self._web3 = Web3(EthereumTesterProvider())
        self._sender = self._web3.eth.accounts[0]
        factory = self._web3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
        created = factory.constructor().transact({"from": self._sender})
        receipt = self._web3.eth.wait_for_transaction_receipt(created)
        self._contract: Any = self._web3.eth.contract(address=receipt["contractAddress"], abi=compiled["abi"])

    def issue_one(self, number: int, word: int, *, gas_given: bool = False) -> None:
        """Sends one issue and waits for its receipt, as a first program would: web3 estimates its gas."""
        fields = {"from": self._sender, "gas": TRANSACTION_GAS} if gas_given else {"from": self._sender}
        sent = self._contract.functions.issue(number, word).transact(fields)
        receipt = self._web3.eth.wait_for_transaction_receipt(sent)
        if receipt["status"] != 1 or len(receipt["logs"]) != 1:
            raise RuntimeError(f"the naive contract did not record {number}")


def naive_issues(count: int, advance: Callable[[int], None], *, gas_given: bool = False) -> Taken:
    """Time that `count` issues take on a fresh chain, one after the other, after eight to warm up."""
    chain = NaiveChain()
    for index in range(8):
        chain.issue_one(index, 1)
    with timed() as taken:
        for index in range(count):
            chain.issue_one(1_000 + index, index + 1, gas_given=gas_given)
            advance(1)
    return taken
