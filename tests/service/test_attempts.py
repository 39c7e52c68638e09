"""Guessing at passwords: growing pauses by name, by address and by browser, and nobody learns who has an account."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher

from ledger.identity import passwords
from ledger.service.errors import (
    InvitationInvalid,
    ServiceError,
    SignInFailed,
    TooManyAttempts,
)
from tests.service.sign_in_doors import OTHER_PASSWORD, PASSWORD, joined

pytestmark = pytest.mark.usefixtures("quick_hashes")


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


class CountingHasher(PasswordHasher):
    """Counts the hashes it makes, to keep or to compare."""

    made = 0

    def hash(self, *args: Any, **kwargs: Any) -> str:
        self.made += 1
        return super().hash(*args, **kwargs)

    def verify(self, *args: Any, **kwargs: Any) -> Literal[True]:
        self.made += 1
        return super().verify(*args, **kwargs)


def test_unknown_name_and_wrong_password_say_the_same_after_the_same_work(world, doors, monkeypatch):
    name, _ = joined(world, world.person("计时"))
    said = {}
    for tried in (name, "nobody@example.com"):
        hasher = CountingHasher(time_cost=1, memory_cost=1_024, parallelism=1)
        monkeypatch.setattr(passwords, "_HASHER", hasher)
        with pytest.raises(SignInFailed) as caught:
            doors[0].begin(tried, OTHER_PASSWORD)
        said[tried] = (caught.value.message, caught.value.message_zh, hasher.made)
    assert said[name] == said["nobody@example.com"]
    assert said[name][2] == 1


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
