"""Invitations, and the names and passwords that are chosen with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.service.errors import (
    InvalidRequest,
    InvitationInvalid,
    NotAuthenticated,
    NotPermitted,
    SignInFailed,
)
from ledger.service.invitations import INVITATION_LIFETIME_S, INVITATIONS_MAX, REFUSED_NAMES_MAX
from ledger.service.members import NewMember
from tests.service.own_keys import keeping_its_own
from tests.service.sign_in_doors import OTHER_PASSWORD, PASSWORD, joined, new_name
from tests.service.test_company_sessions import provided
from tests.service.world import must

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_invited_person_chooses_name_and_password_and_signs_in(world, doors):
    person = world.person("章三丰")
    name, first = joined(world, person)
    assert first.caller.party == person.party
    begun = doors[0].begin(f"  {name.upper()} ", PASSWORD, agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
    caller = doors[0].authenticate(begun.token)
    assert (caller.party, caller.grants) == (person.party, person.grants)
    assert begun.session.agent == "Firefox, Linux"
    with pytest.raises(SignInFailed):
        doors[0].begin(name, OTHER_PASSWORD)


def test_invitation_serves_once_and_not_after_its_time(world, doors, clock):
    person = world.person("程咬金")
    (made,) = doors[1].invite(world.officer, [person.party])
    assert doors[1].party_of(made.token) == person.party
    clock[0] = INVITATION_LIFETIME_S
    with pytest.raises(InvitationInvalid):
        doors[1].accept(made.token, "cheng@example.com", PASSWORD)
    clock[0] = INVITATION_LIFETIME_S - 5
    doors[1].accept(made.token, "cheng@example.com", PASSWORD)
    with pytest.raises(InvitationInvalid):
        doors[1].accept(made.token, "cheng@example.com", OTHER_PASSWORD)


def test_newer_invitation_takes_the_place_of_the_older(world, doors):
    person = world.person("罗成")
    (older,) = doors[1].invite(world.officer, [person.party])
    (newer,) = doors[1].invite(world.officer, [person.party])
    with pytest.raises(InvitationInvalid):
        doors[1].accept(older.token, "luocheng@example.com", PASSWORD)
    doors[1].accept(newer.token, "luocheng@example.com", PASSWORD)


def test_list_of_parties_is_invited_as_a_whole_or_not_at_all(world, doors):
    one, two = world.person("甲乙"), world.person("丙丁")
    made = doors[1].invite(world.officer, [one.party, two.party])
    assert [each.party for each in made] == [one.party, two.party]
    with pytest.raises(InvalidRequest) as caught:
        doors[1].invite(world.officer, [one.party, 999_999])
    assert caught.value.problems[0].path == "parties.1"
    assert doors[1].party_of(made[0].token) == one.party  # its invitation was not replaced
    for wrong in ([], [one.party, one.party], list(range(1, INVITATIONS_MAX + 2))):
        with pytest.raises(InvalidRequest):
            doors[1].invite(world.officer, wrong)


def test_enterprise_invites_people_it_alone_granted(world, doors, cast):
    own = world.person("自家", (cast.employer, ["claim"]))
    (made,) = doors[1].invite(cast.employer, [own.party])
    assert doors[1].accept(made.token, "own.member@example.com", PASSWORD).caller.party == own.party
    shared = world.person("两家", (cast.employer, ["claim"]), (cast.other_employer, ["claim"]))
    nobodys = world.person("无主")
    for party in (shared.party, nobodys.party, cast.other_employer.party, world.officer.party, own.party):
        with pytest.raises(NotPermitted):
            doors[1].invite(cast.employer, [party])


def test_invitation_of_an_employer_ends_when_there_is_a_second_one(world, doors, cast):
    member = world.person("跳槽", (cast.employer, ["claim"]))
    (made,) = doors[1].invite(cast.employer, [member.party])
    world.ledger.grant(cast.other_employer, member.party, ["claim"], idempotency_key="second-employer")
    with pytest.raises(InvitationInvalid):
        doors[1].accept(made.token, "hopper@example.com", PASSWORD)


def test_officer_invites_no_officer_and_resets_no_password(world, doors):
    person = world.person("已有密码")
    _, first = joined(world, person)
    other_officer, _ = world.ledger.appoint_officer(world.authority, name="另一税官", idempotency_key="other-officer")
    for party in (person.party, other_officer.party, world.authority.party):
        with pytest.raises(NotPermitted):
            doors[1].invite(world.officer, [party])
    (reset,) = doors[1].invite(world.authority, [person.party])
    doors[1].accept(reset.token, "reset.person@example.com", OTHER_PASSWORD)
    with pytest.raises(NotAuthenticated):
        doors[0].authenticate(first.token)


def test_key_of_few_scopes_makes_no_invitation(world, doors):
    person = world.person("窄权")
    narrow = replace(world.ledger.caller(person.party), scopes=frozenset())
    with pytest.raises(NotPermitted):
        doors[1].invite(narrow, [person.party])
    assert doors[1].invite(world.ledger.caller(person.party), [person.party])


def test_taken_name_is_refused_and_an_invitation_asks_for_few_of_them(world, doors):
    name, _ = joined(world, world.person("占名"))
    (made,) = doors[1].invite(world.officer, [world.person("试名").party])
    for _ in range(REFUSED_NAMES_MAX):
        with pytest.raises(InvalidRequest) as caught:
            doors[1].accept(made.token, name, PASSWORD)
        assert caught.value.problems[0].code == "sign_in_name_taken"
    with pytest.raises(InvitationInvalid):
        doors[1].accept(made.token, "free.name@example.com", PASSWORD)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("kurz und 3", "password_short"),
        ("x1!" * 43, "password_long"),
        ("password1234", "password_guessable"),
        ("qwertyuiop12", "password_guessable"),
        ("1234567890" * 2, "password_guessable"),
        ("岳武穆的报销密码很长很长", "password_personal"),
        ("yue.wumu hat sieben Raben", "password_personal"),
        (PASSWORD, None),
    ],
)
def test_password_is_refused_by_what_is_wrong_with_it(world, doors, password, code):
    (made,) = doors[1].invite(world.officer, [world.person("岳武穆").party])
    name = f"yue.wumu@{new_name()}"
    if code is None:
        assert doors[1].accept(made.token, name, password)
        return
    with pytest.raises(InvalidRequest) as caught:
        doors[1].accept(made.token, name, password)
    assert (caught.value.problems[0].path, caught.value.problems[0].code) == ("password", code)


def test_password_may_not_hold_the_tax_id(world, doors):
    firm = world.enterprise("密码公司")
    tax_id = world.ledger.party(world.officer, firm.party).tax_id
    (made,) = doors[1].invite(world.officer, [firm.party])
    with pytest.raises(InvalidRequest) as caught:
        doors[1].accept(made.token, "firm.desk", f"Raben {tax_id.lower()} 41")
    assert caught.value.problems[0].code == "password_personal"
    doors[1].accept(made.token, "firm.desk", PASSWORD)


def accepted_through(world, by, person, provider_id):
    """A session of an invited person, who accepted through its company's provider."""
    account = (provider_id, f"subject {person.party}", world.ledger.context.now_s())
    (made,) = world.ledger.invitations.invite(by, [person.party])
    return world.ledger.invitations.accept_through(made.token, by.party, account)


def test_who_signs_in_through_a_provider_is_invited_by_no_company(world, doors):
    firm, other = world.enterprise("登录服务公司"), world.enterprise("不速公司")
    provider_id = provided(world.ledger, firm)
    seated, left, plain = (world.person(name, (firm, ["claim"])) for name in ("在职", "离职", "未登录"))
    for person in (seated, left):
        accepted_through(world, firm, person, provider_id)
    for person in (left, plain):
        must(world.ledger.remove_member(firm, person.party, idempotency_key=world.key()))
        must(world.ledger.grant(other, person.party, ["claim"], idempotency_key=world.key()))
    for by, person in ((firm, seated), (other, left), (world.officer, left)):
        with pytest.raises(NotPermitted):
            doors[1].invite(by, [person.party])
    row = NewMember(left.party, ("claim", "finance"), invite=True)
    with pytest.raises(InvalidRequest) as caught:
        world.ledger.import_members(other, [row], idempotency_key=world.key())
    assert caught.value.problems[0].code == "member_not_invited"
    (made,) = doors[1].invite(other, [plain.party])
    assert doors[1].accept(made.token, new_name(), PASSWORD).caller.party == plain.party
    (made,) = doors[1].invite(world.authority, [left.party])
    assert doors[1].accept(made.token, new_name(), PASSWORD).caller.party == left.party


def test_who_administers_a_company_is_invited_by_no_other_that_grants_it_something(world, doors):
    firm, other, person = world.enterprise("受托公司"), world.enterprise("外人公司"), world.person("受托管理员")
    office = world.ledger.offices.appoint(firm, "administrator", person.party, idempotency_key=world.key())
    must(world.ledger.grant(other, person.party, ["claim"], idempotency_key=world.key()))
    with pytest.raises(NotPermitted):
        doors[1].invite(other, [person.party])
    world.ledger.offices.end(firm, office.office, idempotency_key=world.key())
    (made,) = doors[1].invite(other, [person.party])
    assert doors[1].accept(made.token, new_name(), PASSWORD).caller.party == person.party


def test_who_uses_an_api_key_or_keeps_its_own_key_is_invited_by_the_authority_alone(world, doors):
    firm = world.enterprise("程序公司")
    idle, program, own = (world.person(name, (firm, ["claim"])) for name in ("闲置密钥", "程序用户", "自持密钥者"))
    own, _ = keeping_its_own(world, own)
    (early,) = doors[1].invite(firm, [program.party])
    assert world.ledger.authenticate(world.api_keys[program.party]).party == program.party
    for person in (program, own):
        with pytest.raises(NotPermitted):
            doors[1].invite(firm, [person.party])
        assert doors[1].invite(world.authority, [person.party])
    with pytest.raises(InvitationInvalid):
        doors[1].accept(early.token, new_name(), PASSWORD)
    assert doors[1].invite(firm, [idle.party])
