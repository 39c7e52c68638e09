"""Suspension, quota and number segments, by officers alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.world import GROSS, NUMBER, QUOTA, World
from verifier.operations import Code, Operation, Reason
from verifier.words import NUMBER_SPACE_FIRST, NUMBER_SPACE_LAST, SEGMENT_BLOCK_SIZE, PartyKind, Table

SUSPEND, REINSTATE, SET_QUOTA, ALLOT = Code.SUSPEND, Code.REINSTATE, Code.SET_QUOTA, Code.ALLOT_SEGMENT
FREE = NUMBER + SEGMENT_BLOCK_SIZE  # the block after the seller's


def on(world: World, code: Code, name: str = "seller", by: str = "officer", **fields: Any) -> Operation:
    """One of the four operations, right but for `fields`."""
    if code == ALLOT:
        return world.allot_operation(name, fields.pop("first", FREE), by=by, **fields)
    if code == SET_QUOTA:
        fields.setdefault("terms", 5)
    return world.on_party(by, code, name, **fields)


@pytest.mark.parametrize("by", ["officer", "authority"])
@pytest.mark.parametrize("code", [SUSPEND, SET_QUOTA, ALLOT])
def test_officer_and_authority_supervise(world: World, code: Code, by: str) -> None:
    (event,) = world.do(by, on(world, code, by=by))
    assert event.topics[0] == world.ids["seller"]
    assert event.words[1] == world.word(Table.PARTY, world.ids["seller"])


@pytest.mark.parametrize("by", ["calendar", "seller", "clerk"])
@pytest.mark.parametrize("code", [SUSPEND, SET_QUOTA, ALLOT, REINSTATE])
def test_nobody_else_supervises(world: World, code: Code, by: str) -> None:
    operation = on(world, code, by=by)
    assert world.refusal(by, operation) == (Reason.NOT_PERMITTED, operation.number)


@pytest.mark.parametrize("code", [SUSPEND, SET_QUOTA, ALLOT])
def test_an_officer_acts_in_its_own_name_only(world: World, code: Code) -> None:
    operation = on(world, code, by="authority")
    assert world.refusal("officer", operation) == (Reason.NOT_PERMITTED, operation.number)


@pytest.mark.parametrize("code", [SUSPEND, SET_QUOTA, ALLOT])
def test_supervision_names_the_version(world: World, code: Code) -> None:
    operation = on(world, code, version=world.party("seller").version + 1)
    assert world.refusal("officer", operation) == (Reason.STALE_VERSION, operation.number)


@pytest.mark.parametrize("code", [SUSPEND, SET_QUOTA, ALLOT])
def test_a_party_that_is_named_but_not_enrolled_is_not_supervised(world: World, code: Code) -> None:
    world.do("clerk", world.issue_operation(buyer="newcomer"))
    world.ids["newcomer"] = world.state().buyer
    operation = on(world, code, "newcomer")
    assert world.refusal("officer", operation) == (Reason.UNKNOWN_PARTY, operation.number)


def test_a_party_that_does_not_exist_is_not_supervised(world: World) -> None:
    for number in (99, 2**32 + world.ids["seller"]):
        operation = world.by("officer", SUSPEND, number, version=world.party("seller").version)
        assert world.refusal("officer", operation) == (Reason.UNKNOWN_PARTY, number)


@pytest.mark.parametrize("name", ["officer", "calendar", "authority"])
@pytest.mark.parametrize("code", [SUSPEND, SET_QUOTA, ALLOT])
def test_only_enterprises_and_persons_are_supervised(world: World, code: Code, name: str) -> None:
    operation = on(world, code, name)
    assert world.refusal("officer", operation) == (Reason.UNKNOWN_PARTY, operation.number)


@pytest.mark.parametrize("code", [SET_QUOTA, ALLOT])
def test_a_person_has_neither_quota_nor_numbers(world: World, code: Code) -> None:
    operation = on(world, code, "clerk")
    assert world.refusal("officer", operation) == (Reason.UNKNOWN_PARTY, operation.number)


# -- suspension ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["seller", "clerk"])
def test_suspension_is_lifted_by_reinstating(world: World, name: str) -> None:
    before = world.party(name)
    assert world.refusal("officer", on(world, REINSTATE, name)) == (Reason.ALREADY_SO, world.ids[name])
    world.do("officer", on(world, SUSPEND, name))
    assert world.party(name).suspended == 1
    assert world.refusal("officer", on(world, SUSPEND, name)) == (Reason.ALREADY_SO, world.ids[name])
    world.do("officer", on(world, REINSTATE, name))
    after = world.party(name)
    assert after.suspended == 0
    assert after.pack() == before.pack() + (2 << 232)


def test_a_suspended_person_does_nothing(world: World) -> None:
    world.do("officer", on(world, SUSPEND, "clerk"))
    assert world.refusal("clerk", world.issue_operation()) == (Reason.SUSPENDED, NUMBER)
    world.do("officer", on(world, REINSTATE, "clerk"))
    world.do("clerk", world.issue_operation())


def test_a_suspended_enterprise_does_not_issue(world: World) -> None:
    world.do("officer", on(world, SUSPEND))
    assert world.refusal("clerk", world.issue_operation()) == (Reason.SUSPENDED, NUMBER)
    assert world.refusal("seller", world.issue_operation()) == (Reason.SUSPENDED, NUMBER)


def test_a_suspended_enterprise_still_files_and_hands_on(world: World) -> None:
    world.do("clerk", world.issue_operation(mode=0))
    world.do("officer", on(world, SUSPEND))
    world.do("seller", world.operation(Code.TRANSFER, "seller", party=world.ids["employer"]))
    world.do("seller", world.file_operation("seller"))
    world.do("seller", world.grant_operation("seller", "cashier", 2))


def test_suspension_of_the_first_actor_is_named_at_its_first_operation(world: World) -> None:
    world.do("officer", on(world, SUSPEND, "clerk"))
    operations = [world.issue_operation(number=NUMBER + index) for index in range(3)]
    assert world.refusal("clerk", *operations) == (Reason.SUSPENDED, NUMBER)


# -- quota --------------------------------------------------------------------------------------


@pytest.mark.parametrize("quota", [0, 1, 2**44 - 1])
def test_quota_is_set(world: World, quota: int) -> None:
    before = world.party("seller")
    world.do("officer", on(world, SET_QUOTA, terms=quota))
    after = world.party("seller")
    assert after.quota == quota
    assert after.pack() == before.pack() + (1 << 232) + ((quota - QUOTA) << 178)


def test_quota_fits_44_bits(world: World) -> None:
    operation = on(world, SET_QUOTA, terms=2**44)
    assert world.refusal("officer", operation) == (Reason.BAD_TERMS, operation.number)


def test_quota_changes(world: World) -> None:
    operation = on(world, SET_QUOTA, terms=QUOTA)
    assert world.refusal("officer", operation) == (Reason.ALREADY_SO, operation.number)


def test_a_quota_below_what_is_used_leaves_no_room(world: World) -> None:
    world.do("clerk", world.issue_operation())
    world.do("officer", on(world, SET_QUOTA, terms=GROSS - 1))
    one_fen = world.issue_operation(number=NUMBER + 1, gross=1, tax=0)
    assert world.refusal("clerk", one_fen) == (Reason.QUOTA_EXCEEDED, NUMBER + 1)
    world.do("officer", on(world, SET_QUOTA, terms=GROSS + 1))
    world.do("clerk", one_fen)


# -- segments -----------------------------------------------------------------------------------


def segment_of(world: World, number: int) -> int:
    return world.word(Table.SEGMENT, number // SEGMENT_BLOCK_SIZE)


def test_a_segment_of_64_blocks_is_the_sellers(world: World) -> None:
    world.do("officer", on(world, ALLOT, blocks=64))
    seller = world.ids["seller"]
    assert [segment_of(world, FREE + index * SEGMENT_BLOCK_SIZE) for index in range(65)] == [seller] * 64 + [0]
    last = FREE + 64 * SEGMENT_BLOCK_SIZE - 1
    world.do("clerk", world.issue_operation(number=last))
    operation = world.issue_operation(number=last + 1)
    assert world.refusal("clerk", operation) == (Reason.NOT_IN_SEGMENT, last + 1)


BAD_SEGMENTS: dict[str, tuple[int, int]] = {
    "no block": (FREE, 0),
    "65 blocks": (FREE, 65),
    "not a multiple of 10,000": (FREE + 1, 1),
    "below the number space": (NUMBER_SPACE_FIRST - SEGMENT_BLOCK_SIZE, 1),
    "last block beyond the number space": (NUMBER_SPACE_LAST + 1 - SEGMENT_BLOCK_SIZE, 2),
    "beyond the number space": (NUMBER_SPACE_LAST + 1, 1),
}


@pytest.mark.parametrize(("first", "blocks"), BAD_SEGMENTS.values(), ids=BAD_SEGMENTS)
def test_segments_lie_in_the_number_space(world: World, first: int, blocks: int) -> None:
    operation = on(world, ALLOT, first=first, blocks=blocks)
    assert world.refusal("officer", operation) == (Reason.BAD_TERMS, first)


def test_the_last_block_of_the_number_space_can_be_allotted(world: World) -> None:
    world.do("officer", on(world, ALLOT, first=NUMBER_SPACE_LAST + 1 - SEGMENT_BLOCK_SIZE))
    assert segment_of(world, NUMBER_SPACE_LAST) == world.ids["seller"]


def test_the_first_block_of_the_number_space_is_allotted_already(world: World) -> None:
    assert NUMBER == NUMBER_SPACE_FIRST
    operation = on(world, ALLOT, "employer", first=NUMBER)
    assert world.refusal("officer", operation) == (Reason.ALREADY_SO, NUMBER)


def test_no_block_of_a_segment_may_be_anothers(world: World) -> None:
    world.do("officer", on(world, ALLOT, "employer", first=FREE + 2 * SEGMENT_BLOCK_SIZE))
    operation = on(world, ALLOT, first=FREE, blocks=3)
    assert world.refusal("officer", operation) == (Reason.ALREADY_SO, FREE)
    world.do("officer", on(world, ALLOT, first=FREE, blocks=2))


def test_segments_of_one_group_do_not_overlap(world: World) -> None:
    first = on(world, ALLOT, "seller", first=FREE, blocks=3)
    inside = on(world, ALLOT, "employer", first=FREE + 2 * SEGMENT_BLOCK_SIZE)
    behind = on(world, ALLOT, "employer", first=FREE + 3 * SEGMENT_BLOCK_SIZE)
    assert world.refusal("officer", first, inside) == (Reason.OUT_OF_ORDER, inside.number)
    world.do("officer", first, behind)
    owners = [segment_of(world, FREE + index * SEGMENT_BLOCK_SIZE) for index in range(4)]
    assert owners == [world.ids["seller"]] * 3 + [world.ids["employer"]]


def test_a_refused_segment_is_named_by_its_own_number(world: World) -> None:
    taken = on(world, ALLOT, "employer", first=NUMBER, blocks=2)
    assert world.refusal("officer", taken, on(world, ALLOT, first=FREE)) == (Reason.ALREADY_SO, NUMBER)


def test_an_enterprise_enrolled_later_gets_numbers_too(world: World) -> None:
    world.enrol("shop", PartyKind.ENTERPRISE, quota=QUOTA)
    world.do("officer", on(world, ALLOT, "shop"))
    world.do("shop", world.issue_operation("shop", FREE))
