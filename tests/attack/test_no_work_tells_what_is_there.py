"""Answers cost the database and the vault the same whether a thing is somebody else's or was never there.

What is counted is exact and the same on every machine; what it means in time is measured by `python -m bench sight`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ledger.service import Caller
from tests.attack.conftest import Cast
from tests.attack.sql_work import Work, work_of
from tests.service.world import World, must, tax_id

ABSENT_NUMBER = "94403260911099999999"


@dataclass(frozen=True)
class Town:
    """Others' things, all in one district; `there` is an officer of another."""

    there: Caller
    seller: Caller
    numbers: dict[str, str]  # by what became of the invoice: each state is asked about in another way


Ask = Callable[[World, Town, Caller, str], Any]  # with the number of an invoice

BY_NUMBER: dict[str, Ask] = {
    "invoice": lambda w, _, c, n: w.ledger.invoice(c, n),
    "history": lambda w, _, c, n: w.ledger.history(c, n),
    "evidence": lambda w, _, c, n: w.ledger.evidence(c, n),
    "document": lambda w, _, c, n: w.ledger.papers.document(c, n, kind="json"),
    "original": lambda w, _, c, n: w.ledger.papers.original(c, n),
    "deduction": lambda w, _, c, n: w.ledger.deductions.deduction(c, n),
    "outlook": lambda w, _, c, n: w.ledger.red_letters.outlook(c, n),
    "statement": lambda w, _, c, n: w.ledger.statements.statement(c, n, "not_settled"),
    "slips of it": lambda w, _, c, n: w.ledger.red_letters.slips(c, number=n, limit=10),
    "exceptions of it": lambda w, _, c, n: w.ledger.supervising.exceptions(c, number=n, limit=10),
    "acknowledgement": lambda w, _, c, n: w.ledger.supervising.acknowledge(c, n, idempotency_key=w.key()),
    "search by number": lambda w, _, c, n: w.ledger.search(c, number=n, limit=10),
    "search by number and seller": lambda w, t, c, n: w.ledger.search(c, number=n, party=t.seller.party, limit=10),
    "search by number and amount": lambda w, _, c, n: w.ledger.search(c, number=n, gross_min_fen=10_600, limit=10),
    "search by number and state": lambda w, _, c, n: w.ledger.search(c, number=n, state="settled", limit=10),
}
BY_OFFICERS: dict[str, Ask] = {
    "flag": lambda w, _, c, n: w.ledger.proposals.flag(c, n, reason="x", idempotency_key=w.key()),
    "clearance": lambda w, _, c, n: w.ledger.supervising.clear_flag(c, n, reason="x", idempotency_key=w.key()),
    "unlocking": lambda w, _, c, n: w.ledger.supervising.force_unlock(c, n, reason="x", idempotency_key=w.key()),
}


@pytest.fixture(scope="module")
def town(world: World) -> Town:
    ledger, key = world.ledger, world.key
    seller = world.enterprise("南山卖方", segment=True, district="440305")
    employer = world.enterprise("南山雇主", district="440305")
    claimant, cashier = world.person("员工", (employer, ["claim"])), world.person("会计", (employer, ["finance"]))
    locked, settled = world.issued(seller, claimant), world.issued(seller, claimant)
    world.claimed(claimant, employer, locked)
    claim_id = world.claimed(claimant, employer, settled)
    must(ledger.approve_claim(cashier, claim_id, payment_reference="FK", idempotency_key=key()))
    must(world.flagged(settled))
    slipped = world.issued(seller, buyer=employer)
    must(ledger.book(cashier, slipped, deductible=True, idempotency_key=key()))
    must(ledger.red_letters.open_slip(seller, slipped, reason="return", idempotency_key=key()))
    blue = world.issued(seller)
    reddened = must(ledger.red_letters.issue_red(seller, blue, reason="issued_in_error", idempotency_key=key()))
    red = next(one for one in reddened.numbers if one != blue)
    numbers = {
        "kept": world.issued(seller), "locked": locked, "settled and flagged": settled, "with a slip": slipped,
        "reddened": blue, "red": red,
    }  # fmt: skip
    return Town(world.officer_of("2102"), seller, numbers)


@pytest.mark.parametrize("what", [*BY_NUMBER, *BY_OFFICERS])
def test_a_number_that_is_anothers_costs_what_one_that_never_was_costs(
    world: World, town: Town, cast: Cast, what: str
) -> None:
    ask = (BY_NUMBER | BY_OFFICERS)[what]

    def cost(caller: Caller, number: str) -> Work:
        return work_of(world, lambda: ask(world, town, caller, number))

    callers = {"officer elsewhere": town.there, "person": cast.attacker, "enterprise": cast.front}
    with world.sequencing.held():
        for who, caller in callers.items():
            if what in BY_OFFICERS and caller is not town.there:
                continue
            cost(caller, ABSENT_NUMBER)  # from here on its caches are full
            absent = cost(caller, ABSENT_NUMBER)
            assert absent.statements, "nothing was asked of the database: nothing is shown"
            for state, number in town.numbers.items():
                assert cost(caller, number) == absent, (who, state)


def test_an_officer_asks_for_another_districts_party_with_the_statements_of_one_there_is_none_of(
    world: World, town: Town
) -> None:
    code, unknown = world.tax_ids[town.seller.party], tax_id(880_001, "440305")
    asks: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "by id": (
            lambda: world.ledger.party(town.there, town.seller.party), lambda: world.ledger.party(town.there, 999_999)
        ),
        "by tax id": (
            lambda: world.ledger.parties(town.there, tax_id=code),
            lambda: world.ledger.parties(town.there, tax_id=unknown),
        ),
        "its certificates": (
            lambda: world.ledger.certificates(town.there, town.seller.party),
            lambda: world.ledger.certificates(town.there, 999_999),
        ),
    }  # fmt: skip
    with world.sequencing.held():
        for what, (real, absent) in asks.items():
            work_of(world, absent)
            assert work_of(world, real).statements == work_of(world, absent).statements, what
            assert work_of(world, real).opened == 0, what


def test_the_count_tells_an_invoice_that_may_be_seen_from_one_that_may_not(world: World, town: Town) -> None:
    with world.sequencing.held():
        seen = work_of(world, lambda: world.ledger.invoice(town.seller, town.numbers["kept"]))
        absent = work_of(world, lambda: world.ledger.invoice(town.seller, ABSENT_NUMBER))
    assert seen.opened > 0 == absent.opened
    assert len(seen.statements) > len(absent.statements)
