"""A curious officer looks into a district that is not his: nothing is there, in no list, count, page or error."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest
from stdnum.cn import uscc

from ledger.identity import new_till_key, till_public_key
from ledger.projection.districts import District
from ledger.service import Caller, InvalidRequest, NotFound, NotPermitted, NotReady, ServiceError
from ledger.service.errors import InvitationInvalid
from ledger.service.till_views import TillItem
from tests.service.world import QUOTA_FEN, World, must, refused

HERE, THERE = "440305", "330106"
ABSENT_NUMBER, ABSENT_PARTY = "94403260911099999999", 999_999


@dataclass(frozen=True)
class Town:
    """Two districts: everything happened in `HERE`; `there` is an officer of the other, `here` of this one's city."""

    here: Caller
    there: Caller
    seller: Caller
    employer: Caller
    claimant: Caller
    cashier: Caller
    number: str  # settled, then flagged: an exception
    slipped: str  # booked by its buyer, with an open slip
    claim_id: str
    digest: str
    till_id: str
    proposal_id: str
    shared: str  # sold here to a buyer there
    foreign: Caller  # an enterprise there


@pytest.fixture(scope="module")
def town(world: World) -> Town:
    seller = world.enterprise("南山卖方", segment=True, district=HERE)
    employer = world.enterprise("南山雇主", district=HERE)
    foreign = world.enterprise("西湖买方", segment=True, district=THERE)
    claimant = world.person("南山员工", (employer, ["claim"]))
    cashier = world.person("南山会计", (employer, ["finance"]))
    number = world.issued(seller, claimant)
    claim_id = world.claimed(claimant, employer, number)
    other = world.ledger.open_claim(
        claimant, [number], employer=employer.party, reference="BX-2", idempotency_key=world.key()
    )
    refused(other, "locked")
    settled = world.ledger.approve_claim(cashier, claim_id, payment_reference="FK-9", idempotency_key=world.key())
    must(settled)
    must(world.flagged(number))
    slipped = world.issued(seller, buyer=employer)
    must(world.ledger.book(cashier, slipped, deductible=True, idempotency_key=world.key()))
    must(world.ledger.red_letters.open_slip(seller, slipped, reason="return", idempotency_key=world.key()))
    till = world.ledger.tills.register(
        seller, name="一号", public_key=till_public_key(new_till_key()).hex(), clerk=seller.party,
        items=(TillItem("*餐饮服务*餐费", 600),), idempotency_key=world.key(),
    )  # fmt: skip
    proposal = world.ledger.proposals.suspension(
        world.officer, cashier.party, reason="核查", idempotency_key=world.key()
    )
    return Town(
        here=world.officer_of("4403"),
        there=world.officer_of("3301"),
        seller=seller,
        employer=employer,
        claimant=claimant,
        cashier=cashier,
        number=number,
        slipped=slipped,
        claim_id=claim_id,
        digest=must(settled).digest,
        till_id=till.till_id,
        proposal_id=proposal.proposal_id,
        shared=world.issued(seller, buyer=foreign),
        foreign=foreign,
    )


# -- what is asked by name -----------------------------------------------------------------------

ASKED: dict[str, Callable[[World, Town, Caller], Any]] = {
    "invoice": lambda w, t, c: w.ledger.invoice(c, t.number),
    "history": lambda w, t, c: w.ledger.history(c, t.number),
    "evidence": lambda w, t, c: w.ledger.evidence(c, t.number),
    "document": lambda w, t, c: w.ledger.papers.document(c, t.number, kind="json"),
    "deduction": lambda w, t, c: w.ledger.deductions.deduction(c, t.slipped),
    "outlook": lambda w, t, c: w.ledger.red_letters.outlook(c, t.slipped),
    "not settled": lambda w, t, c: w.ledger.statements.statement(c, t.slipped, "not_settled"),
    "claim": lambda w, t, c: w.ledger.claim(c, t.claim_id),
    "operation": lambda w, t, c: w.ledger.operation(c, t.digest),
    "enterprise": lambda w, t, c: w.ledger.party(c, t.seller.party),
    "its people": lambda w, t, c: w.ledger.party(c, t.claimant.party),
    "certificates": lambda w, t, c: w.ledger.certificates(c, t.seller.party),
    "policy": lambda w, t, c: w.ledger.approvals.policy(c, t.employer.party),
    "month": lambda w, t, c: w.ledger.month(c, w.month, subject=t.seller.party),
    "report": lambda w, t, c: w.ledger.filing.report(c, w.month, subject=t.seller.party),
    "filings": lambda w, t, c: w.ledger.filing.filings(c, w.month, subject=t.seller.party),
    "period": lambda w, t, c: w.ledger.deductions.period(c, w.month, subject=t.employer.party),
    "selectable": lambda w, t, c: w.ledger.deductions.selectable(c, w.month, subject=t.employer.party, limit=10),
    "till": lambda w, t, c: w.ledger.tills.till(c, t.till_id),
    "tills": lambda w, t, c: w.ledger.tills.tills(c, subject=t.seller.party),
    "proposal": lambda w, t, c: w.ledger.proposals.proposal(c, t.proposal_id),
    "API keys": lambda w, t, c: w.ledger.api_keys.keys(c, t.seller.party),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_is_asked_by_name_is_not_there_for_an_officer_of_another_district(
    world: World, town: Town, what: str
) -> None:
    ASKED[what](world, town, town.here)
    with pytest.raises((NotFound, InvalidRequest)) as caught:
        ASKED[what](world, town, town.there)
    absent = replace(
        town,
        seller=replace(town.seller, party=ABSENT_PARTY),
        employer=replace(town.employer, party=ABSENT_PARTY),
        claimant=replace(town.claimant, party=ABSENT_PARTY),
        number=ABSENT_NUMBER,
        slipped=ABSENT_NUMBER,
        claim_id="0f" * 16,
        digest="0f" * 32,
        till_id="0f" * 8,
        proposal_id="0f" * 16,
    )
    with pytest.raises(caught.type):  # the same as for what does not exist
        ASKED[what](world, absent, town.there)


# -- lists ---------------------------------------------------------------------------------------

LISTS: dict[str, Callable[[World, Town, Caller, str | None], Any]] = {
    "search": lambda w, t, c, at: w.ledger.search(c, party=t.seller.party, month=w.month, cursor=at, limit=1),
    "search by number": lambda w, t, c, at: w.ledger.search(c, number=t.number, cursor=at, limit=1),
    "claims": lambda w, t, c, at: w.ledger.claims(c, cursor=at, limit=1),
    "claims paid": lambda w, t, c, at: w.ledger.claims(c, payment_reference="FK-9", cursor=at, limit=1),
    "slips": lambda w, t, c, at: w.ledger.red_letters.slips(c, cursor=at, limit=1),
    "slips of an invoice": lambda w, t, c, at: w.ledger.red_letters.slips(c, number=t.slipped, cursor=at, limit=1),
    "exceptions": lambda w, t, c, at: w.ledger.supervising.exceptions(c, cursor=at, limit=1),
    "exceptions of an invoice": lambda w, t, c, at: w.ledger.supervising.exceptions(
        c, number=t.number, cursor=at, limit=1
    ),
    "supervised exceptions": lambda w, t, c, at: w.ledger.supervision.exceptions(c, cursor=at, limit=1),
    "refusals": lambda w, t, c, at: w.ledger.supervision.refusals(c, cursor=at, limit=1),
    "duplicates": lambda w, t, c, at: w.ledger.supervision.duplicates(c, cursor=at, limit=1),
    "people": lambda w, t, c, at: w.ledger.parties(c, kind="person", cursor=at, limit=1),
    "proposals": lambda w, t, c, at: w.ledger.proposals.page(c, only_open=True, cursor=at, limit=1),
}


def rows(world: World, town: Town, caller: Caller, what: str) -> list[Any]:
    """Every row, page by page; a page that says there is more is never empty."""
    found: list[Any] = []
    at: str | None = None
    while True:
        page = LISTS[what](world, town, caller, at)
        found += page.items
        at = page.next_cursor
        if at is None:
            return found
        assert page.items


@pytest.mark.parametrize("what", [name for name in LISTS if name != "search"])
def test_a_list_of_an_officer_of_another_district_is_empty_at_once(world: World, town: Town, what: str) -> None:
    assert rows(world, town, town.here, what)
    page = LISTS[what](world, town, town.there, None)
    assert (len(page.items), page.next_cursor) == (0, None)


@pytest.mark.parametrize("indexed", [True, False], ids=["few enterprises", "many enterprises"])
def test_a_search_finds_what_is_shared_and_nothing_else(
    world: World, town: Town, monkeypatch: pytest.MonkeyPatch, *, indexed: bool
) -> None:
    if not indexed:  # a district of more enterprises than are searched one by one
        monkeypatch.setattr("ledger.projection.invoices.few_enterprises", lambda *_: None)
    assert {town.number, town.slipped, town.shared} <= {one.number for one in rows(world, town, town.here, "search")}
    assert [one.number for one in rows(world, town, town.there, "search")] == [town.shared]
    everything = world.ledger.search(town.there, limit=50)
    assert [one.number for one in everything.items] == [town.shared]
    assert world.ledger.search(town.there, party=town.claimant.party, limit=50).items == ()


def test_parties_and_those_who_did_not_file_are_of_the_district(world: World, town: Town) -> None:
    def seen(caller: Caller, **asked: Any) -> set[int]:
        return {one.party for one in world.ledger.parties(caller, limit=50, **asked).items}

    own = {town.seller.party, town.employer.party, town.claimant.party, town.cashier.party}
    assert own <= seen(town.here)
    assert seen(town.there) == {town.foreign.party}
    code = world.tax_ids[town.seller.party]
    assert (seen(town.here, tax_id=code), seen(town.there, tax_id=code)) == ({town.seller.party}, set())

    def unfiled(caller: Caller) -> set[int]:
        return {one.party for one in world.ledger.supervision.nonfilers(caller, world.month, limit=50).items}

    assert {town.seller.party, town.employer.party} <= unfiled(town.here)
    assert unfiled(town.there) == {town.foreign.party}
    table, _ = world.ledger.supervision.nonfilers_table(town.there, world.month)
    assert "西湖买方" in table.decode("utf-8-sig")
    assert "南山" not in table.decode("utf-8-sig")


def test_events_of_another_district_do_not_come(world: World, town: Town) -> None:
    def events(caller: Caller) -> list[Any]:
        found, at, more = [], None, True
        while more:
            page = world.ledger.events.page(caller, after=at, limit=7)
            found += page.items
            at, more = page.next_cursor, page.more
            assert page.items or not more
        return found

    here, there = events(town.here), events(town.there)
    assert {town.number, town.slipped, town.shared} <= {one.number for one in here}
    assert {one.number for one in there} - {None} == {town.shared}
    strangers = {town.seller.party, town.employer.party, town.claimant.party, town.cashier.party}
    for one in there:
        assert one.number == town.shared or one.party not in strangers


# -- acting --------------------------------------------------------------------------------------

ACTS: dict[str, Callable[[World, Town, Caller, bool], Any]] = {
    "quota": lambda w, t, c, real: w.ledger.set_quota(
        c, t.seller.party if real else ABSENT_PARTY, 10**9, idempotency_key=w.key()
    ),
    "segment": lambda w, t, c, real: w.ledger.allot_segment(
        c, t.seller.party if real else ABSENT_PARTY, idempotency_key=w.key()
    ),
    "reinstatement": lambda w, t, c, real: w.ledger.reinstate(
        c, t.seller.party if real else ABSENT_PARTY, reason="x", idempotency_key=w.key()
    ),
    "suspension": lambda w, t, c, real: w.ledger.proposals.suspension(
        c, t.employer.party if real else ABSENT_PARTY, reason="x", idempotency_key=w.key()
    ),
    "revocation": lambda w, t, c, real: w.ledger.revoke_certificate(
        c, t.foreign.party if c is t.here and real else t.seller.party if real else ABSENT_PARTY,
        reason="superseded", idempotency_key=w.key(),
    ),
    "lift": lambda w, t, c, real: w.ledger.supervising.lift_block(
        c, t.seller.party if real else ABSENT_PARTY, w.month, reason="x", idempotency_key=w.key()
    ),
    "flag": lambda w, t, c, real: w.ledger.proposals.flag(
        c, t.slipped if real else ABSENT_NUMBER, reason="x", idempotency_key=w.key()
    ),
    "clearance": lambda w, t, c, real: w.ledger.supervising.clear_flag(
        c, t.slipped if real else ABSENT_NUMBER, reason="x", idempotency_key=w.key()
    ),
    "unlocking": lambda w, t, c, real: w.ledger.supervising.force_unlock(
        c, t.number if real else ABSENT_NUMBER, reason="x", idempotency_key=w.key()
    ),
    "voiding": lambda w, t, c, real: w.ledger.red_letters.void_slip(
        c, t.number if real else ABSENT_NUMBER, reason="x", idempotency_key=w.key()
    ),
    "acknowledgement": lambda w, t, c, real: w.ledger.supervising.acknowledge(
        c, t.number if real else ABSENT_NUMBER, idempotency_key=w.key()
    ),
    "confirmation": lambda w, t, c, real: w.ledger.proposals.confirm(
        c, t.proposal_id if real else "ff" * 16, idempotency_key=w.key()
    ),
    "refusing": lambda w, t, c, real: w.ledger.proposals.refuse(
        c, t.proposal_id if real else "ff" * 16, idempotency_key=w.key()
    ),
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
def test_acting_on_another_district_fails_as_on_what_does_not_exist(world: World, town: Town, act: str) -> None:
    def told(caller: Caller, *, real: bool) -> tuple[type[ServiceError], str]:
        with pytest.raises((NotFound, InvalidRequest)) as caught:
            ACTS[act](world, town, caller, real)
        words = str(caught.value)
        for name in (town.number, town.slipped, ABSENT_NUMBER, town.proposal_id, "ff" * 16):
            words = words.replace(name, "#")
        for party in (town.seller.party, town.employer.party, ABSENT_PARTY):
            words = words.replace(f"party {party}", "#")
        return caught.type, words

    assert told(town.there, real=True) == told(town.there, real=False)


# what an officer can do to a party: each is a step to taking it over
TAKING: dict[str, Callable[[World, Caller, int], Any]] = {
    "quota": lambda w, c, party: w.ledger.set_quota(c, party, QUOTA_FEN, idempotency_key=w.key()),
    "segment": lambda w, c, party: w.ledger.allot_segment(c, party, idempotency_key=w.key()),
    "lift": lambda w, c, party: w.ledger.supervising.lift_block(c, party, w.month, reason="x", idempotency_key=w.key()),
    "keys": lambda w, c, party: w.ledger.api_keys.keys(c, party),
    "end of a key": lambda w, c, party: w.ledger.api_keys.revoke(
        c, w.ledger.api_keys.make_for(party, "备用").key_id, idempotency_key=w.key()
    ),
    "certificates": lambda w, c, party: w.ledger.certificates(c, party),
    "revocation": lambda w, c, party: w.ledger.revoke_certificate(
        c, party, reason="superseded", idempotency_key=w.key()
    ),
    "suspension": lambda w, c, party: w.ledger.proposals.suspension(c, party, reason="x", idempotency_key=w.key()),
    "reinstatement": lambda w, c, party: w.ledger.reinstate(c, party, reason="x", idempotency_key=w.key()),
    "invitation": lambda w, c, party: w.ledger.invitations.invite(c, [party]),
}
OF_ENTERPRISES = {"quota", "segment", "lift"}


@pytest.mark.parametrize("what", TAKING)
def test_an_invoice_from_a_district_hands_its_buyer_to_no_officer_there(world: World, town: Town, what: str) -> None:
    invoice = world.ledger.invoice(town.here, town.shared)
    assert invoice.holder == town.foreign.party  # what is sold is seen, and who bought it by its number
    with pytest.raises((NotFound, InvalidRequest, NotPermitted)):
        TAKING[what](world, town.here, town.foreign.party)
    with pytest.raises(NotFound):
        world.ledger.party(town.here, town.foreign.party)
    TAKING[what](world, town.there, town.foreign.party)


@pytest.mark.parametrize("what", sorted(set(TAKING) - OF_ENTERPRISES))
def test_a_person_with_an_invoice_is_seen_and_acted_on_where_it_works(world: World, town: Town, what: str) -> None:
    guest = world.person("过客", (town.foreign, ["claim"]))
    with pytest.raises(NotFound):
        world.ledger.party(town.here, guest.party)
    world.issued(town.seller, guest)
    assert world.ledger.party(town.here, guest.party).name == "过客"
    with pytest.raises((NotFound, InvalidRequest, NotPermitted)):
        TAKING[what](world, town.here, guest.party)
    TAKING[what](world, town.there, guest.party)


def test_a_person_that_acts_in_two_districts_is_invited_by_none_of_their_officers(world: World, town: Town) -> None:
    clerk = world.person("两地员工", (town.employer, ["claim"]))
    (invited,) = world.ledger.invitations.invite(town.here, [clerk.party])
    assert world.ledger.invitations.party_of(invited.token) == clerk.party
    must(world.ledger.grant(town.foreign, clerk.party, ["finance"], idempotency_key=world.key()))
    with pytest.raises(InvitationInvalid):  # who accepts it would act in the other district
        world.ledger.invitations.party_of(invited.token)
    for officer in (town.here, town.there):
        with pytest.raises(NotPermitted):
            world.ledger.invitations.invite(officer, [clerk.party])
    world.ledger.invitations.invite(world.officer, [clerk.party])


def test_an_invitation_of_an_officer_that_was_moved_counts_no_more(world: World, town: Town) -> None:
    officer = world.officer_of("4403")
    (invited,) = world.ledger.invitations.invite(officer, [town.seller.party])
    world.ledger.change_district(world.authority, officer.party, "440305", idempotency_key=world.key())
    assert world.ledger.invitations.party_of(invited.token) == town.seller.party
    world.ledger.change_district(world.authority, officer.party, "11", idempotency_key=world.key())
    with pytest.raises(InvitationInvalid):
        world.ledger.invitations.party_of(invited.token)


def test_an_officer_acts_in_its_own_district(world: World, town: Town) -> None:
    must(world.ledger.set_quota(town.here, town.seller.party, 2 * 10**9, idempotency_key=world.key()))
    must(world.ledger.allot_segment(town.here, town.seller.party, idempotency_key=world.key()))
    must(world.ledger.supervising.acknowledge(town.here, town.number, idempotency_key=world.key()))
    must(world.ledger.proposals.confirm(town.here, town.proposal_id, idempotency_key=world.key()))
    must(world.ledger.reinstate(town.here, town.cashier.party, reason="已核", idempotency_key=world.key()))
    must(world.ledger.supervising.clear_flag(town.here, town.number, reason="已核", idempotency_key=world.key()))


def test_an_officer_enrols_enterprises_of_its_district_alone(world: World, town: Town) -> None:
    body = "91330106MA2B00001"
    code = body + str(uscc.calc_check_digit(body))

    def enrol(caller: Caller) -> Any:
        return world.ledger.enrol(caller, kind="enterprise", name="新西湖", tax_id=code, idempotency_key=world.key())

    with pytest.raises(InvalidRequest) as caught:
        enrol(town.here)
    assert caught.value.problems[0].code == "tax_id_district"
    must(enrol(town.there)[0])


def test_what_tells_of_the_whole_ledger_is_for_no_district(world: World, town: Town) -> None:
    for caller in (town.here, town.there):
        with pytest.raises(NotPermitted):
            world.ledger.admit_to_rpc(caller)
        with pytest.raises(NotPermitted):
            world.ledger.statements.statement(caller, ABSENT_NUMBER, "not_issued", disclosing=True)
    world.ledger.admit_to_rpc(world.officer)


# -- how far a district reaches ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("district", "sees"),
    [("", True), ("44", True), ("4403", True), ("440305", True), ("440304", False), ("4404", False)],
)
def test_a_prefix_is_a_larger_district(world: World, town: Town, district: str, *, sees: bool) -> None:
    ledger, officer = world.ledger, world.officer_of("3301")
    ledger.change_district(world.authority, officer.party, district, idempotency_key=world.key())
    moved = ledger.caller(officer.party)
    assert moved.district == district
    if sees:
        assert ledger.invoice(moved, town.number).number == town.number
    else:
        with pytest.raises(NotFound):
            ledger.invoice(moved, town.number)


def test_a_person_is_of_the_districts_that_let_it_act_or_whose_invoices_it_holds(world: World, town: Town) -> None:
    person = world.person("周两地")

    def seen() -> list[bool]:
        found = []
        for caller in (town.here, town.there):
            try:
                found.append(bool(world.ledger.party(caller, person.party)))
            except NotFound:
                found.append(False)
        return found

    assert seen() == [False, False]
    world.issued(town.seller, person)
    assert seen() == [True, False]
    must(world.ledger.grant(town.foreign, person.party, ["claim"], idempotency_key=world.key()))
    assert seen() == [True, True]
    must(world.ledger.revoke(town.foreign, person.party, ["claim"], idempotency_key=world.key()))
    assert seen() == [True, False]


def test_only_the_authority_appoints_for_a_district(world: World, town: Town) -> None:
    for caller in (town.here, world.officer, town.seller, world.calendar):
        with pytest.raises(NotPermitted):
            world.ledger.change_district(caller, town.there.party, "4403", idempotency_key=world.key())
    for wrong in ("4", "440", "44030", "4403055", "44a3", "四四"):
        with pytest.raises(InvalidRequest):
            world.ledger.change_district(world.authority, town.there.party, wrong, idempotency_key=world.key())
    with pytest.raises(InvalidRequest):
        world.ledger.change_district(world.authority, town.seller.party, "4403", idempotency_key=world.key())
    assert world.again(town.there).district == "3301"


def test_a_proposal_ends_when_its_proposer_is_moved_away(world: World, town: Town) -> None:
    officer, person = world.officer_of(HERE), world.person("吴某", (town.employer, ["claim"]))
    proposal = world.ledger.proposals.suspension(officer, person.party, reason="x", idempotency_key=world.key())
    world.ledger.change_district(world.authority, officer.party, THERE, idempotency_key=world.key())
    assert world.ledger.proposals.proposal(world.officer, proposal.proposal_id).state == "ended"
    with pytest.raises(ServiceError):
        world.ledger.proposals.confirm(town.here, proposal.proposal_id, idempotency_key=world.key())
    assert not world.again(person).suspended


def test_a_district_is_six_digits_and_its_prefixes() -> None:
    assert (District("44").first, District("44").last) == ("440000", "449999")
    assert (District(HERE).first, District(HERE).last) == (HERE, HERE)


def test_a_district_edited_in_the_database_stops_the_officer(world: World, town: Town) -> None:
    officer = world.officer_of(THERE)
    statement = "UPDATE officer_district SET district = ? WHERE seq = (SELECT max(seq) FROM officer_district)"
    for district in ("", "44", HERE):
        edit(world, statement, district)
        with pytest.raises(NotReady):
            world.again(officer)
    edit(world, statement, THERE)
    assert world.again(officer).district == THERE


@pytest.mark.parametrize("column", ["proposed_at", "party", "expires_at"])
def test_a_proposal_edited_in_the_database_is_not_confirmed(world: World, town: Town, column: str) -> None:
    person = world.person("冯某", (town.employer, ["claim"]))
    proposal = world.ledger.proposals.suspension(
        world.officer, person.party, reason="x", idempotency_key=world.key()
    ).proposal_id
    edit(world, f"UPDATE proposal SET {column} = {column} - 1 WHERE proposal_id = ?", proposal)
    with pytest.raises(NotReady):
        world.ledger.proposals.confirm(world.authority, proposal, idempotency_key=world.key())
    edit(world, f"UPDATE proposal SET {column} = {column} + 1 WHERE proposal_id = ?", proposal)
    must(world.ledger.proposals.confirm(world.authority, proposal, idempotency_key=world.key()))


def edit(world: World, statement: str, value: str) -> None:
    with closing(sqlite3.connect(world.settings.data_dir / "ledger.sqlite", timeout=10)) as connection, connection:
        assert connection.execute(statement, (value,)).rowcount == 1
