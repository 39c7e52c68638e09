"""`einvoice demo`: the whole story, again and again, and never on anybody's real ledger."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.town import Shell, Town

LAST_LINE = re.compile(r"demo: (\d+) invoices, (\d+) events, (\d+) refused as they should be, verified offline")
LIMIT_S = 240


def played(shell: Shell, ended: list[subprocess.Popen[str]], directory: Path, *options: str) -> tuple[int, ...]:
    """Runs a demo; the counts of its last line."""
    process = shell.spawn("demo", "--directory", directory, *options)
    ended.append(process)
    printed, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, said
    counts = LAST_LINE.fullmatch(printed.strip().splitlines()[-1])
    assert counts, printed
    return tuple(map(int, counts.groups()))


@pytest.mark.slow
def test_a_demo_starts_from_clean_unless_told_to_go_on(tmp_path: Path, ended: list[subprocess.Popen[str]]) -> None:
    shell, directory = Shell(tmp_path / "unused"), tmp_path / "demo"
    invoices, events, refused = played(shell, ended, directory)
    assert invoices >= 40
    assert events > invoices
    assert refused >= 20
    on = played(shell, ended, directory, "--keep")
    assert on[0] > invoices
    assert on[2] > refused
    again = played(shell, ended, directory)
    assert again[0] < on[0]
    demo = Shell(directory)
    assert demo.done("audit", "--json").json["invoices"] == again[0]
    trust = directory / "trust.json"
    demo.done("verify", directory / "evidence.json", "--trust", trust, "--offline")
    assert demo.run("verify", directory / "evidence-forged.json", "--trust", trust, "--offline").code == 1
    assert sorted(item.name for item in tmp_path.iterdir()) == ["demo"]


@pytest.mark.parametrize("options", [(), ("--keep",)], ids=["fresh", "keep"])
def test_a_real_ledger_is_never_a_demos(town: Town, tmp_path: Path, options: tuple[str, ...]) -> None:
    shell = town.shell.copy_to(tmp_path / "mine")
    before = shell.done("audit", "--json").out
    answer = Shell(tmp_path / "unused").run("demo", "--directory", shell.data_dir, *options)
    assert answer.code == 1
    assert "no demo ledger" in answer.err
    assert "不是演示账本" in answer.err
    assert json.loads(shell.done("audit", "--json").out) == json.loads(before)


def test_a_directory_with_letters_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("mine")
    assert Shell(tmp_path / "unused").run("demo", "--directory", tmp_path / "letters").code == 1
    assert (tmp_path / "letters" / "letter.txt").read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    answer = Shell(tmp_path / "unused").run("demo", "--directory", tmp_path / "file")
    assert answer.code == 1
    assert "file" in answer.err


@pytest.mark.slow
def test_a_demo_that_runs_is_not_deleted(town: Town, tmp_path: Path, ended: list[subprocess.Popen[str]]) -> None:
    shell = town.shell.copy_to(tmp_path / "demo")
    (shell.data_dir / "DEMO").touch()
    node = shell.spawn("node")
    ended.append(node)
    assert node.stdout.readline() == "ready node\n"
    answer = Shell(tmp_path / "unused").run("demo", "--directory", shell.data_dir)
    assert answer.code == 1
    assert "end it first" in answer.err
    shell.done("audit")


def test_a_demo_with_a_setting_out_of_range_names_it(tmp_path: Path) -> None:
    answer = Shell(tmp_path / "unused").run("demo", "--directory", tmp_path / "demo", EINVOICE_WORKERS="many")
    assert answer.code == 2
    assert "EINVOICE_WORKERS" in answer.err
    assert list(tmp_path.iterdir()) == []
