"""Writes the Python source of one trace of EVM code; see fast_computation for what a trace is and must keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from eth.vm.forks.london.opcodes import LONDON_OPCODES

STACK_ITEMS_MAX: Final = 1024
TRACE_OPCODES_MAX: Final = 160  # longer traces translate slowly and are left early anyway

_STOP, _SHA3, _CALLDATALOAD, _POP, _MLOAD, _MSTORE, _MSTORE8 = 0x00, 0x20, 0x35, 0x50, 0x51, 0x52, 0x53
_JUMP, _JUMPI, _PC, _JUMPDEST = 0x56, 0x57, 0x58, 0x5B
_PUSH1, _PUSH32, _DUP1, _DUP16, _SWAP1, _SWAP16 = 0x60, 0x7F, 0x80, 0x8F, 0x90, 0x9F
_CODESIZE, _ISZERO, _NOT = 0x38, 0x15, 0x19
_ENDING: Final = {0x00: "STOP", 0xF3: "RETURN", 0xFD: "REVERT", 0xFE: "INVALID", 0xFF: "SELFDESTRUCT"}
_WORD_MASK: Final = hex(2**256 - 1)
_SIGN: Final = hex(2**255)
_SHA3_WORD_GAS: Final = 6

_VALUES: Final = {  # opcode: expression over x (top) and y (next)
    0x01: "({x} + {y}) & " + _WORD_MASK,
    0x02: "({x} * {y}) & " + _WORD_MASK,
    0x03: "({x} - {y}) & " + _WORD_MASK,
    0x04: "({x} // {y} if {y} else 0)",
    0x06: "({x} % {y} if {y} else 0)",
    0x16: "{x} & {y}",
    0x17: "{x} | {y}",
    0x18: "{x} ^ {y}",
    0x1A: "(({y} >> (248 - 8 * {x})) & 255 if {x} < 32 else 0)",
    0x1B: "(({y} << {x}) & " + _WORD_MASK + " if {x} < 256 else 0)",
    0x1C: "({y} >> {x} if {x} < 256 else 0)",
}
_CONDITIONS: Final = {  # the same, for opcodes that give 0 or 1; flipping the sign bit orders signed numbers
    0x10: "{x} < {y}",
    0x11: "{x} > {y}",
    0x12: "({x} ^ " + _SIGN + ") < ({y} ^ " + _SIGN + ")",
    0x13: "({x} ^ " + _SIGN + ") > ({y} ^ " + _SIGN + ")",
    0x14: "{x} == {y}",
}
_READINGS: Final = {  # opcodes that only push something the frame knows
    0x34: "computation.msg.value",
    0x36: "len(data)",
    0x3D: "len(computation.return_data)",
    0x42: "computation.state.timestamp",
    0x59: "len(held)",
}


def jump_destinations(code: bytes) -> frozenset[int]:
    """Positions of JUMPDEST that are not inside the bytes of a PUSH."""
    found = set()
    at = 0
    while at < len(code):
        opcode = code[at]
        if opcode == _JUMPDEST:
            found.add(at)
        at += 1 + (opcode - _PUSH1 + 1 if _PUSH1 <= opcode <= _PUSH32 else 0)
    return frozenset(found)


@dataclass(frozen=True)
class _Condition:
    """A comparison on the stack that nobody has needed as a number yet. Its operands are never assigned twice."""

    text: str


_Item = int | str | _Condition  # a constant, a local variable, a comparison


@dataclass
class _Segment:
    """Gas and stack bounds of the code from `line` on, written there when the segment ends."""

    line: int
    gas: int = 0
    taken: int = 0
    highest: int = 0


@dataclass
class TraceWriter:
    """Writes one trace. Items of the stack below those the trace has touched stay in the list `stack`."""

    code: bytes
    destinations: frozenset[int]
    _lines: list[str] = field(default_factory=list)
    _items: list[_Item] = field(default_factory=list)
    _originals: list[str] = field(default_factory=list)  # names of items read from `stack`, top first
    _names: int = 0
    _memory_known: int = 0  # memory is at least this long, in bytes
    _seen: set[int] = field(default_factory=set)  # where the trace has been: it does not go round
    _taken_known: int = 0  # `stack` has at least so many items
    _highest_known: int = 0  # `stack` has room for at least so many more

    def write(self, start: int) -> str:
        """Source of a function named `trace` that runs the code from `start`."""
        self._emit("held = memory._bytes")
        self._begin()
        at = start
        self._seen.add(start)
        for _ in range(TRACE_OPCODES_MAX):
            following = self._opcode(at)
            if following is None:
                break
            at = following
        else:
            self._leave(str(at))
        body = "\n".join("    " + line for line in self._lines)
        return f"def trace(computation, stack, meter, memory, data):\n{body}\n"

    def _opcode(self, at: int) -> int | None:
        """Writes the opcode at `at`; gives where the trace goes on, or None when it ends."""
        opcode = self.code[at] if at < len(self.code) else _STOP
        if opcode == _JUMP:
            return self._jump()
        if opcode == _JUMPI:
            return self._jump_if(at)
        if opcode in _ENDING or opcode not in LONDON_OPCODES:
            self._delegate(opcode)
            self._emit("raise AssertionError('an ending opcode went on')")
            return None
        if not self._inline(opcode, at):
            self._delegate(opcode)
            self._begin()
        return at + 1 + (opcode - _PUSH1 + 1 if _PUSH1 <= opcode <= _PUSH32 else 0)

    def _inline(self, opcode: int, at: int) -> bool:
        """Writes an opcode that needs nothing of the engine; False when it needs it."""
        if _PUSH1 <= opcode <= _PUSH32:
            size = opcode - _PUSH1 + 1
            self._push(int.from_bytes(self.code[at + 1 : at + 1 + size].ljust(size, b"\0"), "big"))
        elif _DUP1 <= opcode <= _DUP16:
            self._reach(opcode - _DUP1 + 1)
            index = len(self._items) - (opcode - _DUP1 + 1)
            self._items[index] = self._settled(self._items[index])
            self._push(self._items[index])
        elif _SWAP1 <= opcode <= _SWAP16:
            depth = opcode - _SWAP1 + 2
            self._reach(depth)
            self._items[-1], self._items[-depth] = self._items[-depth], self._items[-1]
        elif opcode in _VALUES:
            x, y = self._pop(), self._pop()
            self._push(self._local(_VALUES[opcode].format(x=x, y=y)))
        elif opcode in _CONDITIONS:
            x, y = self._pop(), self._pop()
            self._push(_Condition(_CONDITIONS[opcode].format(x=x, y=y)))
        elif opcode == _ISZERO:
            self._push(_Condition(f"not ({self._pop_condition()})"))
        elif opcode == _NOT:
            self._push(self._local(f"{self._pop()} ^ {_WORD_MASK}"))
        elif opcode == _POP:
            self._pop_item()
        elif opcode in _READINGS:
            self._push(self._local(_READINGS[opcode]))
        elif opcode in (_PC, _CODESIZE):
            self._push(at if opcode == _PC else len(self.code))
        elif opcode in (_MLOAD, _MSTORE, _MSTORE8, _SHA3, _CALLDATALOAD):
            self._memory_opcode(opcode)
        elif opcode != _JUMPDEST:
            return False
        self._segment.gas += LONDON_OPCODES[opcode].gas_cost
        return True

    def _memory_opcode(self, opcode: int) -> None:
        start = self._pop()
        if opcode == _CALLDATALOAD:
            self._push(self._local(f"to_int(data[{start} : {start} + 32].ljust(32, b'\\0'), 'big')"))
        elif opcode == _MLOAD:
            self._require_memory(start, "32")
            self._push(self._local(f"to_int(held[{start} : {start} + 32], 'big')"))
        elif opcode == _MSTORE:
            value = self._pop()
            self._require_memory(start, "32")
            encoded = repr(int(value).to_bytes(32, "big")) if value.isdigit() else f"{value}.to_bytes(32, 'big')"
            self._emit(f"held[{start} : {start} + 32] = {encoded}")
        elif opcode == _MSTORE8:
            value = self._pop()
            self._require_memory(start, "1")
            self._emit(f"held[{start}] = {value} & 255")
        else:
            size = self._pop()
            self._require_memory(start, size)
            self._charge(f"{_SHA3_WORD_GAS} * (({size} + 31) >> 5)")
            self._push(self._local(f"to_int(keccak(bytes(held[{start} : {start} + {size}])), 'big')"))

    def _require_memory(self, start: str, size: str) -> None:
        """Memory up to start + size, grown and paid by the engine when it is not there yet."""
        if start.isdigit() and size.isdigit():
            end = int(start) + int(size)
            if size == "0" or end <= self._memory_known:
                return
            self._memory_known = end
        self._emit(f"if {size} and {start} + {size} > len(held):")
        self._emit(f"    computation.extend_memory({start}, {size})")
        self._emit("    held = memory._bytes")

    def _jump(self) -> int | None:
        target = self._pop_item()
        self._segment.gas += LONDON_OPCODES[_JUMP].gas_cost
        if isinstance(target, int) and target in self.destinations and target not in self._seen:
            self._seen.add(target)
            return target
        self._leave(self._checked_target(target))
        return None

    def _jump_if(self, at: int) -> int:
        target = self._pop_item()
        target = target if isinstance(target, int) else self._settled(target)
        condition = self._pop_condition()
        self._segment.gas += LONDON_OPCODES[_JUMPI].gas_cost
        self._emit(f"if {condition}:")
        indented = len(self._lines)
        goal = self._checked_target(target)
        self._write_back()
        self._emit(f"return {goal}")
        self._lines[indented:] = ["    " + line for line in self._lines[indented:]]
        self._end()
        self._begin()
        return at + 1

    def _checked_target(self, target: _Item) -> str:
        if isinstance(target, int):
            if target not in self.destinations:
                self._emit("raise InvalidJumpDestination('jump to a place that is none')")
            return str(target)
        name = str(self._settled(target))
        self._emit(f"if {name} not in DESTINATIONS:")
        self._emit("    raise InvalidJumpDestination('jump to a place that is none')")
        return name

    def _leave(self, goal: str) -> None:
        self._write_back()
        self._emit(f"return {goal}")
        self._end()

    def _delegate(self, opcode: int) -> None:
        """Hands an opcode to the engine, with the stack where the engine expects it; numbers come back as int."""
        self._write_back()
        self._end()
        self._emit(f"OPCODES[{opcode}](computation=computation)")
        self._emit("if stack and stack[-1].__class__ is bytes:")
        self._emit("    stack[-1] = to_int(stack[-1], 'big')")
        self._emit("held = memory._bytes")
        self._items.clear()
        self._originals.clear()
        self._taken_known = self._highest_known = 0

    def _write_back(self) -> None:
        """Brings `stack` up to date, leaving items alone that are where they were."""
        kept = 0
        for item, original in zip(self._items, reversed(self._originals), strict=False):
            if item != original:
                break
            kept += 1
        replaced = len(self._originals) - kept
        added = "".join(f"{self._text(item)}, " for item in self._items[kept:])
        if replaced:
            self._emit(f"stack[-{replaced}:] = ({added})")
        elif added:
            self._emit(f"stack += ({added})")

    def _begin(self) -> None:
        """A segment starts here; its height counts from the items that the trace has taken so far."""
        self._segment = _Segment(len(self._lines), 0, len(self._originals), self._height())
        self._emit("")

    def _end(self) -> None:
        """Writes the segment's gas and bounds at its start."""
        segment = self._segment
        checks = []
        if segment.gas:
            checks += [
                f"meter.gas_remaining -= {segment.gas}",
                "if meter.gas_remaining < 0:",
                "    meter.gas_remaining = 0",
                "    raise OutOfGas('out of gas')",
            ]
        if segment.taken > self._taken_known:
            self._taken_known = segment.taken
            checks += [f"if len(stack) < {segment.taken}:", "    raise InsufficientStack('stack too low')"]
        if segment.highest > self._highest_known:
            self._highest_known = segment.highest
            checks += [
                f"if len(stack) > {STACK_ITEMS_MAX - segment.highest}:",
                "    raise FullStack('stack limit reached')",
            ]
        self._lines[segment.line] = "\n    ".join(checks)

    def _height(self) -> int:
        return len(self._items) - len(self._originals)

    def _charge(self, amount: str) -> None:
        self._emit(f"meter.gas_remaining -= {amount}")
        self._emit("if meter.gas_remaining < 0:")
        self._emit("    meter.gas_remaining = 0")
        self._emit("    raise OutOfGas('out of gas')")

    def _push(self, item: _Item) -> None:
        self._items.append(item)
        self._segment.highest = max(self._segment.highest, self._height())

    def _pop_item(self) -> _Item:
        self._reach(1)
        return self._items.pop()

    def _pop(self) -> str:
        return self._text(self._settled(self._pop_item()))

    def _pop_condition(self) -> str:
        item = self._pop_item()
        return item.text if isinstance(item, _Condition) else self._text(item)

    def _reach(self, count: int) -> None:
        """Reads items from `stack` until the trace holds `count`."""
        while len(self._items) < count:
            name = self._name()
            self._originals.append(name)
            self._emit(f"{name} = stack[-{len(self._originals)}]")
            self._items.insert(0, name)
            self._segment.taken = max(self._segment.taken, len(self._originals))

    def _settled(self, item: _Item) -> int | str:
        """The item as a constant or a variable."""
        return self._local(self._text(item)) if isinstance(item, _Condition) else item

    def _text(self, item: _Item) -> str:
        return f"(1 if {item.text} else 0)" if isinstance(item, _Condition) else str(item)

    def _local(self, expression: str) -> str:
        name = self._name()
        self._emit(f"{name} = {expression}")
        return name

    def _name(self) -> str:
        self._names += 1
        return f"t{self._names}"

    def _emit(self, line: str) -> None:
        self._lines.append(line)
