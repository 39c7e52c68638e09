"""Officers see what they ask for, the feed shows each party its own, and the audit names what was changed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from ledger.projection import (
    CursorError,
    OutsideDocument,
    Store,
    deductions,
    exceptions,
    feed,
    invoices,
    month_sums,
    outside_documents,
    parties,
    slips,
    supervision,
)
from ledger.projection.audit import audit
from ledger.projection.feed import Role
from ledger.projection.invoices import InvoiceFilter, InvoiceRecord
from ledger.projection.keystore import StoredDocument
from ledger.projection.rebuild import follow, rebuild
from tests.contract.drafts import OUTSIDE, RED
from tests.projection.rule_world import FIRST, MONTH, START_S, RuleWorld, agree, project, settle
from verifier.operations import Code, Reason
from verifier.words import ExceptionKind, PartyKind


@pytest.fixture
def world() -> RuleWorld:
    return RuleWorld.opened()


def test_officers_and_certificates_and_lifts_are_kept(store: Store, world: RuleWorld) -> None:
    world.do("officer", world.lift_operation(month=MONTH + 3))
    world.do("officer", world.anchor_operation())
    world.do("officer", world.revoke_operation("courier"))
    project(store, world)
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
    project(store, world)

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
    project(store, world)

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
    project(store, world)

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
    project(store, world)
    with store.reading() as connection:
        told = feed.events_after(connection, visible_to=frozenset({world.ids["employer"]}), after=0, limit=99).events
        own = [event for event in told if event.step.operation.number == OUTSIDE]
        assert len(own) == 2  # its own registration and the one that displaced it, not what came after
        assert own[1].roles == Role.TOLD | Role.EMPLOYER | Role.FORMER
        assert (own[1].kinds, own[1].told) == (ExceptionKind.CLAIM_DISPLACED, world.ids["employer"])


def test_rebuild_and_another_order_of_blocks_give_the_same_rows(
    store: Store, world: RuleWorld, tmp_path: Path, tools: SimpleNamespace
) -> None:
    settle(world, special=1)
    agree(world, gross=300, tax=30)
    world.seal()
    world.do("seller", world.red_operation(gross=300, tax=30))
    world.do("employee", world.register_operation())
    world.do("courier", world.register_operation("courier", "rival", strength=1, claim_id=2))
    world.do("officer", world.operation(Code.ACKNOWLEDGE_EXCEPTION, "officer", OUTSIDE))
    world.do("employer", world.select_operation(valid_tax=1_000))
    world.do("employer", world.confirm_month_operation("employer"))
    project(store, world)
    before = tools.rows_of(store)
    with Store.create(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        tools.project(other, world.blocks)
        assert tools.rows_of(other) == before
    rebuild(store.engine, world)
    assert tools.rows_of(store) == before


@pytest.mark.slow
def test_postgresql_answers_the_same(postgres: Store, store: Store, world: RuleWorld, tools: SimpleNamespace) -> None:
    settle(world, special=1)
    world.do("employer", world.select_operation(valid_tax=1_000))
    world.do("employer", world.confirm_month_operation("employer"))
    agree(world, gross=300, tax=30)
    world.do("seller", world.red_operation(gross=300, tax=30))
    world.do("seller", world.slip_operation(gross=1_000, tax=100))
    world.do("seller", world.issue_operation(number=FIRST + 1, special=1))
    world.do("employee", world.register_operation())
    world.do("courier", world.register_operation("courier", "rival", strength=1, claim_id=2))
    world.do("cashier", world.operation(Code.ACKNOWLEDGE_EXCEPTION, "employer"))
    world.do("seller", world.red_operation(number=RED + 1), refused=True)
    project(store, world)
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
    settle(world, special=1)
    agree(world)
    world.do("seller", world.red_operation())
    world.do("seller", world.red_operation(number=RED + 1), refused=True)
    project(store, world)
    with store.writing_alone() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {change}")
    difference = audit(store.engine, world).difference
    assert difference is not None
    assert difference.table == table


def test_audit_takes_what_was_read_for_the_registration_that_counts(store: Store, world: RuleWorld) -> None:
    operation = world.register_operation()
    digest = world.do("employee", operation)
    project(store, world)
    seen: list[tuple[InvoiceRecord, StoredDocument | None]] = []

    def check(record: InvoiceRecord, document: StoredDocument | None) -> str | None:
        seen.append((record, document))
        return None if document is not None else "nothing is stored"

    missing = audit(store.engine, world, check).difference
    assert missing is not None
    assert missing.stored == "nothing is stored"
    read = OutsideDocument(
        OUTSIDE, digest, world.ids["employee"], "qr", None, None, b"fields", b"seed", operation.ref, world.now
    )
    store.write(lambda connection: outside_documents.put_outside_document(connection, read))
    assert audit(store.engine, world, check).difference is None
    document = seen[-1][1]
    assert document is not None
    assert (document.sealed_document, document.commitment, document.seller) == (b"fields", operation.ref, 0)
    with store.writing_alone() as connection:
        connection.exec_driver_sql("UPDATE outside_document SET commitment = x'00'")
    altered = audit(store.engine, world, check).difference
    assert altered is not None
    assert (altered.table, altered.column) == ("outside_document", "commitment")


def test_one_reader_for_a_former_and_a_present_party_is_present(store: Store, world: RuleWorld) -> None:
    world.do("employee", world.register_operation())
    world.do("courier", world.register_operation("courier", "rival", strength=1, claim_id=2))
    project(store, world)
    both = frozenset({world.ids["employer"], world.ids["rival"]})
    with store.reading() as connection:
        last = feed.events_after(connection, visible_to=both, after=0, limit=99).events[-1]
    assert last.step.operation.number == OUTSIDE
    assert Role.FORMER not in last.roles
    assert Role.EMPLOYER | Role.TOLD in last.roles


@pytest.mark.parametrize("table", ["SLIP", "DEDUCTION", "EXCEPTION", "TOTALS", "CLAIM", "PARTY", "GRANT"])
def test_word_of_the_chain_that_rows_do_not_imply_is_named(store: Store, world: RuleWorld, table: str) -> None:
    settle(world, special=1)
    agree(world)
    world.do("seller", world.red_operation())
    project(store, world)
    words = world.model.words
    key = next(key for key in words if key[0].name == table and words[key])
    words[key] ^= 1 << 100
    difference = audit(store.engine, world).difference
    assert difference is not None
    assert difference.recomputed.endswith("on the chain")


def test_lists_go_along_an_index(store: Store, world: RuleWorld) -> None:
    project(store, world)
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
