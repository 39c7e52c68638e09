"""eth_call: the engine runs a contract's code on the state of one block, within limits of gas and time.

Nothing is kept. Top-level calls of precompiled contracts run nothing: some of them take minutes in this engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth.constants import ZERO_ADDRESS
from eth.exceptions import Revert
from eth.vm.gas_meter import GasMeter
from eth.vm.message import Message
from eth_typing import Address

from ledger.chain.consensus import chain_class
from ledger.chain.errors import RpcError
from ledger.chain.identity import ChainRules
from ledger.chain.lmdb_store import ChainStore
from ledger.chain.pending_store import PendingStore
from ledger.chain.rpc_codec import REJECTED, REVERTED, hex_bytes
from ledger.chain.rpc_params import check_time


@dataclass(frozen=True)
class CallRequest:
    """One call: 20-byte addresses, wei, gas at most."""

    sender: bytes
    to: bytes
    data: bytes
    value: int
    gas: int


class _TimedGasMeter(GasMeter):
    """Gas of one call, which also ends when its time is over: an opcode may be cheap in gas and slow here."""

    def __init__(self, meter: GasMeter, deadline: float) -> None:
        super().__init__(meter.start_gas, meter.refund_strategy)
        self._deadline = deadline

    def consume_gas(self, amount: int, reason: str) -> None:
        check_time(self._deadline)
        super().consume_gas(amount, reason)


def run_call(store: ChainStore, rules: ChainRules, block_hash: bytes, call: CallRequest, deadline: float) -> bytes:
    """Output of a call on the state after block `block_hash`.

    Raises: RpcError when it reverts (with what it gave), fails, or is not done by `deadline` of the monotonic clock.
    """
    pending = PendingStore(store)
    try:
        chain = _chain_class(rules)(pending)
        vm = chain.get_vm(chain.get_block_header_by_hash(block_hash))
        message = Message(
            gas=call.gas,
            to=Address(call.to),
            sender=Address(call.sender),
            value=call.value,
            data=call.data,
            code=vm.state.get_code(Address(call.to)),
        )
        context = vm.state.get_transaction_context_class()(gas_price=0, origin=call.sender)
        computation = _timed(vm.state.computation_class, deadline).apply_computation(vm.state, message, context)
    finally:
        pending.drop()
    if computation.is_error:
        raise _failure(computation)
    output: bytes = computation.output
    return output


def _failure(computation: Any) -> RpcError:
    if isinstance(computation.error, Revert):
        return RpcError(REVERTED, "execution reverted", hex_bytes(computation.output))
    name = type(computation.error).__name__
    return RpcError(REJECTED, "out of gas" if name == "OutOfGas" else f"the call failed: {name}")


def _timed(computation_class: type[Any], deadline: float) -> type[Any]:
    """The engine's computation, whose own calls are of the same class, with a limit of time."""

    def meter(computation: Any) -> GasMeter:
        return _TimedGasMeter(computation_class._configure_gas_meter(computation), deadline)

    return type("TimedComputation", (computation_class,), {"_configure_gas_meter": meter})


@lru_cache(maxsize=8)
def _chain_class(rules: ChainRules) -> type[Any]:
    return chain_class(rules, ZERO_ADDRESS, lambda: 0)
