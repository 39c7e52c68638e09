"""API keys: what they are for, how long, who may end them, and that the database alone makes none."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from ledger.identity import Scope, new_api_key
from ledger.projection import api_keys as stored_keys
from ledger.projection import parties
from ledger.service import Caller, InvalidRequest, NotAuthenticated, NotFound, NotPermitted
from ledger.service.api_key_views import ApiKeyView
from ledger.service.api_keys import KEYS_PER_PARTY_MAX, LIFETIME_DAYS_MAX
from ledger.service.challenges import SIGNED_IN_MAX
from ledger.service.credentials import KEY_LIFETIME_DEFAULT_S
from ledger.service.errors import KeyExpired, ScopeMissing
from ledger.service.key_uses import USE_NOTED_EVERY_S
from ledger.service.people import need_scope
from tests.service.conftest import Cast
from tests.service.world import World, must


@pytest.fixture
def at(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the ledger's clock so many seconds from now."""
    now_s = world.ledger.context.now_s()

    def go(later_s: float) -> None:
        monkeypatch.setattr(type(world.ledger.context), "now_s", lambda _: now_s + int(later_s))

    return go


@pytest.fixture
def owner(world: World, cast: Cast) -> Caller:
    """A seller signed in with its first key."""
    return world.ledger.authenticate(world.api_keys[cast.seller.party])


def made(world: World, caller: Caller, **wanted: object) -> ApiKeyView:
    return world.ledger.api_keys.make(caller, label="till 1", idempotency_key=world.key(), **wanted)  # type: ignore[arg-type]


def problem(caught: pytest.ExceptionInfo[InvalidRequest]) -> tuple[str, str]:
    return caught.value.problems[0].path, caught.value.problems[0].code


def test_a_key_acts_as_its_party_for_what_it_is_for_alone(world: World, owner: Caller) -> None:
    key = made(world, owner, scopes=["issue", "read"])
    assert key.scopes == ("read", "issue")
    caller = world.ledger.authenticate(key.secret)
    assert caller.party == owner.party
    need_scope(caller, Scope.ISSUE)
    with pytest.raises(ScopeMissing) as caught:
        need_scope(caller, Scope.MANAGE)
    assert caught.value.scope == "manage"
    assert "`manage`" in caught.value.message


def test_a_key_ends_in_a_year_unless_told_otherwise(world: World, owner: Caller, at: Callable[[float], None]) -> None:
    first = world.ledger.api_keys.keys(owner)[-1]
    assert first.expires_at is not None
    assert first.expires_at - first.created_at == timedelta(seconds=KEY_LIFETIME_DEFAULT_S)
    short = made(world, owner, lifetime_days=1)
    at(86_399)
    assert world.ledger.authenticate(short.secret).party == owner.party
    at(86_401)
    with pytest.raises(KeyExpired, match="ended at"):
        world.ledger.authenticate(short.secret)
    guessed = f"einv_{short.key_id}_{'0' * 64}"
    with pytest.raises(NotAuthenticated) as caught:
        world.ledger.authenticate(guessed)
    assert type(caught.value) is NotAuthenticated


@pytest.mark.parametrize("days", [0, -1, LIFETIME_DAYS_MAX + 1])
def test_a_key_without_end_is_refused(world: World, cast: Cast, days: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        made(world, cast.stranger, lifetime_days=days)
    assert problem(caught) == ("lifetime_days", "count_range")


def test_a_key_makes_none_wider_than_itself(world: World, owner: Caller) -> None:
    narrow = world.ledger.authenticate(made(world, owner, scopes=["manage", "read"], lifetime_days=10).secret)
    assert made(world, narrow, scopes=["read"], lifetime_days=10).scopes == ("read",)
    inherited = made(world, narrow)
    assert inherited.scopes == ("read", "manage")
    assert inherited.expires_at is not None
    assert int(inherited.expires_at.timestamp()) == narrow.credential_ends_at
    for wider in (["read", "issue"], ["all"], ["read", "manage", "all"]):
        with pytest.raises(InvalidRequest) as caught:
            made(world, narrow, scopes=wider)
        assert problem(caught)[1] == "scope_wider"
    with pytest.raises(InvalidRequest) as caught:
        made(world, narrow, lifetime_days=11)
    assert problem(caught) == ("lifetime_days", "key_outlives")
    with pytest.raises(InvalidRequest) as caught:
        made(world, owner, scopes=["read", "everything"])
    assert problem(caught) == ("scopes.1", "scope_unknown")


def test_a_secret_is_told_once(world: World, owner: Caller) -> None:
    key = world.key()
    first = world.ledger.api_keys.make(owner, label="einmal", idempotency_key=key)
    again = world.ledger.api_keys.make(owner, label="einmal", idempotency_key=key)
    assert first.secret.startswith(f"einv_{first.key_id}_")
    assert (again.key_id, again.secret) == (first.key_id, "")
    assert first.secret not in repr(first)
    assert all(one.secret == "" for one in world.ledger.api_keys.keys(owner))


def test_an_ended_key_opens_nothing_and_takes_its_own_with_it(world: World, owner: Caller) -> None:
    parent = made(world, owner)
    child = made(world, world.ledger.authenticate(parent.secret))
    grandchild = made(world, world.ledger.authenticate(child.secret))
    sibling = made(world, owner)
    elsewhere = world.opened()  # another process
    assert elsewhere.authenticate(grandchild.secret).party == owner.party
    assert world.ledger.api_keys.revoke(owner, parent.key_id, idempotency_key=world.key()).state == "revoked"
    for ended in (parent, child, grandchild):
        for ledger in (world.ledger, elsewhere):
            with pytest.raises(NotAuthenticated):
                ledger.authenticate(ended.secret)
    assert world.ledger.authenticate(sibling.secret).party == owner.party
    states = {one.key_id: one.state for one in world.ledger.api_keys.keys(owner)}
    assert (states[parent.key_id], states[grandchild.key_id]) == ("revoked", "revoked")
    assert states[sibling.key_id] == "active"


def test_keys_are_their_partys_and_officers_to_see_and_end(world: World, owner: Caller, cast: Cast) -> None:
    key = made(world, owner)
    for stranger in (cast.stranger, cast.clerk):
        with pytest.raises(NotFound):
            world.ledger.api_keys.keys(stranger, owner.party)
        with pytest.raises(NotFound) as of_key:
            world.ledger.api_keys.revoke(stranger, key.key_id, idempotency_key=world.key())
        with pytest.raises(NotFound) as of_none:
            world.ledger.api_keys.revoke(stranger, "0" * 16, idempotency_key=world.key())
        assert of_key.value.message.replace(key.key_id, "0" * 16) == of_none.value.message
    assert world.ledger.authenticate(key.secret).party == owner.party
    assert key.key_id in {one.key_id for one in world.ledger.api_keys.keys(world.officer, owner.party)}
    world.ledger.api_keys.revoke(world.officer, key.key_id, idempotency_key=world.key())
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(key.secret)


def test_an_officers_key_is_ended_by_the_authority_and_with_the_appointment(world: World) -> None:
    written, first = world.ledger.appoint_officer(world.authority, name="新税官", idempotency_key=world.key())
    party = must(written).party
    assert party is not None
    key_id = world.ledger.authenticate(first).credential
    with pytest.raises(NotPermitted):
        world.ledger.api_keys.revoke(world.officer, key_id, idempotency_key=world.key())
    second = world.ledger.api_keys.make_for(party, "second")
    world.ledger.api_keys.revoke(world.authority, key_id, idempotency_key=world.key())
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(first)
    assert world.ledger.authenticate(second.secret).is_officer
    must(world.ledger.dismiss_officer(world.authority, party, reason="离任", idempotency_key=world.key()))
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(second.secret)
    states = {one.key_id: one.state for one in world.ledger.api_keys.keys(world.authority, party)}
    assert states == {key_id: "revoked", second.key_id: "dismissed"}


def test_use_is_noted_once_an_hour(world: World, owner: Caller, at: Callable[[float], None]) -> None:
    key = made(world, owner)
    assert key.last_used_at is None
    for _ in range(3):
        world.ledger.authenticate(key.secret)
    first = noted(world, owner, key)
    at(USE_NOTED_EVERY_S - 60)
    world.ledger.authenticate(key.secret)
    assert noted(world, owner, key) == first
    at(USE_NOTED_EVERY_S + 60)
    world.ledger.authenticate(key.secret)
    assert noted(world, owner, key) - first == timedelta(seconds=USE_NOTED_EVERY_S + 60)  # type: ignore[operator]


def noted(world: World, owner: Caller, key: ApiKeyView) -> object:
    world.ledger.context.store.write(lambda _: None)  # what was handed to the writing thread before is done
    return next(one.last_used_at for one in world.ledger.api_keys.keys(owner) if one.key_id == key.key_id)


def test_a_party_has_so_many_keys(world: World, owner: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEYS_PER_PARTY_MAX > 10
    working = sum(one.state == "active" and not one.signed_in for one in world.ledger.api_keys.keys(owner))
    monkeypatch.setattr("ledger.service.api_keys.KEYS_PER_PARTY_MAX", working + 1)
    last = made(world, owner)
    with pytest.raises(InvalidRequest) as caught:
        made(world, owner)
    assert problem(caught) == ("label", "api_keys_max")
    world.ledger.api_keys.revoke(owner, last.key_id, idempotency_key=world.key())


def test_a_living_key_is_listed_however_many_ended_after_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stored_keys.ENDED_KEPT_MAX + KEYS_PER_PARTY_MAX + SIGNED_IN_MAX < stored_keys.API_KEYS_LISTED_MAX
    person = world.person("键多")
    first = world.ledger.authenticate(world.api_keys[person.party])
    quiet = made(world, first)
    monkeypatch.setattr(stored_keys, "API_KEYS_LISTED_MAX", 6)
    monkeypatch.setattr(stored_keys, "ENDED_KEPT_MAX", 3)
    ended = []
    for _ in range(8):
        ended.append(made(world, first).key_id)
        world.ledger.api_keys.revoke(first, ended[-1], idempotency_key=world.key())
    listed = [one.key_id for one in world.ledger.api_keys.keys(person)]
    assert set(listed[:2]) == {first.credential, quiet.key_id}
    assert set(listed[2:]) < set(ended)
    made(world, first)
    with world.ledger.context.reading() as connection:
        identity = parties.party(connection, person.party).identity  # type: ignore[union-attr]
        monkeypatch.undo()
        rows = stored_keys.api_keys(connection, identity, world.ledger.context.now_s())
    assert len(rows) == 3 + 3  # three work, three of the eight that ended are kept


def test_erasing_a_person_ends_keys_that_no_list_shows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person, other = world.person("忘我"), world.person("别人")
    first = world.ledger.authenticate(world.api_keys[person.party])
    secrets = [made(world, first).secret for _ in range(3)]
    monkeypatch.setattr(stored_keys, "API_KEYS_LISTED_MAX", 1)
    world.ledger.erasing.person(world.authority, person.party, reason="asked", idempotency_key=world.key())
    for secret in (*secrets, world.api_keys[person.party]):
        with pytest.raises(NotAuthenticated):
            world.ledger.authenticate(secret)
    assert world.ledger.authenticate(world.api_keys[other.party]).party == other.party


@pytest.fixture
def sql(world: World) -> Iterator[sqlite3.Connection]:
    """The database as its administrator has it."""
    with closing(sqlite3.connect(world.settings.data_dir / "ledger.sqlite", isolation_level=None)) as connection:
        yield connection


@pytest.mark.parametrize(
    "change",
    [
        "scopes = 'all'",
        "expires_at = expires_at + 1",
        "expires_at = NULL",
        "identity = (SELECT identity FROM p_party WHERE id = 1)",
        "made_with = NULL",
        "made_in = key_id",
        "label = 'x'",
    ],
)
def test_a_key_changed_in_the_database_opens_nothing(
    world: World, owner: Caller, sql: sqlite3.Connection, change: str
) -> None:
    key = made(world, owner, scopes=["read"])
    assert world.ledger.authenticate(key.secret).party == owner.party
    sql.execute(f"UPDATE api_key SET {change} WHERE key_id = ?", (key.key_id,))
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(key.secret)


def test_a_key_brought_back_or_made_in_the_database_opens_nothing(
    world: World, owner: Caller, sql: sqlite3.Connection
) -> None:
    key = made(world, owner)
    world.ledger.api_keys.revoke(owner, key.key_id, idempotency_key=world.key())
    sql.execute("UPDATE api_key SET revoked_at = NULL WHERE key_id = ?", (key.key_id,))
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(key.secret)
    own = new_api_key()
    sql.execute(
        "INSERT INTO api_key SELECT ?, ?, identity, label, created_at, NULL, scopes, expires_at, NULL, NULL, NULL,"
        " NULL, NULL, mac FROM api_key WHERE key_id = ?",
        (own.key_id, own.secret_hash, key.key_id),
    )
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(own.text)
