"""Officers' lists: who did not file, what happened, what was refused, what was claimed twice."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest

from ledger.service import Caller, InvalidRequest, NotPermitted
from ledger.service import supervision as lists
from ledger.service.supervision_rows import area_of
from ledger.service.supervision_views import NonfilerView
from tests.service.conftest import Cast
from tests.service.test_months import following
from tests.service.world import World, must, refused

LISTS = ("nonfilers", "exceptions", "refusals", "duplicates")


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def every_nonfiler(world: World, *, limit: int) -> Iterator[NonfilerView]:
    cursor = None
    while True:
        page = world.ledger.supervision.nonfilers(world.officer, world.month, cursor=cursor, limit=limit)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def test_who_has_not_filed_is_listed_until_it_files(world: World) -> None:
    late, filed = world.enterprise("未申报公司", segment=True), world.enterprise("已申报公司")
    world.issued(late)
    must(world.ledger.filing.file(filed, world.month, idempotency_key=world.key()))
    found = {one.party: one for one in every_nonfiler(world, limit=50)}
    assert filed.party not in found
    row = found[late.party]
    assert (row.name, row.tax_id, row.area) == ("未申报公司", world.tax_ids[late.party], "4403")
    assert (row.filed_through, row.months_behind) == (following(world.month, -1), 1)
    assert (row.count, row.blue_gross_fen, row.red_gross_fen, row.gross_fen) == (1, 10_600, 0, 10_600)
    must(world.ledger.filing.file(late, world.month, idempotency_key=world.key()))
    assert late.party not in {one.party for one in every_nonfiler(world, limit=50)}


def test_a_list_goes_on_at_its_cursor(world: World) -> None:
    for _ in range(3):
        world.enterprise("翻页公司")
    small, large = list(every_nonfiler(world, limit=2)), list(every_nonfiler(world, limit=50))
    assert small == large
    assert len({one.party for one in small}) == len(small) >= 3


def test_a_second_claim_is_listed_with_both_sides(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    second = world.ledger.open_claim(
        cast.claimant, [number], employer=cast.other_employer.party, idempotency_key=world.key()
    )
    refused(second, "locked")
    page = world.ledger.supervision.duplicates(world.officer, world.month, party=cast.other_employer.party, limit=10)
    row = page.items[0]
    assert (row.number, row.kind, row.gross_fen, row.first_claim_id) == (number, "locked", 10_600, claim_id)
    assert (row.first_employer_name, row.second_employer_name) == ("雇主公司", "另一雇主公司")
    assert (row.second_claimant_name, row.area) == ("张*", "4403")
    refusal = world.ledger.supervision.refusals(world.officer, world.month, reason="locked", limit=10).items[0]
    assert (refusal.number, refusal.operation, refusal.gross_fen) == (number, "lock", 10_600)
    assert refusal.digest == row.digest
    nobody = world.ledger.supervision.duplicates(world.officer, world.month, party=cast.stranger.party, limit=10)
    assert nobody.items == ()


def test_a_refusal_is_listed_with_its_reason(world: World) -> None:
    poor = world.enterprise("额度不足公司", quota_fen=1, segment=True)
    answer = refused(world.ledger.issue(poor, world.draft(), idempotency_key=world.key()), "quota_exceeded")
    (row,) = world.ledger.supervision.refusals(world.officer, world.month, party=poor.party, limit=10).items
    assert (row.reason, row.operation, row.party_name, row.area) == ("quota_exceeded", "issue", "额度不足公司", "4403")
    assert (row.gross_fen, row.digest, row.actor) == (10_600, answer.digest, poor.party)
    assert row.reason_text_zh
    other = world.ledger.supervision.refusals(
        world.officer, world.month, party=poor.party, reason="not_permitted", limit=10
    )
    assert other.items == ()
    earlier = following(world.month, -1)
    assert world.ledger.supervision.refusals(world.officer, earlier, limit=10).items == ()


def test_an_exception_is_listed_with_its_company_and_claim(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK-1", idempotency_key=world.key()))
    must(world.flagged(number, reason="走逃失联"))
    page = world.ledger.supervision.exceptions(world.officer, world.month, party=cast.employer.party, limit=10)
    row = page.items[0]
    assert (row.number, row.kinds, row.operation) == (number, ("flagged_after_use",), "set_risk_flag")
    assert (row.party_name, row.area, row.claimant_name, row.claim_id) == ("雇主公司", "4403", "张*", claim_id)
    assert (row.gross_fen, row.officer_at, row.party_at) == (10_600, None, None)
    nobody = world.ledger.supervision.exceptions(world.officer, world.month, party=cast.stranger.party, limit=10)
    assert nobody.items == ()


def test_lists_are_tables_too(world: World, cast: Cast) -> None:
    bad = world.enterprise("=HYPERLINK(1)", quota_fen=1, segment=True)
    refused(world.ledger.issue(bad, world.draft(), idempotency_key=world.key()), "quota_exceeded")
    api = world.ledger.supervision
    data, after = api.refusals_table(world.officer, world.month, party=bad.party, language="en")
    (row,) = rows_of(data)
    assert (row["name"], row["reason"], row["gross"], after) == ("'=HYPERLINK(1)", "quota_exceeded", "106.00", None)
    data, _ = api.nonfilers_table(world.officer, world.month)
    listed = {row["企业编号"]: row for row in rows_of(data)}
    assert listed[str(bad.party)]["企业名称"] == "'=HYPERLINK(1)"
    assert len(listed) == len(list(every_nonfiler(world, limit=50)))
    for table in (api.exceptions_table, api.duplicates_table):
        assert table(world.officer, world.month)[0].startswith("\ufeff".encode())


def test_a_table_goes_on_at_its_cursor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "TABLE_ROWS_MAX", 2)
    for _ in range(3):
        world.enterprise("长表公司")
    seen, cursor = [], None
    while True:
        data, cursor = world.ledger.supervision.nonfilers_table(world.officer, world.month, cursor=cursor)
        rows = rows_of(data)
        assert 1 <= len(rows) <= 2
        seen += [row["企业编号"] for row in rows]
        if cursor is None:
            break
    assert seen == [str(one.party) for one in every_nonfiler(world, limit=50)]


@pytest.mark.parametrize("name", [*LISTS, *(f"{name}_table" for name in LISTS)])
def test_only_officers_read_lists(world: World, cast: Cast, name: str) -> None:
    reading = getattr(world.ledger.supervision, name)
    limit = {} if name.endswith("_table") else {"limit": 10}
    for official in (world.officer, world.authority):
        assert reading(official, world.month, **limit)
    for caller in (cast.seller, cast.cashier, cast.claimant, world.calendar):
        with pytest.raises(NotPermitted):
            reading(caller, world.month, **limit)


@pytest.mark.parametrize(
    ("name", "fields", "where"),
    [
        ("nonfilers", {"month": "2026-13"}, ("month", "month_form")),
        ("exceptions", {"party": 0}, ("party", "party_unknown")),
        ("refusals", {"reason": "nonsense"}, ("reason", "reason_unknown")),
        ("duplicates", {"cursor": "zz"}, ("cursor", "cursor_form")),
        ("refusals", {"limit": 51}, ("limit", "count_range")),
    ],
)
def test_a_question_is_checked(world: World, name: str, fields: dict[str, object], where: tuple[str, str]) -> None:
    asked = {"month": world.month, "limit": 10, **fields}
    with pytest.raises(InvalidRequest) as caught:
        getattr(world.ledger.supervision, name)(world.officer, **asked)
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == where


@pytest.mark.parametrize(
    ("tax_id", "area"), [("91440300MA5000001A", "4403"), ("440300123456789", ""), ("", ""), ("91ABCD00MA5000001A", "")]
)
def test_the_area_is_in_the_credit_code(tax_id: str, area: str) -> None:
    assert area_of(tax_id) == area


def test_a_dismissed_officer_reads_no_list(world: World) -> None:
    written, _ = world.ledger.appoint_officer(world.authority, name="离任税官", idempotency_key=world.key())
    party = must(written).party
    assert party is not None
    officer: Caller = world.ledger.caller(party)
    assert world.ledger.supervision.nonfilers(officer, world.month, limit=1).items
    must(world.ledger.dismiss_officer(world.authority, party, reason="离任", idempotency_key=world.key()))
    with pytest.raises(NotPermitted):
        world.ledger.supervision.nonfilers(world.again(officer), world.month, limit=1)
