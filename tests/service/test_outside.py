"""Invoices of elsewhere through the service: one number, one lock, whatever file it comes as."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ledger.domain.numbers import format_number
from ledger.formats import Source, Strength
from ledger.service import Caller, ClaimWritten, InvalidRequest
from ledger.service.outside_facts import OutsideItem, item_of_fields, item_of_qr
from ledger.service.papers import ListFilter
from tests.service.conftest import Cast
from tests.service.world import World, must, refused
from verifier.canonical import dumps
from verifier.report import Result
from verifier.steps import verify
from verifier.trust import parse_trust

SERIALS = iter(range(1, 10_000))


def typed(serial: int | None = None, **fields: Any) -> OutsideItem:
    """An invoice somebody types in, another number for every call."""
    number = f"{serial or next(SERIALS):08d}"
    known = {"code": "144031809110", "number": number, "gross": "1060.00", "tax": "60.00", "issued_on": "2026-10-05"}
    return item_of_fields({**known, **fields}, "outside.0.typed")


def stronger(item: OutsideItem, strength: Strength) -> OutsideItem:
    """The same invoice from another source, whose strength the reader tells."""

    class Read(type(item.read)):  # type: ignore[misc]
        @property
        def strength(self) -> Strength:
            return strength

    values = {name: getattr(item.read, name) for name in item.read.__dataclass_fields__}
    return replace(item, read=Read(**values), original=b"file of that strength")


def claim(world: World, caller: Caller, employer: Caller, *items: OutsideItem, numbers: tuple[str, ...] = ()) -> Any:
    return world.ledger.open_claim(
        caller, list(numbers), employer=employer.party, reference="BX-out", outside=items, idempotency_key=world.key()
    )


def number_of(item: OutsideItem) -> str:
    return item.read.number


def problems(answer: pytest.ExceptionInfo[InvalidRequest]) -> dict[str, str]:
    return {one.path: one.code for one in answer.value.problems}


def test_an_outside_invoice_is_registered_locked_settled_and_booked(world: World, cast: Cast) -> None:
    item = typed()
    claim_id = must(claim(world, cast.claimant, cast.employer, item)).claim_id
    assert claim_id is not None
    line = world.ledger.claim(cast.claimant, claim_id).lines[0]
    assert (line.number, line.state, line.gross_fen) == (number_of(item), "locked", 106_000)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="PAY-1", idempotency_key=world.key()))
    booked = world.ledger.book(
        cast.cashier, number_of(item), deductible=True, subject=cast.employer.party, idempotency_key=world.key()
    )
    must(booked)
    view = world.ledger.invoice(cast.cashier, number_of(item))
    assert view.claim_state == "settled"


def test_the_same_number_is_not_claimed_at_a_second_company(world: World, cast: Cast) -> None:
    item = typed()
    must(claim(world, cast.claimant, cast.employer, item))
    again = claim(world, cast.claimant, cast.other_employer, item)
    refused(again, "locked")
    hold = again.lines[0].refusal.hold
    assert hold.employer_name == "雇主公司"


def test_a_claim_brings_invoices_of_both_kinds_all_or_none(world: World, cast: Cast) -> None:
    ours, item, taken = world.issued(cast.seller, cast.claimant), typed(), typed()
    must(claim(world, cast.claimant, cast.other_employer, taken))
    answer = claim(world, cast.claimant, cast.employer, item, taken, numbers=(ours,))
    assert {line.number: line.refusal.reason if line.refusal else None for line in answer.lines} == {
        ours: None, number_of(item): None, number_of(taken): "locked",
    }  # fmt: skip
    assert world.ledger.invoice(cast.claimant, ours).claim_state == "free"
    written = must(claim(world, cast.claimant, cast.employer, item, numbers=(ours,)))
    assert set(written.numbers) == {ours, number_of(item)}


def test_a_stronger_proof_takes_the_lock_and_both_are_told(world: World, cast: Cast) -> None:
    item = typed()
    first = must(claim(world, cast.claimant, cast.employer, item)).claim_id
    assert first is not None
    must(claim(world, cast.claimant, cast.other_employer, stronger(item, Strength.SIGNED_ORIGINAL)))
    told = world.ledger.supervising.exceptions(cast.cashier, number=number_of(item), limit=10).items
    assert [(one.kinds, one.party) for one in told] == [(("claim_displaced",), cast.employer.party)]
    assert world.ledger.supervising.exceptions(world.officer, number=number_of(item), limit=10).items
    view = world.ledger.claim(cast.claimant, first)
    assert (view.locked_count, view.released_count) == (0, 1)
    assert [(line.state, line.ended, line.strength) for line in view.lines] == [("released", "displaced", "typed")]
    refused(claim(world, cast.claimant, cast.employer, stronger(item, Strength.ORIGINAL)), "locked")


def test_a_settled_one_is_disputed_and_stays_settled(world: World, cast: Cast) -> None:
    item = typed()
    claim_id = must(claim(world, cast.claimant, cast.employer, item)).claim_id
    assert claim_id is not None
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P", idempotency_key=world.key()))
    refused(claim(world, cast.claimant, cast.other_employer, item), "settled")
    answer = claim(world, cast.claimant, cast.other_employer, stronger(item, Strength.ORIGINAL))
    assert must(answer).claim_id is None, "nothing was locked, so there is no claim"
    assert answer.disputed == (number_of(item),)
    told = world.ledger.supervising.exceptions(cast.cashier, number=number_of(item), limit=10).items
    assert [one.kinds for one in told] == [("settlement_disputed",)]
    view = world.ledger.invoice(cast.cashier, number_of(item))
    assert (view.claim_state, view.strength) == ("settled", "typed")
    report = verify(world.ledger.evidence(cast.cashier, number_of(item)), parse_trust(dumps(world.ledger.trust())))
    assert report.verdict is Result.VALID, report


def test_a_claim_goes_on_without_the_line_it_disputes(world: World, cast: Cast) -> None:
    paid, free = typed(), typed()
    claim_id = must(claim(world, cast.claimant, cast.employer, paid)).claim_id
    assert claim_id is not None
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P", idempotency_key=world.key()))
    answer = claim(world, cast.claimant, cast.other_employer, stronger(paid, Strength.QR), free)
    second = must(answer).claim_id
    assert second is not None
    assert answer.disputed == (number_of(paid),)
    must(world.ledger.withdraw_claim(cast.claimant, second, idempotency_key=world.key()))
    view = world.ledger.claim(cast.other_cashier, second)
    assert [(line.number, line.state) for line in view.lines] == [(number_of(free), "released")]


def test_two_companies_race_for_one_number(world: World, cast: Cast) -> None:
    item, answers = typed(), []

    def register(employer: Caller) -> None:
        answers.append(claim(world, cast.claimant, employer, item))

    threads = [threading.Thread(target=register, args=(one,)) for one in (cast.employer, cast.other_employer)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.written.status.value for answer in answers) == ["recorded", "refused"]


def test_a_number_of_this_ledger_is_refused_and_points_there(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    answer = claim(world, cast.claimant, cast.employer, typed(code="", number=number))
    refusal = refused(answer, "of_ledger").refusal
    assert refusal is not None
    assert refusal.number == number


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"buyer_name": "别的公司有限公司", "seller_name": "某某餐厅"}, "outside.0.buyer.name", "outside_title"),
        (
            {"buyer_name": "雇主公司", "buyer_tax_id": "91440300MA5DA1234X", "seller_name": "某某餐厅"},
            "outside.0.buyer.tax_id",
            "outside_title",
        ),
        ({"gross": "-1060.00", "tax": "-60.00"}, "outside.0.colour", "outside_red"),
    ],
)
def test_what_cannot_be_reimbursed_is_refused_before_anything_is_signed(
    world: World, cast: Cast, fields: dict[str, Any], path: str, code: str
) -> None:
    if "buyer_tax_id" in fields:
        fields = {**fields, "buyer_tax_id": world.tax_ids[cast.other_employer.party]}
    item = typed(**fields)
    with pytest.raises(InvalidRequest) as refusal:
        claim(world, cast.claimant, cast.employer, item)
    assert problems(refusal)[path] == code
    must(claim(world, cast.claimant, cast.employer, typed(int(item.read.printed_number))))


@pytest.mark.parametrize("title", ["雇主公司", "雇主 公司", "个人", "王小明", ""])
def test_titles_of_the_employer_and_of_people_are_taken(world: World, cast: Cast, title: str) -> None:
    must(claim(world, cast.claimant, cast.employer, typed(buyer_name=title, seller_name="某某餐厅")))


def test_the_employers_own_sale_is_refused(world: World, cast: Cast) -> None:
    item = typed(seller_name="雇主公司", seller_tax_id=world.tax_ids[cast.employer.party])
    with pytest.raises(InvalidRequest) as refusal:
        claim(world, cast.claimant, cast.employer, item)
    assert problems(refusal)["outside.0.seller.tax_id"] == "outside_own_sale"


def test_a_missing_amount_is_typed_and_never_overrules_the_source(world: World, cast: Cast) -> None:
    text = f"01,10,144031809110,{next(SERIALS):08d},1000.00,20261005,12345678901234567890,"
    item = item_of_qr(text, "outside.0.qr")
    with pytest.raises(InvalidRequest) as refusal:
        claim(world, cast.claimant, cast.employer, item)
    assert problems(refusal)["outside.0.gross_fen"] == "outside_gross_missing"
    with pytest.raises(InvalidRequest) as refusal:
        claim(world, cast.claimant, cast.employer, replace(item, gross_fen=106_000, issued_on=date(2026, 10, 6)))
    assert problems(refusal)["outside.0.issued_on"] == "outside_contradicts"
    must(claim(world, cast.claimant, cast.employer, replace(item, gross_fen=106_000)))
    reading = world.ledger.outside.read(cast.claimant, item, employer=cast.other_employer.party)
    assert reading.refusal is not None
    assert reading.refusal.reason == "locked"


def test_who_may_not_claim_registers_nothing(world: World, cast: Cast) -> None:
    item = typed()
    refused(claim(world, cast.stranger, cast.employer, item), "not_permitted")
    must(claim(world, cast.cashier, cast.employer, item))


def test_the_employers_finance_registers_for_it_but_does_not_settle_its_own(world: World, cast: Cast) -> None:
    claim_id = must(claim(world, cast.cashier, cast.employer, typed())).claim_id
    assert claim_id is not None
    answer = world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P", idempotency_key=world.key())
    refused(answer, "own_claim")


def test_a_repeated_request_is_one_registration(world: World, cast: Cast) -> None:
    item, key = typed(), world.key()
    answers: list[ClaimWritten] = [
        world.ledger.open_claim(
            cast.claimant, [], employer=cast.employer.party, reference="BX", outside=[item], idempotency_key=key
        )
        for _ in range(2)
    ]
    assert answers[0].written.digest == answers[1].written.digest
    assert len(world.ledger.history(cast.claimant, number_of(item))) == 1


def test_one_number_twice_in_a_claim_is_named(world: World, cast: Cast) -> None:
    item = typed()
    with pytest.raises(InvalidRequest) as refusal:
        claim(world, cast.claimant, cast.employer, item, item)
    assert problems(refusal) == {"outside.1.number": "number_twice"}
    with pytest.raises(InvalidRequest):
        claim(world, cast.claimant, cast.employer)


def test_its_state_says_that_its_issue_was_not_seen_here(world: World, cast: Cast) -> None:
    item = typed()
    must(claim(world, cast.claimant, cast.employer, item))
    view = world.ledger.invoice(cast.claimant, format_number(int(number_of(item))))
    assert (view.issued_here, view.strength) == (False, "typed")
    assert world.ledger.invoice(cast.claimant, world.issued(cast.seller, cast.claimant)).issued_here


@pytest.mark.parametrize("title", ["WANG XIAOMING", "阿卜杜拉·买买提", "诸葛孔明", "自然人"])
def test_people_of_every_kind_of_name_are_no_company(world: World, cast: Cast, title: str) -> None:
    must(claim(world, cast.claimant, cast.employer, typed(buyer_name=title, seller_name="某某餐厅")))


def test_a_long_name_is_a_persons_where_it_is_the_claimants_own(world: World, cast: Cast) -> None:
    claimant = world.person("买买提艾力江", (cast.employer, ["claim"]))
    item = typed(buyer_name="买买提艾力江", seller_name="某某餐厅")
    with pytest.raises(InvalidRequest):
        claim(world, cast.claimant, cast.employer, item)
    must(claim(world, claimant, cast.employer, item))


@pytest.mark.parametrize(
    "title",
    ["深圳市甲乙丙科技", "ABC Trading Co., Ltd.", "ABC TRADING LIMITED", "南山区某某经营部", "别的公司", "某某银行"],
)
def test_what_may_be_another_company_is_no_persons_title(world: World, cast: Cast, title: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        claim(world, cast.claimant, cast.employer, typed(buyer_name=title, seller_name="某某餐厅"))
    assert problems(refusal) == {"outside.0.buyer.name": "outside_title"}


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1999, 12, 31), date(2099, 1, 1), date(9999, 12, 31)])
def test_a_day_on_which_nothing_can_have_been_issued_is_named(world: World, cast: Cast, day: date) -> None:
    item = typed()
    unread = replace(item, read=replace(item.read, issued_on=None), issued_on=day)
    with pytest.raises(InvalidRequest) as refusal:
        claim(world, cast.claimant, cast.employer, unread)
    assert problems(refusal) == {"outside.0.issued_on": "outside_date_range"}
    must(claim(world, cast.claimant, cast.employer, replace(unread, issued_on=date(2000, 1, 1))))


@pytest.mark.parametrize("known", [{}, {"gross": "1060.00", "tax": ""}])
def test_a_title_counts_however_little_else_was_typed(world: World, cast: Cast, known: dict[str, Any]) -> None:
    titles: list[tuple[dict[str, Any], str | None]] = [
        ({"buyer_name": "别的公司有限公司"}, "buyer.name"),
        ({"buyer_tax_id": world.tax_ids[cast.other_employer.party]}, "buyer.tax_id"),
        ({"seller_name": "雇主公司", "seller_tax_id": world.tax_ids[cast.employer.party]}, "seller.tax_id"),
        ({"buyer_tax_id": world.tax_ids[cast.employer.party]}, None),
    ]
    for title, path in titles:
        item = typed(**known, **title)
        if path is None:
            must(claim(world, cast.claimant, cast.employer, item))
            view = world.ledger.invoice(cast.claimant, number_of(item))
            assert view.buyer == cast.employer.party
            continue
        with pytest.raises(InvalidRequest) as refusal:
            claim(world, cast.claimant, cast.employer, item)
        assert list(problems(refusal)) == [f"outside.0.{path}"]


def test_a_displaced_line_keeps_what_was_claimed_and_not_what_the_other_company_claims(
    world: World, cast: Cast
) -> None:
    item = typed()
    first = must(claim(world, cast.claimant, cast.employer, item)).claim_id
    proof = replace(item, read=replace(item.read, source=Source.QR_CODED, gross_fen=206_000, net_fen=200_000))
    second = must(claim(world, cast.claimant, cast.other_employer, proof)).claim_id
    assert first is not None
    assert second is not None
    (line,) = world.ledger.claim(cast.cashier, first).lines
    assert (line.ended, line.gross_fen, line.strength) == ("displaced", 106_000, "typed")
    (line,) = world.ledger.claim(cast.other_cashier, second).lines
    assert (line.state, line.gross_fen, line.strength) == ("locked", 206_000, "qr")


def test_a_list_has_the_printed_day_and_seller_and_says_that_issue_was_not_seen(world: World, cast: Cast) -> None:
    item = typed(seller_name="某某餐厅", buyer_name="王小明", issued_on="2025-03-04")
    must(claim(world, cast.claimant, cast.employer, item))
    found = world.ledger.search(cast.claimant, number=number_of(item)).items[0]
    assert (found.issued_on, found.seller_name, found.buyer_name) == (date(2025, 3, 4), "某某餐厅", "王小明")
    assert (found.document, found.month) == (None, "2025-03")
    paper = world.ledger.papers.invoice_list(cast.claimant, ListFilter(number=number_of(item)))
    text = paper.data.decode("utf-8-sig")
    assert "2025-03-04" in text
    assert "某某餐厅" in text
    assert "外部：手工录入（未见开具）" in text
    ours = world.issued(cast.seller, cast.claimant)
    paper = world.ledger.papers.invoice_list(cast.claimant, ListFilter(number=ours), language="en")
    assert "issued_here" in paper.data.decode("utf-8-sig")


def test_events_say_that_issue_was_not_seen_and_how_much_was_proved(world: World) -> None:
    employer = world.enterprise("事件雇主有限公司")
    claimant = world.person("事件员工", (employer, ["claim"]))
    must(claim(world, claimant, employer, typed()))
    page = world.ledger.events.page(claimant, limit=50)
    states = [one.state for one in page.items if one.operation == "register_outside"]
    assert [(one.issued_here, one.strength) for one in states if one is not None] == [(False, "typed")]
