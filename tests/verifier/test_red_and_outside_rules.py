"""Reds, slips, deduction, flags, registrations: histories the rules allow, and twins no contract could have written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.verifier.bundle_factory import (
    CLAIM_ID,
    CLERK,
    EMPLOYEE,
    EMPLOYER,
    FINANCE,
    FRIEND,
    GROSS_FEN,
    IDENTITIES,
    MONTH,
    OFFICER,
    OTHER_EMPLOYER,
    SELLER,
    TAX_FEN,
    Move,
)
from tests.verifier.judging import failure, judge
from tests.verifier.tales import (
    AFTER_SETTLEMENT,
    BLUE_TALES,
    BOUGHT,
    OUTSIDE_TALES,
    PART_FEN,
    PART_TAX_FEN,
    PARTLY,
    RED_MOVES,
    RED_NUMBER,
    WHOLLY,
    lock,
    of,
    outside,
    red,
    reddened,
    registered,
    select,
    settle,
    slip,
    tale_of,
    to,
)
from verifier.hashing import keccak256
from verifier.operations import Code
from verifier.reasons import Reason
from verifier.report import Result

ALL_TALES = BLUE_TALES | OUTSIDE_TALES | {"red": RED_MOVES}
HOURS_72 = 72 * 3600
DAYS_180 = 180 * 86400


@pytest.mark.parametrize("name", ALL_TALES)
def test_history_that_the_rules_allow_is_valid(name: str) -> None:
    report = judge(tale_of(ALL_TALES[name]))
    assert report.verdict is Result.VALID, report.to_text("en")


TWINS: dict[str, tuple[str, int, Move]] = {
    # reds: how much
    "a red over more than the gross": ("alone", 1, to(reddened(1, GROSS_FEN + 1, 0), colour=3, credited=GROSS_FEN + 1)),
    "reds over more than is left": ("alone", 2, to(reddened(2, GROSS_FEN, TAX_FEN), **WHOLLY)),
    "a red of nothing": ("alone", 1, to(reddened(1, 0, 0), colour=2)),
    "a red whose tax is its gross": ("alone", 1, to(reddened(1, 500, 500), colour=2, credited=500)),
    "a part issued in error": ("alone", 1, to(reddened(1, option=1), **PARTLY)),
    "a red without a reason": ("alone", 1, to(reddened(1, option=0), **PARTLY)),
    "a red with a fifth reason": ("alone", 1, to(reddened(1, option=5), **PARTLY)),
    "a red of a fully red invoice": ("alone", 3, to(reddened(3, 1, 0), **WHOLLY)),
    "a red over more than the tax": ("deducted", 6, to(reddened(6, PART_FEN, TAX_FEN + 1), **PARTLY, use=0)),
    "a red with bits beyond its terms": ("alone", 1, to(reddened(1 | 1 << 24), **PARTLY)),
    # who reddens, and when
    "a red of another seller": ("alone", 1, to(replace(reddened(1, subject=FRIEND), actor=FRIEND), **PARTLY)),
    "a red among others in its group": ("alone", 1, to(replace(reddened(1), siblings=2), **PARTLY)),
    "a red of a version that is over": ("alone", 1, to(reddened(0), **PARTLY)),
    "a red signed by an officer": ("alone", 1, to(replace(reddened(1), actor=OFFICER), **PARTLY)),
    "a red of an invoice claimed": ("released", 2, to(reddened(2), **PARTLY, reddened_since=1)),
    "a red of an invoice settled": ("after settlement", 3, to(reddened(3), **PARTLY)),
    "a red of an invoice selected": ("flagged", 2, to(reddened(2), **PARTLY, use=0)),
    "a red while a slip waits": ("agreed", 2, to(reddened(2), **PARTLY)),
    "a red over more than was agreed": ("agreed", 3, to(reddened(3, PART_FEN + 1), colour=2, credited=PART_FEN + 1)),
    "a red with another tax": ("agreed", 3, to(reddened(3, tax=PART_TAX_FEN - 1), **PARTLY)),
    "a red for another reason": ("agreed", 3, to(reddened(3, option=4), **PARTLY)),
    "a second red with the same slip": ("changed", 5, to(reddened(5), credited=2 * PART_FEN)),
    "a red that leaves its blue normal": ("alone", 1, to(reddened(1), credited=PART_FEN)),
    "a red that credits less": ("alone", 1, to(reddened(1), colour=2, credited=1)),
    "a full red that leaves the claim": ("cancelled", 4, to(reddened(4, GROSS_FEN, TAX_FEN, option=1), **WHOLLY)),
    "a partial red the claimant is not told of": ("changed", 4, to(reddened(4), **PARTLY)),
    "a red that leaves the selection": ("deducted", 6, to(reddened(6), **PARTLY)),
    # slips
    "a slip opened by a stranger": ("agreed", 1, slip(1, FRIEND)),
    "a slip with nobody to agree": ("after settlement", 1, slip(1)),
    "a slip over more than the gross": ("agreed", 1, slip(1, gross=GROSS_FEN + 1)),
    "a slip over more than the tax": ("flagged", 1, slip(1, tax=TAX_FEN + 1)),
    "a slip over part for an error": ("agreed", 1, slip(1, reason=1)),
    "a second slip while one waits": ("agreed", 2, slip(2)),
    "a second slip while one is confirmed": ("agreed", 3, slip(3)),
    "a slip of a fully red invoice": ("cancelled", 5, slip(5, gross=1, tax=0)),
    "a slip confirmed by its opener": ("agreed", 2, of(Code.CONFIRM_SLIP, SELLER, 2, CLERK)),
    "a slip of the buyer confirmed by the buyer": ("asked", 2, of(Code.CONFIRM_SLIP, EMPLOYER, 2, FINANCE)),
    "a slip refused by its opener": ("refused", 2, of(Code.REFUSE_SLIP, SELLER, 2, CLERK)),
    "a slip confirmed by a stranger": ("agreed", 2, of(Code.CONFIRM_SLIP, OTHER_EMPLOYER, 2)),
    "a slip confirmed twice": ("agreed", 3, of(Code.CONFIRM_SLIP, EMPLOYER, 3, FINANCE)),
    "a slip confirmed that nobody opened": ("agreed", 1, of(Code.CONFIRM_SLIP, EMPLOYER, 1, FINANCE)),
    "a slip refused after it was confirmed": ("agreed", 3, of(Code.REFUSE_SLIP, EMPLOYER, 3, FINANCE)),
    "a slip confirmed after 72 hours": ("agreed", 2, of(Code.CONFIRM_SLIP, EMPLOYER, 2, FINANCE, wait_s=HOURS_72)),
    "a slip withdrawn after 72 hours": ("withdrawn", 2, of(Code.WITHDRAW_SLIP, SELLER, 2, CLERK, wait_s=HOURS_72)),
    "a slip withdrawn by the other side": ("withdrawn", 2, of(Code.WITHDRAW_SLIP, EMPLOYER, 2, FINANCE)),
    "a slip withdrawn after it was refused": ("refused", 3, of(Code.WITHDRAW_SLIP, SELLER, 3, CLERK)),
    "a slip voided by a side": ("voided", 2, of(Code.VOID_SLIP, SELLER, 2)),
    "a slip voided by an officer for a side": ("voided", 2, of(Code.VOID_SLIP, SELLER, 2, OFFICER)),
    "a slip voided twice": ("voided", 3, of(Code.VOID_SLIP, OFFICER, 3)),
    "a slip opened a second early": ("lapsed", 2, slip(2, wait_s=HOURS_72 - 1)),
    # claims of what was reddened or flagged
    "a settlement after a partial red": ("changed", 5, settle(5)),
    "a settlement after the claim was cancelled": ("cancelled", 5, settle(5)),
    "a claim of a fully red invoice": ("cancelled", 5, to(lock(5), claim=1)),
    "a claim of a flagged invoice": ("flagged", 3, to(of(Code.LOCK, EMPLOYER, 3, party=EMPLOYER, terms=1), claim=1)),
    "a booking of a fully red invoice": ("cancelled", 5, to(of(Code.BOOK, EMPLOYEE, 5, option=1), entry=1)),
    # flags, force-unlock, acknowledging
    "a flag by an enterprise": ("flagged", 2, to(of(Code.SET_RISK_FLAG, SELLER, 2), risk=1, use=0)),
    "a flag by an officer for another": ("flagged", 2, to(of(Code.SET_RISK_FLAG, SELLER, 2, OFFICER), risk=1, use=0)),
    "a flag that leaves the selection": ("flagged", 2, to(of(Code.SET_RISK_FLAG, OFFICER, 2), risk=1)),
    "a flag set twice": ("flagged", 3, of(Code.SET_RISK_FLAG, OFFICER, 3)),
    "a flag cleared twice": ("flagged", 4, of(Code.CLEAR_RISK_FLAG, OFFICER, 4)),
    "a selection under a flag": ("flagged", 3, select(3)),
    "a force-unlock by the employer": ("released", 2, to(of(Code.FORCE_UNLOCK, EMPLOYER, 2), claim=0)),
    "a force-unlock of what is free": ("released", 1, of(Code.FORCE_UNLOCK, OFFICER, 1)),
    "a force-unlock of what is settled": ("after settlement", 3, to(of(Code.FORCE_UNLOCK, OFFICER, 3), claim=0)),
    "an acknowledgement without an exception": ("agreed", 1, of(Code.ACKNOWLEDGE_EXCEPTION, OFFICER, 1)),
    "an acknowledgement by a stranger": ("after settlement", 6, of(Code.ACKNOWLEDGE_EXCEPTION, SELLER, 6)),
    "an acknowledgement by an officer for it": (
        "after settlement", 6, of(Code.ACKNOWLEDGE_EXCEPTION, EMPLOYER, 6, OFFICER),
    ),
    "an acknowledgement twice": ("after settlement", 7, of(Code.ACKNOWLEDGE_EXCEPTION, OFFICER, 7)),
    # deduction
    "a selection of an ordinary invoice": ("agreed", 1, select(1)),
    "a selection by the seller": ("deducted", 1, to(of(Code.SELECT, SELLER, 1, terms=1, option=1, month=MONTH), use=1)),
    "a selection above the tax": ("deducted", 1, select(1, terms=TAX_FEN + 1)),
    "a selection above the tax left": ("deducted", 7, select(7, terms=TAX_FEN - PART_TAX_FEN + 1)),
    "a selection for an earlier period": ("deducted", 1, select(1, month=MONTH - 1)),
    "a selection without a purpose": ("deducted", 1, select(1, option=0)),
    "a selection for a fourth purpose": ("deducted", 1, select(1, option=4)),
    "a selection with a reason not to": ("deducted", 1, select(1, option=1 | 1 << 4)),
    "no deduction without a reason": ("not deducted", 1, select(1, terms=0, option=2)),
    "no deduction of some tax": ("not deducted", 1, select(1, terms=1, option=2 | 3 << 4)),
    "a second selection": ("deducted", 2, select(2)),
    "an unselection of nothing": ("deducted", 1, of(Code.UNSELECT, EMPLOYER, 1, FINANCE)),
    "an unselection by the seller": ("deducted", 2, to(of(Code.UNSELECT, SELLER, 2), use=0)),
    "an unselection of what is frozen": ("frozen", 3, to(of(Code.UNSELECT, EMPLOYER, 3, FINANCE), use=0)),
    "a frozen selection that thaws": ("frozen", 3, to(of(Code.CONFIRM_SLIP, EMPLOYER, 3, FINANCE), use=1)),
    # invoices of elsewhere
    "a registration as weak as the lock": ("displaced", 1, registered(1, 4, FRIEND, OTHER_EMPLOYER)),
    "a registration weaker than the lock": ("displaced", 2, registered(2, 4)),
    "a registration a second before the lock lapses": (
        "displaced", 3, replace(registered(3, 4, FRIEND, OTHER_EMPLOYER), wait_s=DAYS_180 - 1),
    ),
    "a registration of no strength": ("displaced", 0, registered(0, 0)),
    "a registration of a fifth strength": ("displaced", 0, registered(0, 5)),
    "a registration that names another buyer": (
        "displaced", 0, registered(0, 4, who=keccak256(IDENTITIES[OTHER_EMPLOYER].encode())),
    ),
    "a registration for a stranger": ("displaced", 0, registered(0, 4, subject=FRIEND)),
    "a registration without a claim": ("displaced", 0, registered(0, 4, terms=GROSS_FEN | TAX_FEN << 48)),
    "a registration of nothing": ("displaced", 0, registered(0, 4, terms=CLAIM_ID << 96)),
    "a registration by an officer": ("displaced", 0, replace(registered(0, 4, subject=EMPLOYER), actor=OFFICER)),
    "a settled one registered under a proof as strong": ("disputed", 2, replace(registered(2, 4), changes={})),
    "a dispute that changes the holder": ("disputed", 2, registered(2, 1, FRIEND, OTHER_EMPLOYER)),
    "a flagged one registered again": (
        "disputed", 6, replace(registered(6, 1), changes={}),
    ),
    "a slip of an outside invoice": (
        "displaced", 1, outside(Code.OPEN_SLIP, EMPLOYER, 1, option=2, terms=PART_FEN),
    ),
    "a selection of an outside invoice": (
        "displaced", 1, to(outside(Code.SELECT, EMPLOYER, 1, option=1, month=MONTH), use=1),
    ),
    # a red itself
    "a red handed on": ("red", 1, to(of(Code.TRANSFER, SELLER, 1, number=RED_NUMBER, party=FRIEND), holder=FRIEND)),
    "a red claimed": ("red", 1, to(of(Code.LOCK, SELLER, 1, number=RED_NUMBER, party=EMPLOYER, terms=1), claim=1)),
    "a red booked": ("red", 1, to(of(Code.BOOK, SELLER, 1, number=RED_NUMBER, option=1), entry=1)),
    "a slip of a red": ("red", 1, of(Code.OPEN_SLIP, SELLER, 1, number=RED_NUMBER, option=2, terms=1)),
    "a red selected": ("red", 1, to(of(Code.SELECT, EMPLOYER, 1, number=RED_NUMBER, option=1, month=MONTH), use=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", TWINS)
def test_history_that_no_contract_could_have_written_is_invalid(name: str) -> None:
    tale, at, move = TWINS[name]
    before = ALL_TALES[tale][:at]
    if name == "a flagged one registered again":
        flag = to(outside(Code.SET_RISK_FLAG, OFFICER, 5), risk=1)
        before = (*OUTSIDE_TALES["disputed"][:5], flag)
    assert before == () or judge(tale_of(before)).verdict is Result.VALID
    reason = failure(judge(tale_of((*before, move))), "rules")
    assert reason in {Reason.RULE_BROKEN, Reason.TRANSITION_DIFFERS, Reason.VERSION_BROKEN}


LOCKED_ONE = AFTER_SETTLEMENT[:2]
UNLOCKED = to(of(Code.UNLOCK, EMPLOYEE, 3, terms=CLAIM_ID), claim=0)
LATER_TWINS: dict[str, tuple[tuple[Move, ...], Move]] = {
    "a red whose file says nothing": (
        (),
        Move(CLERK, red(1, 0, 0), RED_MOVES[0].changes | {"gross": 0}, siblings=0),
    ),
    "a red of itself": (
        (),
        replace(
            RED_MOVES[0],
            operation=red(0, terms=PART_FEN | PART_TAX_FEN << 48 | RED_NUMBER << 96 | 1 << 176),
        ),
    ),
    "an issue by an officer": ((), replace(BOUGHT, actor=OFFICER)),
    "a settlement under a flag": ((*LOCKED_ONE, to(of(Code.SET_RISK_FLAG, OFFICER, 2), risk=1)), settle(3)),
    "handed on by who does not hold it": (
        LOCKED_ONE[:1],
        to(of(Code.TRANSFER, FRIEND, 1, party=EMPLOYER), holder=EMPLOYER),
    ),
    "a slip confirmed by who is the other side no more": (
        (*LOCKED_ONE, slip(2), UNLOCKED),
        of(Code.CONFIRM_SLIP, EMPLOYER, 4, FINANCE),
    ),
    "a red agreed to by who is the other side no more": (
        (
            *LOCKED_ONE,
            slip(2),
            of(Code.CONFIRM_SLIP, EMPLOYER, 3, FINANCE),
            replace(UNLOCKED, operation=of(Code.UNLOCK, EMPLOYEE, 4, terms=CLAIM_ID).operation),
        ),
        to(reddened(5), **PARTLY),
    ),
}


@pytest.mark.parametrize("name", LATER_TWINS)
def test_step_that_no_contract_could_have_taken_is_invalid(name: str) -> None:
    before, move = LATER_TWINS[name]
    assert before == () or judge(tale_of(before)).verdict is Result.VALID
    reason = failure(judge(tale_of((*before, move))), "rules")
    assert reason in {Reason.RULE_BROKEN, Reason.TRANSITION_DIFFERS}
