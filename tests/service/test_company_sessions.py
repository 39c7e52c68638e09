"""A session of a company's provider acts for that company alone: whoever runs the provider can open one at will."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

import pytest

from ledger.projection import parties, providers, sign_in
from ledger.projection.providers import StoredProvider
from ledger.service import Caller, Ledger
from ledger.service.company_links import SEALED_SECRET, new_link
from ledger.service.errors import (
    IdempotencyConflict,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ServiceError,
)
from ledger.service.sign_in import begin_session, identity_of
from ledger.service.writing import run_write
from tests.service.own_keys import drafted, keeping_its_own
from tests.service.world import World, must

EVERY = ["issue", "finance", "claim"]


@dataclass(frozen=True)
class Twofold:
    """A person with every grant of two companies, as itself and through the provider of one."""

    own: Caller
    through: Caller
    token: str
    company: Caller
    other: Caller
    provider_id: str


def provided(ledger: Ledger, company: Caller, provider_id: str | None = None) -> str:
    """A provider of a company, as registering stores it; nobody is asked anything at it here."""
    context, chosen = ledger.context, provider_id or secrets.token_hex(16)
    row = StoredProvider(chosen, company.party, "https://login.example.com", "einvoice", b"", context.now_s())
    row = replace(row, sealed_secret=context.seal(b"secret", SEALED_SECRET, row.text))
    run_write(context, lambda connection: providers.add_provider(connection, row))
    return chosen


def session_through(ledger: Ledger, person: Caller, provider_id: str) -> str:
    """Token of a session that a provider opens for a person it is linked to."""
    context = ledger.context

    def write(connection):
        if providers.link_of(connection, provider_id, identity_of(person)) is None:
            link = new_link(context, provider_id, identity_of(person), f"subject {person.party}")
            providers.put_link(connection, link)
        record = parties.party(connection, person.party)
        return begin_session(context, connection, record, "", provider_id=provider_id, asked_at=context.now_s()).token

    return run_write(context, write)


def own_session(ledger: Ledger, person: Caller) -> str:
    context = ledger.context
    return run_write(
        context,
        lambda connection: begin_session(context, connection, parties.party(connection, person.party), "").token,
    )


@pytest.fixture(scope="module")
def twofold(world: World) -> Twofold:
    company, other = world.enterprise("登录公司", segment=True), world.enterprise("另一家公司", segment=True)
    person = world.person("两头忙", (company, EVERY), (other, EVERY))
    world.ledger.offices.appoint(other, "administrator", person.party, idempotency_key=world.key())
    provider_id = provided(world.ledger, company)
    token = session_through(world.ledger, person, provider_id)
    through = world.ledger.sign_in.authenticate(token)
    return Twofold(world.again(person), through, token, company, other, provider_id)


def test_caller_has_that_company_s_grants_and_no_others(twofold: Twofold) -> None:
    assert set(twofold.own.grants) == {twofold.company.party, twofold.other.party}
    assert twofold.own.administers == {twofold.other.party}
    assert set(twofold.through.grants) == {twofold.company.party}
    assert (twofold.through.company, twofold.through.administers) == (twofold.company.party, frozenset())
    assert str(twofold.company.party) in twofold.through.credential


def test_it_sees_the_company_s_invoices_and_none_of_the_other_or_of_the_person(world: World, twofold: Twofold) -> None:
    ledger = world.ledger
    of_company = world.issued(twofold.company)
    of_other = world.issued(twofold.other)
    seen = {one.number for one in ledger.search(twofold.through, limit=50).items}
    assert of_company in seen
    assert of_other not in seen
    assert of_other in {one.number for one in ledger.search(twofold.own, limit=50).items}
    assert ledger.invoice(twofold.through, of_company).number == of_company
    with pytest.raises(NotFound):
        ledger.invoice(twofold.through, of_other)
    must(ledger.transfer(twofold.other, of_other, twofold.own.party, idempotency_key=world.key()))
    assert ledger.invoice(twofold.own, of_other).number == of_other
    with pytest.raises(NotFound):
        ledger.invoice(twofold.through, of_other)  # held by the person itself, and no affair of that company's


def test_it_signs_for_the_company_and_for_nobody_else(world: World, twofold: Twofold) -> None:
    draft, ledger = world.draft(), world.ledger
    must(ledger.issue(twofold.through, draft, subject=twofold.company.party, idempotency_key=world.key()))
    for subject in (twofold.other.party, twofold.own.party):
        with pytest.raises(NotPermitted):
            ledger.issue(twofold.through, draft, subject=subject, idempotency_key=world.key())
    must(ledger.issue(twofold.own, draft, subject=twofold.other.party, idempotency_key=world.key()))


def test_what_the_person_did_elsewhere_is_not_told_by_its_key_or_digest(world: World, twofold: Twofold) -> None:
    draft, ledger, key = world.draft(), world.ledger, world.key()
    elsewhere = must(ledger.issue(twofold.own, draft, subject=twofold.other.party, idempotency_key=key))
    here = must(ledger.issue(twofold.own, draft, subject=twofold.company.party, idempotency_key=world.key()))
    assert ledger.operation(twofold.own, elsewhere.digest).digest == elsewhere.digest
    assert ledger.operation(twofold.through, here.digest).digest == here.digest
    with pytest.raises(NotFound):
        ledger.operation(twofold.through, elsewhere.digest)
    with pytest.raises((NotPermitted, IdempotencyConflict)):
        ledger.issue(twofold.through, draft, subject=twofold.other.party, idempotency_key=key)


def test_claims_at_the_company_are_its_member_s_and_others_are_not_there(world: World, twofold: Twofold) -> None:
    ledger, seller = world.ledger, world.enterprise("卖家", segment=True)
    employee = world.person("报销人", (twofold.company, ["claim"]), (twofold.other, ["claim"]))
    through = ledger.sign_in.authenticate(session_through(ledger, employee, twofold.provider_id))

    def bought(buyer: Caller) -> str:
        return world.issued(seller, employee, buyer)

    here, elsewhere, mine = bought(twofold.company), bought(twofold.other), bought(twofold.company)
    claim = world.claimed(employee, twofold.other, elsewhere)
    with pytest.raises(NotFound):
        ledger.claim(through, claim)
    opened = ledger.open_claim(
        through, [here], employer=twofold.company.party, reference="BX", idempotency_key=world.key()
    )
    own_claim = must(opened).claim_id
    assert [one.claim_id for one in ledger.claims(through, cursor=None, limit=50).items] == [own_claim]
    assert ledger.invoice(through, here).number == here
    with pytest.raises(NotPermitted):
        ledger.open_claim(through, [mine], employer=twofold.other.party, reference="", idempotency_key=world.key())
    private = world.issued(seller, employee)
    for number in (private, "94403260911099999999"):
        with pytest.raises(InvalidRequest) as caught:
            ledger.open_claim(
                through, [number], employer=twofold.company.party, reference="", idempotency_key=world.key()
            )
        assert caught.value.problems[0].code == "not_of_company"
    must(ledger.withdraw_claim(through, own_claim, numbers=None, idempotency_key=world.key()))
    with pytest.raises(NotFound):
        ledger.withdraw_claim(through, claim, numbers=None, idempotency_key=world.key())


def test_nothing_of_the_person_s_own_is_reached(world: World, twofold: Twofold) -> None:
    ledger = world.ledger
    for refused in (
        lambda: ledger.sign_in.confirm(twofold.token, "sieben Raben am Fenster 41"),
        lambda: ledger.sign_in.change_password(twofold.token, "sieben Raben am Fenster 41", "ein Satz mit 7 Enten"),
        lambda: ledger.invitations.invite(twofold.through, [twofold.own.party]),
        lambda: ledger.provider_sign_in.unlink(twofold.through, twofold.provider_id),
        lambda: ledger.sign_in_providers.register(
            twofold.through, issuer="https://a.example", client_id="a", client_secret="b", idempotency_key=world.key()
        ),
        lambda: ledger.provider_sign_in.leave(twofold.provider_id, ledger_link(), session=twofold.token),
        lambda: ledger.grant(
            twofold.through, twofold.own.party, ["claim"], subject=twofold.other.party, idempotency_key=world.key()
        ),
    ):
        with pytest.raises(NotPermitted):
            refused()
    assert ledger.provider_sign_in.choices(twofold.through) == ()


def ledger_link():
    from ledger.service.provider_sign_in import Purpose

    return Purpose.LINK


def test_it_ends_and_lists_sessions_of_its_provider_alone(world: World, twofold: Twofold) -> None:
    ledger = world.ledger
    person = world.person("多会话", (twofold.company, ["claim"]))
    own = ledger.sign_in.authenticate(own_session(ledger, person))
    first = ledger.sign_in.authenticate(session_through(ledger, person, twofold.provider_id))
    second = ledger.sign_in.authenticate(session_through(ledger, person, twofold.provider_id))
    assert {one.session_id for one in ledger.sign_in.sessions(first)} == {first.session, second.session}
    assert len(ledger.sign_in.sessions(own)) == 3
    with pytest.raises(NotFound):
        ledger.sign_in.end(first, own.session)
    assert ledger.sign_in.end_all(first) == 2
    assert [one.session_id for one in ledger.sign_in.sessions(own)] == [own.session]
    for _ in range(sign_in.SESSIONS_KEPT_MAX + 2):
        session_through(ledger, person, twofold.provider_id)
    assert own.session in {one.session_id for one in ledger.sign_in.sessions(own)}


def test_it_ends_with_suspension_the_last_grant_and_an_edited_row(world: World, twofold: Twofold) -> None:
    ledger = world.ledger
    person = world.person("将离", (twofold.company, ["claim"]))
    token = session_through(ledger, person, twofold.provider_id)
    assert ledger.sign_in.authenticate(token).party == person.party
    must(ledger.revoke(twofold.company, person.party, ["claim"], idempotency_key=world.key()))
    with pytest.raises(NotAuthenticated):
        ledger.sign_in.authenticate(token)

    paused = world.person("将停", (twofold.company, ["claim"]))
    token = session_through(ledger, paused, twofold.provider_id)
    world.suspended(paused.party)
    with pytest.raises(ServiceError):
        ledger.sign_in.authenticate(token)

    intruder = world.person("冒名", (twofold.company, ["claim"]))
    context = ledger.context
    link = new_link(context, twofold.provider_id, identity_of(intruder), "x")

    def plant(connection):
        providers.put_link(connection, replace(link, proof=bytes(32)))

    run_write(context, plant)
    with pytest.raises(NotAuthenticated):
        session_through(ledger, intruder, twofold.provider_id)


def test_who_is_hired_again_links_again(world: World, twofold: Twofold) -> None:
    ledger, person = world.ledger, world.person("再入职", (twofold.company, ["claim"]))
    token = session_through(ledger, person, twofold.provider_id)

    def linked() -> bool:
        with ledger.context.reading() as connection:
            return providers.link_of(connection, twofold.provider_id, identity_of(person)) is not None

    must(ledger.grant(twofold.company, person.party, ["issue"], idempotency_key=world.key()))
    must(ledger.grant(twofold.other, person.party, ["claim"], idempotency_key=world.key()))
    assert linked()
    assert ledger.sign_in.authenticate(token).party == person.party
    must(ledger.revoke(twofold.company, person.party, ["claim", "issue"], idempotency_key=world.key()))
    must(ledger.grant(twofold.company, person.party, ["claim"], idempotency_key=world.key()))
    assert not linked()
    with pytest.raises(NotAuthenticated):
        ledger.sign_in.authenticate(token)


def test_a_person_that_keeps_its_key_is_given_nothing_to_sign(world: World, twofold: Twofold) -> None:
    ledger = world.ledger
    person = world.person("自持密钥", (twofold.company, EVERY))
    person, _ = keeping_its_own(world, person)
    own = world.again(person)
    through = ledger.sign_in.authenticate(session_through(ledger, person, twofold.provider_id))
    draft, company = world.draft(), twofold.company.party
    drafted(lambda: ledger.issue(own, draft, subject=company, idempotency_key=world.key()))
    waiting = len(ledger.drafts.drafts(own))
    with pytest.raises(NotPermitted):
        ledger.issue(through, draft, subject=company, idempotency_key=world.key())
    assert len(ledger.drafts.drafts(own)) == waiting == 1


def test_an_old_session_stays_ended_when_who_left_is_appointed_administrator(world: World, twofold: Twofold) -> None:
    ledger, company = world.ledger, twofold.company
    left, stayed, former = (world.person(name, (company, ["claim"])) for name in ("离任", "留任", "前管理员"))
    tokens = {one.party: session_through(ledger, one, twofold.provider_id) for one in (left, stayed)}
    must(ledger.revoke(company, left.party, ["claim", "issue"], idempotency_key=world.key()))
    with ledger.context.reading() as connection:
        assert providers.links_of(connection, identity_of(left)) == ()
        assert providers.links_of(connection, identity_of(stayed))
    for one in (left, stayed):
        ledger.offices.appoint(company, "administrator", one.party, idempotency_key=world.key())
    with pytest.raises(NotAuthenticated):
        ledger.sign_in.authenticate(tokens[left.party])
    kept = ledger.sign_in.authenticate(tokens[stayed.party])
    assert kept.administers == {company.party}
    must(ledger.revoke(company, stayed.party, ["claim"], idempotency_key=world.key()))
    assert ledger.sign_in.authenticate(tokens[stayed.party]).grants == {}  # the office is left

    must(ledger.revoke(company, former.party, ["claim"], idempotency_key=world.key()))
    office = ledger.offices.appoint(company, "administrator", former.party, idempotency_key=world.key())
    token = session_through(ledger, former, twofold.provider_id)
    assert ledger.sign_in.authenticate(token).party == former.party
    ledger.offices.end(company, office.office, idempotency_key=world.key())
    must(ledger.grant(company, former.party, ["claim"], idempotency_key=world.key()))
    with pytest.raises(NotAuthenticated):
        ledger.sign_in.authenticate(token)
    again = session_through(ledger, former, twofold.provider_id)  # linked anew
    assert ledger.sign_in.authenticate(again).party == former.party
