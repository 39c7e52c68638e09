"""Managers approve before finance settles: policy, decisions, what is refused without them, and who sees what."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ledger.service import Caller, InvalidRequest, NotFound, NotPermitted
from ledger.service.errors import ApprovalMissing, IdempotencyConflict
from tests.service.world import World, must

FROM_FEN = 20_000  # two invoices of 10,600 reach it, one does not


@dataclass(frozen=True)
class Company:
    """A company that wants claims from FROM_FEN on approved, its people, and who sells to them."""

    seller: Caller
    enterprise: Caller
    claimant: Caller
    cashier: Caller
    manager: Caller
    deputy: Caller

    def settles(self, world: World, claim_id: str, numbers: list[str] | None = None) -> None:
        must(
            world.ledger.approve_claim(
                self.cashier, claim_id, numbers=numbers, payment_reference="付款-1", idempotency_key=world.key()
            )
        )

    def decides(
        self, world: World, claim_id: str, decision: str, numbers: list[str] | None = None, *, by: Caller | None = None,
        note: str = "",
    ) -> None:  # fmt: skip
        world.ledger.approvals.decide(
            by or self.manager, claim_id, decision=decision, numbers=numbers, note=note, idempotency_key=world.key()
        )


@pytest.fixture(scope="module")
def company(world: World) -> Company:
    enterprise = world.enterprise("审批公司")
    manager = world.person("钱经理")
    deputy = world.person("孙副经理", (enterprise, ["claim"]))
    made = Company(
        seller=world.enterprise("审批卖方", segment=True),
        enterprise=world.again(enterprise),
        claimant=world.person("员工甲", (enterprise, ["claim"])),
        cashier=world.person("出纳乙", (enterprise, ["finance"])),
        manager=manager,
        deputy=deputy,
    )
    world.ledger.approvals.set_policy(
        made.enterprise, enterprise.party, approval_required=True, from_fen=FROM_FEN,
        approvers=[manager.party, deputy.party], idempotency_key=world.key(),
    )  # fmt: skip
    return made


def claim_of(world: World, company: Company, count: int = 2, *, by: Caller | None = None) -> tuple[str, list[str]]:
    claimant = by or company.claimant
    numbers = sorted(world.issued(company.seller, claimant) for _ in range(count))
    return world.claimed(claimant, company.enterprise, *numbers), numbers


def test_finance_settles_once_an_approver_approved_and_not_before(world: World, company: Company) -> None:
    claim_id, numbers = claim_of(world, company)
    with pytest.raises(ApprovalMissing) as caught:
        company.settles(world, claim_id)
    assert (caught.value.waiting, caught.value.rejected) == (tuple(numbers), ())
    assert "200.00" in caught.value.message
    assert numbers[0] in caught.value.message_zh
    assert world.ledger.claim(company.claimant, claim_id).approval.state == "waiting"
    company.decides(world, claim_id, "approved", note="同意")
    view = world.ledger.claim(company.claimant, claim_id)
    assert view.approval.state == "approved"
    (decision,) = view.approval.decisions
    assert (decision.decision, decision.number, decision.approver) == ("approved", None, company.manager.party)
    assert (decision.approver_name, decision.note) == ("钱经理", "同意")
    assert {line.decision for line in view.lines} == {"approved"}
    company.settles(world, claim_id)
    assert world.ledger.claim(company.cashier, claim_id).settled_count == 2


def test_a_claim_below_the_sum_needs_no_approval(world: World, company: Company) -> None:
    claim_id, _ = claim_of(world, company, 1)
    assert not world.ledger.claim(company.claimant, claim_id).approval.required
    company.settles(world, claim_id)


def test_paying_in_parts_does_not_get_below_the_sum(world: World, company: Company) -> None:
    claim_id, numbers = claim_of(world, company)
    with pytest.raises(ApprovalMissing):
        company.settles(world, claim_id, [numbers[0]])
    company.decides(world, claim_id, "approved", [numbers[0]])
    company.settles(world, claim_id, [numbers[0]])
    with pytest.raises(ApprovalMissing) as caught:
        company.settles(world, claim_id)
    assert caught.value.waiting == (numbers[1],)


def test_a_rejected_line_is_not_settled_and_the_others_are(world: World, company: Company) -> None:
    claim_id, numbers = claim_of(world, company, 3)
    company.decides(world, claim_id, "approved")
    company.decides(world, claim_id, "rejected", [numbers[1]], note="私人消费")
    view = world.ledger.claim(company.claimant, claim_id)
    assert [line.decision for line in view.lines] == ["approved", "rejected", "approved"]
    assert view.approval.state == "rejected"
    with pytest.raises(ApprovalMissing) as caught:
        company.settles(world, claim_id)
    assert (caught.value.waiting, caught.value.rejected) == ((), (numbers[1],))
    company.settles(world, claim_id, [numbers[0], numbers[2]])


def test_a_claim_that_ended_still_says_that_what_was_paid_was_approved(world: World, company: Company) -> None:
    claim_id, numbers = claim_of(world, company)
    company.decides(world, claim_id, "approved", [numbers[0]])
    company.decides(world, claim_id, "rejected", [numbers[1]])
    company.settles(world, claim_id, [numbers[0]])
    assert world.ledger.claim(company.claimant, claim_id).approval.state == "rejected"  # of the line that is left
    must(world.ledger.withdraw_claim(company.claimant, claim_id, idempotency_key=world.key()))
    assert world.ledger.claim(company.claimant, claim_id).approval.state == "approved"


def test_a_claim_that_went_back_undecided_waits_for_nobody(world: World, company: Company) -> None:
    claim_id, numbers = claim_of(world, company, 3)
    must(world.ledger.withdraw_claim(company.claimant, claim_id, numbers=[numbers[0]], idempotency_key=world.key()))
    assert world.ledger.claim(company.claimant, claim_id).approval.state == "waiting"
    must(world.ledger.withdraw_claim(company.claimant, claim_id, idempotency_key=world.key()))
    assert world.ledger.claim(company.claimant, claim_id).approval.state == "not_required"


def test_the_newest_decision_counts_whoever_made_it(world: World, company: Company) -> None:
    claim_id, _ = claim_of(world, company)
    company.decides(world, claim_id, "approved")
    company.decides(world, claim_id, "rejected", by=company.deputy)
    with pytest.raises(ApprovalMissing):
        company.settles(world, claim_id)
    company.decides(world, claim_id, "approved")
    company.settles(world, claim_id)


def test_approving_the_whole_again_lifts_the_rejection_of_a_line(world: World, company: Company) -> None:
    claim_id, numbers = claim_of(world, company)
    company.decides(world, claim_id, "approved")
    company.decides(world, claim_id, "rejected", [numbers[0]])
    company.decides(world, claim_id, "approved")
    assert world.ledger.claim(company.claimant, claim_id).approval.state == "approved"
    company.settles(world, claim_id)


def test_nobody_approves_a_claim_of_their_own(world: World, company: Company) -> None:
    claim_id, _ = claim_of(world, company, by=company.deputy)
    with pytest.raises(NotPermitted):
        company.decides(world, claim_id, "approved", by=company.deputy)
    assert world.ledger.claim(company.deputy, claim_id).approval.decisions == ()
    company.decides(world, claim_id, "approved")


def test_only_approvers_decide(world: World, company: Company) -> None:
    claim_id, _ = claim_of(world, company)
    with pytest.raises(NotPermitted):
        company.decides(world, claim_id, "approved", by=company.cashier)
    with pytest.raises(NotPermitted):
        company.decides(world, claim_id, "approved", by=company.enterprise)
    with pytest.raises(NotPermitted):
        company.decides(world, claim_id, "approved", by=world.officer)
    with pytest.raises(NotFound):
        company.decides(world, claim_id, "approved", by=world.person("路人"))
    assert world.ledger.claim(company.cashier, claim_id).approval.decisions == ()


def test_approvers_see_what_they_are_to_decide_and_nothing_else(world: World, company: Company) -> None:
    waiting, _ = claim_of(world, company)
    small, _ = claim_of(world, company, 1)
    own, _ = claim_of(world, company, by=company.deputy)

    def to_decide(caller: Caller) -> list[str]:
        return [one.claim_id for one in world.ledger.approvals.to_decide(caller, limit=50).items]

    assert waiting in to_decide(company.manager)
    assert own in to_decide(company.manager)
    assert small not in to_decide(company.manager)
    assert waiting in to_decide(company.deputy)
    assert own not in to_decide(company.deputy)
    assert to_decide(company.cashier) == []
    assert world.ledger.claim(company.manager, waiting).claim_id == waiting
    with pytest.raises(NotFound):
        world.ledger.claim(company.manager, small)
    company.decides(world, waiting, "approved")
    assert waiting not in to_decide(company.manager)


def test_an_approver_reads_the_invoices_of_a_claim_while_it_may_decide(world: World, company: Company) -> None:
    claim_id, numbers = claim_of(world, company)
    _, small = claim_of(world, company, 1)
    _, own = claim_of(world, company, by=company.deputy)
    assert world.ledger.invoice(company.manager, numbers[0]).document is not None
    assert world.ledger.invoice(company.manager, own[0]).number == own[0]
    for unseen in (small[0], world.issued(company.seller, company.claimant)):
        with pytest.raises(NotFound):
            world.ledger.invoice(company.manager, unseen)
    with pytest.raises(NotFound):
        world.ledger.invoice(world.person("无关人员"), numbers[0])
    must(world.ledger.withdraw_claim(company.claimant, claim_id, idempotency_key=world.key()))
    with pytest.raises(NotFound):
        world.ledger.invoice(company.manager, numbers[0])


def test_a_claim_decided_by_lines_waits_for_the_lines_that_are_left(world: World, company: Company) -> None:
    claim_id, numbers = claim_of(world, company)

    def waits() -> bool:
        page = world.ledger.approvals.to_decide(company.manager, limit=50)
        return claim_id in {one.claim_id for one in page.items}

    company.decides(world, claim_id, "rejected", [numbers[0]])
    assert waits()
    company.decides(world, claim_id, "approved", [numbers[1]])
    assert not waits()


def test_to_decide_is_paged(world: World, company: Company) -> None:
    made = {claim_of(world, company)[0] for _ in range(3)}
    seen: list[str] = []
    cursor = None
    while True:
        page = world.ledger.approvals.to_decide(company.manager, cursor=cursor, limit=2)
        seen += [one.claim_id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert made <= set(seen)
    assert len(seen) == len(set(seen))
    with pytest.raises(InvalidRequest):
        world.ledger.approvals.to_decide(company.manager, cursor="no", limit=2)


def test_a_repeated_decision_is_made_once_and_another_under_its_key_is_refused(world: World, company: Company) -> None:
    claim_id, _ = claim_of(world, company)
    key = world.key()
    for _ in range(2):
        view = world.ledger.approvals.decide(company.manager, claim_id, decision="approved", idempotency_key=key)
        assert len(view.approval.decisions) == 1
    with pytest.raises(IdempotencyConflict):
        world.ledger.approvals.decide(company.manager, claim_id, decision="rejected", idempotency_key=key)


@pytest.mark.parametrize(
    ("decision", "numbers", "path"),
    [
        ("maybe", None, "decision"),
        ("approved", [], "numbers"),
        ("approved", ["99999999999999999996"], "numbers"),
        ("approved", ["1"], "numbers.0"),
    ],
)
def test_a_wrong_decision_names_its_field_and_leaves_nothing(
    world: World, company: Company, decision: str, numbers: list[str] | None, path: str
) -> None:
    claim_id, _ = claim_of(world, company)
    with pytest.raises(InvalidRequest) as caught:
        company.decides(world, claim_id, decision, numbers)
    assert caught.value.problems[0].path == path
    assert world.ledger.claim(company.manager, claim_id).approval.decisions == ()


def test_only_the_enterprise_sets_its_policy(world: World, company: Company) -> None:
    for other in (company.cashier, company.manager, world.officer, company.seller):
        with pytest.raises(NotPermitted):
            world.ledger.approvals.set_policy(
                other, company.enterprise.party, approval_required=False, approvers=[], idempotency_key=world.key()
            )
    for reader in (company.enterprise, company.cashier, company.claimant, company.manager, world.officer):
        view = world.ledger.approvals.policy(reader, company.enterprise.party)
        assert (view.approval_required, view.from_fen) == (True, FROM_FEN)
        assert {one.party for one in view.approvers} == {company.manager.party, company.deputy.party}
    for stranger in (company.seller, world.person("外人")):
        with pytest.raises(NotFound):
            world.ledger.approvals.policy(stranger, company.enterprise.party)


def test_a_wrong_policy_names_its_field_and_changes_nothing(world: World, company: Company) -> None:
    manager = company.manager.party
    wrong: list[tuple[dict[str, object], str]] = [
        ({"approval_required": True, "approvers": []}, "approvers"),
        ({"approval_required": True, "approvers": [manager, manager]}, "approvers.1"),
        ({"approval_required": True, "approvers": [company.seller.party]}, "approvers.0"),
        ({"approval_required": True, "approvers": [2**31]}, "approvers.0"),
        ({"approval_required": True, "approvers": [manager], "from_fen": -1}, "from_fen"),
        ({"approval_required": True, "approvers": list(range(1, 102))}, "approvers"),
    ]
    for fields, path in wrong:
        with pytest.raises(InvalidRequest) as caught:
            world.ledger.approvals.set_policy(
                company.enterprise, company.enterprise.party, idempotency_key=world.key(),
                **fields,  # type: ignore[arg-type]
            )  # fmt: skip
        assert caught.value.problems[0].path == path
    assert world.ledger.approvals.policy(company.enterprise, company.enterprise.party).from_fen == FROM_FEN


def test_a_policy_is_replaced_and_whoever_is_left_out_approves_no_more(world: World) -> None:
    enterprise = world.enterprise("换规则公司")
    seller = world.enterprise("换规则卖方", segment=True)
    first, second = world.person("甲"), world.person("乙")
    firm = Company(
        seller, enterprise, world.person("丙", (enterprise, ["claim"])), world.person("丁", (enterprise, ["finance"])),
        first, second,
    )  # fmt: skip

    def sets(*, required: bool, people: list[int]) -> None:
        world.ledger.approvals.set_policy(
            enterprise, enterprise.party, approval_required=required, approvers=people, idempotency_key=world.key()
        )

    assert world.ledger.approvals.policy(enterprise, enterprise.party).updated_at is None
    sets(required=True, people=[first.party])
    claim_id, _ = claim_of(world, firm, 1)
    sets(required=True, people=[second.party])
    with pytest.raises(NotFound):
        firm.decides(world, claim_id, "approved", by=first)
    with pytest.raises(ApprovalMissing):
        firm.settles(world, claim_id)
    sets(required=False, people=[])
    firm.settles(world, claim_id)


def test_claims_are_found_by_what_paid_them(world: World, company: Company) -> None:
    paid = [claim_of(world, company, 1)[0] for _ in range(2)]
    other, _ = claim_of(world, company, 1)
    for claim_id in paid:
        must(
            world.ledger.approve_claim(
                company.cashier, claim_id, payment_reference="批次-2026-11", idempotency_key=world.key()
            )
        )
    company.settles(world, other)

    def found(caller: Caller, reference: str) -> set[str]:
        return {one.claim_id for one in world.ledger.claims(caller, payment_reference=reference, limit=50).items}

    for reader in (company.cashier, company.claimant, company.enterprise, world.officer):
        assert found(reader, "批次-2026-11") == set(paid)
    assert found(company.manager, "批次-2026-11") == set()
    assert found(company.seller, "批次-2026-11") == set()
    assert found(company.cashier, "批次-2026-12") == set()
    line = world.ledger.claim(company.claimant, paid[0]).lines[0]
    assert (line.payment_reference, line.ended) == ("批次-2026-11", "settled")


def test_a_refused_settling_is_not_found_by_its_payment(world: World, company: Company) -> None:
    claim_id, _ = claim_of(world, company, 1)
    answer = world.ledger.approve_claim(
        company.claimant, claim_id, payment_reference="假付款", idempotency_key=world.key()
    )
    assert answer.refusal is not None
    assert world.ledger.claims(company.cashier, payment_reference="假付款", limit=50).items == ()
