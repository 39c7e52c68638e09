"""A suspended clerk, cashier and approver go on where no contract hears them: reading, deciding, tills, sheets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ledger.identity import new_till_key, till_public_key
from ledger.service import Caller, NotFound, NotPermitted
from ledger.service.till_views import TillView
from tests.attack.conftest import Cast, make_cast
from tests.service.test_bulk import row, sheet
from tests.service.world import World, must, refused


@pytest.fixture(scope="module")
def cast(world: World) -> Cast:
    """Parties of this file alone: their employer's policy and suspensions are nobody else's."""
    return make_cast(world)


@pytest.fixture(scope="module")
def town(world: World, cast: Cast) -> dict[str, Caller]:
    """A clerk of the seller, a cashier and an approver of the employer, none suspended yet."""
    approver = world.person("审批经理")
    world.ledger.approvals.set_policy(
        cast.employer, cast.employer.party, approval_required=True, from_fen=0, approvers=[approver.party],
        idempotency_key=world.key(),
    )  # fmt: skip
    return {
        "clerk": world.person("开票员", (cast.seller, ["issue"])),
        "cashier": world.person("出纳", (cast.employer, ["finance"])),
        "approver": approver,
    }


@pytest.fixture
def suspended(world: World, town: dict[str, Caller]) -> Iterator[dict[str, Caller]]:
    """The same people while they are suspended."""
    for one in town.values():
        must(world.suspended(one.party))
    yield {role: world.again(one) for role, one in town.items()}
    for one in town.values():
        must(world.ledger.reinstate(world.officer, one.party, reason="", idempotency_key=world.key()))


def is_refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except (NotPermitted, NotFound):
        return True
    return False


def new_till(world: World, caller: Caller, seller: Caller) -> TillView:
    return world.ledger.tills.register(
        caller, name="一号", public_key=till_public_key(new_till_key()).hex(), clerk=caller.party,
        subject=seller.party, idempotency_key=world.key(),
    )  # fmt: skip


def test_a_suspended_approver_neither_decides_nor_sees_what_waits(
    world: World, cast: Cast, suspended: dict[str, Caller]
) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    approver = suspended["approver"]

    def decide(caller: Caller) -> object:
        return world.ledger.approvals.decide(caller, claim_id, decision="approved", idempotency_key=world.key())

    assert is_refused(lambda: decide(approver))
    assert is_refused(lambda: world.ledger.claim(approver, claim_id))
    assert is_refused(lambda: world.ledger.invoice(approver, number))
    assert world.ledger.approvals.to_decide(approver, cursor=None, limit=10).items == ()


def test_a_reinstated_approver_decides_again(world: World, cast: Cast, town: dict[str, Caller]) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    approver = world.again(town["approver"])
    assert world.ledger.approvals.to_decide(approver, cursor=None, limit=10).items[0].claim_id == claim_id
    view = world.ledger.approvals.decide(approver, claim_id, decision="approved", idempotency_key=world.key())
    assert view.approval.state == "approved"


def test_a_suspended_clerk_reads_and_does_nothing_of_the_seller(
    world: World, cast: Cast, town: dict[str, Caller], suspended: dict[str, Caller]
) -> None:
    number = world.issued(cast.seller)
    till = new_till(world, cast.seller, cast.seller)
    job = world.ledger.bulk.upload(cast.seller, sheet(row(1)), idempotency_key=world.key())
    clerk, seller, ledger = suspended["clerk"], cast.seller.party, world.ledger
    assert is_refused(lambda: ledger.invoice(clerk, number))
    assert ledger.search(clerk).items == ()
    assert is_refused(lambda: ledger.papers.document(clerk, number, kind="json"))
    assert is_refused(lambda: ledger.bulk.job(clerk, job.job))
    assert is_refused(lambda: ledger.bulk.cancel(clerk, job.job, idempotency_key=world.key()))
    assert is_refused(lambda: new_till(world, clerk, cast.seller))
    assert is_refused(lambda: ledger.tills.close(clerk, till.till_id, idempotency_key=world.key()))
    with pytest.raises(NotPermitted):
        ledger.reserve_numbers(clerk, 1, idempotency_key=world.key())
    with pytest.raises(NotPermitted):
        ledger.webhooks.register(clerk, "https://example.com/", idempotency_key=world.key())
    written = ledger.issue(clerk, world.draft(), subject=seller, idempotency_key=world.key())
    refused(written, "suspended")
    assert town["clerk"].grants, "it was not the missing grant that kept it out"


def test_a_reinstated_clerk_reads_and_acts_again(world: World, cast: Cast, town: dict[str, Caller]) -> None:
    number = world.issued(cast.seller)
    clerk = world.again(town["clerk"])
    assert world.ledger.invoice(clerk, number).number == number
    till = new_till(world, clerk, cast.seller)
    assert world.ledger.tills.close(clerk, till.till_id, idempotency_key=world.key()).state == "closed"
    assert len(world.ledger.reserve_numbers(clerk, 1, idempotency_key=world.key()).numbers) == 1


def test_a_suspended_cashier_reads_no_claim_of_the_employer(
    world: World, cast: Cast, town: dict[str, Caller], suspended: dict[str, Caller]
) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    assert is_refused(lambda: world.ledger.claim(suspended["cashier"], claim_id))
    assert is_refused(lambda: world.ledger.papers.archive(suspended["cashier"], claim_id))
    assert world.ledger.claim(town["cashier"], claim_id).claim_id == claim_id


def test_an_officer_looks_at_a_till_and_does_not_close_it(world: World, cast: Cast) -> None:
    till = new_till(world, cast.seller, cast.seller)
    assert world.ledger.tills.till(world.officer, till.till_id).state == "open"
    with pytest.raises(NotPermitted):
        world.ledger.tills.close(world.officer, till.till_id, idempotency_key=world.key())
    assert world.ledger.tills.till(cast.seller, till.till_id).state == "open"
    assert world.ledger.tills.close(cast.seller, till.till_id, idempotency_key=world.key()).state == "closed"
