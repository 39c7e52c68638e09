"""Officers flag, unlock by force, and lift the block of an enterprise that has not filed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.world import DAY_S, MONTH, NUMBER, World
from verifier.operations import Code, Operation, Reason
from verifier.words import LOCK_LIFETIME_S, Claim, ExceptionKind, Table, Use

SET, CLEAR, FORCE = Code.SET_RISK_FLAG, Code.CLEAR_RISK_FLAG, Code.FORCE_UNLOCK


@pytest.fixture
def special(world: World) -> World:
    world.do("clerk", world.issue_operation(special=1))
    return world


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    assert world.refusal(actor, operation) == (reason, operation.number)


def lock(world: World) -> None:
    world.do("cashier", world.operation(Code.LOCK, "employer", party=world.ids["employer"], terms=5))


@pytest.mark.parametrize("by", ["officer", "authority"])
def test_officers_flag_and_clear(special: World, by: str) -> None:
    before = special.state()
    refused(special, by, special.operation(CLEAR, by), Reason.ALREADY_SO)
    (event,) = special.do(by, special.operation(SET, by))
    assert event.name == "Recorded"
    assert special.state() == replace(before, risk=1, version=2)
    refused(special, by, special.operation(SET, by), Reason.ALREADY_SO)
    special.do(by, special.operation(CLEAR, by))
    assert special.state() == replace(before, version=3)


@pytest.mark.parametrize("code", [SET, CLEAR, FORCE])
@pytest.mark.parametrize(
    ("actor", "subject"),
    [("seller", "seller"), ("employer", "employer"), ("calendar", "calendar"), ("clerk", "clerk"),
     ("officer", "authority"), ("officer", "employer")],
)  # fmt: skip
def test_nobody_else_does(special: World, code: Code, actor: str, subject: str) -> None:
    refused(special, actor, special.operation(code, subject), Reason.NOT_PERMITTED)


@pytest.mark.parametrize("code", [SET, CLEAR, FORCE])
def test_supervision_names_an_invoice_and_its_version(special: World, code: Code) -> None:
    lock(special)
    if code == CLEAR:
        special.do("officer", special.operation(SET, "officer"))
    refused(special, "officer", special.operation(code, "officer", version=1), Reason.STALE_VERSION)
    refused(special, "officer", special.operation(code, "officer", NUMBER + 1), Reason.UNKNOWN_INVOICE)
    refused(special, "officer", special.operation(code, "officer", reserved=1), Reason.UNKNOWN_OPERATION)
    special.do("officer", special.operation(code, "officer"))


def test_a_flag_stops_settling_until_it_is_cleared(special: World) -> None:
    lock(special)
    special.grant("employer", "intruder", 2)
    (event,) = special.do("officer", special.operation(SET, "officer"))
    assert event.name == "Recorded"
    refused(special, "intruder", special.operation(Code.SETTLE, "employer", terms=5), Reason.FLAGGED)
    special.do("officer", special.operation(CLEAR, "officer"))
    special.do("intruder", special.operation(Code.SETTLE, "employer", terms=5))


def test_a_flag_undoes_a_selection_that_is_not_frozen(special: World) -> None:
    special.do("cashier", special.select_operation())
    (event,) = special.do("officer", special.operation(SET, "officer"))
    assert event.name == "Recorded"
    assert special.state().use == Use.NONE
    assert special.word(Table.DEDUCTION, NUMBER) == 1_300 | 1 << 255
    assert special.word(Table.DEDUCTED, special.ids["employer"] << 12 | MONTH) == 1 << 255


def test_a_flag_after_deduction_is_an_exception_of_the_buyer(special: World) -> None:
    special.do("cashier", special.select_operation())
    special.do("cashier", special.confirm_month_operation("employer"))
    raised, _ = special.do("officer", special.operation(SET, "officer"))
    assert raised.topics == (NUMBER, special.ids["employer"])
    assert raised.words[0] == ExceptionKind.FLAGGED_AFTER_USE
    assert special.state().use == Use.CONFIRMED
    assert special.deducted("employer").valid_tax == 1_300
    (event,) = special.do("officer", special.operation(CLEAR, "officer"))
    assert event.name == "Recorded"


def test_a_flag_after_settlement_is_an_exception_of_the_reimburser(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer=None, first_holder="employee"))
    world.do("employee", world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=5))
    world.do("cashier", world.operation(Code.SETTLE, "employer", terms=5))
    raised, _ = world.do("officer", world.operation(SET, "officer"))
    assert raised.topics == (NUMBER, world.ids["employer"])
    assert raised.words[0] == ExceptionKind.FLAGGED_AFTER_USE


# -- force-unlock -------------------------------------------------------------------------------


def test_a_lock_is_ended_by_force(special: World) -> None:
    refused(special, "officer", special.operation(FORCE, "officer"), Reason.NOT_LOCKED)
    before = special.state()
    lock(special)
    special.do("officer", special.operation(FORCE, "officer"))
    assert special.state() == replace(before, version=3)
    refused(special, "cashier", special.operation(Code.UNLOCK, "employer", terms=5), Reason.NOT_LOCKED)
    lock(special)


def test_a_settlement_is_not_ended(special: World) -> None:
    lock(special)
    special.grant("employer", "intruder", 2)
    special.do("intruder", special.operation(Code.SETTLE, "employer", terms=5))
    refused(special, "officer", special.operation(FORCE, "officer"), Reason.SETTLED)


@pytest.mark.parametrize("late", [0, 1])
def test_a_lapsed_lock_is_over_without_force(special: World, late: int) -> None:
    lock(special)
    special.travel(special.claim().time + LOCK_LIFETIME_S - 1 + late)
    operation = special.operation(FORCE, "officer")
    if late:
        refused(special, "officer", operation, Reason.NOT_LOCKED)
    else:
        special.do("officer", operation)
        assert special.state().claim == Claim.FREE


# -- lifted blocks ------------------------------------------------------------------------------


@pytest.fixture
def unfiled(world: World) -> World:
    """The seller has filed nothing, and the month after next is open."""
    for month in (MONTH + 1, MONTH + 2):
        world.do("calendar", world.open_month_operation("calendar", month, closes=world.now + 900 * DAY_S))
    return world


@pytest.mark.parametrize("by", ["officer", "authority"])
def test_a_lifted_block_lets_one_month_issue(unfiled: World, by: str) -> None:
    issue = unfiled.issue_operation(month=MONTH + 2)
    refused(unfiled, "clerk", issue, Reason.MONTHS_UNFILED)
    before = unfiled.party("seller")
    (event,) = unfiled.do(by, unfiled.lift_operation(month=MONTH + 2, by=by))
    assert event.name == "PartyChanged"
    assert unfiled.party("seller") == replace(before, version=before.version + 1)
    assert unfiled.word(Table.LIFT, unfiled.ids["seller"] << 12 | MONTH + 2) == 1
    unfiled.do("clerk", issue)
    unfiled.do("clerk", unfiled.red_operation(month=MONTH + 2))


def test_a_block_is_lifted_for_that_month_and_enterprise_alone(unfiled: World) -> None:
    unfiled.do("officer", unfiled.lift_operation(month=MONTH + 3), unfiled.lift_operation("employer", MONTH + 2))
    refused(unfiled, "clerk", unfiled.issue_operation(month=MONTH + 2), Reason.MONTHS_UNFILED)


def test_a_block_is_lifted_once(unfiled: World) -> None:
    unfiled.do("officer", unfiled.lift_operation(month=MONTH + 2))
    refused(unfiled, "officer", unfiled.lift_operation(month=MONTH + 2), Reason.ALREADY_SO)
    unfiled.do("officer", unfiled.lift_operation(month=MONTH + 3))


def test_only_officers_lift_and_only_of_enterprises(unfiled: World) -> None:
    for by in ("seller", "calendar", "clerk"):
        refused(unfiled, by, unfiled.lift_operation(by=by), Reason.NOT_PERMITTED)
    refused(unfiled, "officer", unfiled.lift_operation(by="authority"), Reason.NOT_PERMITTED)
    refused(unfiled, "officer", unfiled.lift_operation("clerk"), Reason.UNKNOWN_PARTY)
    refused(unfiled, "officer", unfiled.lift_operation(version=0), Reason.STALE_VERSION)
    unknown = replace(unfiled.lift_operation(), number=99)
    refused(unfiled, "officer", unknown, Reason.UNKNOWN_PARTY)
