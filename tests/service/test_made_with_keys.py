"""What somebody makes with a key ends with the key; what he was allowed to begin ends with his right to it."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import text

from ledger.domain.key_proof import Purpose
from ledger.projection import providers
from ledger.service import Caller
from ledger.service.context import Context
from ledger.service.errors import InvitationInvalid, NotAuthenticated, NotPermitted, SignInFailed
from ledger.service.sign_in_views import SignedIn
from ledger.service.webhook_sending import WebhookSending
from tests.service.own_keys import Wallet, drafted, keeping_its_own
from tests.service.sign_in_doors import PASSWORD, new_name
from tests.service.test_company_sessions import provided
from tests.service.world import World, must

pytestmark = pytest.mark.usefixtures("quick_hashes")


def joined(world: World, by: Caller, party: int) -> tuple[str, SignedIn]:
    """A sign-in name of a party and its first session, by an invitation of `by`."""
    name = f"stem@{new_name()}"
    (made,) = world.ledger.invitations.invite(by, [party])
    return name, world.ledger.invitations.accept(made.token, name, PASSWORD)


def revoked(world: World, party: int, key: str) -> None:
    world.ledger.api_keys.revoke(world.ledger.caller(party), key.split("_")[1], idempotency_key=world.key())


def with_own_key(world: World, caller: Caller, wallet: Wallet) -> Caller:
    """The party by a key that answers a challenge."""
    asked = world.ledger.challenges.ask(caller.party)
    made = world.ledger.challenges.answer(asked.challenge_id, wallet.sign(asked.typed_data))
    return world.ledger.authenticate(made.secret)


def rotated(world: World, caller: Caller, wallet: Wallet) -> None:
    own = Wallet().proof(world.ledger, Purpose.REPLACE_KEY, f"party:{caller.party}", "")
    digest = drafted(lambda: world.ledger.rotate_key(caller, own=own, idempotency_key=world.key()))
    drafts = world.ledger.drafts
    must(drafts.sign(caller, digest, wallet.sign(drafts.draft(caller, digest).typed_data)))


def hooked(world: World, caller: Caller) -> str:
    return world.ledger.webhooks.register(
        caller, url="https://erp.example.com/in", idempotency_key=world.key()
    ).webhook_id


def test_password_sessions_and_webhooks_end_with_the_key_that_made_them(world: World) -> None:
    firm = world.enterprise("失窃餐饮")
    thief = world.ledger.authenticate(world.api_keys[firm.party])
    hook = hooked(world, thief)
    name, begun = joined(world, thief, firm.party)
    inside = world.ledger.sign_in.authenticate(begun.token)
    lasting = world.ledger.api_keys.make(inside, label="lasting", idempotency_key=world.key())
    hook_inside = hooked(world, inside)
    again = world.ledger.sign_in.change_password(begun.token, PASSWORD, "ein anderer Satz mit 7 Enten")
    later = world.ledger.api_keys.make(again.caller, label="later", idempotency_key=world.key())
    assert world.ledger.authenticate(later.secret).party == firm.party

    revoked(world, firm.party, world.api_keys[firm.party])
    with pytest.raises(NotAuthenticated):
        world.ledger.sign_in.authenticate(again.token)
    with pytest.raises(SignInFailed):
        world.ledger.sign_in.begin(name, "ein anderer Satz mit 7 Enten")
    for key in (lasting, later):
        with pytest.raises(NotAuthenticated):
            world.ledger.authenticate(key.secret)
    assert {hook, hook_inside}.isdisjoint(one.webhook_id for one in world.ledger.webhooks.webhooks(firm))
    assert joined(world, world.officer, firm.party)[1].caller.party == firm.party  # its owner begins anew


def test_what_another_key_or_an_officer_made_stays(world: World) -> None:
    firm = world.enterprise("未失窃餐饮")
    lost = world.ledger.authenticate(world.api_keys[firm.party])
    other = world.ledger.authenticate(world.ledger.api_keys.make_for(firm.party, "other").secret)
    hook = hooked(world, other)
    name, begun = joined(world, world.officer, firm.party)
    hooked(world, lost)
    revoked(world, firm.party, world.api_keys[firm.party])
    assert world.ledger.sign_in.authenticate(begun.token).party == firm.party
    assert world.ledger.sign_in.begin(name, PASSWORD)
    assert [one.webhook_id for one in world.ledger.webhooks.webhooks(firm)] == [hook]


def test_invitation_that_waits_ends_with_its_key(world: World) -> None:
    firm = world.enterprise("邀请餐饮")
    (made,) = world.ledger.invitations.invite(world.ledger.authenticate(world.api_keys[firm.party]), [firm.party])
    assert world.ledger.invitations.party_of(made.token) == firm.party
    revoked(world, firm.party, world.api_keys[firm.party])
    with pytest.raises(InvitationInvalid):
        world.ledger.invitations.accept(made.token, f"stem@{new_name()}", PASSWORD)


def test_no_challenge_invites_its_own_party_nor_a_key_made_with_it(world: World) -> None:
    firm, wallet = keeping_its_own(world, world.enterprise("自管邀请"))
    signed_in = with_own_key(world, firm, wallet)
    made = world.ledger.api_keys.make(signed_in, label="within the hour", idempotency_key=world.key())
    for caller in (signed_in, world.ledger.authenticate(made.secret)):
        with pytest.raises(NotPermitted):
            world.ledger.invitations.invite(caller, [firm.party])
    assert joined(world, world.officer, firm.party)[1].caller.party == firm.party


def test_what_a_challenge_s_key_made_stands_past_its_hour_and_ends_with_the_signing_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm, wallet = keeping_its_own(world, world.enterprise("自管轮换"))
    signed_in = with_own_key(world, firm, wallet)
    hook = hooked(world, signed_in)
    begun = int(time.time())
    with monkeypatch.context() as later:
        later.setattr(Context, "now_s", lambda _self: begun + 2 * 3_600)
        with_own_key(world, firm, wallet)  # forgets keys of challenges that are over
    sending = WebhookSending(world.ledger.context)
    sending.queue_new()
    assert world.ledger.webhooks.webhook(firm, hook).state == "active"
    rotated(world, firm, wallet)
    sending.queue_new()
    assert not world.ledger.webhooks.webhooks(firm)


def test_administrator_s_invitation_ends_with_the_office(world: World) -> None:
    firm, keeper = world.enterprise("任职公司"), world.person("任职管理员")
    member = world.person("任职员工", (firm, ["claim"]))
    office = world.ledger.offices.appoint(firm, "administrator", keeper.party, idempotency_key=world.key())
    assert joined(world, world.again(keeper), member.party)[1].caller.party == member.party
    other = world.person("任职员工二", (firm, ["claim"]))
    (made,) = world.ledger.invitations.invite(world.again(keeper), [other.party])
    world.ledger.offices.end(firm, office.office, idempotency_key=world.key())
    with pytest.raises(InvitationInvalid):
        world.ledger.invitations.accept(made.token, f"stem@{new_name()}", PASSWORD)


def test_officer_s_invitation_ends_when_it_is_moved_to_another_district(world: World) -> None:
    mover, firm = world.officer_of("440300"), world.enterprise("辖区公司", district="440300")
    assert joined(world, mover, firm.party)[1].caller.party == firm.party
    other = world.enterprise("辖区公司二", district="440300")
    (made,) = world.ledger.invitations.invite(mover, [other.party])
    world.ledger.change_district(world.authority, mover.party, "110000", idempotency_key=world.key())
    with pytest.raises(InvitationInvalid):
        world.ledger.invitations.accept(made.token, f"stem@{new_name()}", PASSWORD)


def test_officer_s_invitation_ends_with_its_dismissal(world: World) -> None:
    leaver, _ = world.ledger.appoint_officer(world.authority, name="离任邀请", idempotency_key=world.key())
    firm = world.enterprise("离任公司")
    (made,) = world.ledger.invitations.invite(world.ledger.caller(leaver.party), [firm.party])
    assert world.ledger.invitations.party_of(made.token) == firm.party
    world.ledger.dismiss_officer(world.authority, leaver.party, reason="离任", idempotency_key=world.key())
    with pytest.raises(InvitationInvalid):
        world.ledger.invitations.accept(made.token, f"stem@{new_name()}", PASSWORD)


def test_row_that_is_taken_off_its_key_signs_nobody_in(world: World) -> None:
    from ledger.service.errors import NotReady

    firm = world.enterprise("改行餐饮")
    name, begun = joined(world, world.ledger.authenticate(world.api_keys[firm.party]), firm.party)
    assert world.ledger.sign_in.authenticate(begun.token)
    key_id = world.api_keys[firm.party].split("_")[1]
    for table in ("password", "session"):
        world.ledger.context.store.write(
            lambda connection, table=table: connection.execute(
                text(f"UPDATE {table} SET made_with = NULL WHERE made_with = :key"),
                {"key": key_id},
            )
        )
    with pytest.raises(NotAuthenticated):
        world.ledger.sign_in.authenticate(begun.token)
    with pytest.raises(NotReady):
        world.ledger.sign_in.begin(name, PASSWORD)


def test_a_link_by_an_invitation_ends_with_the_key_and_the_office_that_invited(world: World) -> None:
    ledger, firm, keeper = world.ledger, world.enterprise("失窃登录公司"), world.person("离任管理员")
    provider_id, now_s = provided(ledger, firm), ledger.context.now_s()
    office = ledger.offices.appoint(firm, "administrator", keeper.party, idempotency_key=world.key())
    stolen = ledger.authenticate(world.api_keys[firm.party])
    tokens: list[str] = []
    for by, name in ((stolen, "被盗钥匙所邀"), (world.again(keeper), "前管理员所邀"), (firm, "公司所邀")):
        person = world.person(name, (firm, ["finance"]))
        (made,) = ledger.invitations.invite(by, [person.party])
        begun = ledger.invitations.accept_through(made.token, firm.party, (provider_id, name, now_s))
        assert ledger.sign_in.authenticate(begun.token).company == firm.party
        tokens.append(begun.token)
    by_key, by_keeper, by_firm = tokens

    revoked(world, firm.party, world.api_keys[firm.party])
    ledger.offices.end(firm, office.office, idempotency_key=world.key())
    for token in (by_key, by_keeper):
        with pytest.raises(NotAuthenticated):
            ledger.sign_in.authenticate(token)
    assert ledger.sign_in.authenticate(by_firm).company == firm.party
    with ledger.context.reading() as connection:
        assert providers.linked_count(connection, provider_id) == 1  # nobody signs in by the others anew
    ledger.offices.appoint(firm, "administrator", keeper.party, idempotency_key=world.key())
    with pytest.raises(NotAuthenticated):
        ledger.sign_in.authenticate(by_keeper)
