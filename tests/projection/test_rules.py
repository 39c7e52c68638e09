"""Rows of red letters, deduction, outside invoices and exceptions follow the blocks, and imply the contract's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.domain.slips import SlipState
from ledger.projection import (
    Store,
    claims,
    deductions,
    exceptions,
    invoices,
    month_sums,
    parties,
    slips,
    supervision,
)
from tests.contract.drafts import OUTSIDE, RED
from tests.projection.rule_world import FIRST, MONTH, RuleWorld, agree, project, settle
from verifier.operations import Code, Reason
from verifier.words import Claim, Colour, ExceptionKind, Kind, Use


@pytest.fixture
def world() -> RuleWorld:
    return RuleWorld.opened()


def test_red_is_an_invoice_of_its_own_in_both_histories(store: Store, world: RuleWorld) -> None:
    world.do("seller", world.issue_operation(mode=0, special=1))
    world.do("seller", world.red_operation(gross=300, tax=30))
    project(store, world)
    with store.reading() as connection:
        blue, red = invoices.invoice(connection, FIRST), invoices.invoice(connection, RED)
        assert blue is not None
        assert red is not None
        assert (blue.colour, blue.credited_fen, blue.blue) == (Colour.PARTLY_RED, 300, None)
        assert (red.kind, red.blue, red.gross_fen, red.tax_fen) == (Kind.RED, FIRST, 300, 30)
        assert red.buyer_identity == blue.buyer_identity
        assert [record.number for record in invoices.reds_of(connection, FIRST)] == [RED]
        assert invoices.reds_of(connection, RED) == ()
        of_blue, of_red = invoices.history(connection, FIRST), invoices.history(connection, RED)
        assert [step.operation.code for step in of_blue] == [Code.ISSUE, Code.ISSUE_RED]
        assert of_blue[1].operation == of_red[0].operation
        assert (of_blue[1].state, of_blue[1].head) == (blue.state, blue.head)
        assert (of_red[0].state, of_red[0].head) == (red.state, red.head)
        step = invoices.issuing_step(connection, RED)
        assert step is not None
        assert step.operation.code == Code.ISSUE_RED
        tax = deductions.deduction(connection, FIRST)
        assert tax is not None
        assert tax.tax_left_fen == 1_270
        assert deductions.deduction(connection, RED) is None


def test_refused_red_stands_in_the_attempts_of_both(store: Store, world: RuleWorld) -> None:
    settle(world)
    digest = world.do("seller", world.red_operation(), refused=True)
    project(store, world)
    with store.reading() as connection:
        for number in (FIRST, RED):
            (step,) = invoices.refused_attempts(connection, number)
            assert (step.digest, step.state, step.head) == (digest, None, None)
        assert invoices.invoice(connection, RED) is None
        (refusal,) = supervision.refusals(connection, limit=5).items
        assert (refusal.reason, refusal.gross_fen, refusal.number) == (Reason.SLIP_NEEDED, 11_300, RED)


def test_month_counts_reds_and_quota_comes_back_in_its_own_month_only(store: Store, world: RuleWorld) -> None:
    for index in range(3):
        world.do("seller", world.issue_operation(number=FIRST + 2 * index, buyer=None))
    world.do("seller", world.red_operation(blue=FIRST, gross=300, tax=30))
    world.do("seller", world.red_operation(number=RED + 1, blue=FIRST + 2, gross=50, tax=5, month=MONTH + 1))
    project(store, world)
    with store.reading() as connection:
        this, following = (month_sums.month_sums(connection, world.ids["seller"], MONTH + i) for i in (0, 1))
        assert (this.blue_count, this.red_count, this.totals.count) == (3, 1, 4)
        assert (this.totals.red_gross_fen, this.totals.quota_used_fen) == (300, 3 * 11_300 - 300)
        assert (this.blue_net_fen, this.red_net_fen) == (30_000, 270)
        assert (this.first_number, this.last_number) == (FIRST, RED)
        assert (following.red_count, following.totals.quota_used_fen, following.blue_count) == (1, 0, 0)
        runs = month_sums.month_runs(connection, world.ids["seller"], MONTH)
        assert runs.complete
        assert runs.runs == ((FIRST, FIRST), (FIRST + 2, FIRST + 2), (FIRST + 4, FIRST + 4), (RED, RED))
        assert month_sums.number_runs(connection, RED, RED + 9).runs == ((RED, RED + 1),)
        month = month_sums.month_invoices(connection, world.ids["seller"], MONTH, after=FIRST, limit=2)
        assert [record.number for record in month] == [FIRST + 2, FIRST + 4]
        (red,) = month_sums.reds_issued(connection, world.ids["seller"], MONTH + 1, limit=5).items
        assert (red.number, red.blue, red.blue_month, red.transfer_out_fen) == (RED + 1, FIRST + 2, MONTH, 0)
        empty = month_sums.month_sums(connection, world.ids["rival"], MONTH)
        assert (empty.first_number, empty.last_number, empty.totals.count) == (None, None, 0)


def test_slip_goes_through_its_states(store: Store, world: RuleWorld) -> None:
    settle(world)
    world.do("seller", world.slip_operation())
    world.do("cashier", world.operation(Code.REFUSE_SLIP, "employer"))
    world.do("cashier", world.slip_operation("employer"))
    world.do("cashier", world.operation(Code.WITHDRAW_SLIP, "employer"))
    world.do("seller", world.slip_operation())
    world.do("officer", world.operation(Code.VOID_SLIP, "officer"))
    agree(world, gross=11_300)
    world.do("seller", world.operation(Code.WITHDRAW_SLIP, "seller"))
    agree(world, gross=400, tax=40)
    world.do("seller", world.red_operation(gross=400, tax=40))
    project(store, world)
    with store.reading() as connection:
        found = slips.slips_of_number(connection, FIRST)
        now_s = world.time_s
        assert [slip.state(now_s) for slip in found] == [
            SlipState.REFUSED_BY_BUYER,
            SlipState.WITHDRAWN,
            SlipState.VOID,
            SlipState.WITHDRAWN_AFTER_CONFIRMATION,
            SlipState.USED,
        ]
        assert [slip.red for slip in found] == [None, None, None, None, RED]
        assert {slip.other for slip in found} == {world.ids["employer"]}
        assert found[1].opener == world.ids["employer"]
        assert slips.slip(connection, FIRST) == found[-1]
        assert slips.slip(connection, RED) is None
        both = frozenset({world.ids["seller"], world.ids["employer"]})
        assert slips.slips_to_answer(connection, both, now_s=now_s, limit=5).items == ()


def test_waiting_slip_is_its_answerers_until_it_lapses(store: Store, world: RuleWorld) -> None:
    settle(world)
    world.do("seller", world.slip_operation())
    project(store, world)
    seller, employer = (frozenset({world.ids[name]}) for name in ("seller", "employer"))
    with store.reading() as connection:
        (slip,) = slips.slips_to_answer(connection, employer, now_s=world.now, limit=5).items
        assert slip.state(slip.void_at - 1) is SlipState.SELLER_OPENED
        assert slips.slips_to_answer(connection, seller, now_s=world.now, limit=5).items == ()
        assert slips.slips_opened_by(connection, seller, limit=5).items == (slip,)
        assert slips.slips_opened_by(connection, employer, limit=5).items == ()
        for who in (seller, employer, None):
            assert slips.slips(connection, visible_to=who, limit=5).items == (slip,)
        stranger = frozenset({world.ids["rival"]})
        assert slips.slips(connection, visible_to=stranger, limit=5).items == ()
        later = slip.void_at + 1
        assert slip.state(later) is SlipState.LAPSED
        assert slips.slips_to_answer(connection, employer, now_s=later, limit=5).items == ()


def test_full_red_cancels_a_claim_and_a_partial_one_marks_it(store: Store, world: RuleWorld) -> None:
    for number in (FIRST, FIRST + 1):
        world.do("seller", world.issue_operation(number=number, first_holder="employee"))
        world.do("employee", world.operation(Code.LOCK, "employee", number, party=world.ids["employer"], terms=1))
    agree(world, FIRST)
    world.do("seller", world.red_operation())
    agree(world, FIRST + 1, gross=300, tax=30)
    world.do("seller", world.red_operation(number=RED + 1, blue=FIRST + 1, gross=300, tax=30))
    project(store, world)
    with store.reading() as connection:
        full, part = (invoices.invoice(connection, FIRST + i) for i in (0, 1))
        assert full is not None
        assert part is not None
        assert (full.claim, full.colour) == (Claim.CANCELLED, Colour.FULLY_RED)
        assert (part.claim, part.reddened_since, part.claimed_fen) == (Claim.LOCKED, True, 11_300)
        (claim,) = claims.claim(connection, f"{1:032x}")
        assert (claim.locked_count, claim.cancelled_count, claim.locked_fen) == (1, 1, 11_300)
    world.do("employee", world.operation(Code.UNLOCK, "employee", FIRST + 1, terms=1))
    world.do("employee", world.operation(Code.LOCK, "employee", FIRST + 1, party=world.ids["employer"], terms=1))
    world.do("cashier", world.operation(Code.SETTLE, "employer", FIRST + 1, terms=1))
    project(store, world)
    with store.reading() as connection:
        (claim,) = claims.claim(connection, f"{1:032x}")
        assert (claim.locked_fen, claim.settled_fen, claim.released_count) == (0, 11_000, 1)


def test_red_after_settlement_tells_employer_and_officer_who_acknowledge(store: Store, world: RuleWorld) -> None:
    settle(world)
    agree(world)
    world.do("seller", world.red_operation())
    project(store, world)
    employer, employee, rival = (frozenset({world.ids[name]}) for name in ("employer", "employee", "rival"))

    def unacknowledged(who: frozenset[int] | None) -> int:
        with store.reading() as connection:
            return len(exceptions.exceptions(connection, visible_to=who, unacknowledged=True, limit=5).items)

    with store.reading() as connection:
        (raised,) = exceptions.exceptions(connection, visible_to=None, limit=5).items
        assert (raised.number, raised.kinds) == (FIRST, ExceptionKind.REDDENED_AFTER_SETTLEMENT)
        assert (raised.party, raised.claimant) == (world.ids["employer"], world.ids["employee"])
        for who in (employer, employee):
            assert exceptions.exceptions(connection, visible_to=who, limit=5).items == (raised,)
        assert exceptions.exceptions(connection, visible_to=rival, limit=5).items == ()
        by_kind = {kind: exceptions.exceptions(connection, visible_to=None, kind=kind, limit=5) for kind in (1, 2)}
        assert [len(page.items) for page in by_kind.values()] == [1, 0]
        by_month = [exceptions.exceptions(connection, visible_to=None, month=MONTH + i, limit=5) for i in (0, 1)]
        assert sorted(len(page.items) for page in by_month) == [0, 1]
        assert exceptions.exceptions_of_number(connection, FIRST) == (raised,)
        (red,) = month_sums.reds_issued(connection, world.ids["seller"], MONTH, limit=5).items
        assert (red.settled, red.deducted) == (True, False)
    assert [unacknowledged(None), unacknowledged(employer), unacknowledged(employee)] == [1, 1, 0]
    world.do("cashier", world.operation(Code.ACKNOWLEDGE_EXCEPTION, "employer"))
    project(store, world)
    assert [unacknowledged(None), unacknowledged(employer)] == [1, 0]
    world.do("officer", world.operation(Code.ACKNOWLEDGE_EXCEPTION, "officer"))
    project(store, world)
    assert unacknowledged(None) == 0
    with store.reading() as connection:
        (done,) = exceptions.exceptions_of_number(connection, FIRST)
        assert (done.officer, done.party_actor) == (world.ids["officer"], world.ids["cashier"])


def test_selection_is_counted_frozen_and_taken_back(store: Store, world: RuleWorld) -> None:
    for index in range(4):
        world.do("seller", world.issue_operation(number=FIRST + index, special=1))
    world.do("employer", world.select_operation(number=FIRST))
    world.do("employer", world.select_operation(number=FIRST + 1, purpose=2, reason=3, valid_tax=0))
    world.do("employer", world.select_operation(number=FIRST + 2, valid_tax=60))
    world.do("employer", world.operation(Code.UNSELECT, "employer", FIRST + 2))
    world.do("employer", world.select_operation(number=FIRST + 2, valid_tax=100))
    project(store, world)
    buyer = world.ids["employer"]
    with store.reading() as connection:
        period = deductions.period(connection, buyer, MONTH)
        assert (period.valid_tax_fen, period.count, period.confirmed_at) == (1_400, 3, None)
        sums = [(one.purpose, one.reason, one.count, one.valid_tax_fen) for one in period.by_purpose]
        assert sums == [(1, 0, 2, 1_400), (2, 3, 1, 0)]
        page = deductions.selectable(connection, buyer, MONTH, limit=5)
        assert [(record.number, tax.tax_left_fen) for record, tax in page.items] == [(FIRST + 3, 1_300)]
        assert deductions.selectable(connection, buyer, MONTH - 1, limit=5).items == ()
        assert deductions.selectable(connection, world.ids["rival"], MONTH, limit=5).items == ()
        first = deductions.selected(connection, buyer, MONTH, limit=2)
        rest = deductions.selected(connection, buyer, MONTH, limit=2, cursor=first.next_cursor)
        assert [record.number for record, _ in (*first.items, *rest.items)] == [FIRST + 2, FIRST + 1, FIRST]
    world.do("employer", world.confirm_month_operation("employer"))
    world.do("seller", world.slip_operation(gross=565, tax=65))
    world.do("employer", world.operation(Code.CONFIRM_SLIP, "employer"))
    world.do("seller", world.red_operation(gross=565, tax=65))
    world.do("seller", world.slip_operation(number=FIRST + 2))
    world.do("employer", world.operation(Code.CONFIRM_SLIP, "employer", FIRST + 2))
    world.do("seller", world.red_operation(number=RED + 1, blue=FIRST + 2))
    project(store, world)
    with store.reading() as connection:
        usage = [record.usage for record in invoices.invoices(connection, (FIRST, FIRST + 1, FIRST + 2)).values()]
        assert usage == [Use.CONFIRMED] * 3
        assert deductions.period(connection, buyer, MONTH).confirmed_at is not None
        received = month_sums.reds_received(connection, buyer, MONTH, limit=5).items
        assert [(red.transfer_out_fen, red.deducted) for red in received] == [(100, True), (65, True)]
        sums_of = month_sums.month_sums(connection, buyer, MONTH)
        assert (sums_of.deducted_tax_fen, sums_of.transfer_out_fen) == (1_400, 165)
        kinds = {one.kinds for one in exceptions.exceptions(connection, visible_to=None, limit=9).items}
        assert kinds == {ExceptionKind.REDDENED_AFTER_DEDUCTION}


def test_red_and_flag_undo_a_selection_that_is_not_frozen(store: Store, world: RuleWorld) -> None:
    for index in range(2):
        world.do("seller", world.issue_operation(number=FIRST + index, special=1))
        world.do("employer", world.select_operation(number=FIRST + index))
    world.do("officer", world.operation(Code.SET_RISK_FLAG, "officer", FIRST))
    world.do("seller", world.slip_operation(number=FIRST + 1, gross=300, tax=30))
    world.do("employer", world.operation(Code.CONFIRM_SLIP, "employer", FIRST + 1))
    world.do("seller", world.red_operation(blue=FIRST + 1, gross=300, tax=30))
    project(store, world)
    with store.reading() as connection:
        for number in (FIRST, FIRST + 1):
            record = invoices.invoice(connection, number)
            assert record is not None
            assert (record.usage, record.deduction_month) == (Use.NONE, None)
        assert deductions.period(connection, world.ids["employer"], MONTH).count == 0
        (page,) = deductions.selectable(connection, world.ids["employer"], MONTH, limit=5).items
        assert (page[0].number, page[1].tax_left_fen) == (FIRST + 1, 1_270)


def test_filing_freezes_what_was_selected_and_refiling_keeps_the_report_before(store: Store, world: RuleWorld) -> None:
    world.do("seller", world.issue_operation(special=1))
    world.do("employer", world.select_operation())
    world.do("employer", world.file_operation("employer"))
    world.do("employer", world.refile_operation("employer"))
    project(store, world)
    with store.reading() as connection:
        record = invoices.invoice(connection, FIRST)
        assert record is not None
        assert (record.usage, record.state >> 6 & 3) == (Use.CONFIRMED, Use.SELECTED)
        first, second = parties.filings_of_month(connection, world.ids["employer"], MONTH)
        assert (first.revision, first.replaced_hash) == (0, None)
        assert (second.revision, second.replaced_hash) == (1, first.report_hash)
        assert parties.filings(connection, world.ids["employer"]) == (second,)
        assert parties.filings_of_month(connection, world.ids["employer"], MONTH + 1) == ()


def test_stronger_proof_displaces_a_claim_and_both_are_told(store: Store, world: RuleWorld) -> None:
    world.do("employee", world.register_operation())
    project(store, world)
    with store.reading() as connection:
        typed = invoices.invoice(connection, OUTSIDE)
    assert typed is not None
    assert (typed.seller, typed.is_outside, typed.claim) == (0, True, Claim.LOCKED)
    again = world.register_operation("courier", "rival", strength=3, claim_id=2)
    world.do("courier", again, refused=True)
    world.do("courier", world.register_operation("courier", "rival", strength=1, claim_id=2, gross=900, tax=9))
    project(store, world)
    with store.reading() as connection:
        record = invoices.invoice(connection, OUTSIDE)
        assert record is not None
        assert (record.employer, record.gross_fen, record.tax_fen) == (world.ids["rival"], 900, 9)
        assert (record.strength, record.commitment != typed.commitment) == (1, False)
        assert record.digest != typed.digest
        step = invoices.issuing_step(connection, OUTSIDE)
        assert step is not None
        assert step.digest == record.digest
        (old,), (new,) = claims.claim(connection, f"{1:032x}"), claims.claim(connection, f"{2:032x}")
        assert (old.locked_count, old.released_count, old.locked_fen) == (0, 1, 0)
        assert (new.locked_count, new.locked_fen) == (1, 900)
        found = supervision.duplicates(connection, limit=5).items
        assert [one.kind for one in found] == ["displaced", "locked"]
        assert {(one.first_employer, one.second_employer) for one in found} == {
            (world.ids["employer"], world.ids["rival"])
        }
        assert found[0].first_claim_id == f"{1:032x}"
        (raised,) = exceptions.exceptions(connection, visible_to=frozenset({world.ids["employee"]}), limit=5).items
        assert (raised.kinds, raised.claim_id, raised.gross_fen) == (ExceptionKind.CLAIM_DISPLACED, f"{1:032x}", 11_300)
        for one in (world.ids["employer"], world.ids["rival"]):
            assert len(supervision.duplicates(connection, party=one, limit=5).items) == 2
        assert supervision.duplicates(connection, party=world.ids["seller"], limit=5).items == ()
        assert len(supervision.duplicates(connection, number=OUTSIDE, month=found[0].month, limit=1).items) == 1
        assert supervision.duplicates(connection, number=FIRST, limit=1).items == ()


def test_stronger_proof_of_a_settled_one_changes_nothing_but_disputes(store: Store, world: RuleWorld) -> None:
    world.do("employee", world.register_operation(strength=4))
    world.do("cashier", world.operation(Code.SETTLE, "employer", OUTSIDE, terms=1))
    project(store, world)
    with store.reading() as connection:
        before = invoices.invoice(connection, OUTSIDE)
    world.do("courier", world.register_operation("courier", "rival", strength=2, claim_id=2))
    project(store, world)
    with store.reading() as connection:
        after = invoices.invoice(connection, OUTSIDE)
        assert before is not None
        assert after is not None
        same = replace(
            after,
            state=before.state,
            head=before.head,
            version=before.version,
            changed_at=before.changed_at,
            exception_order=None,
        )
        assert same == before
        (one,) = supervision.duplicates(connection, limit=5).items
        assert (one.kind, one.second_claim_id) == ("disputed", f"{2:032x}")
        assert claims.claim(connection, f"{2:032x}") == ()
