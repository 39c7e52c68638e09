"""Months open by themselves: in China Standard Time, once, also after a standstill, with a calendar in office."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.domain.months import Month, format_month, month_of, month_start
from ledger.projection import parties
from ledger.sequencer import Sequencer
from ledger.service import calendar as calendar_module
from ledger.service.calendar import AHEAD_S, CATCH_UP_MAX, Calendar
from ledger.service.maintenance import node_if_none_runs, run_node
from ledger.settings import Settings
from tests.service.world import World, must


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s

    def __call__(self) -> int:
        return self.now_s


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ledger of its own: months are everybody's."""
    made = World(tmp_path)
    yield made
    made.close()


def this_month() -> Month:
    return month_of(datetime.now(UTC))


def starts_at(month: int) -> int:
    return int(month_start(month).timestamp())


def opened(world: World) -> list[str]:
    with world.ledger.context.reading() as connection:
        return sorted(format_month(one.month) for one in parties.months(connection))


def names(first: int, last: int) -> list[str]:
    return [format_month(index) for index in range(first, last + 1)]


def settled(world: World, calendar: Calendar) -> None:
    """Waits until what the calendar signed is in a block."""
    for digest in calendar._signed:
        world.ledger.context.watch.wait(digest, 20_000)


def test_the_next_month_opens_shortly_before_it_begins_and_once(world: World) -> None:
    month = this_month()
    clock = Clock(starts_at(month + 1) - AHEAD_S - 1)
    calendar = Calendar(world.ledger.context, clock)
    assert calendar.open_due() == ()
    assert opened(world) == names(month, month)
    clock.now_s += 1
    assert calendar.open_due() == (format_month(month + 1),)
    settled(world, calendar)
    assert opened(world) == names(month, month + 1)
    clock.now_s += AHEAD_S + 5
    assert calendar.open_due() == ()


def test_a_month_opened_ahead_lasts_from_its_first_second_in_china(world: World) -> None:
    month = this_month()
    calendar = Calendar(world.ledger.context, Clock(starts_at(month + 1)))
    calendar.open_due()
    settled(world, calendar)
    with world.ledger.context.reading() as connection:
        newest = parties.months(connection)[0]
    assert (newest.month, newest.opens_at, newest.closes_at) == (month + 1, starts_at(month + 1), starts_at(month + 2))
    assert not world.ledger.month(world.enterprise("未开月公司"), format_month(month + 1)).open_for_issue


def test_months_missed_while_nothing_ran_are_opened_too(world: World) -> None:
    month = this_month()
    calendar = Calendar(world.ledger.context, Clock(starts_at(month + 3) + 86_400))
    assert list(calendar.open_due()) == names(month + 1, month + 3)
    settled(world, calendar)
    assert opened(world) == names(month, month + 3)


def test_a_long_standstill_opens_the_newest_months_only(world: World) -> None:
    month = this_month()
    calendar = Calendar(world.ledger.context, Clock(starts_at(month + 40)))
    assert list(calendar.open_due()) == names(month + 41 - CATCH_UP_MAX, month + 40)


def test_an_opening_that_waits_is_not_signed_again(world: World) -> None:
    month = this_month()
    clock = Clock(starts_at(month + 1))
    with world.sequencing.held():
        assert Calendar(world.ledger.context, clock).open_due() == (format_month(month + 1),)
        assert Calendar(world.ledger.context, clock).open_due() == ()  # another process, after a crash
        assert Calendar(world.hurried().context, clock).open_due() == ()
    calendar = Calendar(world.ledger.context, clock)
    for _ in range(200):
        if len(opened(world)) == 2:
            break
        threading.Event().wait(0.05)
    assert calendar.open_due() == ()
    assert opened(world) == names(month, month + 1)


def test_a_dismissed_calendar_opens_nothing_and_leaves_no_refusals(world: World) -> None:
    must(world.ledger.dismiss_officer(world.authority, world.calendar.party, reason="x", idempotency_key=world.key()))
    calendar = Calendar(world.ledger.context, Clock(starts_at(this_month() + 1)))
    assert calendar.open_due() == ()
    assert calendar.open_due() == ()
    assert opened(world) == names(this_month(), this_month())


def test_an_opening_the_contract_refused_is_not_tried_again_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = this_month()
    calendar = Calendar(world.ledger.context, Clock(starts_at(month + 1)))
    with world.sequencing.held():
        key, name = world.key(), format_month(month + 1)
        world.hurried().open_month(world.authority, name, idempotency_key=key)
        monkeypatch.setattr(Calendar, "_waiting", lambda *_: set())  # as if both had looked at the same moment
        assert calendar.open_due() == (name,)
    settled(world, calendar)
    assert opened(world) == names(month, month + 1)
    calendar._now = Clock(starts_at(month + 2))
    assert calendar.open_due() == ()
    monkeypatch.setattr(calendar_module, "PAUSE_S", 0)
    calendar._paused_until = 0.0
    assert calendar.open_due() == (format_month(month + 2),)


def test_the_calendar_of_a_running_node_ends_when_told(world: World) -> None:
    stop = threading.Event()
    thread = threading.Thread(
        target=Calendar(world.ledger.context, Clock(starts_at(this_month() + 1))).run, args=(stop,)
    )
    thread.start()
    for _ in range(200):
        if len(opened(world)) == 2:
            break
        threading.Event().wait(0.05)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(opened(world)) == 2


@pytest.mark.parametrize("wanted", [True, False])
def test_a_setting_keeps_the_node_from_opening_months(
    world: World, monkeypatch: pytest.MonkeyPatch, *, wanted: bool
) -> None:
    world.sequencing.close()
    later = starts_at(this_month() + 1)
    context = world.ledger.context
    context.settings = Settings(**{**world.settings.model_dump(), "open_months": wanted})
    with context.reading() as connection:
        before = len(parties.months(connection))
    assert before == 1
    monkeypatch.setattr("ledger.service.maintenance.Calendar", lambda made: Calendar(made, Clock(later)))
    with node_if_none_runs(context) as ours:
        assert ours
        assert bool(waiting_or_opened(world)) is wanted
    world.sequencing = type(world.sequencing)(world.ledger)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_node_opens_months_while_it_runs(world: World, monkeypatch: pytest.MonkeyPatch, *, wanted: bool) -> None:
    world.sequencing.close()
    context, later = world.ledger.context, starts_at(this_month() + 1)
    context.settings = Settings(**{**world.settings.model_dump(), "open_months": wanted})
    monkeypatch.setattr("ledger.service.maintenance.Calendar", lambda made: Calendar(made, Clock(later)))
    seen: list[int] = []

    def until_opened(sequencer: Sequencer, _on_ready: object) -> None:
        for _ in range(100 if wanted else 20):
            sequencer.round()
            if len(opened(world)) == 2:
                break
            threading.Event().wait(0.02)
        seen.append(len(opened(world)))

    monkeypatch.setattr("ledger.service.maintenance.run_until_signal", until_opened)
    run_node(context, lambda: None)
    assert seen == [2 if wanted else 1]
    assert "calendar" not in {thread.name for thread in threading.enumerate()}
    world.sequencing = type(world.sequencing)(world.ledger)


def waiting_or_opened(world: World) -> list[str]:
    """Months beyond this one that are open or wait to be."""
    with world.ledger.context.reading() as connection:
        waiting = Calendar(world.ledger.context)._waiting(connection)
    return sorted({*map(format_month, waiting), *opened(world)} - {format_month(this_month())})
