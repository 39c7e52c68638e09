"""Risk flags, forced unlocking, lifted blocks and exceptions through the service."""

from __future__ import annotations

import pytest

from ledger.domain.months import format_month, parse_month
from ledger.projection import invoices
from ledger.service import Caller, InvalidRequest, NotFound, NotPermitted, Written
from ledger.service.writing import Draft, request_hash, submit, written
from tests.service.conftest import Cast
from tests.service.world import QUOTA_FEN, SERIALS, World, must, refused, tax_id
from verifier.operations import Code, Operation


def flagged(world: World, number: str, reason: str = "销方失联") -> None:
    must(world.flagged(number, reason=reason))


def settled(world: World, cast: Cast) -> str:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK-1", idempotency_key=world.key()))
    return number


def acknowledged(world: World, caller: Caller, number: str) -> Written:
    return world.ledger.supervising.acknowledge(caller, number, note="已知悉", idempotency_key=world.key())


# -- risk flags ------------------------------------------------------------------------------


def test_a_flag_and_its_reason_are_shown_to_who_may_see_the_invoice(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    flagged(world, number, "走逃失联")
    for caller in (cast.claimant, cast.seller, world.officer):
        view = world.ledger.invoice(caller, number)
        assert (view.risk, view.risk_reason) == (True, "走逃失联")
        assert world.ledger.history(caller, number)[-1].note == "走逃失联"
    with pytest.raises(NotFound):
        world.ledger.invoice(cast.stranger, number)
    supervising = world.ledger.supervising
    must(supervising.clear_flag(world.officer, number, reason="查无问题", idempotency_key=world.key()))
    view = world.ledger.invoice(cast.claimant, number)
    assert (view.risk, view.risk_reason) == (False, None)


def test_only_an_officer_flags(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    for caller in (cast.seller, cast.employer, cast.cashier, cast.stranger, world.calendar):
        for act in (world.ledger.proposals.flag, world.ledger.supervising.clear_flag):
            with pytest.raises(NotPermitted):
                act(caller, number, reason="x", idempotency_key=world.key())
    assert not world.ledger.invoice(cast.seller, number).risk


def test_a_flag_is_set_and_cleared_once(world: World, cast: Cast) -> None:
    supervising, number = world.ledger.supervising, world.issued(cast.seller)
    clear = supervising.clear_flag(world.officer, number, reason="x", idempotency_key=world.key())
    refused(clear, "already_so")
    must(world.flagged(number, reason="x"))
    refused(world.flagged(number, reason="y"), "already_so")


def test_a_flagged_invoice_is_not_handed_on_nor_claimed(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    flagged(world, number)
    transfer = world.ledger.transfer(cast.claimant, number, cast.cashier.party, idempotency_key=world.key())
    refused(transfer, "flagged")
    claim = world.ledger.open_claim(
        cast.claimant, [number], employer=cast.employer.party, reference="BX", idempotency_key=world.key()
    )
    refused(claim, "flagged")


def test_a_claimed_invoice_that_is_flagged_is_not_settled(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    flagged(world, number)
    settling = world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK", idempotency_key=world.key())
    refused(settling, "flagged")
    must(world.ledger.supervising.clear_flag(world.officer, number, reason="查清", idempotency_key=world.key()))
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK", idempotency_key=world.key()))


@pytest.mark.parametrize("reason", ["x" * 201, "a\x00b"])
def test_a_reason_that_cannot_be_kept_names_its_field(world: World, cast: Cast, reason: str) -> None:
    number = world.issued(cast.seller)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.proposals.flag(world.officer, number, reason=reason, idempotency_key=world.key())
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("reason", "text_range")
    assert world.ledger.invoice(cast.seller, number).version == 1


def test_a_flag_on_a_number_never_issued_is_not_found(world: World) -> None:
    for number in ("94403260911099999999", "abc"):
        with pytest.raises(NotFound):
            world.ledger.proposals.flag(world.officer, number, reason="x", idempotency_key=world.key())


def test_a_flagged_invoice_is_not_selected_for_deduction(world: World, cast: Cast) -> None:
    number = special(world, cast)
    flagged(world, number)
    refused(selected(world, cast.cashier, cast.employer, number), "flagged")
    must(world.ledger.supervising.clear_flag(world.officer, number, reason="查清", idempotency_key=world.key()))
    must(selected(world, cast.cashier, cast.employer, number))


def test_a_red_after_deduction_tells_the_buyer(world: World, cast: Cast) -> None:
    buyer = world.enterprise("抵扣公司")
    keeper = world.person("抵扣会计", (buyer, ["finance"]))
    number = special(world, cast, buyer)
    must(selected(world, keeper, buyer, number))
    must(period_confirmed(world, keeper, buyer, tax_fen=600, count=1))
    letters = world.ledger.red_letters
    must(letters.open_slip(cast.seller, number, reason="return", idempotency_key=world.key()))
    must(letters.confirm_slip(keeper, number, idempotency_key=world.key()))
    (red,) = must(letters.issue_red(cast.seller, number, idempotency_key=world.key())).numbers
    (told,) = world.ledger.supervising.exceptions(keeper, number=number, limit=10).items
    assert (told.kinds, told.red, told.party) == (("reddened_after_deduction",), red, buyer.party)
    assert world.ledger.supervising.exceptions(cast.cashier, number=number, limit=10).items == ()


def test_a_red_of_a_selection_that_is_not_frozen_raises_nothing(world: World, cast: Cast) -> None:
    number = special(world, cast)
    must(selected(world, cast.cashier, cast.employer, number))
    letters = world.ledger.red_letters
    refused(letters.issue_red(cast.seller, number, reason="return", idempotency_key=world.key()), "slip_needed")
    must(letters.open_slip(cast.seller, number, reason="return", idempotency_key=world.key()))
    must(letters.confirm_slip(cast.cashier, number, idempotency_key=world.key()))
    must(letters.issue_red(cast.seller, number, idempotency_key=world.key()))
    assert world.ledger.supervising.exceptions(world.officer, number=number, limit=10).items == ()


# -- forced unlocking ------------------------------------------------------------------------


def test_an_officer_frees_a_claimed_invoice(world: World, cast: Cast) -> None:
    supervising, number = world.ledger.supervising, world.issued(cast.seller, cast.claimant)
    world.claimed(cast.claimant, cast.employer, number)
    with pytest.raises(NotPermitted):
        supervising.force_unlock(cast.claimant, number, reason="x", idempotency_key=world.key())
    must(supervising.force_unlock(world.officer, number, reason="公司注销", idempotency_key=world.key()))
    assert world.ledger.invoice(cast.claimant, number).claim_state == "free"
    assert world.ledger.history(cast.claimant, number)[-1].note == "公司注销"
    world.claimed(cast.claimant, cast.other_employer, number)


def test_what_is_settled_or_free_is_not_unlocked_by_force(world: World, cast: Cast) -> None:
    supervising = world.ledger.supervising
    for number, reason in ((settled(world, cast), "settled"), (world.issued(cast.seller), "not_locked")):
        refused(supervising.force_unlock(world.officer, number, reason="x", idempotency_key=world.key()), reason)


# -- lifted blocks ---------------------------------------------------------------------------


def test_a_seller_that_did_not_file_issues_again_once_the_block_is_lifted(world: World) -> None:
    late = format_month(parse_month(world.month) - 3)
    seller = _enrolled_since(world, late)
    refused(world.ledger.issue(seller, world.draft(), idempotency_key=world.key()), "months_unfiled")
    assert not world.ledger.month(seller, world.month).lifted
    lift = world.ledger.supervising.lift_block
    must(lift(world.officer, seller.party, world.month, reason="申报系统故障", idempotency_key=world.key()))
    assert world.ledger.month(seller, world.month).lifted
    world.issued(seller)
    refused(lift(world.officer, seller.party, world.month, reason="x", idempotency_key=world.key()), "already_so")


def test_a_block_is_lifted_by_an_officer_for_an_enterprise_and_a_month(world: World, cast: Cast) -> None:
    lift = world.ledger.supervising.lift_block
    with pytest.raises(NotPermitted):
        lift(cast.seller, cast.seller.party, world.month, reason="x", idempotency_key=world.key())
    for party, month, path in (
        (cast.claimant.party, world.month, "party"),
        (2**32, world.month, "party"),
        (cast.seller.party, "2026-13", "month"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            lift(world.officer, party, month, reason="x", idempotency_key=world.key())
        assert caught.value.problems[0].path == path


# -- exceptions ------------------------------------------------------------------------------


def test_a_flag_after_settlement_tells_company_and_officer(world: World, cast: Cast) -> None:
    number = settled(world, cast)
    flagged(world, number)
    exceptions = world.ledger.supervising.exceptions
    for caller in (cast.cashier, cast.employer, world.officer, cast.claimant):
        (told,) = exceptions(caller, number=number, limit=10).items
        assert (told.kinds, told.party, told.operation) == (
            ("flagged_after_use",), cast.employer.party, "set_risk_flag",
        )  # fmt: skip
        assert "异常凭证" in told.text_zh
        assert told.gross_fen == 10_600
    for caller in (cast.seller, cast.other_cashier, cast.stranger):
        assert exceptions(caller, number=number, limit=10).items == ()
        assert number not in [one.number for one in exceptions(caller, limit=50).items]
    assert number in [one.number for one in exceptions(cast.cashier, unanswered=True, limit=50).items]


def test_company_and_officer_acknowledge_each_for_itself(world: World, cast: Cast) -> None:
    number, exceptions = settled(world, cast), world.ledger.supervising.exceptions
    refused(acknowledged(world, cast.cashier, number), "no_exception")
    flagged(world, number)
    must(acknowledged(world, cast.cashier, number))
    (told,) = exceptions(world.officer, number=number, limit=10).items
    assert told.party_at is not None
    assert told.officer_at is None
    assert exceptions(cast.cashier, number=number, unanswered=True, limit=10).items == ()
    assert exceptions(world.officer, number=number, unanswered=True, limit=10).items == (told,)
    refused(acknowledged(world, cast.cashier, number), "already_so")
    must(acknowledged(world, world.officer, number))
    assert exceptions(world.officer, number=number, unanswered=True, limit=10).items == ()


def test_who_was_not_told_does_not_acknowledge(world: World, cast: Cast) -> None:
    number = settled(world, cast)
    flagged(world, number)
    refused(acknowledged(world, cast.seller, number), "not_permitted")
    refused(acknowledged(world, cast.claimant, number), "not_permitted")
    for caller in (cast.stranger, cast.other_cashier):
        with pytest.raises(NotFound):
            acknowledged(world, caller, number)
    (told,) = world.ledger.supervising.exceptions(world.officer, number=number, limit=10).items
    assert (told.party_at, told.officer_at) == (None, None)


def test_exceptions_come_in_pages(world: World, cast: Cast) -> None:
    numbers = [settled(world, cast) for _ in range(3)]
    for number in numbers:
        flagged(world, number)
    exceptions = world.ledger.supervising.exceptions
    first = exceptions(cast.cashier, limit=2)
    assert [one.number for one in first.items] == numbers[:0:-1]
    second = exceptions(cast.cashier, limit=2, cursor=first.next_cursor)
    assert second.items[0].number == numbers[0]
    for what, path in (({"limit": 0}, "limit"), ({"limit": 2, "cursor": "x"}, "cursor")):
        with pytest.raises(InvalidRequest) as caught:
            exceptions(cast.cashier, **what)
        assert caught.value.problems[0].path == path


def special(world: World, cast: Cast, buyer: Caller | None = None) -> str:
    """Number of a fresh special invoice of 600 fen tax."""
    draft = world.draft(buyer or cast.employer, kind="special")
    return must(world.ledger.issue(cast.seller, draft, idempotency_key=world.key())).numbers[0]


def selected(world: World, keeper: Caller, buyer: Caller, number: str) -> Written:
    """Selects all the tax of an invoice for this month."""
    with world.ledger.context.reading() as connection:
        record = invoices.invoice(connection, int(number))
    assert record is not None
    operation = Operation(
        code=Code.SELECT, subject=buyer.party, number=int(number), version=record.version,
        month=parse_month(world.month), option=1, terms=600,
    )  # fmt: skip
    return signed(world, keeper, operation)


def period_confirmed(world: World, keeper: Caller, buyer: Caller, *, tax_fen: int, count: int) -> Written:
    """Freezes what is selected for this month."""
    month, version = parse_month(world.month), world.ledger.party(buyer, buyer.party).version
    operation = Operation(
        code=Code.CONFIRM_MONTH, subject=buyer.party, number=month, version=version, month=month,
        terms=tax_fen | count << 64,
    )  # fmt: skip
    return signed(world, keeper, operation)


def signed(world: World, caller: Caller, operation: Operation) -> Written:
    context, key = world.ledger.context, world.key()
    return written(context, caller, submit(context, caller, key, request_hash(key, {}), lambda _: Draft((operation,))))


def _enrolled_since(world: World, month: str) -> Caller:
    answer, _ = world.ledger.enrol(
        world.officer, kind="enterprise", name="欠报公司", tax_id=tax_id(next(SERIALS)), quota_fen=QUOTA_FEN,
        first_month=month, idempotency_key=world.key(),
    )  # fmt: skip
    party = must(answer).party
    assert party is not None
    must(world.ledger.allot_segment(world.officer, party, idempotency_key=world.key()))
    return world.ledger.caller(party)
