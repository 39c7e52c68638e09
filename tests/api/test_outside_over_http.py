"""Invoices of elsewhere over HTTP, on a real ledger: looked at, registered alone or in a claim, refused by name."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import pytest

from api.pools import FILE_THREADS_MAX
from api.routes import outside as outside_routes
from tests.api.conftest import Answer, Client
from tests.api.test_life_of_an_invoice import Actor, World, done, enrolled, key
from tests.api.test_problem_shapes import assert_problem

SERIALS = itertools.count(1)
GROSS_FEN = 106_000
QR_TYPE = "text/plain"


@pytest.fixture(scope="module")
def world(officer: Client) -> World:
    seller, employer = enrolled(officer, "enterprise", "境内卖方"), enrolled(officer, "enterprise", "甲买方有限公司")
    claimant, accountant = enrolled(officer, "person", "孙员工"), enrolled(officer, "person", "李会计")
    done(officer.post(f"/v1/parties/{seller.party}/segments", {"blocks": 1}, key=key()), "allot_segment")
    for person, grants in ((claimant, ["claim"]), (accountant, ["finance"])):
        done(employer.client.post("/v1/grants", {"person": person.party, "grants": grants}, key=key()), "grant")
    return World(officer, seller, employer, claimant, accountant, enrolled(officer, "person", "路过"))


@pytest.fixture(scope="module")
def rival(officer: Client, world: World) -> Actor:
    """Another company that the same person may claim from."""
    other = enrolled(officer, "enterprise", "乙买方有限公司")
    body = {"person": world.claimant.party, "grants": ["claim"]}
    done(other.client.post("/v1/grants", body, key=key()), "grant")
    return other


def qr(serial: int | None = None) -> str:
    """Text of the code on a taxi-style invoice of 1,000.00 net, which does not hold the gross."""
    return f"01,10,033001900211,{serial or next(SERIALS):08d},1000.00,20261005,12345678901234567890,"


def number_of(text: str) -> str:
    _, _, code, serial, *_ = text.split(",")
    return code + serial


def typed(text: str, **changes: Any) -> dict[str, Any]:
    """What a person types of the same invoice."""
    _, _, code, serial, *_ = text.split(",")
    fields = {"code": code, "number": serial, "gross": "1060.00", "tax": "60.00", "issued_on": "2026-10-05"}
    return {"typed": {**fields, **changes}}


def sent(actor: Actor, path: str, data: bytes, *, idempotent: bool = True, kind: str = QR_TYPE) -> Answer:
    headers = {"content-type": kind} | ({"idempotency-key": key()} if idempotent else {})
    return actor.client.request("POST", path, data, headers)


def look(actor: Actor, text: str, parameters: str = "") -> dict[str, Any]:
    answer = sent(actor, f"/v1/outside-readings{parameters}", text.encode(), idempotent=False)
    return done(answer, "read_outside")


def claim(actor: Actor, employer: Actor, *items: dict[str, Any], numbers: tuple[str, ...] = ()) -> Answer:
    body = {"numbers": list(numbers), "outside": list(items), "employer": employer.party, "reference": "BX-7"}
    return actor.client.post("/v1/claims", body, key=key())


def test_a_code_is_looked_at_completed_and_claimed(world: World) -> None:
    text = qr()
    reading = look(world.claimant, text, f"?employer={world.employer.party}")
    assert (reading["number"], reading["strength"], reading["net_fen"]) == (number_of(text), "qr", 100_000)
    assert [one["code"] for one in reading["problems"]] == ["outside_gross_missing"]
    assert reading["refusal"] is None
    assert world.claimant.client.get(f"/v1/invoices/{reading['number']}").status == 404, "looking stores nothing"
    where = f"/v1/outside-invoices?employer={world.employer.party}&reference=BX-8"
    incomplete = assert_problem(sent(world.claimant, where, text.encode()), "invalid-request")
    assert [one["path"] for one in incomplete["errors"]] == ["outside.0.gross_fen"]
    answer = sent(world.claimant, f"{where}&gross_fen={GROSS_FEN}", text.encode())
    written = done(answer, "register_outside")
    assert answer.headers["location"] == f"/v1/claims/{written['claim_id']}"
    view = done(world.claimant.client.get(f"/v1/invoices/{reading['number']}"), "read_invoice")
    assert (view["issued_here"], view["strength"], view["seller"]) == (False, "qr", 0)
    assert (view["gross_fen"], view["claim_state"]) == (GROSS_FEN, "locked")
    assert view["document"]["source"] == "qr_coded"
    original = world.claimant.client.get(f"/v1/invoices/{reading['number']}/original")
    assert original.body == text.encode()
    again = look(world.claimant, text)["refusal"]
    assert (again["reason"], again["hold"]["employer"]) == ("locked", world.employer.party)


def test_one_claim_takes_invoices_of_here_and_of_elsewhere_in_every_form(world: World) -> None:
    here, scanned, file, by_hand = world.issue(), qr(), qr(), qr()
    items = [
        {"qr": scanned, "gross_fen": GROSS_FEN},
        {"file": base64.b64encode(file.encode()).decode(), "file_name": "code.txt", "tax_fen": 6_000},
        typed(by_hand),
    ]
    written = done(claim(world.claimant, world.employer, *items, numbers=(here,)), "open_claim")
    assert set(written["numbers"]) == {here, number_of(scanned), number_of(file), number_of(by_hand)}
    view = done(world.accountant.client.get(f"/v1/claims/{written['claim_id']}"), "read_claim")
    assert (view["locked_count"], view["locked_fen"]) == (4, 3 * GROSS_FEN + 10_600)


def test_claims_whose_files_are_read_leave_threads_to_issuing(world: World) -> None:
    text = qr()
    item = {"file": base64.b64encode(text.encode()).decode(), "gross_fen": GROSS_FEN}
    held = 0
    try:
        while outside_routes._READING.acquire(blocking=False):
            held += 1
        assert_problem(claim(world.claimant, world.employer, item), "busy")
        done(claim(world.claimant, world.employer, typed(qr())), "open_claim")
        assert world.issue(), "no file, no wait"
    finally:
        for _ in range(held):
            outside_routes._READING.release()
    assert held == FILE_THREADS_MAX
    done(claim(world.claimant, world.employer, item), "open_claim")


def test_the_number_decides_not_the_form_it_came_in(world: World, rival: Actor) -> None:
    text = qr()
    first = done(claim(world.claimant, world.employer, typed(text)), "open_claim")
    problem = assert_problem(claim(world.claimant, rival, typed(text, gross="1060.01", tax="")), "refused/locked")
    assert problem["lines"][0]["refusal"]["hold"]["claim_id"] == first["claim_id"]
    done(claim(world.claimant, rival, {"qr": text, "gross_fen": GROSS_FEN}), "open_claim")  # the code proves more
    told = done(world.accountant.client.get(f"/v1/exceptions?number={number_of(text)}"), "list_exceptions")["items"]
    assert [one["kinds"] for one in told] == [["claim_displaced"]]
    displaced = done(world.claimant.client.get(f"/v1/claims/{first['claim_id']}"), "read_claim")
    assert (displaced["locked_count"], displaced["released_count"]) == (0, 1)


def test_the_rest_of_a_refused_claim_is_sent_as_it_is(world: World, rival: Actor) -> None:
    taken, free, here = qr(), qr(), world.issue()
    done(claim(world.claimant, world.employer, {"qr": taken, "gross_fen": GROSS_FEN}), "open_claim")
    items = [{"qr": taken, "gross_fen": GROSS_FEN}, {"qr": free, "tax_fen": 6_000}]
    problem = assert_problem(claim(world.claimant, world.employer, *items, numbers=(here,)), "refused/locked")
    rest = problem["remaining"]
    assert rest == {
        "numbers": [here], "outside": items[1:], "employer": world.employer.party, "reference": "BX-7"
    }  # fmt: skip
    written = done(world.claimant.client.post("/v1/claims", rest, key=key()), "open_claim")
    assert set(written["numbers"]) == {here, number_of(free)}


def test_what_was_paid_before_is_disputed_and_no_claim_is_promised(world: World, rival: Actor) -> None:
    text = qr()
    first = done(claim(world.claimant, world.employer, typed(text)), "open_claim")
    assert first["disputed"] == []
    paid = world.accountant.client.post(
        f"/v1/claims/{first['claim_id']}/approve", {"payment_reference": "FK-9"}, key=key()
    )
    done(paid, "approve_claim")
    answer = claim(world.claimant, rival, {"qr": text, "gross_fen": GROSS_FEN})
    written = done(answer, "open_claim")
    assert (written["claim_id"], written["disputed"]) == (None, [number_of(text)])
    assert answer.headers["location"] == f"/v1/operations/{written['digest']}"
    told = done(world.officer.get(f"/v1/exceptions?number={number_of(text)}"), "list_exceptions")["items"]
    assert [one["kinds"] for one in told] == [["settlement_disputed"]]
    assert_problem(claim(world.claimant, rival, typed(text)), "refused/settled")


def test_strangers_learn_neither_who_holds_it_nor_what_it_says(world: World) -> None:
    text = qr()
    done(claim(world.claimant, world.employer, {"qr": text, "gross_fen": GROSS_FEN}), "open_claim")
    refusal = look(world.intruder, text)["refusal"]
    assert (refusal["reason"], refusal["hold"]) == ("locked", None)
    for path in ("", "/original", "/history", "/evidence"):
        assert world.intruder.client.get(f"/v1/invoices/{number_of(text)}{path}").status == 404
    view = done(world.officer.get(f"/v1/invoices/{number_of(text)}"), "read_invoice")
    assert not view["issued_here"]


def test_who_may_not_claim_registers_nothing(world: World, public_door: Client) -> None:
    text = qr()
    assert_problem(claim(world.intruder, world.employer, typed(text)), "refused/not_permitted")
    assert world.officer.get(f"/v1/invoices/{number_of(text)}").status == 404
    where = f"/v1/outside-invoices?employer={world.employer.party}&reference=B&gross_fen={GROSS_FEN}"
    headers = {"content-type": QR_TYPE, "idempotency-key": key()}
    assert_problem(public_door.request("POST", where, text.encode(), headers), "not-authenticated")
    assert_problem(sent(world.claimant, where, text.encode(), idempotent=False), "idempotency-key")
    done(sent(world.claimant, where, text.encode()), "register_outside")


@pytest.mark.parametrize(
    ("item", "path", "code"),
    [
        ({}, "outside.0", "outside_source"),
        ({"qr": qr(), "typed": {}}, "outside.0", "outside_source"),
        ({"file": "no base64!"}, "outside.0.file", "base64_form"),
        ({"file": base64.b64encode(b"PK\x03\x04 no archive").decode()}, "outside.0.file", None),
        ({"qr": "https://example.com/"}, "outside.0.qr", None),
        ({"typed": {"number": "1"}}, "outside.0.typed.number", "typed_number"),
        ({"qr": qr(), "gross_fen": GROSS_FEN, "issued_on": "2026-13-01"}, "outside.0.issued_on", "day_unknown"),
        ({"qr": qr(), "gross_fen": GROSS_FEN, "issued_on": "2026-10-06"}, "outside.0.issued_on", "outside_contradicts"),
        ({"qr": qr(), "gross_fen": GROSS_FEN, "tax_fen": 1}, "outside.0.gross_fen", "outside_sum"),
        (typed(qr(), buyer_name="乙买方有限公司"), "outside.0.buyer.name", "outside_title"),
        (typed(qr(), gross="-10.00", tax=""), "outside.0.colour", "outside_red"),
    ],
)
def test_what_cannot_be_taken_is_named_where_it_stands(
    world: World, item: dict[str, Any], path: str, code: str | None
) -> None:
    problem = assert_problem(claim(world.claimant, world.employer, item), "invalid-request")
    assert path in [one["path"] for one in problem["errors"]]
    if code is not None:
        assert code in [one["code"] for one in problem["errors"]]
    assert all(one["message"] and one["message_zh"] for one in problem["errors"])


def test_a_number_of_this_ledger_is_refused_and_points_here(world: World) -> None:
    number = world.issue()
    fields = {"number": number, "gross": "106.00", "issued_on": "2026-10-05"}
    problem = assert_problem(claim(world.claimant, world.employer, {"typed": fields}), "refused/of_ledger")
    assert problem["lines"][0]["number"] == number


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7 torn", b"<?xml version='1.0'?><a/>", b"\x89PNG\r\n\x1a\nno", b"GIF89a"]
)
def test_a_file_that_is_no_invoice_is_a_problem_of_the_request(world: World, data: bytes) -> None:
    answer = sent(world.claimant, "/v1/outside-readings", data, idempotent=False, kind="application/octet-stream")
    assert assert_problem(answer, "invalid-request")["errors"][0]["path"].startswith("file")
