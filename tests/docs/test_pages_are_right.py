"""What the pages say can be done: links lead somewhere, commands exist, tests and paths that are named are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from ledger.cli.app import app
from tests.docs.pages import (
    ROOT,
    broken_links,
    command_tree,
    commands,
    documents,
    named_paths,
    page,
    section,
    sources,
    table_rows,
    wrong_einvoice,
    wrong_module,
    wrong_target,
)

RUN_AS_MODULES = {
    "verifier": "verifier/__main__.py",
    "api": "api/__main__.py",
    "bench": "bench/__main__.py",
    "bench.audit_rates": "bench/audit_rates.py",
    "bench.growth": "bench/growth.py",
    "bench.noting_rates": "bench/noting_rates.py",
    "bench.register_rates": "bench/register_rates.py",
    "bench.sight_times": "bench/sight_times.py",
    "bench.batch_rates": "bench/batch_rates.py",
    "contracts.build": "contracts/build.py",
    "contracts.mutants": "contracts/mutants.py",
    "ledger.cli": "ledger/cli/__main__.py",
    "tests.verifier.worst_cases": "tests/verifier/worst_cases.py",
}
TREE = command_tree(typer.main.get_command(app))
MODULES = {name: page(path) for name, path in RUN_AS_MODULES.items()}
PASSED_ON = {"verify": frozenset(re.findall(r'"(--[a-z-]+)"', MODULES["verifier"]))}
TEST_NAME = re.compile(r"`(test_[a-z0-9_]+)`")
FORBIDDEN = (  # written so that this file does not hold them
    re.compile(r"/wor[k]\b"),
    re.compile(r"(?i)issu[e] #"),
    re.compile(r"(?i)(helper|coding|chat) sessio[n]"),
)
IDS = {"argvalues": documents(), "ids": [str(path.relative_to(ROOT)) for path in documents()]}


def wrong_command(line: str) -> str | None:
    if line.startswith("einvoice "):
        return wrong_einvoice(line.removeprefix("einvoice "), TREE, PASSED_ON)
    if line.startswith("make "):
        return wrong_target(line.removeprefix("make "), page("Makefile"))
    return wrong_module(line.removeprefix("python -m "), MODULES)


def wrong_commands(text: str) -> list[str]:
    return [f"{line}: {wrong}" for line in commands(text) if (wrong := wrong_command(line)) is not None]


def defined_tests() -> frozenset[str]:
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found.update(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    return frozenset(found)


def forbidden_lines(name: str, text: str) -> list[str]:
    return [
        f"{name}:{at}" for at, line in enumerate(text.splitlines(), 1) if any(one.search(line) for one in FORBIDDEN)
    ]


@pytest.mark.parametrize("path", **IDS)
def test_links_lead_somewhere(path: Path) -> None:
    assert broken_links(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", **IDS)
def test_commands_and_options_exist(path: Path) -> None:
    assert wrong_commands(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", **IDS)
def test_paths_that_are_named_exist(path: Path) -> None:
    assert [name for name in named_paths(path.read_text(encoding="utf-8")) if not _is_there(name)] == []


@pytest.mark.parametrize("path", **IDS)
def test_tests_that_are_named_exist(path: Path) -> None:
    assert set(TEST_NAME.findall(path.read_text(encoding="utf-8"))) - defined_tests() == set()


def test_commands_named_in_messages_exist() -> None:
    found = {}
    for name, text in sources():
        if name.endswith(".py") and name.startswith(("ledger/", "api/", "verifier/")):
            for words in re.findall(r"`einvoice ([a-z][^`{\n]*)`", text):
                wrong = wrong_einvoice(words, TREE, PASSED_ON)
                if wrong is not None and words not in ("party", "key"):
                    found[f"{name}: einvoice {words}"] = wrong
    assert found == {}


def test_every_threat_names_its_mechanism_and_a_test() -> None:
    """Each row of who can lie about what ends with the test that shows it, or says that there is none."""
    text = page("docs/THREATS.md")
    count = 0
    for heading in re.findall(r"^### (.*)$", section(text, "Who can lie about what"), re.MULTILINE):
        rows = table_rows(section(text, heading))
        for lie, cells in list(rows.items())[1:]:
            count += 1
            assert len(cells) == 2, f"{heading}: {lie}"
            assert cells[0], f"{heading}: {lie}"
            assert TEST_NAME.search(cells[1]) or "not tested yet" in cells[1], f"{heading}: {lie}"
    assert count > 30


def test_the_project_speaks_of_itself_alone() -> None:
    found = [line for name, text in sources() for line in forbidden_lines(name, text)]
    assert found == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("    einvoice issued x.xml --as 4", "no command"),
        ("    einvoice issue x.xml --is 4", "no option"),
        ("`einvoice party enlist`", "no command"),
        ("    einvoice verify evidence.json --online", "no option"),
        ("`make everything`", "no target"),
        ("`make demo FOREVER=1`", "no variable"),
        ("`python -m verify`", "no module"),
        ("    python -m verifier e.json --believe", "no option"),
        ("```\neinvoice party grunt 4\n```", "no command"),
        ("    EINVOICE_PORT=80 einvoice server", "no command"),
    ],
)
def test_a_wrong_command_is_noticed(line: str, wrong: str) -> None:
    (found,) = wrong_commands(f"text\n\n{line}\n")
    assert wrong in found


@pytest.mark.parametrize(
    "line",
    [
        "    einvoice issue invoice.xml --as 4   # comment",
        "    EINVOICE_PORT=8080 einvoice serve --init",
        "`einvoice party list --as 1 --json`",
        "    einvoice verify evidence.json --trust trust.json --offline",
        "`make demo KEEP=1`",
        "`python -m contracts.build --check`",
        "    einvoice issue invoice.xml --as 4 \\\n      --buyer-name a",
    ],
)
def test_a_right_command_is_taken(line: str) -> None:
    assert list(commands(f"text\n\n{line}\n"))
    assert wrong_commands(f"text\n\n{line}\n") == []


def test_a_broken_link_is_noticed() -> None:
    text = "[a](docs/STORAGE.md) [b](docs/STORAGE.md#settings) [c](docs/NONE.md) [d](docs/STORAGE.md#none) [e](https://x.y)"
    assert broken_links(ROOT / "README.md", text) == ["docs/NONE.md", "docs/STORAGE.md#none"]


def test_forbidden_words_are_noticed() -> None:
    texts = [
        "see /wo" + "rk/notes",
        "fixes Iss" + "ue #4",
        "a helper ses" + "sion",
        "the workers work",
        "an issue of 4",
    ]
    assert [bool(forbidden_lines("x", text)) for text in texts] == [True, True, True, False, False]


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert set(TEST_NAME.findall("`test_that_was_never_written`")) - defined_tests()


def _is_there(name: str) -> bool:
    made = (ROOT / ".gitignore").read_text(encoding="utf-8").split()  # what a command writes is not in a fresh clone
    return (ROOT / name).exists() or (ROOT / f"{name}.py").exists() or name in made
