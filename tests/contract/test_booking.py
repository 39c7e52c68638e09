"""The holder enters an invoice into its accounts once, and may take the entry back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.world import NUMBER, World
from verifier.operations import Code, Operation, Reason
from verifier.words import Entry

BOOK, WITHDRAW = Code.BOOK, Code.WITHDRAW_BOOKING


@pytest.fixture
def held(world: World) -> World:
    """The employer, its named buyer, holds an invoice."""
    world.do("clerk", world.issue_operation())
    return world


def book(world: World, subject: str = "employer", label: int = 1, **fields: int) -> Operation:
    return world.operation(BOOK, subject, option=label, **fields)


def withdraw(world: World, subject: str = "employer", **fields: int) -> Operation:
    return world.operation(WITHDRAW, subject, **fields)


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    assert world.refusal(actor, operation) == (reason, NUMBER)


@pytest.mark.parametrize("actor", ["cashier", "employer"])
@pytest.mark.parametrize("label", [Entry.DEDUCTIBLE, Entry.NOT_DEDUCTIBLE])
def test_finance_books_and_withdraws_and_books_again(held: World, actor: str, label: int) -> None:
    before = held.state()
    (event,) = held.do(actor, book(held, label=label))
    assert held.state().pack() == before.pack() + (1 << 232) + (label << 4) == event.words[1]
    held.do(actor, withdraw(held))
    assert held.state().pack() == before.pack() + (2 << 232) + (Entry.WITHDRAWN << 4)
    held.do(actor, book(held, label=3 - label))
    assert held.state().pack() == before.pack() + (3 << 232) + (3 - label << 4)


@pytest.mark.parametrize("label", [1, 2])
def test_what_is_booked_is_not_booked_again(held: World, label: int) -> None:
    held.do("cashier", book(held, label=label))
    for again in (1, 2):
        refused(held, "cashier", book(held, label=again), Reason.ALREADY_SO)


def test_what_is_not_booked_is_not_withdrawn(held: World) -> None:
    refused(held, "cashier", withdraw(held), Reason.NOT_BOOKED)
    held.do("cashier", book(held))
    held.do("cashier", withdraw(held))
    refused(held, "cashier", withdraw(held), Reason.NOT_BOOKED)


@pytest.mark.parametrize("label", [0, 3, 5, 1 << 19 | 1])
def test_a_label_is_deductible_or_not(held: World, label: int) -> None:
    refused(held, "cashier", book(held, label=label), Reason.BAD_TERMS)


@pytest.mark.parametrize("bits", [1, 4, 5])
@pytest.mark.parametrize("code", [BOOK, WITHDRAW])
def test_booking_takes_the_finance_grant(held: World, bits: int, code: Code) -> None:
    if code == WITHDRAW:
        held.do("cashier", book(held))
    held.grant("employer", "intruder", bits)
    operation = held.operation(code, "employer", option=1)
    refused(held, "intruder", operation, Reason.NOT_PERMITTED)
    held.grant("employer", "intruder", 2)
    held.do("intruder", operation)


def test_another_enterprise_does_not_book(held: World) -> None:
    for actor in ("other employer", "seller", "officer"):
        refused(held, actor, book(held), Reason.NOT_PERMITTED)
        refused(held, actor, book(held, actor), Reason.NOT_HOLDER)


def test_a_person_does_not_book(world: World) -> None:
    world.do("clerk", world.issue_operation(first_holder="employee"))
    refused(world, "employee", book(world, "employee"), Reason.NOT_PERMITTED)
    refused(world, "employee", withdraw(world, "employee"), Reason.NOT_PERMITTED)


def test_a_seller_does_not_book_its_own_invoice(world: World) -> None:
    world.do("clerk", world.issue_operation(mode=0))
    refused(world, "seller", book(world, "seller"), Reason.OWN_INVOICE)
    world.do("seller", world.operation(Code.TRANSFER, "seller", party=world.ids["employer"]))
    world.do("cashier", book(world))


def test_a_claimed_and_a_settled_invoice_are_booked_by_the_employer(held: World) -> None:
    held.do("employee", held.operation(Code.LOCK, "employer", party=held.ids["employer"], terms=5))
    held.do("cashier", book(held))
    held.do("cashier", held.operation(Code.SETTLE, "employer", terms=5))
    assert held.state().entry == Entry.DEDUCTIBLE
    held.do("cashier", withdraw(held))


@pytest.mark.parametrize("version", [0, 2])
def test_booking_names_the_version(held: World, version: int) -> None:
    refused(held, "cashier", book(held, version=version), Reason.STALE_VERSION)
    held.do("cashier", book(held))
    refused(held, "cashier", withdraw(held, version=version + 1), Reason.STALE_VERSION)


def test_what_was_never_issued_is_not_booked(held: World) -> None:
    operation = replace(book(held), number=NUMBER + 1)
    assert held.refusal("cashier", operation) == (Reason.UNKNOWN_INVOICE, NUMBER + 1)


def test_one_group_books_many(held: World) -> None:
    held.do("clerk", *(held.issue_operation(number=NUMBER + index) for index in range(1, 4)))
    held.do("cashier", *(held.operation(BOOK, "employer", NUMBER + index, option=2) for index in range(4)))
    assert [held.state(NUMBER + index).entry for index in range(4)] == [Entry.NOT_DEDUCTIBLE] * 4
