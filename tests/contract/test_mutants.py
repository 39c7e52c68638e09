"""The tool that takes the contract's guards away: it finds them, notices who notices, and reports what survives."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contracts import mutants

ROOT = Path(__file__).resolve().parents[2]
SOURCE = """
@internal
def check(a: uint256, b: uint256) -> uint256:
    # if a comment: return 1
    if a == 0 or (a > 5 and b != 2):  # why
        return layout.BAD_TERMS
    elif (
        a < b
        or b == 3
    ):
        return layout.UNKNOWN_PARTY
    assert staticcall Ledger(PREDECESSOR).successor() == self
    assert a != b
    booked: bool = a != 0 and b != 0
    return a >= b
"""


def described(source: str) -> list[str]:
    return [mutant.description.removeprefix("m.check: ") for mutant in mutants.mutants_of("m", source)]


def test_each_condition_is_changed_in_every_way() -> None:
    first = "a == 0 or (a > 5 and b != 2)"
    second = "( a < b or b == 3 )"
    assert described(SOURCE) == [
        f"if {first} -> False",
        f"if {first} -> (a > 5 and b != 2)",
        f"if {first} -> (a == 0)",
        f"if a > 5 and b != 2 in {first} -> (b != 2)",
        f"if a > 5 and b != 2 in {first} -> (a > 5)",
        f"if a > 5 in {first} -> a >= 5",
        f"elif {second} -> False",
        f"elif a < b or b == 3 in {second} -> (b == 3)",
        f"elif a < b or b == 3 in {second} -> (a < b)",
        f"elif a < b in {second} -> a <= b",
        "assert staticcall Ledger(PREDECESSOR).successor() == self -> True",
        "assert a != b -> True",
        "booked: bool = a != 0 and b != 0 -> (b != 0)",
        "booked: bool = a != 0 and b != 0 -> (a != 0)",
        "return a >= b -> True",
        "return a >= b -> a > b",
    ]


def test_a_mutant_changes_only_its_condition() -> None:
    for mutant in mutants.mutants_of("m", SOURCE):
        changed = SOURCE[: mutant.start] + mutant.replacement + SOURCE[mutant.end :]
        assert changed != SOURCE
        kept = SOURCE.count("\n") - SOURCE[mutant.start : mutant.end].count("\n") + mutant.replacement.count("\n")
        assert changed.count("\n") == kept


def test_every_guard_of_the_contract_has_a_mutant() -> None:
    lines = {(mutant.module, mutant.line) for mutant in mutants.all_mutants()}
    for module in mutants.MODULES:
        source = (ROOT / "contracts" / f"{module}.vy").read_text(encoding="utf-8").splitlines()
        guards = [
            line
            for line, content in enumerate(source, start=1)
            if content.lstrip().startswith(("if ", "elif ", "assert "))
        ]
        assert {(module, line) for line in guards} <= lines
        assert guards


def test_known_equivalents_name_mutants_that_exist() -> None:
    known = {mutant.description for mutant in mutants.all_mutants()}
    assert mutants.EQUIVALENT.keys() <= known
    assert all(mutants.EQUIVALENT.values())


def test_every_mutant_is_held_by_a_test_that_exists() -> None:
    kills = json.loads(mutants.KILLS_PATH.read_text(encoding="utf-8"))
    known = {mutant.description for mutant in mutants.all_mutants()}
    assert known - mutants.EQUIVALENT.keys() == kills.keys()  # `python -m contracts.mutants --new` runs what is missing
    for test in kills.values():
        file, _, name = test.partition("::")
        assert f"def {name.split('[')[0]}(" in (mutants.SUITE / file).read_text(encoding="utf-8")


def test_an_unknown_equivalent_stops_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mutants.EQUIVALENT, "storage.word: if gone -> False", "it is gone")
    with pytest.raises(mutants.MutationError, match="if gone"):
        mutants.main(["--list"])


def test_the_list_names_places(capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main(["--list", "--only", "check_lock"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith("invoices.vy:") for line in lines)


GUARD = "check_booking: if booked -> False"  # one mutant: each is compiled for half a minute


def run_tool(tmp_path: Path, only: str, suite: Path | None = None) -> tuple[int, str, dict[str, str]]:
    """Exit code, output and remembered kills of the tool, run as `make mutants` runs it but for its suite."""
    script = "import sys; from pathlib import Path; from contracts import mutants\n"
    if suite:
        script += f"mutants.SUITE = Path({str(suite)!r}); mutants.TESTS_FIRST = {{}}\n"
    kills = tmp_path / "kills.json"
    script += f"sys.exit(mutants.main(['--only', {only!r}, '--kills', {str(kills)!r}]))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout, json.loads(kills.read_text(encoding="utf-8")) if kills.is_file() else {}


@pytest.mark.slow
def test_the_suite_notices_a_guard_that_is_gone(tmp_path: Path) -> None:
    code, output, kills = run_tool(tmp_path, GUARD)
    assert code == 0, output
    assert "1 mutants, 0 survived" in output
    assert next(iter(kills.values())).startswith("test_booking.py::")
    again, _, _ = run_tool(tmp_path, GUARD)
    assert again == 0


@pytest.mark.slow
def test_a_mutant_that_no_test_notices_fails_the_run(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_blind.py").write_text("def test_blind():\n    assert True\n", encoding="utf-8")
    code, output, kills = run_tool(tmp_path, GUARD, suite)
    assert code == 1
    assert "1 mutants, 1 survived" in output
    assert re.search(r"survived: \w+\.vy:", output)
    assert not kills


@pytest.mark.slow
def test_the_suite_runs_on_the_mutants_own_artifact(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_code.py").write_text(
        "from contracts import load_artifact\n"
        "from tests.contract.wire import bytecode\n\n\n"
        "def test_code_is_as_committed():\n"
        "    assert bytecode() == load_artifact().bytecode\n",
        encoding="utf-8",
    )
    code, output, kills = run_tool(tmp_path, GUARD, suite)
    assert code == 0, output
    assert set(kills.values()) == {"test_code.py::test_code_is_as_committed"}
