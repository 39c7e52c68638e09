"""What every write keeps: idempotency, receipts, the wait for the block, the limit of what waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from coincurve import PublicKey

from ledger.evidence import RECEIPT_TAG
from ledger.identity import address_of, address_of_public_key
from ledger.service import Caller, IdempotencyConflict, Ledger, NotFound, QueueFull, Receipt, WriteStatus, Written
from tests.service.conftest import Cast
from tests.service.world import World, must, refused
from verifier.hashing import keccak256


def test_the_same_key_and_request_give_the_same_answer(world: World, cast: Cast) -> None:
    key, draft = world.key(), world.draft(net_fen=77_700)
    first = must(world.ledger.issue(cast.seller, draft, idempotency_key=key))
    assert world.ledger.issue(cast.seller, draft, idempotency_key=key) == first
    assert len(world.ledger.search(cast.seller, gross_min_fen=82_362, gross_max_fen=82_362).items) == 1


def test_a_retry_spells_the_same_document_otherwise(world: World, cast: Cast) -> None:
    key, draft = world.key(), world.draft()
    first = must(world.ledger.issue(cast.seller, draft, idempotency_key=key))
    respelt = dict(reversed(draft.items()))
    respelt["buyer"] = {"name": " 张三 "}
    assert world.ledger.issue(cast.seller, respelt, idempotency_key=key) == first


def test_the_same_key_for_another_request_is_a_conflict(world: World, cast: Cast) -> None:
    key = world.key()
    number = must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=key)).numbers[0]
    for other in (
        lambda: world.ledger.issue(cast.seller, world.draft(net_fen=20_000), idempotency_key=key),
        lambda: world.ledger.issue(cast.seller, world.draft(), first_holder="seller", idempotency_key=key),
        lambda: world.ledger.issue_list(cast.seller, [world.draft()], idempotency_key=key),
        lambda: world.ledger.transfer(cast.seller, number, cast.claimant.party, idempotency_key=key),
        lambda: world.ledger.reserve_numbers(cast.seller, 1, idempotency_key=key),
    ):
        with pytest.raises(IdempotencyConflict) as caught:
            other()
        assert caught.value.key == key


def test_keys_of_different_parties_do_not_meet(world: World, cast: Cast) -> None:
    key = world.key()
    one = must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=key))
    other = must(world.ledger.issue(cast.stranger, world.draft(), idempotency_key=key))
    assert one.digest != other.digest


def test_a_refusal_is_the_answer_to_its_retry_too(world: World, cast: Cast) -> None:
    number, key = world.issued(cast.seller, cast.claimant), world.key()
    first = refused(world.ledger.transfer(cast.seller, number, cast.employer.party, idempotency_key=key), "not_holder")
    assert world.ledger.transfer(cast.seller, number, cast.employer.party, idempotency_key=key) == first


def test_a_claim_retried_after_it_was_taken_back_is_not_made_again(world: World, cast: Cast) -> None:
    number, key = world.issued(cast.seller, cast.claimant), world.key()

    def claim() -> object:
        return world.ledger.open_claim(
            cast.claimant, [number], employer=cast.employer.party, reference="BX", idempotency_key=key
        )

    first = claim()
    claim_id = world.ledger.invoice(cast.claimant, number).hold
    assert claim_id is not None
    must(world.ledger.withdraw_claim(cast.claimant, claim_id.claim_id, idempotency_key=world.key()))
    assert claim() == first
    assert world.ledger.invoice(cast.claimant, number).claim_state == "free"


def test_a_whole_withdrawal_retried_is_answered_though_nothing_is_locked_any_more(world: World, cast: Cast) -> None:
    number, key = world.issued(cast.seller, cast.claimant), world.key()
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    first = must(world.ledger.withdraw_claim(cast.claimant, claim_id, idempotency_key=key))
    assert world.ledger.withdraw_claim(cast.claimant, claim_id, idempotency_key=key) == first


def test_one_key_sent_by_many_threads_makes_one_invoice(world: World, cast: Cast) -> None:
    key, draft = world.key(), world.draft(net_fen=66_600)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.ledger.issue(cast.seller, draft, idempotency_key=key), range(16)))
    assert len({answer.digest for answer in answers}) == 1
    assert len({answer.numbers for answer in answers}) == 1
    assert len(world.ledger.search(cast.seller, gross_min_fen=70_596, gross_max_fen=70_596).items) == 1


def test_parallel_issues_take_different_numbers(world: World, cast: Cast) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: world.issued(cast.seller), range(24)))
    assert len(set(numbers)) == 24


def test_the_operator_signs_the_receipt(world: World, cast: Cast) -> None:
    written = must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=world.key()))
    assert receipt_signer(world.ledger, written.receipt) == address_of(world.ledger.context.operator_key)
    assert written.receipt.digest == written.digest
    assert written.receipt.accepted_at < written.receipt.by


@pytest.mark.parametrize("field", ["digest", "accepted_at", "by"])
def test_a_changed_receipt_is_not_the_operators(world: World, cast: Cast, field: str) -> None:
    receipt = must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=world.key())).receipt
    changed: dict[str, Any] = {
        "digest": ("0" if receipt.digest[0] != "0" else "1") + receipt.digest[1:],
        "accepted_at": receipt.accepted_at - timedelta(seconds=1),
        "by": receipt.by + timedelta(seconds=1),
    }
    forged = replace(receipt, **{field: changed[field]})
    assert receipt_signer(world.ledger, forged) != address_of(world.ledger.context.operator_key)


def test_a_write_that_waits_too_long_is_accepted_and_recorded_later(world: World, cast: Cast) -> None:
    hurried, key, draft = world.hurried(), world.key(), world.draft()
    with world.sequencing.held():
        accepted = hurried.issue(cast.seller, draft, idempotency_key=key)
        assert accepted.status is WriteStatus.ACCEPTED
        assert (accepted.block, accepted.recorded_at, accepted.refusal) == (None, None, None)
        assert hurried.operation(cast.seller, accepted.digest) == accepted
        assert hurried.issue(cast.seller, draft, idempotency_key=key) == accepted
        with pytest.raises(NotFound):
            hurried.invoice(cast.seller, accepted.numbers[0])
        assert hurried.health().waiting_groups >= 1
    recorded = wait(world, cast.seller, accepted.digest)
    assert recorded.status is WriteStatus.RECORDED
    assert (recorded.numbers, recorded.receipt) == (accepted.numbers, accepted.receipt)
    assert recorded.block is not None
    assert world.ledger.invoice(cast.seller, recorded.numbers[0]).issued_block == recorded.block


def test_a_party_may_have_only_so_much_waiting(world: World, cast: Cast) -> None:
    tight = world.opened(post_wait_ms=0, queue_limit_per_party=2)
    with world.sequencing.held():
        for _ in range(2):
            tight.issue(cast.stranger, world.draft(), idempotency_key=world.key())
        key = world.key()
        with pytest.raises(QueueFull) as caught:
            tight.issue(cast.stranger, world.draft(), idempotency_key=key)
        assert caught.value.limit == 2
        others = tight.issue(cast.seller, world.draft(), idempotency_key=world.key())
        assert others.status is WriteStatus.ACCEPTED
    wait(world, cast.seller, others.digest)
    must(world.ledger.issue(cast.stranger, world.draft(), idempotency_key=key))


def test_only_the_signer_and_officers_ask_for_an_operation(world: World, cast: Cast) -> None:
    written = must(world.ledger.issue(cast.clerk, world.draft(), idempotency_key=world.key()))
    assert world.ledger.operation(cast.clerk, written.digest) == written
    assert world.ledger.operation(world.officer, written.digest) == written
    for other in (cast.seller, cast.stranger, cast.claimant):
        with pytest.raises(NotFound):
            world.ledger.operation(other, written.digest)


@pytest.mark.parametrize("digest", ["", "00", "zz" * 32, "0" * 63, "0" * 64, "0" * 66, " " * 64, "０" * 64])
def test_an_unknown_digest_is_not_found(world: World, cast: Cast, digest: str) -> None:
    with pytest.raises(NotFound):
        world.ledger.operation(cast.seller, digest)


def test_versions_of_waiting_operations_follow_each_other_or_are_refused_in_words(world: World, cast: Cast) -> None:
    """Two changes of one invoice accepted before a block: the second is out of date, and says so."""
    number, hurried = world.issued(cast.seller, buyer=cast.employer), world.hurried()
    with world.sequencing.held():
        first = hurried.book(cast.cashier, number, deductible=True, idempotency_key=world.key())
        second = hurried.withdraw_booking(cast.cashier, number, reason="wrong month", idempotency_key=world.key())
    assert wait(world, cast.cashier, first.digest).status is WriteStatus.RECORDED
    answer = wait(world, cast.cashier, second.digest)
    assert answer.refusal is not None
    assert answer.refusal.reason == "stale_version"
    must(world.ledger.withdraw_booking(cast.cashier, number, reason="wrong month", idempotency_key=world.key()))


def wait(world: World, caller: Caller, digest: str) -> Written:
    """The outcome of an accepted write."""
    world.ledger.context.watch.wait(bytes.fromhex(digest), 20_000)
    return world.ledger.operation(caller, digest)


def receipt_signer(ledger: Ledger, receipt: Receipt) -> bytes:
    """20-byte address that signed a receipt, recomputed from what docs and views say of it."""
    message = keccak256(
        RECEIPT_TAG
        + ledger.context.domain.separator
        + bytes.fromhex(receipt.digest)
        + int(receipt.accepted_at.timestamp()).to_bytes(8, "big")
        + int(receipt.by.timestamp()).to_bytes(8, "big")
    )
    signature = bytes.fromhex(receipt.signature)
    point = PublicKey.from_signature_and_message(signature[:64] + bytes((signature[64] - 27,)), message, hasher=None)
    return address_of_public_key(point.format(compressed=False))
