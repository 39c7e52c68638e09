"""People sign in: names, passwords, sessions, invitations, and what a stranger or an administrator tries."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from sqlalchemy import text

from ledger.identity import passwords
from ledger.service import Caller
from ledger.service.context import Context
from ledger.service.errors import (
    InvalidRequest,
    InvitationInvalid,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ServiceError,
    SignInFailed,
    TooManyAttempts,
)
from ledger.service.invitations import INVITATION_LIFETIME_S, INVITATIONS_MAX, REFUSED_NAMES_MAX, Invitations
from ledger.service.sign_in import PASSWORD_FRESH_S, SignIn
from ledger.service.sign_in_views import SignedIn
from tests.service.world import World

PASSWORD = "sieben Raben am Fenster 41"
OTHER_PASSWORD = "ein anderer Satz mit 7 Enten"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A hash of 1 MiB takes a hundredth of the time; those that measure it are marked to use the real one."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1))


@pytest.fixture
def clock(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ledger's clock stands still; seconds added to it."""
    ahead, begun = [0], int(time.time())
    monkeypatch.setattr(Context, "now_s", lambda _self: begun + ahead[0])
    return ahead


@pytest.fixture(scope="module")
def doors(world: World) -> tuple[SignIn, Invitations]:
    return world.ledger.sign_in, world.ledger.invitations


_COUNT = [0]


def joined(world: World, caller: Caller, password: str = PASSWORD) -> tuple[str, SignedIn]:
    """A sign-in name of that party, made by invitation, and its first session."""
    _COUNT[0] += 1
    name = f"member{_COUNT[0]}@example.com"
    (made,) = world.ledger.invitations.invite(world.officer, [caller.party])
    return name, world.ledger.invitations.accept(made.token, name, password)


def refused(call: Callable[[int], object], count: int) -> list[type[Exception]]:
    """How each of `count` calls was refused."""
    found: list[type[Exception]] = []
    for index in range(count):
        with pytest.raises(ServiceError) as caught:
            call(index)
        found.append(caught.type)
    return found


def refused_until_pause(guess: Callable[[int], object]) -> None:
    """Guesses until one has to wait. Raises: TooManyAttempts."""
    for index in range(100):
        with contextlib.suppress(SignInFailed):
            guess(index)


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
    _COUNT[0] += 1
    name = f"yue.wumu@n{_COUNT[0]}.example.com"
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


@pytest.mark.slow
def test_unknown_name_and_wrong_password_say_the_same_after_the_same_work(world, doors, clock):
    name, _ = joined(world, world.person("计时"))
    said, took = {}, {}
    for case, tried in (("known", name), ("unknown", "nobody@example.com")):
        spent = []
        for _ in range(4):
            clock[0] += 600
            begun = time.thread_time()
            with pytest.raises(SignInFailed) as caught:
                doors[0].begin(tried, OTHER_PASSWORD)
            spent.append(time.thread_time() - begun)
            said[case] = (caught.value.message, caught.value.message_zh)
        took[case] = median(spent)
    assert said["known"] == said["unknown"]
    assert 0.5 < took["known"] / took["unknown"] < 2


def test_pause_grows_by_name_is_the_same_for_nobody_and_is_never_for_good(world, doors, clock):
    name, session = joined(world, world.person("慢慢来"))
    waits = {}
    for case, tried in (("known", name), ("unknown", "nobody.else@example.com")):
        waits[case] = []
        for _ in range(12):
            try:
                doors[0].begin(tried, OTHER_PASSWORD, address="192.0.2.1")
            except SignInFailed:
                continue
            except TooManyAttempts as caught:
                waits[case].append(caught.wait_s)
                clock[0] += caught.wait_s
    assert waits["known"] == waits["unknown"] == sorted(waits["known"])
    assert waits["known"][0] < waits["known"][-1] <= 60
    assert refused(lambda _: doors[0].begin(name, OTHER_PASSWORD, address="192.0.2.1"), 2)[-1] is TooManyAttempts
    with pytest.raises(TooManyAttempts):
        doors[0].begin(name, PASSWORD, address="198.51.100.7")  # a stranger's attempts slow a new sign-in a minute
    assert doors[0].authenticate(session.token)  # and never a session that is there
    assert doors[0].confirm(session.token, PASSWORD)
    assert doors[0].begin(name, PASSWORD, device=session.device)  # nor a browser that signed in before
    clock[0] += 60
    assert doors[0].begin(name, PASSWORD, address="198.51.100.7")


def test_pause_by_address_holds_over_many_names(world, doors, clock):
    guess = f"{'0' * 32}.{'0' * 64}"
    said = refused(lambda _: doors[1].accept(guess, "x", "y", address="203.0.113.9"), 55)
    assert said[:50] == [InvitationInvalid] * 50
    assert TooManyAttempts in said[50:]
    with pytest.raises(SignInFailed):
        doors[0].begin("somebody@example.com", "wrong", address="203.0.113.10")


def test_office_behind_one_address_signs_in_all_day_and_its_wrong_attempts_still_count(world, doors, clock):
    members = [joined(world, world.person(f"办公室{index}"))[0] for index in range(2)]
    for index in range(70):
        assert doors[0].begin(members[index % 2], PASSWORD, address="192.0.2.70")
    said = refused(lambda index: doors[0].begin(f"guess{index}@example.com", "wrong", address="192.0.2.70"), 55)
    assert said[:50] == [SignInFailed] * 50
    assert TooManyAttempts in said[50:]


def test_right_password_lifts_no_pause_that_wrong_ones_brought(world, doors, clock):
    name, _ = joined(world, world.person("自有账号"))
    guesses, count = 0, 0
    while count < 60:  # an attempt with an account of his own after each guess
        count += 1
        try:
            doors[0].begin(f"victim{count}@example.com", "wrong", address="192.0.2.71")
        except SignInFailed:
            guesses += 1
        except TooManyAttempts:
            with pytest.raises(TooManyAttempts):
                doors[0].begin(name, PASSWORD, address="192.0.2.71")
            continue
        if guesses < 50:
            doors[0].begin(name, PASSWORD, address="192.0.2.71")
    assert guesses == 50


def test_known_browser_waits_for_no_address_and_an_unknown_one_does(world, doors, clock):
    name, session = joined(world, world.person("老浏览器"))
    refused(lambda index: doors[0].begin(f"other{index}@example.com", "wrong", address="192.0.2.72"), 55)
    assert doors[0].begin(name, PASSWORD, address="192.0.2.72", device=session.device)
    with pytest.raises(TooManyAttempts):
        doors[0].begin(name, PASSWORD, address="192.0.2.72")


def test_what_stands_against_an_address_falls_with_time_and_waiting_gains_a_guesser_nothing(world, doors, clock):
    def guess(index: int) -> None:
        doors[0].begin(f"name{index}-{clock[0]}@example.com", "wrong", address="192.0.2.73")

    def next_pause() -> int:
        with pytest.raises(TooManyAttempts) as caught:
            refused_until_pause(guess)
        return caught.value.wait_s

    for _ in range(20):
        clock[0] += next_pause()
    longest = next_pause()
    assert longest == 300
    clock[0] += longest
    assert next_pause() == 300  # one guess in each longest pause, however long it goes on
    clock[0] += 20 * 300
    assert refused(guess, 3)[:3] == [SignInFailed] * 3  # and hours later the office begins anew


def test_device_of_another_party_leaves_the_pause_as_it_is(world, doors, clock):
    name, _ = joined(world, world.person("目标"))
    _, stranger = joined(world, world.person("路人"))
    said = refused(lambda _: doors[0].begin(name, OTHER_PASSWORD, device=stranger.device), 8)
    assert TooManyAttempts in said


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
