"""Filing, deduction and officers' lists over HTTP: who may, what refuses, and tables beside JSON."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.conftest import Answer, Client, confirmed
from tests.api.recorded_months import TABLE
from tests.api.test_life_of_an_invoice import MONTH, Actor, done, draft, enrolled
from tests.api.test_problem_shapes import assert_problem

_keys = itertools.count(1)
LISTS = ("nonfilers", "exceptions", "refusals", "duplicates")


def key() -> str:
    return f"months-{next(_keys)}"


@dataclass
class Trade:
    """A seller, and a buyer with its finance."""

    officer: Client
    seller: Actor
    buyer: Actor
    finance: Actor
    intruder: Actor

    def issue(self, kind: str = "special") -> str:
        body = {"document": draft(self.buyer.details, kind=kind)}
        return str(done(self.seller.client.post("/v1/invoices", body, key=key()), "issue_invoice")["numbers"][0])

    def select(self, *numbers: str, by: Actor | None = None, **fields: Any) -> Answer:
        body = {"selections": [{"number": number, **fields} for number in numbers]}
        client = (by or self.finance).client
        return client.post(f"/v1/deductions/{MONTH}/selections", body, key=key())


@pytest.fixture
def trade(officer: Client) -> Trade:
    seller, buyer = enrolled(officer, "enterprise", "卖方公司"), enrolled(officer, "enterprise", "买方公司")
    finance, intruder = enrolled(officer, "person", "钱会计"), enrolled(officer, "enterprise", "不相干公司")
    done(officer.post(f"/v1/parties/{seller.party}/segments", {"blocks": 1}, key=key()), "allot_segment")
    body = {"person": finance.party, "grants": ["finance"]}
    done(buyer.client.post("/v1/grants", body, key=key()), "grant")
    return Trade(officer, seller, buyer, finance, intruder)


def rows_of(answer: Answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))


def test_a_deduction_is_selected_confirmed_and_frozen(trade: Trade) -> None:
    number, client = trade.issue(), trade.finance.client
    (open_one,) = done(client.get(f"/v1/deductions/{MONTH}/selectable"), "list_selectable")["items"]
    assert (open_one["number"], open_one["use"], open_one["purpose"]) == (number, "none", None)
    answer = trade.select(number, valid_tax_fen=500)
    done(answer, "select_invoices")
    assert answer.headers["location"] == f"/v1/deductions/{MONTH}"
    body = {"numbers": [number]}
    done(client.post("/v1/deductions/unselections", body, key=key()), "unselect_invoices")
    done(trade.select(number, purpose="not_deduct", reason="exempt"), "select_invoices")
    done(client.post(f"/v1/deductions/{MONTH}/confirmation", {}, key=key()), "confirm_period")
    period = done(client.get(f"/v1/deductions/{MONTH}"), "read_period")
    assert (period["state"], period["count"], period["by_purpose"][0]["reason"]) == ("confirmed", 1, "exempt")
    (chosen,) = done(client.get(f"/v1/deductions/{MONTH}/selected"), "list_selected")["items"]
    assert (chosen["use"], chosen["frozen"], chosen["reason"]) == ("confirmed", True, "exempt")
    assert done(client.get(f"/v1/invoices/{number}/deduction"), "read_deduction") == chosen
    refused = client.post("/v1/deductions/unselections", body, key=key())
    assert_problem(refused, "refused/period_confirmed")
    assert_problem(trade.select(trade.issue()), "refused/period_confirmed")


def test_what_gives_no_input_tax_or_not_so_much_is_refused(trade: Trade, second_officer: Client) -> None:
    assert_problem(trade.select(trade.issue("ordinary")), "refused/not_deductible")
    number = trade.issue()
    assert_problem(trade.select(number, valid_tax_fen=601), "refused/exceeds")
    flag = {"reason": "走逃失联"}
    proposed = trade.officer.post(f"/v1/invoices/{number}/risk-flag", flag, key=key())
    done(confirmed(second_officer, proposed, key()), "confirm_proposal")
    assert_problem(trade.select(number), "refused/flagged")
    done(trade.finance.client.post(f"/v1/months/{MONTH}/filing", {}, key=key()), "file_month")
    assert_problem(trade.select(trade.issue()), "refused/month_filed")


def test_input_tax_is_not_told_to_others(trade: Trade) -> None:
    number = trade.issue()
    for other in (trade.seller, trade.intruder):
        assert_problem(other.client.get(f"/v1/invoices/{number}/deduction"), "not-found")
        for address in (f"/v1/deductions/{MONTH}", f"/v1/deductions/{MONTH}/selected"):
            assert_problem(other.client.get(f"{address}?subject={trade.buyer.party}"), "not-found")
    assert_problem(trade.select(number, by=trade.seller), "refused/not_buyer")
    value = assert_problem(trade.select(number, by=trade.intruder), "invalid-request")
    assert value["errors"][0]["path"] == "selections.0.number"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"valid_tax_fen": -1}, "selections.0.valid_tax_fen"),
        ({"purpose": "gift"}, "selections.0.purpose"),
        ({"purpose": "not_deduct"}, "selections.0.reason"),
        ({"purpose": "not_deduct", "reason": "exempt", "valid_tax_fen": 1}, "selections.0.valid_tax_fen"),
        ({"amount": 1}, "selections.0.amount"),
    ],
)
def test_a_wrong_selection_names_its_field(trade: Trade, fields: dict[str, Any], path: str) -> None:
    value = assert_problem(trade.select("9" * 20, **fields), "invalid-request")
    assert value["errors"][0]["path"] == path


def test_a_month_is_reported_filed_and_corrected(trade: Trade) -> None:
    trade.issue()
    client = trade.seller.client
    drafted = done(client.get(f"/v1/months/{MONTH}/report"), "read_report")
    assert (drafted["filed"], drafted["report"]["blue_gross_fen"], drafted["salt"]) == (False, 10_600, None)
    declared = {"uninvoiced": [{"rate_bp": 600, "net_fen": 50_000, "tax_fen": 3_000}], "note": "零星收入"}
    filed = client.post(f"/v1/months/{MONTH}/filing", declared, key=key())
    done(filed, "file_month")
    first = done(client.get(filed.headers["location"]), "read_report")
    assert (first["filed"], first["tax_due_fen"], first["uninvoiced_net_fen"]) == (True, 3_600, 50_000)
    named = {"replaces": first["filing"]["report_hash"]}
    done(client.post(f"/v1/months/{MONTH}/refiling", named, key=key()), "refile_month")
    listed = done(client.get(f"/v1/months/{MONTH}/filings"), "list_filings")["items"]
    assert [(one["revision"], one["standing"]) for one in listed] == [(0, False), (1, True)]
    again = done(client.get(f"/v1/months/{MONTH}/report?revision=0"), "read_report")
    assert again["report"] == first["report"]
    assert_problem(client.post(f"/v1/months/{MONTH}/refiling", named, key=key()), "refused/report_differs")
    assert_problem(client.post(f"/v1/months/{MONTH}/filing", declared, key=key()), "refused/month_filed")
    assert_problem(client.get(f"/v1/months/{MONTH}/report?revision=7"), "invalid-parameter")


def test_what_is_declared_before_is_filed(trade: Trade) -> None:
    client, address = trade.seller.client, f"/v1/months/{MONTH}"
    body: dict[str, Any] = {
        "uninvoiced": [{"rate_bp": 0, "rate_mark": "exempt", "net_fen": 70, "tax_fen": 0}],
        "note": "零星",
    }
    said = done(client.post(f"{address}/declaration", body, key=key(), method="PUT"), "declare_month")
    assert said == done(client.get(f"{address}/declaration"), "read_declaration")
    assert done(client.get(f"{address}/report"), "read_report")["uninvoiced_net_fen"] == 70
    done(client.post(f"{address}/filing", {}, key=key()), "file_month")
    assert done(client.get(f"{address}/report"), "read_report")["report"]["uninvoiced"] == said["uninvoiced"]
    body["uninvoiced"][0]["tax_fen"] = 1
    value = assert_problem(client.post(f"{address}/declaration", body, key=key(), method="PUT"), "invalid-request")
    assert value["errors"][0]["path"] == "uninvoiced.0"
    other = trade.intruder.client
    assert_problem(other.get(f"{address}/declaration?subject={trade.seller.party}"), "not-found")
    body = {"uninvoiced": [], "subject": trade.seller.party}
    assert_problem(other.post(f"{address}/declaration", body, key=key(), method="PUT"), "not-permitted")


def test_a_declared_sum_that_no_rate_gives_is_not_filed(trade: Trade) -> None:
    client = trade.seller.client
    wrong = {"uninvoiced": [{"rate_bp": 600, "net_fen": 50_000, "tax_fen": 3_200}]}
    value = assert_problem(client.post(f"/v1/months/{MONTH}/filing", wrong, key=key()), "invalid-request")
    assert (value["errors"][0]["path"], value["errors"][0]["code"]) == ("uninvoiced.0.tax_fen", "uninvoiced_tax")
    assert done(client.get(f"/v1/months/{MONTH}/filings"), "list_filings")["items"] == []
    assert_problem(client.post(f"/v1/months/{MONTH}/refiling", {}, key=key()), "refused/month_not_filed")


def test_a_report_is_its_enterprises_and_the_officers(trade: Trade) -> None:
    address = f"/v1/months/{MONTH}/report?subject={trade.seller.party}"
    assert done(trade.officer.get(address), "read_report")["filed"] is False
    for other in (trade.buyer, trade.finance, trade.intruder):
        assert_problem(other.client.get(address), "not-found")
        body = {"subject": trade.seller.party}
        assert_problem(other.client.post(f"/v1/months/{MONTH}/filing", body, key=key()), "not-permitted")


def test_a_report_is_a_table_when_asked_for(trade: Trade) -> None:
    trade.issue()
    for address, headers in (("?format=csv&lang=en", {}), ("?lang=en", {"accept": "text/csv"})):
        answer = trade.seller.client.get(f"/v1/months/{MONTH}/report{address}", **headers)
        assert answer.headers["content-type"].startswith("text/csv")
        assert ["by rate", "6%", "", "100.00", "6.00", "106.00", ""] in rows_of(answer)
    asked = trade.seller.client.get(f"/v1/months/{MONTH}/report?format=json", accept="text/csv")
    assert asked.headers["content-type"] == "application/json"


def test_lists_are_for_officers_only(trade: Trade) -> None:
    for name in LISTS:
        for query in ("", "?format=csv"):
            assert trade.officer.get(f"/v1/supervision/{name}{query}").status == 200
            for other in (trade.seller, trade.finance):
                assert_problem(other.client.get(f"/v1/supervision/{name}{query}"), "not-permitted")


def test_an_officer_sees_who_did_not_file_and_what_was_refused(trade: Trade) -> None:
    number = trade.issue("ordinary")
    assert_problem(trade.select(number), "refused/not_deductible")
    query = f"?month={MONTH}&party={trade.buyer.party}&reason=not_deductible"
    (row,) = done(trade.officer.get(f"/v1/supervision/refusals{query}"), "list_refusals")["items"]
    assert (row["number"], row["party_name"], row["area"], row["actor"]) == (
        number, "买方公司", "4403", trade.finance.party,
    )  # fmt: skip
    table = rows_of(trade.officer.get(f"/v1/supervision/nonfilers?month={MONTH}&format=csv"))
    late = next(line for line in table if line[0] == str(trade.seller.party))
    assert (late[1], late[-1]) == ("卖方公司", "106.00")


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("nonfilers?month=2026-13", "query.month"),
        ("nonfilers?party=7", "query.party"),
        ("exceptions?party=0", "query.party"),
        ("refusals?reason=Nonsense", "query.reason"),
        ("refusals?reason=nonsense", "query.reason"),
        ("duplicates?cursor=zz", "query.cursor"),
        ("duplicates?format=xml", "query.format"),
        ("duplicates?lang=fr", "query.lang"),
    ],
)
def test_a_wrong_question_names_its_parameter(officer: Client, query: str, path: str) -> None:
    value = assert_problem(officer.get(f"/v1/supervision/{query}"), "invalid-parameter")
    assert value["errors"][0]["path"].removeprefix("query.") == path.removeprefix("query.")


@pytest.mark.parametrize("name", LISTS)
def test_a_table_says_where_the_rest_is(caller: Client, name: str) -> None:
    answer = caller.get(f"/v1/supervision/{name}?month=2026-11&format=csv")
    assert (answer.body, answer.headers["x-next-cursor"]) == TABLE
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}-2026-11.csv"'
    plain = caller.get(f"/v1/supervision/{name}", accept="text/csv, application/json")
    assert plain.headers["content-type"] == "application/json"
