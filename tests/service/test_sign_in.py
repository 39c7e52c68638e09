"""Sessions of people: how they begin, what ends them, and what an administrator of the database tries."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from sqlalchemy import text

from ledger.identity import passwords
from ledger.service.errors import (
    NotAuthenticated,
    NotFound,
    SignInFailed,
)
from ledger.service.sign_in import PASSWORD_FRESH_S
from tests.service.sign_in_doors import OTHER_PASSWORD, PASSWORD, joined
from tests.service.world import World

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_session_ends_with_idleness_and_with_its_lifetime(world, doors, clock):
    settings = world.ledger.context.settings
    _, session = joined(world, world.person("闲人"))
    for _ in range(3):
        clock[0] += settings.session_idle_s - 5
        assert doors[0].authenticate(session.token)
    clock[0] += settings.session_idle_s
    with pytest.raises(NotAuthenticated):
        doors[0].authenticate(session.token)
    _, busy = joined(world, world.person("忙人"))
    while clock[0] < 10**6:
        clock[0] += settings.session_idle_s - 5
        try:
            doors[0].authenticate(busy.token)
        except NotAuthenticated:
            break
    assert clock[0] < settings.session_lifetime_s * 2 + settings.session_idle_s * 6


def test_signing_out_ends_one_session_and_everywhere_ends_all(world, doors):
    person = world.person("退出")
    name, first = joined(world, person)
    second, third = doors[0].begin(name, PASSWORD), doors[0].begin(name, PASSWORD)
    caller = doors[0].authenticate(second.token)
    listed = doors[0].sessions(caller)
    assert {one.session_id for one in listed} == {each.session.session_id for each in (first, second, third)}
    assert [one.session_id for one in listed if one.current] == [second.session.session_id]
    doors[0].end(caller, first.session.session_id)
    with pytest.raises(NotAuthenticated):
        doors[0].authenticate(first.token)
    assert doors[0].end_all(caller) == 2
    for ended in (second, third):
        with pytest.raises(NotAuthenticated):
            doors[0].authenticate(ended.token)


def test_nobody_ends_the_session_of_another_or_learns_of_it(world, doors):
    _, mine = joined(world, world.person("我"))
    stranger = world.person("他")
    with pytest.raises(NotFound) as real:
        doors[0].end(stranger, mine.session.session_id)
    with pytest.raises(NotFound) as invented:
        doors[0].end(stranger, "0" * 32)
    assert real.value.message.replace(mine.session.session_id, "0" * 32) == invented.value.message
    assert doors[0].authenticate(mine.token)


def test_new_password_ends_every_other_session(world, doors):
    person = world.person("换密码")
    name, first = joined(world, person)
    second = doors[0].begin(name, PASSWORD)
    with pytest.raises(SignInFailed):
        doors[0].change_password(first.token, OTHER_PASSWORD, "noch ein Satz mit 9 Gänsen")
    changed = doors[0].change_password(first.token, PASSWORD, OTHER_PASSWORD)
    for ended in (first, second):
        with pytest.raises(NotAuthenticated):
            doors[0].authenticate(ended.token)
    assert doors[0].authenticate(changed.token).party == person.party
    with pytest.raises(SignInFailed):
        doors[0].begin(name, PASSWORD)
    assert doors[0].begin(name, OTHER_PASSWORD)


def test_password_given_again_counts_for_five_minutes(world, doors, clock):
    _, session = joined(world, world.person("再确认"))
    assert not doors[0].needs_password(doors[0].authenticate(session.token))
    clock[0] += PASSWORD_FRESH_S
    assert doors[0].needs_password(doors[0].authenticate(session.token))
    with pytest.raises(SignInFailed):
        doors[0].confirm(session.token, OTHER_PASSWORD)
    assert doors[0].needs_password(doors[0].authenticate(session.token))
    doors[0].confirm(session.token, PASSWORD)
    assert not doors[0].needs_password(doors[0].authenticate(session.token))
    assert not doors[0].needs_password(world.officer)  # an API key is its own proof


def test_right_password_given_again_and_again_leaves_an_entry_a_minute(world, doors, clock):
    person = world.person("反复确认")
    _, session = joined(world, person)

    def count() -> int:
        rows = _rows(world, "SELECT seq FROM audit_entry WHERE actor = :party", party=person.party)
        return len(rows)

    clock[0] += 60
    before = count()
    for _ in range(10):
        doors[0].confirm(session.token, PASSWORD)
    assert count() == before + 1
    clock[0] += 60
    doors[0].confirm(session.token, PASSWORD)
    assert count() == before + 2


def test_grant_taken_away_counts_in_a_session_at_once(world, doors, cast):
    member = world.person("离职", (cast.employer, ["finance"]), (cast.other_employer, ["claim"]))
    _, session = joined(world, member)
    assert set(doors[0].authenticate(session.token).grants) == {cast.employer.party, cast.other_employer.party}
    world.ledger.remove_member(cast.employer, member.party, idempotency_key="left")
    assert set(doors[0].authenticate(session.token).grants) == {cast.other_employer.party}


def test_passwords_are_hashed_as_owasp_asks_or_dearer():
    stored = PasswordHasher(memory_cost=passwords.MEMORY_KIB, time_cost=passwords.PASSES, parallelism=passwords.LANES)
    parameters = extract_parameters(stored.hash(PASSWORD))
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost) >= (47_104, 1)


def test_administrator_that_leaves_manages_nobody(world, doors):
    firm, member = world.enterprise("管理公司"), world.person("管理离职")
    world.ledger.offices.appoint(firm, "administrator", member.party, idempotency_key="administrator")
    _, session = joined(world, member)
    assert doors[0].authenticate(session.token).administers == {firm.party}
    world.ledger.remove_member(firm, member.party, idempotency_key="administrator-left")
    assert doors[0].authenticate(session.token).administers == frozenset()


def test_session_ends_when_its_party_is_suspended(world, doors):
    person = world.person("停用")
    name, session = joined(world, person)
    world.suspended(person.party)
    with pytest.raises(NotAuthenticated):
        doors[0].authenticate(session.token)
    again = doors[0].begin(name, PASSWORD)  # to look at what is its own
    caller = doors[0].authenticate(again.token)
    assert (caller.suspended, caller.grants) == (True, {})


def test_no_session_of_before_works_again_after_a_reinstatement(world, doors):
    person, other = world.person("复职"), world.person("旁人")
    (name, before), (_, untouched) = joined(world, person), joined(world, other)
    world.suspended(person.party)
    meanwhile = doors[0].begin(name, PASSWORD)
    world.ledger.reinstate(world.officer, person.party, reason="已查清", idempotency_key=world.key())
    for session in (before, meanwhile):
        with pytest.raises(NotAuthenticated):
            doors[0].authenticate(session.token)
    assert not doors[0].authenticate(doors[0].begin(name, PASSWORD).token).suspended
    assert doors[0].authenticate(untouched.token).party == other.party


def test_session_of_a_dismissed_officer_ends_and_none_begins(world, doors):
    made, _ = world.ledger.appoint_officer(world.authority, name="将离任", idempotency_key="to-be-dismissed")
    (invited,) = doors[1].invite(world.authority, [made.party])
    session = doors[1].accept(invited.token, "officer.leaving@example.com", PASSWORD)
    assert doors[0].authenticate(session.token).is_officer
    world.ledger.dismiss_officer(world.authority, made.party, reason="离任", idempotency_key="dismissed")
    with pytest.raises(NotAuthenticated):
        doors[0].authenticate(session.token)
    with pytest.raises(SignInFailed):
        doors[0].begin("officer.leaving@example.com", PASSWORD)


def test_sign_in_failure_and_sign_out_stand_in_the_audit_log(world, doors):
    person = world.person("留痕")
    name, _ = joined(world, person)
    with pytest.raises(SignInFailed):
        doors[0].begin(name, OTHER_PASSWORD)
    session = doors[0].begin(name, PASSWORD)
    doors[0].end(doors[0].authenticate(session.token), session.session.session_id)
    rows = _rows(
        world, "SELECT kind, about, detail FROM audit_entry WHERE actor = :party ORDER BY seq", party=person.party
    )
    kinds = [row[0] for row in rows if row[0].startswith("sign") or "password" in row[2]]
    assert kinds == ["permission_changed", "sign_in", "sign_in_failed", "sign_in", "sign_out"]
    assert all(secret not in repr(rows) for secret in (name, PASSWORD, session.token.partition(".")[2]))


def test_hash_of_earlier_parameters_is_made_anew(world, doors, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(passwords, "_HASHER", PasswordHasher(time_cost=2, memory_cost=1_024, parallelism=1))
        name, _ = joined(world, world.person("旧参数"))
    before = _stored(world, "SELECT sealed_hash FROM password")
    doors[0].begin(name, PASSWORD)
    changed = set(_stored(world, "SELECT sealed_hash FROM password")) - set(before)
    assert len(changed) == 1
    doors[0].begin(name, PASSWORD)
    assert set(_stored(world, "SELECT sealed_hash FROM password")) - set(before) == changed


def test_database_shows_neither_name_nor_password_nor_token(world, doors):
    name, session = joined(world, world.person("隐私"))
    for table in ("password", "session", "invitation", "sign_in_attempt"):
        rows = repr(_rows(world, f"SELECT * FROM {table}"))
        for secret in (name, PASSWORD, session.token.partition(".")[2], "argon2"):
            assert secret not in rows


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE session SET identity = :victim WHERE session_id = :session",
        "UPDATE session SET password_at = password_at + 60 WHERE session_id = :session",
        "UPDATE session SET created_at = created_at + 60 WHERE session_id = :session",
        "UPDATE session SET while_suspended = 1 WHERE session_id = :session",
    ],
)
def test_session_row_changed_in_the_database_signs_nobody_in(world, doors, edit):
    victim = joined(world, world.person("受害"))[1].caller
    _, session = joined(world, world.person("管理员"))
    identity = _stored(world, "SELECT identity FROM session WHERE session_id = :id", id=victim.session)[0]
    _run(world, edit, session=session.session.session_id, **({"victim": identity} if ":victim" in edit else {}))
    with pytest.raises(NotAuthenticated):
        doors[0].authenticate(session.token)


def test_password_row_copied_onto_a_victim_signs_nobody_in(world, doors):
    from ledger.service.errors import NotReady

    name, victim = joined(world, world.person("受害二"))
    _, own = joined(world, world.person("管理员二"), OTHER_PASSWORD)
    find = "SELECT identity FROM session WHERE session_id = :id"
    theirs = _stored(world, find, id=victim.caller.session)[0]
    mine = _stored(world, find, id=own.caller.session)[0]
    kept = _stored(world, "SELECT sealed_hash FROM password WHERE identity = :id", id=theirs)[0]
    copied = "UPDATE password SET sealed_hash = (SELECT sealed_hash FROM password WHERE identity = :mine)"
    _run(world, f"{copied} WHERE identity = :theirs", mine=mine, theirs=theirs)
    with pytest.raises(NotReady):
        doors[0].begin(name, OTHER_PASSWORD)
    _run(world, "UPDATE password SET sealed_hash = :kept WHERE identity = :theirs", kept=kept, theirs=theirs)
    assert doors[0].begin(name, PASSWORD)


def _rows(world: World, statement: str, **values: object) -> list[tuple[object, ...]]:
    with world.ledger.context.reading() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


def _stored(world: World, statement: str, **values: object) -> list[object]:
    return [row[0] for row in _rows(world, statement, **values)]


def _run(world: World, statement: str, **values: object) -> None:
    world.ledger.context.store.write(lambda connection: connection.execute(text(statement), values))


def key_of(world, caller):
    return world.ledger.api_keys.make(caller, label="of a thief", idempotency_key=world.key())


@pytest.mark.parametrize("ending", ["accept", "change_password", "end_all"])
def test_keys_made_in_a_session_end_with_its_password_and_others_stay(world, doors, ending):
    person = world.person("失窃")
    name, stolen = joined(world, person)
    standing = key_of(world, world.ledger.authenticate(world.api_keys[person.party]))
    thiefs = key_of(world, stolen.caller)
    nested = key_of(world, world.ledger.authenticate(thiefs.secret))
    assert (thiefs.made_in, thiefs.made_with) == (stolen.session.session_id, None)
    assert (nested.made_in, nested.made_with) == (None, thiefs.key_id)
    own = doors[0].begin(name, PASSWORD)
    doors[0].end(own.caller, stolen.session.session_id)
    for key in (thiefs, nested):  # one session signed out of ends no key: tills go on
        assert world.ledger.authenticate(key.secret).party == person.party
    if ending == "accept":
        (made,) = doors[1].invite(world.authority, [person.party])
        doors[1].accept(made.token, name, OTHER_PASSWORD)
    elif ending == "change_password":
        doors[0].change_password(own.token, PASSWORD, OTHER_PASSWORD)
    else:
        doors[0].end_all(own.caller)
    for key in (thiefs, nested):
        with pytest.raises(NotAuthenticated):
            world.ledger.authenticate(key.secret)
    for secret in (standing.secret, world.api_keys[person.party]):
        assert world.ledger.authenticate(secret).party == person.party


def test_a_session_named_by_no_key_in_the_database_takes_the_key_with_it(world, doors):
    _, begun = joined(world, world.person("改库"))
    key, untouched = key_of(world, begun.caller), key_of(world, begun.caller)
    with world.ledger.context.store.writing_alone() as connection:
        connection.execute(text("UPDATE api_key SET made_in = NULL WHERE key_id = :id"), {"id": key.key_id})
    with pytest.raises(NotAuthenticated):
        world.ledger.authenticate(key.secret)
    assert world.ledger.authenticate(untouched.secret).party == begun.caller.party
