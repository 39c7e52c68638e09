"""Issuing through the service: what is filled in, which number is taken, who holds it first, what each row became."""

from __future__ import annotations

import pytest

from ledger.service import InvalidRequest, NoSigningKey, NotPermitted, NumbersExhausted, WriteStatus
from ledger.service.issuing import ISSUE_LIST_MAX
from tests.service.conftest import Cast
from tests.service.world import World, must, refused, tax_id


def problems(caught: pytest.ExceptionInfo[InvalidRequest]) -> set[tuple[str, str]]:
    return {(problem.path, problem.code) for problem in caught.value.problems}


def test_the_seller_is_filled_in_from_the_register(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant, cast.employer)
    view = world.ledger.invoice(cast.seller, number)
    assert view.document is not None
    assert view.document["seller"] == {"name": "深圳咖啡有限公司", "tax_id": world.tax_ids[cast.seller.party]}
    assert (view.seller, view.buyer, view.holder) == (cast.seller.party, cast.employer.party, cast.claimant.party)
    assert (view.gross_fen, view.tax_fen, view.month) == (10_600, 600, world.month)
    assert (view.claim_state, view.entry, view.colour, view.kind) == ("free", "not_booked", "normal", "ordinary")
    assert view.document["number"] == number


def test_a_seller_named_with_its_own_tax_id_is_taken(world: World, cast: Cast) -> None:
    given = {"name": "招牌名", "tax_id": world.tax_ids[cast.seller.party]}
    written = must(world.ledger.issue(cast.seller, world.draft(seller=given), idempotency_key=world.key()))
    document = world.ledger.invoice(cast.seller, written.numbers[0]).document
    assert document is not None
    assert document["seller"] == given


def test_another_sellers_tax_id_is_named_and_nothing_is_stored(world: World, cast: Cast) -> None:
    given = {"name": "冒名", "tax_id": world.tax_ids[cast.stranger.party]}
    before = world.ledger.health()
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.seller, world.draft(seller=given), idempotency_key=world.key())
    assert problems(caught) == {("seller.tax_id", "seller_differs")}
    assert world.ledger.health() == before


def test_an_invalid_document_names_every_field(world: World, cast: Cast) -> None:
    draft = {**world.draft(gross_fen=1), "net_fen": "10000"}
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.seller, draft, idempotency_key=world.key())
    paths = {path for path, _ in problems(caught)}
    assert "net_fen" in paths
    assert all(problem.message_en and problem.message_zh for problem in caught.value.problems)


@pytest.mark.parametrize("document", [None, 7, "text", [], {"lines": 3}, {"seller": 4}])
def test_what_is_no_document_is_refused_in_words(world: World, cast: Cast, document: object) -> None:
    with pytest.raises(InvalidRequest):
        world.ledger.issue(cast.seller, document, idempotency_key=world.key())


def test_a_draft_that_brings_a_number_is_refused(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.seller, world.draft(number=number, issued_on="2026-01-01"), idempotency_key=world.key())
    assert problems(caught)


def test_a_failed_try_does_not_spend_the_idempotency_key(world: World, cast: Cast) -> None:
    key = world.key()
    with pytest.raises(InvalidRequest):
        world.ledger.issue(cast.seller, world.draft(gross_fen=1), idempotency_key=key)
    must(world.ledger.issue(cast.seller, world.draft(), idempotency_key=key))


def test_a_reserved_number_can_be_used_once(world: World, cast: Cast) -> None:
    reserved = world.ledger.reserve_numbers(cast.seller, 2, idempotency_key=world.key())
    assert len(reserved.numbers) == 2
    written = must(
        world.ledger.issue(cast.seller, world.draft(), number=reserved.numbers[1], idempotency_key=world.key())
    )
    assert written.numbers == (reserved.numbers[1],)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.seller, world.draft(), number=reserved.numbers[1], idempotency_key=world.key())
    assert problems(caught) == {("number", "number_not_reserved")}


@pytest.mark.parametrize("number", ["1", "90000000000000000000", "９" * 20, "x" * 20, ""])
def test_a_number_that_is_not_reserved_is_refused(world: World, cast: Cast, number: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.seller, world.draft(), number=number, idempotency_key=world.key())
    assert problems(caught) == {("number", "number_not_reserved")}


def test_a_neighbours_reserved_number_is_refused(world: World, cast: Cast) -> None:
    reserved = world.ledger.reserve_numbers(cast.seller, 1, idempotency_key=world.key())
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.stranger, world.draft(), number=reserved.numbers[0], idempotency_key=world.key())
    assert problems(caught) == {("number", "number_not_reserved")}


def test_reserved_numbers_are_not_given_to_anybody_else(world: World, cast: Cast) -> None:
    reserved = world.ledger.reserve_numbers(cast.seller, 3, idempotency_key=world.key())
    issued = world.issued(cast.seller)
    more = world.ledger.reserve_numbers(cast.seller, 3, idempotency_key=world.key())
    assert len({issued, *reserved.numbers, *more.numbers}) == 7


def test_reserving_again_with_the_same_key_gives_the_same_numbers(world: World, cast: Cast) -> None:
    key = world.key()
    first = world.ledger.reserve_numbers(cast.seller, 2, idempotency_key=key)
    assert world.ledger.reserve_numbers(cast.seller, 2, idempotency_key=key) == first


def test_a_clerk_reserves_for_its_enterprise_and_a_bookkeeper_does_not(world: World, cast: Cast) -> None:
    reserved = world.ledger.reserve_numbers(cast.clerk, 1, idempotency_key=world.key())
    written = world.ledger.issue(cast.clerk, world.draft(), number=reserved.numbers[0], idempotency_key=world.key())
    assert must(written).numbers == reserved.numbers
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.reserve_numbers(cast.bookkeeper, 1, subject=cast.seller.party, idempotency_key=world.key())
    assert problems(caught) == {("subject", "party_unknown")}


@pytest.mark.parametrize("count", [0, -1, 1_001])
def test_reserving_has_a_limit(world: World, cast: Cast, count: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.reserve_numbers(cast.seller, count, idempotency_key=world.key())
    assert problems(caught) == {("count", "count_range")}


def test_a_seller_without_a_segment_has_no_numbers(world: World, cast: Cast) -> None:
    with pytest.raises(NumbersExhausted) as caught:
        world.ledger.issue(cast.employer, world.draft(), idempotency_key=world.key())
    assert caught.value.seller == cast.employer.party


def test_the_first_holder_is_the_named_buyer_unless_said_otherwise(world: World, cast: Cast) -> None:
    for first_holder, expected in (
        (None, cast.employer.party),
        ("buyer", cast.employer.party),
        ("seller", cast.seller.party),
        (cast.claimant.party, cast.claimant.party),
    ):
        written = must(
            world.ledger.issue(
                cast.seller, world.draft(cast.employer), first_holder=first_holder, idempotency_key=world.key()
            )
        )
        assert world.ledger.invoice(cast.seller, written.numbers[0]).holder == expected


def test_without_a_named_buyer_the_seller_holds_until_pickup(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller)
    view = world.ledger.invoice(cast.seller, number)
    assert (view.holder, view.buyer, view.buyer_name) == (cast.seller.party, 0, "")


def test_a_personal_buyer_cannot_hold_first(world: World, cast: Cast) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.seller, world.draft(), first_holder="buyer", idempotency_key=world.key())
    assert problems(caught) == {("first_holder", "first_holder_personal")}


def test_an_enterprise_cannot_be_named_as_the_first_person(world: World, cast: Cast) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.seller, world.draft(), first_holder=cast.employer.party, idempotency_key=world.key())
    assert problems(caught) == {("first_holder", "party_kind")}


@pytest.mark.parametrize("holder", [999_999, 0, -1, 2**32, 2**70])
def test_an_unknown_first_holder_is_refused(world: World, cast: Cast, holder: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(cast.seller, world.draft(), first_holder=holder, idempotency_key=world.key())
    assert problems(caught) == {("first_holder", "party_unknown")}


def test_a_buyer_named_for_the_first_time_becomes_a_party_without_a_key(world: World, cast: Cast) -> None:
    code = tax_id(700_001)
    draft = world.draft(buyer={"name": "尚未登记公司", "tax_id": code})
    number = must(world.ledger.issue(cast.seller, draft, idempotency_key=world.key())).numbers[0]
    buyer = world.ledger.invoice(cast.seller, number).buyer
    named = world.ledger.party(cast.seller, buyer)
    assert (named.enrolled, named.kind) == (False, "enterprise")
    written, api_key = world.ledger.enrol(
        world.officer, kind="enterprise", name="尚未登记公司", tax_id=code, idempotency_key=world.key()
    )
    assert must(written).party == buyer
    assert world.ledger.authenticate(api_key).party == buyer
    assert world.ledger.invoice(world.ledger.caller(buyer), number).number == number


def test_a_clerk_with_the_issue_grant_issues_for_its_enterprise(world: World, cast: Cast) -> None:
    written = must(world.ledger.issue(cast.clerk, world.draft(), idempotency_key=world.key()))
    history = world.ledger.history(cast.seller, written.numbers[0])
    assert (history[0].actor, history[0].subject) == (cast.clerk.party, cast.seller.party)
    assert history[0].actor_name == "周开票"


def test_who_has_no_issue_grant_is_told_so(world: World, cast: Cast) -> None:
    with pytest.raises(NotPermitted):
        world.ledger.issue(cast.claimant, world.draft(), idempotency_key=world.key())


def test_a_stranger_naming_a_seller_is_refused_by_the_contract(world: World, cast: Cast) -> None:
    written = world.ledger.issue(cast.stranger, world.draft(), subject=cast.seller.party, idempotency_key=world.key())
    refusal = refused(written, "not_permitted").refusal
    assert refusal is not None
    assert refusal.message
    assert refusal.message_zh
    assert refusal.action
    assert refusal.action_zh


def test_a_person_with_two_enterprises_must_say_for_which(world: World, cast: Cast) -> None:
    clerk = world.person("兼职", (cast.seller, ["issue"]), (cast.stranger, ["issue"]))
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue(clerk, world.draft(), idempotency_key=world.key())
    assert problems(caught) == {("subject", "subject_missing")}
    must(world.ledger.issue(clerk, world.draft(), subject=cast.seller.party, idempotency_key=world.key()))


def test_the_number_of_a_refused_invoice_comes_back(world: World) -> None:
    seller = world.enterprise("小额公司", quota_fen=20_000, segment=True)
    over = refused(
        world.ledger.issue(seller, world.draft(net_fen=50_000), idempotency_key=world.key()), "quota_exceeded"
    )
    assert world.issued(seller) == over.numbers[0]


def test_a_list_has_a_result_for_every_row(world: World, cast: Cast) -> None:
    rows = [world.draft(net_fen=100), world.draft(gross_fen=3), world.draft(net_fen=200), "no document"]
    listed = world.ledger.issue_list(cast.seller, rows, idempotency_key=world.key())
    assert listed.written is not None
    assert [row.status for row in listed.rows] == ["recorded", "invalid", "recorded", "invalid"]
    assert [row.index for row in listed.rows] == [0, 1, 2, 3]
    for index, gross_fen in ((0, 106), (2, 212)):
        number = listed.rows[index].number
        assert number is not None
        view = world.ledger.invoice(cast.seller, number)
        assert (view.gross_fen, view.commitment) == (gross_fen, listed.rows[index].commitment)
    assert listed.rows[1].number is None
    assert listed.rows[1].problems
    assert {view.number for view in world.ledger.search(cast.seller, limit=2).items} == set(listed.written.numbers)


def test_a_list_without_a_valid_row_stores_nothing(world: World, cast: Cast) -> None:
    key, before = world.key(), world.ledger.health()
    listed = world.ledger.issue_list(cast.seller, [{}, 1], idempotency_key=key)
    assert listed.written is None
    assert [row.status for row in listed.rows] == ["invalid", "invalid"]
    assert world.ledger.health() == before
    assert world.ledger.issue_list(cast.seller, [world.draft()], idempotency_key=key).rows[0].status == "recorded"


@pytest.mark.parametrize("count", [0, ISSUE_LIST_MAX + 1])
def test_a_list_has_a_limit(world: World, cast: Cast, count: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.issue_list(cast.seller, [{}] * count, idempotency_key=world.key())
    assert problems(caught) == {("documents", "count_range")}


def test_a_refused_list_is_refused_whole_and_its_numbers_come_back(world: World) -> None:
    seller = world.enterprise("额度公司", quota_fen=30_000, segment=True)
    rows = [world.draft(net_fen=10_000), world.draft(net_fen=20_000)]
    listed = world.ledger.issue_list(seller, rows, idempotency_key=world.key())
    assert listed.written is not None
    assert listed.written.status is WriteStatus.REFUSED
    assert [(row.status, row.number, row.commitment) for row in listed.rows] == [("refused", None, None)] * 2
    assert all(row.refusal is not None and row.refusal.reason == "quota_exceeded" for row in listed.rows)
    # the second row is the one that does not fit
    assert listed.written.refusal is not None
    assert listed.written.refusal.number == listed.written.numbers[1]
    assert world.issued(seller) == listed.written.numbers[0]


def test_a_list_sent_again_gives_the_same_rows(world: World, cast: Cast) -> None:
    key, rows = world.key(), [world.draft(net_fen=300), {}, world.draft(net_fen=400)]
    first = world.ledger.issue_list(cast.seller, rows, idempotency_key=key)
    assert world.ledger.issue_list(cast.seller, rows, idempotency_key=key) == first


def test_a_party_whose_key_is_not_kept_here_must_sign_for_itself(world: World, cast: Cast) -> None:
    buyer = {"name": "无密钥公司", "tax_id": tax_id(700_002)}
    number = must(world.ledger.issue(cast.seller, world.draft(buyer=buyer), idempotency_key=world.key())).numbers[0]
    keyless = world.ledger.caller(world.ledger.invoice(cast.seller, number).buyer)
    with pytest.raises(NoSigningKey):
        world.ledger.book(keyless, number, deductible=True, idempotency_key=world.key())
