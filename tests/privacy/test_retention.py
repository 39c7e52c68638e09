"""What has ended goes by itself; what has not, one second before, stays. The table is shown as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from ledger.domain.months import CST
from ledger.projection.retention import ENDINGS
from ledger.service.full_audit import full_audit
from ledger.service.retention import DAY_S, KEPT_FOR_GOOD, RETENTION, VOUCHER_YEARS, Housekeeping, ends_before
from ledger.settings import Settings
from tests.privacy.planted import Planted
from tests.service.world import World, must, refused

PAGE = Path(__file__).parents[2] / "docs" / "PRIVACY.md"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """A planted ledger that grows old."""
    world = World(tmp_path_factory.mktemp("retention"))
    try:
        yield Planted(world)
    finally:
        world.close()


def swept(kept: Planted, now_s: int) -> dict[str, int]:
    return Housekeeping(kept.world.ledger.context, lambda: now_s).end_due()


def count(kept: Planted, statement: str) -> int:
    with kept.world.ledger.context.reading() as connection:
        return int(connection.exec_driver_sql(statement).scalar_one())


def test_every_ending_has_a_time_and_every_time_an_ending() -> None:
    kinds = [one.kind for one in RETENTION]
    assert len(set(kinds)) == len(kinds)
    assert set(kinds) - {"documents"} == set(ENDINGS)


def test_vouchers_end_thirty_years_after_their_year() -> None:
    documents = RETENTION[0]
    stored = int(datetime(2026, 11, 21, tzinfo=CST).timestamp())
    end = int(datetime(2027 + VOUCHER_YEARS, 1, 1, tzinfo=CST).timestamp())
    assert ends_before(Settings(), documents, end - 1) <= stored
    assert ends_before(Settings(), documents, end) > stored


def test_nothing_ends_today(kept: Planted) -> None:
    assert swept(kept, kept.world.ledger.context.now_s()) == {}


def test_titles_end_a_year_after_their_last_use(kept: Planted) -> None:
    used = count(kept, "SELECT max(used_at) FROM buyer_title")
    assert "titles" not in swept(kept, used + 365 * DAY_S)
    assert swept(kept, used + 365 * DAY_S + 1)["titles"] == 1
    assert count(kept, "SELECT count(*) FROM buyer_title") == 0


def test_what_an_idempotency_key_stands_for_ends_with_it(kept: Planted) -> None:
    assert count(kept, "SELECT count(*) FROM idempotency") == 0  # the year before ended them


def test_results_of_sheets_and_unsigned_drafts_end(kept: Planted) -> None:
    world = kept.world
    sheet = "单据编号,购买方名称,项目名称,金额,税率,税额\r\nR1,甲,*餐饮服务*餐费,100.00,6%,6.00\r\n".encode()
    job = world.ledger.bulk.upload(kept.seller, sheet, idempotency_key=world.key())
    drafts = "SELECT count(*) FROM bulk_row WHERE sealed_draft IS NOT NULL"
    now_s = world.ledger.context.now_s()
    assert "unsigned_sheets" not in swept(kept, now_s + 29 * DAY_S)
    assert count(kept, drafts) == 1
    assert swept(kept, now_s + 31 * DAY_S)["unsigned_sheets"] == 1
    assert (count(kept, drafts), world.ledger.bulk.job(kept.seller, job.job).state) == (0, "cancelled")
    assert swept(kept, now_s + 2 * 365 * DAY_S)["sheet_results"] >= 1


def test_documents_of_what_was_refused_end_and_those_of_invoices_stay(kept: Planted) -> None:
    world = kept.world
    number = world.issued(kept.seller)
    with world.sequencing.held():
        reds = [
            world.hurried().red_letters.issue_red(kept.seller, number, reason="return", idempotency_key=world.key())
            for _ in range(2)
        ]
    world.issued(kept.seller)  # after both: the queue keeps its order
    (landed,) = must(world.ledger.operation(kept.seller, reds[0].digest)).numbers
    refused(world.ledger.operation(kept.seller, reds[1].digest), "reddened")
    issued, at = (
        "SELECT count(*) FROM document WHERE sealed_document IS NOT NULL",
        "SELECT max(settled_at) FROM operation WHERE state = 'refused'",
    )
    held, end = count(kept, issued), count(kept, at) + 30 * DAY_S
    assert "unissued" not in swept(kept, end)
    assert count(kept, issued) == held
    assert swept(kept, end + 1)["unissued"] == 1
    assert count(kept, issued) == held - 1
    assert not world.ledger.invoice(kept.seller, landed).erased


def test_documents_are_erased_thirty_years_later_and_audits_agree(kept: Planted, tmp_path: Path) -> None:
    world = kept.world
    now = datetime.fromtimestamp(world.ledger.context.now_s(), CST)
    end = int(datetime(now.year + 1 + VOUCHER_YEARS, 1, 1, tzinfo=CST).timestamp())
    assert "documents" not in swept(kept, end - 1)
    assert not world.ledger.invoice(kept.seller, kept.number).erased
    ended = swept(kept, end)
    assert ended["documents"] >= 3
    assert ended["claim_words"] >= 1
    view = world.ledger.invoice(kept.seller, kept.number)
    assert (view.erased, view.document) == (True, None)
    assert [one.by for one in world.ledger.erasing.listed(world.authority)] == [0] * ended["documents"]
    assert world.ledger.history(kept.seller, kept.number)
    assert full_audit(world.ledger.context, state_path=tmp_path / "state").difference is None
    assert swept(kept, end) == {}


def test_the_page_shows_the_table_as_it_is() -> None:
    page = PAGE.read_text()
    for one in RETENTION:
        time = f"{one.days // 365} years" if one.days > 365 else f"{one.days} days" if one.days else "-"
        assert f"| {one.what} | {time} | {one.since} | {one.why} |" in page, one.kind
    for what, why in KEPT_FOR_GOOD.items():
        assert f"| {what} | {why} |" in page, what
