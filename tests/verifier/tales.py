"""Histories of reds, slips, deduction, flags and invoices of elsewhere, each state word written out by hand."""

from __future__ import annotations

from dataclasses import replace

from tests.verifier.bundle_factory import (
    AUTHORITY,
    CLAIM_ID,
    CLERK,
    DOCUMENT,
    EMPLOYEE,
    EMPLOYER,
    FINANCE,
    FRIEND,
    GROSS_FEN,
    IDENTITIES,
    ISSUED,
    LOCKED,
    MONTH,
    NUMBER,
    OFFICER,
    OTHER_EMPLOYER,
    SEED,
    SELLER,
    TAX_FEN,
    Move,
    Scenario,
    issue,
    operation,
)
from verifier.commitment import commit
from verifier.hashing import ZERO_HASH, keccak256
from verifier.operations import Code, Operation

RED_NUMBER = NUMBER + 77
OUTSIDE_NUMBER = 24_442_000_000_012_345_678
PART_FEN, PART_TAX_FEN = 2_260, 260
RETURN = 2

RED_DOCUMENT = DOCUMENT | {
    "number": f"{RED_NUMBER:020d}",
    "colour": "red",
    "original": {"number": f"{NUMBER:020d}"},
    "red_reason": RETURN,
    "red_slip": "0x" + "7" * 64,
    "lines": [{"name": "*餐饮服务*茶", "net_fen": -2000, "rate_bp": 1300, "tax_fen": -260, "blue_line": 2}],
    "gross_fen": -PART_FEN,
    "net_fen": PART_TAX_FEN - PART_FEN,
    "tax_fen": -PART_TAX_FEN,
}
OUTSIDE_DOCUMENT = {
    "number": f"{OUTSIDE_NUMBER:020d}",
    "kind": "ordinary",
    "issued_on": "2026-11-02",
    "seller": {"name": "广州某酒店", "tax_id": "91440101MA5EXAMP9T"},
    "buyer": {"name": "深圳某某科技有限公司", "tax_id": "91440300MA5EXAMP2Y"},
    "gross_fen": GROSS_FEN,
    "net_fen": GROSS_FEN - TAX_FEN,
    "tax_fen": TAX_FEN,
    "source": "ofd",
}
MASKED_DOCUMENT = OUTSIDE_DOCUMENT | {"buyer": {"name": "深圳某某科技有限公司", "tax_id": "9144**********2Y"}}
SPECIAL_DOCUMENT = DOCUMENT | {"kind": "special"}


def of(code: Code, subject: int, version: int, actor: int = 0, wait_s: int = 60, **fields: object) -> Move:
    """An operation that changes nothing but the version, by its subject or `actor`."""
    return Move(actor or subject, operation(code, subject, version, **fields), {}, wait_s)


def to(move: Move, **changes: int) -> Move:
    """The move with the fields of the state word it changes."""
    return replace(move, changes=changes)


def issue_to(holder: int, *, special: int = 0, buyer: int = EMPLOYER, document: dict[str, object] = DOCUMENT) -> Move:
    """An issue held by its buyer, or by a person."""
    option = special | (1 if holder == buyer else 2) << 2
    who = keccak256(IDENTITIES[buyer].encode()) if buyer else ZERO_HASH
    party = holder if holder != buyer else 0
    made = issue(option=option, party=party, who=who, ref=commit(document, SEED))
    return Move(CLERK, made, ISSUED | {"holder": holder, "kind": special, "buyer": buyer})


def red(blue_version: int, gross: int = PART_FEN, tax: int = PART_TAX_FEN, **fields: object) -> Operation:
    """The red's operation, as both histories hold it."""
    settings: dict[str, object] = {
        "number": RED_NUMBER,
        "option": RETURN,
        "month": MONTH,
        "terms": gross | tax << 48 | NUMBER << 96 | blue_version << 176,
        "ref": commit(RED_DOCUMENT, SEED),
    }
    return replace(operation(Code.ISSUE_RED, SELLER, 0), **(settings | fields))


def reddened(blue_version: int, gross: int = PART_FEN, tax: int = PART_TAX_FEN, **fields: object) -> Move:
    """The red in its blue's history, alone in its group."""
    return Move(CLERK, red(blue_version, gross, tax, **fields), siblings=0)


def slip(version: int, subject: int = SELLER, gross: int = PART_FEN, tax: int = PART_TAX_FEN, reason: int = RETURN,
         wait_s: int = 60) -> Move:  # fmt: skip
    return of(Code.OPEN_SLIP, subject, version, wait_s=wait_s, option=reason, terms=gross | tax << 48)


def registered(version: int, strength: int, actor: int = EMPLOYEE, employer: int = EMPLOYER, **fields: object) -> Move:
    """A registration by a claimant for itself: its state is a fresh one."""
    named = fields.pop("named", employer == EMPLOYER)
    settings: dict[str, object] = {
        "number": OUTSIDE_NUMBER,
        "party": employer,
        "month": MONTH,
        "option": strength,
        "terms": GROSS_FEN | TAX_FEN << 48 | (CLAIM_ID + version) << 96,
        "who": keccak256(IDENTITIES[employer].encode()) if named else ZERO_HASH,
        "ref": commit(OUTSIDE_DOCUMENT if named else MASKED_DOCUMENT, SEED),
    }
    fresh = {"colour": 1, "claim": 1, "entry": 0, "strength": strength, "holder": actor, "gross": GROSS_FEN,
             "month": MONTH, "buyer": employer if named else 0}  # fmt: skip
    return Move(actor, replace(operation(Code.REGISTER_OUTSIDE, actor, version), **(settings | fields)), fresh)


def outside(code: Code, subject: int, version: int, actor: int = 0, **fields: object) -> Move:
    return of(code, subject, version, actor, number=OUTSIDE_NUMBER, **fields)


def lock(version: int, actor: int = EMPLOYEE) -> Move:
    return to(of(Code.LOCK, actor, version, party=EMPLOYER, terms=CLAIM_ID), **LOCKED)


def settle(version: int) -> Move:
    return to(of(Code.SETTLE, EMPLOYER, version, FINANCE, terms=CLAIM_ID), claim=2, holder=EMPLOYER)


def select(version: int, terms: int = TAX_FEN, option: int = 1, month: int = MONTH) -> Move:
    return to(of(Code.SELECT, EMPLOYER, version, FINANCE, terms=terms, option=option, month=month), use=1)


BOUGHT, SPECIAL = issue_to(EMPLOYER), issue_to(EMPLOYER, special=1, document=SPECIAL_DOCUMENT)
PERSONAL_DOCUMENT = DOCUMENT | {"buyer": {"name": "个人"}}
PERSONAL = issue_to(EMPLOYEE, buyer=0, document=PERSONAL_DOCUMENT)
CONFIRM, REFUSE = of(Code.CONFIRM_SLIP, EMPLOYER, 2, FINANCE), of(Code.REFUSE_SLIP, EMPLOYER, 2, FINANCE)
PARTLY = {"colour": 2, "credited": PART_FEN}
WHOLLY = {"colour": 3, "credited": GROSS_FEN}

ALONE = (BOUGHT, to(reddened(1), **PARTLY), to(reddened(2, GROSS_FEN - PART_FEN, TAX_FEN - PART_TAX_FEN), **WHOLLY))
AGREED = (BOUGHT, slip(1), CONFIRM, to(reddened(3), **PARTLY))
ASKED = (BOUGHT, slip(1, EMPLOYER), of(Code.CONFIRM_SLIP, SELLER, 2, CLERK), to(reddened(3), **PARTLY))
REFUSED = (
    BOUGHT,
    slip(1),
    REFUSE,
    slip(3, EMPLOYER),
    of(Code.REFUSE_SLIP, SELLER, 4, CLERK),
    to(reddened(5), **PARTLY),
)
WITHDRAWN = (BOUGHT, slip(1), of(Code.WITHDRAW_SLIP, SELLER, 2, CLERK), slip(3), of(Code.CONFIRM_SLIP, EMPLOYER, 4),
             of(Code.WITHDRAW_SLIP, SELLER, 5), to(reddened(6), **PARTLY))  # fmt: skip
VOIDED = (BOUGHT, slip(1), of(Code.VOID_SLIP, OFFICER, 2), slip(3), of(Code.VOID_SLIP, AUTHORITY, 4))
LAPSED = (BOUGHT, slip(1), slip(2, wait_s=72 * 3600), of(Code.CONFIRM_SLIP, EMPLOYER, 3, wait_s=72 * 3600 - 1))
CANCELLED = (issue_to(EMPLOYEE), lock(1), slip(2, gross=GROSS_FEN, tax=TAX_FEN, reason=1),
             of(Code.CONFIRM_SLIP, EMPLOYER, 3, FINANCE),
             to(reddened(4, GROSS_FEN, TAX_FEN, option=1), **WHOLLY, claim=3))  # fmt: skip
CHANGED = (issue_to(EMPLOYEE), lock(1), slip(2), of(Code.CONFIRM_SLIP, EMPLOYER, 3, FINANCE),
           to(reddened(4), **PARTLY, reddened_since=1), to(of(Code.UNLOCK, EMPLOYEE, 5, terms=CLAIM_ID), claim=0),
           to(of(Code.LOCK, EMPLOYEE, 6, party=EMPLOYER, terms=CLAIM_ID), **LOCKED, reddened_since=0),
           settle(7))  # fmt: skip
AFTER_SETTLEMENT = (PERSONAL, lock(1), settle(2), slip(3), of(Code.CONFIRM_SLIP, EMPLOYER, 4, FINANCE),
                    to(reddened(5), **PARTLY), of(Code.ACKNOWLEDGE_EXCEPTION, OFFICER, 6),
                    of(Code.ACKNOWLEDGE_EXCEPTION, EMPLOYER, 7, FINANCE))  # fmt: skip
DEDUCTED = (SPECIAL, select(1), to(of(Code.UNSELECT, EMPLOYER, 2, FINANCE), use=0), select(3, terms=1), slip(4),
            of(Code.CONFIRM_SLIP, EMPLOYER, 5, FINANCE), to(reddened(6), **PARTLY, use=0),
            select(7, terms=TAX_FEN - PART_TAX_FEN))  # fmt: skip
FROZEN = (SPECIAL, select(1), to(slip(2), use=2), of(Code.CONFIRM_SLIP, EMPLOYER, 3, FINANCE),
          to(reddened(4), **PARTLY), of(Code.ACKNOWLEDGE_EXCEPTION, EMPLOYER, 5, FINANCE),
          to(of(Code.SET_RISK_FLAG, OFFICER, 6), risk=1),
          of(Code.ACKNOWLEDGE_EXCEPTION, EMPLOYER, 7, FINANCE))  # fmt: skip
NOT_DEDUCTED = (SPECIAL, select(1, terms=0, option=2 | 3 << 4, month=MONTH + 1))
FLAGGED = (SPECIAL, select(1), to(of(Code.SET_RISK_FLAG, OFFICER, 2), risk=1, use=0),
           to(of(Code.CLEAR_RISK_FLAG, AUTHORITY, 3), risk=0), select(4))  # fmt: skip
RELEASED = (issue_to(EMPLOYEE), lock(1), to(of(Code.FORCE_UNLOCK, OFFICER, 2), claim=0), lock(3))
DISPLACED = (registered(0, 4), registered(1, 3, FRIEND, OTHER_EMPLOYER), registered(2, 1),
             outside(Code.ACKNOWLEDGE_EXCEPTION, OTHER_EMPLOYER, 3),
             to(outside(Code.UNLOCK, EMPLOYEE, 4, terms=CLAIM_ID + 2), claim=0), registered(5, 4))  # fmt: skip
DISPUTED = (registered(0, 4),
            to(outside(Code.SETTLE, EMPLOYER, 1, FINANCE, terms=CLAIM_ID), claim=2, holder=EMPLOYER),
            replace(registered(2, 1, FRIEND, OTHER_EMPLOYER), changes={}),
            outside(Code.ACKNOWLEDGE_EXCEPTION, EMPLOYER, 3, FINANCE),
            to(outside(Code.BOOK, EMPLOYER, 4, FINANCE, option=1), entry=1))  # fmt: skip

BLUE_TALES = {
    "alone": ALONE, "agreed": AGREED, "asked": ASKED, "refused": REFUSED, "withdrawn": WITHDRAWN, "voided": VOIDED,
    "lapsed": LAPSED, "cancelled": CANCELLED, "changed": CHANGED, "after settlement": AFTER_SETTLEMENT,
    "deducted": DEDUCTED, "frozen": FROZEN, "not deducted": NOT_DEDUCTED, "flagged": FLAGGED, "released": RELEASED,
}  # fmt: skip
OUTSIDE_TALES = {"displaced": DISPLACED, "disputed": DISPUTED}
RED_MOVES = (
    Move(CLERK, red(1), ISSUED | {"kind": 2, "holder": SELLER, "gross": PART_FEN}, siblings=0),
    Move(OFFICER, operation(Code.SET_RISK_FLAG, OFFICER, 1, number=RED_NUMBER), {"risk": 1}),
)


def tale_of(moves: tuple[Move, ...]) -> Scenario:
    """The scenario of a tale, with the document that its issue or its last registration that counts commits to."""
    sources = [move.operation for move in moves if move.operation.code == Code.REGISTER_OUTSIDE and move.changes]
    document = DOCUMENTS.get((sources or [moves[0].operation])[-1].ref, DOCUMENT)
    return Scenario(moves=moves, number=moves[0].operation.number, document=document, others=4)


DOCUMENTS = {
    commit(one, SEED): one
    for one in (DOCUMENT, SPECIAL_DOCUMENT, PERSONAL_DOCUMENT, OUTSIDE_DOCUMENT, MASKED_DOCUMENT, RED_DOCUMENT)
}
