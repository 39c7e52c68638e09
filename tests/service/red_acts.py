"""What the two sides of an invoice do about a red letter, as tests of it need them."""

from __future__ import annotations

import pytest

from ledger.service import Caller, InvalidRequest, Written
from tests.service.conftest import Cast
from tests.service.world import World, must


def reddened(world: World, seller: Caller, number: str, **what: object) -> Written:
    what.setdefault("reason", "return")
    return world.ledger.red_letters.issue_red(seller, number, idempotency_key=world.key(), **what)  # type: ignore[arg-type]


def opened(world: World, caller: Caller, number: str, **what: object) -> Written:
    what.setdefault("reason", "return")
    return world.ledger.red_letters.open_slip(caller, number, idempotency_key=world.key(), **what)  # type: ignore[arg-type]


def confirmed(world: World, caller: Caller, number: str) -> Written:
    return world.ledger.red_letters.confirm_slip(caller, number, idempotency_key=world.key())


def booked(world: World, cast: Cast, *, net_fen: int = 10_000) -> str:
    """An invoice the employer bought and booked: its seller needs a slip."""
    number = world.issued(cast.seller, buyer=cast.employer, net_fen=net_fen)
    must(world.ledger.book(cast.cashier, number, deductible=True, idempotency_key=world.key()))
    return number


def settled(world: World, cast: Cast) -> str:
    """An invoice of a personal buyer that the employer reimbursed."""
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK-1", idempotency_key=world.key()))
    return number


def problem_of(caught: pytest.ExceptionInfo[InvalidRequest]) -> tuple[str, str]:
    (first, *_) = caught.value.problems
    return first.path, first.code
