"""Uploaded sheets: every row's result before signing, one signature for 256, nothing twice, results that agree."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from ledger.projection import bulk_jobs
from ledger.service import Busy, IdempotencyConflict, InvalidRequest, Ledger, NotFound
from ledger.service.bulk_signing import BulkSigning
from ledger.service.bulk_steps import Step
from tests.service.world import World, must

HEAD = ["单据编号", "外部单号", "购买方名称", "项目名称", "金额", "税率", "税额"]


def sheet(*rows: list[str], head: list[str] | None = None) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([head or HEAD, *rows])
    return file.getvalue().encode()


def row(
    at: int,
    *,
    net: str = "100.00",
    tax: str = "6.00",
    external: str = "",
) -> list[str]:
    return [f"R{at}", external, "张三", "*餐饮服务*餐费", net, "6%", tax]


def rows_of(ledger: Ledger, caller, job, **filters):
    found, cursor = [], None
    while True:
        page = ledger.bulk.rows(caller, job.job, cursor=cursor, limit=50, **filters)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.fixture
def seller(world):
    return world.enterprise("批量开票公司", segment=True)


def uploaded(world, seller, data, **options):
    return world.ledger.bulk.upload(seller, data, idempotency_key=world.key(), **options)


def test_every_row_has_its_result_and_totals_before_anything_is_signed(world, seller):
    job = uploaded(world, seller, sheet(row(1), row(2, net="x"), row(3, net="0.10", tax="0.01")), file_name="五月.csv")
    assert (job.state, job.row_count, job.group_count, job.file_name) == ("draft", 3, 1, "五月.csv")
    ready = next(one for one in job.sums if one.status == "ready")
    assert (ready.count, ready.net_fen, ready.tax_fen, ready.gross_fen) == (2, 10_010, 601, 10_611)
    assert job.count("invalid") == 1
    good, bad, last = rows_of(world.ledger, seller, job)
    assert (good.row, good.status, good.gross_fen, good.buyer_name, good.number) == (2, "ready", 10_600, "张三", None)
    assert (bad.row, bad.status, bad.reference) == (3, "invalid", "R2")
    assert bad.problems[0]["column"] == "金额"
    assert "第 3 行" in bad.problems[0]["message_zh"]
    assert last.gross_fen == 11
    assert world.ledger.search(seller, limit=50).items == ()


def test_signing_issues_the_good_rows_under_one_signature(world, seller):
    job = uploaded(world, seller, sheet(row(1), row(2, tax="7.77"), row(3)))
    signed = world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key())
    assert (signed.state, signed.count("recorded"), signed.count("invalid")) == ("done", 2, 1)
    first, wrong, third = rows_of(world.ledger, seller, job)
    assert wrong.status == "invalid"
    assert {first.status, third.status} == {"recorded"}
    assert first.block == third.block
    view = world.ledger.invoice(seller, first.number)
    assert (view.gross_fen, view.buyer_name) == (10_600, "")
    assert view.document["lines"][0]["name"] == "*餐饮服务*餐费"


def test_a_sheet_of_nothing_but_wrong_rows_cannot_be_signed(world, seller):
    job = uploaded(world, seller, sheet(row(1, net="x")))
    with pytest.raises(InvalidRequest, match="no row of the sheet can be signed"):
        world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key())
    assert world.ledger.bulk.job(seller, job.job).state == "draft"


@pytest.mark.slow
def test_kill_between_groups_doubles_nothing_and_the_rest_goes_on(world, seller, monkeypatch):
    count = 600  # three signatures
    job = uploaded(world, seller, sheet(*(row(at, external=f"ERP-{at}") for at in range(count))))
    assert job.group_count == 3
    hurried = world.hurried()
    with world.sequencing.held():
        begun = hurried.bulk.sign(seller, job.job, idempotency_key="bulk-kill")
        assert (begun.state, begun.count("accepted"), begun.count("ready")) == ("running", 256, 344)
    # the process that was asked ended here; another opens the same ledger, as the node does at its start
    other = world.opened()
    signing = BulkSigning(other.context)
    monkeypatch.setattr("ledger.service.bulk_steps.LEFT_S", 0)
    assert signing.go_on() is True
    again = other.bulk.sign(seller, job.job, idempotency_key="bulk-kill")  # the request repeated
    while again.state == "running":
        again = other.bulk.go_on(seller, job.job)
    assert (again.state, again.count("recorded")) == ("done", count)
    rows = rows_of(other, seller, job)
    assert len({one.number for one in rows}) == count
    assert max(Counter(one.block for one in rows).values()) <= 512
    month = other.month(seller, world.month)
    assert (month.count, month.blue_gross_fen) == (count, count * 10_600)
    assert signing.step(job.job).step is Step.ENDED


def test_crash_while_a_group_is_stored_leaves_its_rows_ready(world, seller, monkeypatch):
    job = uploaded(world, seller, sheet(row(1)))
    with monkeypatch.context() as patched:

        def die(*_args: object) -> None:
            raise RuntimeError("killed")

        patched.setattr(bulk_jobs, "sign_rows", die)
        with pytest.raises(RuntimeError):
            world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key())
    broken = world.ledger.bulk.job(seller, job.job)
    assert (broken.state, broken.count("ready")) == ("running", 1)
    assert world.ledger.month(seller, world.month).count == 0
    BulkSigning(world.ledger.context).drive(job.job, 20_000)
    assert world.ledger.bulk.job(seller, job.job).state == "done"
    assert world.ledger.month(seller, world.month).count == 1


def test_two_at_one_sheet_sign_no_row_twice(world, seller):
    job = uploaded(world, seller, sheet(row(1), row(2)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BulkSigning, "drive", lambda *_: None)
        world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key())
    one, other = BulkSigning(world.ledger.context), BulkSigning(world.opened().context)
    prepare, between = one._prepared, []

    def prepared(picked):
        between.append(other.step(job.job))  # while the first one seals its documents
        return prepare(picked)

    one._prepared = prepared
    late = one.step(job.job)
    assert (between[0].step, late.digest) == (Step.SIGNED, None)
    one._prepared = prepare
    one.drive(job.job, 20_000)
    assert world.ledger.bulk.job(seller, job.job).count("recorded") == 2
    assert world.ledger.month(seller, world.month).count == 2
    held = world.ledger.reserve_numbers(seller, 2, idempotency_key=world.key())  # those the late one gave back
    numbers = {view.number for view in rows_of(world.ledger, seller, job)}
    assert len(numbers | set(held.numbers)) == 4
    assert max(map(int, {*numbers, *held.numbers})) - min(map(int, {*numbers, *held.numbers})) == 3


def test_node_leaves_a_sheet_alone_while_somebody_is_at_it(world, seller, monkeypatch):
    job = uploaded(world, seller, sheet(row(1)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BulkSigning, "drive", lambda *_: None)
        world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key())
    signing = BulkSigning(world.ledger.context)
    assert signing.go_on() is False
    monkeypatch.setattr("ledger.service.bulk_steps.LEFT_S", 0)
    assert signing.go_on() is True


def test_refused_group_says_why_and_can_be_signed_again(world):
    poor = world.enterprise("额度不足公司", segment=True, quota_fen=15_000)
    job = uploaded(world, poor, sheet(row(1, external="Q-1"), row(2)))
    stopped = world.ledger.bulk.sign(poor, job.job, idempotency_key=world.key())
    if stopped.state == "running":
        stopped = world.ledger.bulk.go_on(poor, job.job)
    assert (stopped.state, stopped.count("refused")) == ("draft", 2)
    assert stopped.stopped.code == "quota_exceeded"
    assert stopped.stopped.row == 3
    first, second = rows_of(world.ledger, poor, job)
    assert (first.status, first.number, second.refusal.reason) == ("refused", None, "quota_exceeded")
    must(world.ledger.set_quota(world.officer, poor.party, 10**8, idempotency_key=world.key()))
    signed = world.ledger.bulk.sign(poor, job.job, idempotency_key=world.key())
    assert (signed.state, signed.count("recorded"), signed.stopped) == ("done", 2, None)


def test_no_free_number_stops_before_anything_is_signed(world):
    seller = world.enterprise("无号段公司")
    job = uploaded(world, seller, sheet(row(1)))
    stopped = world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key())
    assert (stopped.state, stopped.stopped.code, stopped.count("ready")) == ("draft", "numbers_exhausted", 1)


def test_the_same_file_again_is_said_and_not_signed_by_accident(world, seller):
    data = sheet(row(1))
    first = uploaded(world, seller, data)
    second = uploaded(world, seller, data)
    assert first.same_file == ()
    assert second.same_file == (first.job,)
    world.ledger.bulk.sign(seller, first.job, idempotency_key=world.key())
    with pytest.raises(InvalidRequest) as refused:
        world.ledger.bulk.sign(seller, second.job, idempotency_key=world.key())
    assert (refused.value.problems[0].path, refused.value.problems[0].code) == ("again", "bulk_same_file")
    assert world.ledger.bulk.sign(seller, second.job, again=True, idempotency_key=world.key()).state == "done"


def test_the_same_request_again_is_the_same_sheet(world, seller):
    data = sheet(row(1))
    first = world.ledger.bulk.upload(seller, data, idempotency_key="same-sheet")
    assert world.ledger.bulk.upload(seller, data, idempotency_key="same-sheet").job == first.job
    with pytest.raises(IdempotencyConflict):
        world.ledger.bulk.upload(seller, sheet(row(2)), idempotency_key="same-sheet")


def test_an_erp_row_is_never_issued_twice(world, seller):
    first = uploaded(world, seller, sheet(row(1, external="ERP-A"), row(2, external="ERP-B")))
    second = uploaded(world, seller, sheet(row(7, external="ERP-B"), row(8, external="ERP-C")))  # read before signing
    world.ledger.bulk.sign(seller, first.job, idempotency_key=world.key())
    number = rows_of(world.ledger, seller, first)[1].number
    signed = world.ledger.bulk.sign(seller, second.job, idempotency_key=world.key())
    twice, other = rows_of(world.ledger, seller, second)
    assert (signed.state, twice.status, other.status) == ("done", "invalid", "recorded")
    assert twice.problems[0]["code"] == "external_id_issued"
    assert number in twice.problems[0]["message_zh"]
    third = uploaded(world, seller, sheet(row(9, external="ERP-B")))
    assert third.count("invalid") == 1
    neighbour = world.enterprise("同号公司", segment=True)
    assert uploaded(world, neighbour, sheet(row(9, external="ERP-B"))).count("ready") == 1


def test_formulas_are_neither_computed_nor_handed_out(world, seller):
    book = Workbook()
    book.active.append(HEAD)
    book.active.append(["R1", "", "张三", "*餐饮服务*餐费", "=1+1", "6%", "6.00"])
    book.active.append(["R2", "=cmd|' /C calc'!A0", "张三", "*餐饮服务*餐费", "100.00", "6%", "6.00"])
    book.active.append(["R3", "", "张三", "*餐饮服务*餐费", "100.00", "6%", "6.00"])
    file = io.BytesIO()
    book.save(file)
    job = uploaded(world, seller, file.getvalue())
    assert [one.status for one in rows_of(world.ledger, seller, job)] == ["invalid", "invalid", "ready"]
    evil = uploaded(world, seller, sheet(["=1+2", "-2+3", "@x", "+4", "100.00", "6%", "6.00"], row(2)))
    assert evil.count("invalid") == 1
    for one in (job, evil):
        _, _, data = world.ledger.bulk.results(seller, one.job, kind="csv")
        assert not any(
            cell[:1] in "=+-@" for line in csv.reader(io.StringIO(data.decode("utf-8-sig"))) for cell in line if cell
        )
        _, _, data = world.ledger.bulk.results(seller, one.job, kind="xlsx", language="en")
        cells = [cell for line in load_workbook(io.BytesIO(data)).active for cell in line]
        assert {cell.data_type for cell in cells} <= {"s", "n"}
        assert all(cell.value is None or isinstance(cell.value, str) for cell in cells)


def test_others_neither_see_nor_sign_nor_upload(world, cast, seller):
    job = uploaded(world, seller, sheet(row(1)))
    for intruder in (cast.stranger, cast.claimant, cast.bookkeeper, world.officer):
        with pytest.raises(NotFound):
            world.ledger.bulk.job(intruder, job.job)
        with pytest.raises(NotFound):
            world.ledger.bulk.rows(intruder, job.job, limit=10)
        with pytest.raises(NotFound):
            world.ledger.bulk.results(intruder, job.job)
        with pytest.raises(NotFound):
            world.ledger.bulk.sign(intruder, job.job, idempotency_key=world.key())
    with pytest.raises(InvalidRequest):
        uploaded(world, cast.stranger, sheet(row(1)), subject=seller.party)
    clerk = world.person("批量开票员", (seller, ["issue"]))
    assert world.ledger.bulk.sign(clerk, job.job, idempotency_key=world.key()).state == "done"
    assert [one.job for one in world.ledger.bulk.jobs(clerk, limit=10).items] == [job.job]


def test_a_clerk_whose_grant_ended_signs_nothing(world, seller):
    clerk = world.person("离职开票员", (seller, ["issue"]))
    job = uploaded(world, clerk, sheet(row(1)))
    signing = BulkSigning(world.ledger.context)
    step, signing.step = signing.step, None
    assert step is not None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BulkSigning, "drive", lambda *_: None)
        assert world.ledger.bulk.sign(clerk, job.job, idempotency_key=world.key()).state == "running"
    must(world.ledger.revoke(seller, clerk.party, ["issue"], idempotency_key=world.key()))
    assert step(job.job).step is Step.ENDED
    stopped = world.ledger.bulk.job(seller, job.job)
    assert (stopped.state, stopped.stopped.code, stopped.count("ready")) == ("draft", "not_permitted", 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\0\1", "sheet_unknown"),
        (b"a,b\n1,2\n", "sheet_head_missing"),
        (b"PK\x03\x04x", "sheet_damaged"),
    ],
)
def test_a_file_that_is_no_sheet_leaves_nothing_behind(world, seller, data, code):
    with pytest.raises(InvalidRequest) as refused:
        uploaded(world, seller, data)
    assert (refused.value.problems[0].path, refused.value.problems[0].code) == ("file", code)
    assert world.ledger.bulk.jobs(seller, limit=10).items == ()


def test_too_many_invoices_are_refused(world, seller, monkeypatch):
    monkeypatch.setattr("ledger.service.bulk.INVOICES_MAX", 2)
    assert uploaded(world, seller, sheet(row(1), row(2))).row_count == 2
    with pytest.raises(InvalidRequest, match="at most 2"):
        uploaded(world, seller, sheet(row(1), row(2), row(3)))


def test_a_full_queue_is_waited_for(world, seller):
    narrow = world.opened(queue_limit_per_party=1)
    job = uploaded(world, seller, sheet(row(1), row(2)))
    signed = narrow.bulk.sign(seller, job.job, idempotency_key=world.key())
    assert (signed.state, signed.count("recorded")) == ("done", 2)


def test_drafts_are_forgotten_once_issued_and_the_results_stay(world, seller):
    job = uploaded(world, seller, sheet(row(1, external="KEEP-1")))
    world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key())
    with world.ledger.context.reading() as connection:
        (stored,) = bulk_jobs.rows(connection, job.job, limit=10)
    assert stored.sealed_draft is None
    (view,) = rows_of(world.ledger, seller, job)
    assert (view.reference, view.external_id, view.buyer_name) == ("R1", "KEEP-1", "")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(-5, 10**6), st.sampled_from(["6%", "13%", "x"]), st.sampled_from(["", "E1", "E2", "=1"])),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_results_sums_and_rows_agree(world: World, seller, found):
    lines = [
        [f"R{at}", external, "张三", "*服务*费", f"{net // 100}.{net % 100:02d}" if net > 0 else str(net), rate, ""]
        for at, (net, rate, external) in enumerate(found)
    ]
    job = uploaded(world, seller, sheet(*lines))
    if job.count("ready"):
        job = world.ledger.bulk.sign(seller, job.job, again=True, idempotency_key=world.key())
    rows = rows_of(world.ledger, seller, job)
    counted = Counter(one.status for one in rows)
    assert dict(counted) == {one.status: one.count for one in job.sums}
    assert sum(counted.values()) == job.row_count
    for one in job.sums:
        assert one.gross_fen == sum(view.gross_fen or 0 for view in rows if view.status == one.status)
        assert one.net_fen + one.tax_fen == one.gross_fen
    _, _, data = world.ledger.bulk.results(seller, job.job, language="en")
    _, *table = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    assert [(line[0], line[3]) for line in table] == [(str(one.row), one.number or "") for one in rows]
    recorded = [one for one in rows if one.status == "recorded"]
    for one in recorded:
        assert world.ledger.invoice(seller, one.number).gross_fen == one.gross_fen


def test_busy_is_not_taken_for_an_end(world, seller, monkeypatch):
    job = uploaded(world, seller, sheet(row(1)))

    def busy(*_args: object) -> None:
        raise Busy

    monkeypatch.setattr("ledger.service.bulk_steps.run_write", busy)
    with pytest.raises(Busy):
        world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key())
    assert replace(world.ledger.bulk.job(seller, job.job)).state == "running"


def test_a_sheet_given_up_forgets_its_drafts_and_signs_no_more(world, cast, seller):
    data = sheet(row(1), row(2))
    job = uploaded(world, seller, data)
    with pytest.raises(NotFound):
        world.ledger.bulk.cancel(cast.stranger, job.job, idempotency_key=world.key())
    ended = world.ledger.bulk.cancel(seller, job.job, idempotency_key=world.key())
    assert (ended.state, ended.group_count) == ("cancelled", 0)
    with world.ledger.context.reading() as connection:
        assert {one.sealed_draft for one in bulk_jobs.rows(connection, job.job, limit=10)} == {None}
    with pytest.raises(InvalidRequest, match="given up"):
        world.ledger.bulk.sign(seller, job.job, idempotency_key=world.key())
    again = uploaded(world, seller, data)
    assert again.same_file == (job.job,)
    assert world.ledger.bulk.sign(seller, again.job, idempotency_key=world.key()).state == "done"


def test_what_a_sheet_given_up_had_issued_is_not_issued_again_unawares(world):
    poor = world.enterprise("半途公司", segment=True, quota_fen=15_000)
    data = sheet(*(row(at) for at in range(1)), row(2, net="200.00", tax="12.00"))
    narrow = world.opened(queue_limit_per_party=1)
    job = uploaded(world, poor, data)
    stopped = narrow.bulk.sign(poor, job.job, idempotency_key=world.key())
    assert (stopped.count("recorded"), stopped.stopped.code) == (1, "quota_exceeded")
    assert world.ledger.bulk.cancel(poor, job.job, idempotency_key=world.key()).state == "cancelled"
    with pytest.raises(InvalidRequest, match="same file was signed before"):
        world.ledger.bulk.sign(poor, uploaded(world, poor, data).job, idempotency_key=world.key())


def test_a_sheet_that_is_being_signed_is_not_given_up(world, seller):
    job = uploaded(world, seller, sheet(row(1)))
    with world.sequencing.held():
        begun = world.hurried().bulk.sign(seller, job.job, idempotency_key=world.key())
        assert begun.state == "running"
        with pytest.raises(InvalidRequest, match="being signed"):
            world.ledger.bulk.cancel(seller, job.job, idempotency_key=world.key())
    assert world.ledger.bulk.go_on(seller, job.job).state == "done"
    assert world.ledger.bulk.cancel(seller, job.job, idempotency_key=world.key()).state == "done"
