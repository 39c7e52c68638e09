"""Months: opening, totals, filing."""

from __future__ import annotations

import pytest

from ledger.projection import parties
from ledger.service import InvalidRequest, NotFound, NotPermitted
from ledger.service.months import report_of
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


def test_filing_freezes_the_month(world: World) -> None:
    seller = world.enterprise("申报公司", segment=True)
    keeper = world.person("申报会计", (seller, ["finance"]))
    world.issued(seller)
    must(world.ledger.file_month(keeper, world.month, uninvoiced_fen=500, note="零星收入", idempotency_key=world.key()))
    view = world.ledger.month(keeper, world.month)
    assert view.filed_at is not None
    assert view.report_hash is not None
    assert not view.open_for_issue
    assert world.ledger.party(seller, seller.party).filed_through == world.month
    refused(world.ledger.issue(seller, world.draft(), idempotency_key=world.key()), "month_filed")
    refused(world.ledger.file_month(seller, world.month, idempotency_key=world.key()), "month_filed")
    context = world.ledger.context
    with context.store.reading() as connection:
        (filing,) = parties.filings(connection, seller.party)
        report = report_of(context, connection, filing.report_hash)
    assert report is not None
    assert (report["uninvoiced_fen"], report["note"], report["blue_gross_fen"]) == (500, "零星收入", 10_600)


def test_a_month_filed_while_an_invoice_waits_differs_from_the_totals(world: World) -> None:
    seller, hurried = world.enterprise("并发申报", segment=True), world.hurried()
    with world.sequencing.held():
        hurried.issue(seller, world.draft(), idempotency_key=world.key())
        filed = hurried.file_month(seller, world.month, idempotency_key=world.key())
    world.ledger.context.watch.wait(bytes.fromhex(filed.digest), 20_000)
    refused(world.ledger.operation(seller, filed.digest), "totals_differ")
    must(world.ledger.file_month(seller, world.month, idempotency_key=world.key()))


def test_months_are_filed_in_order(world: World) -> None:
    seller = world.enterprise("跳月公司")
    refused(world.ledger.file_month(seller, following(world.month, 1), idempotency_key=world.key()), "month_not_next")


def test_a_claim_grant_does_not_file(world: World, cast: Cast) -> None:
    with pytest.raises(NotPermitted):
        world.ledger.file_month(cast.claimant, world.month, idempotency_key=world.key())
    refused(
        world.ledger.file_month(cast.claimant, world.month, subject=cast.employer.party, idempotency_key=world.key()),
        "not_permitted",
    )


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"month": "2026-1"}, ("month", "month_form")),
        ({"month": "2000-01"}, ("month", "month_range")),
        ({"month": "2026-11", "uninvoiced_fen": -1}, ("uninvoiced_fen", "count_range")),
        ({"month": "2026-11", "uninvoiced_fen": 2**44}, ("uninvoiced_fen", "count_range")),
        ({"month": "2026-11", "note": "x" * 501}, ("note", "text_range")),
        ({"month": "2026-11", "subject": 0}, ("subject", "party_unknown")),
        ({"month": "2026-11", "subject": 1}, ("subject", "party_kind")),
    ],
)
def test_a_filing_is_checked(world: World, cast: Cast, fields: dict[str, object], where: tuple[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.file_month(cast.seller, idempotency_key=world.key(), **fields)  # type: ignore[arg-type]
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == where


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
