"""The JSON Schemas of evidence and trust file: what they refuse, the reader refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.verifier.bundle_factory import MOVES, Scenario
from tests.verifier.test_erased import DATA as ERASED
from tests.verifier.test_hostile_bytes import DATA, TRUST, mutated, quick, values
from tests.verifier.worst_cases import CASES
from verifier import verify
from verifier.canonical import dumps
from verifier.errors import EvidenceError
from verifier.parsing import parse
from verifier.report import Result
from verifier.trust import parse_trust

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
VECTORS = sorted((Path(__file__).parents[1] / "vectors").glob("evidence-v1*"))
EVIDENCE = Draft202012Validator(json.loads((SCHEMAS / "evidence-v1.schema.json").read_bytes()))
TRUSTED = Draft202012Validator(json.loads((SCHEMAS / "trust-v1.schema.json").read_bytes()))
VALUE = json.loads(DATA)
TRUST_VALUE = json.loads(TRUST.to_bytes())


def is_read(data: bytes) -> bool:
    try:
        parse(data)
    except EvidenceError:
        return False
    return True


def is_trusted(data: bytes) -> bool:
    try:
        parse_trust(data)
    except EvidenceError:
        return False
    return True


@pytest.mark.parametrize("schema", [EVIDENCE, TRUSTED], ids=["evidence", "trust"])
def test_schema_is_one(schema: Draft202012Validator) -> None:
    Draft202012Validator.check_schema(schema.schema)


@pytest.mark.parametrize("vectors", VECTORS, ids=lambda folder: folder.name)
def test_every_vector_is_of_its_schema(vectors: Path) -> None:
    for entry in json.loads((vectors / "index.json").read_bytes()):
        assert TRUSTED.is_valid(json.loads((vectors / entry["trust"]).read_bytes()))
        data = (vectors / entry["file"]).read_bytes()
        assert EVIDENCE.is_valid(json.loads(data)) == is_read(data), entry["file"]


def test_files_of_the_tests_are_of_their_schemas() -> None:
    EVIDENCE.validate(VALUE)
    EVIDENCE.validate(json.loads(Scenario(moves=MOVES[:1], others=4).data))
    TRUSTED.validate(TRUST_VALUE)
    largest = json.loads(CASES["largest groups"]())
    assert EVIDENCE.is_valid(largest)


def test_an_erased_file_is_of_the_schema_and_holds_no_document_beside() -> None:
    erased = json.loads(ERASED)
    EVIDENCE.validate(erased)
    both = copy.deepcopy(erased)
    both["document"] |= VALUE["document"]
    empty, more = copy.deepcopy(erased), copy.deepcopy(erased)
    empty["document"] = {}
    more["document"]["erasure"]["reason"] = "none of the verifier's business"
    bare, high = copy.deepcopy(erased), copy.deepcopy(erased)
    bare["document"] = None
    high["document"]["erasure"]["at"] = 2**48
    for refused in (both, empty, more, bare, high):
        assert not EVIDENCE.is_valid(refused)
        assert not is_read(dumps(refused))


def set_to(value: Any, path: list[str | int], new: Any) -> Any:
    changed = copy.deepcopy(value)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return changed


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (["version"], 2),
        (["version"], True),
        (["format"], "einvoice-statement"),
        (["more"], 1),
        (["number"], "9" * 19),
        (["chain", "contracts"], []),
        (["chain", "contracts", 0], "AB" * 20),
        (["history"], []),
        (["history", 0, "time_s"], -1),
        (["history", 0, "operation"], ["00" * 32] * 3),
        (["history", 0, "group", "contract"], 16),
        (["history", 0, "group", "before"], ["00" * 32] * 256),
        (["document", "count"], 24_001),
        (["document", "shown", 0], [0, "a", "00" * 16]),
        (["document", "shown", 0, 3], {}),
        (["document", "hidden", 0, 1], "00" * 31),
        (["certificates"], []),
        (["certificates", 0], "AAA"),
        (["parties", 0, "party"], 0),
        (["parties", 0, "text"], "x" * 129),
        (["proof", "header"], "A" * 5468),
        (["proof", "account"], ["AAAA"] * 257),
        (["checkpoint"], None),
        (["witnesses"], []),
        (["witnesses", 0], "x" * 513),
    ],
)
def test_what_the_schema_of_evidence_refuses_is_not_read(path: list[str | int], new: Any) -> None:
    changed = set_to(VALUE, path, new)
    assert not EVIDENCE.is_valid(changed)
    assert not is_read(dumps(changed))


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (["version"], 2),
        (["version"], True),
        (["more"], 1),
        (["chain_id"], -1),
        (["genesis"], "00" * 31),
        (["contracts"], []),
        (["contracts"], [TRUST_VALUE["contracts"][0]] * 2),
        (["contracts", 0, "address"], "00" * 19),
        (["contracts", 0, "name"], "x"),
        (["sealers"], []),
        (["sealers", 0], "zz" * 64),
        (["authority_root"], "none"),
        (["witnesses", "needed"], 17),
        (["witnesses", "keys", 0], "name"),
        (["witnesses", "keys"], [TRUST_VALUE["witnesses"]["keys"][0]] * 2),
    ],
)
def test_what_the_schema_of_trust_refuses_is_not_trusted(path: list[str | int], new: Any) -> None:
    changed = set_to(TRUST_VALUE, path, new)
    assert not TRUSTED.is_valid(changed)
    assert not is_trusted(dumps(changed))


@quick
@given(mutated() | mutated(json.loads(ERASED)))
def test_whatever_is_read_is_of_the_schema(data: bytes) -> None:
    """The other way round: a reader that takes more than the schema says would be found here."""
    report = verify(data, TRUST)
    if is_read(data):
        assert EVIDENCE.is_valid(json.loads(data))
    else:
        assert report.verdict is Result.UNCHECKED
    assert report.steps[0].reason.value != "internal_fault"


@quick
@given(st.sampled_from(sorted(TRUST_VALUE)), values)
def test_whatever_is_trusted_is_of_the_schema(name: str, value: object) -> None:
    changed = TRUST_VALUE | {name: value}
    if is_trusted(dumps(changed)):
        assert TRUSTED.is_valid(changed)
