"""Claims through the service: all or none, what a refusal tells whom, withdrawing, approving, rejecting by line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger.service import InvalidRequest, NotFound
from tests.service.conftest import Cast
from tests.service.world import World, must, refused

SENT_AS_IS = "BX-7"


def test_several_invoices_are_claimed_in_one_group(world: World, cast: Cast) -> None:
    numbers = [world.issued(cast.seller, cast.claimant, net_fen=net) for net in (1_000, 2_000, 3_000)]
    claimed = world.ledger.open_claim(
        cast.claimant, numbers, employer=cast.employer.party, reference=SENT_AS_IS, idempotency_key=world.key()
    )
    written = must(claimed)
    assert (claimed.lines, claimed.remaining) == ((), ())
    assert written.numbers == tuple(sorted(numbers))
    assert written.claim_id is not None
    view = world.ledger.claim(cast.claimant, written.claim_id)
    assert [(line.number, line.state) for line in view.lines] == [(number, "locked") for number in sorted(numbers)]
    assert (view.locked_count, view.locked_fen, view.settled_count, view.settled_fen) == (3, 6_360, 0, 0)
    assert (view.reference, view.claimant_name, view.employer_name) == (SENT_AS_IS, "张三", "雇主公司")
    assert len({world.ledger.invoice(cast.claimant, number).hold for number in numbers}) == 1


def test_one_refused_invoice_refuses_the_claim_and_the_rest_is_offered(world: World, cast: Cast) -> None:
    good = [world.issued(cast.seller, cast.claimant) for _ in range(2)]
    claimed_before = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.other_employer, claimed_before, reference="BX-other")
    not_mine = world.issued(cast.seller, cast.cashier)
    for_other = world.issued(cast.seller, cast.claimant, buyer=cast.other_employer)
    never = "99999999999999999998"
    answer = world.ledger.open_claim(
        cast.claimant,
        [*good, claimed_before, not_mine, for_other, never],
        employer=cast.employer.party,
        reference=SENT_AS_IS,
        idempotency_key=world.key(),
    )
    assert answer.written.claim_id is None
    assert answer.written.status.value == "refused"
    reasons = {line.number: line.refusal.reason if line.refusal else None for line in answer.lines}
    assert reasons == {
        good[0]: None,
        good[1]: None,
        claimed_before: "locked",
        not_mine: "not_holder",
        for_other: "wrong_buyer",
        never: "not_holder",  # as one of others: nobody learns by claiming which numbers exist
    }
    assert set(answer.remaining) == set(good)
    hold = next(line.refusal.hold for line in answer.lines if line.number == claimed_before and line.refusal)
    assert hold is not None
    assert hold.claim_id == claim_id
    for number in good:
        assert world.ledger.invoice(cast.claimant, number).claim_state == "free"
    resent = world.ledger.open_claim(
        cast.claimant,
        list(answer.remaining),
        employer=cast.employer.party,
        reference=SENT_AS_IS,
        idempotency_key=world.key(),
    )
    assert set(must(resent).numbers) == set(good)


def test_a_duplicate_says_which_claim_since_when_and_at_which_company(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    began = datetime.now(UTC) - timedelta(seconds=2)
    claim_id = world.claimed(cast.claimant, cast.employer, number, reference="BX-first")
    answer = world.ledger.open_claim(
        cast.claimant, [number], employer=cast.other_employer.party, reference="BX-2", idempotency_key=world.key()
    )
    refusal = refused(answer, "locked").refusal
    assert refusal is not None
    hold = refusal.hold
    assert hold is not None
    assert (hold.claim_id, hold.reference) == (claim_id, "BX-first")
    assert (hold.employer, hold.employer_name) == (cast.employer.party, "雇主公司")
    assert (hold.claimant, hold.claimant_name) == (cast.claimant.party, "张三")
    assert began <= hold.since <= datetime.now(UTC)
    assert refusal.number == number


def test_a_stranger_is_not_told_who_claimed_an_invoice(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    world.claimed(cast.claimant, cast.employer, number)
    colleague = world.person("同事", (cast.employer, ["claim"]))
    answer = world.ledger.open_claim(colleague, [number], employer=cast.employer.party, idempotency_key=world.key())
    assert answer.written.refusal is not None
    assert answer.written.refusal.hold is None
    assert all(line.refusal is not None and line.refusal.hold is None for line in answer.lines)


def test_the_seller_sees_that_it_is_claimed_but_not_by_whom(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    world.claimed(cast.claimant, cast.employer, number)
    view = world.ledger.invoice(cast.seller, number)
    assert (view.claim_state, view.hold) == ("locked", None)
    for may_know in (cast.claimant, cast.cashier, cast.employer, world.officer):
        assert world.ledger.invoice(may_know, number).hold is not None


def test_a_reimbursed_invoice_claimed_again_elsewhere_names_the_first_claim(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P-1", idempotency_key=world.key()))
    for employer in (cast.employer, cast.other_employer):
        answer = world.ledger.open_claim(cast.claimant, [number], employer=employer.party, idempotency_key=world.key())
        assert answer.written.refusal is not None
        assert answer.remaining == ()
        for refusal in (answer.written.refusal, answer.lines[0].refusal):
            assert refusal is not None
            assert refusal.hold is not None
            assert (refusal.hold.claim_id, refusal.hold.employer) == (claim_id, cast.employer.party)


def test_the_seller_cannot_claim_its_own_invoice(world: World, cast: Cast) -> None:
    clerk = world.person("店员", (cast.seller, ["claim"]))
    number = world.issued(cast.seller, clerk)
    answer = world.ledger.open_claim(clerk, [number], employer=cast.seller.party, idempotency_key=world.key())
    refused(answer, "own_invoice")


def test_who_has_no_claim_grant_is_refused(world: World, cast: Cast) -> None:
    outsider = world.person("外人")
    number = world.issued(cast.seller, outsider)
    answer = world.ledger.open_claim(outsider, [number], employer=cast.employer.party, idempotency_key=world.key())
    refused(answer, "not_permitted")
    assert answer.remaining == ()


@pytest.mark.parametrize(
    ("numbers", "path", "code"),
    [
        ([], "numbers", "count_range"),
        (["1"] * 101, "numbers", "count_range"),
        (["1"], "numbers.0", "number_unknown"),
        (["99999999999999999998", "99999999999999999998"], "numbers.1", "number_twice"),
    ],
)
def test_the_numbers_of_a_claim_are_checked(world: World, cast: Cast, numbers: list[str], path: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.open_claim(cast.claimant, numbers, employer=cast.employer.party, idempotency_key=world.key())
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == (path, code)


@pytest.mark.parametrize("employer", [0, -5, 999_999, 2**32, 2**90])
def test_an_unknown_employer_is_refused(world: World, cast: Cast, employer: int) -> None:
    number = world.issued(cast.seller, cast.claimant)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.open_claim(cast.claimant, [number], employer=employer, idempotency_key=world.key())
    assert caught.value.problems[0].path == "employer"


def test_a_person_is_no_employer(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.open_claim(cast.claimant, [number], employer=cast.cashier.party, idempotency_key=world.key())
    assert caught.value.problems[0].code == "party_kind"


def test_an_invoice_of_the_employer_is_claimed_on_its_behalf(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, buyer=cast.employer)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    assert world.ledger.claim(cast.claimant, claim_id).claimant == cast.claimant.party
    must(world.ledger.withdraw_claim(cast.claimant, claim_id, idempotency_key=world.key()))


def test_a_claim_is_withdrawn_by_line_and_then_whole(world: World, cast: Cast) -> None:
    numbers = [world.issued(cast.seller, cast.claimant) for _ in range(3)]
    claim_id = world.claimed(cast.claimant, cast.employer, *numbers)
    must(world.ledger.withdraw_claim(cast.claimant, claim_id, numbers=[numbers[0]], idempotency_key=world.key()))
    view = world.ledger.claim(cast.claimant, claim_id)
    assert (view.locked_count, view.released_count) == (2, 1)
    assert {line.number for line in view.lines if line.state == "locked"} == set(numbers[1:])
    must(world.ledger.withdraw_claim(cast.claimant, claim_id, idempotency_key=world.key()))
    view = world.ledger.claim(cast.claimant, claim_id)
    assert (view.locked_count, view.released_count) == (0, 3)
    assert [(line.state, line.ended) for line in view.lines] == [("released", "withdrawn")] * 3
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.withdraw_claim(cast.claimant, claim_id, idempotency_key=world.key())
    assert caught.value.problems[0].code == "claim_lines_none"
    world.claimed(cast.claimant, cast.other_employer, *numbers)


def test_a_line_of_another_claim_cannot_be_released(world: World, cast: Cast) -> None:
    mine, other = (world.issued(cast.seller, cast.claimant) for _ in range(2))
    claim_id = world.claimed(cast.claimant, cast.employer, mine)
    world.claimed(cast.claimant, cast.employer, other)
    for number in (other, "99999999999999999997"):
        with pytest.raises(InvalidRequest) as caught:
            world.ledger.withdraw_claim(cast.claimant, claim_id, numbers=[number], idempotency_key=world.key())
        assert caught.value.problems[0].code == "claim_line_foreign"


def test_finance_approves_and_the_employer_becomes_the_holder(world: World, cast: Cast) -> None:
    numbers = [world.issued(cast.seller, cast.claimant) for _ in range(2)]
    claim_id = world.claimed(cast.claimant, cast.employer, *numbers)
    written = must(
        world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="银行流水-9", idempotency_key=world.key())
    )
    assert written.claim_id == claim_id
    view = world.ledger.claim(cast.claimant, claim_id)
    assert (view.locked_count, view.settled_count, view.settled_fen) == (0, 2, 21_200)
    assert {line.state for line in view.lines} == {"settled"}
    for number in numbers:
        invoice = world.ledger.invoice(cast.employer, number)
        assert (invoice.claim_state, invoice.holder) == ("settled", cast.employer.party)


def test_settling_cannot_be_undone(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P", idempotency_key=world.key()))
    refused(
        world.ledger.withdraw_claim(cast.claimant, claim_id, numbers=[number], idempotency_key=world.key()), "settled"
    )
    refused(
        world.ledger.reject_claim(cast.cashier, claim_id, numbers=[number], reason="晚了", idempotency_key=world.key()),
        "settled",
    )


def test_finance_rejects_one_line_and_approves_the_rest(world: World, cast: Cast) -> None:
    keep, drop = (world.issued(cast.seller, cast.claimant) for _ in range(2))
    claim_id = world.claimed(cast.claimant, cast.employer, keep, drop)
    must(
        world.ledger.reject_claim(cast.cashier, claim_id, numbers=[drop], reason="非公务", idempotency_key=world.key())
    )
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P", idempotency_key=world.key()))
    assert world.ledger.invoice(cast.claimant, drop).claim_state == "free"
    assert world.ledger.invoice(cast.claimant, keep).claim_state == "settled"
    lines = {line.number: line for line in world.ledger.claim(cast.claimant, claim_id).lines}
    assert (lines[drop].state, lines[drop].ended, lines[drop].reason) == ("released", "rejected", "非公务")
    assert (lines[keep].state, lines[keep].ended, lines[keep].payment_reference) == ("settled", "settled", "P")
    assert (lines[keep].reason, lines[drop].payment_reference) == (None, None)
    world.claimed(cast.claimant, cast.employer, drop)


def test_a_claimant_cannot_approve_its_own_claim(world: World, cast: Cast) -> None:
    both = world.person("身兼二职", (cast.employer, ["claim", "finance"]))
    number = world.issued(cast.seller, both)
    claim_id = world.claimed(both, cast.employer, number)
    refused(world.ledger.approve_claim(both, claim_id, payment_reference="P", idempotency_key=world.key()), "own_claim")
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P", idempotency_key=world.key()))


def test_a_claim_of_others_is_not_there_for_a_stranger(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    for outsider in (cast.stranger, cast.seller, cast.other_cashier, world.person("旁人", (cast.employer, ["claim"]))):
        with pytest.raises(NotFound):
            world.ledger.claim(outsider, claim_id)
        with pytest.raises(NotFound):
            world.ledger.approve_claim(outsider, claim_id, payment_reference="P", idempotency_key=world.key())
        assert claim_id not in {view.claim_id for view in world.ledger.claims(outsider, limit=50).items}
    for insider in (cast.claimant, cast.employer, cast.cashier, world.officer):
        assert world.ledger.claim(insider, claim_id).claim_id == claim_id
        assert claim_id in {view.claim_id for view in world.ledger.claims(insider, limit=50).items}


def test_an_officer_sees_a_claim_and_cannot_settle_it(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    refused(
        world.ledger.approve_claim(world.officer, claim_id, payment_reference="P", idempotency_key=world.key()),
        "not_permitted",
    )
    refused(world.ledger.withdraw_claim(world.officer, claim_id, idempotency_key=world.key()), "not_permitted")


@pytest.mark.parametrize("claim_id", ["", "0" * 32, "zz", "ä", "f" * 33])
def test_an_unknown_claim_is_not_found(world: World, cast: Cast, claim_id: str) -> None:
    with pytest.raises(NotFound):
        world.ledger.claim(cast.claimant, claim_id)


def test_claims_come_page_by_page_newest_first(world: World, cast: Cast) -> None:
    claimant = world.person("常客", (cast.employer, ["claim"]))
    ids = [world.claimed(claimant, cast.employer, world.issued(cast.seller, claimant)) for _ in range(3)]
    first = world.ledger.claims(claimant, limit=2)
    assert [view.claim_id for view in first.items] == [ids[2], ids[1]]
    rest = world.ledger.claims(claimant, cursor=first.next_cursor, limit=2)
    assert [view.claim_id for view in rest.items] == [ids[0]]
    assert rest.next_cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "fffffffffffffffff"])
def test_a_cursor_of_no_list_of_claims_is_a_request_to_correct(world: World, cast: Cast, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.claims(cast.claimant, cursor=cursor)
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("cursor", "cursor_form")


@pytest.mark.parametrize("limit", [0, -1, 51, 10**9])
def test_a_page_of_claims_has_a_limit(world: World, cast: Cast, limit: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.claims(cast.claimant, limit=limit)
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("limit", "count_range")


@pytest.mark.parametrize("reference", ["x" * 129, "a\nb", "\ud800"])
def test_a_reference_has_a_limit(world: World, cast: Cast, reference: str) -> None:
    number = world.issued(cast.seller, cast.claimant)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.open_claim(
            cast.claimant, [number], employer=cast.employer.party, reference=reference, idempotency_key=world.key()
        )
    assert caught.value.problems[0].path == "reference"
