"""The page at the till on a real ledger: an order is shown, collected once, and nothing is told to a stranger."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from ledger.domain.till_order import SIGNING_TAG, OrderLine, SignedOrder, TillOrder
from ledger.identity import new_till_key, sign_with_till, till_public_key
from tests.api.conftest import Answer, Client
from tests.api.test_life_of_an_invoice import done, enrolled, key
from tests.api.test_problem_shapes import assert_problem

FORM = {"content-type": "application/x-www-form-urlencoded"}


class Counter:
    """A till registered over HTTP, and its key."""

    def __init__(self, officer: Client) -> None:
        self.seller = enrolled(officer, "enterprise", "领票<餐厅>")
        done(officer.post(f"/v1/parties/{self.seller.party}/segments", {"blocks": 1}, key=key()), "allot_segment")
        self.diner = enrolled(officer, "person", "食客甲")
        self.key = new_till_key()
        body = {
            "name": "一号",
            "public_key": till_public_key(self.key).hex(),
            "items": [{"name": "餐费", "rate_bp": 600}],
        }
        self.till = done(self.seller.client.post("/v1/tills", body, key=key()), "register_till")["till_id"]
        self.count = 0

    def order(self, expires_in_s: int = 600) -> str:
        self.count += 1
        line = OrderLine(10_600, item=1)
        order = TillOrder(self.till, f"B-{self.count}", int(time.time()) + expires_in_s, 10_600, (line,))
        unsigned = order.unsigned()
        return SignedOrder(order, unsigned, sign_with_till(self.key, SIGNING_TAG + unsigned)).text


@pytest.fixture(scope="module")
def counter(officer: Client) -> Counter:
    return Counter(officer)


def sent(door: Client, order: str, name: str = "某某公司", **headers: str) -> Answer:
    body = urlencode({"o": order, "name": name, "tax_id": "", "lang": "zh"}).encode()
    return door.request("POST", "/collect", body, {**FORM, **headers})


def test_a_phone_is_shown_the_order_and_gets_the_invoice_once(public_door: Client, counter: Counter) -> None:
    order = counter.order()
    page = public_door.get(f"/collect?o={order}")
    assert page.status == 200
    assert "领票&lt;餐厅&gt;" in page.text
    assert "106.00" in page.text
    assert "<script" not in page.text
    first = sent(public_door, order)
    assert first.status == 200, first.text
    cookie = first.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/collect"))
    assert sent(public_door, order).text == first.text
    again = public_door.request("GET", f"/collect?o={counter.order()}", headers={"cookie": cookie.split(";")[0]})
    assert 'value="某某公司"' in again.text
    other = sent(public_door, order, "另一公司")
    assert other.status == 400
    assert "已按其他抬头" in other.text
    assert "某某公司" not in other.text


def test_what_is_no_order_has_one_answer(public_door: Client, counter: Counter) -> None:
    good = counter.order()
    forged = good[:100] + ("A" if good[100] != "A" else "B") + good[101:]
    texts = {public_door.get(f"/collect?o={one}&lang=en").text.replace(one, "") for one in (forged, "x9z")}
    assert len(texts) == 1
    assert public_door.get("/collect?o=abc").status == 400
    assert sent(public_door, "abc").status == 400


def test_an_expired_order_offers_no_form(public_door: Client, counter: Counter) -> None:
    late = counter.order(-5)
    page = public_door.get(f"/collect?o={late}")
    assert (page.status, "<form" in page.text) == (200, False)
    assert sent(public_door, late).status == 400


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
def test_a_form_of_another_site_is_refused(public_door: Client, counter: Counter, headers: dict[str, str]) -> None:
    order = counter.order()
    assert_problem(sent(public_door, order, **headers), "not-permitted")
    assert sent(public_door, order, **{"sec-fetch-site": "same-origin", "origin": "null"}).status == 200


def test_a_form_that_is_too_large_or_none_is_refused(public_door: Client, counter: Counter) -> None:
    assert_problem(sent(public_door, counter.order(), "x" * 9_000), "body-too-large")
    assert_problem(
        public_door.request("POST", "/collect", b"{}", {"content-type": "application/json"}), "unsupported-media-type"
    )


def test_a_person_collects_over_http_and_a_stranger_does_not_see_the_till(officer: Client, counter: Counter) -> None:
    body = {"order": counter.order(), "title": {"name": "某某公司"}}
    made = done(counter.diner.client.post("/v1/collections", body, key=key()), "collect")
    assert made["held"] is False
    assert (
        done(counter.diner.client.get(f"/v1/invoices/{made['number']}"), "read_invoice")["holder"]
        == counter.diner.party
    )
    assert done(counter.diner.client.get("/v1/titles"), "list_titles")["items"] == [{"name": "某某公司", "tax_id": ""}]
    assert_problem(counter.diner.client.get(f"/v1/tills/{counter.till}"), "not-found")
    both = {
        **body,
        "payment": {"order_id": "1", "gross_fen": 1, "lines": [{"name": "x", "rate_bp": 0, "gross_fen": 1}]},
    }
    assert_problem(counter.diner.client.post("/v1/collections", both, key=key()), "invalid-request")
