"""An enterprise grants persons, and takes grants back; what it granted is what counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.world import NUMBER, World
from verifier.operations import Code, Reason
from verifier.words import Grant, Table

ONCE_GRANTED = 1 << 255
GRANT, REVOKE = Code.GRANT, Code.REVOKE


@pytest.mark.parametrize("bits", [1, 2, 4, 7])
def test_an_enterprise_grants(world: World, bits: int) -> None:
    before = world.party("employer")
    (event,) = world.do("employer", world.grant_operation("employer", "intruder", bits))
    assert world.grants("employer", "intruder") == bits | ONCE_GRANTED
    assert world.party("employer").pack() == before.pack() + (1 << 232)
    assert event.topics[0] == world.ids["employer"]


def test_grants_add_up_and_are_taken_back_one_by_one(world: World) -> None:
    world.grant("employer", "intruder", Grant.ISSUE)
    world.grant("employer", "intruder", Grant.ISSUE | Grant.CLAIM)
    assert world.grants("employer", "intruder") == 5 | ONCE_GRANTED
    world.do("employer", world.grant_operation("employer", "intruder", 6, REVOKE))
    assert world.grants("employer", "intruder") == 1 | ONCE_GRANTED
    world.do("employer", world.grant_operation("employer", "intruder", 7, REVOKE))
    assert world.grants("employer", "intruder") == ONCE_GRANTED


def test_what_is_granted_is_not_granted_again(world: World) -> None:
    operation = world.grant_operation("employer", "cashier", 6)
    assert world.refusal("employer", operation) == (Reason.ALREADY_SO, world.ids["cashier"])
    world.grant("employer", "cashier", 7)


def test_what_was_never_granted_is_not_taken_back(world: World) -> None:
    operation = world.grant_operation("employer", "cashier", 1, REVOKE)
    assert world.refusal("employer", operation) == (Reason.ALREADY_SO, world.ids["cashier"])
    never = world.grant_operation("employer", "intruder", 7, REVOKE)
    assert world.refusal("employer", never) == (Reason.ALREADY_SO, world.ids["intruder"])


BAD_GRANTS: dict[str, tuple[dict[str, Any], Reason]] = {
    "no bit": ({"option": 0}, Reason.BAD_TERMS),
    "unknown bit": ({"option": 8}, Reason.BAD_TERMS),
    "unknown bit beside a known one": ({"option": 9}, Reason.BAD_TERMS),
    "a bit far up": ({"option": 1 << 19 | 1}, Reason.BAD_TERMS),
    "stale version": ({"version": 0}, Reason.STALE_VERSION),
}


@pytest.mark.parametrize("code", [GRANT, REVOKE])
@pytest.mark.parametrize(("fields", "reason"), BAD_GRANTS.values(), ids=BAD_GRANTS)
def test_grant_terms_are_checked(world: World, fields: dict[str, Any], reason: Reason, code: Code) -> None:
    person = "cashier" if code == REVOKE else "intruder"
    operation = replace(world.grant_operation("employer", person, 2, code), **fields)
    assert world.refusal("employer", operation) == (reason, operation.number)


def test_the_number_of_a_grant_is_the_person(world: World) -> None:
    operation = world.grant_operation("employer", "intruder", 1, number=world.ids["cashier"])
    assert world.refusal("employer", operation) == (Reason.BAD_TERMS, world.ids["cashier"])


@pytest.mark.parametrize("name", ["seller", "officer", "authority"])
def test_only_persons_are_granted(world: World, name: str) -> None:
    operation = world.grant_operation("employer", name, 1)
    assert world.refusal("employer", operation) == (Reason.UNKNOWN_PARTY, world.ids[name])


def test_a_person_that_does_not_exist_is_not_granted(world: World) -> None:
    operation = world.grant_operation("employer", "intruder", 1, number=999, party=999)
    assert world.refusal("employer", operation) == (Reason.UNKNOWN_PARTY, 999)


@pytest.mark.parametrize("actor", ["clerk", "officer", "authority"])
def test_only_enterprises_grant(world: World, actor: str) -> None:
    operation = world.grant_operation(actor, "intruder", 1)
    assert world.refusal(actor, operation) == (Reason.NOT_PERMITTED, world.ids["intruder"])


@pytest.mark.parametrize("code", [GRANT, REVOKE])
@pytest.mark.parametrize("actor", ["cashier", "seller", "officer"])
def test_nobody_grants_for_another_enterprise(world: World, actor: str, code: Code) -> None:
    operation = world.grant_operation("employer", "cashier", 3, code)
    assert world.refusal(actor, operation) == (Reason.NOT_PERMITTED, world.ids["cashier"])


def test_an_enterprise_that_does_not_exist_grants_nothing(world: World) -> None:
    operation = world.grant_operation("employer", "cashier", 1, subject=999)
    assert world.refusal("employer", operation) == (Reason.UNKNOWN_PARTY, world.ids["cashier"])


def test_several_grants_of_one_group_name_the_same_version(world: World) -> None:
    operations = [world.grant_operation("employer", name, 1) for name in ("clerk", "cashier", "intruder")]
    before = world.party("employer").version
    world.do("employer", *sorted(operations, key=lambda operation: operation.number))
    assert world.party("employer").version == before + 3


def test_a_revoked_grant_counts_no_more(world: World) -> None:
    world.do("seller", world.grant_operation("seller", "clerk", 1, REVOKE))
    assert world.refusal("clerk", world.issue_operation()) == (Reason.NOT_PERMITTED, NUMBER)
    world.grant("seller", "clerk", 1)
    world.do("clerk", world.issue_operation())


@pytest.mark.parametrize("bits", [2, 4, 6])
def test_each_bit_grants_its_own_right_only(world: World, bits: int) -> None:
    world.grant("seller", "intruder", bits)
    assert world.refusal("intruder", world.issue_operation()) == (Reason.NOT_PERMITTED, NUMBER)
    world.grant("seller", "intruder", 1)
    world.do("intruder", world.issue_operation())


def test_a_grant_is_of_one_enterprise(world: World) -> None:
    world.grant("employer", "intruder", 7)
    assert world.word(Table.GRANT, world.ids["seller"] << 32 | world.ids["intruder"]) == 0
    assert world.refusal("intruder", world.issue_operation()) == (Reason.NOT_PERMITTED, NUMBER)
