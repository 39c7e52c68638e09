"""Typed data says all of a group and nothing else: back and forth it is the same, and anything else is refused."""

from __future__ import annotations

import json

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.groups import ChainDomain, Group
from ledger.domain.key_proof import KeyProof, Purpose, read_proof
from ledger.domain.operation_texts import group_texts
from ledger.domain.typed_data import TypedDataError, group_typed_data, read_group
from verifier.operations import Operation

WORDS = st.binary(min_size=32, max_size=32)
OPERATIONS = st.builds(
    Operation.from_words,
    st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1), WORDS, WORDS,
)  # fmt: skip
GROUPS = st.builds(
    Group, st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.lists(OPERATIONS, min_size=1, max_size=4).map(tuple)
)
DOMAINS = st.builds(ChainDomain, st.integers(1, 2**53), st.binary(min_size=20, max_size=20))
PROOFS = st.builds(
    KeyProof, st.sampled_from(Purpose), st.text(max_size=40), st.text(max_size=60),
    st.binary(min_size=20, max_size=20), st.integers(0, 2**64 - 1),
)  # fmt: skip
SOME_KEY = bytes(31) + b"\1"


@given(GROUPS, DOMAINS)
def test_a_group_comes_back_as_it_was(group: Group, domain: ChainDomain) -> None:
    assert read_group(json.loads(json.dumps(group_typed_data(group, domain)))) == (group, domain)
    assert len(group_texts(group)) == len(group.operations) + 1  # words for whatever is to be signed, hostile or not


@given(PROOFS.filter(lambda proof: proof.identity.isprintable() and proof.name.isprintable()), DOMAINS)
def test_a_proof_comes_back_as_it_was(proof: KeyProof, domain: ChainDomain) -> None:
    assert read_proof(json.loads(json.dumps(proof.typed_data(domain)))) == (proof, domain)


@settings(max_examples=10)
@given(GROUPS, PROOFS.filter(lambda proof: (proof.identity + proof.name).isprintable()), DOMAINS)
def test_another_program_computes_the_same_digests(group: Group, proof: KeyProof, domain: ChainDomain) -> None:
    for typed_data, digest in (
        (group_typed_data(group, domain), group.digest(domain)),
        (proof.typed_data(domain), proof.digest(domain)),
    ):
        signed = Account.sign_typed_data(SOME_KEY, full_message=json.loads(json.dumps(typed_data)))
        assert bytes(signed.message_hash) == digest


@settings(max_examples=30)
@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda v: st.dictionaries(st.text(), v)))
def test_anything_else_is_refused(value: object) -> None:
    for read in (read_group, read_proof):
        with pytest.raises(TypedDataError):
            read(value)


def test_a_group_is_no_proof_and_a_proof_no_group() -> None:
    domain = ChainDomain(7, bytes(20))
    proof = KeyProof(Purpose.ENROL, "enterprise:X", "公司", bytes(20), 1)
    with pytest.raises(TypedDataError):
        read_group(proof.typed_data(domain))
    with pytest.raises(TypedDataError):
        read_proof(group_typed_data(Group(1, 1, (Operation(code=1, subject=1, number=1),)), domain))
