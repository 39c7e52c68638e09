"""Accepting stores all of a request or nothing, once, within the party's limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.projection import (
    Acceptance,
    DuplicateGroupError,
    IdempotencyConflictError,
    IdempotencyEntry,
    NewClaimRequest,
    NewDocument,
    NewGroup,
    NewReference,
    NumberInUseError,
    QueueLimitReachedError,
    QueueState,
    StorageError,
    Store,
    find_accepted,
    keystore,
    number_pool,
    queued,
)
from ledger.projection.columns import number_text
from verifier.operations import Code, Operation

NOW_S = 1_790_000_500
LIMIT = 100


def _issue(town: Any, domain: Any, *indexes: int, actor: int | None = None) -> NewGroup:
    operations = [
        Operation(
            code=Code.ISSUE,
            subject=town.seller,
            number=town.number(i),
            month=321,
            terms=100 + i,
            ref=town.script.salt(),
        )
        for i in indexes
    ]
    signed = town.script.signed(operations, actor or town.seller)
    documents = tuple(
        NewDocument(operation.number, town.seller, b"sealed", b"seed", operation.ref) for operation in operations
    )
    return NewGroup(signed.group.digest(domain), signed, documents)


def _entry(town: Any, key: str = "key-1", request: bytes = b"\x01" * 32) -> IdempotencyEntry:
    return IdempotencyEntry(town.seller, key, request, expires_at=NOW_S + 3600, response=b"answer")


def test_everything_of_a_request_is_stored(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    group = _issue(town, domain, 0, 1)
    ref = NewReference(b"\x05" * 32, "claim", town.claimant, b"sealed text")
    request = NewClaimRequest("0" * 31 + "7", town.claimant, town.employer, b"sealed words")
    accepted = store.accept(Acceptance((group,), (ref,), (request,), _entry(town)), queue_limit=LIMIT, now_s=NOW_S)
    assert (accepted.digests, accepted.replayed) == ((group.digest,), False)
    with store.reading() as connection:
        status = queued.status(connection, group.digest)
        assert status is not None
        assert (status.state, status.accepted_at, status.block) == (QueueState.ACCEPTED, NOW_S, None)
        document = keystore.document(connection, number_text(town.number(1)), group.digest)
        assert document is not None
        assert document.sealed_document == b"sealed"
        assert keystore.reference(connection, ref.ref) is not None
        assert keystore.claim_request(connection, request.claim_id) is not None
        (waiting,) = queued.take(connection, operations_max=512, calldata_size_max=98_304)
        assert waiting.signed == group.signed
        assert queued.depth(connection) == queued.QueueDepth(1, 2, NOW_S)


def test_same_key_and_request_gives_the_first_answer(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    first = store.accept(Acceptance((_issue(town, domain, 0),), idempotency=_entry(town)), queue_limit=1, now_s=NOW_S)
    again = store.accept(
        Acceptance((_issue(town, domain, 1),), idempotency=_entry(town)), queue_limit=1, now_s=NOW_S + 9
    )
    assert (again.digests, again.replayed, again.response) == (first.digests, True, b"answer")
    assert again.accepted_at == NOW_S
    with store.reading() as connection:
        assert queued.depth(connection).groups == 1
        assert find_accepted(connection, town.seller, "key-1", b"\x01" * 32, NOW_S) == replace(first, replayed=True)


def test_same_key_for_another_request_is_refused(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    store.accept(Acceptance((_issue(town, domain, 0),), idempotency=_entry(town)), queue_limit=LIMIT, now_s=NOW_S)
    with pytest.raises(IdempotencyConflictError):
        store.accept(
            Acceptance((_issue(town, domain, 1),), idempotency=_entry(town, request=b"\x02" * 32)),
            queue_limit=LIMIT,
            now_s=NOW_S,
        )


def test_key_of_another_party_or_a_forgotten_one_is_new(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    entry = _entry(town)
    store.accept(Acceptance((_issue(town, domain, 0),), idempotency=entry), queue_limit=LIMIT, now_s=NOW_S)
    other = replace(entry, party=town.employer, request_hash=b"\x03" * 32)
    assert not store.accept(
        Acceptance((_issue(town, domain, 1),), idempotency=other), queue_limit=LIMIT, now_s=NOW_S
    ).replayed
    later = replace(entry, request_hash=b"\x04" * 32, expires_at=entry.expires_at + 9999)
    assert not store.accept(
        Acceptance((_issue(town, domain, 2),), idempotency=later), queue_limit=LIMIT, now_s=entry.expires_at
    ).replayed


def test_two_threads_with_one_key_store_one_group(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    groups = [_issue(town, domain, index) for index in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda group: store.accept(
                    Acceptance((group,), idempotency=_entry(town)), queue_limit=LIMIT, now_s=NOW_S
                ),
                groups,
            )
        )
    assert len({answer.digests for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1


def test_limit_counts_operations_of_the_signer(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    store.accept(Acceptance((_issue(town, domain, 0, 1),)), queue_limit=3, now_s=NOW_S)
    with pytest.raises(QueueLimitReachedError) as caught:
        store.accept(Acceptance((_issue(town, domain, 2, 3),)), queue_limit=3, now_s=NOW_S)
    assert (caught.value.party, caught.value.waiting, caught.value.limit) == (town.seller, 2, 3)
    store.accept(Acceptance((_issue(town, domain, 2),)), queue_limit=3, now_s=NOW_S)
    other = _issue(town, domain, 4, actor=town.stranger)
    store.accept(Acceptance((other,)), queue_limit=3, now_s=NOW_S)


def test_same_bytes_twice_are_refused(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    group = _issue(town, domain, 0)
    store.accept(Acceptance((group,)), queue_limit=LIMIT, now_s=NOW_S)
    with pytest.raises(DuplicateGroupError):
        store.accept(Acceptance((group,)), queue_limit=LIMIT, now_s=NOW_S)
    fresh = _issue(town, domain, 1)
    with pytest.raises(DuplicateGroupError):
        store.accept(Acceptance((fresh, fresh)), queue_limit=LIMIT, now_s=NOW_S)


def test_refused_acceptance_stores_nothing(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    ref = NewReference(b"\x05" * 32, "claim", town.claimant, b"sealed text")
    store.accept(Acceptance((_issue(town, domain, 0),), (ref,)), queue_limit=LIMIT, now_s=NOW_S)
    group = _issue(town, domain, 1)
    with pytest.raises(StorageError, match="there already"):
        store.accept(Acceptance((group,), (ref,), (), _entry(town)), queue_limit=LIMIT, now_s=NOW_S)
    with store.reading() as connection:
        assert queued.status(connection, group.digest) is None
        assert keystore.document(connection, number_text(town.number(1)), group.digest) is None
        assert find_accepted(connection, town.seller, "key-1", b"\x01" * 32, NOW_S) is None
        assert number_pool.reserved(connection, town.seller, NOW_S) == ()


def test_number_waiting_in_another_group_is_refused(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    store.accept(Acceptance((_issue(town, domain, 0),)), queue_limit=LIMIT, now_s=NOW_S)
    with pytest.raises(NumberInUseError) as caught:
        store.accept(Acceptance((_issue(town, domain, 0, 1),)), queue_limit=LIMIT, now_s=NOW_S)
    assert caught.value.number == town.number(0)


def test_number_on_chain_is_refused(lived: tuple[Store, Any], domain: Any, tools: SimpleNamespace) -> None:
    store, town = lived
    town.script.issue(town.seller, (town.number(0), 100, 1))
    town.script.seal()
    tools.project(store, town.script.blocks[-1:])
    with pytest.raises(NumberInUseError):
        store.accept(Acceptance((_issue(town, domain, 0),)), queue_limit=LIMIT, now_s=NOW_S)


def test_stranger_takes_no_number_out_of_a_neighbours_pool(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    hijack = _issue(town, domain, 0, actor=town.stranger)
    store.accept(Acceptance((hijack,)), queue_limit=LIMIT, now_s=NOW_S)
    own = _issue(town, domain, 0)
    store.accept(Acceptance((own,)), queue_limit=LIMIT, now_s=NOW_S)
    with store.reading() as connection:
        assert keystore.document(connection, number_text(town.number(0)), own.digest) is not None
        assert queued.depth(connection).groups == 2


def test_clerk_with_a_grant_uses_the_sellers_numbers(
    lived: tuple[Store, Any], domain: Any, tools: SimpleNamespace
) -> None:
    store, town = lived
    town.script.grant(town.seller, town.claimant, 1)
    town.script.seal()
    tools.project(store, town.script.blocks[-1:])
    store.accept(Acceptance((_issue(town, domain, 0, actor=town.claimant),)), queue_limit=LIMIT, now_s=NOW_S)
    with pytest.raises(NumberInUseError):
        store.accept(Acceptance((_issue(town, domain, 0),)), queue_limit=LIMIT, now_s=NOW_S)


@pytest.mark.slow
def test_postgresql_accepts_alike(postgres: Store, domain: Any, tools: SimpleNamespace) -> None:
    town = tools.Town()
    tools.project(postgres, town.script.blocks)
    numbers = postgres.write(
        lambda connection: number_pool.reserve(connection, town.seller, 2, expires_at=NOW_S + 9, now_s=NOW_S)
    )
    assert numbers == (town.number(0), town.number(1))
    group = _issue(town, domain, 0)
    postgres.accept(Acceptance((group,), idempotency=_entry(town)), queue_limit=LIMIT, now_s=NOW_S)
    with pytest.raises(DuplicateGroupError):
        postgres.accept(Acceptance((group,)), queue_limit=LIMIT, now_s=NOW_S)
    with pytest.raises(NumberInUseError):
        postgres.accept(Acceptance((_issue(town, domain, 0),)), queue_limit=LIMIT, now_s=NOW_S)
    with postgres.reading() as connection:
        assert queued.depth(connection).groups == 1


def test_documents_of_a_page_are_asked_together(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    group = _issue(town, domain, 0, 1)
    store.accept(Acceptance((group,)), queue_limit=LIMIT, now_s=NOW_S)
    keys = [(town.number(0), group.digest), (town.number(1), b"\x09" * 32), (town.number(2), group.digest)]
    with store.reading() as connection:
        found = keystore.documents(connection, keys)
        assert found == {town.number(0): keystore.document(connection, number_text(town.number(0)), group.digest)}
        with pytest.raises(ValueError, match="at most 200"):
            keystore.documents(connection, keys * 100)
