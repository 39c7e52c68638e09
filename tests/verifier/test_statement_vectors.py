"""Statements that were written when their format was frozen are judged as they were then, by every later version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from verifier.report import Result
from verifier.statement_steps import parse_statement
from verifier.steps import examine
from verifier.trust import parse_trust

VECTORS = Path(__file__).parents[1] / "vectors" / "statement-v1"
CASES: list[dict[str, Any]] = json.loads((VECTORS / "cases.json").read_text())
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "statement-v1.schema.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["file"] for case in CASES])
def test_statements_of_version_1_are_judged_as_they_were(case: dict[str, Any]) -> None:
    trust = parse_trust((VECTORS / case["trust"]).read_bytes())
    report = examine((VECTORS / case["file"]).read_bytes(), trust)
    failed = [step for step in report.steps if step.result is not Result.VALID]
    assert {
        "verdict": report.verdict.value,
        "step": failed[0].name if failed else "",
        "reason": failed[0].reason.value if failed else "ok",
        "number": report.number,
        "says": report.says,
        "block": report.block,
        "block_time_s": report.block_time_s,
    } == {name: value for name, value in case.items() if name not in {"file", "trust", "about"}}


def test_true_ones_are_valid_and_lies_are_not() -> None:
    """Whatever was written down as the verdict: the name of each file says what it has to be."""
    verdicts = {case["file"]: case["verdict"] for case in CASES}
    for name, verdict in verdicts.items():
        assert (verdict == "valid") == name.startswith(("not-", "old-")), name
        assert (verdict == "invalid") == name.startswith(("lie-", "surplus-")), name
    assert sum(verdict == "valid" for verdict in verdicts.values()) >= 9
    reasons = {case["reason"] for case in CASES}
    assert {
        "invoice_present",
        "invoice_settled",
        "invoice_absent",
        "contract_succeeded",
        "proof_incomplete",
        "proof_surplus",
        "witnesses_missing",
        "trust_outdated",
        "unknown_version",
    } <= reasons


def test_every_file_is_a_case_and_follows_the_schema() -> None:
    kept = {path.name for path in VECTORS.iterdir()}
    trusted = {case["trust"] for case in CASES}
    assert kept == {"README.md", "cases.json"} | trusted | {case["file"] for case in CASES}
    validator = Draft202012Validator(SCHEMA)
    for case in CASES:
        file = json.loads((VECTORS / case["file"]).read_bytes())
        assert validator.is_valid(file) == (case["step"] != "file")
        if case["step"] != "file":
            assert parse_statement(file).to_bytes() == (VECTORS / case["file"]).read_bytes()
