"""Steps `rules`, `document` and `fields`: what each allows, and its twins one change away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.verifier.bundle_factory import (
    CLAIM_ID,
    CLERK,
    DOCUMENT,
    EMPLOYEE,
    EMPLOYER,
    FINANCE,
    FRIEND,
    GROSS_FEN,
    ISSUED,
    LOCKED,
    MONTH,
    MOVES,
    NUMBER,
    SEED,
    SELLER,
    Move,
    Scenario,
    issue,
    operation,
)
from tests.verifier.judging import WHOLE, bundle_with, failure, judge
from verifier.commitment import commit, disclose
from verifier.hashing import keccak256
from verifier.operations import Code
from verifier.reasons import Reason
from verifier.report import Result
from verifier.words import LOCK_LIFETIME_S

# --- step 9: rules -----------------------------------------------------------------------------------------

BROKEN_ISSUES = [
    ({"option": 3 | 2 << 2}, Reason.RULE_BROKEN),
    ({"option": 3 << 2}, Reason.RULE_BROKEN),
    ({"terms": GROSS_FEN | GROSS_FEN << 48}, Reason.RULE_BROKEN),
    ({"terms": 0}, Reason.RULE_BROKEN),
    ({"who": keccak256(b"enterprise:unknown")}, Reason.RULE_BROKEN),
    ({"who": bytes(32), "option": 1 << 2}, Reason.RULE_BROKEN),
    ({"reserved": 1}, Reason.RULE_BROKEN),
    ({"option": 1 | 2 << 2}, Reason.TRANSITION_DIFFERS),
    ({"month": MONTH + 1}, Reason.TRANSITION_DIFFERS),
    ({"party": FRIEND}, Reason.TRANSITION_DIFFERS),
]


@pytest.mark.parametrize(("changes", "reason"), BROKEN_ISSUES)
def test_issue_against_the_rules_is_invalid(changes: dict[str, object], reason: Reason) -> None:
    assert failure(judge(Scenario(moves=(Move(CLERK, issue(**changes), ISSUED),), others=4)), "rules") is reason


def test_history_of_another_number_is_invalid() -> None:
    other = replace(MOVES[0], operation=replace(MOVES[0].operation, number=NUMBER + 1))
    assert failure(judge(Scenario(moves=(other,))), "rules") is Reason.OPERATION_OF_ANOTHER


def test_history_that_does_not_start_with_issue_is_invalid() -> None:
    report = judge(Scenario(moves=(Move(EMPLOYEE, operation(Code.TRANSFER, EMPLOYEE, 0, party=FRIEND), ISSUED),)))
    assert failure(report, "rules") is Reason.RULE_BROKEN


BROKEN_MOVES = [
    (1, Move(EMPLOYEE, replace(MOVES[1].operation, subject=FRIEND), LOCKED), Reason.RULE_BROKEN),
    (1, Move(FINANCE, MOVES[1].operation, LOCKED), Reason.RULE_BROKEN),
    (1, Move(EMPLOYEE, replace(MOVES[1].operation, party=SELLER), LOCKED), Reason.RULE_BROKEN),
    (1, Move(EMPLOYEE, replace(MOVES[1].operation, party=FRIEND), LOCKED), Reason.RULE_BROKEN),
    (1, Move(EMPLOYEE, replace(MOVES[1].operation, terms=0), LOCKED), Reason.RULE_BROKEN),
    (1, Move(EMPLOYEE, replace(MOVES[1].operation, version=0), LOCKED), Reason.VERSION_BROKEN),
    (1, Move(EMPLOYEE, replace(MOVES[1].operation, version=2), LOCKED), Reason.VERSION_BROKEN),
    (1, Move(EMPLOYEE, replace(MOVES[1].operation, code=Code.FILE), LOCKED), Reason.OPERATION_UNKNOWN),
    (1, Move(EMPLOYEE, replace(MOVES[1].operation, code=200), LOCKED), Reason.OPERATION_UNKNOWN),
    (1, Move(EMPLOYEE, MOVES[1].operation, {}), Reason.TRANSITION_DIFFERS),
    (1, Move(EMPLOYEE, MOVES[1].operation, LOCKED | {"gross": 1}), Reason.TRANSITION_DIFFERS),
    (1, Move(CLERK, replace(issue(), version=1), ISSUED), Reason.RULE_BROKEN),
    (1, Move(EMPLOYEE, operation(Code.UNLOCK, EMPLOYEE, 1, terms=CLAIM_ID), {}), Reason.RULE_BROKEN),
    (1, Move(FINANCE, operation(Code.BOOK, EMPLOYEE, 1, option=3), {"entry": 3}), Reason.RULE_BROKEN),
    (1, Move(FINANCE, operation(Code.WITHDRAW_BOOKING, EMPLOYEE, 1), {"entry": 3}), Reason.RULE_BROKEN),
    (2, Move(EMPLOYEE, operation(Code.UNLOCK, EMPLOYEE, 2, terms=CLAIM_ID + 9), {"claim": 0}), Reason.RULE_BROKEN),
    (2, Move(FINANCE, operation(Code.UNLOCK, FINANCE, 2, terms=CLAIM_ID), {"claim": 0}), Reason.RULE_BROKEN),
    (2, Move(EMPLOYEE, operation(Code.LOCK, EMPLOYEE, 2, party=EMPLOYER, terms=7), LOCKED), Reason.RULE_BROKEN),
    (2, Move(EMPLOYEE, operation(Code.TRANSFER, EMPLOYEE, 2, party=FRIEND), {"holder": FRIEND}), Reason.RULE_BROKEN),
    (3, Move(EMPLOYEE, replace(MOVES[3].operation, party=EMPLOYEE), {}), Reason.RULE_BROKEN),
    (5, Move(FRIEND, MOVES[5].operation, MOVES[5].changes), Reason.RULE_BROKEN),
    (5, Move(FINANCE, replace(MOVES[5].operation, subject=FINANCE), MOVES[5].changes), Reason.RULE_BROKEN),
    (5, Move(FINANCE, MOVES[5].operation, {"claim": 2}), Reason.TRANSITION_DIFFERS),
    (6, Move(FRIEND, operation(Code.TRANSFER, EMPLOYER, 6, party=FRIEND), {"holder": FRIEND}), Reason.RULE_BROKEN),
    (7, Move(FINANCE, operation(Code.BOOK, EMPLOYER, 7, option=2), {"entry": 2}), Reason.RULE_BROKEN),
]


@pytest.mark.parametrize(("at", "move", "reason"), BROKEN_MOVES)
def test_operation_against_the_rules_is_invalid(at: int, move: Move, reason: Reason) -> None:
    assert failure(judge(Scenario(moves=(*MOVES[:at], move))), "rules") is reason


def test_seller_neither_claims_nor_books_its_own_invoice() -> None:
    first = Move(SELLER, issue(option=0, party=0), ISSUED | {"holder": SELLER})
    lock = Move(SELLER, operation(Code.LOCK, SELLER, 1, party=EMPLOYER, terms=CLAIM_ID), LOCKED)
    book = Move(SELLER, operation(Code.BOOK, SELLER, 1, option=1), {"entry": 1})
    for move in (lock, book):
        assert failure(judge(Scenario(moves=(first, move))), "rules") is Reason.RULE_BROKEN


def test_a_booked_invoice_is_neither_handed_on_nor_claimed() -> None:
    moves = (
        Move(SELLER, issue(option=1 << 2, party=0), ISSUED | {"holder": EMPLOYER}),
        Move(FINANCE, operation(Code.BOOK, EMPLOYER, 1, option=1), {"entry": 1}),
    )
    assert judge(Scenario(moves=moves)).verdict is Result.VALID
    handed_on = Move(FINANCE, operation(Code.TRANSFER, EMPLOYER, 2, party=SELLER), {"holder": SELLER})
    claimed = Move(FINANCE, operation(Code.LOCK, EMPLOYER, 2, party=EMPLOYER, terms=CLAIM_ID), {"claim": 1})
    for move in (handed_on, claimed):
        assert failure(judge(Scenario(moves=(*moves, move))), "rules") is Reason.RULE_BROKEN


# --- steps 10 and 11: document -----------------------------------------------------------------------------


def test_another_document_is_invalid() -> None:
    other = disclose(DOCUMENT | {"drawer": "李某"}, SEED)
    assert failure(bundle_with(document=other), "document") is Reason.COMMITMENT_DIFFERS


def test_leaf_missing_from_the_document_is_invalid() -> None:
    document = WHOLE.bundle.document
    assert failure(bundle_with(document=replace(document, shown=document.shown[1:])), "document") is (
        Reason.DOCUMENT_MALFORMED
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": f"{NUMBER + 1:020d}"}, Reason.FIELD_DIFFERS),
        ({"kind": "special"}, Reason.FIELD_DIFFERS),
        ({"gross_fen": GROSS_FEN + 1}, Reason.FIELD_DIFFERS),
        ({"net_fen": 1}, Reason.FIELD_DIFFERS),
        ({"tax_fen": True}, Reason.FIELD_DIFFERS),
        ({"tax_fen": "1300"}, Reason.FIELD_DIFFERS),
        ({"issued_on": "2026-10-31"}, Reason.FIELD_DIFFERS),
        ({"issued_on": "20261102"}, Reason.FIELD_DIFFERS),
        ({"colour": "red"}, Reason.FIELD_DIFFERS),
        ({"seller": {"name": "甲", "tax_id": "91440300MA5EXAMP2Y"}}, Reason.FIELD_DIFFERS),
        ({"buyer": {"name": "乙", "tax_id": "91440300MA5EXAMP1X"}}, Reason.FIELD_DIFFERS),
        ({"buyer": {"name": "乙", "tax_id": ""}}, Reason.FIELD_DIFFERS),
        ({"buyer": {"name": "乙"}}, Reason.FIELD_MISSING),
        ({"seller": {"name": "甲"}}, Reason.FIELD_MISSING),
        ({"gross_fen": None, "kind": []}, Reason.FIELD_MISSING),
    ],
)
def test_document_that_disagrees_with_the_chain_is_invalid(changes: dict[str, object], reason: Reason) -> None:
    document = DOCUMENT | changes
    first = replace(MOVES[0], operation=replace(issue(), ref=commit(document, SEED)))
    report = judge(Scenario(moves=(first,), document=document, others=4))
    assert failure(report, "fields") is reason


def test_personal_buyer_with_a_tax_id_on_the_document_is_invalid() -> None:
    moves = (Move(CLERK, issue(who=bytes(32)), ISSUED | {"buyer": 0}),)
    assert failure(judge(Scenario(moves=moves, others=4)), "fields") is Reason.FIELD_DIFFERS


def test_lapsed_lock_no_longer_binds() -> None:
    late = Move(EMPLOYEE, operation(Code.TRANSFER, EMPLOYEE, 2, party=FRIEND), {"holder": FRIEND, "claim": 0})
    lapsed = replace(late, wait_s=LOCK_LIFETIME_S)
    assert judge(Scenario(moves=(*MOVES[:2], lapsed))).verdict is Result.VALID
    standing = replace(late, wait_s=LOCK_LIFETIME_S - 1)
    assert failure(judge(Scenario(moves=(*MOVES[:2], standing))), "rules") is Reason.RULE_BROKEN
