"""Filing: the report against documents and contract, freezing, correcting, and who may see it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from ledger.domain.invoice import RateMark
from ledger.domain.month_building import number_gaps
from ledger.domain.month_report import MonthReport, RateSum
from ledger.domain.months import parse_month
from ledger.domain.numbers import format_number
from ledger.domain.red import Credit
from ledger.domain.references import reference_matches
from ledger.projection import keystore, month_reports, parties
from ledger.service import Caller, IdempotencyConflict, InvalidRequest, NotFound, NotPermitted, NotReady
from ledger.service.deductions import WantedSelection
from ledger.service.filing import Filing, kept_report
from ledger.service.month_documents import MonthDocuments
from ledger.service.month_reporting import Declared
from ledger.service.month_tables import report_table
from tests.service.conftest import Cast
from tests.service.test_months import following
from tests.service.world import World, must, refused
from verifier.words import TotalsWord

UNINVOICED = (RateSum(600, RateMark.RATE, 50_000, 3_000),)


def line(net_fen: int, rate_bp: int, **changes: object) -> dict[str, object]:
    return {
        "name": "*服务*费",
        "net_fen": net_fen,
        "rate_bp": rate_bp,
        "tax_fen": net_fen * rate_bp // 10_000,
        **changes,
    }


def draft(world: World, *lines: dict[str, object], buyer: Caller | None = None) -> dict[str, object]:
    net_fen, tax_fen = (sum(int(str(one[key])) for one in lines) for key in ("net_fen", "tax_fen"))
    sums = {"net_fen": net_fen, "tax_fen": tax_fen, "gross_fen": net_fen + tax_fen}
    return {**world.draft(buyer), "lines": list(lines), **sums}


def issue(world: World, seller: Caller, *lines: dict[str, object], number: str | None = None) -> str:
    written = world.ledger.issue(seller, draft(world, *lines), number=number, idempotency_key=world.key())
    return must(written).numbers[0]


@pytest.fixture
def seller(world: World) -> Caller:
    return world.enterprise("申报公司", segment=True)


def filed_report(world: World, caller: Caller, month: str) -> MonthReport:
    return world.ledger.filing.report(caller, month).report


def test_the_report_is_what_documents_contract_and_projection_say(world: World, seller: Caller) -> None:
    held = world.ledger.reserve_numbers(seller, 3, idempotency_key=world.key()).numbers
    mixed = issue(world, seller, line(10_000, 600), line(20_000, 1_300), number=held[2])
    exempt = issue(world, seller, line(5_000, 0, rate_mark="exempt"), number=held[0])
    parts = [Credit(line=1, net_fen=4_000)]
    red = must(
        world.ledger.red_letters.issue_red(seller, mixed, reason="allowance", parts=parts, idempotency_key=world.key())
    ).numbers[0]
    report = filed_report(world, seller, world.month)

    rates = [(one.rate_bp, one.rate_mark.value, one.net_fen, one.tax_fen) for one in report.by_rate]
    assert rates == [(0, "exempt", 5_000, 0), (600, "rate", 6_000, 360), (1_300, "rate", 20_000, 2_600)]
    assert (report.first_number, report.last_number) == (exempt, max(mixed, red))
    assert [(gap.first, gap.last) for gap in report.gaps] == [(held[1], held[1])]
    with world.ledger.context.reading() as connection:
        totals = parties.totals(connection, seller.party, parse_month(world.month))
    assert (report.blue_gross_fen, report.blue_tax_fen) == (totals.blue_gross_fen, totals.blue_tax_fen)
    assert (report.red_gross_fen, report.red_tax_fen) == (totals.red_gross_fen, totals.red_tax_fen) == (4_240, 240)
    assert report.blue_count + report.red_count == totals.count == 3
    documents = [world.ledger.invoice(seller, number).document or {} for number in (mixed, exempt, red)]
    for figure in ("gross_fen", "net_fen", "tax_fen"):
        assert getattr(report, f"total_{figure}") == sum(int(str(one[figure])) for one in documents)


def test_filing_freezes_the_month_and_keeps_the_report(world: World, seller: Caller) -> None:
    keeper = world.person("申报会计", (seller, ["finance"]))
    world.issued(seller)
    declared = Declared(UNINVOICED, note="零星收入")
    must(world.ledger.filing.file(keeper, world.month, declared=declared, idempotency_key=world.key()))
    view = world.ledger.filing.report(keeper, world.month)
    assert view.filing is not None
    assert view.salt is not None
    text = view.report.canonical().decode()
    assert reference_matches(bytes.fromhex(view.filing.report_hash), bytes.fromhex(view.salt), text)
    assert (view.report.uninvoiced, view.report.note, view.report.blue_gross_fen) == (UNINVOICED, "零星收入", 10_600)
    assert view.report.tax_due_fen == 600 + 3_000
    month = world.ledger.month(keeper, world.month)
    assert (month.report_hash, month.open_for_issue) == (view.filing.report_hash, False)
    refused(world.ledger.issue(seller, world.draft(), idempotency_key=world.key()), "month_filed")
    refused(world.ledger.filing.file(seller, world.month, idempotency_key=world.key()), "month_filed")


def test_a_correction_is_a_new_filing_that_names_the_old_one(world: World, seller: Caller) -> None:
    world.issued(seller)
    filing, month = world.ledger.filing, world.month
    must(filing.file(seller, month, idempotency_key=world.key()))
    (first,) = filing.filings(seller, month)
    must(filing.refile(seller, month, declared=Declared(UNINVOICED), idempotency_key=world.key()))
    old, new = filing.filings(seller, month)
    assert (old, new.replaced_hash, new.revision) == (replace(first, standing=False), first.report_hash, 1)
    standing = filing.report(seller, month)
    assert standing.filing == new
    assert (standing.report.correction_of, standing.report.uninvoiced) == (first.report_hash, UNINVOICED)
    assert filing.report(seller, month, revision=0).report.uninvoiced == ()
    refused(filing.refile(seller, month, replaces=first.report_hash, idempotency_key=world.key()), "report_differs")
    must(filing.refile(seller, month, replaces=new.report_hash, idempotency_key=world.key()))
    with pytest.raises(InvalidRequest) as caught:
        filing.report(seller, month, revision=3)
    assert caught.value.problems[0].code == "revision_unknown"


def test_a_month_not_filed_is_not_corrected(world: World, seller: Caller) -> None:
    for replaces in (None, "ab" * 32):
        answer = world.ledger.filing.refile(seller, world.month, replaces=replaces, idempotency_key=world.key())
        refused(answer, "month_not_filed")
    assert world.ledger.filing.filings(seller, world.month) == ()


def test_a_month_filed_while_an_invoice_waits_differs_from_the_totals(world: World, seller: Caller) -> None:
    hurried = world.hurried()
    with world.sequencing.held():
        hurried.issue(seller, world.draft(), idempotency_key=world.key())
        filed = hurried.filing.file(seller, world.month, idempotency_key=world.key())
    world.ledger.context.watch.wait(bytes.fromhex(filed.digest), 20_000)
    refused(world.ledger.operation(seller, filed.digest), "totals_differ")
    must(world.ledger.filing.file(seller, world.month, idempotency_key=world.key()))
    assert filed_report(world, seller, world.month).blue_count == 1


def test_a_report_is_made_again_when_the_month_changed_before_signing(
    world: World, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing = Filing(world.ledger.context)
    make, made = filing._reporting.make, []

    def make_and_issue(*args: object, **kwargs: object) -> object:
        made.append(make(*args, **kwargs))  # type: ignore[arg-type]
        if len(made) == 1:
            world.issued(seller)
        return made[-1]

    monkeypatch.setattr(filing._reporting, "make", make_and_issue)
    must(filing.file(seller, world.month, idempotency_key=world.key()))
    assert [one.report.blue_count for one in made] == [0, 1]
    assert filed_report(world, seller, world.month) == made[1].report


def test_a_month_that_never_stands_still_is_not_signed(
    world: World, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing = Filing(world.ledger.context)
    make = filing._reporting.make

    def make_and_issue(*args: object, **kwargs: object) -> object:
        made = make(*args, **kwargs)  # type: ignore[arg-type]
        world.issued(seller)
        return made

    monkeypatch.setattr(filing._reporting, "make", make_and_issue)
    with pytest.raises(InvalidRequest) as caught:
        filing.file(seller, world.month, idempotency_key=world.key())
    assert caught.value.problems[0].code == "month_moving"
    assert world.ledger.filing.filings(seller, world.month) == ()


def test_the_same_key_files_once_and_makes_one_report(
    world: World, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.key()
    first = must(world.ledger.filing.file(seller, world.month, idempotency_key=key))
    monkeypatch.setattr(world.ledger.filing._reporting, "make", None)
    assert must(world.ledger.filing.file(seller, world.month, idempotency_key=key)).digest == first.digest


def test_months_are_filed_in_order(world: World, seller: Caller) -> None:
    answer = world.ledger.filing.file(seller, following(world.month, 1), idempotency_key=world.key())
    refused(answer, "month_not_next")
    must(world.ledger.filing.file(seller, world.month, idempotency_key=world.key()))


def test_input_tax_and_what_reds_take_back_are_in_the_buyers_report(world: World, cast: Cast) -> None:
    buyer = world.enterprise("进项公司")
    kept, reddened = (
        must(world.ledger.issue(cast.seller, world.draft(buyer, kind="special"), idempotency_key=world.key())).numbers[
            0
        ]
        for _ in range(2)
    )
    wanted = [WantedSelection(kept), WantedSelection(reddened, valid_tax_fen=500)]
    must(world.ledger.deductions.select(buyer, world.month, wanted, idempotency_key=world.key()))
    must(world.ledger.deductions.confirm(buyer, world.month, idempotency_key=world.key()))
    must(world.ledger.red_letters.open_slip(cast.seller, reddened, reason="return", idempotency_key=world.key()))
    must(world.ledger.red_letters.confirm_slip(buyer, reddened, idempotency_key=world.key()))
    must(world.ledger.red_letters.issue_red(cast.seller, reddened, idempotency_key=world.key()))
    inputs = filed_report(world, buyer, world.month).input_tax
    assert (inputs.deducted_tax_fen, inputs.deducted_count, inputs.transfer_out_fen) == (1_100, 2, 500)
    assert world.ledger.deductions.deduction(buyer, reddened).transferred_fen == 500
    must(world.ledger.filing.file(buyer, world.month, idempotency_key=world.key()))
    assert filed_report(world, buyer, world.month).tax_due_fen == -600


@pytest.mark.parametrize(
    ("uninvoiced", "where"),
    [
        ((RateSum(600, RateMark.RATE, 50_000, 3_200),), ("uninvoiced.0.tax_fen", "uninvoiced_tax")),
        ((RateSum(0, RateMark.RATE, 50_000, 0),), ("uninvoiced.0.rate_bp", "rate_needs_mark")),
        ((RateSum(0, RateMark.EXEMPT, 50_000, 1),), ("uninvoiced.0", "mark_forbids_rate")),
        (UNINVOICED * 2, ("uninvoiced", "report_order")),
        (UNINVOICED * 65, ("uninvoiced", "report_too_long")),
    ],
)
def test_a_declared_sum_that_no_rate_gives_is_not_filed(
    world: World, seller: Caller, uninvoiced: tuple[RateSum, ...], where: tuple[str, str]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.filing.file(seller, world.month, declared=Declared(uninvoiced), idempotency_key=world.key())
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == where
    assert world.ledger.filing.filings(seller, world.month) == ()


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"month": "2026-1"}, ("month", "month_form")),
        ({"month": "2000-01"}, ("month", "month_range")),
        ({"month": "2026-11", "declared": Declared(note="x" * 501)}, ("note", "text_range")),
        ({"month": "2026-11", "subject": 0}, ("subject", "party_unknown")),
        ({"month": "2026-11", "subject": 1}, ("subject", "party_kind")),
    ],
)
def test_a_filing_is_checked(world: World, cast: Cast, fields: dict[str, object], where: tuple[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.filing.file(cast.seller, idempotency_key=world.key(), **fields)  # type: ignore[arg-type]
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == where


@pytest.mark.parametrize("replaces", ["", "ab", "zz" * 32, " " + "ab" * 31 + "a"])
def test_a_report_is_named_by_its_hash(world: World, cast: Cast, replaces: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.filing.refile(cast.seller, world.month, replaces=replaces, idempotency_key=world.key())
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("replaces", "hash_form")


def test_only_finance_files_and_reads_the_report(world: World, seller: Caller, cast: Cast) -> None:
    clerk = world.person("申报开票员", (seller, ["issue"]))
    for outsider in (clerk, cast.claimant, cast.cashier, cast.stranger):
        with pytest.raises(NotPermitted):
            world.ledger.filing.file(outsider, world.month, subject=seller.party, idempotency_key=world.key())
        for reading in (world.ledger.filing.report, world.ledger.filing.filings):
            with pytest.raises(NotFound):
                reading(outsider, world.month, subject=seller.party)
    with pytest.raises(NotPermitted):
        world.ledger.filing.file(cast.claimant, world.month, idempotency_key=world.key())
    keeper = world.person("申报会计二", (seller, ["finance"]))
    must(world.ledger.filing.file(keeper, world.month, idempotency_key=world.key()))
    for insider in (seller, keeper, world.officer):
        assert world.ledger.filing.report(insider, world.month, subject=seller.party).filing is not None


def test_a_month_with_an_erased_document_is_filed_at_declared_rates(world: World, seller: Caller) -> None:
    kept, erased = issue(world, seller, line(10_000, 600)), issue(world, seller, line(20_000, 1_300))
    context = world.ledger.context
    context.store.write(lambda connection: keystore.forget_document(connection, erased))
    for unread in ((), (RateSum(1_300, RateMark.RATE, 20_000, 2_599),)):
        with pytest.raises(InvalidRequest) as caught:
            world.ledger.filing.file(seller, world.month, declared=Declared(unread=unread), idempotency_key=world.key())
        (problem,) = caught.value.problems
        assert (problem.path, problem.code) == ("unread", "unread_differs")
        assert all(text in problem.message_en for text in (erased, "200.00", "26.00"))
    unread = (RateSum(1_300, RateMark.RATE, 20_000, 2_600),)
    must(world.ledger.filing.file(seller, world.month, declared=Declared(unread=unread), idempotency_key=world.key()))
    report = filed_report(world, seller, world.month)
    assert [(one.rate_bp, one.net_fen, one.tax_fen) for one in report.by_rate] == [
        (600, 10_000, 600), (1_300, 20_000, 2_600),
    ]  # fmt: skip
    assert (report.blue_count, report.blue_gross_fen, report.last_number) == (2, 33_200, erased)
    assert report.first_number == kept


def test_rates_of_nothing_erased_are_not_taken(world: World, seller: Caller) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.filing.file(seller, world.month, declared=Declared(unread=UNINVOICED), idempotency_key=world.key())
    assert caught.value.problems[0].code == "unread_unexpected"


def test_documents_that_are_not_the_contracts_are_not_filed(
    world: World, seller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.issued(seller)
    filing = Filing(world.ledger.context)
    monkeypatch.setattr("ledger.service.month_reporting.MonthDocuments.__iter__", lambda _: iter(()))
    with pytest.raises(NotReady, match="einvoice audit"):
        filing.file(seller, world.month, idempotency_key=world.key())
    assert world.ledger.filing.filings(seller, world.month) == ()


def test_the_report_is_a_table_too(world: World, seller: Caller) -> None:
    issue(world, seller, line(10_000, 600))
    declared = Declared(UNINVOICED, note="=1+1")
    must(world.ledger.filing.file(seller, world.month, declared=declared, idempotency_key=world.key()))
    view = world.ledger.filing.report(seller, world.month)
    rows = list(csv.reader(io.StringIO(report_table(view, "en").decode("utf-8-sig"))))
    assert rows[0] == ["item", "rate", "count", "net", "tax", "gross", "remark"]
    assert ["by rate", "6%", "", "100.00", "6.00", "106.00", ""] in rows
    assert ["un-invoiced", "6%", "", "500.00", "30.00", "530.00", ""] in rows
    assert ["tax due", "", "", "", "36.00", "", ""] in rows
    assert ["note", "", "", "", "", "", "'=1+1"] in rows
    assert "未开票收入" in report_table(view, "zh").decode("utf-8-sig")


@pytest.mark.slow
def test_a_month_of_many_pages_is_summed(world: World, seller: Caller) -> None:
    count = 0
    for size in (250, 251):
        drafts: list[object] = [draft(world, line(1_000 + at, 600)) for at in range(size)]
        issued = world.ledger.issue_list(seller, drafts, idempotency_key=world.key())
        assert issued.written is not None
        must(issued.written)
        count += size
    report = filed_report(world, seller, world.month)
    assert (report.blue_count, report.gap_count) == (count, 0)
    assert int(report.last_number) - int(report.first_number) + 1 == count
    assert format_number(int(report.first_number)) == report.first_number
    with world.ledger.context.reading() as connection:
        totals = parties.totals(connection, seller.party, parse_month(world.month))
    assert TotalsWord(blue_gross=report.blue_gross_fen, blue_tax=report.blue_tax_fen) == TotalsWord(
        blue_gross=totals.blue_gross_fen, blue_tax=totals.blue_tax_fen
    )


def test_a_number_used_in_between_is_no_gap(world: World, seller: Caller) -> None:
    first, used, unused, last = world.ledger.reserve_numbers(seller, 4, idempotency_key=world.key()).numbers
    for number in (first, used, last):
        issue(world, seller, line(10_000, 600), number=number)
    documents = MonthDocuments(world.ledger.context, seller.party, parse_month(world.month))
    for number in (first, last):
        documents._pass(int(number))
    assert list(documents.elsewhere()) == [int(used)]
    assert number_gaps(documents.numbers, documents.elsewhere()) == [range(int(unused), int(unused) + 1)]


def test_what_is_declared_is_in_the_draft_and_filed(world: World, seller: Caller) -> None:
    filing, month, declared = world.ledger.filing, world.month, Declared(UNINVOICED, note="零星收入")
    world.issued(seller)
    assert filing.declared(seller, month) == Declared()
    filing.declare(seller, month, Declared(note="先前"), idempotency_key=world.key())
    filing.declare(seller, month, declared, idempotency_key=world.key())
    assert filing.declared(seller, month) == declared
    drafted = filed_report(world, seller, month)
    assert (drafted.uninvoiced, drafted.note, drafted.tax_due_fen) == (UNINVOICED, "零星收入", 3_600)
    must(filing.file(seller, month, idempotency_key=world.key()))
    assert filed_report(world, seller, month) == drafted
    must(filing.refile(seller, month, declared=Declared(note="更正"), idempotency_key=world.key()))
    assert filed_report(world, seller, month).uninvoiced == ()


def test_the_same_key_declares_once(world: World, seller: Caller) -> None:
    key, later = world.key(), Declared(note="后来")
    world.ledger.filing.declare(seller, world.month, Declared(UNINVOICED), idempotency_key=key)
    world.ledger.filing.declare(seller, world.month, later, idempotency_key=world.key())
    world.ledger.filing.declare(seller, world.month, Declared(UNINVOICED), idempotency_key=key)
    assert world.ledger.filing.declared(seller, world.month) == later
    with pytest.raises(IdempotencyConflict):
        world.ledger.filing.declare(seller, world.month, later, idempotency_key=key)


def test_a_wrong_declaration_leaves_nothing_behind(world: World, seller: Caller, cast: Cast) -> None:
    wrong = Declared((RateSum(600, RateMark.RATE, 50_000, 3_200),))
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.filing.declare(seller, world.month, wrong, idempotency_key=world.key())
    assert caught.value.problems[0].path == "uninvoiced.0.tax_fen"
    for outsider in (cast.cashier, cast.stranger, world.officer):
        with pytest.raises(NotPermitted):
            world.ledger.filing.declare(
                outsider, world.month, Declared(UNINVOICED), subject=seller.party, idempotency_key=world.key()
            )
    assert world.ledger.filing.declared(seller, world.month) == Declared()
    with pytest.raises(NotFound):
        world.ledger.filing.declared(cast.stranger, world.month, subject=seller.party)


def test_a_declaration_is_kept_sealed(world: World, seller: Caller) -> None:
    world.ledger.filing.declare(seller, world.month, Declared(note="零星收入"), idempotency_key=world.key())
    with world.ledger.context.reading() as connection:
        stored = month_reports.declaration(connection, seller.party, parse_month(world.month))
    assert stored is not None
    assert "零星收入".encode() not in stored.declared


def test_a_copied_hash_opens_nobody_elses_report(world: World, seller: Caller) -> None:
    must(world.ledger.filing.file(seller, world.month, idempotency_key=world.key()))
    context = world.ledger.context
    with context.reading() as connection:
        (own,) = parties.filings(connection, seller.party)
        assert kept_report(context, connection, own) is not None
        assert kept_report(context, connection, replace(own, party=seller.party + 1)) is None
        assert kept_report(context, connection, replace(own, report_hash=bytes(32))) is None
        stored = month_reports.report(connection, own.report_hash)
    assert stored is not None
    assert world.tax_ids[seller.party].encode() not in stored.report
