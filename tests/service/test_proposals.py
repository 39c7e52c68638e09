"""Two officers: one proposes to suspend or to flag, a second one confirms, refuses, or nobody does in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ledger.service import Caller, InvalidRequest, NotFound, NotPermitted
from ledger.service.errors import ProposalConflict, QueueFull
from ledger.service.proposal_views import ProposalView
from ledger.service.proposals import PROPOSAL_LIFETIME_S
from tests.service.conftest import Cast
from tests.service.world import World, must, refused


@pytest.fixture(scope="module")
def second(world: World) -> Caller:
    """Another officer of the whole ledger."""
    return appointed(world, "李税官")


def appointed(world: World, name: str) -> Caller:
    party = must(world.ledger.appoint_officer(world.authority, name=name, idempotency_key=world.key())[0]).party
    assert party is not None
    return world.ledger.caller(party)


def proposed(world: World, party: int, by: Caller | None = None) -> ProposalView:
    return world.ledger.proposals.suspension(by or world.officer, party, reason="走逃", idempotency_key=world.key())


def state(world: World, proposal: ProposalView) -> str:
    return world.ledger.proposals.proposal(world.officer, proposal.proposal_id).state


@contextmanager
def later(world: World, monkeypatch: pytest.MonkeyPatch, seconds: int) -> Iterator[None]:
    now_s = world.ledger.context.now_s()
    with monkeypatch.context() as patch:
        patch.setattr(type(world.ledger.context), "now_s", lambda _self: now_s + seconds)
        yield


def test_nothing_happens_until_a_second_officer_confirms(world: World, second: Caller) -> None:
    person = world.person("王五")
    proposal = proposed(world, person.party)
    assert (proposal.state, proposal.proposer, proposal.reason) == ("open", world.officer.party, "走逃")
    assert not world.again(person).suspended
    with pytest.raises(NotPermitted):
        world.ledger.proposals.confirm(world.officer, proposal.proposal_id, idempotency_key=world.key())
    assert not world.again(person).suspended
    written = must(world.ledger.proposals.confirm(second, proposal.proposal_id, idempotency_key=world.key()))
    assert world.again(person).suspended
    done = world.ledger.proposals.proposal(world.officer, proposal.proposal_id)
    assert (done.state, done.proposer, done.decided_by, done.digest) == (
        "confirmed", world.officer.party, second.party, written.digest,
    )  # fmt: skip


def test_history_names_who_proposed_and_who_confirmed(world: World, cast: Cast, second: Caller) -> None:
    number = world.issued(cast.seller, cast.claimant)
    flag = world.ledger.proposals.flag(world.officer, number, reason="失联", idempotency_key=world.key())
    must(world.ledger.proposals.confirm(second, flag.proposal_id, idempotency_key=world.key()))
    for caller in (cast.claimant, world.officer):
        first, *_, last = world.ledger.history(caller, number)
        assert (last.operation, last.actor, last.proposer, last.note) == (
            "set_risk_flag", second.party, world.officer.party, "失联",
        )  # fmt: skip
        assert (last.actor_name, last.proposer_name) == ("李税官", "王税官")
        assert first.proposer is None


def test_the_authority_is_first_or_second(world: World, second: Caller) -> None:
    for first, other in ((world.authority, second), (second, world.authority)):
        person = world.person("赵六")
        proposal = proposed(world, person.party, first)
        with pytest.raises(NotPermitted):
            world.ledger.proposals.confirm(first, proposal.proposal_id, idempotency_key=world.key())
        must(world.ledger.proposals.confirm(other, proposal.proposal_id, idempotency_key=world.key()))
        assert world.again(person).suspended


def test_a_refused_proposal_is_over_and_may_be_made_again(world: World, second: Caller) -> None:
    person = world.person("钱七")
    proposal = proposed(world, person.party)
    with pytest.raises(ProposalConflict):
        proposed(world, person.party, second)
    assert world.ledger.proposals.refuse(second, proposal.proposal_id, idempotency_key=world.key()).state == "refused"
    with pytest.raises(ProposalConflict):
        world.ledger.proposals.confirm(second, proposal.proposal_id, idempotency_key=world.key())
    assert not world.again(person).suspended
    again = proposed(world, person.party, second)
    assert world.ledger.proposals.refuse(second, again.proposal_id, idempotency_key=world.key()).state == "withdrawn"


def test_a_proposal_ends_after_72_hours(world: World, second: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    person = world.person("孙八")
    proposal = proposed(world, person.party)
    with later(world, monkeypatch, PROPOSAL_LIFETIME_S + 1):
        assert state(world, proposal) == "expired"
        with pytest.raises(ProposalConflict):
            world.ledger.proposals.confirm(second, proposal.proposal_id, idempotency_key=world.key())
    assert state(world, proposal) == "open"
    must(world.ledger.proposals.confirm(second, proposal.proposal_id, idempotency_key=world.key()))


def test_a_dismissed_officers_proposals_end(world: World, second: Caller) -> None:
    person, dismissed = world.person("周九"), appointed(world, "吴税官")
    proposal = proposed(world, person.party, dismissed)
    assert proposal.proposal_id in open_ids(world, second)
    dismissal = world.ledger.dismiss_officer(
        world.authority, dismissed.party, reason="离任", idempotency_key=world.key()
    )
    must(dismissal)
    assert state(world, proposal) == "ended"
    assert proposal.proposal_id not in open_ids(world, second)
    with pytest.raises(ProposalConflict):
        world.ledger.proposals.confirm(second, proposal.proposal_id, idempotency_key=world.key())
    with pytest.raises(NotPermitted):
        proposed(world, person.party, world.again(dismissed))
    must(world.suspended(person.party))  # its twin by an officer who is still one


def test_a_moved_officers_proposal_ends_and_may_be_made_anew(world: World, second: Caller) -> None:
    officer, firm = world.officer_of("4403"), world.enterprise("涉案公司")
    proposal = proposed(world, firm.party, officer)
    with pytest.raises(ProposalConflict) as caught:
        proposed(world, firm.party)
    assert caught.value.proposal_id == proposal.proposal_id
    world.ledger.change_district(world.authority, officer.party, "11", idempotency_key=world.key())
    assert state(world, proposal) == "ended"
    assert proposal.proposal_id not in open_ids(world, world.authority)
    anew = proposed(world, firm.party)
    must(world.ledger.proposals.confirm(second, anew.proposal_id, idempotency_key=world.key()))
    assert world.again(firm).suspended


def test_a_proposal_whose_proposer_lost_sight_of_the_person_does_not_stand_in_the_way(world: World) -> None:
    officer, firm = world.officer_of("4403"), world.enterprise("前雇主")
    person = world.person("离职员工", (firm, ["claim"]))
    proposal = proposed(world, person.party, officer)
    must(world.ledger.remove_member(firm, person.party, idempotency_key=world.key()))
    anew = proposed(world, person.party)
    assert (state(world, proposal), state(world, anew)) == ("ended", "open")


def open_ids(world: World, caller: Caller) -> list[str]:
    return [one.proposal_id for one in world.ledger.proposals.page(caller, only_open=True, limit=50).items]


def test_nobody_but_officers_proposes_decides_or_reads(world: World, cast: Cast) -> None:
    doors = world.ledger.proposals
    proposal = proposed(world, world.person("郑十").party)
    for caller in (cast.seller, cast.claimant, cast.cashier, world.calendar):
        for act in (doors.confirm, doors.refuse):
            with pytest.raises(NotPermitted):
                act(caller, proposal.proposal_id, idempotency_key=world.key())
        with pytest.raises(NotPermitted):
            doors.proposal(caller, proposal.proposal_id)
        with pytest.raises(NotPermitted):
            doors.page(caller, only_open=False, limit=10)
        with pytest.raises(NotPermitted):
            proposed(world, cast.stranger.party, caller)
    assert state(world, proposal) == "open"


def test_the_same_request_proposes_once(world: World) -> None:
    person, key = world.person("冯一"), world.key()
    first, again = (
        world.ledger.proposals.suspension(world.officer, person.party, reason="x", idempotency_key=key)
        for _ in range(2)
    )
    assert again.proposal_id == first.proposal_id


def test_a_repeated_confirmation_is_answered_with_the_first(world: World, second: Caller) -> None:
    proposal, key = proposed(world, world.person("陈二").party), world.key()
    first = must(world.ledger.proposals.confirm(second, proposal.proposal_id, idempotency_key=key))
    assert (
        must(world.ledger.proposals.confirm(second, proposal.proposal_id, idempotency_key=key)).digest == first.digest
    )
    with pytest.raises(ProposalConflict):
        world.ledger.proposals.confirm(second, proposal.proposal_id, idempotency_key=world.key())


def test_a_confirmed_operation_that_the_contract_refuses_says_so(world: World, second: Caller) -> None:
    person = world.person("褚三")
    must(world.suspended(person.party))
    proposal = proposed(world, person.party)
    refused(world.ledger.proposals.confirm(second, proposal.proposal_id, idempotency_key=world.key()), "already_so")


@pytest.mark.parametrize("proposal_id", ["", "ff" * 16, "x", "f" * 33])
def test_an_unknown_proposal_is_not_found(world: World, second: Caller, proposal_id: str) -> None:
    with pytest.raises(NotFound):
        world.ledger.proposals.confirm(second, proposal_id, idempotency_key=world.key())


def test_a_proposal_says_why_and_about_whom(world: World) -> None:
    for reason in ("", " "):
        with pytest.raises(InvalidRequest) as caught:
            world.ledger.proposals.suspension(world.officer, 1, reason=reason, idempotency_key=world.key())
        assert caught.value.problems[0].code == "reason_missing"
    with pytest.raises(InvalidRequest) as caught:
        proposed(world, 999_999)
    assert caught.value.problems[0].code == "party_unknown"


def test_an_officer_has_only_so_many_open_proposals(
    world: World, second: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [world.person(f"卫{index}") for index in range(2)]
    busy = appointed(world, "何税官")
    proposed(world, people[0].party, busy)
    monkeypatch.setattr("ledger.service.proposals.PROPOSALS_OPEN_MAX", 1)
    with pytest.raises(QueueFull):
        proposed(world, people[1].party, busy)
    proposed(world, people[1].party, second)


def test_proposals_are_listed_in_pages_newest_first(world: World, second: Caller) -> None:
    made = [proposed(world, world.person(f"蒋{index}").party).proposal_id for index in range(3)]
    page = world.ledger.proposals.page(second, only_open=True, limit=2)
    assert [one.proposal_id for one in page.items] == made[:0:-1]
    rest = world.ledger.proposals.page(second, only_open=True, cursor=page.next_cursor, limit=2)
    assert rest.items[0].proposal_id == made[0]
