"""Only the party's own, timely, new signature counts; everything else names nobody and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.model import recovered_address
from tests.contract.wire import Signed, address_of, as_int, key_of, sign_group
from tests.contract.world import NUMBER, World
from verifier.hashing import keccak256
from verifier.operations import GROUP_LIFETIME_MAX_S, SECP256K1_ORDER, Code, Operation, Reason, domain_separator
from verifier.words import PartyKind, Table


def signed_issue(world: World, **signing: Any) -> Signed:
    return world.sign("clerk", world.issue_operation(), **signing)


def applied(world: World, group: Signed) -> bool:
    return [event.name for event in world.send(group)] == ["Recorded"] and world.state().version == 1


def test_the_partys_signature_counts_whoever_sends_it(world: World) -> None:
    group = signed_issue(world)
    events = world.send(group, sender=7)
    assert [event.name for event in events] == ["Recorded"]
    assert world.spent(group.digest) == 1


def test_high_s_is_malformed_and_its_low_twin_counts(world: World) -> None:
    group = signed_issue(world)
    world.malformed(group.with_head(v=55 - group.v, s=SECP256K1_ORDER - group.head[2]))
    assert applied(world, group)


def test_another_chains_signature_is_malformed(world: World) -> None:
    separator = domain_separator(world.chain_id + 1, world.address)
    group = signed_issue(world, separator=separator)
    world.malformed(as_digested_here(world, group))
    assert applied(world, signed_issue(world))


def test_another_contracts_signature_is_malformed(world: World) -> None:
    separator = domain_separator(world.chain_id, keccak256(world.address)[12:])
    world.malformed(as_digested_here(world, signed_issue(world, separator=separator)))
    assert applied(world, signed_issue(world))


def as_digested_here(world: World, group: Signed) -> Signed:
    """The group with the digest this contract gives it, though another was signed."""
    valid_until = group.head[0] >> 160 & (1 << 64) - 1
    here = sign_group(world.separator, group.actor, valid_until, group.operations, key_of("clerk"))
    return Signed(group.head, group.operations, here.digest)


def test_a_signature_in_anothers_name_is_malformed(world: World) -> None:
    world.malformed(signed_issue(world, key=key_of("intruder")))
    assert applied(world, signed_issue(world))


def test_a_head_that_names_another_actor_is_malformed(world: World) -> None:
    world.malformed(signed_issue(world, key=key_of("clerk"), actor_id=world.ids["employee"]))
    assert applied(world, signed_issue(world))


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_v_other_than_27_or_28_is_malformed(world: World, v: int) -> None:
    group = signed_issue(world)
    world.malformed(group.with_head(v=v))
    assert applied(world, group)


def test_the_other_v_is_malformed(world: World) -> None:
    group = signed_issue(world)
    world.malformed(group.with_head(v=55 - group.v))
    assert applied(world, group)


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (0, 0), (SECP256K1_ORDER, 1)])
def test_impossible_r_and_s_are_malformed(world: World, r: int, s: int) -> None:
    world.malformed(signed_issue(world).with_head(r=r, s=s))


def test_nobody_signs_for_a_party_without_a_signer(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer="newcomer"))
    newcomer = world.state().buyer
    assert world.word(Table.PARTY, newcomer) & (1 << 160) - 1 == 0
    operation = world.issue_operation(number=NUMBER + 1)
    world.malformed(world.sign("newcomer", operation, actor_id=newcomer))
    # bytes that recover to no address at all must not match the empty signer
    world.malformed(world.sign("newcomer", operation, actor_id=newcomer).with_head(r=0, s=1))
    world.malformed(world.sign("newcomer", operation, actor_id=newcomer).with_head(v=0))


@pytest.mark.parametrize("actor", [0, 999, 2**32 - 1])
def test_nobody_signs_for_a_party_that_does_not_exist(world: World, actor: int) -> None:
    world.malformed(world.sign("clerk", world.issue_operation(), actor_id=actor))
    world.malformed(world.sign("clerk", world.issue_operation(), actor_id=actor).with_head(v=0))


def test_valid_until_is_the_last_second(world: World) -> None:
    group = signed_issue(world, valid_until=world.now)
    world.travel(world.now + 1)
    world.malformed(group)
    assert applied(world, signed_issue(world, valid_until=world.now))


def test_valid_until_is_a_day_ahead_at_most(world: World) -> None:
    world.malformed(signed_issue(world, valid_until=world.now + GROUP_LIFETIME_MAX_S + 1))
    assert applied(world, signed_issue(world, valid_until=world.now + GROUP_LIFETIME_MAX_S))


def test_an_applied_group_sent_again_is_malformed_not_a_second_attempt(world: World) -> None:
    group = signed_issue(world)
    assert applied(world, group)
    world.malformed(group)
    world.malformed(group.with_head(v=group.v), group)


def test_a_group_twice_in_one_batch_counts_once(world: World) -> None:
    group = signed_issue(world)
    assert [event.name for event in world.send(group, group)] == ["Recorded", "Malformed"]


def test_a_refused_group_stays_dead_when_its_reason_is_gone(world: World) -> None:
    group = world.sign("clerk", world.issue_operation(month=1200), valid_until=world.now + 3600)
    assert world.send(group)[0].words[0] == Reason.MONTH_NOT_OPEN
    world.do("calendar", world.open_month_operation("calendar", 1200))
    world.malformed(group)


def test_a_malformed_group_may_be_sent_right_later(world: World) -> None:
    group = signed_issue(world)
    world.malformed(group.with_head(v=0))
    assert world.spent(group.digest) == 0
    assert applied(world, group)


def test_every_signed_field_is_under_the_signature(world: World) -> None:
    group = signed_issue(world)
    other = world.issue_operation(ref=keccak256(b"another document"))
    swapped = sign_group(world.separator, group.actor, world.now + 3600, [other], key_of("clerk"))
    world.malformed(Signed(group.head, (other,), group_digest_of(world, group, swapped)))
    assert applied(world, group)


def group_digest_of(world: World, group: Signed, swapped: Signed) -> bytes:
    """Digest the contract gives the head of one group with the operations of another."""
    valid_until = group.head[0] >> 160 & (1 << 64) - 1
    return sign_group(world.separator, group.actor, valid_until, swapped.operations, key_of("clerk")).digest


def test_an_address_of_a_key_is_not_enough(world: World) -> None:
    # the authority's address is known to everybody: a signature by it must be its own
    operation = world.appoint_operation("second officer")
    stranger = keccak256(b"stranger")
    assert address_of(stranger) != address_of(key_of("authority"))
    world.malformed(world.sign("authority", operation, key=stranger))
    assert world.do("authority", operation)[0].name == "PartyChanged"


def test_a_malformed_group_with_a_broken_rule_is_not_refused(world: World) -> None:
    world.malformed(world.sign("intruder", world.operation(Code.LOCK, "seller", 5), key=key_of("clerk")))


def test_s_may_be_half_the_order_exactly(world: World) -> None:
    # any r and s recover to some address: a party is enrolled with the one that these bytes recover to
    half, r = SECP256K1_ORDER // 2, 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
    party = world.word(Table.PARTY_COUNT, 0) + 1
    rotation = Operation(code=Code.ROTATE_KEY, subject=party, number=party, version=1, terms=5)
    group = world.sign("clerk", rotation, actor_id=party).with_head(v=27, r=r, s=half)
    address = recovered_address(group.digest, group)
    assert address is not None
    world.do("officer", world.enrol_operation("odd one", PartyKind.PERSON, terms=as_int(address)))
    assert [event.name for event in world.send(group)] == ["PartyChanged"]
    assert recovered_address(group.digest, group.with_head(s=half + 1)) is None
