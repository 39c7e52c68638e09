"""A list of members: granted with one signature and invited, or refused whole with every wrong row named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.service.errors import (
    IdempotencyConflict,
    InvalidRequest,
    InvitationInvalid,
    NotPermitted,
    SignatureNeeded,
)
from ledger.service.members import MEMBERS_MAX, NewMember
from tests.service.own_keys import drafted, keeping_its_own
from tests.service.sign_in_doors import PASSWORD
from tests.service.world import World, must
from verifier.words import Grant

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def staff(world):
    """An enterprise, and two people nobody granted anything."""
    return world.enterprise("名册公司"), world.person("名册甲"), world.person("名册乙")


def imported(world: World, caller, *rows: NewMember, **more):
    more.setdefault("idempotency_key", world.key())
    return world.ledger.import_members(caller, rows, **more)


def wrong(world: World, caller, *rows: NewMember) -> list[tuple[str, str]]:
    """Path and code of each problem of a list, none of which was granted."""
    with pytest.raises(InvalidRequest) as caught:
        imported(world, caller, *rows)
    assert all(one.message_en and one.message_zh for one in caught.value.problems)
    return [(one.path, one.code) for one in caught.value.problems]


def test_a_list_is_granted_with_one_signature(world, staff):
    firm, one, two = staff
    done = imported(world, firm, NewMember(two.party, ("finance", "claim")), NewMember(one.party, ("claim",)))
    must(done.written)
    assert [(row.person, row.state, row.invitation) for row in done.rows] == [
        (two.party, "signed", None), (one.party, "signed", None),
    ]  # fmt: skip
    assert world.again(one).grants == {firm.party: Grant.CLAIM}
    assert world.again(two).grants == {firm.party: Grant.FINANCE | Grant.CLAIM}
    # the enterprise signs on: its version is what two operations made of it
    must(world.ledger.revoke(firm, one.party, ["claim"], idempotency_key=world.key()))
    assert world.again(one).grants == {}


def test_who_holds_the_grants_is_left_out_and_a_list_of_such_is_refused(world, staff):
    firm, one, two = staff
    must(world.ledger.grant(firm, one.party, ["claim"], idempotency_key=world.key()))
    rows = (NewMember(one.party, ("claim",)), NewMember(two.party, ("claim",)))
    assert [row.state for row in imported(world, firm, *rows).rows] == ["held", "signed"]
    assert wrong(world, firm, *rows) == [("rows", "members_held")]
    more = imported(world, firm, NewMember(one.party, ("issue", "claim")))  # one of them is new
    assert [row.state for row in more.rows] == ["signed"]
    assert world.again(one).grants == {firm.party: Grant.ISSUE | Grant.CLAIM}


def test_every_wrong_row_is_named_and_nothing_is_granted(world, staff):
    firm, one, two = staff
    third = world.person("名册丁")
    assert wrong(
        world, firm, NewMember(one.party, ("claim", "steal")), NewMember(two.party, ()),
        NewMember(third.party, ("claim",)), NewMember(third.party, ("finance",)),
    ) == [
        ("rows.0.grants.1", "grant_unknown"), ("rows.1.grants", "count_range"), ("rows.3.person", "member_twice"),
    ]  # fmt: skip
    assert wrong(
        world, firm, NewMember(one.party, ("claim",)), NewMember(999_999, ("claim",)), NewMember(0, ("claim",)),
        NewMember(world.officer.party, ("claim",)), NewMember(firm.party, ("claim",)),
    ) == [
        ("rows.1.person", "party_unknown"), ("rows.2.person", "party_unknown"), ("rows.3.person", "party_kind"),
        ("rows.4.person", "party_kind"),
    ]  # fmt: skip
    assert world.again(one).grants == world.again(two).grants == {}


def test_a_list_is_of_one_to_two_hundred_rows(world, staff):
    firm = staff[0]
    assert wrong(world, firm) == [("rows", "count_range")]
    many = [NewMember(900_000 + number, ("claim",)) for number in range(MEMBERS_MAX + 1)]
    assert wrong(world, firm, *many) == [("rows", "count_range")]
    assert len(wrong(world, firm, *many[1:])) == MEMBERS_MAX  # read, and each found unknown


def test_same_idempotency_key_grants_once_and_shows_no_invitation_again(world, staff):
    firm, one, _ = staff
    row, key = NewMember(one.party, ("claim",), invite=True), world.key()
    first = imported(world, firm, row, idempotency_key=key)
    again = imported(world, firm, row, idempotency_key=key)
    assert again.written.digest == first.written.digest
    assert (first.rows[0].state, again.rows[0].state) == ("signed", "signed")
    assert first.rows[0].invitation is not None
    assert again.rows[0].invitation is None
    with pytest.raises(IdempotencyConflict):
        imported(world, firm, replace(row, invite=False), idempotency_key=key)


def test_an_invited_member_signs_in_once_its_grant_is_recorded(world, staff, doors):
    firm, one, two = staff
    done = imported(world, firm, NewMember(one.party, ("claim",), invite=True), NewMember(two.party, ("claim",)))
    must(done.written)
    assert done.rows[1].invitation is None
    begun = doors[1].accept(done.rows[0].invitation.token, f"member.{one.party}@example.com", PASSWORD)
    assert begun.caller.grants == {firm.party: Grant.CLAIM}
    # with a password of its own it is invited no more, and the list with it is not granted
    nobody = world.person("名册丙")
    rows = (NewMember(nobody.party, ("claim",), invite=True), NewMember(one.party, ("claim",), invite=True))
    assert wrong(world, firm, *rows) == [("rows.1.invite", "member_not_invited")]
    assert world.again(nobody).grants == {}


def test_who_works_for_another_company_too_is_granted_and_not_invited(world, staff, doors):
    firm, one, two = staff
    other = world.enterprise("另一名册公司")
    must(world.ledger.grant(other, one.party, ["claim"], idempotency_key=world.key()))
    rows = [NewMember(two.party, ("claim",), invite=True), NewMember(one.party, ("claim",), invite=True)]
    assert wrong(world, firm, *rows) == [("rows.1.invite", "member_not_invited")]
    done = imported(world, firm, rows[0], replace(rows[1], invite=False))
    must(done.written)
    must(world.ledger.grant(other, two.party, ["claim"], idempotency_key=world.key()))
    with pytest.raises(InvitationInvalid):
        doors[1].accept(done.rows[0].invitation.token, f"member.{two.party}@example.com", PASSWORD)


def test_an_invitation_opens_nothing_while_its_grant_does_not_stand(world, staff, doors):
    firm, one, _ = staff
    done = imported(world, firm, NewMember(one.party, ("claim",), invite=True))
    token, name = done.rows[0].invitation.token, f"member.{one.party}@example.com"
    must(world.ledger.revoke(firm, one.party, ["claim"], idempotency_key=world.key()))
    with pytest.raises(InvitationInvalid):
        doors[1].accept(token, name, PASSWORD)
    must(world.ledger.grant(firm, one.party, ["claim"], idempotency_key=world.key()))
    assert doors[1].accept(token, name, PASSWORD).caller.party == one.party


def test_an_administrator_imports_in_its_enterprise_s_name_and_the_use_is_recorded(world, staff):
    firm, head, member = staff
    office = world.ledger.offices.appoint(firm, "administrator", head.party, idempotency_key=world.key())
    head, row = world.again(head), NewMember(member.party, ("claim",), invite=True)
    done = imported(world, head, row, subject=firm.party)
    must(done.written)
    assert done.rows[0].invitation is not None
    assert world.again(member).grants == {firm.party: Grant.CLAIM}
    (use,) = world.ledger.offices.uses(firm, office.office, limit=5).items
    assert use.digest == done.written.digest


def test_nobody_imports_into_a_stranger_s_enterprise(world, staff, cast):
    firm, one, two = staff
    row = NewMember(two.party, ("claim",))
    for caller, subject in ((one, firm.party), (cast.employer, firm.party), (world.officer, firm.party), (one, None),
                            (world.officer, None)):  # fmt: skip
        with pytest.raises(NotPermitted):
            imported(world, caller, row, subject=subject)
    assert world.again(two).grants == {}
    must(imported(world, firm, row, subject=firm.party).written)


def test_a_narrow_key_imports_and_invites_nobody(world, staff):
    firm, one, _ = staff
    narrow = replace(firm, scopes=frozenset())
    with pytest.raises(NotPermitted):
        imported(world, narrow, NewMember(one.party, ("claim",), invite=True))
    must(imported(world, narrow, NewMember(one.party, ("claim",))).written)


def test_an_enterprise_with_its_own_key_signs_the_list_as_one_draft(world, staff):
    firm, one, two = staff
    firm, wallet = keeping_its_own(world, firm)
    rows = (NewMember(one.party, ("claim",)), NewMember(two.party, ("finance",)))
    inviting = (replace(rows[0], invite=True), rows[1])
    assert wrong(world, firm, *inviting) == [("rows.0.invite", "member_invited_later")]
    key = world.key()
    digest = drafted(lambda: imported(world, firm, *rows, idempotency_key=key))
    assert world.again(one).grants == {}
    with pytest.raises(SignatureNeeded):
        imported(world, firm, *rows, idempotency_key=key)
    signature = wallet.sign(world.ledger.drafts.draft(firm, digest).typed_data)
    must(world.ledger.drafts.sign(firm, digest, signature))
    assert (world.again(one).grants, world.again(two).grants) == (
        {firm.party: Grant.CLAIM}, {firm.party: Grant.FINANCE},
    )  # fmt: skip
    done = imported(world, firm, *rows, idempotency_key=key)
    assert [row.state for row in done.rows] == ["signed", "signed"]
