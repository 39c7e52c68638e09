"""Translated traces against the unmodified engine: same status, output, gas, refund, logs and storage."""

from __future__ import annotations

from typing import Any

import pytest
from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.london import LondonVM
from eth.vm.forks.london.opcodes import LONDON_OPCODES
from eth.vm.forks.london.state import LondonState
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.fast_computation import FastComputation
from ledger.chain.fast_state import LedgerState
from ledger.chain.fast_trace import jump_destinations

CONTRACT, OTHER, SENDER = b"\xc0" * 20, b"\x0e" * 20, b"\x5e" * 20
WORD = 2**256 - 1


class FastVM(LondonVM):
    _state_class = LedgerState


def ran(vm_class: type[Any], code: bytes, data: bytes, gas: int) -> dict[str, Any]:
    """Everything that can be observed of running `code`."""
    chain = MiningChain.configure(vm_configuration=((0, vm_class),), chain_id=7).from_genesis(
        AtomicDB(),
        {"difficulty": 1, "gas_limit": 10**9, "timestamp": 1_700_000_000, "base_fee_per_gas": 0},
        {
            CONTRACT: {"balance": 5, "nonce": 1, "code": code, "storage": {1: 11, 2: 22}},
            # gives back its call data, hashed and whole
            OTHER: {
                "balance": 0,
                "nonce": 1,
                "code": bytes.fromhex("3660006000373660002036526020360160006000f3".replace("6000f3", "90f3")),
                "storage": {},
            },
        },
    )
    vm = chain.get_vm()
    state = vm.state
    computation = vm.execute_bytecode(
        origin=SENDER, gas_price=0, gas=gas, to=CONTRACT, sender=SENDER, value=0, data=data, code=code
    )
    state.lock_changes()
    return {
        "success": computation.is_success,
        "output": computation.output,
        "gas": computation.get_gas_used(),
        "refund": computation.get_gas_refund() if computation.is_success else 0,
        "logs": computation.get_log_entries(),
        "storage": [state.get_storage(CONTRACT, slot) for slot in range(6)],
        "balance": state.get_balance(CONTRACT),
        "root": state.make_state_root(),
    }


def assert_same(code: bytes, data: bytes = b"", gas: int = 200_000) -> dict[str, Any]:
    fast = ran(FastVM, code, data, gas)
    assert fast == ran(LondonVM, code, data, gas)
    return fast


numbers = st.one_of(
    st.integers(0, 40),
    st.sampled_from([2**255, 2**255 - 1, 2**256 - 1, 2**256 - 2, 255, 256, 257, 2**32, 1023, 1024]),
    st.integers(0, WORD),
)


def push(value: int) -> bytes:
    size = max(1, (value.bit_length() + 7) // 8)
    return bytes([0x5F + size]) + value.to_bytes(size, "big")


plain = st.sampled_from(sorted(set(LONDON_OPCODES) - set(range(0x60, 0x80)))).map(lambda opcode: bytes([opcode]))
common = st.sampled_from(list(bytes.fromhex("010310141516 1b1c20 35 505152 5455 5a5b 8081 9091 a0a1 5657"))).map(
    lambda opcode: bytes([opcode])
)
pieces = st.one_of(numbers.map(push), st.integers(0, 60).map(push), plain, common, common)


@settings(max_examples=400, deadline=None)
@given(st.lists(pieces, max_size=60).map(b"".join), st.binary(max_size=70), st.sampled_from([60, 3_000, 200_000]))
def test_any_code_gives_the_same_result(code: bytes, data: bytes, gas: int) -> None:
    assert_same(code, data, gas)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(numbers, min_size=17, max_size=20),
    st.lists(st.one_of(plain, common), max_size=12).map(b"".join),
    st.integers(0, 400),
)
def test_opcodes_over_a_full_hand_give_the_same_result(hand: list[int], opcodes: bytes, gas: int) -> None:
    """Enough on the stack for anything, gas that ends anywhere, and all of the stack stored at the end."""
    store = b"".join(push(slot) + b"\x55" for slot in range(4))
    assert_same(b"".join(map(push, hand)) + opcodes + store, b"\x01" * 64, gas * 300)


VALUE_OPCODES = [*range(0x01, 0x0C), *range(0x10, 0x1E)]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(VALUE_OPCODES), numbers, numbers, numbers)
def test_arithmetic_gives_the_same_words(opcode: int, x: int, y: int, z: int) -> None:
    output = bytes.fromhex("60005260206000f3")
    result = assert_same(push(z) + push(y) + push(x) + bytes([opcode]) + output)
    assert result["success"]


@pytest.mark.parametrize("gas", [*range(60, 130), 1_000, 5_000])
def test_a_loop_gives_the_same_at_every_gas(gas: int) -> None:
    # counts down from 10, adding into memory, and returns the sum
    loop = bytes.fromhex("600a5b80600051016000526001900380600257" + "60206000f3")
    assert_same(loop, gas=gas)


def test_the_loop_runs_to_its_end_when_gas_allows() -> None:
    loop = bytes.fromhex("600a5b80600051016000526001900380600257" + "60206000f3")
    result = assert_same(loop)
    assert result["success"]
    assert int.from_bytes(result["output"], "big") == 55


@pytest.mark.parametrize(
    ("code", "success"),
    [
        ("6003565b00", True),
        ("6004565b00", False),  # into the middle of nothing
        ("600456605b00", False),  # into the byte that a PUSH carries
        ("60035600", False),
        ("600160075700005b00", True),
        ("6000600a5700", True),  # a jump not taken may name a place that is none
        ("600035565b00", False),  # to where the call data says: 0
        ("5b600056", False),  # round for ever, until the gas ends
        ("fe", False),
        ("0c", False),
        ("50", False),
        ("5b" * 300, True),
        ("60006000fd", False),
        ("6001600255600260015560006002556000600155", True),
        ("60aa60005260206000a060206000a1", False),
        ("60aa600052600760206000a1600760086009600a60206000a4", True),
        ("5a60005260206000f3", True),
        ("5860005260206000f3", True),
        ("60ff60ff535960005260206000f3", True),
        ("7f" + "ff" * 32 + "51", False),
        ("6020600060206000600060" + "0e" * 0 + "0e61fffff1", True),
    ],
)
def test_edges_give_the_same(code: str, success: bool) -> None:
    assert assert_same(bytes.fromhex(code))["success"] is success


def test_stack_bounds_are_the_same_at_the_edge() -> None:
    for extra in (-1, 0, 1):
        deep = bytes.fromhex("6001") + bytes.fromhex("80") * (1023 + extra)
        assert assert_same(deep)["success"] is (extra <= 0)
        loop = bytes.fromhex("5b58") * (512 + extra)
        assert assert_same(loop)["success"]


def test_calls_to_contracts_and_precompiles_give_the_same() -> None:
    call = "60206000602060006000" + "73" + OTHER.hex() + "61ffff" + "f1"
    static_identity = "6020602060206000" + "6004" + "61ffff" + "fa"
    returns = "3d600060003e3d6000f3"
    for code in (call + returns, "60aa600052" + static_identity + "60406000f3", "60aa600052" + call + "5060406000f3"):
        assert assert_same(bytes.fromhex(code), gas=500_000)["success"] in (True, False)
    create = "600a60005360016000600060006000f05060206000f3"
    assert_same(bytes.fromhex(create))


def test_push_data_is_never_a_jump_destination() -> None:
    assert jump_destinations(bytes.fromhex("5b605b5b7f5b5b")) == {0, 3}


def test_the_chain_runs_on_translated_code() -> None:
    assert LedgerState.computation_class is FastComputation
    assert LondonState.computation_class is not FastComputation
