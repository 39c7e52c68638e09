"""Webhooks are told every event once or more and give up in the open; sheets go on after a break."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.domain.blocks import Outcome
from ledger.projection import (
    Acceptance,
    BulkState,
    DeliveryState,
    JobKind,
    NewGroup,
    QueueState,
    RowState,
    Store,
    WebhookState,
    bulk_jobs,
    webhook_queries,
    webhooks,
)
from ledger.projection.webhooks import Delivery
from verifier.operations import Code, Operation, Reason

NOW_S = 1_790_000_500
HOOK = "0f" * 16
JOB = "1e" * 16


@pytest.fixture
def hook(lived: tuple[Store, Any]) -> Store:
    store, town = lived
    new = webhooks.Webhook(HOOK, town.seller, "https://erp.test/in", b"s", 10, WebhookState.ACTIVE, NOW_S, NOW_S)
    store.write(lambda connection: webhooks.add_webhook(connection, new))
    return store


def _queue(store: Store, orders: list[int], cursor_order: int) -> int:
    return store.write(
        lambda connection: webhooks.queue_deliveries(connection, HOOK, orders, cursor_order=cursor_order, now_s=NOW_S)
    )


def _due(store: Store, now_s: int = NOW_S, limit: int = 10) -> tuple[Delivery, ...]:
    with store.reading() as connection:
        return webhook_queries.heads_due(connection, now_s=now_s, limit=limit)


def _attempt(store: Store, seq: int, *, error: str | None = None, retry_at: int | None = None) -> bool:
    return store.write(
        lambda connection: webhooks.record_attempt(
            connection, seq, status=500 if error else 200, error=error, retry_at=retry_at, now_s=NOW_S
        )
    )


def test_event_is_queued_once_and_the_cursor_never_goes_back(hook: Store) -> None:
    assert _queue(hook, [9, 11, 12], 12) == 2
    assert _queue(hook, [11, 12, 13], 13) == 1
    assert _queue(hook, [5], 5) == 0
    assert _queue(hook, [], 20) == 0
    with hook.reading() as connection:
        known = webhooks.webhook(connection, HOOK)
        assert known is not None
        assert known.cursor_order == 20
        assert webhooks.waiting_count(connection, HOOK) == 3
        page = webhooks.deliveries(connection, HOOK, limit=2)
        rest = webhooks.deliveries(connection, HOOK, limit=2, cursor=page.next_cursor)
        assert [one.event_order for one in (*page.items, *rest.items)] == [13, 12, 11]


def test_events_go_out_one_by_one_in_the_order_of_the_chain(hook: Store) -> None:
    _queue(hook, [11, 12], 12)
    (first,) = _due(hook)
    assert first.event_order == 11
    assert _due(hook) == (first,), "a sender that died before it recorded an attempt leaves it due"
    assert _attempt(hook, first.seq, error="refused", retry_at=NOW_S + 60)
    assert _due(hook) == (), "the next one waits for it"
    assert _attempt(hook, first.seq)
    assert [one.event_order for one in _due(hook)] == [12]


def test_delivered_is_not_sent_again_and_a_late_sender_is_told(hook: Store) -> None:
    _queue(hook, [11], 11)
    (one,) = _due(hook)
    assert _attempt(hook, one.seq) is True
    assert _attempt(hook, one.seq, error="late") is False
    assert _due(hook, NOW_S + 999) == ()
    assert hook.write(lambda connection: webhooks.forget_delivered(connection, NOW_S + 1)) == 1


def test_failing_delivery_waits_then_dies_and_is_sent_when_asked(hook: Store) -> None:
    _queue(hook, [11], 11)
    (one,) = _due(hook)
    assert _attempt(hook, one.seq, error="x" * 999, retry_at=NOW_S + 60) is True
    assert _due(hook, NOW_S + 59) == ()
    assert _due(hook, NOW_S + 60)[0].attempts == 1
    assert _attempt(hook, one.seq, error="gone", retry_at=None) is True
    assert _due(hook, NOW_S + 9_999) == ()
    assert hook.write(lambda connection: webhooks.forget_delivered(connection, NOW_S + 9_999)) == 0
    with hook.reading() as connection:
        (dead,) = webhooks.deliveries(connection, HOOK, state=DeliveryState.DEAD, limit=5).items
        assert (dead.attempts, dead.last_status, dead.last_error, dead.finished_at) == (2, 500, "gone", NOW_S)
        assert webhooks.deliveries(connection, HOOK, state=DeliveryState.WAITING, limit=5).items == ()
    assert hook.write(lambda connection: webhooks.retry_dead(connection, HOOK, now_s=NOW_S, seq=999)) == 0
    assert hook.write(lambda connection: webhooks.retry_dead(connection, HOOK, now_s=NOW_S)) == 1
    assert [again.seq for again in _due(hook)] == [one.seq]


def test_paused_webhook_keeps_what_waits_and_an_ended_one_stays_ended(hook: Store, town: Any) -> None:
    def move(state: WebhookState) -> bool:
        return hook.write(lambda connection: webhooks.set_webhook_state(connection, HOOK, state, NOW_S))

    _queue(hook, [11], 11)
    assert move(WebhookState.PAUSED)
    assert _due(hook) == ()
    with hook.reading() as connection:
        assert webhooks.active_webhooks(connection) == ()
        assert [one.webhook_id for one in webhooks.webhooks(connection, town.seller)] == [HOOK]
        assert webhooks.webhooks(connection, town.stranger) == ()
    assert move(WebhookState.ACTIVE)
    assert len(_due(hook)) == 1
    assert [move(WebhookState.ENDED), move(WebhookState.ACTIVE)] == [True, False]


def _job(town: Any) -> bulk_jobs.BulkJob:
    return bulk_jobs.BulkJob(
        JOB, town.seller, town.seller, JobKind.ISSUE, b"\x01" * 32, b"sealed", BulkState.DRAFT, 5, NOW_S, NOW_S
    )


@pytest.fixture
def sheet(lived: tuple[Store, Any]) -> Store:
    store, town = lived
    read = [
        bulk_jobs.NewBulkRow(position, RowState.READY, b"draft", 100 * position, position) for position in range(1, 5)
    ]
    read.append(bulk_jobs.NewBulkRow(5, RowState.INVALID, None, problems=b"[]"))
    store.write(lambda connection: bulk_jobs.add_job(connection, _job(town), read))
    return store


def _group(town: Any, domain: Any, *indexes: int) -> NewGroup:
    operations = [
        Operation(
            code=Code.ISSUE, subject=town.seller, number=town.number(i), month=321, terms=100, ref=town.script.salt()
        )
        for i in indexes
    ]
    signed = town.script.signed(operations, town.seller)
    return NewGroup(signed.group.digest(domain), signed)


def _sign(store: Store, town: Any, group: NewGroup, *positions: int) -> None:
    store.accept(Acceptance((group,)), queue_limit=100, now_s=NOW_S)
    numbers = [operation.number for operation in group.signed.group.operations]
    store.write(
        lambda connection: bulk_jobs.sign_rows(
            connection, JOB, dict(zip(positions, numbers, strict=True)), group.digest
        )
    )


def test_sheet_goes_on_where_it_stopped(sheet: Store, town: Any, domain: Any) -> None:
    group = _group(town, domain, 1, 2)
    _sign(sheet, town, group, 1, 2)
    with sheet.reading() as connection:
        ready = bulk_jobs.rows(connection, JOB, state=RowState.READY, limit=256)
        assert [row.position for row in ready] == [3, 4]
        signed = bulk_jobs.rows(connection, JOB, state=RowState.SIGNED, limit=256)
        assert [(row.number, row.digest, row.group_state) for row in signed] == [
            (town.number(1), group.digest, QueueState.ACCEPTED),
            (town.number(2), group.digest, QueueState.ACCEPTED),
        ]
        assert [row.position for row in bulk_jobs.rows(connection, JOB, after=3, limit=1)] == [4]
        assert bulk_jobs.rows(connection, "ff" * 16, limit=5) == ()
        sums = {(one.state, one.group_state): one for one in bulk_jobs.sums(connection, JOB)}
    assert sums[RowState.READY, None].gross_fen == 700
    assert sums[RowState.SIGNED, QueueState.ACCEPTED].tax_fen == 3
    assert (sums[RowState.INVALID, None].count, sums[RowState.INVALID, None].gross_fen) == (1, 0)


def test_rows_of_a_refused_group_can_be_signed_again(
    sheet: Store, town: Any, domain: Any, tools: SimpleNamespace
) -> None:
    good, bad = _group(town, domain, 1), _group(town, domain, 2, 3)
    _sign(sheet, town, good, 1)
    _sign(sheet, town, bad, 2, 3)
    town.script.include(
        town.script.sequenced(
            bad.signed, Outcome.REFUSED, reason=int(Reason.QUOTA_EXCEEDED), refused_number=town.number(2)
        )
    )
    town.script.seal()
    tools.project(sheet, town.script.blocks[-1:])
    with sheet.reading() as connection:
        row = bulk_jobs.rows(connection, JOB, state=RowState.SIGNED, after=1, limit=1)[0]
        assert (row.group_state, row.reason) == (QueueState.REFUSED, Reason.QUOTA_EXCEEDED)
    assert sheet.write(lambda connection: bulk_jobs.reopen_failed(connection, JOB)) == 2
    assert sheet.write(lambda connection: bulk_jobs.reopen_failed(connection, JOB)) == 0
    with sheet.reading() as connection:
        ready = bulk_jobs.rows(connection, JOB, state=RowState.READY, limit=9)
        assert [(row.position, row.number) for row in ready] == [(2, None), (3, None), (4, None)]


def test_running_jobs_are_found_again(sheet: Store, town: Any) -> None:
    with sheet.reading() as connection:
        assert bulk_jobs.running_jobs(connection, JobKind.ISSUE) == ()
    sheet.write(lambda connection: bulk_jobs.set_job_state(connection, JOB, BulkState.RUNNING, NOW_S + 1))
    expected = replace(_job(town), state=BulkState.RUNNING, updated_at=NOW_S + 1)
    with sheet.reading() as connection:
        assert bulk_jobs.running_jobs(connection, JobKind.ISSUE) == (expected,)
        assert bulk_jobs.job(connection, JOB) == expected
        assert bulk_jobs.job(connection, "ff" * 16) is None
        assert bulk_jobs.jobs(connection, JobKind.ISSUE, town.seller, limit=5).items == (expected,)
        assert bulk_jobs.jobs(connection, JobKind.ISSUE, town.stranger, limit=5).items == ()


def test_drafts_are_forgotten_and_too_long_a_sheet_is_refused(sheet: Store, town: Any) -> None:
    assert sheet.write(lambda connection: bulk_jobs.forget_drafts(connection, JOB)) == 5
    with sheet.reading() as connection:
        assert {row.sealed_draft for row in bulk_jobs.rows(connection, JOB, limit=9)} == {None}
    rows = [bulk_jobs.NewBulkRow(n, RowState.READY, b"") for n in range(1, bulk_jobs.ROWS_MAX + 2)]
    longer = replace(_job(town), job_id="2d" * 16)
    with pytest.raises(ValueError, match="at most 30000 rows"):
        sheet.write(lambda connection: bulk_jobs.add_job(connection, longer, rows))
    with sheet.reading() as connection:
        assert bulk_jobs.job(connection, longer.job_id) is None
