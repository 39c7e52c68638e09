"""Hostile bytes of a statement: any change gives a report, no traceback, and never a valid lie.

A proof of absence is that of every key below the same empty place. So another number put into a statement may, rarely,
be one that the same nodes prove absent as well: then the file is valid, and as true as the first.
"""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verifier.bundle_factory import NUMBER
from tests.verifier.statement_factory import ISSUED, NEVER, Ledger, others, words_of
from verifier.canonical import dumps
from verifier.hashing import keccak256
from verifier.report import Result
from verifier.statement import Says, Word, statement_key
from verifier.steps import examine
from verifier.words import storage_slot

LEDGER = Ledger((others(6) | words_of(NUMBER, ISSUED), others(1)))
FILES = (LEDGER.statement(NEVER).to_bytes(), LEDGER.statement(NUMBER, Says.NOT_SETTLED).to_bytes())
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8) | st.just("0" * 64)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


def is_valid(data: bytes) -> bool:
    report = examine(data, LEDGER.trust)
    report.to_text("zh")
    report.to_json("en")
    return report.verdict is Result.VALID


def refused(data: bytes) -> None:
    """Not valid, unless it is as it was, or says of another number what is true of that as well."""
    assert not is_valid(data) or data in FILES or is_as_true(data)


def is_as_true(data: bytes) -> bool:
    """Whether only number and word differ from a true statement, and no contract holds that word of that number."""
    value = json.loads(data)
    changes = {"number": value["number"], "word": value["word"]}
    if dumps(json.loads(FILES[0]) | changes) != data:
        return False
    slot = keccak256(storage_slot(statement_key(int(value["number"]), Word(value["word"]))))
    return not any(slot in storage for storage in LEDGER.storages)


def test_the_files_under_attack_are_valid() -> None:
    assert all(map(is_valid, FILES))


@quick
@given(st.sampled_from(FILES), st.data())
def test_a_flipped_byte_is_never_valid(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    flipped = data[at] ^ draw.draw(st.integers(1, 255))
    refused(data[:at] + bytes([flipped]) + data[at + 1 :])


@quick
@given(st.sampled_from(FILES), st.data())
def test_bytes_cut_out_or_put_in_are_never_valid(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(at, min(len(data), at + 200)))
    refused(data[:at] + draw.draw(st.binary(max_size=20)) + data[end:])


@quick
@given(st.sampled_from(FILES), st.data())
def test_another_value_anywhere_is_never_valid(data: bytes, draw: st.DataObject) -> None:
    value = json.loads(data)
    inner = draw.draw(st.sampled_from([value, value["chain"], value["proof"], value["proof"]["storage"]]))
    keys = sorted(inner) if isinstance(inner, dict) else range(len(inner))
    inner[draw.draw(st.sampled_from(keys))] = draw.draw(values)
    refused(dumps(value))


@quick
@given(st.binary(max_size=200) | values.map(dumps))
def test_arbitrary_bytes_are_no_statement(data: bytes) -> None:
    assert not is_valid(data)


def test_a_statement_that_says_the_other_thing_is_never_valid() -> None:
    for data in FILES:
        value = json.loads(data)
        other = "not_settled" if value["says"] == "not_issued" else "not_issued"
        assert not is_valid(dumps(value | {"says": other}))


@pytest.mark.slow
def test_every_character_of_the_file_matters() -> None:
    """Of one file that fits a small ledger; what stands in texts between quotes is most of it."""
    text = FILES[0].decode()
    for at, char in enumerate(text):
        other = {"0": "1", "A": "B", "a": "b"}.get(char, "0" if char.isalnum() else "x")
        refused((text[:at] + other + text[at + 1 :]).encode())


@quick
@given(st.integers(NUMBER - 20, NUMBER + 100) | st.integers(0, 10**20 - 1), st.sampled_from(list(Word)))
def test_another_number_put_in_is_valid_only_where_it_is_true(number: int, word: Word) -> None:
    refused(dumps(json.loads(FILES[0]) | {"number": f"{number:020d}", "word": word.value}))


def test_nodes_and_contracts_in_another_order_are_never_valid() -> None:
    for data in FILES:
        for path in (("proof", "storage"), ("proof", "account"), ("chain", "contracts")):
            value = copy.deepcopy(json.loads(data))
            value[path[0]][path[1]].reverse()
            assert not is_valid(dumps(value))
