"""Lists show a party what it takes part in, page by page, and agree with a plain scan."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.projection import CursorError, Store, activity, claims, invoices, parties
from ledger.projection.invoices import InvoiceFilter, InvoiceRecord
from ledger.projection.rebuild import follow
from verifier.operations import Operation
from verifier.words import Claim, PartyKind


@pytest.fixture
def busy(lived: tuple[Store, Any], tools: SimpleNamespace) -> tuple[Store, Any]:
    store, town = lived
    tools.play(town, 2026, 150)
    follow(store.engine, town.script)
    return store, town


def _all(store: Store, wanted: InvoiceFilter, visible_to: frozenset[int] | None, limit: int = 7) -> list[InvoiceRecord]:
    found: list[InvoiceRecord] = []
    cursor = None
    while True:
        with store.reading() as connection:
            page = invoices.search(connection, wanted, visible_to=visible_to, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_officer_sees_every_invoice_once_newest_first(busy: tuple[Store, Any]) -> None:
    store, town = busy
    found = _all(store, InvoiceFilter(), None)
    assert {record.number for record in found} == set(town.script.states)
    orders = [record.issued_order for record in found]
    assert orders == sorted(set(orders), reverse=True)


def test_every_filter_agrees_with_a_scan(busy: tuple[Store, Any]) -> None:
    store, town = busy
    everything = _all(store, InvoiceFilter(), None, limit=1000)
    gross = sorted(record.gross_fen for record in everything)
    cases = [
        (InvoiceFilter(seller=town.seller), lambda r: r.seller == town.seller),
        (InvoiceFilter(holder=town.claimant), lambda r: r.holder == town.claimant),
        (InvoiceFilter(buyer=town.employer), lambda r: r.buyer == town.employer),
        (InvoiceFilter(claimant=town.claimant), lambda r: r.claimant == town.claimant),
        (InvoiceFilter(employer=town.employer), lambda r: r.employer == town.employer),
        (InvoiceFilter(party=town.employer), lambda r: invoices.may_see(r, frozenset({town.employer}))),
        (InvoiceFilter(claim=Claim.LOCKED), lambda r: r.claim == Claim.LOCKED),
        (InvoiceFilter(claim_id=f"{2:032x}"), lambda r: r.claim_id == f"{2:032x}"),
        (InvoiceFilter(month=322), lambda r: r.month == 322),
        (
            InvoiceFilter(gross_min_fen=gross[9], gross_max_fen=gross[30]),
            lambda r: gross[9] <= r.gross_fen <= gross[30],
        ),
        (
            InvoiceFilter(numbers=(town.number(1), town.number(3))),
            lambda r: r.number in (town.number(1), town.number(3)),
        ),
        (InvoiceFilter(party=0), lambda r: False),
    ]
    for visible in (None, frozenset({town.claimant}), frozenset({town.employer, town.stranger}), frozenset[int]()):
        seen = [record for record in everything if invoices.may_see(record, visible)]
        for wanted, matches in cases:
            assert _all(store, wanted, visible) == [record for record in seen if matches(record)], wanted
    assert any(matches(everything[0]) for _, matches in cases)


def test_stranger_sees_nothing_and_the_claimant_its_own(busy: tuple[Store, Any]) -> None:
    store, town = busy
    assert _all(store, InvoiceFilter(), frozenset({town.stranger})) == []
    own = _all(store, InvoiceFilter(), frozenset({town.claimant}))
    assert own
    assert all(town.claimant in (record.holder, record.claimant) for record in own)


def test_page_stays_right_while_invoices_are_added(busy: tuple[Store, Any]) -> None:
    store, town = busy
    with store.reading() as connection:
        first = invoices.search(connection, InvoiceFilter(), visible_to=None, limit=5)
        before = invoices.search(connection, InvoiceFilter(), visible_to=None, limit=5, cursor=first.next_cursor)
    town.script.issue(town.seller, (town.number(9000), 1, 0))
    town.script.seal()
    follow(store.engine, town.script)
    with store.reading() as connection:
        after = invoices.search(connection, InvoiceFilter(), visible_to=None, limit=5, cursor=first.next_cursor)
    assert after == before


@pytest.mark.parametrize("cursor", ["", "x", "-1", "0" * 17, "f" * 16, "١"])
def test_foreign_cursor_is_refused(lived: tuple[Store, Any], cursor: str) -> None:
    store, _ = lived
    with store.reading() as connection:
        for ask in (
            lambda: invoices.search(connection, InvoiceFilter(), visible_to=None, limit=5, cursor=cursor),
            lambda: claims.claims(connection, visible_to=None, limit=5, cursor=cursor),
            lambda: parties.parties(connection, limit=5, cursor=cursor),
            lambda: activity.refused(connection, limit=5, cursor=cursor),
        ):
            with pytest.raises(CursorError):
                ask()


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_page_size_out_of_range_is_refused(lived: tuple[Store, Any], limit: int) -> None:
    store, _ = lived
    with store.reading() as connection, pytest.raises(ValueError, match="a page has"):
        invoices.search(connection, InvoiceFilter(), visible_to=None, limit=limit)


def test_claims_are_seen_by_claimant_and_employer_only(busy: tuple[Store, Any]) -> None:
    store, town = busy
    with store.reading() as connection:
        everything = claims.claims(connection, visible_to=None, limit=100).items
        assert everything
        for party in (town.claimant, town.employer):
            assert claims.claims(connection, visible_to=frozenset({party}), limit=100).items == everything
        assert claims.claims(connection, visible_to=frozenset({town.stranger}), limit=100).items == ()
        still_open = claims.claims(connection, visible_to=None, open_only=True, limit=100).items
        assert still_open == tuple(claim for claim in everything if claim.locked_count)
        paged = claims.claims(connection, visible_to=None, limit=1)
        rest = claims.claims(connection, visible_to=None, limit=100, cursor=paged.next_cursor)
        assert (*paged.items, *rest.items) == everything


def test_refused_groups_are_listed_by_actor(busy: tuple[Store, Any]) -> None:
    store, town = busy
    refused = [
        (block.head.number, position)
        for block in town.script.blocks
        for position, group in enumerate(block.groups)
        if group.outcome == "refused"
    ]
    with store.reading() as connection:
        found: list[tuple[int, int]] = []
        cursor = None
        while True:
            page = activity.refused(connection, actor=town.claimant, limit=2, cursor=cursor)
            found += [(group.block, group.position) for group in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == sorted(refused, reverse=True)
        assert activity.refused(connection, actor=town.stranger, limit=9).items == ()


def test_operations_of_a_party_name_it(busy: tuple[Store, Any]) -> None:
    store, town = busy
    with store.reading() as connection:
        steps = activity.operations_of(connection, town.employer, limit=1000).items
        assert steps
        for step in steps:
            operation: Operation = step.operation
            written = operation.code in (1, 4, 17) or step.state is not None
            assert town.employer in (step.actor, operation.subject, operation.party) or written
        group = activity.steps_of_group(connection, steps[0].block, steps[0].position)
        assert steps[0] in group
        block = activity.block(connection, steps[0].block)
        assert block is not None
        assert len(activity.groups_of_block(connection, block.number)) == block.group_count


def test_overview_counts_the_ledger(busy: tuple[Store, Any]) -> None:
    store, town = busy
    with store.reading() as connection:
        seen = activity.overview(connection)
    assert seen.block == town.script.head().number
    assert seen.invoices == len(town.script.states)
    assert seen.gross_fen == sum(state.gross for state in town.script.states.values())
    assert seen.parties == len(town.script.parties)


def test_parties_are_paged_by_kind(busy: tuple[Store, Any]) -> None:
    store, town = busy
    with store.reading() as connection:
        persons = parties.parties(connection, kind=PartyKind.PERSON, limit=10).items
        assert [person.id for person in persons] == [town.claimant, town.accountant]
        first = parties.parties(connection, limit=2)
        second = parties.parties(connection, limit=2, cursor=first.next_cursor)
        assert [party.id for party in (*first.items, *second.items)] == [1, 2, 3, 4]
        assert parties.party(connection, 999) is None


@pytest.mark.slow
def test_queries_follow_indexes_however_many_invoices_there_are(
    lived: tuple[Store, Any], tools: SimpleNamespace
) -> None:
    store, town = lived
    script = town.script
    town.script.allot(town.seller, town.first_number + 10_000, 5)
    visible = frozenset({town.seller})
    steps: dict[int, dict[str, int]] = {}
    for count, start in ((1_000, 0), (9_000, 1_000)):
        for at in range(start, start + count, 250):
            for index in range(at, at + 250):
                script.issue(
                    town.seller, (town.number(index), 1_000 + index % 997, 10), buyer=f"enterprise:b{index % 50}"
                )
            tools.project(store, [script.seal()])
        asks: dict[str, Callable[[Any], object]] = {
            "history": lambda connection: invoices.history(connection, town.number(997)),
            "invoice": lambda connection: invoices.invoice(connection, town.number(997)),
            "search": lambda connection: invoices.search(
                connection, InvoiceFilter(month=321), visible_to=visible, limit=50
            ),
        }
        steps[start + count] = {name: machine_steps(store, ask) for name, ask in asks.items()}
    for name, few in steps[1_000].items():
        assert steps[10_000][name] < 1.5 * few + 1_000, f"{name} does more work the more invoices there are: {steps}"


def machine_steps(store: Store, ask: Callable[[Any], object]) -> int:
    """Instructions SQLite's virtual machine runs for a question, in tens: the same on every machine."""
    ran = 0

    def counted() -> int:
        nonlocal ran
        ran += 10
        return 0

    with store.reading() as connection:
        driver = connection.connection.dbapi_connection
        driver.set_progress_handler(counted, 10)
        try:
            assert ask(connection)
        finally:
            driver.set_progress_handler(None, 0)
    return ran
