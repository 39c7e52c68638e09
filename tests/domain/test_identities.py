from __future__ import annotations

import pytest

from ledger.domain.errors import IdentityError, SaltError
from ledger.domain.identities import (
    Identity,
    authority_identity,
    buyer_identity_hash,
    calendar_identity,
    enterprise_identity,
    identity_hash,
    new_person_id,
    officer_identity,
    person_identity,
)
from ledger.domain.references import SALT_SIZE, new_reference, reference_hash, reference_matches
from verifier.hashing import ZERO_HASH, keccak256
from verifier.words import PartyKind


def test_identity_hash_is_keccak_of_the_text() -> None:
    text = "enterprise:91310112703255042R"
    assert str(enterprise_identity("91310112703255042R")) == text
    assert identity_hash(text) == keccak256(text.encode()) == enterprise_identity("91310112703255042R").hash


@pytest.mark.parametrize(
    "identity",
    [
        enterprise_identity("91310112703255042R"),
        enterprise_identity("123456789012345"),
        person_identity("0" * 32),
        officer_identity(new_person_id()),
        calendar_identity("months"),
        authority_identity("shenzhen"),
    ],
)
def test_identity_text_and_urn_are_read_back(identity: Identity) -> None:
    assert Identity.parse(str(identity)) == identity
    assert Identity.parse_urn(identity.urn) == identity
    assert identity.urn.startswith("urn:einvoice:")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "enterprise",
        "enterprise:",
        "enterprise:abc",
        "person:zz",
        "person:" + "A" * 32,
        "robot:1",
        "officer:" + "0" * 31,
    ],
)
def test_other_texts_are_no_identity(text: str) -> None:
    with pytest.raises(IdentityError):
        identity_hash(text)


def test_urn_of_another_namespace_is_refused() -> None:
    with pytest.raises(IdentityError):
        Identity.parse_urn("urn:other:enterprise:91310112703255042R")


def test_kind_of_an_identity_is_that_of_the_party() -> None:
    assert Identity.parse("calendar:months").kind is PartyKind.CALENDAR


def test_personal_buyer_has_no_identity_hash() -> None:
    assert buyer_identity_hash("") == ZERO_HASH
    assert buyer_identity_hash("91310112703255042R") != ZERO_HASH


def test_reference_hides_its_text_under_a_salt() -> None:
    reference = new_reference("付款 2026-11-05")
    assert reference.ref == keccak256(reference.salt + "付款 2026-11-05".encode())
    assert reference_matches(reference.ref, reference.salt, "付款 2026-11-05")
    assert not reference_matches(reference.ref, reference.salt, "付款 2026-11-06")
    assert new_reference("付款 2026-11-05").ref != reference.ref


@pytest.mark.parametrize("size", [0, SALT_SIZE - 1, SALT_SIZE + 1])
def test_salt_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(SaltError):
        reference_hash(bytes(size), "x")
