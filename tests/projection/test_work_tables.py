"""Outside originals, callers' ids, claim steps, tills' orders, reports: stored once, in pages, free after a failure."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.domain.blocks import Outcome
from ledger.projection import (
    Acceptance,
    CursorError,
    Decision,
    ExternalId,
    ExternalIdTakenError,
    NewGroup,
    NumberInUseError,
    OrderConflictError,
    OutsideDocument,
    Store,
    approvals,
    external_ids,
    month_reports,
    outside_documents,
    till_orders,
)
from verifier.operations import Code, Operation, Reason

NOW_S = 1_790_000_500
OUTSIDE = 1_440_318_091_100_000_123


def _group(town: Any, domain: Any, *, code: Code = Code.REGISTER_OUTSIDE, number: int = OUTSIDE) -> NewGroup:
    operation = Operation(code=code, subject=town.seller, number=number, terms=1, ref=town.script.salt())
    signed = town.script.signed([operation], town.seller)
    return NewGroup(signed.group.digest(domain), signed)


def _outside(group: NewGroup, party: int, original: bytes = b"\x05" * 32) -> OutsideDocument:
    return OutsideDocument(
        number=OUTSIDE,
        digest=group.digest,
        party=party,
        kind="ofd",
        original_hash=original,
        sealed_original=b"file",
        sealed_document=b"fields",
        sealed_seed=b"seed",
        commitment=group.signed.group.operations[0].ref,
        stored_at=NOW_S,
    )


def _refuse(store: Store, town: Any, tools: SimpleNamespace, group: NewGroup) -> None:
    town.script.include(
        town.script.sequenced(group.signed, Outcome.REFUSED, reason=int(Reason.LOCKED), refused_number=OUTSIDE)
    )
    town.script.seal()
    tools.project(store, town.script.blocks[-1:])


def _accept(store: Store, acceptance: Acceptance) -> None:
    store.accept(acceptance, queue_limit=100, now_s=NOW_S)


def test_registration_and_its_original_are_stored_together(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    group = _group(town, domain)
    document = _outside(group, town.claimant)
    entry = ExternalId(town.claimant, "invoice", "ERP-1", f"{OUTSIDE:020d}", group.digest, NOW_S)
    _accept(store, Acceptance((group,), outside_documents=(document,), external_ids=(entry,)))
    with store.reading() as connection:
        assert outside_documents.outside_document(connection, OUTSIDE, group.digest) == document
        assert external_ids.external_id(connection, town.claimant, "invoice", "ERP-1") == entry
        ours = outside_documents.numbers_of_original(connection, b"\x05" * 32, party=town.claimant)
        assert ours == (OUTSIDE,)
        assert outside_documents.numbers_of_original(connection, b"\x05" * 32, party=town.stranger) == ()


def test_taken_id_refuses_the_whole_acceptance(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    taken = ExternalId(town.claimant, "invoice", "ERP-1", "elsewhere", None, NOW_S)
    store.write(lambda connection: external_ids.put_external_id(connection, taken))
    group = _group(town, domain)
    entry = replace(taken, target=f"{OUTSIDE:020d}", digest=group.digest)
    with pytest.raises(ExternalIdTakenError) as caught:
        _accept(
            store,
            Acceptance((group,), outside_documents=(_outside(group, town.claimant),), external_ids=(entry,)),
        )
    assert caught.value.target == "elsewhere"
    with store.reading() as connection:
        assert outside_documents.outside_document(connection, OUTSIDE, group.digest) is None
        assert external_ids.external_id(connection, town.claimant, "invoice", "ERP-1") == taken


def test_original_is_kept_a_registration_and_forgotten_for_all(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    first, second = _group(town, domain), _group(town, domain)
    _accept(store, Acceptance((first, second), outside_documents=(_outside(first, 1), _outside(second, 2))))
    changed = replace(_outside(first, 1), sealed_original=b"another")
    store.write(lambda connection: outside_documents.put_outside_document(connection, changed))
    with store.reading() as connection:
        kept = outside_documents.outside_document(connection, OUTSIDE, first.digest)
    assert kept is not None
    assert kept.sealed_original == b"file"
    assert store.write(lambda connection: outside_documents.forget_outside_document(connection, OUTSIDE)) == 2
    with store.reading() as connection:
        forgotten = outside_documents.outside_document(connection, OUTSIDE, second.digest)
    assert forgotten is not None
    assert (forgotten.sealed_original, forgotten.sealed_document, forgotten.sealed_seed) == (None, None, None)


def test_id_of_a_refused_group_is_free_again(lived: tuple[Store, Any], domain: Any, tools: SimpleNamespace) -> None:
    store, town = lived
    group = _group(town, domain)
    entry = ExternalId(town.claimant, "claim", "TRIP-7", "aa", group.digest, NOW_S)
    other = replace(entry, target="bb", digest=None)
    _accept(store, Acceptance((group,), external_ids=(entry,)))
    assert store.write(lambda connection: external_ids.put_external_id(connection, entry)) is False
    with pytest.raises(ExternalIdTakenError):
        store.write(lambda connection: external_ids.put_external_id(connection, other))
    _refuse(store, town, tools, group)
    assert store.write(lambda connection: external_ids.put_external_id(connection, other)) is True
    with store.reading() as connection:
        assert external_ids.external_id(connection, town.claimant, "claim", "TRIP-7") == other


def test_ids_are_of_one_party_and_kind_and_come_in_pages(lived: tuple[Store, Any]) -> None:
    store, town = lived
    entries = [ExternalId(town.claimant, "claim", f"T{i}", f"{i % 2}", None, NOW_S) for i in range(5)]
    for entry in [*entries, ExternalId(town.stranger, "claim", "T0", "9", None, NOW_S)]:
        assert store.write(partial(external_ids.put_external_id, new=entry))
    with store.reading() as connection:
        first = external_ids.external_ids(connection, town.claimant, "claim", limit=3)
        rest = external_ids.external_ids(connection, town.claimant, "claim", limit=3, cursor=first.next_cursor)
        assert [*first.items, *rest.items] == entries[::-1]
        assert rest.next_cursor is None
        named = external_ids.external_ids_of(connection, town.claimant, "claim", ["0", "1", "9"])
        assert named == {"0": ("T0", "T2", "T4"), "1": ("T1", "T3")}
        assert external_ids.external_id(connection, town.claimant, "invoice", "T0") is None
        with pytest.raises(CursorError):
            external_ids.external_ids(connection, town.claimant, "claim", limit=3, cursor="?")
        with pytest.raises(ValueError, match="at most 500"):
            external_ids.external_ids_of(connection, town.claimant, "claim", ["x"] * 501)


def test_newest_decision_counts_and_a_repeated_one_adds_nothing(lived: tuple[Store, Any]) -> None:
    store, town = lived
    approve = approvals.ClaimDecision("ab" * 16, town.employer, None, 7, Decision.APPROVED, b"note", NOW_S)
    reject_line = replace(approve, number=OUTSIDE, decision=Decision.REJECTED)
    reject = replace(approve, decision=Decision.REJECTED, decided_at=NOW_S + 1)

    def add(decision: approvals.ClaimDecision) -> bool:
        return store.write(lambda connection: approvals.add_decision(connection, decision))

    assert [add(approve), add(approve), add(reject_line), add(reject), add(approve)] == [True, False, True, True, True]
    with store.reading() as connection:
        found = approvals.decisions(connection, "ab" * 16, town.employer)
        assert found == (approve, reject_line, reject, approve)
        assert approvals.decisions(connection, "ab" * 16, town.stranger) == ()
        latest = approvals.latest_decisions(connection, town.employer, ("ab" * 16, "cd" * 16))
        assert latest == {"ab" * 16: Decision.APPROVED}
        assert approvals.latest_decisions(connection, town.stranger, ("ab" * 16,)) == {}


def test_approvers_and_policy_are_the_companys_own(lived: tuple[Store, Any]) -> None:
    store, town = lived
    policy = approvals.ClaimPolicy(town.employer, 50_000, town.accountant, NOW_S)

    def write(connection: Any) -> None:
        approvals.put_claim_policy(connection, replace(policy, approval_from_fen=None))
        approvals.put_claim_policy(connection, policy)
        for _ in range(2):
            approvals.put_approver(connection, town.employer, town.claimant, added_by=1, now_s=NOW_S)

    store.write(write)
    with store.reading() as connection:
        assert approvals.claim_policy(connection, town.employer) == policy
        assert approvals.claim_policy(connection, town.stranger) is None
        assert approvals.approvers(connection, town.employer) == (town.claimant,)
        assert not approvals.is_approver(connection, town.stranger, town.claimant)
    ended = [
        store.write(lambda connection: approvals.remove_approver(connection, town.employer, town.claimant))
        for _ in range(2)
    ]
    assert ended == [True, False]


def _order(town: Any, order_id: str = "A1") -> till_orders.TillOrder:
    return till_orders.TillOrder(town.seller, order_id, b"\x01" * 32, 4_200, NOW_S + 60, None, None, None, NOW_S)


def test_order_asked_twice_is_one_invoice(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    order, group = _order(town), _group(town, domain, code=Code.ISSUE, number=town.number(4))
    assert store.write(lambda connection: till_orders.put_order(connection, order)) == order

    def assign(number: int) -> bool:
        return store.write(
            lambda connection: till_orders.assign_order(
                connection, town.seller, "A1", number=number, digest=group.digest, picked_by=town.claimant
            )
        )

    assert [assign(town.number(4)), assign(town.number(5))] == [True, False]
    again = store.write(lambda connection: till_orders.put_order(connection, order))
    assert (again.number, again.digest, again.picked_by) == (town.number(4), group.digest, town.claimant)
    with store.reading() as connection:
        assert till_orders.order_of_number(connection, town.number(4)) == again
        assert till_orders.order_of_number(connection, town.number(5)) is None


def test_order_id_for_other_bytes_is_refused(lived: tuple[Store, Any]) -> None:
    store, town = lived
    store.write(lambda connection: till_orders.put_order(connection, _order(town)))
    with pytest.raises(OrderConflictError):
        store.write(lambda connection: till_orders.put_order(connection, replace(_order(town), order_hash=b"\2" * 32)))
    other = replace(_order(town), seller=town.stranger, order_hash=b"\2" * 32)
    assert store.write(lambda connection: till_orders.put_order(connection, other)) == other


def test_order_of_a_refused_group_is_free_again(lived: tuple[Store, Any], domain: Any, tools: SimpleNamespace) -> None:
    store, town = lived
    group = _group(town, domain, code=Code.ISSUE, number=town.number(4))
    _accept(store, Acceptance((group,)))
    signed = replace(_order(town), number=town.number(4), digest=group.digest)
    store.write(lambda connection: till_orders.put_order(connection, signed))
    assert store.write(lambda connection: till_orders.put_order(connection, _order(town))) == signed
    _refuse(store, town, tools, group)
    assert store.write(lambda connection: till_orders.put_order(connection, _order(town))) == _order(town)


def test_orders_come_newest_first(lived: tuple[Store, Any]) -> None:
    store, town = lived
    for index in range(5):
        store.write(partial(till_orders.put_order, new=_order(town, f"A{index}")))
    store.write(
        lambda connection: till_orders.assign_order(
            connection, town.seller, "A4", number=town.number(1), digest=b"\3" * 32, picked_by=None
        )
    )
    with store.reading() as connection:
        first = till_orders.till_orders(connection, town.seller, waiting_only=True, limit=3)
        rest = till_orders.till_orders(connection, town.seller, waiting_only=True, limit=3, cursor=first.next_cursor)
        assert [order.order_id for order in (*first.items, *rest.items)] == ["A3", "A2", "A1", "A0"]
        assert till_orders.till_orders(connection, town.stranger, limit=3).items == ()


def test_number_of_a_waiting_red_is_not_given_out(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    _accept(store, Acceptance((_group(town, domain, code=Code.ISSUE_RED, number=town.number(0)),)))
    with pytest.raises(NumberInUseError):
        _accept(store, Acceptance((_group(town, domain, code=Code.ISSUE, number=town.number(0)),)))


def test_reports_are_kept_by_hash_and_declarations_replaced(lived: tuple[Store, Any]) -> None:
    store, town = lived
    declared = month_reports.MonthDeclaration(town.seller, 321, b"{}", 1, NOW_S)
    report = month_reports.MonthReport(b"\x07" * 32, town.seller, 321, b"{1}", 1, NOW_S)
    later = replace(report, report_hash=b"\x01" * 32, report=b"{2}", stored_at=NOW_S + 1)

    def write(connection: Any) -> None:
        month_reports.put_declaration(connection, declared)
        month_reports.put_declaration(connection, replace(declared, declared=b"{3}"))
        for stored in (report, later, replace(report, report=b"other")):
            month_reports.put_report(connection, stored)

    store.write(write)
    with store.reading() as connection:
        kept = month_reports.declaration(connection, town.seller, 321)
        assert kept == replace(declared, declared=b"{3}")
        assert month_reports.declaration(connection, town.seller, 322) is None
        assert month_reports.report(connection, report.report_hash) == report
        assert month_reports.reports(connection, town.seller, 321) == (report, later)
        assert month_reports.reports(connection, town.stranger, 321) == ()
