"""The whole life of invoices over HTTP, on a real ledger: chain, database, signatures, evidence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from api.schemas import answers
from ledger.domain.months import cst_date
from tests.api.conftest import Answer, Client, confirmed
from tests.api.test_answers_match_schemas import ROUTES
from tests.api.test_problem_shapes import assert_problem
from tests.service import world as founded
from verifier.report import Result
from verifier.steps import verify
from verifier.trust import parse_trust

MONTH = f"{cst_date(datetime.now(UTC)):%Y-%m}"
GROSS_FEN = 10_600
QUOTA_FEN = 100_000_000
_counter = itertools.count(1)


def key() -> str:
    return f"test-{next(_counter)}"


def tax_id() -> str:
    """A code no other test of this process has: other files enrol in the same ledger."""
    return founded.tax_id(next(founded.SERIALS))


def draft(buyer: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "kind": "ordinary",
        "buyer": buyer,
        "lines": [{"name": "*餐饮服务*餐费", "net_fen": 10_000, "rate_bp": 600, "tax_fen": 600}],
        "net_fen": 10_000,
        "tax_fen": 600,
        "gross_fen": GROSS_FEN,
        **changes,
    }


def done(answer: Answer, name: str) -> dict[str, Any]:
    """Body of an answer that recorded or read something, of the shape `name` declares."""
    assert answer.status in (200, 201), answer.text
    ROUTES[name].responses[answer.status]["model"].model_validate_json(answer.body)
    return answer.json()


@dataclass
class Actor:
    """A party with its client; `details` is how invoices name it."""

    party: int
    client: Client
    details: dict[str, str]


@dataclass
class World:
    """Roles of one story."""

    officer: Client
    issuer: Actor
    employer: Actor
    claimant: Actor
    accountant: Actor
    intruder: Actor

    def issue(self, **changes: Any) -> str:
        """Number of a new invoice for the employer, held by the claimant."""
        body = {"document": draft(self.employer.details), "first_holder": self.claimant.party, **changes}
        return done(self.issuer.client.post("/v1/invoices", body, key=key()), "issue_invoice")["numbers"][0]

    def claim(self, *numbers: str) -> Answer:
        body = {"numbers": list(numbers), "employer": self.employer.party, "reference": "BX-1"}
        return self.claimant.client.post("/v1/claims", body, key=key())


def enrolled(officer: Client, kind: str, name: str) -> Actor:
    body: dict[str, Any] = {"kind": kind, "name": name}
    if kind == "enterprise":
        body |= {"tax_id": tax_id(), "quota_fen": QUOTA_FEN, "first_month": MONTH}
    value = done(officer.post("/v1/parties", body, key=key()), "enrol_party")
    details = {"name": name, "tax_id": body.get("tax_id", "")}
    return Actor(value["party"], officer.acting(value["api_key"]), details)


@pytest.fixture(scope="module")
def world(officer: Client) -> Iterator[World]:
    issuer, employer = enrolled(officer, "enterprise", "深圳卖方餐厅"), enrolled(officer, "enterprise", "示例科技")
    claimant, accountant = enrolled(officer, "person", "李明"), enrolled(officer, "person", "王会计")
    intruder = enrolled(officer, "person", "路人")
    done(officer.post(f"/v1/parties/{issuer.party}/segments", {"blocks": 1}, key=key()), "allot_segment")
    for person, grants in ((claimant, ["claim"]), (accountant, ["finance"])):
        body = {"person": person.party, "grants": grants}
        done(employer.client.post("/v1/grants", body, key=key()), "grant")
    return World(officer, issuer, employer, claimant, accountant, intruder)


def test_invoice_is_issued_recorded_read_and_its_history_told(world):
    answer = world.issuer.client.post(
        "/v1/invoices", {"document": draft(world.employer.details), "first_holder": world.claimant.party}, key=key()
    )
    written = done(answer, "issue_invoice")
    assert written["status"] == "recorded"
    (number,) = written["numbers"]
    assert answer.headers["location"] == f"/v1/invoices/{number}"
    invoice = done(world.claimant.client.get(answer.headers["location"]), "read_invoice")
    assert (invoice["gross_fen"], invoice["holder"], invoice["claim_state"]) == (
        GROSS_FEN,
        world.claimant.party,
        "free",
    )
    assert invoice["document"]["seller"]["name"] == "深圳卖方餐厅"
    history = done(world.claimant.client.get(f"/v1/invoices/{number}/history"), "read_history")
    assert [(one["operation"], one["outcome"]) for one in history["items"]] == [("issue", "applied")]
    operation = done(world.issuer.client.get(f"/v1/operations/{written['digest']}"), "read_operation")
    assert operation["block"] == written["block"]


def test_same_key_answers_again_and_another_request_conflicts(world):
    body, same = {"document": draft(world.employer.details)}, key()
    first = done(world.issuer.client.post("/v1/invoices", body, key=same), "issue_invoice")
    again = done(world.issuer.client.post("/v1/invoices", body, key=same), "issue_invoice")
    assert (again["digest"], again["numbers"]) == (first["digest"], first["numbers"])
    other = {"document": draft(world.employer.details, note="other")}
    assert_problem(world.issuer.client.post("/v1/invoices", other, key=same), "idempotency-conflict")


def test_wrong_document_names_every_field_and_leaves_nothing(world):
    wrong = draft(world.employer.details, gross_fen=10_700)
    wrong["lines"][0]["net_fen"] = 100.5
    value = assert_problem(world.issuer.client.post("/v1/invoices", {"document": wrong}, key=key()), "invalid-request")
    assert {one["path"] for one in value["errors"]} >= {"document.lines.0.net_fen"}
    for hostile in (None, 5, [], "x", {"lines": [{"\x00": {}}]}, {"gross_fen": 1e300}):
        assert_problem(world.issuer.client.post("/v1/invoices", {"document": hostile}, key=key()), "invalid-request")


def test_list_gives_a_result_for_each_row(world):
    rows = [draft(world.employer.details), draft(world.employer.details, gross_fen=1), draft(world.employer.details)]
    value = done(world.issuer.client.post("/v1/invoices/list", {"documents": rows}, key=key()), "issue_list")
    assert [row["status"] for row in value["rows"]] == ["recorded", "invalid", "recorded"]
    assert (value["issued_count"], value["invalid_count"]) == (2, 1)
    assert value["rows"][1]["errors"][0]["path"].startswith("documents.1.")
    assert [row["number"] for row in value["rows"] if row["number"]] == value["numbers"]


def test_claim_is_approved_by_finance_then_booked(world):
    number = world.issue()
    claimed = done(world.claim(number), "open_claim")
    claim_id = claimed["claim_id"]
    claim = done(world.accountant.client.get(f"/v1/claims/{claim_id}"), "read_claim")
    assert [(line["number"], line["state"]) for line in claim["lines"]] == [(number, "locked")]
    body = {"payment_reference": "FK-1"}
    own = world.claimant.client.post(f"/v1/claims/{claim_id}/approve", body, key=key())
    assert own.status in (403, 409)
    done(world.accountant.client.post(f"/v1/claims/{claim_id}/approve", body, key=key()), "approve_claim")
    subject = world.employer.party
    book = {"deductible": True, "subject": subject}
    done(world.accountant.client.post(f"/v1/invoices/{number}/booking", book, key=key()), "book_invoice")
    back = {"reason": "错账", "subject": subject}
    address = f"/v1/invoices/{number}/booking/withdraw"
    done(world.accountant.client.post(address, back, key=key()), "withdraw_booking")
    assert_problem(world.accountant.client.post(address, back, key=key()), "refused/not_booked")
    history = done(world.accountant.client.get(f"/v1/invoices/{number}/history"), "read_history")
    applied = [one["operation"] for one in history["items"] if one["outcome"] == "applied"]
    assert applied == ["issue", "lock", "settle", "book", "withdraw_booking"]


def test_second_claim_of_an_invoice_is_refused_and_the_rest_is_offered(world):
    held, free = world.issue(), world.issue()
    claim_id = done(world.claim(held), "open_claim")["claim_id"]
    value = assert_problem(world.claim(held, free), "refused/locked")
    assert value["hold"]["claim_id"] == claim_id
    assert value["hold"]["employer"] == world.employer.party
    assert [line["number"] for line in value["lines"] if line["refusal"]] == [held]
    assert value["remaining"]["numbers"] == [free]
    done(world.claimant.client.post("/v1/claims", value["remaining"], key=key()), "open_claim")
    reject = {"reason": "重复", "numbers": [held]}
    done(world.accountant.client.post(f"/v1/claims/{claim_id}/reject", reject, key=key()), "reject_claim")
    again = done(world.claim(held), "open_claim")["claim_id"]
    done(world.claimant.client.post(f"/v1/claims/{again}/withdraw", {}, key=key()), "withdraw_claim")
    page = done(world.claimant.client.get("/v1/claims?limit=1"), "list_claims")
    assert len(page["items"]) == 1
    assert done(world.claimant.client.get(f"/v1/claims?limit=1&cursor={page['next_cursor']}"), "list_claims")["items"]


def test_stranger_sees_nothing_and_can_do_nothing(world):
    number = world.issue()
    assert_problem(world.intruder.client.get(f"/v1/invoices/{number}"), "not-found")
    assert_problem(world.intruder.client.get(f"/v1/invoices/{'9' * 20}"), "not-found")
    assert_problem(world.intruder.client.get(f"/v1/invoices/{number}/history"), "not-found")
    assert_problem(world.intruder.client.get(f"/v1/invoices/{number}/evidence"), "not-found")
    for answer in (
        world.intruder.client.post(f"/v1/invoices/{number}/transfer", {"to": world.intruder.party}, key=key()),
        world.intruder.client.post(f"/v1/parties/{world.issuer.party}/suspension", {"reason": "x"}, key=key()),
        world.intruder.client.post("/v1/parties", {"kind": "person", "name": "x"}, key=key()),
        world.intruder.client.post(f"/v1/months/{MONTH}/opening", {}, key=key()),
    ):
        assert answer.status in (403, 404, 409, 422), answer.text
    assert done(world.intruder.client.get("/v1/invoices"), "search_invoices")["items"] == []


def test_invoice_is_handed_on(world):
    number = world.issue()
    body = {"to": world.accountant.party}
    done(world.claimant.client.post(f"/v1/invoices/{number}/transfer", body, key=key()), "transfer_invoice")
    assert (
        done(world.accountant.client.get(f"/v1/invoices/{number}"), "read_invoice")["holder"] == world.accountant.party
    )
    value = assert_problem(
        world.claimant.client.post(f"/v1/invoices/{number}/transfer", body, key=key()), "refused/not_holder"
    )
    assert value["action_zh"]


def test_search_filters_and_pages(world):
    numbers = {world.issue() for _ in range(3)}
    query = f"/v1/invoices?party={world.claimant.party}&month={MONTH}&state=free&gross_min_fen={GROSS_FEN}&limit=2"
    seen: set[str] = set()
    cursor = ""
    for _ in range(50):
        page = done(world.claimant.client.get(query + cursor), "search_invoices")
        assert len(page["items"]) <= 2
        seen |= {one["number"] for one in page["items"]}
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert numbers <= seen
    assert (
        done(world.claimant.client.get(f"/v1/invoices?gross_max_fen={GROSS_FEN - 1}"), "search_invoices")["items"] == []
    )
    assert_problem(world.claimant.client.get("/v1/invoices?cursor=zz"), "invalid-parameter")


def test_reserved_number_is_used(world):
    held = done(world.issuer.client.post("/v1/numbers", {"count": 2}, key=key()), "reserve_numbers")
    assert world.issue(number=held["numbers"][0]) == held["numbers"][0]
    taken = world.issuer.client.post(
        "/v1/invoices", {"document": draft(world.employer.details), "number": held["numbers"][0]}, key=key()
    )
    value = assert_problem(taken, "invalid-request")
    assert value["errors"][0]["path"] == "number"


def test_officer_controls_quota_and_suspension(world, second_officer):
    party = world.issuer.party
    done(world.officer.post(f"/v1/parties/{party}/quota", {"quota_fen": 0}, key=key(), method="PUT"), "set_quota")
    body = {"document": draft(world.employer.details)}
    assert_problem(world.issuer.client.post("/v1/invoices", body, key=key()), "refused/quota_exceeded")
    quota = {"quota_fen": QUOTA_FEN}
    done(world.officer.post(f"/v1/parties/{party}/quota", quota, key=key(), method="PUT"), "set_quota")
    proposed = world.officer.post(f"/v1/parties/{party}/suspension", {"reason": "查账"}, key=key())
    done(proposed, "propose_suspension")
    assert world.issue()
    done(confirmed(second_officer, proposed, key()), "confirm_proposal")
    assert_problem(world.issuer.client.post("/v1/invoices", body, key=key()), "refused/suspended")
    done(world.officer.post(f"/v1/parties/{party}/reinstatement", {"reason": "已清"}, key=key()), "reinstate_party")
    assert world.issue()
    seen = done(world.officer.get(f"/v1/parties/{party}"), "read_party")
    assert (seen["quota_fen"], seen["suspended"]) == (QUOTA_FEN, False)
    found = done(world.officer.get(f"/v1/parties?tax_id={world.issuer.details['tax_id']}"), "list_parties")
    assert [one["party"] for one in found["items"]] == [party]


def test_month_is_read_and_filed_once(world):
    totals = done(world.issuer.client.get(f"/v1/months/{MONTH}"), "read_month")
    assert totals["open_for_issue"] is True
    seller = enrolled(world.officer, "enterprise", "停业商行")
    report = {"uninvoiced": [], "note": "零申报"}
    done(seller.client.post(f"/v1/months/{MONTH}/filing", report, key=key()), "file_month")
    assert done(seller.client.get(f"/v1/months/{MONTH}"), "read_month")["filed_at"]
    assert seller.client.post(f"/v1/months/{MONTH}/filing", report, key=key()).status == 409


def test_grant_is_revoked(world):
    person = enrolled(world.officer, "person", "临时工")
    body = {"person": person.party, "grants": ["issue"]}
    done(world.issuer.client.post("/v1/grants", body, key=key()), "grant")
    issue = {"document": draft(world.employer.details), "subject": world.issuer.party}
    done(person.client.post("/v1/invoices", issue, key=key()), "issue_invoice")
    done(world.issuer.client.post("/v1/grants/revoke", body, key=key()), "revoke")
    assert person.client.post("/v1/invoices", issue, key=key()).status in (403, 409, 422)


def test_public_check_and_its_evidence_verify_offline(world, public_door):
    number = world.issue()
    commitment = done(world.claimant.client.get(f"/v1/invoices/{number}"), "read_invoice")["commitment"]
    asked = {"number": number, "gross_fen": GROSS_FEN, "commitment": commitment}
    right = done(public_door.post("/v1/verify", asked, key=None), "verify_invoice")
    assert right["invoice"]["seller_name"] == "深圳卖方餐厅"
    assert right["invoice"]["timeline"][0]["operation"] == "issue"
    wrong = [
        public_door.post("/v1/verify", {**asked, **change}, key=None)
        for change in ({"number": "9" * 20}, {"gross_fen": GROSS_FEN - 1}, {"commitment": "0" * 64})
    ]
    assert len({one.body for one in wrong}) == 1
    assert wrong[0].json()["matches"] is False
    link = f"number={number}&total_amount={GROSS_FEN}&hash={commitment}"
    page = public_door.get(f"/check?{link}&lang=zh")
    assert page.status == 200
    assert "有一张发票三项均相符" in page.text
    trust = parse_trust(public_door.get("/v1/trust").body)
    redacted = public_door.get(f"/check/evidence?{link}")
    whole = world.claimant.client.get(f"/v1/invoices/{number}/evidence")
    for evidence in (redacted, whole):
        assert evidence.status == 200
        report = verify(evidence.body, trust)
        assert report.verdict is Result.VALID, report.to_text("en")
    assert len(redacted.body) < len(whole.body)
    assert "餐饮服务" not in redacted.text


def test_health_follows_the_chain(public_door):
    health = done(public_door.get("/healthz"), "read_health")
    assert health["chain_block"] >= health["projected_block"] > 0


@pytest.mark.slow
def test_sixty_four_posts_share_blocks(world):
    bodies = [{"document": draft(world.employer.details, note=f"n{index}")} for index in range(64)]
    with ThreadPoolExecutor(64) as pool:
        posts = [pool.submit(world.issuer.client.post, "/v1/invoices", body, key=key()) for body in bodies]
        values = [post.result(60) for post in posts]
    assert {one.status for one in values} <= {201, 202}
    recorded = [one.json() for one in values if one.status == 201]
    assert len({number for one in values for number in one.json()["numbers"]}) == 64
    assert len({one["block"] for one in recorded}) < len(recorded)
    for one in recorded:
        answers.Written.model_validate(one)
