"""A ledger that retires hands everything to its successor, and history goes on there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.wire import RevertedError, address_int, as_int, key_of
from tests.contract.world import DAY_S, MONTH, NUMBER, World, identity_of, opened_world
from verifier.hashing import keccak256
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    RECOVERY_DELAY_S,
    SEGMENT_BLOCK_SIZE,
    Claim,
    Entry,
    PartyKind,
    StateWord,
    Table,
    hash_key,
    head_after,
)

CLAIM_ID = 77
CARRIED = [
    *((table, number) for table in (Table.STATE, Table.HEAD) for number in (NUMBER, NUMBER + 1)),
    (Table.CLAIM, NUMBER),
    *((Table.PARTY, party) for party in range(1, 12)),
    *((table, party) for table in (Table.IDENTITY, Table.CERTIFICATE) for party in range(2, 11)),
    (Table.PARTY_OF, hash_key(keccak256(identity_of("employer")))),
    (Table.SEGMENT, NUMBER // SEGMENT_BLOCK_SIZE),
    (Table.MONTH, MONTH),
    (Table.PARTY_COUNT, 0),
]


@pytest.fixture(scope="module")
def lived() -> World:
    """A ledger with a history: issued, named, claimed, booked, granted and revoked."""
    world = opened_world()
    world.do(
        "clerk",
        world.issue_operation(buyer=None, first_holder="employee"),
        world.issue_operation(number=NUMBER + 1),
        world.issue_operation(number=NUMBER + 2, buyer="newcomer"),
    )
    world.do("employee", world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=CLAIM_ID))
    world.do("cashier", world.operation(Code.BOOK, "employer", NUMBER + 1, option=1))
    world.grant("seller", "intruder", 7)
    world.do("seller", world.grant_operation("seller", "intruder", 7, Code.REVOKE))
    world.do("other employer", world.file_operation("other employer"))
    return world


@pytest.fixture
def old(lived: World) -> Iterator[World]:
    with lived.scratch() as scratch:
        yield scratch


def built_after(old: World) -> World:
    new = World.create(old.tester, old.address)
    return replace(new, ids=dict(old.ids))


def retirement(world: World, successor: bytes, by: str = "authority") -> Operation:
    return world.by(by, Code.RETIRE, 0, terms=as_int(successor))


@pytest.fixture
def new(old: World) -> World:
    """The successor, after the old contract handed over to it."""
    successor = built_after(old)
    old.do("authority", retirement(old, successor.address))
    return successor


# -- retiring -----------------------------------------------------------------------------------


def test_the_authority_retires_a_ledger(old: World) -> None:
    successor = built_after(old)
    assert old.successor() == 0
    (event,) = old.do("authority", retirement(old, successor.address))
    assert event.name == "Retired"
    assert event.words[0] == old.successor() == as_int(successor.address)


@pytest.mark.parametrize("actor", ["officer", "calendar", "seller", "clerk"])
def test_nobody_else_retires_it(old: World, actor: str) -> None:
    assert old.refusal(actor, retirement(old, old.address, actor)) == (Reason.NOT_PERMITTED, 0)
    assert old.successor() == 0


def test_the_authority_retires_in_its_own_name_only(old: World) -> None:
    operation = retirement(old, old.address, "officer")
    assert old.refusal("authority", operation) == (Reason.NOT_PERMITTED, 0)


@pytest.mark.parametrize("fields", [{"terms": 0}, {"terms": 1 << 160 | 5}, {"number": 1}])
def test_a_successor_is_an_address(old: World, fields: dict[str, Any]) -> None:
    operation = replace(retirement(old, old.address), **fields)
    assert old.refusal("authority", operation) == (Reason.BAD_TERMS, operation.number)


def test_a_retired_ledger_answers_malformed_from_the_next_group_on(old: World) -> None:
    successor = built_after(old)
    retire = old.sign("authority", retirement(old, successor.address))
    issue = old.sign("clerk", old.issue_operation(number=NUMBER + 5))
    events = old.send(retire, issue)
    assert [event.name for event in events] == ["Retired", "Malformed"]
    old.malformed(issue)
    old.malformed(old.sign("authority", retirement(old, old.address)))
    assert old.spent(issue.digest) == 0


def test_before_it_retires_a_ledger_still_applies(old: World) -> None:
    built_after(old)
    old.do("clerk", old.issue_operation(number=NUMBER + 5))


# -- taking over --------------------------------------------------------------------------------


def test_a_successor_does_nothing_before_its_predecessor_retires(old: World) -> None:
    successor = built_after(old)
    group = successor.sign("clerk", successor.issue_operation(number=NUMBER + 5))
    with pytest.raises(RevertedError):
        successor.send(group)
    other = built_after(old)
    old.do("authority", retirement(old, other.address))
    with pytest.raises(RevertedError):
        successor.send(group)


def test_a_successor_ignores_the_authority_it_was_built_with(new: World) -> None:
    assert new.stored(Table.PARTY_COUNT, 0) == new.stored(Table.PARTY, 1) == 0
    assert new.party("authority").signer == address_int("authority")


def test_every_word_is_carried_on(old: World, new: World) -> None:
    for table, key in CARRIED:
        assert new.word(table, key) == old.word(table, key) != 0
        assert new.stored(table, key) == 0
    for name in ("seller", "other employer"):
        assert new.totals(name) == old.totals(name)
        assert new.party(name) == old.party(name)
    assert new.grants("employer", "cashier") == 6 | 1 << 255


def test_the_old_ledgers_signatures_do_not_count_in_the_new_one(old: World, new: World) -> None:
    group = new.sign("clerk", new.issue_operation(number=NUMBER + 5), separator=old.separator)
    assert [event.name for event in new.send(group)] == ["Malformed"]


def test_history_goes_on(old: World, new: World) -> None:
    before, head = new.state(), new.word(Table.HEAD, NUMBER).to_bytes(32, "big")
    operation = new.operation(Code.SETTLE, "employer", terms=CLAIM_ID)
    time = new.now
    group = new.sign("cashier", operation)
    (event,) = new.send(group)
    after = new.state()
    assert (after.claim, after.holder, after.version) == (Claim.SETTLED, new.ids["employer"], before.version + 1)
    signer = address_int("cashier").to_bytes(20, "big")
    expected = head_after(head, group.digest, operation.hash(), signer, time, after.pack())
    assert event.words[2] == new.stored(Table.HEAD, NUMBER) == as_int(expected)
    assert old.state() == before  # the old one stays as it was left


def test_what_was_taken_stays_taken(new: World) -> None:
    assert new.refusal("clerk", new.issue_operation()) == (Reason.NUMBER_TAKEN, NUMBER)
    lock = new.operation(Code.LOCK, "employee", party=new.ids["other employer"], terms=5)
    assert new.refusal("employee", lock) == (Reason.LOCKED, NUMBER)
    book = new.operation(Code.BOOK, "employer", NUMBER + 1, option=2)
    assert new.refusal("cashier", book) == (Reason.ALREADY_SO, NUMBER + 1)
    allot = new.allot_operation("employer", NUMBER)
    assert new.refusal("officer", allot) == (Reason.ALREADY_SO, NUMBER)
    month = new.open_month_operation("calendar")
    assert new.refusal("calendar", month) == (Reason.ALREADY_SO, MONTH)
    filing = new.file_operation("other employer")
    assert new.refusal("other employer", filing) == (Reason.MONTH_FILED, MONTH)


def test_bookings_and_claims_can_be_undone_there(new: World) -> None:
    new.do("cashier", new.operation(Code.WITHDRAW_BOOKING, "employer", NUMBER + 1))
    assert new.state(NUMBER + 1).entry == Entry.WITHDRAWN
    new.do("employee", new.operation(Code.UNLOCK, "employee", terms=CLAIM_ID))
    assert new.state().claim == Claim.FREE


def test_totals_and_quota_go_on(old: World, new: World) -> None:
    before = old.totals("seller")
    new.do("clerk", new.issue_operation(number=NUMBER + 5, gross=100, tax=1))
    after = new.totals("seller")
    assert (after.count, after.quota_used) == (before.count + 1, before.quota_used + 100)
    over = new.issue_operation(number=NUMBER + 6, gross=new.party("seller").quota - after.quota_used + 1)
    assert new.refusal("clerk", over) == (Reason.QUOTA_EXCEEDED, NUMBER + 6)
    new.do("seller", new.file_operation("seller"))


def test_party_numbers_go_on(old: World, new: World) -> None:
    last = old.word(Table.PARTY_COUNT, 0)
    assert new.enrol("shop", PartyKind.ENTERPRISE) == last + 1
    assert new.enrol("newcomer", PartyKind.ENTERPRISE) == old.state(NUMBER + 2).buyer
    assert new.word(Table.PARTY_COUNT, 0) == last + 1
    assert old.word(Table.PARTY_COUNT, 0) == last


def test_grants_are_carried_on_and_revoked_ones_do_not_come_back(new: World) -> None:
    new.do("clerk", new.issue_operation(number=NUMBER + 5))
    operation = new.issue_operation(number=NUMBER + 6)
    assert new.refusal("intruder", operation) == (Reason.NOT_PERMITTED, NUMBER + 6)
    new.do("seller", new.grant_operation("seller", "clerk", 1, Code.REVOKE))
    assert new.stored(Table.GRANT, new.ids["seller"] << 32 | new.ids["clerk"]) == 1 << 255
    assert new.refusal("clerk", operation) == (Reason.NOT_PERMITTED, NUMBER + 6)


def test_a_pending_recovery_is_carried_on(old: World) -> None:
    operation = old.on_party("authority", Code.RECOVER_KEY, "seller", terms=address_int("new key"), ref=b"r" * 32)
    old.do("authority", operation)
    successor = built_after(old)
    old.do("authority", retirement(old, successor.address))
    successor.travel(successor.now + RECOVERY_DELAY_S)
    issue = successor.issue_operation(number=NUMBER + 5)
    successor.malformed(successor.sign("seller", issue))
    successor.do("seller", issue, key=key_of("new key"))
    party = successor.ids["seller"]
    assert successor.stored(Table.CERTIFICATE, party) == as_int(b"r" * 32)
    assert successor.stored(Table.PARTY, party) & (1 << 160) - 1 == address_int("new key")


def test_a_successor_is_succeeded_in_turn(old: World, new: World) -> None:
    third = built_after(new)
    new.do("clerk", new.issue_operation(number=NUMBER + 5))
    new.do("authority", retirement(new, third.address))
    new.malformed(new.sign("clerk", new.issue_operation(number=NUMBER + 6)))
    third.do("clerk", third.issue_operation(number=NUMBER + 6))
    assert third.state() == old.state() != StateWord()
    assert third.state(NUMBER + 5).version == 1
    assert third.totals("seller").count == 5
    third.travel(third.now + DAY_S)
    third.do("employee", third.operation(Code.UNLOCK, "employee", terms=CLAIM_ID))


def test_a_selection_taken_back_in_the_successor_stays_so(old: World) -> None:
    old.do("clerk", old.issue_operation(number=NUMBER + 3, special=1))
    old.do("cashier", old.select_operation(number=NUMBER + 3))
    new = built_after(old)
    old.do("authority", retirement(old, new.address))
    assert new.deducted("employer") == old.deducted("employer")
    assert (new.deducted("employer").valid_tax, new.deducted("employer").count) == (1_300, 1)
    new.do("cashier", new.operation(Code.UNSELECT, "employer", NUMBER + 3))
    assert (new.deducted("employer").valid_tax, new.deducted("employer").count) == (0, 0)
    assert new.word(Table.DEDUCTION, NUMBER + 3) == 1_300 | 1 << 255


def test_a_red_of_the_successor_takes_off_the_predecessors_blue(old: World) -> None:
    old.do("clerk", old.slip_operation(number=NUMBER + 1))
    new = built_after(old)
    old.do("authority", retirement(old, new.address))
    new.do("cashier", new.operation(Code.CONFIRM_SLIP, "employer", NUMBER + 1))
    new.do("clerk", new.red_operation(blue=NUMBER + 1))
    assert (new.state(NUMBER + 1).credited, old.state(NUMBER + 1).credited) == (11_300, 0)
    assert new.totals("seller").red_gross == 11_300
