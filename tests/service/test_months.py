"""Months: opening, totals."""

from __future__ import annotations

import pytest

from ledger.service import InvalidRequest, NotFound
from tests.service.conftest import Cast
from tests.service.world import World, must, refused


def following(month: str, by: int) -> str:
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + by, 12)
    return f"{year:04d}-{number + 1:02d}"


def test_a_month_sums_what_was_issued(world: World) -> None:
    seller = world.enterprise("月报公司", segment=True)
    for net_fen in (10_000, 20_000):
        world.issued(seller, net_fen=net_fen)
    view = world.ledger.month(seller, world.month)
    assert (view.blue_gross_fen, view.blue_tax_fen, view.count) == (31_800, 1_800, 2)
    assert (view.red_gross_fen, view.red_tax_fen) == (0, 0)
    assert (view.quota_used_fen, view.quota_fen) == (31_800, 10**9)
    assert (view.open_for_issue, view.filed_at, view.report_hash) == (True, None, None)


def test_a_month_is_shown_to_its_enterprise_and_officers_only(world: World, cast: Cast) -> None:
    party = cast.seller.party
    for insider in (cast.seller, cast.bookkeeper, cast.clerk, world.officer):
        assert world.ledger.month(insider, world.month, subject=party).party == party
    for outsider in (cast.stranger, cast.claimant, cast.cashier):
        with pytest.raises(NotFound):
            world.ledger.month(outsider, world.month, subject=party)


def test_the_calendar_opens_a_month_once(world: World) -> None:
    month = following(world.month, 2)
    must(world.ledger.open_month(world.calendar, month, idempotency_key=world.key()))
    refused(world.ledger.open_month(world.authority, month, idempotency_key=world.key()), "already_so")


def test_an_officer_opens_no_month(world: World, cast: Cast) -> None:
    month = following(world.month, 3)
    for caller in (world.officer, cast.seller):
        refused(world.ledger.open_month(caller, month, idempotency_key=world.key()), "not_permitted")


@pytest.mark.parametrize("month", ["", "2026-00", "2026-13", "26-01", "２０２６-01", "2000-01", "2399-01"])
def test_a_text_that_is_no_month_is_refused(world: World, month: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.open_month(world.calendar, month, idempotency_key=world.key())
    assert caught.value.problems[0].path == "month"
    with pytest.raises(InvalidRequest):
        world.ledger.month(world.officer, month, subject=1)
