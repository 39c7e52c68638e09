"""Offices: an auditor reads everything and changes nothing, an administrator manages its enterprise's people."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from ledger.service import Caller, InvalidRequest, NotFound, NotPermitted, NotReady
from ledger.service.offices import OfficeView
from tests.service.conftest import Cast
from tests.service.world import World, must, refused


@pytest.fixture(scope="module")
def auditor(world: World) -> Caller:
    """A person in the authority's office of auditor."""
    person = world.person("孙审计")
    world.ledger.offices.appoint(world.authority, "auditor", person.party, idempotency_key=world.key())
    return world.again(person)


@pytest.fixture
def administrator(world: World, cast: Cast) -> Caller:
    """A person whom the employer made its administrator, with no grant."""
    person = world.person("钱经理")
    appointed(world, cast.employer, "administrator", person)
    return world.again(person)


def appointed(world: World, by: Caller, kind: str, person: Caller) -> OfficeView:
    return world.ledger.offices.appoint(by, kind, person.party, idempotency_key=world.key())


def ended(world: World, by: Caller, office: OfficeView) -> OfficeView:
    return world.ledger.offices.end(by, office.office, idempotency_key=world.key())


def is_refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except NotPermitted:
        return True
    return False


# -- the auditor -----------------------------------------------------------------------------


def test_an_auditor_reads_what_an_officer_reads(world: World, cast: Cast, auditor: Caller) -> None:
    number = world.issued(cast.seller, cast.claimant)
    claim_id = world.claimed(cast.claimant, cast.employer, number)
    ledger = world.ledger
    reads: list[Callable[[Caller], object]] = [
        lambda who: ledger.invoice(who, number),
        lambda who: ledger.history(who, number),
        lambda who: ledger.claim(who, claim_id),
        lambda who: ledger.search(who, number=number),
        lambda who: ledger.party(who, cast.claimant.party),
        lambda who: [one.party for one in ledger.parties(who, kind="person").items],
        lambda who: ledger.certificates(who, cast.claimant.party),
        lambda who: ledger.month(who, world.month, subject=cast.seller.party),
        lambda who: ledger.approvals.policy(who, cast.employer.party),
        lambda who: ledger.supervision.refusals(who, None, limit=5),
        lambda who: ledger.supervising.exceptions(who, limit=5),
        ledger.witnessing.listed,
        ledger.admit_to_rpc,
    ]
    for index, read in enumerate(reads):
        assert read(auditor) == read(world.officer), index


def test_who_is_no_auditor_reads_none_of_it(world: World, cast: Cast) -> None:
    number = world.issued(cast.seller, cast.claimant)
    stranger = world.person("过路人")
    with pytest.raises(NotFound):
        world.ledger.invoice(stranger, number)
    with pytest.raises(NotPermitted):
        world.ledger.supervision.refusals(stranger, None, limit=5)
    with pytest.raises(NotPermitted):
        world.ledger.admit_to_rpc(stranger)


def test_an_auditor_writes_nothing_not_even_with_grants(world: World, cast: Cast, auditor: Caller) -> None:
    must(world.ledger.grant(cast.seller, auditor.party, ["issue", "finance"], idempotency_key=world.key()))
    auditor = world.again(auditor)
    assert auditor.grants == {}
    number = world.issued(cast.seller, auditor)
    ledger, key = world.ledger, world.key
    writes: list[Callable[[], object]] = [
        lambda: ledger.issue(auditor, world.draft(), subject=cast.seller.party, idempotency_key=key()),
        lambda: ledger.transfer(auditor, number, cast.claimant.party, idempotency_key=key()),
        lambda: ledger.set_quota(auditor, cast.seller.party, 1, idempotency_key=key()),
        lambda: ledger.rotate_key(auditor, idempotency_key=key()),
        lambda: ledger.grant(auditor, cast.claimant.party, ["issue"], idempotency_key=key()),
        lambda: ledger.webhooks.register(auditor, "https://example.com/", idempotency_key=key()),
        lambda: ledger.offices.appoint(auditor, "auditor", cast.claimant.party, idempotency_key=key()),
        lambda: ledger.supervising.clear_flag(auditor, number, reason="x", idempotency_key=key()),
    ]
    assert [index for index, write in enumerate(writes) if not is_refused(write)] == []


def test_the_same_person_acts_again_once_the_office_ended(world: World, cast: Cast) -> None:
    person = world.person("周转", (cast.seller, ["issue"]))
    office = appointed(world, world.authority, "auditor", person)
    with pytest.raises(NotPermitted):
        world.ledger.issue(world.again(person), world.draft(), subject=cast.seller.party, idempotency_key=world.key())
    assert ended(world, world.authority, office).ended_by == world.authority.party
    again = world.again(person)
    assert not again.oversees
    must(world.ledger.issue(again, world.draft(), subject=cast.seller.party, idempotency_key=world.key()))


def test_a_suspended_auditor_is_out(world: World, cast: Cast) -> None:
    person = world.person("停职审计")
    appointed(world, world.authority, "auditor", person)
    assert world.again(person).oversees
    number = world.issued(cast.seller)
    must(world.suspended(person.party))
    with pytest.raises(NotFound):
        world.ledger.invoice(world.again(person), number)


def test_a_witness_s_reader_has_the_chain_and_nothing_else_of_others(world: World, cast: Cast) -> None:
    person = world.person("见证方读者")
    appointed(world, world.authority, "witness", person)
    reader = world.again(person)
    world.ledger.admit_to_rpc(reader)
    with pytest.raises(NotFound):
        world.ledger.invoice(reader, world.issued(cast.seller))
    with pytest.raises(NotPermitted):
        world.ledger.witnessing.listed(reader)


# -- who appoints ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["auditor", "witness"])
def test_the_authority_alone_appoints_its_offices(world: World, cast: Cast, kind: str) -> None:
    person = world.person("候选")
    for by in (world.officer, cast.employer, person):
        with pytest.raises(NotPermitted):
            appointed(world, by, kind, person)
    assert appointed(world, world.authority, kind, person).kind == kind


def test_an_enterprise_alone_appoints_its_administrator(world: World, cast: Cast) -> None:
    person = world.person("候选")
    for by in (world.officer, world.authority, person, cast.cashier):
        with pytest.raises(NotPermitted):
            appointed(world, by, "administrator", person)
    assert appointed(world, cast.employer, "administrator", person).principal == cast.employer.party


def test_an_office_is_given_once_and_to_persons(world: World, cast: Cast) -> None:
    person = world.person("候选")
    appointed(world, cast.employer, "administrator", person)
    for party, code in ((person.party, "office_held"), (cast.seller.party, "party_kind"), (10**6, "party_unknown")):
        with pytest.raises(InvalidRequest) as caught:
            world.ledger.offices.appoint(cast.employer, "administrator", party, idempotency_key=world.key())
        assert [(one.path, one.code) for one in caught.value.problems] == [("party", code)]
    with pytest.raises(InvalidRequest):
        appointed(world, world.authority, "emperor", person)


def test_who_gave_an_office_ends_it_and_nobody_else(world: World, cast: Cast) -> None:
    office = appointed(world, cast.employer, "administrator", world.person("候选"))
    for by in (world.authority, world.officer, cast.other_employer):
        with pytest.raises(NotFound):
            ended(world, by, office)
    gone = ended(world, cast.employer, office)
    assert gone.ended_at is not None
    assert ended(world, cast.employer, office) == gone


def test_offices_are_listed_to_who_gave_or_holds_them(world: World, cast: Cast, auditor: Caller) -> None:
    person = world.person("候选")
    office = appointed(world, cast.employer, "administrator", person)

    def seen(caller: Caller) -> bool:
        items, cursor = [], None
        while True:
            page = world.ledger.offices.offices(caller, cursor=cursor, limit=5)
            items += [one.office for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return office.office in items

    assert all(map(seen, (cast.employer, person, world.officer, world.authority, auditor)))
    assert not any(map(seen, (cast.other_employer, cast.claimant, cast.cashier)))


# -- the administrator -----------------------------------------------------------------------


def test_an_administrator_gives_and_takes_grants_in_the_enterprise_s_name(
    world: World, cast: Cast, administrator: Caller
) -> None:
    person, employer = world.person("新员工"), cast.employer.party
    given = world.ledger.grant(administrator, person.party, ["claim"], subject=employer, idempotency_key=world.key())
    must(given)
    assert world.again(person).grants == {employer: 4}
    assert world.ledger.operation(administrator, given.digest).status == given.status
    must(world.ledger.revoke(administrator, person.party, ["claim"], subject=employer, idempotency_key=world.key()))
    assert world.again(person).grants == {}


def test_every_use_of_the_enterprise_s_key_is_recorded(world: World, cast: Cast, administrator: Caller) -> None:
    person, employer = world.person("新员工"), cast.employer.party
    (office,) = world.ledger.offices.offices(administrator, limit=5).items
    assert world.ledger.offices.uses(cast.employer, office.office, limit=5).items == ()
    key = world.key()
    first = world.ledger.grant(administrator, person.party, ["claim"], subject=employer, idempotency_key=key)
    again = world.ledger.grant(administrator, person.party, ["claim"], subject=employer, idempotency_key=key)
    assert again.digest == first.digest
    for reader in (cast.employer, administrator, world.officer):
        found = world.ledger.offices.uses(reader, office.office, limit=5).items
        assert [one.digest for one in found] == [first.digest]
    with pytest.raises(NotFound):
        world.ledger.offices.uses(cast.other_employer, office.office, limit=5)


def test_what_the_enterprise_itself_does_is_nobody_s_use(world: World, cast: Cast, administrator: Caller) -> None:
    (office,) = world.ledger.offices.offices(administrator, limit=5).items
    own = world.ledger.grant(cast.employer, world.person("新员工").party, ["claim"], idempotency_key=world.key())
    assert world.ledger.offices.uses(cast.employer, office.office, limit=5).items == ()
    with pytest.raises(NotFound):
        world.ledger.operation(administrator, own.digest)


def test_an_administrator_has_no_other_power_and_no_other_enterprise(
    world: World, cast: Cast, administrator: Caller
) -> None:
    other, employer = cast.other_employer.party, cast.employer.party
    person = world.person("新员工")
    with pytest.raises(NotPermitted):
        world.ledger.grant(administrator, person.party, ["claim"], subject=other, idempotency_key=world.key())
    number = world.issued(cast.seller, buyer=cast.employer)
    with pytest.raises(NotFound):
        world.ledger.invoice(administrator, number)
    moved = world.ledger.transfer(administrator, number, person.party, subject=employer, idempotency_key=world.key())
    assert refused(moved, "not_holder").refusal
    assert world.ledger.party(administrator, employer).grants
    assert not world.ledger.party(administrator, other).grants


def test_an_administrator_whose_office_ended_is_out_at_once(world: World, cast: Cast, administrator: Caller) -> None:
    (office,) = world.ledger.offices.offices(administrator, limit=5).items
    ended(world, cast.employer, office)
    person = world.person("新员工")
    for caller in (administrator, world.again(administrator)):  # one whose request was under way, and the next
        with pytest.raises(NotPermitted):
            world.ledger.grant(
                caller, person.party, ["claim"], subject=cast.employer.party, idempotency_key=world.key()
            )


# -- the operator's database administrator ---------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [
        (
            "INSERT INTO office (kind, party, principal, appointed_at, sealed)"
            " SELECT 'auditor', :party, 1, 1, sealed FROM office WHERE seq = :office"
        ),
        "UPDATE office SET party = :party WHERE seq = :office",
    ],
)
def test_an_office_written_into_the_database_opens_nothing(world: World, cast: Cast, edit: str) -> None:
    intruder = world.person("内鬼")
    office = appointed(world, world.authority, "auditor", world.person("审计"))
    path = world.settings.data_dir / "ledger.sqlite"
    before = {"party": intruder.party, "office": office.office}
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        connection.execute(edit, before)
    try:
        with pytest.raises(NotReady, match="office"):
            world.again(intruder)
    finally:
        with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
            connection.execute("DELETE FROM office WHERE party = :party", before)
    assert not world.again(intruder).oversees
