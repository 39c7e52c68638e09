"""Red slips through the service: who opens, answers and ends them, and that the red is what they say."""

from __future__ import annotations

import pytest

from ledger.domain.red import Credit
from ledger.service import Caller, InvalidRequest, NotPermitted
from tests.service.conftest import Cast
from tests.service.red_acts import booked, confirmed, opened, problem_of, reddened
from tests.service.world import World, must, refused
from verifier.words import SLIP_LIFETIME_S

# -- slips -----------------------------------------------------------------------------------


def test_a_booked_invoice_needs_the_other_side(world: World, cast: Cast) -> None:
    number = booked(world, cast)
    outlook = world.ledger.red_letters.outlook(cast.seller, number)
    assert (outlook.way, outlook.other_side) == ("agreement", cast.employer.party)
    refused(reddened(world, cast.seller, number), "slip_needed")
    must(opened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=4_000)]))
    assert world.ledger.red_letters.outlook(cast.seller, number).way == "waiting"
    refused(reddened(world, cast.seller, number, reason=None), "slip_open")
    must(confirmed(world, cast.cashier, number))
    assert world.ledger.red_letters.outlook(cast.seller, number).way == "confirmed"
    written = must(reddened(world, cast.seller, number, reason=None))
    (slip,) = world.ledger.red_letters.slips(cast.cashier, number=number, limit=10).items
    assert (slip.state, slip.red, slip.gross_fen) == ("used", written.numbers[0], 4_240)
    red = world.ledger.invoice(cast.cashier, written.numbers[0])
    assert slip.document is not None
    assert red.document is not None
    assert red.document["lines"] == slip.document["lines"]
    assert red.document["red_slip"] == slip.slip_id


def test_the_waiting_slip_is_shown_to_who_may_answer_it(world: World, cast: Cast) -> None:
    number = booked(world, cast)
    must(opened(world, cast.clerk, number))

    def asked(caller: Caller) -> list[str]:
        page = world.ledger.red_letters.slips(caller, waiting=True, limit=50)
        return [one.number for one in page.items if one.number == number]

    assert asked(cast.cashier) == [number] == asked(cast.employer)
    assert asked(cast.seller) == asked(cast.clerk) == asked(cast.claimant) == asked(cast.stranger) == []
    (slip,) = [one for one in world.ledger.red_letters.slips(cast.seller, limit=50).items if one.number == number]
    assert (slip.state, slip.answerer, slip.opener) == ("seller_opened", cast.employer.party, cast.seller.party)
    assert SLIP_LIFETIME_S - 60 < slip.seconds_left <= SLIP_LIFETIME_S
    assert "待购方确认" in slip.state_text_zh
    must(confirmed(world, cast.cashier, number))
    assert asked(cast.cashier) == []


def test_the_other_side_opens_and_the_seller_confirms(world: World, cast: Cast) -> None:
    number = booked(world, cast)
    must(opened(world, cast.cashier, number))
    refused(confirmed(world, cast.cashier, number), "not_permitted")
    must(confirmed(world, cast.clerk, number))
    must(reddened(world, cast.clerk, number, reason=None))
    assert world.ledger.invoice(cast.employer, number).colour == "fully_red"


def test_who_is_no_side_neither_opens_nor_answers(world: World, cast: Cast) -> None:
    number = booked(world, cast)
    keeper = world.person("旁观者", (cast.employer, ["issue"]))  # sees the employer's invoices, keeps no books
    refused(opened(world, keeper, number), "not_permitted")
    must(opened(world, cast.seller, number))
    refused(confirmed(world, keeper, number), "not_permitted")
    refused(confirmed(world, cast.seller, number), "not_permitted")
    refused(confirmed(world, cast.bookkeeper, number), "not_permitted")
    must(confirmed(world, cast.employer, number))


def test_a_refused_slip_makes_room_for_another(world: World, cast: Cast) -> None:
    number = booked(world, cast)
    must(opened(world, cast.seller, number))
    refused(opened(world, cast.seller, number), "slip_open")
    letters = world.ledger.red_letters
    must(letters.refuse_slip(cast.cashier, number, note="货未退回", idempotency_key=world.key()))
    refused(confirmed(world, cast.cashier, number), "no_slip")
    refused(reddened(world, cast.seller, number), "slip_needed")
    must(opened(world, cast.seller, number, reason="allowance"))
    states = [one.state for one in letters.slips(cast.seller, number=number, limit=10).items]
    assert states == ["seller_opened", "refused_by_buyer"]
    assert [step.note for step in world.ledger.history(cast.cashier, number) if step.note] == ["货未退回"]


def test_only_its_opener_withdraws_a_slip(world: World, cast: Cast) -> None:
    letters, number = world.ledger.red_letters, booked(world, cast)
    must(opened(world, cast.seller, number))
    refused(letters.withdraw_slip(cast.cashier, number, idempotency_key=world.key()), "not_permitted")
    must(confirmed(world, cast.cashier, number))
    must(letters.withdraw_slip(cast.clerk, number, idempotency_key=world.key()))
    (slip,) = letters.slips(cast.cashier, number=number, limit=10).items
    assert slip.state == "withdrawn_after_confirmation"
    refused(reddened(world, cast.seller, number), "slip_needed")


def test_only_an_officer_voids_a_slip(world: World, cast: Cast) -> None:
    letters, number = world.ledger.red_letters, booked(world, cast)
    must(opened(world, cast.seller, number))
    with pytest.raises(NotPermitted):
        letters.void_slip(cast.cashier, number, reason="x", idempotency_key=world.key())
    must(letters.void_slip(world.officer, number, reason="调查中", idempotency_key=world.key()))
    refused(letters.void_slip(world.officer, number, reason="again", idempotency_key=world.key()), "no_slip")
    assert letters.slips(cast.cashier, number=number, limit=10).items[0].state == "void"


def test_a_slip_lapses_after_72_hours(world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    letters, number = world.ledger.red_letters, booked(world, cast)
    must(opened(world, cast.seller, number))
    later = world.ledger.context.now_s() + SLIP_LIFETIME_S + 60
    monkeypatch.setattr(type(world.ledger.context), "now_s", lambda _: later)
    (slip,) = letters.slips(cast.cashier, number=number, limit=10).items
    assert (slip.state, slip.seconds_left, slip.answerer) == ("lapsed", 0, None)
    assert number not in [one.number for one in letters.slips(cast.cashier, waiting=True, limit=50).items]
    assert letters.outlook(cast.seller, number).way == "agreement"


def test_a_red_that_differs_from_its_slip_is_a_request_to_correct(world: World, cast: Cast) -> None:
    number = booked(world, cast)
    must(opened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=4_000)]))
    must(confirmed(world, cast.cashier, number))
    for what, path in (
        ({"reason": "return"}, "reason"),
        ({"reason": None, "parts": [Credit(1, net_fen=4_001)]}, "parts"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            reddened(world, cast.seller, number, **what)
        assert problem_of(caught) == (path, "red_differs_from_slip")
    must(reddened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=4_000)]))


def test_the_slip_is_kept_by_what_its_reference_hides(world: World, cast: Cast) -> None:
    number = booked(world, cast)
    must(opened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=1_000)]))
    again = world.opened()  # another process, nothing in memory
    (slip,) = again.red_letters.slips(again.caller(cast.cashier.party), number=number, limit=10).items
    assert slip.document is not None
    assert (slip.document["net_fen"], slip.document["red_reason"]) == (-1_000, 4)
