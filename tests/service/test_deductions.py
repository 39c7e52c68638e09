"""Deduction: selecting, unselecting, statistics, confirming, and who may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from ledger.domain.deduction import DeductionPurpose, NonDeductionReason
from ledger.domain.months import parse_month
from ledger.domain.red import Credit
from ledger.projection import deductions as queries
from ledger.service import Caller, InvalidRequest, NotFound, NotPermitted, Written
from ledger.service.deductions import SELECTIONS_MAX, WantedSelection
from tests.service.conftest import Cast
from tests.service.test_months import following
from tests.service.world import World, must, refused

NOT_DEDUCTED = DeductionPurpose.NOT_DEDUCT
WELFARE = NonDeductionReason.WELFARE_OR_PERSONAL


@dataclass(frozen=True)
class Company:
    """A buyer with its finance, and a seller that issues special invoices to it."""

    world: World
    seller: Caller
    buyer: Caller
    finance: Caller

    def invoice(self, *, kind: str = "special", net_fen: int = 10_000) -> str:
        draft = self.world.draft(self.buyer, net_fen=net_fen, kind=kind)
        return must(self.world.ledger.issue(self.seller, draft, idempotency_key=self.world.key())).numbers[0]

    def select(self, *numbers: str, by: Caller | None = None, **changes: object) -> Written:
        wanted = [WantedSelection(number, **changes) for number in numbers]  # type: ignore[arg-type]
        return self.select_all(wanted, by=by)

    def select_all(self, wanted: Sequence[WantedSelection], *, by: Caller | None = None) -> Written:
        key = self.world.key()
        caller = by or self.finance
        return self.world.ledger.deductions.select(caller, self.world.month, wanted, idempotency_key=key)


@pytest.fixture
def company(world: World, cast: Cast) -> Company:
    buyer = world.enterprise("抵扣公司")
    return Company(world, cast.seller, buyer, world.person("抵扣会计", (buyer, ["finance"])))


def test_a_selected_invoice_is_in_its_period_until_unselected(world: World, company: Company) -> None:
    number, api = company.invoice(), world.ledger.deductions
    (open_one,) = api.selectable(company.finance, world.month, limit=10).items
    assert (open_one.number, open_one.use, open_one.tax_left_fen, open_one.deductible) == (number, "none", 600, True)
    must(company.select(number))
    assert api.selectable(company.finance, world.month, limit=10).items == ()
    (chosen,) = api.selected(company.finance, world.month, limit=10).items
    assert (chosen.use, chosen.frozen, chosen.period, chosen.purpose) == ("selected", False, world.month, "deduct")
    assert (chosen.valid_tax_fen, chosen.purpose_text_zh) == (600, "抵扣")
    assert api.deduction(company.buyer, number) == chosen
    assert world.ledger.invoice(company.buyer, number).use == "selected"
    must(api.unselect(company.finance, [number], idempotency_key=world.key()))
    assert api.deduction(company.finance, number).use == "none"
    refused(api.unselect(company.finance, [number], idempotency_key=world.key()), "not_selected")


def test_statistics_are_the_contracts_sums_by_purpose(world: World, company: Company) -> None:
    first, second, third = (company.invoice(net_fen=net_fen) for net_fen in (10_000, 20_000, 30_000))
    wanted = [
        WantedSelection(third, DeductionPurpose.EXPORT_REFUND),
        WantedSelection(first, valid_tax_fen=450),
        WantedSelection(second, NOT_DEDUCTED, reason=WELFARE),
    ]
    must(company.select_all(wanted))
    view = world.ledger.deductions.period(company.finance, world.month)
    sums = [(one.purpose, one.reason, one.count, one.valid_tax_fen) for one in view.by_purpose]
    assert sums == [("deduct", "", 1, 450), ("not_deduct", WELFARE.name.lower(), 1, 0), ("export_refund", "", 1, 1_800)]
    assert (view.count, view.valid_tax_fen, view.deducted_tax_fen, view.state) == (3, 2_250, 450, "open")
    with world.ledger.context.reading() as connection:
        period = queries.period(connection, company.buyer.party, parse_month(world.month))
    assert (period.count, period.valid_tax_fen) == (view.count, view.valid_tax_fen)


def test_a_confirmed_period_is_frozen(world: World, company: Company) -> None:
    inside, outside, api = company.invoice(), company.invoice(), world.ledger.deductions
    must(company.select(inside))
    must(api.confirm(company.finance, world.month, idempotency_key=world.key()))
    view = api.period(company.finance, world.month)
    assert (view.state, view.frozen, view.confirmed_by) == ("confirmed", True, company.finance.party)
    one = api.deduction(company.finance, inside)
    assert (one.use, one.frozen) == ("confirmed", True)
    refused(company.select(outside), "period_confirmed")
    refused(api.unselect(company.finance, [inside], idempotency_key=world.key()), "period_confirmed")
    refused(api.confirm(company.finance, world.month, idempotency_key=world.key()), "period_confirmed")


def test_a_filed_period_is_frozen(world: World, company: Company) -> None:
    inside, outside, api = company.invoice(), company.invoice(), world.ledger.deductions
    must(company.select(inside))
    must(world.ledger.filing.file(company.finance, world.month, idempotency_key=world.key()))
    assert api.period(company.finance, world.month).state == "filed"
    assert api.deduction(company.finance, inside).use == "confirmed"
    refused(company.select(outside), "month_filed")
    refused(api.unselect(company.finance, [inside], idempotency_key=world.key()), "month_filed")


def test_an_ordinary_invoice_gives_no_input_tax(world: World, company: Company) -> None:
    number = company.invoice(kind="ordinary")
    refused(company.select(number), "not_deductible")
    assert world.ledger.deductions.deduction(company.finance, number).deductible is False
    assert world.ledger.deductions.selectable(company.finance, world.month, limit=10).items == ()


def test_a_flagged_invoice_is_not_selected(world: World, company: Company) -> None:
    number = company.invoice()
    must(world.flagged(number, reason="走逃失联"))
    assert world.ledger.deductions.selectable(company.finance, world.month, limit=10).items == ()
    refused(company.select(number), "flagged")
    must(world.ledger.supervising.clear_flag(world.officer, number, reason="已核实", idempotency_key=world.key()))
    must(company.select(number))


def test_no_more_than_the_tax_is_selected(company: Company) -> None:
    number = company.invoice()
    refused(company.select(number, valid_tax_fen=601), "exceeds")
    must(company.select(number, valid_tax_fen=600))


def test_what_a_red_took_is_not_selected(world: World, company: Company) -> None:
    number = company.invoice()
    parts = [Credit(line=1, net_fen=4_000)]
    must(
        world.ledger.red_letters.issue_red(
            company.seller, number, reason="allowance", parts=parts, idempotency_key=world.key()
        )
    )
    refused(company.select(number, valid_tax_fen=361), "exceeds")
    must(company.select(number))
    assert world.ledger.deductions.deduction(company.finance, number).valid_tax_fen == 360


def test_one_bad_selection_refuses_the_whole_list(world: World, company: Company) -> None:
    good, ordinary = company.invoice(), company.invoice(kind="ordinary")
    written = refused(company.select(good, ordinary), "not_deductible")
    assert written.refusal is not None
    assert written.refusal.number == ordinary
    assert world.ledger.deductions.deduction(company.finance, good).use == "none"


def test_a_period_that_has_not_begun_or_lies_before_the_invoice_takes_nothing(world: World, company: Company) -> None:
    number = company.invoice()
    for month, reason in ((following(world.month, 5), "month_not_open"), (following(world.month, -1), "month_filed")):
        wanted = [WantedSelection(number)]
        answer = world.ledger.deductions.select(company.finance, month, wanted, idempotency_key=world.key())
        refused(answer, reason)


def test_only_the_buyers_finance_selects(world: World, company: Company, cast: Cast) -> None:
    number = company.invoice()
    refused(company.select(number, by=cast.seller), "not_buyer")
    with pytest.raises(InvalidRequest) as caught:
        company.select(number, by=cast.cashier)
    assert [(one.path, one.code) for one in caught.value.problems] == [("selections.0.number", "number_unknown")]
    with pytest.raises(NotPermitted):
        company.select(number, by=cast.claimant)


def test_input_tax_is_shown_to_the_buyer_its_finance_and_officers(world: World, company: Company, cast: Cast) -> None:
    number, api = company.invoice(), world.ledger.deductions
    for insider in (company.buyer, company.finance, world.officer):
        assert api.deduction(insider, number).number == number
        assert api.period(insider, world.month, subject=company.buyer.party).party == company.buyer.party
    for outsider in (cast.seller, cast.cashier, cast.claimant, cast.stranger):
        with pytest.raises(NotFound):
            api.deduction(outsider, number)
        for reading in (api.selectable, api.selected):
            with pytest.raises(NotFound):
                reading(outsider, world.month, subject=company.buyer.party, limit=10)
        with pytest.raises(NotFound):
            api.period(outsider, world.month, subject=company.buyer.party)


def test_a_list_goes_on_at_its_cursor(world: World, company: Company) -> None:
    numbers = [company.invoice() for _ in range(3)]
    page = world.ledger.deductions.selectable(company.finance, world.month, limit=2)
    rest = world.ledger.deductions.selectable(company.finance, world.month, limit=2, cursor=page.next_cursor)
    assert [one.number for one in (*page.items, *rest.items)] == numbers[::-1]
    assert rest.next_cursor is None


def test_the_same_key_selects_once(world: World, company: Company) -> None:
    number, key = company.invoice(), world.key()
    wanted = [WantedSelection(number)]
    first = must(world.ledger.deductions.select(company.finance, world.month, wanted, idempotency_key=key))
    again = must(world.ledger.deductions.select(company.finance, world.month, wanted, idempotency_key=key))
    assert again.digest == first.digest


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ([], ("selections", "count_range")),
        ([WantedSelection("1")], ("selections.0.number", "number_unknown")),
        ([WantedSelection("9" * 20)], ("selections.0.number", "number_unknown")),
        ([WantedSelection("9" * 20), WantedSelection("9" * 20)], ("selections.1.number", "number_twice")),
        ([WantedSelection("9" * 20, valid_tax_fen=-1)], ("selections.0.valid_tax_fen", "integer_range")),
        ([WantedSelection("9" * 20, NOT_DEDUCTED)], ("selections.0.reason", "deduction_reason_missing")),
        ([WantedSelection("9" * 20, reason=WELFARE)], ("selections.0.reason", "deduction_reason_unexpected")),
        (
            [WantedSelection(f"{9 * 10**19 + at:020d}") for at in range(SELECTIONS_MAX + 1)],
            ("selections", "count_range"),
        ),
    ],
)
def test_a_selection_is_checked(company: Company, wanted: list[WantedSelection], where: tuple[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        company.select_all(wanted)
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == where


def test_unselecting_is_checked(world: World, company: Company) -> None:
    for numbers, path in (([], "numbers"), (["x"], "numbers.0"), (["9" * 20], "numbers.0")):
        with pytest.raises(InvalidRequest) as caught:
            world.ledger.deductions.unselect(company.finance, numbers, idempotency_key=world.key())
        assert caught.value.problems[0].path == path


@pytest.mark.slow
def test_a_full_list_is_one_group(world: World, company: Company) -> None:
    drafts: list[object] = [
        world.draft(company.buyer, kind="special", net_fen=10_000 + at) for at in range(SELECTIONS_MAX)
    ]
    issued = world.ledger.issue_list(company.seller, drafts, idempotency_key=world.key())
    assert issued.written is not None
    must(issued.written)
    must(company.select(*issued.written.numbers[::-1]))
    view = world.ledger.deductions.period(company.finance, world.month)
    assert (view.count, view.by_purpose[0].count) == (SELECTIONS_MAX, SELECTIONS_MAX)
