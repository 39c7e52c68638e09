"""Head and state words are where, and what, the verifier computes by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.wire import Signed, address_of, as_int, key_of
from tests.contract.world import GROSS, MONTH, NUMBER, World
from verifier.hashing import ZERO_HASH
from verifier.operations import Code, Operation
from verifier.words import (
    RECOVERY_DELAY_S,
    Claim,
    ClaimWord,
    Colour,
    Entry,
    StateWord,
    Table,
    head_after,
)

CLAIM_ID = 5


def applied(world: World, group: Signed) -> int:
    """Time of the block the group was applied in, seconds."""
    time = world.now
    events = world.send(group)
    assert all(event.name == "Recorded" for event in events)
    assert world.tester.get_block_by_number("latest")["timestamp"] == time
    return time


def test_a_whole_history_is_in_two_words(world: World) -> None:
    ids = world.ids
    state = StateWord(
        colour=Colour.NORMAL,
        kind=1,
        seller=ids["seller"],
        buyer=ids["employer"],
        holder=ids["seller"],
        gross=GROSS,
        month=MONTH,
        version=1,
    )
    locked: dict[str, int] = {"claim": Claim.LOCKED}
    history: list[tuple[str, Operation, dict[str, int]]] = [
        ("clerk", world.issue_operation(mode=0, special=1), {"version": 0}),
        ("seller", op(world, Code.TRANSFER, "seller", 1, party=ids["employee"]), {"holder": ids["employee"]}),
        ("employee", op(world, Code.LOCK, "employee", 2, party=ids["employer"], terms=CLAIM_ID), locked),
        ("employee", op(world, Code.UNLOCK, "employee", 3, terms=CLAIM_ID), {"claim": Claim.FREE}),
        ("employee", op(world, Code.LOCK, "employee", 4, party=ids["employer"], terms=CLAIM_ID + 1), locked),
        (
            "cashier",
            op(world, Code.SETTLE, "employer", 5, terms=CLAIM_ID + 1),
            {"claim": Claim.SETTLED, "holder": ids["employer"]},
        ),
        ("cashier", op(world, Code.BOOK, "employer", 6, option=2), {"entry": Entry.NOT_DEDUCTIBLE}),
        ("employer", op(world, Code.WITHDRAW_BOOKING, "employer", 7), {"entry": Entry.WITHDRAWN}),
        ("employer", op(world, Code.BOOK, "employer", 8, option=1), {"entry": Entry.DEDUCTIBLE}),
    ]
    head = ZERO_HASH
    state = replace(state, version=0)
    for actor, operation, changes in history:
        group = world.sign(actor, operation)
        time = applied(world, group)
        state = replace(state, **(changes | {"version": state.version + 1}))
        signer = address_of(key_of(actor))
        head = head_after(head, group.digest, operation.hash(), signer, time, state.pack())
        assert world.stored(Table.STATE, NUMBER) == world.word(Table.STATE, NUMBER) == state.pack()
        assert world.stored(Table.HEAD, NUMBER) == world.word(Table.HEAD, NUMBER) == as_int(head)
        assert world.stored(Table.SPENT, as_int(group.digest) >> 8) == 1
        if operation.code == Code.LOCK:
            claim = ClaimWord(claimant=ids["employee"], employer=ids["employer"], time=time, claim_id=operation.terms)
            assert world.stored(Table.CLAIM, NUMBER) == claim.pack()


def op(world: World, code: Code, subject: str, version: int, **fields: int) -> Operation:
    return world.operation(code, subject, version=version, **fields)


@pytest.mark.parametrize("count", [1, 2, 3, 17])
def test_every_operation_of_a_group_has_its_own_head(world: World, count: int) -> None:
    operations = [world.issue_operation(number=NUMBER + index, gross=100 + index, tax=1) for index in range(count)]
    group = world.sign("clerk", *operations)
    time = applied(world, group)
    signer = address_of(key_of("clerk"))
    for operation in operations:
        state = world.stored(Table.STATE, operation.number)
        assert StateWord.unpack(state).gross == operation.terms & 0xFFFF
        expected = head_after(ZERO_HASH, group.digest, operation.hash(), signer, time, state)
        assert world.stored(Table.HEAD, operation.number) == as_int(expected)


def test_the_head_names_the_address_that_signed(world: World) -> None:
    recovery = world.on_party("authority", Code.RECOVER_KEY, "clerk", terms=as_int(address_of(key_of("new key"))))
    world.do("authority", recovery)
    world.travel(world.now + RECOVERY_DELAY_S)
    operation = world.issue_operation()
    group = world.sign("clerk", operation, key=key_of("new key"))
    time = applied(world, group)
    signer = address_of(key_of("new key"))
    state = world.stored(Table.STATE, NUMBER)
    expected = head_after(ZERO_HASH, group.digest, operation.hash(), signer, time, state)
    assert world.stored(Table.HEAD, NUMBER) == as_int(expected)


def test_party_operations_write_no_head(world: World) -> None:
    world.do("officer", world.on_party("officer", Code.SUSPEND, "clerk"))
    assert world.word(Table.HEAD, world.ids["clerk"]) == 0
