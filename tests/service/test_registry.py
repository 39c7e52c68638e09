"""The register of parties through the service: enrolment, quota, segments, suspension, grants, keys, officers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.domain.groups import Group
from ledger.domain.identities import enterprise_identity
from ledger.domain.key_proof import Purpose
from ledger.domain.months import parse_month
from ledger.identity import Scope, sign_group
from ledger.projection import parties
from ledger.service import (
    Caller,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    WriteStatus,
    Written,
    instructions,
)
from ledger.service.errors import ScopeMissing
from tests.service.conftest import Cast
from tests.service.own_keys import Wallet
from tests.service.world import SERIALS, World, must, refused, tax_id
from verifier import parse_trust, verify
from verifier.canonical import dumps
from verifier.words import Table, storage_key


def code(caught: pytest.ExceptionInfo[InvalidRequest]) -> tuple[str, str]:
    problem = caught.value.problems[0]
    return problem.path, problem.code


def test_an_enrolled_enterprise_signs_in_with_its_key(world: World) -> None:
    enterprise = world.enterprise("新企业")
    caller = world.ledger.authenticate(world.api_keys[enterprise.party])
    assert (caller.party, caller.kind, caller.name) == (enterprise.party, "enterprise", "新企业")


@pytest.mark.parametrize("text", ["", "einv_", "einv_" + "0" * 16 + "_" + "0" * 64, "Bearer x", "\ud800", "ä" * 85])
def test_an_unknown_key_does_not_sign_in(world: World, text: str) -> None:
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(text)


def test_a_key_with_a_wrong_secret_does_not_sign_in(world: World, cast: Cast) -> None:
    right = world.api_keys[cast.seller.party]
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(wrong)


def test_another_key_of_a_party_signs_in_as_it(world: World, cast: Cast) -> None:
    made = world.ledger.new_api_key(cast.seller.party, "收银机 3")
    assert world.ledger.authenticate(made) == world.ledger.authenticate(world.api_keys[cast.seller.party])


@pytest.mark.parametrize("party", [0, -1, 999_999, 2**70])
def test_a_party_that_does_not_exist_gets_no_key(world: World, party: int) -> None:
    with pytest.raises(NotFound):
        world.ledger.new_api_key(party, "x")
    with pytest.raises(NotFound):
        world.ledger.caller(party)
    with pytest.raises(NotFound):
        world.ledger.party(world.officer, party)


def test_a_second_enrolment_of_a_tax_id_names_the_party(world: World, cast: Cast) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.enrol(
            world.officer,
            kind="enterprise",
            name="重复",
            tax_id=world.tax_ids[cast.seller.party],
            idempotency_key=world.key(),
        )
    assert code(caught) == ("tax_id", "identity_enrolled")
    assert str(cast.seller.party) in caught.value.problems[0].message_en


def test_enrolling_again_with_the_same_key_gives_the_same_party_and_no_secret(world: World) -> None:
    key = world.key()

    def enrol() -> tuple[object, str]:
        written, secret = world.ledger.enrol(world.officer, kind="person", name="重试", idempotency_key=key)
        return must(written), secret

    first, secret = enrol()
    assert secret
    assert enrol() == (first, "")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"kind": "ghost"}, ("kind", "kind_unknown")),
        ({"kind": "officer"}, ("kind", "kind_unknown")),
        ({"name": "  "}, ("name", "count_range")),
        ({"name": "x" * 201}, ("name", "text_range")),
        ({"tax_id": "123"}, ("tax_id", "tax_id_form")),
        ({"tax_id": ""}, ("tax_id", "tax_id_form")),
        ({"tax_id": None}, ("tax_id", "tax_id_form")),
        ({"quota_fen": -1}, ("quota_fen", "count_range")),
        ({"quota_fen": 2**44}, ("quota_fen", "count_range")),
        ({"first_month": "2026-13"}, ("month", "month_form")),
        ({"first_month": "2000-01"}, ("month", "month_range")),
        ({"kind": "person"}, ("tax_id", "person_has_none")),
        ({"kind": "person", "tax_id": None, "quota_fen": 1}, ("quota_fen", "person_has_none")),
        ({"kind": "person", "tax_id": None, "first_month": "2026-11"}, ("first_month", "person_has_none")),
    ],
)
def test_an_enrolment_is_checked_field_by_field(
    world: World, fields: dict[str, object], where: tuple[str, str]
) -> None:
    given: dict[str, object] = {"kind": "enterprise", "name": "好公司", "tax_id": tax_id(800_001), **fields}
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.enrol(world.officer, idempotency_key=world.key(), **given)  # type: ignore[arg-type]
    assert code(caught) == where


@pytest.mark.parametrize("role", ["seller", "claimant", "calendar"])
def test_only_officers_keep_the_register(world: World, cast: Cast, role: str) -> None:
    caller = world.calendar if role == "calendar" else getattr(cast, role)
    party = cast.stranger.party
    key = world.key()
    with pytest.raises(NotPermitted):
        world.ledger.enrol(caller, kind="person", name="x", idempotency_key=key)
    with pytest.raises(NotPermitted):
        world.ledger.set_quota(caller, party, 1, idempotency_key=key)
    with pytest.raises(NotPermitted):
        world.ledger.proposals.suspension(caller, party, reason="x", idempotency_key=key)
    with pytest.raises(NotPermitted):
        world.ledger.reinstate(caller, party, reason="", idempotency_key=key)
    with pytest.raises(NotPermitted):
        world.ledger.allot_segment(caller, party, idempotency_key=key)


@pytest.mark.parametrize("role", ["seller", "officer"])
def test_only_the_authority_appoints_dismisses_and_recovers(world: World, cast: Cast, role: str) -> None:
    caller = world.officer if role == "officer" else cast.seller
    with pytest.raises(NotPermitted):
        world.ledger.appoint_officer(caller, name="冒牌税官", idempotency_key=world.key())
    with pytest.raises(NotPermitted):
        world.ledger.dismiss_officer(caller, world.officer.party, reason="", idempotency_key=world.key())
    with pytest.raises(NotPermitted):
        world.ledger.recover_key(caller, cast.stranger.party, idempotency_key=world.key())


def test_quota_is_set_and_binds(world: World) -> None:
    seller = world.enterprise("额度企业", quota_fen=10_600, segment=True)
    world.issued(seller)
    refused(world.ledger.issue(seller, world.draft(), idempotency_key=world.key()), "quota_exceeded")
    must(world.ledger.set_quota(world.officer, seller.party, 21_200, idempotency_key=world.key()))
    world.issued(seller)
    assert world.ledger.party(seller, seller.party).quota_fen == 21_200


@pytest.mark.parametrize("quota_fen", [-1, 2**44])
def test_a_quota_outside_its_range_is_not_signed(world: World, cast: Cast, quota_fen: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.set_quota(world.officer, cast.stranger.party, quota_fen, idempotency_key=world.key())
    assert code(caught) == ("quota_fen", "count_range")


def test_segments_follow_each_other_and_never_overlap(world: World) -> None:
    one, other = world.enterprise("甲"), world.enterprise("乙")
    must(world.ledger.allot_segment(world.officer, one.party, blocks=2, idempotency_key=world.key()))
    must(world.ledger.allot_segment(world.officer, other.party, idempotency_key=world.key()))
    ((first, last),) = world.ledger.party(one, one.party).segments
    ((other_first, _),) = world.ledger.party(other, other.party).segments
    assert int(last) - int(first) + 1 == 20_000
    assert int(other_first) == int(last) + 1


def test_two_segments_allotted_at_once_do_not_collide_for_good(world: World) -> None:
    one, other = world.enterprise("丙"), world.enterprise("丁")
    quick = world.ledger
    with world.sequencing.held():
        digests = [quick_allot(world, party.party) for party in (one, other)]
    states = [settled(world, digest) for digest in digests]
    if states != [WriteStatus.RECORDED] * 2:  # the second was refused: asking again works
        must(quick.allot_segment(world.officer, other.party, idempotency_key=world.key()))
    assert world.issued(one) != world.issued(other)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"blocks": 0}, ("blocks", "count_range")),
        ({"blocks": 65}, ("blocks", "count_range")),
        ({"area": "44"}, ("area", "area_form")),
        ({"area": "44０3"}, ("area", "area_form")),
        ({"party": 999_999}, ("party", "party_unknown")),
        ({"party": 1}, ("party", "party_kind")),
    ],
)
def test_an_allotment_is_checked(world: World, cast: Cast, fields: dict[str, object], where: tuple[str, str]) -> None:
    given: dict[str, object] = {"party": cast.stranger.party, **fields}
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.allot_segment(world.officer, idempotency_key=world.key(), **given)  # type: ignore[arg-type]
    assert code(caught) == where


def test_a_suspended_seller_issues_nothing_until_reinstated(world: World) -> None:
    seller = world.enterprise("停用企业", segment=True)
    must(world.suspended(seller.party))
    refused(world.suspended(seller.party), "already_so")
    assert world.ledger.party(seller, seller.party).suspended
    refused(world.ledger.issue(world.again(seller), world.draft(), idempotency_key=world.key()), "suspended")
    must(world.ledger.reinstate(world.officer, seller.party, reason="结案", idempotency_key=world.key()))
    world.issued(seller)


def test_a_grant_takes_effect_and_is_taken_back(world: World, cast: Cast) -> None:
    clerk = world.person("新店员")
    with pytest.raises(NotPermitted):
        world.ledger.issue(clerk, world.draft(), idempotency_key=world.key())
    must(world.ledger.grant(cast.seller, clerk.party, ["issue", "finance"], idempotency_key=world.key()))
    assert (clerk.party, ("issue", "finance")) in world.ledger.party(cast.seller, cast.seller.party).grants
    must(world.ledger.issue(world.again(clerk), world.draft(), idempotency_key=world.key()))
    must(world.ledger.revoke(cast.seller, clerk.party, ["issue"], idempotency_key=world.key()))
    refused(
        world.ledger.issue(world.again(clerk), world.draft(), subject=cast.seller.party, idempotency_key=world.key()),
        "not_permitted",
    )
    must(world.ledger.revoke(cast.seller, clerk.party, ["finance"], idempotency_key=world.key()))
    assert world.again(clerk).grants == {}
    assert world.ledger.party(world.again(clerk), cast.seller.party).segments == ()


def test_a_grant_given_twice_is_refused(world: World, cast: Cast) -> None:
    refused(world.ledger.grant(cast.seller, cast.clerk.party, ["issue"], idempotency_key=world.key()), "already_so")
    refused(world.ledger.revoke(cast.seller, cast.clerk.party, ["claim"], idempotency_key=world.key()), "already_so")


@pytest.mark.parametrize(
    ("grants", "where"),
    [([], ("grants", "count_range")), (["issue", "root"], ("grants.1", "grant_unknown"))],
)
def test_grants_are_checked(world: World, cast: Cast, grants: list[str], where: tuple[str, str]) -> None:
    for change in (world.ledger.grant, world.ledger.revoke):
        with pytest.raises(InvalidRequest) as caught:
            change(cast.seller, cast.clerk.party, grants, idempotency_key=world.key())
        assert code(caught) == where


@pytest.mark.parametrize("person", [0, 999_999, 2**70])
def test_a_grant_to_nobody_is_not_signed(world: World, cast: Cast, person: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.grant(cast.seller, person, ["issue"], idempotency_key=world.key())
    assert code(caught) == ("person", "party_unknown")


def test_a_grant_to_an_enterprise_is_not_signed(world: World, cast: Cast) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.grant(cast.seller, cast.employer.party, ["issue"], idempotency_key=world.key())
    assert code(caught) == ("person", "party_kind")


def test_a_person_grants_nothing(world: World, cast: Cast) -> None:
    refused(
        world.ledger.grant(cast.claimant, cast.cashier.party, ["issue"], idempotency_key=world.key()), "not_permitted"
    )


def test_a_rotated_key_signs_and_the_old_certificate_stays_for_old_evidence(world: World) -> None:
    seller = world.enterprise("换钥企业", segment=True)
    old = world.issued(seller)
    before = world.ledger.party(seller, seller.party)
    must(world.ledger.rotate_key(seller, idempotency_key=world.key()))
    after = world.ledger.party(seller, seller.party)
    assert (after.version, after.certificate_hash != before.certificate_hash) == (before.version + 1, True)
    new = world.issued(seller)
    trust = parse_trust(dumps(world.ledger.trust()))
    for number in (old, new):
        assert verify(world.ledger.evidence(seller, number), trust).verdict.value == "valid"


def test_a_key_rotated_twice_with_one_idempotency_key_changes_once(world: World) -> None:
    person = world.person("换钥人")
    key = world.key()
    first = must(world.ledger.rotate_key(person, idempotency_key=key))
    assert must(world.ledger.rotate_key(person, idempotency_key=key)) == first
    assert world.ledger.party(person, person.party).version == 2


def test_a_recovery_waits_and_the_old_key_cancels_it(world: World) -> None:
    seller = world.enterprise("失钥企业", segment=True)
    must(world.ledger.recover_key(world.authority, seller.party, idempotency_key=world.key()))
    world.issued(seller)  # the old key still counts
    must(world.ledger.rotate_key(seller, idempotency_key=world.key()))
    world.issued(seller)


def test_the_authority_recovers_nobody_unknown(world: World) -> None:
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.recover_key(world.authority, 999_999, idempotency_key=world.key())
    assert code(caught) == ("party", "party_unknown")


def test_an_appointed_officer_acts_until_dismissed(world: World, cast: Cast) -> None:
    written, api_key = world.ledger.appoint_officer(world.authority, name="新税官", idempotency_key=world.key())
    party = must(written).party
    assert party is not None
    officer = world.ledger.authenticate(api_key)
    assert officer.is_officer
    number = world.issued(cast.seller)
    assert world.ledger.invoice(officer, number).number == number
    must(world.ledger.dismiss_officer(world.authority, party, reason="离任", idempotency_key=world.key()))
    with pytest.raises(NotAuthenticated):  # the key ended with the appointment
        world.ledger.authenticate(api_key)
    dismissed = world.ledger.caller(party)
    assert not dismissed.is_officer
    with pytest.raises(NotFound):
        world.ledger.invoice(dismissed, number)
    assert world.ledger.search(dismissed).items == ()
    assert world.ledger.claims(dismissed).items == ()
    with pytest.raises(NotPermitted):
        world.ledger.enrol(dismissed, kind="person", name="x", idempotency_key=world.key())


def test_of_two_enrolments_at_once_only_the_first_goes_on(world: World) -> None:
    identity = tax_id(800_002)
    hurried = world.hurried()
    with world.sequencing.held():
        first, secret = hurried.enrol(
            world.officer, kind="enterprise", name="先到", tax_id=identity, idempotency_key=world.key()
        )
        assert first.status is WriteStatus.ACCEPTED
        with pytest.raises(InvalidRequest) as caught:
            hurried.enrol(world.officer, kind="enterprise", name="后到", tax_id=identity, idempotency_key=world.key())
        assert code(caught) == ("tax_id", "identity_waiting")
        with pytest.raises(NotAuthenticated):
            world.ledger.authenticate(secret)
    assert settled(world, first.digest) is WriteStatus.RECORDED
    caller = world.ledger.authenticate(secret)
    assert caller.name == "先到"


def test_the_key_of_a_failed_enrolment_opens_nothing_later(world: World) -> None:
    """An officer is dismissed while its enrolment waits; another officer enrols the enterprise afterwards."""
    written, api_key = world.ledger.appoint_officer(world.authority, name="将离任", idempotency_key=world.key())
    party = must(written).party
    assert party is not None
    leaving, identity, hurried = world.ledger.authenticate(api_key), tax_id(800_003), world.hurried()
    with world.sequencing.held():
        hurried.dismiss_officer(world.authority, party, reason="", idempotency_key=world.key())
        failed, stolen = hurried.enrol(
            leaving, kind="enterprise", name="冒领", tax_id=identity, idempotency_key=world.key()
        )
    assert settled(world, failed.digest) is WriteStatus.REFUSED
    good, secret = world.ledger.enrol(
        world.officer, kind="enterprise", name="正主", tax_id=identity, idempotency_key=world.key()
    )
    assert world.ledger.authenticate(secret).party == must(good).party
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(stolen)


def test_a_seller_that_names_a_buyer_by_a_near_hash_does_not_spoil_its_enrolment(world: World) -> None:
    """The contract finds a party by 31 bytes of its identity hash; the last byte is the enrolment's to set."""
    seller, victim = world.enterprise("自签企业", segment=True), tax_id(800_004)
    context = world.ledger.context
    reserved = world.ledger.reserve_numbers(seller, 1, idempotency_key=world.key()).numbers[0]
    right = enterprise_identity(victim).hash
    near = right[:31] + bytes((right[31] ^ 1,))
    with context.store.reading() as connection:
        record = parties.party(connection, seller.party)
        assert record is not None
        key = context.private_key(connection, record.signer)
        assert key is not None
    operation = instructions.issue(
        seller=seller.party,
        number=int(reserved),
        month=parse_month(world.month),
        special=False,
        first_holder=instructions.FIRST_HOLDER_BUYER,
        person=0,
        gross_fen=10_600,
        tax_fen=600,
        buyer_identity=near,
        commitment=bytes(31) + b"\1",
    )
    group = Group(seller.party, context.now_s() + 600, (operation,))
    with world.sequencing.held():
        world.sequencing.writer.commit([sign_group(key, group, context.domain)])
        world.sequencing.sequencer.project()
    written, api_key = world.ledger.enrol(
        world.officer, kind="enterprise", name="被点名企业", tax_id=victim, idempotency_key=world.key()
    )
    party = must(written).party
    assert world.ledger.authenticate(api_key).party == party
    assert [found.party for found in world.ledger.parties(seller, tax_id=victim).items] == [party]
    assert party is not None
    assert context.reader.words([storage_key(Table.IDENTITY, party)]) == [int.from_bytes(right, "big")]


def quick_allot(world: World, party: int) -> str:
    return world.hurried().allot_segment(world.officer, party, idempotency_key=world.key()).digest


def settled(world: World, digest: str) -> WriteStatus:
    """Outcome of an accepted write of the officer."""
    world.ledger.context.watch.wait(bytes.fromhex(digest), 20_000)
    return world.ledger.operation(world.officer, digest).status


def test_a_supervising_key_of_the_authority_makes_no_officer_who_outlives_it(world: World) -> None:
    keys = world.ledger.api_keys
    whole = world.ledger.authenticate(keys.make_for(world.authority.party, "desk").secret)
    narrow = replace(whole, scopes=frozenset({Scope.SUPERVISE}))

    def appoint(caller: Caller) -> tuple[Written, str]:
        return world.ledger.appoint_officer(caller, name="新税官", idempotency_key=world.key())

    def enrol(caller: Caller) -> tuple[Written, str]:
        return world.ledger.enrol(caller, kind="person", name="新人", idempotency_key=world.key())

    for act in (appoint, enrol):
        with pytest.raises(ScopeMissing) as caught:
            act(narrow)
        assert caught.value.scope == "all"
        written, api_key = act(whole)
        assert world.ledger.authenticate(api_key).party == must(written).party


def test_a_supervising_key_approves_nobodys_own_key(world: World) -> None:
    keys, wallet, code = world.ledger.api_keys, Wallet(), tax_id(next(SERIALS))
    whole = world.ledger.authenticate(keys.make_for(world.officer.party, "desk").secret)
    narrow = replace(whole, scopes=frozenset({Scope.SUPERVISE}))
    own = wallet.proof(world.ledger, Purpose.ENROL, f"enterprise:{code}", "待批公司")
    asked = world.ledger.enrolment.ask(kind="enterprise", name="待批公司", tax_id=code, own=own)
    with pytest.raises(ScopeMissing) as caught:
        world.ledger.enrolment.approve(narrow, asked.request_id, idempotency_key=world.key())
    assert caught.value.scope == "all"
    must(world.ledger.enrolment.approve(whole, asked.request_id, idempotency_key=world.key()))
