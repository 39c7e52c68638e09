"""A party rotates its key; the authority recovers a lost one after three days in which the old key may object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.wire import address_int, as_int, key_of
from tests.contract.world import MONTH, NUMBER, World
from verifier.hashing import keccak256
from verifier.operations import Code, Operation, Reason
from verifier.words import RECOVERY_DELAY_S, PartyKind, Table

REF = keccak256(b"new certificate")
NEW = key_of("new key")


def rotation(world: World, name: str = "seller", **fields: Any) -> Operation:
    values: dict[str, Any] = {"terms": address_int("new key"), "ref": REF}
    return world.on_party(name, Code.ROTATE_KEY, name, **(values | fields))


def recovery(world: World, name: str = "seller", by: str = "authority", **fields: Any) -> Operation:
    values: dict[str, Any] = {"terms": address_int("new key"), "ref": REF}
    return world.on_party(by, Code.RECOVER_KEY, name, **(values | fields))


def certificate(world: World, name: str = "seller") -> int:
    return world.word(Table.CERTIFICATE, world.ids[name])


@pytest.mark.parametrize("name", ["authority", "officer", "calendar", "seller", "clerk"])
def test_every_party_rotates_its_own_key(world: World, name: str) -> None:
    before = world.party(name)
    (event,) = world.do(name, rotation(world, name))
    after = world.party(name)
    assert after.pack() == before.pack() - before.signer + address_int("new key") + (1 << 232)
    assert certificate(world, name) == as_int(REF)
    assert event.words[1] == after.pack()


def test_after_a_rotation_only_the_new_key_signs(world: World) -> None:
    world.do("seller", rotation(world))
    world.malformed(world.sign("seller", world.issue_operation()))
    world.do("seller", world.issue_operation(), key=NEW)


def test_a_rotation_counts_from_the_next_group_of_the_same_batch(world: World) -> None:
    rotate = world.sign("seller", rotation(world))
    old = world.sign("seller", world.issue_operation())
    new = world.sign("seller", world.issue_operation(), key=NEW)
    assert [event.name for event in world.send(rotate, old, new)][:2] == ["PartyChanged", "Malformed"]
    assert world.spent(new.digest) == 1


def test_nobody_rotates_another_partys_key(world: World) -> None:
    number = world.ids["seller"]
    for actor in ("clerk", "authority", "officer"):
        operation = world.on_party(actor, Code.ROTATE_KEY, "seller", terms=address_int("new key"))
        assert world.refusal(actor, operation) == (Reason.NOT_PERMITTED, number)
    in_its_name = rotation(world)
    assert world.refusal("clerk", in_its_name) == (Reason.NOT_PERMITTED, number)


def test_a_rotation_names_oneself_as_subject(world: World) -> None:
    operation = replace(rotation(world), subject=world.ids["employer"])
    assert world.refusal("seller", operation) == (Reason.NOT_PERMITTED, world.ids["seller"])


@pytest.mark.parametrize("terms", [0, 1 << 160])
def test_a_new_signer_is_an_address(world: World, terms: int) -> None:
    assert world.refusal("seller", rotation(world, terms=terms)) == (Reason.BAD_TERMS, world.ids["seller"])
    assert world.refusal("authority", recovery(world, terms=terms)) == (Reason.BAD_TERMS, world.ids["seller"])


def test_rotation_and_recovery_name_the_version(world: World) -> None:
    version = world.party("seller").version - 1
    number = world.ids["seller"]
    assert world.refusal("seller", rotation(world, version=version)) == (Reason.STALE_VERSION, number)
    assert world.refusal("authority", recovery(world, version=version)) == (Reason.STALE_VERSION, number)


def test_a_recovery_waits_three_days(world: World) -> None:
    before = world.party("seller")
    world.do("authority", recovery(world))
    due = world.tester.get_block_by_number("latest")["timestamp"] + RECOVERY_DELAY_S
    party = world.ids["seller"]
    assert world.party("seller").pack() == before.pack() + (1 << 232) + (1 << 165)
    assert world.word(Table.RECOVERY, party) == address_int("new key") | due << 160
    assert world.word(Table.RECOVERY_CERTIFICATE, party) == as_int(REF)

    world.travel(due - 1)
    world.malformed(world.sign("seller", world.issue_operation(), key=NEW))
    assert world.now == due
    world.do("seller", world.issue_operation(), key=NEW)


def test_until_then_the_old_key_signs(world: World) -> None:
    world.do("authority", recovery(world))
    world.travel(world.now + RECOVERY_DELAY_S - 2)
    world.do("seller", world.issue_operation())
    assert world.party("seller").recovery == 1


def test_a_due_recovery_is_written_at_its_first_use(world: World) -> None:
    world.do("authority", recovery(world))
    before, old_certificate = world.party("seller"), certificate(world)
    world.travel(world.now + RECOVERY_DELAY_S)
    world.malformed(world.sign("seller", world.issue_operation()))
    assert (world.party("seller"), certificate(world)) == (before, old_certificate)
    world.do("seller", world.issue_operation(), key=NEW)
    after = world.party("seller")
    assert after.pack() == before.pack() - before.signer + address_int("new key") - (1 << 165)
    assert certificate(world) == as_int(REF)
    world.malformed(world.sign("seller", world.issue_operation(number=NUMBER + 1)))
    world.do("seller", world.issue_operation(number=NUMBER + 1), key=NEW)


def test_a_refused_group_of_the_new_key_changes_nothing(world: World) -> None:
    world.do("authority", recovery(world))
    world.travel(world.now + RECOVERY_DELAY_S)
    bad = world.issue_operation(gross=0, tax=0)
    assert world.refusal("seller", bad, key=NEW) == (Reason.BAD_TERMS, NUMBER)
    assert world.party("seller").recovery == 1
    world.malformed(world.sign("seller", world.issue_operation()))
    world.do("seller", world.issue_operation(), key=NEW)


def test_a_due_recovery_shows_in_the_partys_own_operations(world: World) -> None:
    world.do("authority", recovery(world))
    world.travel(world.now + RECOVERY_DELAY_S)
    before = world.party("seller")
    world.do("seller", world.grant_operation("seller", "cashier", 2), key=NEW)
    after = world.party("seller")
    assert (after.signer, after.recovery, after.version) == (address_int("new key"), 0, before.version + 1)


def test_the_old_key_cancels_a_recovery_by_rotating(world: World) -> None:
    world.do("authority", recovery(world))
    world.do("seller", rotation(world, terms=address_int("safe key")))
    assert world.party("seller").recovery == 0
    world.travel(world.now + RECOVERY_DELAY_S)
    world.malformed(world.sign("seller", world.issue_operation(), key=NEW))
    world.do("seller", world.issue_operation(), key=key_of("safe key"))


def test_a_later_recovery_replaces_the_one_before(world: World) -> None:
    world.do("authority", recovery(world, terms=address_int("wrong key")))
    world.travel(world.now + RECOVERY_DELAY_S // 2)
    world.do("authority", recovery(world))
    world.travel(world.now + RECOVERY_DELAY_S // 2 + 10)
    world.malformed(world.sign("seller", world.issue_operation(), key=key_of("wrong key")))
    world.do("seller", world.issue_operation())
    world.travel(world.now + RECOVERY_DELAY_S // 2)
    world.do("seller", world.issue_operation(number=NUMBER + 1), key=NEW)


@pytest.mark.parametrize("actor", ["officer", "calendar", "seller", "clerk"])
def test_only_the_authority_recovers(world: World, actor: str) -> None:
    operation = recovery(world, by=actor)
    assert world.refusal(actor, operation) == (Reason.NOT_PERMITTED, world.ids["seller"])


def test_the_authority_recovers_in_its_own_name_only(world: World) -> None:
    operation = recovery(world, by="officer")
    assert world.refusal("authority", operation) == (Reason.NOT_PERMITTED, world.ids["seller"])


def test_a_party_without_a_key_has_none_to_recover(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer="newcomer"))
    world.ids["newcomer"] = world.state().buyer
    operation = recovery(world, "newcomer")
    assert world.refusal("authority", operation) == (Reason.UNKNOWN_PARTY, operation.number)
    world.enrol("newcomer", PartyKind.ENTERPRISE)
    world.do("authority", recovery(world, "newcomer"))


def test_a_recovered_officer_acts_with_the_new_key(world: World) -> None:
    world.do("authority", recovery(world, "officer"))
    world.travel(world.now + RECOVERY_DELAY_S)
    world.do("officer", world.enrol_operation("shop", PartyKind.ENTERPRISE), key=NEW)
    assert world.party("officer").signer == address_int("new key")


def test_a_key_recovered_to_itself_stays_in_use(world: World) -> None:
    world.do("authority", recovery(world, "calendar", terms=address_int("calendar")))
    world.travel(world.now + RECOVERY_DELAY_S)
    world.do("calendar", world.open_month_operation("calendar", MONTH + 1))
    assert world.party("calendar").recovery == 0
    assert certificate(world, "calendar") == as_int(REF)
