"""The holder hands an invoice on, and nobody else."""

from __future__ import annotations

import pytest

from tests.contract.world import NUMBER, World
from verifier.operations import Code, Operation, Reason
from verifier.words import LOCK_LIFETIME_S, Claim, Table

CLAIM_ID = 2**128 - 1


def transfer(world: World, to: str, subject: str = "seller", **fields: int) -> Operation:
    return world.operation(Code.TRANSFER, subject, party=world.ids[to], **fields)


def test_the_seller_hands_on_what_it_held_until_pickup(world: World) -> None:
    world.do("clerk", world.issue_operation(mode=0))
    before = world.state()
    operation = transfer(world, "employee")
    (event,) = world.do("seller", operation)
    after = world.state()
    assert after.pack() == before.pack() + (1 << 232) + ((world.ids["employee"] - world.ids["seller"]) << 78)
    assert (event.name, event.topics[0], event.words[:2]) == ("Recorded", NUMBER, (operation.what, after.pack()))


def test_a_person_hands_on_what_it_holds(world: World) -> None:
    world.do("clerk", world.issue_operation(first_holder="employee"))
    world.do("employee", transfer(world, "other employer", "employee"))
    assert world.state().holder == world.ids["other employer"]


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_issue_or_finance_grant_hands_on_for_an_enterprise(world: World, bits: int) -> None:
    world.do("clerk", world.issue_operation())
    world.grant("employer", "intruder", bits)
    world.do("intruder", transfer(world, "employee", "employer"))


@pytest.mark.parametrize("bits", [0, 4])
def test_without_such_a_grant_nobody_hands_on_for_an_enterprise(world: World, bits: int) -> None:
    world.do("clerk", world.issue_operation())
    if bits:
        world.grant("employer", "intruder", bits)
    operation = transfer(world, "employee", "employer")
    assert world.refusal("intruder", operation) == (Reason.NOT_PERMITTED, NUMBER)
    world.grant("employer", "intruder", 1)
    # the grant made before the refused bytes were signed anew: a fresh signature counts
    world.travel(world.now + 5)
    world.do("intruder", operation, valid_until=world.now + 60)


def test_nobody_hands_on_for_a_person(world: World) -> None:
    world.do("clerk", world.issue_operation(first_holder="employee"))
    for actor in ("cashier", "employer", "seller", "officer"):
        operation = transfer(world, "intruder", "employee")
        assert world.refusal(actor, operation) == (Reason.NOT_PERMITTED, NUMBER)


@pytest.mark.parametrize("actor", ["seller", "employee"])
def test_who_does_not_hold_it_cannot_hand_it_on(world: World, actor: str) -> None:
    world.do("clerk", world.issue_operation())
    operation = transfer(world, "employee", actor)
    assert world.refusal(actor, operation) == (Reason.NOT_HOLDER, NUMBER)


def test_who_handed_it_on_holds_it_no_more(world: World) -> None:
    world.do("clerk", world.issue_operation(mode=0))
    world.do("seller", transfer(world, "employee"))
    assert world.refusal("seller", transfer(world, "intruder")) == (Reason.NOT_HOLDER, NUMBER)
    world.do("employee", transfer(world, "seller", "employee"))


@pytest.mark.parametrize("name", ["officer", "authority", "calendar"])
def test_only_enterprises_and_persons_hold(world: World, name: str) -> None:
    world.do("clerk", world.issue_operation(mode=0))
    assert world.refusal("seller", transfer(world, name)) == (Reason.UNKNOWN_PARTY, NUMBER)


@pytest.mark.parametrize("party", [0, 999])
def test_a_new_holder_exists(world: World, party: int) -> None:
    world.do("clerk", world.issue_operation(mode=0))
    operation = world.operation(Code.TRANSFER, "seller", party=party)
    assert world.refusal("seller", operation) == (Reason.UNKNOWN_PARTY, NUMBER)


def test_an_invoice_is_not_handed_to_its_holder(world: World) -> None:
    world.do("clerk", world.issue_operation(mode=0))
    assert world.refusal("seller", transfer(world, "seller")) == (Reason.ALREADY_SO, NUMBER)


def test_a_buyer_that_is_not_enrolled_may_receive(world: World) -> None:
    world.do("clerk", world.issue_operation(mode=0, buyer="newcomer"))
    world.ids["newcomer"] = world.state().buyer
    world.do("seller", transfer(world, "newcomer"))


def test_a_transfer_names_the_version(world: World) -> None:
    world.do("clerk", world.issue_operation(mode=0))
    for version in (0, 2):
        assert world.refusal("seller", transfer(world, "employee", version=version)) == (Reason.STALE_VERSION, NUMBER)


@pytest.mark.parametrize("number", [NUMBER, 0, 2**80 - 1])
def test_an_invoice_that_was_never_issued_is_unknown(world: World, number: int) -> None:
    operation = world.operation(Code.TRANSFER, "seller", number, party=world.ids["employee"])
    assert world.refusal("seller", operation) == (Reason.UNKNOWN_INVOICE, number)


def test_a_claimed_invoice_stays_where_it_is(world: World) -> None:
    world.do("clerk", world.issue_operation(first_holder="employee"))
    world.do("employee", world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=CLAIM_ID))
    assert world.refusal("employee", transfer(world, "intruder", "employee")) == (Reason.LOCKED, NUMBER)
    world.do("cashier", world.operation(Code.SETTLE, "employer", terms=CLAIM_ID))
    assert world.refusal("cashier", transfer(world, "intruder", "employer")) == (Reason.SETTLED, NUMBER)


def test_a_lapsed_lock_ends_with_the_next_transfer(world: World) -> None:
    world.do("clerk", world.issue_operation(first_holder="employee"))
    world.do("employee", world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=CLAIM_ID))
    locked_at = world.claim().time
    world.travel(locked_at + LOCK_LIFETIME_S - 1)
    assert world.refusal("employee", transfer(world, "intruder", "employee")) == (Reason.LOCKED, NUMBER)
    assert world.now > locked_at + LOCK_LIFETIME_S - 1
    world.do("employee", transfer(world, "intruder", "employee"))
    assert (world.state().claim, world.state().holder) == (Claim.FREE, world.ids["intruder"])
    assert world.word(Table.CLAIM, NUMBER) != 0  # kept as it was, though it locks no more


def test_a_booked_invoice_is_not_handed_on_nor_claimed_until_the_booking_is_withdrawn(world: World) -> None:
    world.do("clerk", world.issue_operation())
    world.do("cashier", world.operation(Code.BOOK, "employer", option=1))
    assert world.refusal("cashier", transfer(world, "employee", "employer")) == (Reason.ALREADY_SO, NUMBER)
    claim = {"party": world.ids["employer"], "terms": CLAIM_ID}
    assert world.refusal("cashier", world.operation(Code.LOCK, "employer", **claim)) == (Reason.ALREADY_SO, NUMBER)
    world.do("cashier", world.operation(Code.WITHDRAW_BOOKING, "employer"))
    world.do("cashier", transfer(world, "employee", "employer"))
    assert world.state().holder == world.ids["employee"]
