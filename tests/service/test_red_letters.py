"""Red letters through the service: who may, what is left, what both invoices show, and what comes back of the quota."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.domain.months import format_month, month_of, month_start, parse_month
from ledger.domain.red import Credit
from ledger.domain.references import new_reference
from ledger.projection import invoices, keystore
from ledger.service import Caller, InvalidRequest, NotFound, instructions
from ledger.service.proofs import opened_document, opened_stored
from ledger.service.writing import Draft, request_hash, submit, written
from tests.service.conftest import Cast
from tests.service.red_acts import booked, confirmed, opened, problem_of, reddened, settled
from tests.service.test_supervising import signed
from tests.service.world import QUOTA_FEN, SERIALS, World, must, refused, tax_id
from verifier.canonical import dumps
from verifier.operations import Code, Operation
from verifier.report import Result
from verifier.steps import verify
from verifier.trust import parse_trust

# -- the seller alone ------------------------------------------------------------------------


def test_a_free_invoice_is_reddened_by_its_seller_alone(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    assert world.ledger.red_letters.outlook(cast.seller, number).way == "alone"
    (red,) = must(reddened(world, cast.seller, number)).numbers
    blue, view = world.ledger.invoice(cast.seller, number), world.ledger.invoice(cast.employer, red)
    assert (blue.colour, blue.credited_fen, blue.left_fen, blue.reds) == ("fully_red", 10_600, 0, (red,))
    assert (view.kind, view.blue, view.red_reason, view.gross_fen, view.holder) == (
        "red", number, "return", 10_600, cast.seller.party,
    )  # fmt: skip
    assert view.document is not None
    assert (view.document["gross_fen"], view.document["original"]) == (-10_600, {"number": number})
    outlook = world.ledger.red_letters.outlook(cast.employer, number)
    assert (outlook.way, outlook.left_fen, [one.number for one in outlook.reds]) == ("none", 0, [red])
    assert outlook.refusal is not None
    assert outlook.refusal.reason == "reddened"


def test_a_red_takes_the_next_number_of_the_seller(world: World) -> None:
    seller = world.enterprise("连号公司", segment=True)
    number = world.issued(seller)
    (red,) = must(reddened(world, seller, number)).numbers
    assert int(red) == int(number) + 1
    assert int(world.issued(seller)) == int(red) + 1


def test_a_clerk_of_the_seller_reddens_and_its_bookkeeper_does_not(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    refused(reddened(world, cast.bookkeeper, number), "not_permitted")
    must(reddened(world, cast.clerk, number))


def test_who_buys_or_holds_does_not_redden(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant, buyer=cast.employer)
    for caller in (cast.claimant, cast.cashier, cast.employer, world.officer):
        refused(reddened(world, caller, number), "not_permitted")
    assert world.ledger.invoice(cast.seller, number).colour == "normal"


def test_a_stranger_is_not_even_told_that_the_invoice_exists(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    for caller in (cast.stranger, cast.other_cashier):
        for act in (reddened, opened):
            with pytest.raises(NotFound):
                act(world, caller, number)
        with pytest.raises(NotFound):
            confirmed(world, caller, number)
        with pytest.raises(NotFound):
            world.ledger.red_letters.outlook(caller, number)
        assert world.ledger.red_letters.slips(caller, number=number, limit=10).items == ()
    with pytest.raises(NotFound):
        reddened(world, cast.seller, "94403260911099999999")


def test_a_red_of_a_red_is_a_request_to_correct(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    (red,) = must(reddened(world, cast.seller, number)).numbers
    with pytest.raises(InvalidRequest) as caught:
        reddened(world, cast.seller, red)
    assert problem_of(caught) == ("number", "red_of_red")
    assert world.ledger.red_letters.outlook(cast.seller, red).way == "none"
    transfer = world.ledger.transfer(cast.seller, red, cast.claimant.party, idempotency_key=world.key())
    refused(transfer, "is_red")


def test_an_outside_invoice_is_not_reddened_here(world: World, cast: Cast) -> None:
    number = 24_442_000_000_012_345_678
    operation = Operation(
        code=Code.REGISTER_OUTSIDE, subject=cast.claimant.party, number=number, party=cast.employer.party,
        month=parse_month(world.month), option=2, terms=10_600 | 600 << 48 | 77 << 96, ref=b"\1" * 32,
    )  # fmt: skip
    must(signed(world, cast.claimant, operation))
    for act in (reddened, opened):
        with pytest.raises(InvalidRequest) as caught:
            act(world, cast.claimant, str(number))
        assert problem_of(caught) == ("number", "red_outside")
    outlook = world.ledger.red_letters.outlook(cast.claimant, str(number))
    assert (outlook.way, outlook.left_fen, outlook.lines) == ("none", 0, ())
    assert outlook.refusal is not None
    assert outlook.refusal.reason == "outside"


# -- partial reds ----------------------------------------------------------------------------


def test_partial_reds_use_the_blue_up(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    must(reddened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=3_000)]))
    must(reddened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=2_500)]))
    view = world.ledger.invoice(cast.seller, number)
    assert (view.colour, view.credited_fen, view.left_fen, len(view.reds)) == ("partly_red", 5_830, 4_770, 2)
    (left,) = world.ledger.red_letters.outlook(cast.seller, number).lines
    assert (left.line, left.net_fen, left.tax_fen) == (1, 4_500, 270)
    must(reddened(world, cast.seller, number, reason="allowance"))
    view = world.ledger.invoice(cast.seller, number)
    assert (view.colour, view.left_fen, len(view.reds)) == ("fully_red", 0, 3)
    with pytest.raises(InvalidRequest) as caught:
        reddened(world, cast.seller, number, reason="allowance")
    assert problem_of(caught)[1] == "red_nothing"


@pytest.mark.parametrize(
    ("parts", "path", "code"),
    [
        ([Credit(1, net_fen=10_001)], "parts.0.net_fen", "red_more_net"),
        ([Credit(2, net_fen=1)], "parts.0.line", "red_line_unknown"),
        ([Credit(0)], "parts.0.line", "red_line_unknown"),
        ([Credit(1, quantity="abc")], "parts.0.quantity", "decimal_form"),
        ([], "parts", "count_range"),
        ([Credit(1)] * 2_001, "parts", "count_range"),
    ],
)
def test_more_than_is_left_is_a_request_to_correct(
    world: World, cast: Cast, parts: list[Credit], path: str, code: str
) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    for act in (reddened, opened):
        with pytest.raises(InvalidRequest) as caught:
            act(world, cast.seller, number, reason="allowance", parts=parts)
        assert problem_of(caught) == (path, code)
    assert world.ledger.invoice(cast.seller, number).version == 1


def test_issued_in_error_credits_the_whole(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    with pytest.raises(InvalidRequest) as caught:
        reddened(world, cast.seller, number, reason="issued_in_error", parts=[Credit(1, net_fen=1_000)])
    assert problem_of(caught) == ("reason", "red_error_partial")
    must(reddened(world, cast.seller, number, reason="issued_in_error"))


def test_a_red_document_can_be_given_instead_of_parts(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    line = {"name": "*餐饮服务*餐费", "net_fen": -5_000, "rate_bp": 600, "tax_fen": -300}
    document = {"lines": [line], "net_fen": -5_000, "tax_fen": -300, "gross_fen": -5_300}
    must(reddened(world, cast.seller, number, reason="allowance", document=document))
    assert world.ledger.invoice(cast.seller, number).credited_fen == 5_300
    wrong = {**document, "gross_fen": -5_301}
    with pytest.raises(InvalidRequest) as caught:
        reddened(world, cast.seller, number, reason="allowance", document=wrong)
    assert problem_of(caught) == ("document.gross_fen", "total_gross")


@pytest.mark.parametrize(
    ("what", "path", "code"),
    [
        ({"reason": "because"}, "reason", "red_reason_unknown"),
        ({"reason": None}, "reason", "red_reason_missing"),
        ({"document": [1]}, "document", "red_document_form"),
        ({"document": {"lines": 1.5}}, "document.lines", "wrong_type"),
        ({"document": {}, "parts": [Credit(1)]}, "document", "red_parts_or_document"),
        ({"subject": 2**32}, "subject", "party_unknown"),
    ],
)
def test_what_cannot_be_read_names_its_field(
    world: World, cast: Cast, what: dict[str, object], path: str, code: str
) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    with pytest.raises(InvalidRequest) as caught:
        reddened(world, cast.seller, number, **what)
    assert problem_of(caught) == (path, code)


# -- what is shown ---------------------------------------------------------------------------


def test_both_invoices_tell_of_the_red_letter(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    (red,) = must(reddened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=1_000)])).numbers
    of_blue = world.ledger.history(cast.claimant, number)[-1]
    of_red = world.ledger.history(cast.claimant, red)[-1]  # its holder sees the red, though no party to it
    for step in (of_blue, of_red):
        assert (step.operation, step.red, step.blue, step.gross_fen, step.red_reason) == (
            "issue_red", red, number, 1_060, "allowance",
        )  # fmt: skip
    assert (of_blue.version, of_red.version) == (2, 1)
    assert world.ledger.evidence(cast.claimant, red)
    with pytest.raises(NotFound):
        world.ledger.invoice(cast.stranger, red)


def test_the_red_document_is_sealed_and_committed(world: World, cast: Cast) -> None:

    number = world.issued(cast.seller, buyer=cast.employer)
    (red,) = must(reddened(world, cast.seller, number)).numbers
    context = world.ledger.context
    with context.reading() as connection:
        record = invoices.invoice(connection, int(red))
        assert record is not None
        stored = keystore.document(connection, red, record.digest)
        assert stored is not None
        document = opened_document(context, connection, record)
    assert document is not None
    assert document.commitment(opened_stored(context, stored)[1]) == record.commitment
    assert "餐费".encode() not in bytes(stored.sealed_document or b"")


def test_erasing_a_document_erases_what_reds_and_slips_repeat_of_it(world: World, cast: Cast) -> None:
    number, letters = booked(world, cast), world.ledger.red_letters
    must(opened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=1_000)]))
    must(confirmed(world, cast.cashier, number))
    (red,) = must(reddened(world, cast.seller, number, reason=None)).numbers
    world.ledger.context.store.write(lambda connection: keystore.forget_document(connection, number))
    assert world.ledger.invoice(cast.seller, number).document is None
    assert world.ledger.invoice(cast.seller, red).document is None
    (slip,) = letters.slips(cast.seller, number=number, limit=10).items
    assert (slip.state, slip.document, slip.gross_fen) == ("used", None, 1_060)
    outlook = letters.outlook(cast.seller, number)
    assert (outlook.way, outlook.left_fen, outlook.lines) == ("agreement", 9_540, ())
    with pytest.raises(NotFound):
        reddened(world, cast.seller, number)


def test_the_evidence_of_blue_and_red_verifies_offline(world: World, cast: Cast) -> None:
    number = settled(world, cast)
    must(opened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=100)]))
    must(confirmed(world, cast.cashier, number))
    (red,) = must(reddened(world, cast.seller, number, reason=None)).numbers
    must(world.ledger.supervising.acknowledge(cast.cashier, number, idempotency_key=world.key()))
    trusted = parse_trust(dumps(world.ledger.trust()))
    for one in (number, red):
        evidence = world.ledger.evidence(cast.cashier, one)
        assert {step.result for step in verify(evidence, trusted).steps} == {Result.VALID}
        spoilt = evidence.replace(one.encode(), f"{int(one) + 7}".encode())
        assert Result.INVALID in {step.result for step in verify(spoilt, trusted).steps}


# -- once ------------------------------------------------------------------------------------


def test_a_repeated_request_is_answered_and_not_done_again(world: World, cast: Cast) -> None:
    number, key = world.issued(cast.seller, buyer=cast.employer), world.key()
    letters = world.ledger.red_letters
    first = must(letters.issue_red(cast.seller, number, reason="return", idempotency_key=key))
    again = letters.issue_red(cast.seller, number, reason="return", idempotency_key=key)
    assert (again.digest, again.numbers) == (first.digest, first.numbers)  # though nothing is left by now
    assert len(world.ledger.invoice(cast.seller, number).reds) == 1
    slip_key, other = world.key(), booked(world, cast)
    one = letters.open_slip(cast.seller, other, reason="return", idempotency_key=slip_key)
    assert letters.open_slip(cast.seller, other, reason="return", idempotency_key=slip_key).digest == one.digest
    assert len(letters.slips(cast.seller, number=other, limit=10).items) == 1


def test_two_reds_at_once_leave_one(world: World, cast: Cast) -> None:
    number, hurried = world.issued(cast.seller, buyer=cast.employer), world.hurried()
    with world.sequencing.held():
        written = [
            hurried.red_letters.issue_red(cast.seller, number, reason="return", idempotency_key=world.key())
            for _ in range(2)
        ]
    for one in written:
        world.ledger.context.watch.wait(bytes.fromhex(one.digest), 20_000)
    refused(world.ledger.operation(cast.seller, written[1].digest), "reddened")
    assert world.ledger.invoice(cast.seller, number).reds == written[0].numbers


# -- claims, settlement, quota ---------------------------------------------------------------


def test_a_full_red_cancels_the_claim(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    refused(reddened(world, cast.seller, number), "slip_needed")
    must(opened(world, cast.seller, number))
    must(confirmed(world, cast.cashier, number))
    must(reddened(world, cast.seller, number, reason=None))
    assert world.ledger.invoice(cast.claimant, number).claim_state == "cancelled"
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK-2", idempotency_key=world.key())
    assert caught.value.problems[0].code == "claim_lines_none"


def test_a_partly_reddened_claim_is_not_settled_at_the_old_amount(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(opened(world, cast.seller, number, reason="allowance", parts=[Credit(1, net_fen=1_000)]))
    must(confirmed(world, cast.cashier, number))
    must(reddened(world, cast.seller, number, reason=None))
    settling = world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK-3", idempotency_key=world.key())
    refused(settling, "reddened")
    must(world.ledger.withdraw_claim(cast.claimant, claim_id, idempotency_key=world.key()))
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="FK-4", idempotency_key=world.key()))


def test_a_red_after_settlement_keeps_history_and_tells_the_reimburser(world: World, cast: Cast) -> None:
    number = settled(world, cast)
    must(opened(world, cast.seller, number))
    must(confirmed(world, cast.cashier, number))
    (red,) = must(reddened(world, cast.seller, number, reason=None)).numbers
    view = world.ledger.invoice(cast.cashier, number)
    assert (view.claim_state, view.colour) == ("settled", "fully_red")
    (told,) = world.ledger.supervising.exceptions(cast.cashier, number=number, limit=10).items
    assert (told.kinds, told.red, told.party) == (("reddened_after_settlement",), red, cast.employer.party)


def test_a_red_of_the_same_month_gives_quota_back(world: World) -> None:
    seller = world.enterprise("额度公司", segment=True, quota_fen=20_000)
    number = world.issued(seller)
    refused(world.ledger.issue(seller, world.draft(), idempotency_key=world.key()), "quota_exceeded")
    before = world.ledger.month(seller, world.month)
    assert (before.quota_used_fen, before.quota_left_fen, before.quota_returned_fen) == (10_600, 9_400, 0)
    must(reddened(world, seller, number, reason="allowance", parts=[Credit(1, net_fen=5_000)]))
    after = world.ledger.month(seller, world.month)
    assert (after.quota_used_fen, after.quota_left_fen, after.quota_returned_fen) == (5_300, 14_700, 5_300)
    assert (after.red_gross_fen, after.red_tax_fen, after.count) == (5_300, 300, 2)
    world.issued(seller)


def test_a_quota_lowered_below_its_use_leaves_only_reds(world: World) -> None:
    seller = world.enterprise("降额公司", segment=True)
    number = world.issued(seller)
    must(world.ledger.set_quota(world.officer, seller.party, 100, idempotency_key=world.key()))
    assert world.ledger.month(seller, world.month).quota_left_fen == 0
    refused(world.ledger.issue(seller, world.draft(), idempotency_key=world.key()), "quota_exceeded")
    must(reddened(world, seller, number))


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[World]:
    """A ledger of its own: months are everybody's."""
    made = World(tmp_path)
    yield made
    made.close()


def test_a_red_of_a_later_month_gives_no_quota_back(own_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = own_world
    last = month_of(datetime.now(UTC)) - 1
    _open_until_tomorrow(world, last)
    seller = _enrolled_since(world, last)
    day = month_start(last).date() + timedelta(days=5)
    with monkeypatch.context() as patched:
        patched.setattr("ledger.service.issuing.cst_date", lambda _: day)
        number = world.issued(seller)
    before = world.ledger.month(seller, format_month(last))
    assert (before.quota_used_fen, before.blue_gross_fen) == (10_600, 10_600)
    must(reddened(world, seller, number))
    after = world.ledger.month(seller, format_month(last))
    assert (after.quota_used_fen, after.quota_returned_fen, after.red_gross_fen) == (10_600, 0, 0)
    now = world.ledger.month(seller, world.month)
    assert (now.red_gross_fen, now.quota_used_fen, now.quota_returned_fen, now.count) == (10_600, 0, 0, 1)


def _open_until_tomorrow(world: World, month: int) -> None:
    """Opens a past month so that it can still be issued in."""
    context, calendar = world.ledger.context, world.calendar
    operation = instructions.open_month(
        actor=calendar.party, month=month, opens_at=int(month_start(month).timestamp()),
        closes_at=context.now_s() + 86_400, ref=new_reference("").ref,
    )  # fmt: skip
    submitted = submit(context, calendar, world.key(), request_hash("test", {}), lambda _: Draft((operation,)))
    must(written(context, calendar, submitted))


def _enrolled_since(world: World, month: int) -> Caller:
    answer, _ = world.ledger.enrol(
        world.officer, kind="enterprise", name="跨月公司", tax_id=tax_id(next(SERIALS)), quota_fen=QUOTA_FEN,
        first_month=format_month(month), idempotency_key=world.key(),
    )  # fmt: skip
    party = must(answer).party
    assert party is not None
    must(world.ledger.allot_segment(world.officer, party, idempotency_key=world.key()))
    return world.ledger.caller(party)
