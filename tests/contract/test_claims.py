"""Lock, unlock, settle: one invoice is reimbursed once, by one employer, under one claim."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.world import NUMBER, World
from verifier.operations import Code, Operation, Reason
from verifier.words import LOCK_LIFETIME_S, Claim, ClaimWord, PartyKind

CLAIM_ID = 2**128 - 1
OTHER_ID = 1


@pytest.fixture
def held(world: World) -> World:
    """The employee holds an invoice that names no buyer; a colleague may claim and pay as well."""
    world.do("clerk", world.issue_operation(buyer=None, first_holder="employee"))
    world.enrol("colleague", PartyKind.PERSON)
    world.grant("employer", "colleague", 6)
    return world


@pytest.fixture
def locked(held: World) -> World:
    held.do("employee", lock(held))
    return held


def lock(world: World, subject: str = "employee", employer: str = "employer", **fields: int) -> Operation:
    fields.setdefault("terms", CLAIM_ID)
    return world.operation(Code.LOCK, subject, party=world.ids[employer], **fields)


def unlock(world: World, subject: str = "employee", **fields: int) -> Operation:
    return world.operation(Code.UNLOCK, subject, **({"terms": CLAIM_ID} | fields))


def settle(world: World, subject: str = "employer", **fields: int) -> Operation:
    return world.operation(Code.SETTLE, subject, **({"terms": CLAIM_ID} | fields))


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    assert world.refusal(actor, operation) == (reason, operation.number)


# -- lock ---------------------------------------------------------------------------------------


def test_the_employee_claims_what_it_holds(held: World) -> None:
    before = held.state()
    time = held.now
    operation = lock(held)
    (event,) = held.do("employee", operation)
    after = held.state()
    assert after.pack() == before.pack() + (1 << 232) + (Claim.LOCKED << 2)
    assert event.words[:2] == (operation.what, after.pack())
    assert held.claim() == ClaimWord(
        claimant=held.ids["employee"], employer=held.ids["employer"], time=time, claim_id=CLAIM_ID
    )


def test_the_employee_claims_what_the_employer_holds(world: World) -> None:
    world.do("clerk", world.issue_operation())
    world.do("employee", lock(world, "employer"))
    assert world.claim().claimant == world.ids["employee"]


def test_the_employer_itself_may_claim_what_it_holds(world: World) -> None:
    world.do("clerk", world.issue_operation())
    world.do("employer", lock(world, "employer"))
    assert world.claim().claimant == world.ids["employer"]


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_claiming_takes_the_claim_grant_of_that_employer(world: World, bits: int) -> None:
    world.do("clerk", world.issue_operation(buyer=None, first_holder="intruder"))
    world.grant("employer", "intruder", bits)
    refused(world, "intruder", lock(world, "intruder"), Reason.NOT_PERMITTED)
    world.grant("other employer", "intruder", 4)
    refused(world, "intruder", replace(lock(world, "intruder"), ref=bytes([1] * 32)), Reason.NOT_PERMITTED)
    world.do("intruder", lock(world, "intruder", "other employer"))


def test_nobody_claims_what_another_person_holds(held: World) -> None:
    refused(held, "colleague", lock(held), Reason.NOT_PERMITTED)
    refused(held, "colleague", lock(held, "colleague"), Reason.NOT_HOLDER)


def test_nobody_claims_at_one_employer_what_another_holds(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer=None, first_holder="employee"))
    world.do("employee", world.operation(Code.TRANSFER, "employee", party=world.ids["other employer"]))
    refused(world, "employee", lock(world, "other employer"), Reason.NOT_PERMITTED)
    world.do("employee", lock(world, "other employer", "other employer"))


@pytest.mark.parametrize("name", ["employee", "officer", "authority"])
def test_an_employer_is_an_enterprise(held: World, name: str) -> None:
    refused(held, "employee", lock(held, employer=name), Reason.UNKNOWN_PARTY)


@pytest.mark.parametrize("party", [0, 999])
def test_an_employer_exists(held: World, party: int) -> None:
    refused(held, "employee", replace(lock(held), party=party), Reason.UNKNOWN_PARTY)


def test_a_second_claim_is_refused_as_locked(locked: World) -> None:
    refused(locked, "employee", lock(locked, terms=OTHER_ID), Reason.LOCKED)
    refused(locked, "employee", lock(locked, employer="other employer", terms=OTHER_ID), Reason.LOCKED)
    # though its version is out of date, the reason is what happened, not that something did
    refused(locked, "employee", lock(locked, terms=OTHER_ID, version=1), Reason.LOCKED)


def test_a_claim_of_what_is_settled_is_refused_as_settled(locked: World) -> None:
    locked.do("cashier", settle(locked))
    refused(locked, "employee", lock(locked, "employer", terms=OTHER_ID), Reason.SETTLED)
    refused(locked, "employee", lock(locked, "employer", terms=OTHER_ID, version=1), Reason.SETTLED)


def test_a_lock_lapses_after_180_days(locked: World) -> None:
    since = locked.claim().time
    locked.travel(since + LOCK_LIFETIME_S - 1)
    refused(locked, "employee", lock(locked, terms=OTHER_ID), Reason.LOCKED)
    assert locked.now > since + LOCK_LIFETIME_S - 1


def test_a_lapsed_lock_gives_way_to_another_claim(locked: World) -> None:
    locked.travel(locked.claim().time + LOCK_LIFETIME_S)
    locked.do("employee", lock(locked, employer="other employer", terms=OTHER_ID))
    claim = locked.claim()
    assert (claim.employer, claim.claim_id) == (locked.ids["other employer"], OTHER_ID)
    assert locked.state().claim == Claim.LOCKED
    refused(locked, "employee", lock(locked), Reason.LOCKED)


@pytest.mark.parametrize(("code", "actor"), [(Code.UNLOCK, "employee"), (Code.SETTLE, "cashier")])
def test_a_lapsed_lock_is_no_lock(locked: World, code: Code, actor: str) -> None:
    subject = "employee" if code == Code.UNLOCK else "employer"
    operation = locked.operation(code, subject, terms=CLAIM_ID)
    locked.travel(locked.claim().time + LOCK_LIFETIME_S)
    refused(locked, actor, operation, Reason.NOT_LOCKED)


@pytest.mark.parametrize(("code", "actor"), [(Code.UNLOCK, "employee"), (Code.SETTLE, "cashier")])
def test_until_then_it_is_one(locked: World, code: Code, actor: str) -> None:
    subject = "employee" if code == Code.UNLOCK else "employer"
    operation = locked.operation(code, subject, terms=CLAIM_ID)
    locked.travel(locked.claim().time + LOCK_LIFETIME_S - 1)
    locked.do(actor, operation)


def test_a_seller_is_not_reimbursed_for_its_own_invoice(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer=None, mode=0))
    world.grant("seller", "employee", 4)
    refused(world, "employee", lock(world, "seller", "seller"), Reason.OWN_INVOICE)
    refused(world, "seller", lock(world, "seller", "seller"), Reason.OWN_INVOICE)
    world.do("seller", world.operation(Code.TRANSFER, "seller", party=world.ids["employee"]))
    refused(world, "employee", lock(world, "employee", "seller"), Reason.OWN_INVOICE)
    world.do("employee", lock(world))


def test_a_seller_that_holds_its_invoice_does_not_claim_it_elsewhere(world: World) -> None:
    # the seller is no person and has no grant, so its own address is what another employer would have to trust
    world.do("clerk", world.issue_operation(buyer=None, mode=0))
    refused(world, "seller", lock(world, "seller", "employer"), Reason.NOT_PERMITTED)


def test_an_invoice_that_names_a_buyer_is_claimed_there_only(world: World) -> None:
    world.do("clerk", world.issue_operation(buyer="employer", first_holder="employee"))
    refused(world, "employee", lock(world, employer="other employer"), Reason.WRONG_BUYER)
    world.do("employee", lock(world))


@pytest.mark.parametrize("terms", [0, 1 << 128, 1 << 255])
def test_a_claim_id_is_128_bits_and_not_0(held: World, terms: int) -> None:
    refused(held, "employee", lock(held, terms=terms), Reason.BAD_TERMS)


@pytest.mark.parametrize("version", [0, 2])
def test_a_lock_names_the_version(held: World, version: int) -> None:
    refused(held, "employee", lock(held, version=version), Reason.STALE_VERSION)


def test_what_was_never_issued_is_not_claimed(held: World) -> None:
    operation = replace(lock(held), number=NUMBER + 1)
    refused(held, "employee", operation, Reason.UNKNOWN_INVOICE)


# -- unlock -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "subject"),
    [("employee", "employee"), ("employee", "employer"), ("cashier", "employer"), ("employer", "employer")],
)
def test_claimant_and_employers_finance_unlock(locked: World, actor: str, subject: str) -> None:
    before = locked.state()
    locked.do(actor, unlock(locked, subject))
    assert locked.state().pack() == before.pack() + (1 << 232) - (Claim.LOCKED << 2)
    locked.do("employee", lock(locked, employer="other employer", terms=OTHER_ID))


@pytest.mark.parametrize(
    ("actor", "subject"),
    [
        ("intruder", "employer"),
        ("intruder", "employee"),
        ("intruder", "intruder"),
        ("cashier", "employee"),
        ("cashier", "cashier"),
        ("employee", "other employer"),
        ("employee", "seller"),
        ("other employer", "other employer"),
        ("seller", "seller"),
        ("officer", "officer"),
    ],
)
def test_nobody_else_unlocks(locked: World, actor: str, subject: str) -> None:
    refused(locked, actor, unlock(locked, subject), Reason.NOT_PERMITTED)


@pytest.mark.parametrize("bits", [1, 4])
def test_unlocking_for_the_employer_takes_its_finance_grant(locked: World, bits: int) -> None:
    locked.grant("employer", "intruder", bits)
    refused(locked, "intruder", unlock(locked, "employer"), Reason.NOT_PERMITTED)


def test_another_employers_finance_does_not_unlock(locked: World) -> None:
    locked.grant("other employer", "intruder", 7)
    refused(locked, "intruder", unlock(locked, "other employer"), Reason.NOT_PERMITTED)
    refused(locked, "intruder", unlock(locked, "employer"), Reason.NOT_PERMITTED)


@pytest.mark.parametrize("terms", [OTHER_ID, 0, CLAIM_ID | 1 << 128])
@pytest.mark.parametrize("code", [Code.UNLOCK, Code.SETTLE])
def test_a_claim_ends_under_its_own_id_only(locked: World, code: Code, terms: int) -> None:
    actor, subject = ("employee", "employee") if code == Code.UNLOCK else ("cashier", "employer")
    refused(locked, actor, locked.operation(code, subject, terms=terms), Reason.NOT_LOCKED)


@pytest.mark.parametrize("terms", [CLAIM_ID, 0])
@pytest.mark.parametrize("code", [Code.UNLOCK, Code.SETTLE])
def test_what_is_not_claimed_has_no_claim_to_end(held: World, code: Code, terms: int) -> None:
    refused(held, "cashier", held.operation(code, "employer", terms=terms), Reason.NOT_LOCKED)


@pytest.mark.parametrize("code", [Code.UNLOCK, Code.SETTLE])
def test_an_unlocked_claim_is_over(locked: World, code: Code) -> None:
    locked.do("cashier", unlock(locked, "employer"))
    refused(locked, "cashier", locked.operation(code, "employer", terms=CLAIM_ID), Reason.NOT_LOCKED)


@pytest.mark.parametrize("code", [Code.UNLOCK, Code.SETTLE])
def test_a_settled_claim_is_over(locked: World, code: Code) -> None:
    locked.do("cashier", settle(locked))
    refused(locked, "cashier", locked.operation(code, "employer", terms=CLAIM_ID), Reason.SETTLED)
    refused(locked, "employee", locked.operation(code, "employee", terms=OTHER_ID), Reason.SETTLED)


@pytest.mark.parametrize(
    ("code", "actor", "subject"),
    [
        (Code.UNLOCK, "employee", "employee"),
        (Code.UNLOCK, "cashier", "employer"),
        (Code.SETTLE, "cashier", "employer"),
    ],
)
def test_unlock_and_settle_name_the_version(locked: World, code: Code, actor: str, subject: str) -> None:
    for version in (1, 3):
        operation = locked.operation(code, subject, terms=CLAIM_ID, version=version)
        refused(locked, actor, operation, Reason.STALE_VERSION)


def test_a_suspended_claimant_unlocks_nothing(locked: World) -> None:
    locked.do("officer", locked.on_party("officer", Code.SUSPEND, "employee"))
    refused(locked, "employee", unlock(locked), Reason.SUSPENDED)


# -- settle -------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", ["cashier", "colleague"])
def test_finance_settles_and_the_employer_becomes_holder(locked: World, actor: str) -> None:
    before = locked.state()
    operation = settle(locked)
    (event,) = locked.do(actor, operation)
    after = locked.state()
    moved = (locked.ids["employer"] - locked.ids["employee"]) << 78
    assert after.pack() == before.pack() + (1 << 232) + (1 << 2) + moved
    assert (after.claim, after.holder) == (Claim.SETTLED, locked.ids["employer"])
    assert event.words[:2] == (operation.what, after.pack())


def test_the_claimant_does_not_settle(held: World) -> None:
    held.do("employee", held.operation(Code.TRANSFER, "employee", party=held.ids["colleague"]))
    held.do("colleague", lock(held, "colleague"))
    refused(held, "colleague", settle(held), Reason.OWN_CLAIM)
    held.do("cashier", settle(held))


def test_a_person_settles_not_the_enterprise_itself(locked: World) -> None:
    refused(locked, "employer", settle(locked), Reason.NOT_PERMITTED)


def test_an_enterprise_that_claimed_does_not_settle_either(world: World) -> None:
    world.do("clerk", world.issue_operation())
    world.do("employer", lock(world, "employer"))
    refused(world, "employer", settle(world), Reason.NOT_PERMITTED)
    world.do("cashier", settle(world))


@pytest.mark.parametrize(
    ("actor", "subject"),
    [
        ("intruder", "employer"),
        ("employee", "employee"),
        ("cashier", "cashier"),
        ("cashier", "other employer"),
        ("clerk", "seller"),
        ("officer", "officer"),
    ],
)
def test_nobody_else_settles(locked: World, actor: str, subject: str) -> None:
    refused(locked, actor, settle(locked, subject), Reason.NOT_PERMITTED)


@pytest.mark.parametrize("bits", [1, 4, 5])
def test_settling_takes_the_finance_grant(locked: World, bits: int) -> None:
    locked.grant("employer", "intruder", bits)
    refused(locked, "intruder", settle(locked), Reason.NOT_PERMITTED)


def test_another_employers_finance_does_not_settle(locked: World) -> None:
    locked.grant("other employer", "intruder", 2)
    refused(locked, "intruder", settle(locked, "other employer"), Reason.NOT_PERMITTED)
    refused(locked, "intruder", settle(locked), Reason.NOT_PERMITTED)
