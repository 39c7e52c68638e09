"""Rows of red letters, deduction, outside invoices and exceptions follow the blocks, and imply the contract's words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from ledger.domain.slips import SlipState
from ledger.projection import (
    CursorError,
    Store,
    claims,
    deductions,
    exceptions,
    feed,
    invoices,
    month_sums,
    parties,
    slips,
    supervision,
)
from ledger.projection.audit import audit
from ledger.projection.feed import Role
from ledger.projection.invoices import InvoiceFilter
from ledger.projection.rebuild import follow, rebuild
from tests.contract.drafts import OUTSIDE, RED
from tests.projection.rule_world import FIRST, MONTH, START_S, RuleWorld
from verifier.operations import Code, Reason
from verifier.words import Claim, Colour, ExceptionKind, Kind, PartyKind, Use


@pytest.fixture
def world() -> RuleWorld:
    return RuleWorld.opened()


def _settle(world: RuleWorld, number: int = FIRST, special: int = 0) -> None:
    """An invoice for the employer, held by its employee, claimed and paid out."""
    world.do("seller", world.issue_operation(number=number, first_holder="employee", special=special))
    world.do("employee", world.operation(Code.LOCK, "employee", number, party=world.ids["employer"], terms=1))
    world.do("cashier", world.operation(Code.SETTLE, "employer", number, terms=1))


def _agree(world: RuleWorld, number: int = FIRST, **terms: Any) -> None:
    world.do("seller", world.slip_operation(number=number, **terms))
    world.do("cashier", world.operation(Code.CONFIRM_SLIP, "employer", number))


def _project(store: Store, world: RuleWorld) -> None:
    world.seal()
    follow(store.engine, world)
    report = audit(store.engine, world)
    assert report.difference is None, report.difference


def test_red_is_an_invoice_of_its_own_in_both_histories(store: Store, world: RuleWorld) -> None:
    world.do("seller", world.issue_operation(mode=0, special=1))
    world.do("seller", world.red_operation(gross=300, tax=30))
    _project(store, world)
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
    _settle(world)
    digest = world.do("seller", world.red_operation(), refused=True)
    _project(store, world)
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
    _project(store, world)
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
    _settle(world)
    world.do("seller", world.slip_operation())
    world.do("cashier", world.operation(Code.REFUSE_SLIP, "employer"))
    world.do("cashier", world.slip_operation("employer"))
    world.do("cashier", world.operation(Code.WITHDRAW_SLIP, "employer"))
    world.do("seller", world.slip_operation())
    world.do("officer", world.operation(Code.VOID_SLIP, "officer"))
    _agree(world, gross=11_300)
    world.do("seller", world.operation(Code.WITHDRAW_SLIP, "seller"))
    _agree(world, gross=400, tax=40)
    world.do("seller", world.red_operation(gross=400, tax=40))
    _project(store, world)
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
    _settle(world)
    world.do("seller", world.slip_operation())
    _project(store, world)
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
    _agree(world, FIRST)
    world.do("seller", world.red_operation())
    _agree(world, FIRST + 1, gross=300, tax=30)
    world.do("seller", world.red_operation(number=RED + 1, blue=FIRST + 1, gross=300, tax=30))
    _project(store, world)
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
    _project(store, world)
    with store.reading() as connection:
        (claim,) = claims.claim(connection, f"{1:032x}")
        assert (claim.locked_fen, claim.settled_fen, claim.released_count) == (0, 11_000, 1)


def test_red_after_settlement_tells_employer_and_officer_who_acknowledge(store: Store, world: RuleWorld) -> None:
    _settle(world)
    _agree(world)
    world.do("seller", world.red_operation())
    _project(store, world)
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
    _project(store, world)
    assert [unacknowledged(None), unacknowledged(employer)] == [1, 0]
    world.do("officer", world.operation(Code.ACKNOWLEDGE_EXCEPTION, "officer"))
    _project(store, world)
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
    _project(store, world)
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
    _project(store, world)
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
    _project(store, world)
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
    _project(store, world)
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
    _project(store, world)
    with store.reading() as connection:
        typed = invoices.invoice(connection, OUTSIDE)
    assert typed is not None
    assert (typed.seller, typed.is_outside, typed.claim) == (0, True, Claim.LOCKED)
    again = world.register_operation("courier", "rival", strength=3, claim_id=2)
    world.do("courier", again, refused=True)
    world.do("courier", world.register_operation("courier", "rival", strength=1, claim_id=2, gross=900, tax=9))
    _project(store, world)
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
    _project(store, world)
    with store.reading() as connection:
        before = invoices.invoice(connection, OUTSIDE)
    world.do("courier", world.register_operation("courier", "rival", strength=2, claim_id=2))
    _project(store, world)
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


def test_officers_and_certificates_and_lifts_are_kept(store: Store, world: RuleWorld) -> None:
    world.do("officer", world.lift_operation(month=MONTH + 3))
    world.do("officer", world.anchor_operation())
    world.do("officer", world.revoke_operation("courier"))
    _project(store, world)
    with store.reading() as connection:
        (lift,) = parties.lifts(connection, world.ids["seller"])
        assert (lift.month, lift.lifted_by) == (MONTH + 3, world.ids["officer"])
        (anchor,) = parties.anchors(connection, limit=5).items
        assert anchor.party == world.ids["officer"]
        assert parties.anchors(connection, party_id=world.ids["seller"], limit=5).items == ()
        (revoked,) = parties.revocations(connection, world.ids["courier"])
        assert parties.revocation(connection, revoked.certificate_hash) == revoked
        assert parties.revocation(connection, bytes(32)) is None
        lifted = {row.party: row.lifted for row in supervision.nonfilers(connection, MONTH + 3, limit=9).items}
        assert lifted == {world.ids[name]: name == "seller" for name in ("seller", "employer", "rival")}


def test_nonfilers_come_longest_behind_first_in_pages(store: Store, world: RuleWorld) -> None:
    world.do("seller", world.issue_operation())
    world.do("employer", world.file_operation("employer"))
    world.do("employer", world.file_operation("employer", MONTH + 1))
    world.do("rival", world.file_operation("rival"))
    world.enrol("newcomer", PartyKind.ENTERPRISE, month=MONTH + 5)
    _project(store, world)

    def behind(month: int) -> list[str]:
        names = {party: name for name, party in world.ids.items()}
        found, cursor = [], None
        while True:
            with store.reading() as connection:
                page = supervision.nonfilers(connection, month, limit=1, cursor=cursor)
            found += [names[row.party] for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found

    assert behind(MONTH) == ["seller"]
    assert behind(MONTH + 1) == ["seller", "rival"]
    assert behind(MONTH + 4) == ["seller", "rival", "employer"]
    with store.reading() as connection:
        (first,) = supervision.nonfilers(connection, MONTH, limit=5).items
        assert (first.blue_gross_fen, first.count) == (11_300, 1)


def test_refusals_are_found_by_month_party_and_reason(store: Store, world: RuleWorld) -> None:
    world.do("seller", world.issue_operation())
    world.do("courier", world.operation(Code.BOOK, "employer", option=1), refused=True)
    world.seal()  # the same bytes again would be malformed
    world.do("seller", world.issue_operation(), refused=True)
    _project(store, world)

    def found(**wanted: Any) -> list[int]:
        with store.reading() as connection:
            return [one.reason for one in supervision.refusals(connection, limit=5, **wanted).items]

    assert found() == [Reason.NUMBER_TAKEN, Reason.NOT_PERMITTED]
    assert found(party=world.ids["employer"]) == [Reason.NOT_PERMITTED]
    assert found(party=world.ids["seller"], reason=Reason.NOT_PERMITTED) == []
    assert found(reason=Reason.NUMBER_TAKEN) == [Reason.NUMBER_TAKEN]
    with store.reading() as connection:
        month = supervision.refusals(connection, limit=1).items[0].month
    assert [len(found(month=month)), len(found(month=month + 1))] == [2, 0]


def test_feed_shows_each_party_its_own_and_goes_on_from_the_cursor(store: Store, world: RuleWorld) -> None:
    world.do("seller", world.issue_operation(mode=0, buyer=None))
    world.do("seller", world.operation(Code.TRANSFER, "seller", party=world.ids["employee"]))
    world.do("employee", world.operation(Code.TRANSFER, "employee", party=world.ids["courier"]))
    world.do("courier", world.operation(Code.LOCK, "courier", party=world.ids["rival"], terms=5))
    world.do("employee", world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=6), refused=True)
    _project(store, world)

    def codes(*names: str, limit: int = 3) -> list[int]:
        found, after = [], 0
        with store.reading() as connection:
            while True:
                page = feed.events_after(
                    connection, visible_to=frozenset(world.ids[name] for name in names), after=after, limit=limit
                )
                found += [event.step.operation.code for event in page.events]
                assert page.last_order >= after
                after = page.last_order
                if not page.more:
                    return found

    invoice_codes = {name: [code for code in codes(name) if code >= Code.ISSUE] for name in world.ids}
    assert invoice_codes["seller"] == [Code.ISSUE, Code.TRANSFER, Code.TRANSFER, Code.LOCK]
    assert invoice_codes["employee"] == [Code.TRANSFER, Code.TRANSFER, Code.LOCK]  # the last is its own, refused
    assert invoice_codes["courier"] == [Code.TRANSFER, Code.LOCK]
    assert invoice_codes["rival"] == [Code.LOCK]
    assert invoice_codes["employer"] == []
    assert codes("seller").count(Code.OPEN_MONTH) == 6
    with store.reading() as connection:
        everything = feed.events_after(connection, visible_to=None, after=0, limit=1000)
        assert not everything.more
        orders = [event.order for event in everything.events]
        assert orders == sorted(set(orders))
        refused = everything.events[-1]
        assert (refused.reason, refused.step.state) == (Reason.NOT_HOLDER, None)
        handed = feed.events_after(connection, visible_to=frozenset({world.ids["employee"]}), after=0, limit=1000)
        roles = [event.roles for event in handed.events if event.step.operation.code == Code.TRANSFER]
        assert roles == [Role.HOLDER, Role.SIGNER]
        end = feed.last_order(connection)
        assert feed.events_after(connection, visible_to=None, after=end, limit=5).events == ()
        assert feed.order_of(feed.cursor_of(end)) == end
        with pytest.raises(CursorError):
            feed.order_of("-1")
        with pytest.raises(ValueError, match="at most 100"):
            feed.events_after(connection, visible_to=frozenset(range(1, 102)), after=0, limit=5)


def test_displaced_company_sees_its_displacement_as_a_former_party(store: Store, world: RuleWorld) -> None:
    world.do("employee", world.register_operation())
    world.do("courier", world.register_operation("courier", "rival", strength=1, claim_id=2))
    world.do("courier", world.operation(Code.UNLOCK, "courier", OUTSIDE, terms=2))
    _project(store, world)
    with store.reading() as connection:
        told = feed.events_after(connection, visible_to=frozenset({world.ids["employer"]}), after=0, limit=99).events
        own = [event for event in told if event.step.operation.number == OUTSIDE]
        assert len(own) == 2  # its own registration and the one that displaced it, not what came after
        assert own[1].roles == Role.TOLD | Role.EMPLOYER | Role.FORMER
        assert (own[1].kinds, own[1].told) == (ExceptionKind.CLAIM_DISPLACED, world.ids["employer"])


def test_rebuild_and_another_order_of_blocks_give_the_same_rows(
    store: Store, world: RuleWorld, tmp_path: Path, tools: SimpleNamespace
) -> None:
    _settle(world, special=1)
    _agree(world, gross=300, tax=30)
    world.seal()
    world.do("seller", world.red_operation(gross=300, tax=30))
    world.do("employee", world.register_operation())
    world.do("courier", world.register_operation("courier", "rival", strength=1, claim_id=2))
    world.do("officer", world.operation(Code.ACKNOWLEDGE_EXCEPTION, "officer", OUTSIDE))
    world.do("employer", world.select_operation(valid_tax=1_000))
    world.do("employer", world.confirm_month_operation("employer"))
    _project(store, world)
    before = tools.rows_of(store)
    with Store.create(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        tools.project(other, world.blocks)
        assert tools.rows_of(other) == before
    rebuild(store.engine, world)
    assert tools.rows_of(store) == before


@pytest.mark.slow
def test_postgresql_answers_the_same(postgres: Store, store: Store, world: RuleWorld, tools: SimpleNamespace) -> None:
    _settle(world, special=1)
    world.do("employer", world.select_operation(valid_tax=1_000))
    world.do("employer", world.confirm_month_operation("employer"))
    _agree(world, gross=300, tax=30)
    world.do("seller", world.red_operation(gross=300, tax=30))
    world.do("seller", world.slip_operation(gross=1_000, tax=100))
    world.do("seller", world.issue_operation(number=FIRST + 1, special=1))
    world.do("employee", world.register_operation())
    world.do("courier", world.register_operation("courier", "rival", strength=1, claim_id=2))
    world.do("cashier", world.operation(Code.ACKNOWLEDGE_EXCEPTION, "employer"))
    world.do("seller", world.red_operation(number=RED + 1), refused=True)
    _project(store, world)
    follow(postgres.engine, world)
    assert audit(postgres.engine, world).difference is None
    assert tools.rows_of(postgres) == tools.rows_of(store)
    both = frozenset({world.ids["seller"], world.ids["employer"]})
    buyer, seller = world.ids["employer"], world.ids["seller"]

    def answers(asked: Store) -> list[object]:
        with asked.reading() as connection:
            return [
                slips.slips_to_answer(connection, both, now_s=world.now, limit=5),
                slips.slips(connection, visible_to=both, limit=1),
                exceptions.exceptions(connection, visible_to=None, kind=1, unacknowledged=True, limit=5),
                exceptions.exceptions(connection, visible_to=both, unacknowledged=True, limit=5),
                deductions.period(connection, buyer, MONTH),
                deductions.selectable(connection, buyer, MONTH, limit=5),
                month_sums.month_sums(connection, seller, MONTH),
                month_sums.month_sums(connection, buyer, MONTH),
                supervision.nonfilers(connection, MONTH, limit=1),
                supervision.nonfilers(connection, MONTH, limit=5, cursor=f"{MONTH - 1 << 32 | seller:x}"),
                supervision.refusals(connection, party=seller, limit=5),
                supervision.duplicates(connection, party=buyer, limit=5),
                feed.events_after(connection, visible_to=both, after=0, limit=9),
                feed.events_after(connection, visible_to=None, after=0, limit=9),
            ]

    assert answers(postgres) == answers(store)
    rebuild(postgres.engine, world)
    assert tools.rows_of(postgres) == tools.rows_of(store)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("p_slip", "other = 99"),
        ("p_exception", "party = 99"),
        ("p_deduction", "tax_left_fen = 1"),
        ("p_red", "transfer_out_fen = 1"),
        ("p_event", "roles = 0"),
        ("p_refusal", "reason = 1"),
    ],
)
def test_changed_row_is_named_by_the_audit(store: Store, world: RuleWorld, table: str, change: str) -> None:
    _settle(world, special=1)
    _agree(world)
    world.do("seller", world.red_operation())
    world.do("seller", world.red_operation(number=RED + 1), refused=True)
    _project(store, world)
    with store.writing_alone() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {change}")
    difference = audit(store.engine, world).difference
    assert difference is not None
    assert difference.table == table


@pytest.mark.parametrize("table", ["SLIP", "DEDUCTION", "EXCEPTION", "TOTALS", "CLAIM", "PARTY", "GRANT"])
def test_word_of_the_chain_that_rows_do_not_imply_is_named(store: Store, world: RuleWorld, table: str) -> None:
    _settle(world, special=1)
    _agree(world)
    world.do("seller", world.red_operation())
    _project(store, world)
    words = world.model.words
    key = next(key for key in words if key[0].name == table and words[key])
    words[key] ^= 1 << 100
    difference = audit(store.engine, world).difference
    assert difference is not None
    assert difference.recomputed.endswith("on the chain")


def test_lists_go_along_an_index(store: Store, world: RuleWorld) -> None:
    _project(store, world)
    many = frozenset({3, 4})
    asked: list[tuple[str, Any]] = []
    with store.reading() as connection:

        def seen(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            asked.append((statement, parameters))

        event.listen(store.engine, "before_cursor_execute", seen)
        slips.slips_to_answer(connection, many, now_s=START_S, limit=5)
        slips.slips(connection, visible_to=many, limit=5)
        exceptions.exceptions(connection, visible_to=None, unacknowledged=True, limit=5)
        exceptions.exceptions(connection, visible_to=None, month=MONTH, limit=5)
        exceptions.exceptions(connection, visible_to=many, limit=5)
        deductions.selectable(connection, 3, MONTH, limit=5)
        supervision.nonfilers(connection, MONTH, limit=5)
        supervision.refusals(connection, month=MONTH, limit=5)
        supervision.refusals(connection, party=3, month=MONTH, limit=5)
        supervision.duplicates(connection, month=MONTH, limit=5)
        month_sums.month_sums(connection, 3, MONTH)
        month_sums.month_runs(connection, 3, MONTH)
        feed.events_after(connection, visible_to=many, after=0, limit=5)
        invoices.history(connection, FIRST)
        invoices.search(connection, InvoiceFilter(month=MONTH), visible_to=many, limit=5)
        event.remove(store.engine, "before_cursor_execute", seen)
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            scans = [row[3] for row in plan if row[3].startswith("SCAN p_") and " USING " not in row[3]]
            assert not scans, (statement, scans)
