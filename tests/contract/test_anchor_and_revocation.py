"""Officers anchor the head of the audit log and revoke certificates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.wire import address_int
from tests.contract.world import World
from verifier.hashing import keccak256
from verifier.operations import Code, Operation, Reason
from verifier.words import WRITTEN, PartyKind, Table, hash_key

ANOTHER = keccak256(b"another certificate")


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    assert world.refusal(actor, operation) == (reason, operation.number)


def revoked(world: World, name: str) -> int:
    return world.word(Table.REVOKED, hash_key(keccak256(f"certificate of {name}".encode())))


@pytest.mark.parametrize("by", ["officer", "authority"])
def test_officers_anchor_the_audit_log(world: World, by: str) -> None:
    before = world.party(by)
    (event,) = world.do(by, world.anchor_operation(by))
    assert event.name == "PartyChanged"
    assert world.word(Table.ANCHOR, world.ids[by]).to_bytes(32, "big") == keccak256(b"head of the audit log")
    assert world.party(by) == replace(before, version=before.version + 1)
    world.do(by, world.anchor_operation(by, who=b"\1" * 32))
    assert world.word(Table.ANCHOR, world.ids[by]).to_bytes(32, "big") == b"\1" * 32


@pytest.mark.parametrize("by", ["calendar", "seller", "clerk"])
def test_nobody_else_anchors(world: World, by: str) -> None:
    refused(world, by, world.anchor_operation(by), Reason.NOT_PERMITTED)


ANCHORS: dict[str, tuple[dict[str, Any], Reason]] = {
    "no head": ({"who": bytes(32)}, Reason.BAD_TERMS),
    "old": ({"version": 9}, Reason.STALE_VERSION),
    "reserved bits": ({"reserved": 1}, Reason.UNKNOWN_OPERATION),
}


@pytest.mark.parametrize(("fields", "reason"), ANCHORS.values(), ids=ANCHORS)
def test_anchors_out_of_range_are_refused(world: World, fields: dict[str, Any], reason: Reason) -> None:
    refused(world, "officer", world.anchor_operation(**fields), reason)


def test_an_officer_anchors_in_its_own_name(world: World) -> None:
    world.appoint("second officer")
    of_another = world.anchor_operation("second officer")
    refused(world, "officer", of_another, Reason.NOT_PERMITTED)
    refused(world, "officer", replace(of_another, subject=world.ids["officer"]), Reason.NOT_PERMITTED)
    refused(world, "second officer", replace(of_another, subject=world.ids["officer"]), Reason.NOT_PERMITTED)
    refused(world, "officer", replace(world.anchor_operation(), number=99), Reason.UNKNOWN_PARTY)


@pytest.mark.parametrize("by", ["officer", "authority"])
@pytest.mark.parametrize("name", ["seller", "clerk"])
def test_officers_revoke_certificates(world: World, by: str, name: str) -> None:
    before, now = world.party(name), world.now
    (event,) = world.do(by, world.revoke_operation(name, by, reason=4))
    assert event.name == "PartyChanged"
    assert revoked(world, name) == now | 4 << 40 | world.ids[name] << 48
    assert world.party(name) == replace(before, version=before.version + 1)
    refused(world, by, world.revoke_operation(name, by), Reason.ALREADY_SO)
    world.do(by, world.revoke_operation(name, by, who=keccak256(b"an older one")))


@pytest.mark.parametrize("name", ["officer", "calendar", "authority"])
def test_an_offices_certificate_is_revoked_by_the_authority(world: World, name: str) -> None:
    world.appoint("second officer")
    refused(world, "second officer", world.revoke_operation(name, "second officer"), Reason.NOT_PERMITTED)
    world.do("authority", world.revoke_operation(name, "authority"))


@pytest.mark.parametrize("by", ["calendar", "seller", "clerk"])
def test_nobody_else_revokes(world: World, by: str) -> None:
    refused(world, by, world.revoke_operation("seller", by), Reason.NOT_PERMITTED)


@pytest.mark.parametrize("reason", [0, 10])
def test_reasons_are_those_of_the_standard(world: World, reason: int) -> None:
    world.do("officer", world.revoke_operation("seller", reason=reason))


REVOCATIONS: dict[str, tuple[dict[str, Any], Reason]] = {
    "eleventh reason": ({"reason": 11}, Reason.BAD_TERMS),
    "no certificate": ({"who": bytes(32)}, Reason.BAD_TERMS),
    "old": ({"version": 9}, Reason.STALE_VERSION),
    "reserved bits": ({"reserved": 1}, Reason.UNKNOWN_OPERATION),
}


@pytest.mark.parametrize(("fields", "reason"), REVOCATIONS.values(), ids=REVOCATIONS)
def test_revocations_out_of_range_are_refused(world: World, fields: dict[str, Any], reason: Reason) -> None:
    refused(world, "officer", world.revoke_operation("seller", **fields), reason)


def test_an_officer_revokes_in_its_own_name(world: World) -> None:
    operation = replace(world.revoke_operation("seller"), subject=world.ids["authority"])
    refused(world, "officer", operation, Reason.NOT_PERMITTED)


def test_a_party_that_does_not_exist_has_no_certificate(world: World) -> None:
    refused(world, "officer", replace(world.revoke_operation("seller"), number=99), Reason.UNKNOWN_PARTY)


def test_a_party_named_but_not_enrolled_can_have_one(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer="newcomer"))
    world.ids["newcomer"] = world.state().buyer
    assert world.party("newcomer").kind == PartyKind.ENTERPRISE
    world.do("officer", world.revoke_operation("newcomer"))


def given(world: World, name: str, by: str, certificate: bytes) -> None:
    """The party is given that certificate, with a new key of its own or by a recovery."""
    code = Code.ROTATE_KEY if by == name else Code.RECOVER_KEY
    world.do(by, world.on_party(by, code, name, terms=address_int(f"next key of {name}"), ref=certificate))


@pytest.mark.parametrize("by", ["seller", "authority"])
def test_a_certificate_given_to_a_party_has_a_word_until_it_is_revoked(world: World, by: str) -> None:
    """A proof that it is not revoked must show a word of its own: one of absence would end at some other word."""
    assert world.word(Table.REVOKED, hash_key(ANOTHER)) == 0
    given(world, "seller", by, ANOTHER)
    assert world.word(Table.REVOKED, hash_key(ANOTHER)) == WRITTEN
    now = world.now
    world.do("officer", world.revoke_operation("seller", who=ANOTHER, reason=1))
    assert world.word(Table.REVOKED, hash_key(ANOTHER)) == now | 1 << 40 | world.ids["seller"] << 48
    refused(world, "officer", world.revoke_operation("seller", who=ANOTHER), Reason.ALREADY_SO)


def test_a_new_partys_certificate_has_its_word(world: World) -> None:
    world.do("officer", world.enrol_operation("newcomer", PartyKind.ENTERPRISE, ref=ANOTHER))
    assert world.word(Table.REVOKED, hash_key(ANOTHER)) == WRITTEN


def test_a_revoked_certificate_given_again_stays_revoked(world: World) -> None:
    now = world.now
    world.do("officer", world.revoke_operation("seller", who=ANOTHER, reason=1))
    given(world, "seller", "seller", ANOTHER)
    assert world.word(Table.REVOKED, hash_key(ANOTHER)) == now | 1 << 40 | world.ids["seller"] << 48
