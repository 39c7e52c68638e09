"""Who sees what: strangers nothing, employees with a claim grant their own, clerks their enterprise's, officers all."""

from __future__ import annotations

import pytest

from ledger.service import Caller, InvalidRequest, NotFound
from tests.service.conftest import Cast
from tests.service.world import SERIALS, World, must, refused, tax_id


def sees(world: World, caller: Caller, number: str) -> bool:
    """Whether invoice, history, evidence and search all show it; they agree or the test fails."""
    found = {entry.number for entry in world.ledger.search(caller, number=number).items} == {number}
    for read in (world.ledger.invoice, world.ledger.history, world.ledger.evidence):
        if found:
            read(caller, number)
            continue
        with pytest.raises(NotFound, match=number):
            read(caller, number)
    return found


def test_those_who_take_part_and_officers_see_an_invoice(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant, buyer=cast.employer)
    for role in (
        cast.seller,
        cast.clerk,
        cast.bookkeeper,
        cast.employer,
        cast.cashier,
        cast.claimant,
        world.officer,
        world.authority,
    ):
        assert sees(world, role, number), role.name


def test_strangers_do_not(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant, buyer=cast.employer)
    colleague = world.person("只可报销", (cast.employer, ["claim"]))
    for role in (cast.stranger, cast.other_employer, cast.other_cashier, colleague, world.calendar):
        assert not sees(world, role, number), role.name


def test_a_number_that_was_never_issued_looks_the_same_to_a_stranger(world: World, cast: Cast) -> None:
    number, never = world.issued(cast.seller), "99999999999999999999"
    texts = []
    for asked in (number, never):
        with pytest.raises(NotFound) as caught:
            world.ledger.invoice(cast.stranger, asked)
        texts.append(str(caught.value).replace(asked, "N"))
    assert texts[0] == texts[1]


def test_an_employer_sees_what_was_claimed_from_it_and_not_after_it_is_withdrawn(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    assert not sees(world, cast.cashier, number)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    assert sees(world, cast.cashier, number)
    must(world.ledger.withdraw_claim(cast.claimant, claim_id, idempotency_key=world.key()))
    assert not sees(world, cast.cashier, number)


def test_history_shows_refused_attempts_with_who_and_why(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    refused(world.ledger.book(cast.stranger, number, deductible=True, idempotency_key=world.key()), "not_holder")
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    must(world.ledger.approve_claim(cast.cashier, claim_id, payment_reference="P", idempotency_key=world.key()))
    history = world.ledger.history(cast.employer, number)
    assert [(step.operation, step.outcome, step.reason) for step in history] == [
        ("issue", "applied", None),
        ("book", "refused", "not_holder"),
        ("lock", "applied", None),
        ("settle", "applied", None),
    ]
    assert [step.actor_name for step in history] == ["深圳咖啡有限公司", "陌生公司", "张三", "李财务"]
    assert [step.version for step in history] == [1, None, 2, 3]
    assert history[-1].holder == cast.employer.party
    assert sorted(step.at for step in history) == [step.at for step in history]


def test_a_search_is_filtered_and_paged(world: World) -> None:
    seller = world.enterprise("检索公司", segment=True)
    numbers = [world.issued(seller, net_fen=net) for net in (100, 200, 300)]
    assert [view.number for view in world.ledger.search(seller).items] == numbers[::-1]
    assert [view.number for view in world.ledger.search(seller, gross_min_fen=200, gross_max_fen=250).items] == [
        numbers[1]
    ]
    assert world.ledger.search(seller, state="locked").items == ()
    assert len(world.ledger.search(seller, state="free", month=world.month).items) == 3
    assert world.ledger.search(seller, month="2001-01").items == ()
    first = world.ledger.search(seller, limit=2)
    rest = world.ledger.search(seller, limit=2, cursor=first.next_cursor)
    assert [view.number for view in (*first.items, *rest.items)] == numbers[::-1]
    assert rest.next_cursor is None
    assert all(view.document is None for view in first.items)


def test_naming_a_party_shows_only_what_both_take_part_in(world: World, cast: Cast) -> None:
    shared = world.issued(cast.seller, buyer=cast.stranger)
    world.issued(cast.seller, buyer=cast.employer)
    found = {view.number for view in world.ledger.search(cast.stranger, party=cast.seller.party).items}
    assert found == {shared}


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"state": "lost"}, ("state", "state_unknown")),
        ({"month": "2026"}, ("month", "month_form")),
        ({"cursor": "no"}, ("cursor", "cursor_form")),
        ({"limit": 0}, ("limit", "count_range")),
        ({"limit": 51}, ("limit", "count_range")),
        ({"party": 0}, ("party", "party_unknown")),
        ({"party": 2**70}, ("party", "party_unknown")),
        ({"gross_min_fen": -1}, ("gross_min_fen", "count_range")),
        ({"gross_max_fen": 2**63}, ("gross_max_fen", "count_range")),
    ],
)
def test_a_search_is_checked_field_by_field(
    world: World, cast: Cast, asked: dict[str, object], where: tuple[str, str]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.search(cast.seller, **asked)  # type: ignore[arg-type]
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == where


def test_everyone_finds_an_enterprise_by_its_tax_id(world: World, cast: Cast) -> None:
    page = world.ledger.parties(cast.claimant, tax_id=world.tax_ids[cast.seller.party])
    (found,) = page.items
    assert (found.party, found.name, found.tax_id) == (
        cast.seller.party,
        "深圳咖啡有限公司",
        world.tax_ids[cast.seller.party],
    )
    assert (found.quota_fen, found.segments, found.grants, found.filed_through) == (0, (), (), None)
    assert world.ledger.parties(cast.claimant, tax_id=tax_id(next(SERIALS))).items == ()
    assert world.ledger.parties(cast.claimant, tax_id="nonsense").items == ()


def test_only_officers_list_people(world: World, cast: Cast) -> None:
    assert {party.kind for party in world.ledger.parties(cast.seller, kind="person").items} == {"enterprise"}
    assert {party.kind for party in world.ledger.parties(world.officer, kind="person").items} == {"person"}
    kinds = {party.kind for party in world.ledger.parties(world.officer).items}
    assert kinds >= {"authority", "officer", "calendar", "enterprise", "person"}


def test_a_persons_name_is_for_itself_and_officers(world: World, cast: Cast) -> None:
    assert world.ledger.party(world.officer, cast.claimant.party).name == "张三"
    assert world.ledger.party(cast.claimant, cast.claimant.party).name == "张三"
    assert world.ledger.party(cast.stranger, cast.claimant.party).name == f"person {cast.claimant.party}"


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"kind": "ghost"}, ("kind", "kind_unknown")),
        ({"cursor": "-"}, ("cursor", "cursor_form")),
        ({"limit": 51}, ("limit", "count_range")),
    ],
)
def test_a_list_of_parties_is_checked(world: World, asked: dict[str, object], where: tuple[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.parties(world.officer, **asked)  # type: ignore[arg-type]
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == where


def test_parties_come_page_by_page(world: World, cast: Cast) -> None:
    seen: list[int] = []
    cursor = None
    while True:
        page = world.ledger.parties(world.officer, cursor=cursor, limit=3)
        seen += [party.party for party in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(set(seen))
    assert cast.stranger.party in seen


def test_health_counts_blocks_and_waiting_groups(world: World, cast: Cast) -> None:
    world.issued(cast.seller)
    health = world.ledger.health()
    assert health.chain_block == health.projected_block > 0
    with world.sequencing.held():
        world.hurried().issue(cast.seller, world.draft(), idempotency_key=world.key())
        assert world.ledger.health().waiting_groups == 1
