"""Claim policies, decisions and own ids over HTTP, on a real ledger: who may, what is told, what is a problem."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.api.conftest import Answer, Client
from tests.api.test_life_of_an_invoice import Actor, World, done, draft, enrolled, key
from tests.api.test_problem_shapes import assert_problem


@dataclass(frozen=True)
class Firm:
    """An employer that wants every claim approved, and its manager."""

    world: World
    manager: Actor

    def policy(self, by: Actor, **body: object) -> Answer:
        address = f"/v1/parties/{self.world.employer.party}/claim-policy"
        return by.client.post(address, body, method="PUT", key=key())

    def decides(self, by: Actor, claim_id: str, **body: object) -> Answer:
        return by.client.post(f"/v1/claims/{claim_id}/decision", body, key=key())

    def settles(self, claim_id: str, **body: object) -> Answer:
        return self.world.accountant.client.post(f"/v1/claims/{claim_id}/approve", body, key=key())

    def claims(self, *numbers: str, **more: object) -> Answer:
        body = {"numbers": list(numbers), "employer": self.world.employer.party, "reference": "BX-1", **more}
        return self.world.claimant.client.post("/v1/claims", body, key=key())

    def claimed(self, count: int = 1) -> tuple[str, list[str]]:
        numbers = sorted(self.world.issue(first_holder=self.world.claimant.party) for _ in range(count))
        return str(done(self.claims(*numbers), "open_claim")["claim_id"]), numbers


@pytest.fixture(scope="module")
def firm(officer: Client) -> Firm:
    seller, employer = enrolled(officer, "enterprise", "审批卖方"), enrolled(officer, "enterprise", "审批雇主")
    claimant, accountant = enrolled(officer, "person", "孙员工"), enrolled(officer, "person", "周会计")
    manager, stranger = enrolled(officer, "person", "吴经理"), enrolled(officer, "enterprise", "审批路人")
    done(officer.post(f"/v1/parties/{seller.party}/segments", {"blocks": 1}, key=key()), "allot_segment")
    for person, grants in ((claimant, ["claim"]), (accountant, ["finance"])):
        done(employer.client.post("/v1/grants", {"person": person.party, "grants": grants}, key=key()), "grant")
    made = Firm(World(officer, seller, employer, claimant, accountant, stranger), manager)
    policy = {"approval_required": True, "from_fen": 1, "approvers": [manager.party]}
    done(made.policy(employer, **policy), "set_claim_policy")
    return made


def test_finance_waits_for_the_manager(firm: Firm) -> None:
    claim_id, numbers = firm.claimed(2)
    problem = assert_problem(firm.settles(claim_id, payment_reference="FK-1"), "approval-missing")
    assert numbers[0] in problem["detail"]
    assert numbers[1] in problem["detail_zh"]
    listed = done(firm.manager.client.get("/v1/claims?to_decide=true"), "list_claims")["items"]
    assert claim_id in [one["claim_id"] for one in listed]
    assert listed[0]["approval"] == {"state": "waiting", "required": True, "decisions": []}
    shown = done(firm.decides(firm.manager, claim_id, decision="approved", note="同意"), "decide_claim")
    assert shown["approval"]["state"] == "approved"
    assert (shown["approval"]["decisions"][0]["approver_name"], shown["approval"]["decisions"][0]["note"]) == (
        "吴经理",
        "同意",
    )
    done(firm.decides(firm.manager, claim_id, decision="rejected", numbers=[numbers[0]]), "decide_claim")
    assert_problem(firm.settles(claim_id, payment_reference="FK-1"), "approval-missing")
    done(firm.settles(claim_id, payment_reference="FK-1", numbers=[numbers[1]]), "approve_claim")
    reject = {"reason": "私人消费", "numbers": [numbers[0]]}
    done(firm.world.accountant.client.post(f"/v1/claims/{claim_id}/reject", reject, key=key()), "reject_claim")
    lines = done(firm.world.claimant.client.get(f"/v1/claims/{claim_id}"), "read_claim")["lines"]
    assert [(one["state"], one["ended"], one["reason"], one["payment_reference"]) for one in lines] == [
        ("released", "rejected", "私人消费", None),
        ("settled", "settled", None, "FK-1"),
    ]
    listed = done(firm.manager.client.get("/v1/claims?to_decide=true"), "list_claims")["items"]
    assert claim_id not in [one["claim_id"] for one in listed]


def test_only_approvers_decide_and_strangers_see_nothing(firm: Firm) -> None:
    claim_id, _ = firm.claimed()
    body = {"decision": "approved"}
    assert_problem(firm.decides(firm.world.accountant, claim_id, **body), "not-permitted")
    assert_problem(firm.decides(firm.world.claimant, claim_id, **body), "not-permitted")
    assert_problem(firm.decides(firm.world.intruder, claim_id, **body), "not-found")
    assert_problem(firm.world.intruder.client.get(f"/v1/claims/{claim_id}"), "not-found")
    done(firm.manager.client.get(f"/v1/claims/{claim_id}"), "read_claim")
    assert done(firm.world.intruder.client.get("/v1/claims?to_decide=true"), "list_claims")["items"] == []
    for wrong in ({"decision": "maybe"}, {}, {"decision": "approved", "numbers": []}):
        assert_problem(firm.decides(firm.manager, claim_id, **wrong), "invalid-request")
    shown = done(firm.manager.client.get(f"/v1/claims/{claim_id}"), "read_claim")
    assert shown["approval"]["decisions"] == []


def test_only_the_enterprise_sets_its_policy_and_its_people_read_it(firm: Firm) -> None:
    address = f"/v1/parties/{firm.world.employer.party}/claim-policy"
    for other in (firm.world.accountant, firm.manager, firm.world.intruder):
        assert_problem(firm.policy(other, approval_required=False, approvers=[]), "not-permitted")
    problem = assert_problem(firm.policy(firm.world.employer, approval_required=True, approvers=[]), "invalid-request")
    assert problem["errors"][0]["code"] == "approvers_missing"
    for reader in (firm.world.employer, firm.world.accountant, firm.world.claimant, firm.manager):
        policy = done(reader.client.get(address), "read_claim_policy")
        assert (policy["from_fen"], policy["approvers"]) == (1, [{"party": firm.manager.party, "name": "吴经理"}])
    assert_problem(firm.world.intruder.client.get(address), "not-found")


def test_claims_are_found_by_payment(firm: Firm) -> None:
    claim_id, _ = firm.claimed()
    done(firm.decides(firm.manager, claim_id, decision="approved"), "decide_claim")
    done(firm.settles(claim_id, payment_reference="FK-77"), "approve_claim")

    def found(by: Actor, query: str) -> list[str]:
        answer = done(by.client.get(f"/v1/claims?{query}"), "list_claims")
        return [one["claim_id"] for one in answer["items"]]

    assert found(firm.world.accountant, "payment_reference=FK-77") == [claim_id]
    assert found(firm.world.claimant, "payment_reference=FK-77") == [claim_id]
    assert found(firm.world.intruder, "payment_reference=FK-77") == []
    assert found(firm.world.accountant, "payment_reference=FK-78") == []
    both = firm.manager.client.get("/v1/claims?to_decide=true&payment_reference=FK-77")
    assert assert_problem(both, "invalid-parameter")["errors"][0]["code"] == "claims_filter"


def test_what_carries_an_own_id_is_found_by_it(firm: Firm) -> None:
    issuer, world = firm.world.issuer, firm.world
    body = {"document": draft(world.employer.details), "first_holder": world.claimant.party, "external_id": "SO/2026/7"}
    number = done(issuer.client.post("/v1/invoices", body, key=key()), "issue_invoice")["numbers"][0]
    (target,) = done(issuer.client.get("/v1/external-ids/SO/2026/7"), "read_external_id")["items"]
    assert (target["kind"], target["number"], target["status"]) == ("invoice", number, "recorded")
    again = assert_problem(issuer.client.post("/v1/invoices", body, key=key()), "invalid-request")
    assert (again["errors"][0]["path"], again["errors"][0]["code"]) == ("external_id", "external_id_taken")
    assert number in again["detail"]
    assert_problem(world.intruder.client.get("/v1/external-ids/SO/2026/7"), "not-found")
    query = f"/v1/external-ids/SO/2026/7?party={issuer.party}"
    assert_problem(world.intruder.client.get(query), "not-found")
    claim_id = done(firm.claims(number, external_id="EXP-7"), "open_claim")["claim_id"]
    (target,) = done(world.claimant.client.get("/v1/external-ids/EXP-7?kind=claim"), "read_external_id")["items"]
    assert (target["claim_id"], target["numbers"]) == (claim_id, [number])
    done(firm.decides(firm.manager, claim_id, decision="approved"), "decide_claim")
    done(firm.settles(claim_id, payment_reference="FK-7", external_id="PAY-7"), "approve_claim")
    (target,) = done(world.accountant.client.get("/v1/external-ids/PAY-7"), "read_external_id")["items"]
    assert (target["kind"], target["claim_id"]) == ("settlement", claim_id)


def test_a_list_takes_an_own_id_for_each_document(firm: Firm) -> None:
    documents = [draft(firm.world.employer.details), draft(firm.world.employer.details)]
    body = {"documents": documents, "external_ids": ["L-1", None]}
    listed = done(firm.world.issuer.client.post("/v1/invoices/list", body, key=key()), "issue_list")
    (target,) = done(firm.world.issuer.client.get("/v1/external-ids/L-1"), "read_external_id")["items"]
    assert target["number"] == listed["rows"][0]["number"]
    again = assert_problem(firm.world.issuer.client.post("/v1/invoices/list", body, key=key()), "invalid-request")
    assert again["errors"][0]["path"] == "external_ids.0"
    short = {"documents": documents, "external_ids": ["L-9"]}
    wrong = assert_problem(firm.world.issuer.client.post("/v1/invoices/list", short, key=key()), "invalid-request")
    assert wrong["errors"][0]["code"] == "external_ids_count"


def test_a_claim_of_nothing_and_a_blank_own_id_are_refused(firm: Firm) -> None:
    number = firm.world.issue(first_holder=firm.world.claimant.party)
    for answer, path in ((firm.claims(), "numbers"), (firm.claims(number, external_id=" "), "external_id")):
        assert assert_problem(answer, "invalid-request")["errors"][0]["path"] == path
    done(firm.claims(number, external_id="EXP-8"), "open_claim")
