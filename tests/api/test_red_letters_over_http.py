"""Red letters, risk flags and exceptions over HTTP, on a real ledger: who may, what is told, what is a problem."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Answer, Client, confirmed
from tests.api.test_life_of_an_invoice import MONTH, Actor, World, done, enrolled, key
from tests.api.test_problem_shapes import assert_problem


@pytest.fixture(scope="module")
def world(officer: Client) -> World:
    seller, employer = enrolled(officer, "enterprise", "红字卖方"), enrolled(officer, "enterprise", "红字买方")
    claimant, accountant = enrolled(officer, "person", "赵员工"), enrolled(officer, "person", "钱会计")
    done(officer.post(f"/v1/parties/{seller.party}/segments", {"blocks": 1}, key=key()), "allot_segment")
    for person, grants in ((claimant, ["claim"]), (accountant, ["finance"])):
        done(employer.client.post("/v1/grants", {"person": person.party, "grants": grants}, key=key()), "grant")
    return World(officer, seller, employer, claimant, accountant, enrolled(officer, "enterprise", "红字路人"))


def sent(actor: Actor, number: str, path: str, body: dict[str, Any]) -> Answer:
    return actor.client.post(f"/v1/invoices/{number}/{path}", body, key=key())


def booked(world: World) -> str:
    """An invoice its buyer booked."""
    number = world.issue(first_holder="buyer")
    done(sent(world.accountant, number, "booking", {"deductible": True}), "book_invoice")
    return number


def test_a_seller_reddens_alone_and_both_invoices_say_so(world: World) -> None:
    number = world.issue()
    outlook = done(world.issuer.client.get(f"/v1/invoices/{number}/red"), "read_red_outlook")
    assert (outlook["way"], outlook["left_fen"], outlook["lines"][0]["net_fen"]) == ("alone", 10_600, 10_000)
    parts = [{"line": 1, "net_fen": 4_000}]
    answer = sent(world.issuer, number, "red", {"reason": "allowance", "parts": parts})
    (red,) = done(answer, "issue_red")["numbers"]
    assert answer.headers["location"] == f"/v1/invoices/{red}"
    blue = done(world.claimant.client.get(f"/v1/invoices/{number}"), "read_invoice")
    assert (blue["colour"], blue["credited_fen"], blue["left_fen"], blue["reds"]) == ("partly_red", 4_240, 6_360, [red])
    view = done(world.claimant.client.get(f"/v1/invoices/{red}"), "read_invoice")
    assert (view["kind"], view["blue"], view["red_reason"], view["left_fen"]) == ("red", number, "allowance", 0)
    assert view["document"]["gross_fen"] == -4_240
    history = done(world.claimant.client.get(f"/v1/invoices/{number}/history"), "read_history")["items"]
    assert (history[-1]["operation"], history[-1]["red"], history[-1]["gross_fen"]) == ("issue_red", red, 4_240)
    month = done(world.issuer.client.get(f"/v1/months/{MONTH}"), "read_month")
    assert month["quota_returned_fen"] >= 4_240


def test_the_other_side_agrees_and_the_red_is_what_it_agreed_to(world: World) -> None:
    number = booked(world)
    assert_problem(sent(world.issuer, number, "red", {"reason": "return"}), "refused/slip_needed")
    slip = {"reason": "allowance", "parts": [{"line": 1, "net_fen": 1_000}]}
    done(sent(world.issuer, number, "slip", slip), "open_slip")
    assert_problem(sent(world.issuer, number, "red", {}), "refused/slip_open")
    assert_problem(sent(world.issuer, number, "slip/confirmation", {}), "refused/not_permitted")
    waiting = done(world.accountant.client.get("/v1/slips?waiting=true"), "list_slips")["items"]
    assert [(one["number"], one["document"]) for one in waiting] == [(number, None)]
    assert 0 < waiting[0]["seconds_left"] <= 72 * 3600
    (shown,) = done(world.accountant.client.get(f"/v1/invoices/{number}/slips"), "read_slips")["items"]
    assert shown["document"]["net_fen"] == -1_000
    done(sent(world.accountant, number, "slip/confirmation", {"note": "同意"}), "confirm_slip")
    wrong = sent(world.issuer, number, "red", {"parts": [{"line": 1, "net_fen": 999}]})
    assert assert_problem(wrong, "invalid-request")["errors"][0]["code"] == "red_differs_from_slip"
    (red,) = done(sent(world.issuer, number, "red", {}), "issue_red")["numbers"]
    document = done(world.employer.client.get(f"/v1/invoices/{red}"), "read_invoice")["document"]
    assert document["lines"] == shown["document"]["lines"]
    assert done(world.employer.client.get("/v1/slips"), "list_slips")["items"][0]["red"] == red


@pytest.mark.parametrize("ending", ["refusal", "withdrawal", "voiding"])
def test_a_slip_ends_by_who_may_end_it(world: World, ending: str) -> None:
    number = booked(world)
    done(sent(world.issuer, number, "slip", {"reason": "return"}), "open_slip")
    path = f"slip/{ending}"
    if ending == "voiding":
        assert_problem(sent(world.issuer, number, path, {"reason": "x"}), "not-permitted")
        done(world.officer.post(f"/v1/invoices/{number}/{path}", {"reason": "调查"}, key=key()), "void_slip")
    else:
        right, wrong = world.accountant, world.issuer
        if ending == "withdrawal":
            right, wrong = wrong, right
        assert_problem(sent(wrong, number, path, {}), "refused/not_permitted")
        done(sent(right, number, path, {"note": "不同意"}), "refuse_slip")
    (slip,) = done(world.employer.client.get(f"/v1/invoices/{number}/slips"), "read_slips")["items"]
    assert slip["state"] == {"refusal": "refused_by_buyer", "withdrawal": "withdrawn", "voiding": "void"}[ending]
    assert slip["seconds_left"] == 0


def test_a_stranger_finds_nothing(world: World) -> None:
    number = booked(world)
    done(sent(world.issuer, number, "slip", {"reason": "return"}), "open_slip")
    for path, body in (
        ("red", {"reason": "return"}),
        ("slip", {"reason": "return"}),
        ("slip/confirmation", {}),
        ("slip/refusal", {}),
        ("slip/withdrawal", {}),
        ("exception/acknowledgement", {}),
    ):
        assert_problem(sent(world.intruder, number, path, body), "not-found")
    assert_problem(world.intruder.client.get(f"/v1/invoices/{number}/red"), "not-found")
    for address in (f"/v1/invoices/{number}/slips", "/v1/slips", "/v1/slips?waiting=true", "/v1/exceptions"):
        assert world.intruder.client.get(address).json()["items"] == []
    assert_problem(sent(world.claimant, number, "slip/refusal", {}), "not-found")  # no part in it any more
    done(sent(world.accountant, number, "slip/refusal", {}), "refuse_slip")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"reason": "whatever"}, "reason"),
        ({"reason": "return", "parts": []}, "parts"),
        ({"reason": "return", "parts": [{"line": 0}]}, "parts.0.line"),
        ({"reason": "return", "parts": [{"line": 1, "net_fen": 1.5}]}, "parts.0.net_fen"),
        ({"reason": "return", "parts": [{"line": 1, "net_fen": -1}]}, "parts.0.net_fen"),
        ({"reason": "return", "parts": [{"line": 1, "net_fen": 10_001}]}, "parts.0.net_fen"),
        ({"reason": "return", "parts": [{"line": 2, "net_fen": 1}]}, "parts.0.line"),
        ({"reason": "return", "parts": [{"line": 1, "quantity": "1e3"}]}, "parts.0.quantity"),
        ({"reason": "return", "document": []}, "document"),
        ({"reason": "return", "document": {"lines": [], "net_fen": 0}}, "document"),
        ({"reason": "return", "pieces": []}, "pieces"),
        ({}, "reason"),
    ],
)
def test_a_red_that_cannot_be_made_names_the_field_and_leaves_nothing(
    world: World, body: dict[str, Any], path: str
) -> None:
    number = world.issue()
    before = done(world.issuer.client.get(f"/v1/invoices/{number}"), "read_invoice")
    for route in ("red", "slip"):
        problem = assert_problem(sent(world.issuer, number, route, body), "invalid-request")
        assert problem["errors"][0]["path"].startswith(path), problem["errors"]
        assert problem["errors"][0]["message_zh"]
    assert done(world.issuer.client.get(f"/v1/invoices/{number}"), "read_invoice") == before


def test_a_red_of_a_red_is_refused_and_the_outlook_says_why(world: World) -> None:
    number = world.issue()
    (red,) = done(sent(world.issuer, number, "red", {"reason": "issued_in_error"}), "issue_red")["numbers"]
    problem = assert_problem(sent(world.issuer, red, "red", {"reason": "return"}), "invalid-request")
    assert problem["errors"][0]["code"] == "red_of_red"
    outlook = done(world.issuer.client.get(f"/v1/invoices/{red}/red"), "read_red_outlook")
    assert (outlook["way"], outlook["refusal"]["reason"], outlook["lines"]) == ("none", "is_red", [])


def test_a_repeated_red_is_the_same_red(world: World) -> None:
    number, once = world.issue(), key()
    body = {"reason": "return"}
    first = done(world.issuer.client.post(f"/v1/invoices/{number}/red", body, key=once), "issue_red")
    again = done(world.issuer.client.post(f"/v1/invoices/{number}/red", body, key=once), "issue_red")
    assert again["numbers"] == first["numbers"]
    other = world.issuer.client.post(f"/v1/invoices/{number}/red", {"reason": "allowance"}, key=once)
    assert_problem(other, "idempotency-conflict")


def test_a_flag_stops_everything_and_everybody_concerned_reads_why(world: World, second_officer: Client) -> None:
    number = world.issue()
    flag = {"reason": "走逃失联"}
    assert_problem(sent(world.issuer, number, "risk-flag", flag), "not-permitted")
    proposed = world.officer.post(f"/v1/invoices/{number}/risk-flag", flag, key=key())
    done(proposed, "propose_risk_flag")
    assert not done(world.claimant.client.get(f"/v1/invoices/{number}"), "read_invoice")["risk"]
    done(confirmed(second_officer, proposed, key()), "confirm_proposal")
    view = done(world.claimant.client.get(f"/v1/invoices/{number}"), "read_invoice")
    assert (view["risk"], view["risk_reason"]) == (True, "走逃失联")
    assert_problem(world.claim(number), "refused/flagged")
    assert_problem(sent(world.claimant, number, "transfer", {"to": world.employer.party}), "refused/flagged")
    cleared = world.officer.post(f"/v1/invoices/{number}/risk-flag/clearance", {"reason": "查清"}, key=key())
    done(cleared, "clear_risk_flag")
    claim = done(world.claim(number), "open_claim")
    assert_problem(sent(world.employer, number, "force-unlock", flag), "not-permitted")
    done(world.officer.post(f"/v1/invoices/{number}/force-unlock", flag, key=key()), "force_unlock")
    assert done(world.claimant.client.get(f"/v1/claims/{claim['claim_id']}"), "read_claim")["locked_count"] == 0


def test_an_exception_is_told_and_acknowledged_by_both(world: World) -> None:
    number = world.issue()
    claim = done(world.claim(number), "open_claim")["claim_id"]
    approval = {"payment_reference": "FK-1"}
    done(world.accountant.client.post(f"/v1/claims/{claim}/approve", approval, key=key()), "approve_claim")
    assert_problem(sent(world.accountant, number, "exception/acknowledgement", {}), "refused/no_exception")
    done(sent(world.issuer, number, "slip", {"reason": "return"}), "open_slip")
    done(sent(world.accountant, number, "slip/confirmation", {}), "confirm_slip")
    (red,) = done(sent(world.issuer, number, "red", {}), "issue_red")["numbers"]
    for client in (world.accountant.client, world.officer):
        listed = done(client.get(f"/v1/exceptions?number={number}&unanswered=true"), "list_exceptions")["items"]
        assert [(one["kinds"], one["red"]) for one in listed] == [(["reddened_after_settlement"], red)]
        address = f"/v1/invoices/{number}/exception/acknowledgement"
        done(client.post(address, {"note": "已追回"}, key=key()), "acknowledge_exception")
        assert client.get(f"/v1/exceptions?number={number}&unanswered=true").json()["items"] == []
    assert_problem(sent(world.issuer, number, "exception/acknowledgement", {}), "refused/not_permitted")
    assert world.issuer.client.get(f"/v1/exceptions?number={number}").json()["items"] == []


def test_a_block_is_lifted_by_an_officer_alone(world: World) -> None:
    address, body = f"/v1/parties/{world.issuer.party}/block-lift", {"month": MONTH, "reason": "系统故障"}
    assert_problem(world.issuer.client.post(address, body, key=key()), "not-permitted")
    done(world.officer.post(address, body, key=key()), "lift_block")
    assert done(world.issuer.client.get(f"/v1/months/{MONTH}"), "read_month")["lifted"] is True
    wrong = world.officer.post(address, {**body, "month": "2026-00"}, key=key())
    assert assert_problem(wrong, "invalid-request")["errors"][0]["path"] == "month"


@pytest.mark.parametrize("query", ["waiting=1", "waiting=true&waiting=true", "cursor=%20", "limit=0", "number=1"])
def test_a_list_of_slips_takes_its_parameters_in_one_form(world: World, query: str) -> None:
    assert_problem(world.issuer.client.get(f"/v1/slips?{query}"), "invalid-parameter")
