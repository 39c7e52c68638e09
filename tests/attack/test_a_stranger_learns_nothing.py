"""A stranger with a valid credential tries to learn of invoices, sales, and people by writing what will be refused."""

from __future__ import annotations

import pytest

from ledger.service import Refusal, WriteStatus
from tests.attack.conftest import Cast
from tests.service.world import World, must, refused

NEVER_ISSUED = "99999999999999999999"


def told(refusal: Refusal | None) -> tuple[object, ...]:
    """What a refusal says, but for the number that was asked for."""
    assert refusal is not None
    return (refusal.reason, refusal.code, refusal.message, refusal.message_zh, refusal.action, refusal.action_zh,
            refusal.hold)  # fmt: skip


@pytest.mark.parametrize("guess", ["claimant", "seller", "employer", "front", "attacker"])
def test_writes_do_not_tell_an_invoice_of_others_from_none_nor_who_holds_it(
    world: World, cast: Cast, guess: str
) -> None:
    subject = getattr(cast, guess).party
    answers = []
    for number in (world.issued(cast.seller, cast.claimant), NEVER_ISSUED):
        moved = world.ledger.transfer(
            cast.attacker, number, cast.attacker.party, subject=subject, idempotency_key=world.key()
        )
        assert moved.status is WriteStatus.REFUSED
        answers.append(told(moved.refusal))
        again = world.ledger.operation(cast.attacker, moved.digest)
        assert told(again.refusal) == answers[-1]
    assert answers[0] == answers[1]


def test_claiming_at_the_holder_does_not_tell_that_it_holds(world: World, cast: Cast) -> None:
    held = world.issued(cast.seller, buyer=cast.employer)
    answers = []
    for number in (held, NEVER_ISSUED):
        claim = world.ledger.open_claim(
            cast.attacker, [number], employer=cast.employer.party, idempotency_key=world.key()
        )
        answers.append((told(claim.written.refusal), [told(line.refusal) for line in claim.lines], claim.remaining))
    assert answers[0] == answers[1]


def test_who_may_see_an_invoice_and_an_officer_are_told_the_contracts_reason(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    moved = world.ledger.transfer(
        cast.seller, number, cast.front.party, subject=cast.claimant.party, idempotency_key=world.key()
    )
    refused(moved, "not_permitted")
    moved = world.ledger.transfer(cast.attacker, NEVER_ISSUED, cast.front.party, idempotency_key=world.key())
    refused(moved, "not_holder")
    seen = world.ledger.operation(world.officer, moved.digest).refusal
    assert seen is not None
    assert seen.reason == "unknown_invoice"


def test_issuing_in_a_neighbours_name_takes_no_number_and_tells_none(world: World, cast: Cast) -> None:
    before = int(world.issued(cast.seller))
    answer = world.ledger.issue_list(
        cast.attacker, [world.draft()] * 8, subject=cast.seller.party, idempotency_key=world.key()
    )
    assert answer.written is not None
    refused(answer.written, "not_permitted")
    one = world.ledger.issue(cast.front, world.draft(), subject=cast.seller.party, idempotency_key=world.key())
    refused(one, "not_permitted")
    first = int(world.ledger.party(cast.seller, cast.seller.party).segments[0][0])
    told_numbers = {int(number) for number in (*answer.written.numbers, *one.numbers)}
    assert all(number < first for number in told_numbers)
    assert int(world.issued(cast.seller)) == before + 1


def test_naming_a_person_as_holder_does_not_tell_the_name(world: World, cast: Cast) -> None:
    masked = f"person {cast.claimant.party}"
    number = must(
        world.ledger.issue(cast.front, world.draft(), first_holder=cast.claimant.party, idempotency_key=world.key())
    ).numbers[0]
    assert world.ledger.invoice(cast.front, number).holder_name == masked
    assert world.ledger.search(cast.front, number=number).items[0].holder_name == masked
    steps = world.ledger.history(cast.front, number)
    assert [step.party_name for step in steps] == [masked]
    assert world.ledger.invoice(cast.claimant, number).holder_name == "张三"
    assert world.ledger.invoice(world.officer, number).holder_name == "张三"


def test_a_refused_transfer_to_an_officer_does_not_tell_the_name(world: World, cast: Cast) -> None:
    number = world.issued(cast.front)
    officer = world.founded.officer
    refused(world.ledger.transfer(cast.front, number, officer, idempotency_key=world.key()), "unknown_party")
    assert [step.party_name for step in world.ledger.history(cast.front, number)] == [None, f"officer {officer}"]
    assert world.ledger.history(world.officer, number)[1].party_name == "王税官"


def test_who_acts_on_an_invoice_is_named_to_those_who_take_part(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    world.ledger.transfer(cast.attacker, number, cast.attacker.party, idempotency_key=world.key())
    assert [step.actor_name for step in world.ledger.history(cast.claimant, number)] == ["深圳咖啡有限公司", "恶人"]
