"""Runs EVM code faster than opcode by opcode, with the same result.

py-evm spends about ten calls on an opcode. Here straight pieces of code are translated once into Python functions, in
which the stack is local variables; the engine's own functions do everything that reads or writes state, calls, logs or
asks for gas. What is the same, and held by tests against the unmodified engine: status, output, gas, logs, storage.
What differs is only which error a failing frame names when two are due at once: its gas is burnt either way.

A piece ("trace") follows jumps to known places and falls through conditional ones. Gas and stack bounds are checked
once a segment: a segment ends where execution may leave the trace or where the engine takes over, so nothing that can
be observed happens between the moment gas runs out and the moment it is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from eth.exceptions import (
    FullStack,
    Halt,
    InsufficientStack,
    InvalidJumpDestination,
    OutOfGas,
)
from eth.vm.forks.london.computation import LondonComputation
from eth.vm.logic.invalid import InvalidOpcode
from eth_hash.auto import keccak

from ledger.chain.fast_trace import TraceWriter, jump_destinations

Trace = Callable[[Any, list[Any], Any, Any, bytes], int]
"""(computation, stack, gas meter, memory, call data) -> where to go on."""

PROGRAMS_MAX: Final = 32  # translated contracts kept: the ledger's, its creation code, and what a reader may call


class Program:
    """One contract's code; traces are translated when execution first enters them."""

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.destinations = jump_destinations(code)
        self.traces: dict[int, Trace] = {}
        self._names: dict[str, Any] = {
            "OPCODES": _OPCODES,
            "DESTINATIONS": self.destinations,
            "keccak": keccak,
            "to_int": int.from_bytes,
            "OutOfGas": OutOfGas,
            "InsufficientStack": InsufficientStack,
            "FullStack": FullStack,
            "InvalidJumpDestination": InvalidJumpDestination,
        }

    def translate(self, start: int) -> Trace:
        """The trace that begins at `start`, which is 0, a jump destination or where another trace ended."""
        source = TraceWriter(self.code, self.destinations).write(start)
        names = dict(self._names)
        exec(compile(source, f"<evm trace at {start}>", "exec"), names)  # noqa: S102 - written by TraceWriter alone
        trace: Trace = names["trace"]
        self.traces[start] = trace
        return trace


class _Opcodes(dict[int, Any]):
    """The engine's opcodes; an unknown one is the engine's invalid opcode."""

    def __init__(self) -> None:
        super().__init__(LondonComputation.opcodes)

    def __missing__(self, opcode: int) -> Any:
        return InvalidOpcode(opcode)


_OPCODES: Final = _Opcodes()


@lru_cache(PROGRAMS_MAX)
def program(code: bytes) -> Program:
    """The program of `code`, translated as far as it has run."""
    return Program(code)


class FastComputation(LondonComputation):
    """London, run by traces."""

    @classmethod
    def apply_computation(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        """As the engine's: runs `message` and gives the computation, failed or not."""
        with cls(state, message, transaction_context) as computation:
            if computation.is_origin_computation:
                computation.contracts_created = []
                if message.is_create:
                    cls.consume_initcode_gas_cost(computation)
            if parent_computation is not None:
                computation.contracts_created = parent_computation.contracts_created
            if message.is_create:
                computation.contracts_created.append(message.storage_address)
            precompile = computation.precompiles.get(message.code_address)
            if precompile is not None:
                if not message.is_delegation:
                    precompile(computation)
                return computation
            _run(computation, bytes(message.code))
        return computation


def _run(computation: Any, code: bytes) -> None:
    """Runs until the code halts; failures leave as the engine's errors."""
    translated = program(code)
    traces = translated.traces
    stack: list[Any] = computation._stack.values
    meter, memory, data = computation._gas_meter, computation._memory, computation.msg.data_as_bytes
    at = 0
    try:
        while True:
            trace = traces.get(at) or translated.translate(at)
            at = trace(computation, stack, meter, memory, data)
    except Halt:
        return
