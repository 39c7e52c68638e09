"""Collecting at the till: signed orders, payment notices, pickup, and uploads of what was issued off line."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.domain.till_order import SIGNING_TAG, OrderLine, SignedOrder, TillOrder
from ledger.identity import new_till_key, sign_with_till, till_public_key
from ledger.service import Caller, InvalidRequest, NotFound, NotPermitted, WriteStatus
from ledger.service.collecting import EXPIRES_AHEAD_MAX_S
from ledger.service.till_uploads import UPLOADS_MAX, Offline, TillUploads
from ledger.service.till_views import Collected, OrderLineView, TillItem, TillView, Title
from tests.service.conftest import Cast
from tests.service.world import World, must, tax_id

COMPANY = Title("深圳市某某科技有限公司", tax_id(900_001))
OTHER = Title("另一家公司", tax_id(900_002))
MEAL = OrderLine(10_600, item=1)


class Counter:
    """A till with its key: makes orders without the server."""

    def __init__(self, world: World, cast: Cast) -> None:
        self.world = world
        self.key = new_till_key()
        self.till: TillView = world.ledger.tills.register(
            cast.seller,
            name="一号收银台",
            public_key=till_public_key(self.key).hex(),
            clerk=cast.clerk.party,
            items=(TillItem("*餐饮服务*餐费", 600),),
            idempotency_key=world.key(),
        )
        self._count = 0

    def order(self, *lines: OrderLine, expires_in_s: int = 3_600, order_id: str = "", key: bytes = b"") -> str:
        self._count += 1
        lines = lines or (MEAL,)
        order = TillOrder(
            self.till.till_id,
            order_id or f"A-{self._count}",
            self.world.ledger.context.now_s() + expires_in_s,
            sum(line.gross_fen for line in lines),
            lines,
        )
        unsigned = order.unsigned()
        return SignedOrder(order, unsigned, sign_with_till(key or self.key, SIGNING_TAG + unsigned)).text


@pytest.fixture(scope="module")
def counter(world: World, cast: Cast) -> Counter:
    return Counter(world, cast)


def code_of(call: Callable[[], object]) -> tuple[str, str]:
    """Path and code of the problem a call raises."""
    with pytest.raises(InvalidRequest) as caught:
        call()
    return caught.value.problems[0].path, caught.value.problems[0].code


def recorded(collected: Collected) -> Collected:
    must(collected.written)
    return collected


# -- signed orders ---------------------------------------------------------------------------


def test_an_order_is_shown_and_becomes_an_invoice_that_waits_for_pickup(world: World, counter: Counter) -> None:
    text = counter.order(MEAL, OrderLine(5_000, name="*餐饮服务*酒水", rate_bp=600))
    offer = world.ledger.collecting.offer(text)
    assert (offer.gross_fen, offer.collected, offer.expired) == (15_600, False, False)
    assert [line.name for line in offer.lines] == ["*餐饮服务*餐费", "*餐饮服务*酒水"]
    done = recorded(world.ledger.collecting.collect(text, COMPANY))
    assert (done.held, done.replayed, done.gross_fen) == (True, False, 15_600)
    view = world.ledger.invoice(world.officer, done.number)
    assert (view.holder, view.gross_fen, view.tax_fen) == (view.seller, 15_600, 883)
    assert view.commitment == done.commitment
    assert world.ledger.collecting.offer(text).collected


def test_a_person_who_collects_holds_the_invoice_and_is_offered_the_title_again(world: World, counter: Counter) -> None:
    diner = world.person("食客")
    assert world.ledger.collecting.titles(diner) == ()
    done = recorded(world.ledger.collecting.collect(counter.order(), COMPANY, collector=diner))
    assert not done.held
    assert world.ledger.invoice(diner, done.number).holder == diner.party
    recorded(world.ledger.collecting.collect(counter.order(), OTHER, collector=diner))
    assert world.ledger.collecting.titles(diner) == (OTHER, COMPANY) or set(world.ledger.collecting.titles(diner)) == {
        OTHER,
        COMPANY,
    }
    assert world.ledger.collecting.titles(world.person("路人")) == ()


def test_asked_twice_it_is_the_same_invoice_also_after_the_order_expired(
    world: World, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = counter.order(expires_in_s=60)
    first = recorded(world.ledger.collecting.collect(text, COMPANY))
    again = recorded(world.ledger.collecting.collect(text, COMPANY))
    assert (again.number, again.commitment, again.replayed) == (first.number, first.commitment, True)
    later = world.ledger.context.now_s() + 120
    monkeypatch.setattr(type(world.ledger.context), "now_s", lambda _: later)
    assert world.ledger.collecting.collect(text, COMPANY).number == first.number


def test_another_title_learns_only_that_it_went_out(world: World, counter: Counter) -> None:
    text = counter.order()
    first = recorded(world.ledger.collecting.collect(text, COMPANY))
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.collecting.collect(text, OTHER)
    assert caught.value.problems[0].code == "order_collected"
    assert first.number not in str(caught.value)
    assert COMPANY.name not in str(caught.value)


def test_two_diners_race_for_one_order_and_one_gets_it(world: World, counter: Counter) -> None:
    text = counter.order()
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def try_it(title: Title) -> None:
        barrier.wait()
        try:
            outcomes.append(world.ledger.collecting.collect(text, title).number)
        except InvalidRequest as err:
            outcomes.append(err.problems[0].code)

    threads = [threading.Thread(target=try_it, args=(title,)) for title in (COMPANY, OTHER)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert "order_collected" in outcomes
    assert len([one for one in outcomes if one.isdigit()]) == 1


def test_an_order_past_its_time_or_too_far_ahead_is_refused(world: World, counter: Counter) -> None:
    collecting = world.ledger.collecting
    late = counter.order(expires_in_s=-1)
    assert collecting.offer(late).expired
    assert code_of(lambda: collecting.collect(late, COMPANY)) == ("order", "order_expired")
    far = counter.order(expires_in_s=EXPIRES_AHEAD_MAX_S + 60)
    assert code_of(lambda: collecting.collect(far, COMPANY)) == ("order", "order_far")
    assert not collecting.offer(late).collected


def test_a_changed_or_foreign_order_looks_the_same_as_none_at_all(world: World, counter: Counter) -> None:
    text = counter.order()
    forged = counter.order(key=new_till_key())
    changed = text[:40] + ("A" if text[40] != "A" else "B") + text[41:]
    for bad in (forged, changed, text[:-4], "", "x" * 641, "发票", text + "=", text.swapcase()):
        assert code_of(lambda bad=bad: world.ledger.collecting.offer(bad)) == ("order", "order_form")  # type: ignore[misc]
        assert code_of(lambda bad=bad: world.ledger.collecting.collect(bad, COMPANY)) == ("order", "order_form")  # type: ignore[misc]
    recorded(world.ledger.collecting.collect(text, COMPANY))


def test_an_order_id_stands_for_one_order(world: World, counter: Counter) -> None:
    recorded(world.ledger.collecting.collect(counter.order(order_id="same"), COMPANY))
    other = counter.order(OrderLine(700, item=1), order_id="same")
    assert code_of(lambda: world.ledger.collecting.collect(other, COMPANY)) == ("order", "order_differs")


def test_a_wrong_title_names_its_field_and_leaves_the_order_free(world: World, counter: Counter) -> None:
    text, collecting = counter.order(), world.ledger.collecting
    assert code_of(lambda: collecting.collect(text, Title("")))[0] == "name"
    assert code_of(lambda: collecting.collect(text, Title("x" * 201)))[0] == "name"
    assert code_of(lambda: collecting.collect(text, Title("某公司", "12345")))[0] == "tax_id"
    assert not collecting.offer(text).collected
    recorded(collecting.collect(text, COMPANY))


def test_goods_the_till_does_not_have_are_refused(world: World, counter: Counter) -> None:
    text = counter.order(OrderLine(100, item=2))
    assert code_of(lambda: world.ledger.collecting.offer(text)) == ("order", "order_lines")


def test_an_order_whose_issue_was_refused_is_free_again(world: World, cast: Cast) -> None:
    seller = world.enterprise("小额卖方", segment=True, quota_fen=20_000)
    key = new_till_key()
    till = world.ledger.tills.register(
        seller, name="台", public_key=till_public_key(key).hex(), idempotency_key=world.key()
    )
    order = TillOrder(
        till.till_id, "1", world.ledger.context.now_s() + 600, 30_000, (OrderLine(30_000, name="餐费", rate_bp=600),)
    )
    unsigned = order.unsigned()
    text = SignedOrder(order, unsigned, sign_with_till(key, SIGNING_TAG + unsigned)).text
    refused = world.ledger.collecting.collect(text, COMPANY)
    assert refused.written.status is WriteStatus.REFUSED
    assert not world.ledger.collecting.offer(text).collected
    must(world.ledger.set_quota(world.officer, seller.party, 10**9, idempotency_key=world.key()))
    recorded(world.ledger.collecting.collect(text, OTHER))


# -- pickup ----------------------------------------------------------------------------------


def test_who_knows_number_and_commitment_picks_it_up_once(world: World, counter: Counter) -> None:
    done = recorded(world.ledger.collecting.collect(counter.order(), COMPANY))
    first, second = world.person("先到"), world.person("后到")
    with pytest.raises(NotFound):
        world.ledger.collecting.pick_up(first, done.number, "0" * 64, idempotency_key=world.key())
    must(world.ledger.collecting.pick_up(first, done.number, done.commitment, idempotency_key=world.key()))
    assert world.ledger.invoice(first, done.number).holder == first.party
    must(world.ledger.collecting.pick_up(first, done.number, done.commitment, idempotency_key=world.key()))
    with pytest.raises(NotFound):
        world.ledger.collecting.pick_up(second, done.number, done.commitment, idempotency_key=world.key())


def test_an_invoice_of_no_order_is_not_picked_up(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller)
    commitment = world.ledger.invoice(cast.seller, number).commitment
    with pytest.raises(NotFound):
        world.ledger.collecting.pick_up(cast.claimant, number, commitment, idempotency_key=world.key())


# -- tills -----------------------------------------------------------------------------------


def test_a_closed_till_s_orders_are_refused(world: World, cast: Cast) -> None:
    counter = Counter(world, cast)
    text = counter.order()
    with pytest.raises(NotFound):
        world.ledger.tills.close(cast.stranger, counter.till.till_id, idempotency_key=world.key())
    world.ledger.tills.close(cast.seller, counter.till.till_id, idempotency_key=world.key())
    assert code_of(lambda: world.ledger.collecting.collect(text, COMPANY)) == ("order", "order_form")


def test_a_till_is_registered_by_its_seller_with_a_key_of_its_own(world: World, cast: Cast, counter: Counter) -> None:
    tills = world.ledger.tills

    def register(caller: Caller, **changes: object) -> TillView:
        values: dict[str, object] = {"name": "台", "public_key": till_public_key(new_till_key()).hex()}
        return tills.register(caller, **{**values, **changes}, idempotency_key=world.key())  # type: ignore[arg-type]

    assert register(cast.clerk).clerk == cast.clerk.party
    assert code_of(lambda: register(cast.seller, public_key=counter.till.public_key)) == (
        "public_key",
        "till_key_known",
    )
    assert code_of(lambda: register(cast.seller, public_key="zz")) == ("public_key", "till_key_form")
    assert code_of(lambda: register(cast.seller, clerk=cast.cashier.party)) == ("clerk", "till_clerk")
    assert code_of(lambda: register(cast.seller, items=(TillItem("", 600),)))[0] == "items.0.name"
    with pytest.raises(NotPermitted):
        register(cast.clerk, clerk=cast.seller.party + 1)
    with pytest.raises(NotPermitted):
        register(cast.claimant, subject=cast.seller.party)
    assert counter.till.till_id in [one.till_id for one in tills.tills(cast.seller)]
    with pytest.raises(NotFound):
        tills.till(cast.stranger, counter.till.till_id)


# -- payment notices -------------------------------------------------------------------------


def test_a_payment_notice_becomes_one_invoice_however_often_it_comes(world: World, cast: Cast) -> None:
    lines = (OrderLineView("*停车服务*停车费", 900, 1_500),)

    def pay(caller: Caller, order_id: str, gross_fen: int = 1_500, title: Title = COMPANY) -> Collected:
        return world.ledger.collecting.pay(
            caller,
            order_id=order_id,
            gross_fen=gross_fen,
            lines=lines,
            title=title,
            subject=cast.seller.party,
            idempotency_key=world.key(),
        )

    first = recorded(pay(cast.clerk, "P-1"))
    again = pay(cast.clerk, "P-1")
    assert (again.number, again.replayed, first.replayed) == (first.number, True, False)
    assert code_of(lambda: pay(cast.clerk, "P-1", title=OTHER)) == ("order", "order_collected")
    assert code_of(lambda: pay(cast.clerk, "P-2", gross_fen=1_400)) == ("gross_fen", "order_lines")
    with pytest.raises(NotPermitted):
        pay(cast.stranger, "P-3")


# -- uploads ---------------------------------------------------------------------------------


def uploads_at(world: World, hours: float) -> TillUploads:
    """Uploading by a server whose clock is some hours on."""
    return TillUploads(world.ledger.context, lambda: world.ledger.context.now_s() + int(hours * 3_600))


def offline(world: World, number: str, **changes: object) -> Offline:
    row = Offline(number, datetime.now(UTC).isoformat(), world.draft())
    return replace(row, **changes)  # type: ignore[arg-type]


def reserved(world: World, cast: Cast, count: int) -> list[str]:
    return list(world.ledger.reserve_numbers(cast.clerk, count, idempotency_key=world.key()).numbers)


def test_what_was_issued_off_line_is_uploaded_within_48_hours(world: World, cast: Cast, counter: Counter) -> None:
    rows = tuple(offline(world, number) for number in reserved(world, cast, 3))
    done = uploads_at(world, 47).upload(cast.clerk, counter.till.till_id, rows, idempotency_key=world.key())
    assert [one.status for one in done] == ["recorded"] * 3
    assert world.ledger.invoice(cast.seller, rows[0].number).gross_fen == 10_600
    again = uploads_at(world, 100).upload(cast.clerk, counter.till.till_id, rows, idempotency_key=world.key())
    assert [(one.number, one.commitment, one.duplicate) for one in again] == [
        (one.number, one.commitment, True) for one in done
    ]


def test_after_48_hours_a_row_is_refused_with_the_reason(world: World, cast: Cast, counter: Counter) -> None:
    (number,) = reserved(world, cast, 1)
    (late,) = uploads_at(world, 49).upload(
        cast.clerk, counter.till.till_id, (offline(world, number),), idempotency_key=world.key()
    )
    assert (late.status, late.problems[0][:2]) == ("invalid", ("issued_at", "upload_late"))
    early = offline(world, number, issued_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    (refused,) = world.ledger.till_uploads.upload(
        cast.clerk, counter.till.till_id, (early,), idempotency_key=world.key()
    )
    assert refused.problems[0][:2] == ("issued_at", "upload_early")
    (taken,) = world.ledger.till_uploads.upload(
        cast.clerk, counter.till.till_id, (offline(world, number),), idempotency_key=world.key()
    )
    assert taken.status == "recorded"


def test_one_wrong_row_does_not_hold_up_the_others(world: World, cast: Cast, counter: Counter) -> None:
    one, two = reserved(world, cast, 2)
    used = world.issued(cast.seller)
    rows = (
        offline(world, one, document=world.draft(gross_fen=1)),
        offline(world, used),
        offline(world, "123"),
        offline(world, two, issued_at="yesterday"),
        offline(world, two, issued_at="2026-11-05T10:00:00"),
        offline(world, two, document="no document"),
        offline(world, two),
    )
    done = world.ledger.till_uploads.upload(cast.clerk, counter.till.till_id, rows, idempotency_key=world.key())
    assert [row.status for row in done] == ["invalid"] * 6 + ["recorded"]
    assert [row.problems[0][1] for row in done[1:5]] == ["number_not_reserved"] * 2 + ["time_form"] * 2


def test_a_number_uploaded_for_other_goods_and_an_order_collected_already_are_refused(
    world: World, cast: Cast, counter: Counter
) -> None:
    one, two = reserved(world, cast, 2)
    upload = world.ledger.till_uploads.upload
    upload(cast.clerk, counter.till.till_id, (offline(world, one),), idempotency_key=world.key())
    (other,) = upload(
        cast.clerk,
        counter.till.till_id,
        (offline(world, one, document=world.draft(net_fen=500)),),
        idempotency_key=world.key(),
    )
    assert other.problems[0][1] == "order_differs"
    recorded(world.ledger.collecting.collect(counter.order(order_id="both"), COMPANY))
    (both,) = upload(
        cast.clerk, counter.till.till_id, (offline(world, two, order_id="both"),), idempotency_key=world.key()
    )
    assert both.problems[0][1] == "order_differs"


def test_only_the_seller_s_clerks_upload_and_not_more_than_a_list(world: World, cast: Cast, counter: Counter) -> None:
    (number,) = reserved(world, cast, 1)
    row = offline(world, number)
    with pytest.raises(NotFound):
        world.ledger.till_uploads.upload(cast.stranger, counter.till.till_id, (row,), idempotency_key=world.key())
    call = world.ledger.till_uploads.upload
    for rows in ((), (row,) * (UPLOADS_MAX + 1)):
        assert (
            code_of(lambda rows=rows: call(cast.clerk, counter.till.till_id, rows, idempotency_key=world.key()))[0]
            == "invoices"
        )  # type: ignore[misc]
