"""The statement's JSON Schema and the reader agree on what the file looks like."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.verifier.bundle_factory import NUMBER
from tests.verifier.statement_factory import NEVER, Ledger
from tests.verifier.test_statement import witnessed
from verifier.canonical import INTEGER_MAX, Json
from verifier.errors import ShapeError
from verifier.parsing import ACCOUNT_NODES_MAX, HEADER_SIZE_MAX, STORAGE_NODES_MAX
from verifier.statement import Says, Word
from verifier.statement_steps import STATEMENT_FIELDS, parse_statement
from verifier.trie import NODE_SIZE_MAX
from verifier.trust import CONTRACTS_MAX, WITNESSES_MAX
from verifier.witnesses import CHECKPOINT_SIZE_MAX, WITNESS_LINE_SIZE_MAX

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "statement-v1.schema.json").read_text())
LEDGER = Ledger()
FILES = tuple(
    json.loads(statement.to_bytes())
    for statement in (
        LEDGER.statement(NEVER),
        LEDGER.statement(NEVER, word=Word.HEAD),
        LEDGER.statement(NUMBER, Says.NOT_SETTLED),
        witnessed(LEDGER.statement(NEVER)),
    )
)
VALIDATOR = Draft202012Validator(SCHEMA)


def is_read(value: Json) -> bool:
    try:
        parse_statement(value)
    except ShapeError:
        return False
    return True


def test_the_schema_is_one_and_every_statement_follows_it() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for file in FILES:
        assert list(VALIDATOR.iter_errors(file)) == []
        assert is_read(file)


def changed(at: str, value: object) -> Callable[[dict[str, object]], None]:
    """Puts `value` at a dotted path."""

    def change(file: dict[str, object]) -> None:
        *parents, last = at.split(".")
        for key in parents:
            file = file[key]  # type: ignore[assignment]
        file[last] = value

    return change


NODES_MAX = {"proof.account": ACCOUNT_NODES_MAX, "proof.storage": STORAGE_NODES_MAX}


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.pop("word"),
        lambda file: file["chain"].pop("genesis"),
        lambda file: file["proof"].pop("header"),
        changed("note", "x"),
        changed("chain.note", "x"),
        changed("proof.note", "x"),
        changed("format", "einvoice-evidence"),
        changed("version", 2),
        changed("version", "1"),
        changed("chain.chain_id", -1),
        changed("chain.chain_id", "1"),
        changed("chain.contracts", []),
        changed("chain.contracts", ["00" * 20] * (CONTRACTS_MAX + 1)),
        changed("chain.contracts", ["AA" * 20]),
        changed("chain.contracts", ["00" * 19]),
        changed("chain.genesis", "0x" + "00" * 31),
        changed("number", 90000000000001234567),
        changed("number", "9" * 19),
        changed("number", "９" * 20),
        changed("says", "issued"),
        changed("says", ""),
        changed("word", "claim"),
        changed("proof.header", "*"),
        changed("proof.header", "A"),
        changed("proof.header", "AAAA" * (HEADER_SIZE_MAX // 3 + 2)),
        changed("proof.storage", ["AAAA" * (NODE_SIZE_MAX // 3 + 2)]),
        *(changed(at, ["AAAA"] * (most + 1)) for at, most in NODES_MAX.items()),
        changed("checkpoint", "x"),
        changed("checkpoint", 1),
        changed("witnesses", ["x"]),
        changed("witnesses", "x"),
    ],
)
def test_what_the_schema_refuses_the_reader_refuses_too(change: Callable[[dict[str, object]], None]) -> None:
    file = copy.deepcopy(FILES[0])
    change(file)
    assert list(VALIDATOR.iter_errors(file))
    assert not is_read(file)


@pytest.mark.parametrize(
    "change",
    [
        changed("checkpoint", None),
        changed("witnesses", []),
        changed("checkpoint", "x" * (CHECKPOINT_SIZE_MAX + 1)),
        changed("witnesses", ["x" * (WITNESS_LINE_SIZE_MAX + 1)]),
        changed("witnesses", ["x"] * (WITNESSES_MAX + 1)),
        changed("witnesses", [1]),
    ],
)
def test_of_witnessed_files_as_well(change: Callable[[dict[str, object]], None]) -> None:
    file = copy.deepcopy(FILES[3])
    change(file)
    assert list(VALIDATOR.iter_errors(file))
    assert not is_read(file)


def test_not_settled_by_the_head_is_refused_by_both() -> None:
    file = FILES[2] | {"word": "head"}
    assert list(VALIDATOR.iter_errors(file))
    assert not is_read(file)


def test_fields_and_limits_are_those_of_the_reader() -> None:
    properties = SCHEMA["properties"]
    assert set(properties) == set(STATEMENT_FIELDS) == set(SCHEMA["required"])
    assert properties["chain"]["properties"]["contracts"]["maxItems"] == CONTRACTS_MAX
    assert properties["chain"]["properties"]["chain_id"]["maximum"] == INTEGER_MAX
    assert properties["proof"]["properties"]["account"]["maxItems"] == ACCOUNT_NODES_MAX
    assert properties["proof"]["properties"]["storage"]["maxItems"] == STORAGE_NODES_MAX
    assert properties["proof"]["properties"]["header"]["maxLength"] == 4 * -(-HEADER_SIZE_MAX // 3)
    assert SCHEMA["$defs"]["node"]["maxLength"] == 4 * -(-NODE_SIZE_MAX // 3)
    assert properties["checkpoint"]["maxLength"] == CHECKPOINT_SIZE_MAX
    assert properties["witnesses"]["maxItems"] == WITNESSES_MAX
    assert properties["witnesses"]["items"]["maxLength"] == WITNESS_LINE_SIZE_MAX
    assert properties["says"]["enum"] == list(Says)
    assert properties["word"]["enum"] == list(Word)
