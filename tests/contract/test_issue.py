"""Issuing: inside one's own numbers, in an open month, within the quota, to a first holder that exists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.world import DAY_S, GROSS, MONTH, NUMBER, QUOTA, World, identity_of
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    MONTH_GRACE_S,
    SEGMENT_BLOCK_SIZE,
    Colour,
    PartyKind,
    PartyWord,
    StateWord,
    Table,
    TotalsWord,
)

NEXT = MONTH + 1


def refused(world: World, reason: Reason, operation: Operation, actor: str = "clerk") -> None:
    assert world.refusal(actor, operation) == (reason, operation.number)


# -- who holds it first -------------------------------------------------------------------------


@pytest.mark.parametrize("actor", ["clerk", "seller"])
@pytest.mark.parametrize("special", [0, 1])
def test_issued_to_the_buyer(world: World, actor: str, special: int) -> None:
    operation = world.issue_operation(special=special)
    (event,) = world.do(actor, operation)
    state = StateWord(
        colour=Colour.NORMAL,
        kind=special,
        seller=world.ids["seller"],
        buyer=world.ids["employer"],
        holder=world.ids["employer"],
        gross=GROSS,
        month=MONTH,
        version=1,
    )
    assert world.state() == state
    assert (event.name, event.topics[0], event.words[:2]) == ("Recorded", NUMBER, (operation.what, state.pack()))
    assert world.totals("seller") == TotalsWord(blue_gross=GROSS, blue_tax=1_300, quota_used=GROSS, count=1)


def test_issued_to_a_person(world: World) -> None:
    world.do("clerk", world.issue_operation(first_holder="employee"))
    assert (world.state().buyer, world.state().holder) == (world.ids["employer"], world.ids["employee"])
    world.do("clerk", world.issue_operation(number=NUMBER + 1, buyer=None, first_holder="employee"))
    assert (world.state(NUMBER + 1).buyer, world.state(NUMBER + 1).holder) == (0, world.ids["employee"])


@pytest.mark.parametrize("buyer", [None, "employer"])
def test_held_by_the_seller_until_pickup(world: World, buyer: str | None) -> None:
    world.do("clerk", world.issue_operation(buyer=buyer, mode=0))
    assert world.state().holder == world.ids["seller"]
    assert world.state().buyer == (world.ids[buyer] if buyer else 0)


def test_a_personal_buyer_holds_nothing_by_that_name(world: World) -> None:
    refused(world, Reason.BAD_TERMS, world.issue_operation(buyer=None, mode=1))


@pytest.mark.parametrize("name", ["employer", "officer", "authority", "calendar"])
def test_a_first_holder_named_is_a_person(world: World, name: str) -> None:
    refused(world, Reason.UNKNOWN_PARTY, world.issue_operation(mode=2, party=world.ids[name]))


@pytest.mark.parametrize("party", [0, 999])
def test_a_first_holder_named_exists(world: World, party: int) -> None:
    refused(world, Reason.UNKNOWN_PARTY, world.issue_operation(mode=2, party=party))


def test_a_new_buyer_is_named_once(world: World) -> None:
    events = world.do(
        "clerk",
        *(world.issue_operation(number=NUMBER + index, buyer="newcomer") for index in range(2)),
        world.issue_operation(number=NUMBER + 2, buyer="another newcomer"),
    )
    assert [event.name for event in events] == ["PartyNamed", "Recorded", "Recorded", "PartyNamed", "Recorded"]
    first = world.state().buyer
    assert [world.state(NUMBER + index).buyer for index in range(3)] == [first, first, first + 1]
    assert world.word(Table.PARTY, first) == PartyWord(kind=PartyKind.ENTERPRISE).pack()
    assert world.word(Table.PARTY_COUNT, 0) == first + 1


@pytest.mark.parametrize(("name", "kind"), [("employee", PartyKind.PERSON), ("officer", PartyKind.OFFICER)])
def test_a_named_buyer_is_an_enterprise(world: World, name: str, kind: PartyKind) -> None:
    refused(world, Reason.UNKNOWN_PARTY, world.issue_operation(who=identity_of(name, kind)))


# -- terms --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gross", "tax"), [(1, 0), (2, 1), (GROSS, 0), (QUOTA, QUOTA - 1)])
def test_terms_at_their_limits_are_taken(world: World, gross: int, tax: int) -> None:
    world.do("clerk", world.issue_operation(gross=gross, tax=tax))
    assert world.totals("seller") == TotalsWord(blue_gross=gross, blue_tax=tax, quota_used=gross, count=1)


BAD_TERMS: dict[str, dict[str, Any]] = {
    "no gross": {"terms": 0},
    "no gross but tax": {"terms": 5 << 48},
    "tax as high as gross": {"terms": GROSS | GROSS << 48},
    "terms over 96 bits": {"terms": GROSS | 1 << 96},
    "kind red": {"option": 2 | 1 << 2},
    "kind 3": {"option": 3 | 1 << 2},
    "first holder 3": {"option": 3 << 2},
    "first holder 4": {"option": 4 << 2},
    "first holder beyond": {"option": 1 << 19 | 1 << 2},
}


@pytest.mark.parametrize("fields", BAD_TERMS.values(), ids=BAD_TERMS)
def test_terms_are_checked(world: World, fields: dict[str, Any]) -> None:
    refused(world, Reason.BAD_TERMS, replace(world.issue_operation(), **fields))


@pytest.mark.parametrize("bit", [0, 23, 47])
def test_reserved_bits_are_unknown(world: World, bit: int) -> None:
    refused(world, Reason.UNKNOWN_OPERATION, world.issue_operation(reserved=1 << bit))


def test_a_new_invoice_has_version_0(world: World) -> None:
    refused(world, Reason.STALE_VERSION, world.issue_operation(version=1))


# -- numbers ------------------------------------------------------------------------------------


def test_the_last_number_of_the_segment_is_the_sellers(world: World) -> None:
    last = NUMBER + SEGMENT_BLOCK_SIZE - 1
    world.do("clerk", world.issue_operation(number=last))
    refused(world, Reason.NOT_IN_SEGMENT, world.issue_operation(number=last + 1))


def test_a_neighbours_number_is_not_the_sellers(world: World) -> None:
    world.do("officer", world.allot_operation("employer", NUMBER + SEGMENT_BLOCK_SIZE))
    refused(world, Reason.NOT_IN_SEGMENT, world.issue_operation(number=NUMBER + SEGMENT_BLOCK_SIZE))


@pytest.mark.parametrize("number", [0, 1, NUMBER - 1, 2**80 - 1])
def test_an_outside_number_is_in_no_segment(world: World, number: int) -> None:
    refused(world, Reason.NOT_IN_SEGMENT, world.issue_operation(number=number))


def test_a_number_is_issued_once(world: World) -> None:
    world.do("clerk", world.issue_operation())
    refused(world, Reason.NUMBER_TAKEN, world.issue_operation(gross=1, tax=0))


# -- who may issue ------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", ["intruder", "employee", "cashier", "employer"])
def test_only_the_seller_and_its_clerks_issue(world: World, actor: str) -> None:
    refused(world, Reason.NOT_PERMITTED, world.issue_operation(), actor)


@pytest.mark.parametrize("seller", ["clerk", "officer", "authority"])
def test_only_enterprises_issue(world: World, seller: str) -> None:
    refused(world, Reason.NOT_PERMITTED, world.issue_operation(seller), seller)


def test_a_seller_that_does_not_exist_issues_nothing(world: World) -> None:
    refused(world, Reason.NOT_PERMITTED, replace(world.issue_operation(), subject=999))
    refused(world, Reason.NOT_PERMITTED, replace(world.issue_operation(), subject=0))


# -- months -------------------------------------------------------------------------------------


def test_a_month_that_is_not_open_takes_no_issue(world: World) -> None:
    refused(world, Reason.MONTH_NOT_OPEN, world.issue_operation(month=NEXT))
    refused(world, Reason.MONTH_NOT_OPEN, world.issue_operation(month=0))


def test_a_month_opens_at_its_second(world: World) -> None:
    opens = world.now + 100
    world.do("calendar", world.open_month_operation("calendar", NEXT, opens=opens))
    world.travel(opens - 2)
    refused(world, Reason.MONTH_NOT_OPEN, world.issue_operation(month=NEXT))
    assert world.now == opens
    world.do("clerk", world.issue_operation(month=NEXT))


def test_a_month_closes_a_day_after_its_close(world: World) -> None:
    closes = world.now + 100
    world.do("calendar", world.open_month_operation("calendar", NEXT, closes=closes))
    world.travel(closes + MONTH_GRACE_S - 1)
    world.do("clerk", world.issue_operation(month=NEXT))
    assert world.now == closes + MONTH_GRACE_S
    refused(world, Reason.MONTH_NOT_OPEN, world.issue_operation(number=NUMBER + 1, month=NEXT))


def test_a_filed_month_takes_no_issue(world: World) -> None:
    world.do("seller", world.file_operation("seller"))
    refused(world, Reason.MONTH_FILED, world.issue_operation())


def test_the_month_before_last_must_be_filed(world: World) -> None:
    for month in (NEXT, NEXT + 1):
        world.do("calendar", world.open_month_operation("calendar", month, closes=world.now + 400 * DAY_S))
    world.do("clerk", world.issue_operation(month=NEXT))
    late = world.issue_operation(number=NUMBER + 1, month=NEXT + 1)
    refused(world, Reason.MONTHS_UNFILED, late)
    world.do("seller", world.file_operation("seller", MONTH))
    world.do("clerk", late)


# -- quota --------------------------------------------------------------------------------------


def test_the_quota_can_be_used_to_the_fen(world: World) -> None:
    world.do("clerk", world.issue_operation(gross=QUOTA - 1))
    refused(world, Reason.QUOTA_EXCEEDED, world.issue_operation(number=NUMBER + 1, gross=2, tax=0))
    world.do("clerk", world.issue_operation(number=NUMBER + 1, gross=1, tax=0))
    assert world.totals("seller").quota_used == QUOTA
    refused(world, Reason.QUOTA_EXCEEDED, world.issue_operation(number=NUMBER + 2, gross=1, tax=0))


def test_one_invoice_over_the_quota_is_refused(world: World) -> None:
    refused(world, Reason.QUOTA_EXCEEDED, world.issue_operation(gross=QUOTA + 1))


def test_the_quota_counts_inside_a_group(world: World) -> None:
    first = world.issue_operation(gross=QUOTA - 10)
    fits = world.issue_operation(number=NUMBER + 1, gross=10, tax=0)
    over = world.issue_operation(number=NUMBER + 1, gross=11, tax=0)
    assert world.refusal("clerk", first, over) == (Reason.QUOTA_EXCEEDED, NUMBER + 1)
    world.do("clerk", first, fits)
    assert world.totals("seller") == TotalsWord(blue_gross=QUOTA, blue_tax=1_300, quota_used=QUOTA, count=2)


def test_the_quota_is_of_one_month(world: World) -> None:
    world.do("calendar", world.open_month_operation("calendar", NEXT))
    world.do("clerk", world.issue_operation(gross=QUOTA))
    world.do("clerk", world.issue_operation(number=NUMBER + 1, gross=QUOTA, month=NEXT))
    assert world.totals("seller", NEXT).quota_used == world.totals("seller", MONTH).quota_used == QUOTA


def test_a_clerk_spends_the_sellers_quota_not_its_own(world: World) -> None:
    world.enrol("poor seller", PartyKind.ENTERPRISE, quota=GROSS)
    world.grant("poor seller", "clerk", 1)
    world.do("officer", world.allot_operation("poor seller", NUMBER + SEGMENT_BLOCK_SIZE))
    operation = world.issue_operation("poor seller", NUMBER + SEGMENT_BLOCK_SIZE, gross=GROSS + 1)
    refused(world, Reason.QUOTA_EXCEEDED, operation)
    world.do("clerk", replace(operation, terms=GROSS))


# -- groups of issues ---------------------------------------------------------------------------


def second_seller(world: World) -> None:
    world.enrol("second seller", PartyKind.ENTERPRISE, quota=QUOTA)
    world.grant("second seller", "clerk", 1)
    world.do("officer", world.allot_operation("second seller", NUMBER + SEGMENT_BLOCK_SIZE))


def test_a_group_issues_for_one_seller(world: World) -> None:
    second_seller(world)
    mine, theirs = world.issue_operation(), world.issue_operation("second seller", NUMBER + SEGMENT_BLOCK_SIZE)
    assert world.refusal("clerk", mine, theirs) == (Reason.MIXED_GROUP, theirs.number)
    world.do("clerk", mine)
    world.do("clerk", theirs)


def test_a_group_issues_in_one_month(world: World) -> None:
    world.do("calendar", world.open_month_operation("calendar", NEXT))
    first, second = world.issue_operation(), world.issue_operation(number=NUMBER + 1, month=NEXT)
    assert world.refusal("clerk", first, second) == (Reason.MIXED_GROUP, NUMBER + 1)
    world.do("clerk", first, replace(second, month=MONTH))


def test_issues_stand_first_in_their_group(world: World) -> None:
    world.do("clerk", world.issue_operation(mode=0))
    handover = world.operation(Code.TRANSFER, "seller", party=world.ids["employer"])
    issue = world.issue_operation(number=NUMBER + 1)
    assert world.refusal("seller", handover, issue) == (Reason.MIXED_GROUP, NUMBER + 1)
    world.do("seller", world.issue_operation(number=NUMBER + 2))
    other = world.issue_operation(number=NUMBER + 1)
    world.do("seller", other)
    world.do("seller", handover)


def test_other_operations_may_follow_the_issues_of_a_group(world: World) -> None:
    world.do("clerk", world.issue_operation(number=NUMBER + 1, mode=0))
    handover = world.operation(Code.TRANSFER, "seller", NUMBER + 1, party=world.ids["employee"])
    world.do("seller", world.issue_operation(), handover, world.issue_operation(number=NUMBER + 2))
    assert world.state(NUMBER + 1).holder == world.ids["employee"]
    assert world.totals("seller").count == 3


def test_one_bad_issue_refuses_its_whole_group(world: World) -> None:
    good = [world.issue_operation(number=NUMBER + index, buyer="newcomer") for index in (0, 2)]
    bad = world.issue_operation(number=NUMBER + 1, gross=0, tax=0)
    assert world.refusal("clerk", good[0], bad, good[1]) == (Reason.BAD_TERMS, NUMBER + 1)
    world.do("clerk", *good)


def test_a_later_group_adds_to_the_totals(world: World) -> None:
    world.do("clerk", *(world.issue_operation(number=NUMBER + index) for index in range(3)))
    world.do("clerk", world.issue_operation(number=NUMBER + 3))
    assert world.totals("seller") == TotalsWord(blue_gross=4 * GROSS, blue_tax=4 * 1_300, quota_used=4 * GROSS, count=4)
