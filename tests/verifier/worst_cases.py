"""The most work that bytes can make for the verifier: one file per limit, each at its limit and otherwise in form.

Run as `python -m tests.verifier.worst_cases DIRECTORY`, it writes them with a trust file and prints what each costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.verifier.bundle_factory import (
    CLAIM_ID,
    DOCUMENT,
    EMPLOYEE,
    EMPLOYER,
    LOCKED,
    MOVES,
    ROOT_KEY,
    SEED,
    Move,
    Scenario,
    certificate,
    issue,
    operation,
    private_key,
)
from verifier.canonical import DEPTH_MAX, VALUES_MAX, dumps
from verifier.commitment import LEAVES_MAX, PATH_KEYS_MAX, commit
from verifier.operations import GROUP_OPERATIONS_MAX, Code
from verifier.parsing import (
    ACCOUNT_NODES_MAX,
    CERTIFICATES_MAX,
    FILE_SIZE_MAX,
    HISTORY_MAX,
    STORAGE_NODES_MAX,
)
from verifier.shape import base64_of
from verifier.trie import NODE_SIZE_MAX

SHORT = Scenario(moves=MOVES[:2], others=4)
ROOM = FILE_SIZE_MAX - 20_000  # what the rest of a file leaves of it


def _changed(**parts: Any) -> bytes:
    return dumps(json.loads(SHORT.data) | parts)


def _document(leaves: list[tuple[str, Any]], *, hidden: int = 0) -> bytes:
    shown = [[at, path, "00" * 16, value] for at, (path, value) in enumerate(sorted(leaves, key=lambda leaf: leaf[0]))]
    kept = [[len(shown) + at, "00" * 32] for at in range(hidden)]
    return _changed(document={"count": len(shown) + hidden, "shown": shown, "hidden": kept})


def spread(count: int, width: int) -> list[tuple[str, Any]]:
    """Leaves none of whose paths share a key, each as deep as paths go."""
    return [(".".join([f"a{at:0{width}}", *["a"] * (PATH_KEYS_MAX - 1)]), 0) for at in range(count)]


def arrays(count: int) -> list[tuple[str, Any]]:
    """Arrays of one array of one array, and so on, as deep as paths go."""
    depths = range(PATH_KEYS_MAX - 1)
    lengths = [(f"a{at:05}" + ".0" * depth + ".#", 1) for at in range(count) for depth in depths]
    return lengths + [(f"a{at:05}" + ".0" * (PATH_KEYS_MAX - 1), 0) for at in range(count)]


def longest_history() -> Scenario:
    """As many operations as a file may hold, on the largest document, all valid."""
    lines = [{f"field_{index}": "1" for index in range(11)} for _ in range(1_000)]
    document = DOCUMENT | {"lines": lines}
    steps = [Move(MOVES[0].actor, issue(ref=commit(document, SEED)), MOVES[0].changes)]
    for version in range(1, HISTORY_MAX):
        code, changes = (Code.LOCK, LOCKED) if version % 2 else (Code.UNLOCK, {"claim": 0})
        party = EMPLOYER if version % 2 else 0
        made = operation(code, EMPLOYEE, version, party=party, terms=CLAIM_ID)
        steps.append(Move(EMPLOYEE, made, changes, siblings=25))
    return Scenario(moves=tuple(steps), document=document)


def _groups() -> bytes:
    value = json.loads(SHORT.data)
    event = value["history"][1]
    event["group"]["before"] = ["00" * 32] * (GROUP_OPERATIONS_MAX - 1)
    value["history"] += [event] * (ROOM // len(dumps(event)) - 1)
    return dumps(value)


def _certificates() -> bytes:
    """Signers below intermediates of one name: every pair of them could be a chain."""
    count = CERTIFICATES_MAX // 2
    key, other = private_key(700), private_key(701)
    between = [certificate("same", key, f"root {at}", ROOT_KEY, is_authority=True) for at in range(count - 1)]
    true = certificate("same", other, "authority", ROOT_KEY, is_authority=True, path_length=0)
    signers = [certificate(f"{at}", private_key(900), "same", other, identity=f"person:{at}") for at in range(count)]
    ordered = sorted([*between, true, *signers])
    value = json.loads(SHORT.data)
    first = value["history"][0]
    history = [first | {"certificate": ordered.index(signer)} for signer in signers]
    return _changed(certificates=[base64_of(der) for der in ordered], history=history)


def _nodes() -> bytes:
    value = json.loads(SHORT.data)["proof"]
    size = ROOM * 3 // 4 // STORAGE_NODES_MAX - 8
    storage = [base64_of(at.to_bytes(4, "big") + bytes(size)) for at in range(STORAGE_NODES_MAX)]
    account = [base64_of(at.to_bytes(4, "big") + bytes(NODE_SIZE_MAX - 4)) for at in range(8)]
    assert len(account) < ACCOUNT_NODES_MAX
    return _changed(proof=value | {"storage": sorted(storage), "account": account})


def _nested(opening: str, inner: str, closing: str) -> bytes:
    """Values nested as deep as they go, as many as there may be."""
    depth = DEPTH_MAX - 1
    one = (opening * depth + inner + closing * depth).encode()
    return b"[" + b",".join([one] * (VALUES_MAX // (depth + 1) - 1)) + b"]"


CASES: dict[str, Callable[[], bytes]] = {
    "paths that share no key": lambda: _document(spread(LEAVES_MAX, 5)),
    "long paths that share no key": lambda: _document(spread(18_000, 100)),
    "paths that share no key, one leaf hidden": lambda: _document(spread(LEAVES_MAX - 1, 5), hidden=1),
    "arrays in arrays": lambda: _document(arrays(LEAVES_MAX // PATH_KEYS_MAX)),
    "one array": lambda: _document([("a.#", LEAVES_MAX - 1), *((f"a.{at}", 0) for at in range(LEAVES_MAX - 1))]),
    "all leaves hidden": lambda: _document([], hidden=LEAVES_MAX),
    "longest history": lambda: longest_history().data,
    "largest groups": _groups,
    "certificates of one issuer's name": _certificates,
    "proof nodes": _nodes,
    "objects in objects": lambda: _nested('{"a":', "1", "}"),
    "arrays of arrays": lambda: _nested("[", "", "]"),
    "objects": lambda: b"[" + b",".join([b'{"a":1}'] * (VALUES_MAX // 2 - 1)) + b"]",
    "integers": lambda: b"[" + b",".join([b"900719925474"] * (VALUES_MAX - 1)) + b"]",
    "keys": lambda: dumps({f"{at:08}": 1 for at in range(VALUES_MAX - 1)}),
    "escapes": lambda: b'"' + rb"\u0001" * (ROOM // 6) + b'"',
    "escaped quotes": lambda: b'"' + rb"\"" * (ROOM // 2) + b'"',
    "one wide character": lambda: '["\U0001f600","'.encode() + b"a" * (ROOM - 20) + b'"]',
    "an endless number": lambda: b"9" * ROOM,
    "brackets": lambda: b"[" * VALUES_MAX,
}

MEASURE = """
import cProfile, json, pathlib, resource, sys, time
from verifier import parse_trust, verify

def peak():
    # Linux counts what the process was before it became this one into ru_maxrss, but not into VmHWM.
    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024

trust = parse_trust(pathlib.Path(sys.argv[1]).read_bytes())
data = pathlib.Path(sys.argv[2]).read_bytes()
profile = cProfile.Profile()
start = time.process_time()
report = profile.runcall(verify, data, trust) if sys.argv[3:] else verify(data, trust)
taken_s = time.process_time() - start
report.to_json(), report.to_text()
counts = {}
for entry in profile.getstats() if sys.argv[3:] else ():
    name = entry.code if isinstance(entry.code, str) else entry.code.co_name
    counts[name] = counts.get(name, 0) + entry.callcount
checks = sum(count for name, count in counts.items() if name in ("is_signed", "is_issued_by", "is_cosigned"))
print(json.dumps([report.verdict, report.reasons[:1], taken_s, peak(), sum(counts.values()), checks]))
"""


@dataclass(frozen=True)
class Cost:
    """What verifying took: calls of functions and signature checks are counted only when asked for."""

    verdict: str
    reasons: list[str]
    processor_s: float
    memory_size: int
    calls: int
    signature_checks: int


@cache
def trust_bytes() -> bytes:
    return SHORT.trust.to_bytes()


def measured(directory: Path, data: bytes, *, counting: bool = False) -> Cost:
    """The cost of verifying `data` in a process of its own."""
    trust, file = directory / "trust.json", directory / "evidence.json"
    trust.write_bytes(trust_bytes())
    file.write_bytes(data)
    command = [sys.executable, "-c", MEASURE, str(trust), str(file), *(["counting"] if counting else [])]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    return Cost(*json.loads(done.stdout))


def main(directory: str) -> None:
    """Prints size, seconds and megabytes of each case."""
    for name, build in CASES.items():
        data = build()
        cost = measured(Path(directory), data)
        said = f"{cost.verdict}: {cost.reasons[0]}" if cost.reasons else cost.verdict
        numbers = f"{len(data):,} | {cost.processor_s:.2f} s | {cost.memory_size >> 20} MB"
        sys.stdout.write(f"| {name} | {numbers} | {said} |\n")


if __name__ == "__main__":
    main(sys.argv[1])
