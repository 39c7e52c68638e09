"""Evidence that earlier releases made is judged as it was then: verdict, block, every step and reason code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.make import REMOVE, altered, judged, not_valid
from verifier import parse_trust
from verifier.canonical import dumps
from verifier.reasons import Reason
from verifier.report import Result
from verifier.steps import STEP_NAMES, examine

SETS = sorted(Path(__file__).parent.glob("evidence-v*"))
VECTORS = [(folder, entry) for folder in SETS for entry in json.loads((folder / "index.json").read_bytes())]
NAMES = [f"{folder.name}/{entry['file']}" for folder, entry in VECTORS]
SIZE_MAX = 1_500_000  # bytes of all vectors: they come with every checkout, for ever

each_vector = pytest.mark.parametrize(("folder", "entry"), VECTORS, ids=NAMES)


@each_vector
def test_vector_is_judged_as_it_was(folder: Path, entry: dict[str, Any]) -> None:
    trust = parse_trust((folder / entry["trust"]).read_bytes())
    report = examine((folder / entry["file"]).read_bytes(), trust)
    assert judged(report) == {name: entry[name] for name in ("verdict", "number", "block", "steps")}


@each_vector
def test_altered_vector_is_refused_as_it_was(folder: Path, entry: dict[str, Any]) -> None:
    trust = parse_trust((folder / entry["trust"]).read_bytes())
    value = json.loads((folder / entry["file"]).read_bytes())
    for twin in entry["altered"]:
        report = examine(altered(value, twin["path"], REMOVE if "remove" in twin else twin["value"]), trust)
        assert (report.verdict.value, not_valid(report)) == (twin["verdict"], twin["not_valid"]), twin["path"]
        assert report.verdict not in {Result.VALID, Result.ERASED}


@each_vector
def test_vector_is_in_its_one_form(folder: Path, entry: dict[str, Any]) -> None:
    content = (folder / entry["file"]).read_bytes()
    assert dumps(json.loads(content)) == content


def test_vectors_cover_what_evidence_can_show() -> None:
    entries = [entry for folder, entry in VECTORS if folder.name == "evidence-v1"]
    assert {entry["verdict"] for entry in entries} == {"valid", "invalid", "could_not_check"}
    assert {step[0] for entry in entries for step in entry["steps"]} >= set(STEP_NAMES)
    refused = {step[2] for entry in entries for twin in entry["altered"] for step in twin["not_valid"]}
    refused |= {step[2] for entry in entries for step in entry["steps"]}
    assert refused <= set(Reason)
    assert refused >= {
        "certificate_revoked", "checkpoint_differs", "commitment_differs", "contract_succeeded", "signature_invalid",
        "trust_outdated", "witness_signature_invalid", "witness_surplus", "witnesses_missing",
    }  # fmt: skip
    shown = "".join((SETS[0] / entry["file"]).read_text() for entry in entries)
    assert '"contract":1' in shown


def test_vectors_cover_what_can_be_erased() -> None:
    entries = [entry for folder, entry in VECTORS if folder.name == "evidence-v1-erased"]
    assert {entry["verdict"] for entry in entries} == {"valid", "invalid", "could_not_check", "erased"}
    refused = {step[2] for entry in entries for twin in entry["altered"] for step in twin["not_valid"]}
    assert refused >= {"erasure_invalid", "erasure_of_another", "erasure_too_early", "not_evidence", "head_differs"}


def test_every_file_is_listed_and_all_are_small() -> None:
    for folder in SETS:
        listed = {name for at, entry in VECTORS if at == folder for name in (entry["file"], entry["trust"])}
        assert {path.name for path in folder.iterdir()} == {"index.json", *listed}
    assert sum(path.stat().st_size for folder in SETS for path in folder.iterdir()) < SIZE_MAX
