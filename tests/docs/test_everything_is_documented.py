"""What can be set, called, answered or stored is documented, or this fails."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from importlib import import_module

import pytest
import typer.main

from api import fields
from api.problems import PROBLEM_TYPES
from contracts import load_artifact
from ledger.cli.app import app
from ledger.domain.problems import PROBLEM_TEXTS
from ledger.formats.errors import FORMAT_TEXTS
from ledger.projection.columns import METADATA
from ledger.projection.derived import derived_tables
from ledger.projection.ground import NumberState, QueueState
from ledger.service.problems import SERVICE_PROBLEMS
from ledger.settings import Settings
from tests.docs.pages import (
    ROOT,
    command_tree,
    lacking_sections,
    missing,
    named_paths,
    page,
    section,
    table_rows,
    targets,
)
from verifier.operations import Code, Reason
from verifier.reasons import Reason as EvidenceReason
from verifier.steps import STEP_NAMES
from verifier.words import Table

DECISION_SECTIONS = ("Context", "Decision", "Consequences", "Alternatives")


SPOKEN = {Code.ROTATE_KEY: "rotate own key", Code.SET_RISK_FLAG: "set risk flag", Code.FORCE_UNLOCK: "force-unlock"}


def spoken(code: Code) -> str:
    return SPOKEN.get(code, code.name.lower().replace("_", " "))


def api_field_codes() -> dict[str, str]:
    """Codes the API gives fields by itself, with their English text ("" when it is put together at run time).

    Read from the source, where each is written as (code, English, Chinese), so that a new one is found.
    """
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(inspect.getsource(fields))):
        if isinstance(node, ast.Tuple) and len(node.elts) == 3 and isinstance(node.elts[0], ast.Constant):
            code, english = node.elts[0].value, node.elts[1]
            assert isinstance(code, str)
            found[code] = english.value if isinstance(english, ast.Constant) and isinstance(english.value, str) else ""
    return found


def test_every_setting_is_documented() -> None:
    assert missing((name.upper() for name in Settings.model_fields), page("docs/STORAGE.md"), "| `EINVOICE_{}` |") == []


def test_every_problem_type_is_documented() -> None:
    assert missing((one.uri for one in PROBLEM_TYPES.values()), page("docs/API.md"), "`{}`") == []


def test_every_reason_of_the_contract_is_documented() -> None:
    text = section(page("docs/OPERATIONS.md"), "Reasons")
    assert [one.name for one in Reason if f"| {one.value} | {one.name.lower()} |" not in text] == []


def test_every_reason_of_the_verifier_and_every_step_is_documented() -> None:
    text = page("docs/EVIDENCE.md")
    assert missing((one.value for one in EvidenceReason), text, "| `{}` |") == []
    assert missing(STEP_NAMES, text, "| `{}` |") == []


def test_every_code_of_a_document_or_file_is_documented() -> None:
    assert missing([*PROBLEM_TEXTS, *FORMAT_TEXTS], page("docs/FORMATS.md"), "| `{}` |") == []


def test_every_code_of_a_request_is_documented() -> None:
    codes = api_field_codes()
    assert {"integer_range", "float_refused", "hash_form", "first_holder_form", "invalid"} <= set(codes)
    rows = table_rows(section(page("docs/API.md"), "Codes of fields"))
    own = {code: english for code, (english, _) in SERVICE_PROBLEMS.items()}
    assert set(rows) - {"code"} == (set(own) | set(codes)) - set(PROBLEM_TEXTS)
    for code, english in own.items():
        assert rows[code] == [english], code


def test_every_command_is_documented() -> None:
    listed = table_rows(section(page("README.md"), "The command line"))
    for words in command_tree(typer.main.get_command(app)):
        group, _, name = words.partition(" ")  # name is empty unless the command stands in a group
        assert group in listed, f"README.md's table of commands lacks `{group}`"
        assert not name or f"`{name}`" in listed[group][0], f"README.md's row of `{group}` lacks `{name}`"


def test_every_make_target_is_documented() -> None:
    assert missing(targets(page("Makefile")), page("README.md"), "make {}") == []
    assert [
        name for name in targets(page("Makefile")) if not re.search(rf"^{name}: .*## ", page("Makefile"), re.MULTILINE)
    ] == []


@pytest.mark.parametrize("code", Code, ids=spoken)
def test_every_operation_has_its_row(code: Code) -> None:
    rows = table_rows(section(page("docs/OPERATIONS.md"), "One operation: four words"))
    assert rows[str(code.value)][0] == spoken(code)


def test_every_table_of_the_contract_and_every_event_is_documented() -> None:
    text = page("docs/OPERATIONS.md")
    rows = table_rows(section(text, "Storage: one map of words"))
    assert [one.name for one in Table if rows[str(one.value)][0] != one.name.lower().replace("_", " ")] == []
    events = {entry["name"]: entry for entry in load_artifact().abi if entry["type"] == "event"}
    listed = section(text, "Events")
    for name, event in events.items():
        fields = ", ".join(
            f"{one['type']} indexed {one['name']}" if one["indexed"] else f"{one['type']} {one['name']}"
            for one in event["inputs"]
        )
        assert f"{name}({fields})" in listed, f"docs/OPERATIONS.md lacks {name}({fields})"


def test_every_sql_table_is_documented_as_ground_or_derived() -> None:
    text = page("docs/STORAGE.md")
    derived = {table.name for table in derived_tables()}
    assert missing(sorted(derived), section(text, "Derived tables"), "| `{}` |") == []
    assert missing(sorted(set(METADATA.tables) - derived), section(text, "Ground tables"), "| `{}` |") == []
    architecture = page("ARCHITECTURE.md")
    assert missing(METADATA.tables, architecture, "`{}`") == []
    assert missing([*QueueState, *NumberState], architecture + text, "{}") == []


def test_every_decision_record_says_why() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert len({path.name[:4] for path in records}) == len(records), "two records share a number"
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert re.match(rf"# {path.name[:4]}:? ", text), f"{path.name} begins with its number and title"
        assert lacking_sections(text, DECISION_SECTIONS) == [], path.name
        assert missing([path.name], page("docs/README.md"), "(decisions/{})") == []


def test_every_limit_has_the_value_that_is_documented() -> None:
    rows = {
        name: cells
        for name, cells in table_rows(page("ARCHITECTURE.md")).items()
        if re.fullmatch(r"[a-z_.]+[A-Z_]+", name)
    }
    assert len(rows) > 30
    for name, cells in rows.items():
        module, _, constant = name.rpartition(".")
        assert cells[0] == f"{getattr(import_module(module), constant):,}", name
        assert len(cells) == 2, f"{name} has its reason"


def test_every_import_contract_is_explained() -> None:
    contracts = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    assert missing((one["name"] for one in contracts), page("ARCHITECTURE.md"), "| {} |") == []


def test_every_page_is_in_the_index() -> None:
    names = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert missing(sorted(names), page("docs/README.md"), "[{0}]({0})") == []


@pytest.mark.parametrize(
    ("gone", "name"),
    [
        ("| `EINVOICE_PORT` |", "docs/STORAGE.md"),
        ("| `tax_id_length` |", "docs/FORMATS.md"),
        ("| `seal_invalid` |", "docs/EVIDENCE.md"),
        ("| `number_twice` |", "docs/API.md"),
        ("`p_totals`", "ARCHITECTURE.md"),
    ],
)
def test_an_entry_taken_out_is_missed(gone: str, name: str) -> None:
    text = page(name)
    assert missing([gone], text, "{}") == []
    assert missing([gone], text.replace(gone, ""), "{}") == [gone]


def test_a_record_without_its_reasons_is_noticed() -> None:
    whole = "# 0009: Title\n## Context\na\n## Decision\nb\n## Consequences\nc\n## Alternatives\nd\n"
    assert lacking_sections(whole, DECISION_SECTIONS) == []
    assert lacking_sections(whole.replace("c\n", ""), DECISION_SECTIONS) == ["Consequences"]
    assert lacking_sections(whole.replace("## Decision", "Decision"), DECISION_SECTIONS) == ["Decision"]


def test_named_paths_are_found_in_prose() -> None:
    assert named_paths("see `ledger/projection` and tests/docs/pages.py.") == [
        "ledger/projection",
        "tests/docs/pages.py",
    ]
