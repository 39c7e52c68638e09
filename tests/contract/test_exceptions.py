"""Exceptions gather what happened, and are acknowledged by an officer and by the company they name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.world import NUMBER, World
from verifier.operations import Code, Operation, Reason
from verifier.words import ExceptionKind, ExceptionWord

OFFICER, COMPANY = 1, 2


@pytest.fixture
def raised(world: World) -> World:
    """An invoice flagged after the employer settled it."""
    world.do("clerk", world.issue_operation(buyer=None, first_holder="employee"))
    world.do("employee", world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=5))
    world.do("cashier", world.operation(Code.SETTLE, "employer", terms=5))
    world.do("officer", world.operation(Code.SET_RISK_FLAG, "officer"))
    return world


def acknowledge(world: World, subject: str, **fields: int) -> Operation:
    return world.operation(Code.ACKNOWLEDGE_EXCEPTION, subject, **fields)


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    assert world.refusal(actor, operation) == (reason, NUMBER)


def test_an_exception_names_the_company_and_the_time(raised: World) -> None:
    word = raised.exception()
    assert word.party == raised.ids["employer"]
    assert word.kinds == ExceptionKind.FLAGGED_AFTER_USE
    assert (word.time, word.acknowledged) == (raised.now - 1, 0)


@pytest.mark.parametrize("first", ["officer", "cashier"])
def test_officer_and_company_acknowledge_once_each(raised: World, first: str) -> None:
    before = raised.state()
    bits = {"officer": OFFICER, "cashier": COMPANY}
    subjects = {"officer": "officer", "cashier": "employer"}
    second = ({"officer", "cashier"} - {first}).pop()
    (event,) = raised.do(first, acknowledge(raised, subjects[first]))
    assert event.name == "Recorded"
    assert raised.exception().acknowledged == bits[first]
    refused(raised, first, acknowledge(raised, subjects[first]), Reason.ALREADY_SO)
    raised.do(second, acknowledge(raised, subjects[second]))
    assert raised.exception().acknowledged == OFFICER | COMPANY
    for actor, subject in subjects.items():
        refused(raised, actor, acknowledge(raised, subject), Reason.ALREADY_SO)
    assert raised.state() == replace(before, version=before.version + 2)


@pytest.mark.parametrize(
    ("actor", "subject"),
    [("employee", "employer"), ("clerk", "seller"), ("other employer", "other employer"), ("calendar", "calendar"),
     ("officer", "authority"), ("officer", "employer"), ("cashier", "cashier"), ("seller", "seller")],
)  # fmt: skip
def test_nobody_else_acknowledges(raised: World, actor: str, subject: str) -> None:
    refused(raised, actor, acknowledge(raised, subject), Reason.NOT_PERMITTED)


def test_the_authority_acknowledges_as_an_officer(raised: World) -> None:
    raised.do("authority", acknowledge(raised, "authority"))
    refused(raised, "officer", acknowledge(raised, "officer"), Reason.ALREADY_SO)


def test_what_is_in_order_is_not_acknowledged(world: World) -> None:
    world.do("clerk", world.issue_operation())
    refused(world, "officer", acknowledge(world, "officer"), Reason.NO_EXCEPTION)
    unknown = replace(acknowledge(world, "officer"), number=NUMBER + 1)
    assert world.refusal("officer", unknown) == (Reason.UNKNOWN_INVOICE, NUMBER + 1)


def test_acknowledging_names_the_version(raised: World) -> None:
    refused(raised, "officer", acknowledge(raised, "officer", version=1), Reason.STALE_VERSION)


def test_a_new_exception_gathers_kinds_and_is_acknowledged_anew(raised: World) -> None:
    raised.do("officer", acknowledge(raised, "officer"))
    raised.do("cashier", acknowledge(raised, "employer"))
    raised.do("clerk", raised.slip_operation())
    raised.do("cashier", raised.operation(Code.CONFIRM_SLIP, "employer"))
    now = raised.now
    event = raised.do("clerk", raised.red_operation())[0]
    assert event.words[0] == ExceptionKind.REDDENED_AFTER_SETTLEMENT
    kinds = ExceptionKind.FLAGGED_AFTER_USE | ExceptionKind.REDDENED_AFTER_SETTLEMENT
    assert raised.exception() == ExceptionWord(kinds, raised.ids["employer"], now, 0)
    raised.do("officer", acknowledge(raised, "officer"))


def test_settled_and_deducted_are_raised_in_one(world: World) -> None:
    world.do("clerk", world.issue_operation(special=1))
    world.do("cashier", world.operation(Code.LOCK, "employer", party=world.ids["employer"], terms=5))
    world.grant("employer", "intruder", 2)
    world.do("intruder", world.operation(Code.SETTLE, "employer", terms=5))
    world.do("cashier", world.select_operation())
    world.do("cashier", world.confirm_month_operation("employer"))
    world.do("clerk", world.slip_operation())
    world.do("cashier", world.operation(Code.CONFIRM_SLIP, "employer"))
    event, *others = world.do("clerk", world.red_operation())
    assert event.words[0] == ExceptionKind.REDDENED_AFTER_SETTLEMENT | ExceptionKind.REDDENED_AFTER_DEDUCTION
    assert [other.name for other in others] == ["Recorded", "Recorded"]
