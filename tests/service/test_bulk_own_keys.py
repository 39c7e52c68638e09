"""Sheets of sellers and clerks that keep their key: drafts instead of signatures, and the same invoices in the end."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.projection import number_pool, signing_drafts
from ledger.projection.bulk_drafts import DRAFTS_OF_SHEETS_MAX
from ledger.service import Caller, DraftExpired, DraftStale, InvalidRequest, Ledger, NotFound
from ledger.service.bulk_drafting import fitted
from ledger.service.bulk_views import BulkJobView
from ledger.service.drafts import draft_bytes
from tests.service.own_keys import Wallet, drafted, keeping_its_own
from tests.service.test_bulk import row, rows_of, sheet, uploaded
from tests.service.world import World, must


@pytest.fixture
def own(world: World) -> tuple[Caller, Wallet]:
    """A seller that keeps its key, with numbers."""
    return keeping_its_own(world, world.enterprise("自管批量公司", segment=True))


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of two rows, so that a few rows take several signatures."""
    monkeypatch.setattr("ledger.service.bulk_steps.GROUP_OPERATIONS_MAX", 2)


def asked(world: World, caller: Caller, job: BulkJobView, **options: Any) -> BulkJobView:
    """The sheet after its signing was asked for."""
    return world.ledger.bulk.sign(caller, job.job, idempotency_key=world.key(), **options)


def submitted(ledger: Ledger, caller: Caller, wallet: Wallet, digest: str) -> Any:
    """What becomes of one of its drafts that the wallet signs."""
    return ledger.drafts.sign(caller, digest, wallet.sign(ledger.drafts.draft(caller, digest).typed_data))


def ended(ledger: Ledger, caller: Caller, job: BulkJobView) -> BulkJobView:
    """The sheet once nothing of it runs."""
    view = ledger.bulk.job(caller, job.job)
    while view.state == "running":
        view = ledger.bulk.go_on(caller, job.job)
    return view


def statuses(world: World, caller: Caller, job: BulkJobView) -> list[str]:
    return [one.status for one in rows_of(world.ledger, caller, job)]


def free(world: World, seller: Caller, number: str) -> bool:
    with world.ledger.context.reading() as connection:
        return int(number) not in number_pool.reserved(connection, seller.party, world.ledger.context.now_s())


def test_sheet_waits_for_its_sellers_signature_and_is_issued_by_it(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, wallet = own
    job = uploaded(world, seller, sheet(row(1, external="OWN-1"), row(2, tax="x"), row(3)))
    waiting = asked(world, seller, job)
    (draft,) = waiting.drafts
    assert (waiting.state, waiting.stopped, waiting.group_count) == ("draft", None, 1)
    assert (draft.signer, draft.count, draft.gross_fen) == (seller.party, 2, 21_200)
    assert statuses(world, seller, job) == ["drafted", "invalid", "drafted"]
    assert {one.number for one in rows_of(world.ledger, seller, job)} == {None}
    assert world.ledger.search(seller, limit=50).items == ()
    shown = world.ledger.drafts.draft(seller, draft.digest)
    assert (shown.numbers[0], shown.numbers[-1], shown.sign_by) == (
        draft.first_number, draft.last_number, draft.sign_by,
    )  # fmt: skip
    must(submitted(world.ledger, seller, wallet, draft.digest))
    done = ended(world.ledger, seller, job)
    assert (done.state, done.count("recorded"), done.drafts) == ("done", 2, ())
    numbers = [one.number for one in rows_of(world.ledger, seller, job)]
    assert numbers == [draft.first_number, None, draft.last_number]
    assert world.ledger.external_ids.find(seller, "OWN-1")[0].number == draft.first_number
    assert world.ledger.month(seller, world.month).blue_gross_fen == 21_200


def test_another_keys_signature_issues_nothing_of_a_sheet(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, _ = own
    job = uploaded(world, seller, sheet(row(1)))
    (draft,) = asked(world, seller, job).drafts
    with pytest.raises(InvalidRequest, match="signature"):
        submitted(world.ledger, seller, Wallet(), draft.digest)
    assert statuses(world, seller, job) == ["drafted"]
    assert asked(world, seller, job).drafts == (draft,)  # asked again, it is the same draft


def test_history_and_events_are_those_of_a_kept_key(world: World, own: tuple[Caller, Wallet]) -> None:
    kept = world.enterprise("代管批量公司", segment=True)
    seller, wallet = own
    data = sheet(row(1), row(2))
    lives = []
    for party in (kept, seller):
        job = uploaded(world, party, data)
        for draft in asked(world, party, job).drafts:
            must(submitted(world.ledger, party, wallet, draft.digest))
        assert ended(world.ledger, party, job).state == "done"
        numbers = [issued.number for issued in rows_of(world.ledger, party, job)]
        history = [
            (one.operation, one.outcome, one.reason, one.version, one.actor == party.party)
            for number in numbers
            for one in world.ledger.history(party, number)
        ]
        events = [
            (one.operation, one.outcome, numbers.index(one.number))
            for one in world.ledger.events.page(party, limit=50).items
            if one.number in numbers
        ]
        lives.append((history, events))
    assert lives[0] == lives[1]
    assert [len(told) for told in lives[0]] == [2, 2]


def test_groups_wait_side_by_side_and_the_next_ones_follow(
    world: World, own: tuple[Caller, Wallet], small_groups: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.service.bulk_drafting.DRAFTS_OF_SHEETS_MAX", 2)
    seller, wallet = own
    job = uploaded(world, seller, sheet(*(row(at) for at in range(5))))
    first = asked(world, seller, job)
    assert [one.count for one in first.drafts] == [2, 2]
    assert (first.group_count, first.count("ready"), first.count("drafted")) == (3, 1, 4)
    must(submitted(world.ledger, seller, wallet, first.drafts[1].digest))  # in any order
    second = ended(world.ledger, seller, job)
    assert (second.state, second.count("recorded")) == ("draft", 2)
    assert [one.count for one in second.drafts] == [2, 1]
    for one in second.drafts:
        must(submitted(world.ledger, seller, wallet, one.digest))
    assert ended(world.ledger, seller, job).state == "done"
    assert len({one.number for one in rows_of(world.ledger, seller, job)}) == 5


def test_without_room_for_a_draft_the_sheet_stops(
    world: World, own: tuple[Caller, Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.service.bulk_drafting.DRAFTS_OF_SHEETS_MAX", 1)
    seller, wallet = own
    other = drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
    job = uploaded(world, seller, sheet(row(1)))
    full = asked(world, seller, job)
    assert (full.state, full.stopped.code, full.count("ready")) == ("draft", "drafts_full", 1)
    must(submitted(world.ledger, seller, wallet, other))
    assert len(asked(world, seller, job).drafts) == 1


def test_sheets_leave_room_for_what_else_the_party_does(
    world: World, own: tuple[Caller, Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.service.bulk_steps.GROUP_OPERATIONS_MAX", 1)
    seller, wallet = own
    job = uploaded(world, seller, sheet(*(row(at) for at in range(DRAFTS_OF_SHEETS_MAX + 1))))
    full = asked(world, seller, job, budget_ms=20_000)
    assert (len(full.drafts), full.count("ready")) == (DRAFTS_OF_SHEETS_MAX, 1)
    other = drafted(lambda: world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
    must(submitted(world.ledger, seller, wallet, other))


def test_ended_draft_puts_its_rows_and_numbers_back(
    world: World, own: tuple[Caller, Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, wallet = own
    context = world.ledger.context
    job = uploaded(world, seller, sheet(row(1), row(2)))
    (draft,) = asked(world, seller, job).drafts
    typed = world.ledger.drafts.draft(seller, draft.digest).typed_data
    later = context.now_s() + context.settings.group_lifetime_s + 1
    with monkeypatch.context() as patched:
        patched.setattr(type(context), "now_s", lambda _self: later)
        assert world.ledger.bulk.job(seller, job.job).drafts == ()
        with pytest.raises(DraftExpired):
            world.ledger.drafts.sign(seller, draft.digest, wallet.sign(typed))
        assert statuses(world, seller, job) == ["ready", "ready"]
        assert free(world, seller, draft.first_number)
    again = asked(world, seller, job)
    assert [one.count for one in again.drafts] == [2]
    assert again.drafts[0].digest != draft.digest
    with pytest.raises(NotFound):
        world.ledger.drafts.sign(seller, draft.digest, wallet.sign(typed))
    must(submitted(world.ledger, seller, wallet, again.drafts[0].digest))
    assert world.ledger.month(seller, world.month).count == 2


def test_drafts_that_are_swept_away_leave_their_rows_ready(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, _ = own
    context = world.ledger.context
    job = uploaded(world, seller, sheet(row(1)))
    asked(world, seller, job)
    with context.store.writing_alone() as connection:  # as the node does from time to time
        signing_drafts.expire(connection, context.now_s())
    assert statuses(world, seller, job) == ["drafted"]
    with context.store.writing_alone() as connection:
        signing_drafts.expire(connection, context.now_s() + context.settings.group_lifetime_s + 1, actor=seller.party)
    assert statuses(world, seller, job) == ["ready"]
    asked(world, seller, job)
    with context.store.writing_alone() as connection:  # as where a person is erased
        signing_drafts.remove_of(connection, seller.party)
    assert statuses(world, seller, job) == ["ready"]


def test_cancelling_withdraws_what_nobody_signed(world: World, own: tuple[Caller, Wallet], small_groups: None) -> None:
    seller, wallet = own
    job = uploaded(world, seller, sheet(*(row(at) for at in range(4))))
    first, second = asked(world, seller, job).drafts
    typed = world.ledger.drafts.draft(seller, second.digest).typed_data
    must(submitted(world.ledger, seller, wallet, first.digest))
    ended(world.ledger, seller, job)
    cancelled = world.ledger.bulk.cancel(seller, job.job, idempotency_key=world.key())
    assert (cancelled.state, cancelled.drafts, cancelled.group_count) == ("cancelled", (), 0)
    assert free(world, seller, second.first_number)
    with pytest.raises(NotFound):
        world.ledger.drafts.sign(seller, second.digest, wallet.sign(typed))
    assert world.ledger.month(seller, world.month).count == 2


def test_own_id_taken_between_draft_and_signature_is_not_issued_twice(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, wallet = own
    one = uploaded(world, seller, sheet(row(1, external="TWICE"), row(2, external="ONCE")))
    other = uploaded(world, seller, sheet(row(3, external="TWICE")))
    (late,), (early,) = asked(world, seller, one).drafts, asked(world, seller, other).drafts
    must(submitted(world.ledger, seller, wallet, early.digest))
    with pytest.raises(DraftStale):
        submitted(world.ledger, seller, wallet, late.digest)
    assert statuses(world, seller, one) == ["ready", "ready"]
    (rest,) = asked(world, seller, one).drafts
    must(submitted(world.ledger, seller, wallet, rest.digest))
    assert ended(world.ledger, seller, one).state == "done"
    twice, once = rows_of(world.ledger, seller, one)
    assert (twice.problems[0]["code"], once.status) == ("external_id_issued", "recorded")
    assert world.ledger.month(seller, world.month).count == 2


def test_the_same_file_waiting_in_another_sheet_is_said(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, _ = own
    data = sheet(row(1))
    first, second = uploaded(world, seller, data), uploaded(world, seller, data)
    asked(world, seller, first)
    with pytest.raises(InvalidRequest) as caught:
        asked(world, seller, second)
    assert caught.value.problems[0].code == "bulk_same_file"
    assert len(asked(world, seller, second, again=True).drafts) == 1


def test_a_second_clerk_takes_the_rest_over(world: World, own: tuple[Caller, Wallet], small_groups: None) -> None:
    seller, wallet = own
    job = uploaded(world, seller, sheet(*(row(at) for at in range(4))))
    first, second = asked(world, seller, job).drafts
    must(submitted(world.ledger, seller, wallet, first.digest))
    ended(world.ledger, seller, job)
    person = world.person("自管开票员")
    grant = drafted(lambda: world.ledger.grant(seller, person.party, ["issue"], idempotency_key=world.key()))
    must(submitted(world.ledger, seller, wallet, grant))
    clerk, clerks = keeping_its_own(world, world.again(person))
    with pytest.raises(NotFound):
        world.ledger.drafts.draft(clerk, second.digest)
    (own_draft,) = asked(world, clerk, job).drafts
    assert (own_draft.signer, own_draft.count) == (clerk.party, 2)
    with pytest.raises(NotFound):
        world.ledger.drafts.draft(seller, second.digest)
    must(submitted(world.ledger, clerk, clerks, own_draft.digest))
    assert ended(world.ledger, clerk, job).state == "done"
    assert world.ledger.month(seller, world.month).count == 4


def test_a_clerk_whose_grant_ended_gets_no_further(world: World, own: tuple[Caller, Wallet]) -> None:
    employer = world.enterprise("有离职的公司", segment=True)
    clerk, wallet = keeping_its_own(world, world.person("离职自管开票员", (employer, ["issue"])))
    job = uploaded(world, clerk, sheet(row(1)))
    (draft,) = asked(world, clerk, job).drafts
    must(world.ledger.revoke(employer, clerk.party, ["issue"], idempotency_key=world.key()))
    refused = submitted(world.ledger, clerk, wallet, draft.digest)
    assert refused.refusal.reason == "not_permitted"
    stopped = ended(world.ledger, employer, job)
    assert (stopped.state, stopped.stopped.code, stopped.count("refused")) == ("draft", "not_permitted", 1)
    signed = asked(world, employer, job)  # whose key is kept here
    assert (signed.state, signed.count("recorded")) == ("done", 1)


def test_a_suspended_seller_issues_nothing_it_drafted(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, wallet = own
    job = uploaded(world, seller, sheet(row(1)))
    (draft,) = asked(world, seller, job).drafts
    must(world.suspended(seller.party))
    refused = submitted(world.ledger, seller, wallet, draft.digest)
    assert refused.refusal.reason == "suspended"
    stopped = ended(world.ledger, seller, job)
    assert (stopped.state, stopped.stopped.code) == ("draft", "suspended")


def test_a_key_that_is_kept_again_signs_the_rest_at_once(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, wallet = own
    job = uploaded(world, seller, sheet(row(1)))
    asked(world, seller, job)
    change = drafted(lambda: world.ledger.rotate_key(seller, idempotency_key=world.key()))
    must(submitted(world.ledger, seller, wallet, change))
    signed = asked(world, seller, job)
    assert (signed.state, signed.count("recorded"), signed.drafts) == ("done", 1, ())


def test_kill_between_two_signatures_doubles_nothing_and_loses_nothing(
    world: World, own: tuple[Caller, Wallet], small_groups: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, wallet = own
    job = uploaded(world, seller, sheet(*(row(at, external=f"K-{at}") for at in range(6))))
    first, second, third = asked(world, seller, job).drafts
    must(submitted(world.ledger, seller, wallet, first.digest))
    with monkeypatch.context() as patched:

        def die(*_args: object) -> None:
            raise RuntimeError("killed")

        patched.setattr(signing_drafts, "remove", die)  # the last thing before the transaction is durable
        with pytest.raises(RuntimeError):
            submitted(world.ledger, seller, wallet, second.digest)
    other = world.opened()  # another process on the same ledger, as after a restart
    waiting = ended(other, seller, job)
    assert [one.digest for one in waiting.drafts] == [second.digest, third.digest]
    assert waiting.count("recorded") == 2
    for one in waiting.drafts:
        must(submitted(other, seller, wallet, one.digest))
    assert (ended(other, seller, job).state, other.month(seller, world.month).count) == ("done", 6)
    must(world.ledger.drafts.sign(seller, first.digest, "00" * 65))  # sent again: answered, not done again
    assert other.month(seller, world.month).count == 6


def test_rows_that_lost_their_draft_are_ready_again(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, wallet = own
    job = uploaded(world, seller, sheet(row(1)))
    (draft,) = asked(world, seller, job).drafts
    with world.ledger.context.store.writing_alone() as connection:
        connection.exec_driver_sql("DELETE FROM signing_draft WHERE digest = ?", (bytes.fromhex(draft.digest),))
    (again,) = asked(world, seller, job).drafts
    must(submitted(world.ledger, seller, wallet, again.digest))
    assert ended(world.ledger, seller, job).count("recorded") == 1


def test_rows_that_are_no_longer_the_drafts_are_not_issued(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, wallet = own
    job = uploaded(world, seller, sheet(row(1), row(2)))
    (draft,) = asked(world, seller, job).drafts
    with world.ledger.context.store.writing_alone() as connection:  # the operator, with SQL
        connection.exec_driver_sql(
            "UPDATE bulk_row SET state = 'ready', digest = NULL WHERE job_id = ? AND position = 2", (job.job,)
        )
    with pytest.raises(DraftStale):
        submitted(world.ledger, seller, wallet, draft.digest)
    assert world.ledger.month(seller, world.month).count == 0


def test_a_group_that_is_too_large_for_a_draft_is_cut_to_fit(world: World, own: tuple[Caller, Wallet]) -> None:
    seller, wallet = own
    job = uploaded(world, seller, sheet(*(row(at, external=f"FIT-{at}") for at in range(8))))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("ledger.service.bulk_signing.fitted", lambda draft: fitted(draft, len(draft_bytes(draft)) // 3))
        waiting = asked(world, seller, job)
    assert sum(one.count for one in waiting.drafts) == 8
    assert max(one.count for one in waiting.drafts) == 2
    numbers = [one.first_number for one in waiting.drafts] + [one.last_number for one in waiting.drafts]
    assert int(max(numbers)) - int(min(numbers)) == 7  # numbers of rows that did not fit were used by the next ones
    for one in waiting.drafts:
        must(submitted(world.ledger, seller, wallet, one.digest))
    assert ended(world.ledger, seller, job).state == "done"
    found = {one.external_id: one.number for one in rows_of(world.ledger, seller, job)}
    assert {name: world.ledger.external_ids.find(seller, name)[0].number for name in found} == found
