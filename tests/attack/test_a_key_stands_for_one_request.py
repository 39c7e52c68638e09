"""One Idempotency-Key at twenty hands at once, with other contents, by other parties, and after the process died."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from ledger.identity import new_till_key, till_public_key
from ledger.service import IdempotencyConflict
from ledger.service.till_uploads import Offline
from tests.attack.conftest import Cast
from tests.service.world import World, must

HANDS = 20


def test_twenty_at_once_issue_one_invoice(world: World, cast: Cast) -> None:
    key = world.key()
    with ThreadPoolExecutor(HANDS) as pool:
        answers = list(
            pool.map(lambda _: must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=key)), range(HANDS))
        )
    assert len({answer.digest for answer in answers}) == 1
    assert len({answer.numbers for answer in answers}) == 1


def test_of_twenty_contents_at_once_one_is_done_and_the_others_conflict(world: World, cast: Cast) -> None:
    key = world.key()

    def issue(at: int) -> str:
        try:
            draft = world.draft(net_fen=10_000 + 100 * at)
            return must(world.ledger.issue(cast.seller, draft, idempotency_key=key)).digest
        except IdempotencyConflict:
            return ""

    with ThreadPoolExecutor(HANDS) as pool:
        digests = list(pool.map(issue, range(HANDS)))
    assert sorted(digests)[: HANDS - 1] == [""] * (HANDS - 1)
    assert max(digests)


def test_a_key_of_one_party_means_nothing_to_another(world: World, cast: Cast) -> None:
    key = world.key()
    one = must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=key))
    other = must(world.ledger.issue(cast.front, world.draft(), idempotency_key=key))
    assert one.digest != other.digest


def test_a_till_that_sends_another_document_under_the_same_key_conflicts(world: World, cast: Cast) -> None:
    ledger, seller = world.ledger, cast.seller
    till = ledger.tills.register(
        seller, name="一号", public_key=till_public_key(new_till_key()).hex(), idempotency_key=world.key()
    )
    (number,) = ledger.reserve_numbers(seller, 1, idempotency_key=world.key()).numbers
    issued_at = datetime.now(UTC).isoformat()

    def upload(document: object, key: str) -> str:
        (row,) = ledger.till_uploads.upload(
            seller, till.till_id, (Offline(number, issued_at, document),), idempotency_key=key
        )
        return row.status

    key = world.key()
    assert upload(world.draft(gross_fen=1), key) == "invalid"
    assert upload(world.draft(gross_fen=1), key) == "invalid"
    for other in (world.draft(), {"lines": [1.5]}, "\ud800", None):
        with pytest.raises(IdempotencyConflict):
            upload(other, key)
    assert upload(world.draft(), world.key()) == "recorded"
