"""Registering a number of elsewhere over another company's claim, to learn who claimed it there, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.formats import Strength
from ledger.service import Caller
from ledger.service.outside_facts import OutsideItem, item_of_fields
from tests.attack.conftest import Cast
from tests.service.test_outside import stronger
from tests.service.world import World, must


@pytest.fixture
def item(world: World) -> OutsideItem:
    """An invoice of elsewhere, typed, of another number every time."""
    number = f"{int(world.key().removeprefix('key-')):08d}"
    return item_of_fields({"code": "044031900999", "number": number, "gross": "106.00", "issued_on": "2026-01-15"}, "x")


def claimed(world: World, caller: Caller, employer: Caller, item: OutsideItem) -> str:
    answer = world.ledger.open_claim(
        caller, [], employer=employer.party, reference="BX", outside=[item], idempotency_key=world.key()
    )
    must(answer)
    return answer.written.claim_id or ""


def actors(world: World, caller: Caller, number: str) -> list[str]:
    return [step.actor_name for step in world.ledger.history(caller, number)]


def claim_ids(world: World, caller: Caller, number: str) -> list[str | None]:
    page = world.ledger.events.page(caller, limit=50)
    found: list[Any] = list(page.items)
    while page.more:
        page = world.ledger.events.page(caller, after=page.next_cursor, limit=50)
        found += page.items
    return [one.claim_id for one in found if one.number == number]


def test_who_takes_a_claim_over_does_not_learn_who_had_it_nor_the_other_way_round(
    world: World, cast: Cast, item: OutsideItem
) -> None:
    number = item.read.number
    first = claimed(world, cast.claimant, cast.employer, item)
    assert actors(world, cast.claimant, number) == ["张三"]
    assert actors(world, cast.cashier, number) == ["张三"]
    second = claimed(world, cast.attacker, cast.front, stronger(item, Strength.SIGNED_ORIGINAL))
    bare = f"person {cast.claimant.party}"
    assert actors(world, cast.attacker, number) == [bare, "恶人"]
    assert actors(world, cast.front, number) == [bare, "恶人"]
    assert actors(world, world.officer, number) == ["张三", "恶人"]
    assert claim_ids(world, cast.claimant, number) == [first, None]
    assert claim_ids(world, cast.employer, number) == [first, None]
    assert claim_ids(world, cast.attacker, number)[-1] == second
    assert claim_ids(world, world.officer, number) == [first, second]


def test_who_disputes_what_was_paid_is_not_named_to_who_paid(world: World, cast: Cast, item: OutsideItem) -> None:
    number = item.read.number
    first = claimed(world, cast.claimant, cast.employer, item)
    must(world.ledger.approve_claim(cast.cashier, first, payment_reference="FK", idempotency_key=world.key()))
    claimed(world, cast.attacker, cast.front, stronger(item, Strength.SIGNED_ORIGINAL))
    assert actors(world, cast.cashier, number) == ["张三", "李财务", f"person {cast.attacker.party}"]
    assert claim_ids(world, cast.employer, number) == [first, first, None]
    assert actors(world, world.officer, number) == ["张三", "李财务", "恶人"]


def test_within_one_company_they_are_named(world: World, cast: Cast, item: OutsideItem) -> None:
    number = item.read.number
    colleague = world.person("王五", (cast.employer, ["claim"]))
    first = claimed(world, cast.claimant, cast.employer, item)
    second = claimed(world, colleague, cast.employer, stronger(item, Strength.ORIGINAL))
    assert actors(world, cast.cashier, number) == ["张三", "王五"]
    assert claim_ids(world, cast.cashier, number) == [first, second]
