from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.errors import MonthError
from ledger.domain.months import (
    MONTH_MAX,
    cst_date,
    format_month,
    month_end,
    month_of,
    month_start,
    parse_date,
    parse_month,
)


def test_month_counts_from_january_2000() -> None:
    assert month_of(date(2000, 1, 31)) == 0
    assert month_of(date(2026, 11, 5)) == 26 * 12 + 10


def test_last_hours_of_a_utc_month_belong_to_the_next_month_in_china() -> None:
    assert month_of(datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC)) == parse_month("2026-10")
    assert month_of(datetime(2026, 10, 31, 16, 0, tzinfo=UTC)) == parse_month("2026-11")
    assert cst_date(datetime(2026, 10, 31, 16, 0, tzinfo=UTC)) == date(2026, 11, 1)


def test_other_zones_are_converted_too() -> None:
    moment = datetime(2026, 10, 31, 9, 0, tzinfo=timezone(timedelta(hours=-8)))
    assert month_of(moment) == parse_month("2026-11")


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(MonthError):
        month_of(datetime(2026, 11, 5, 12, 0))  # noqa: DTZ001 - the naive time is what is tested


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2341, 5, 1)])
def test_month_outside_twelve_bits_is_refused(day: date) -> None:
    with pytest.raises(MonthError):
        month_of(day)


@given(st.integers(0, MONTH_MAX))
def test_format_and_parse_are_inverse(index: int) -> None:
    assert parse_month(format_month(index)) == index


@given(st.integers(0, MONTH_MAX))
def test_month_holds_its_own_first_and_last_moment(index: int) -> None:
    start, end = month_start(index), month_end(index)
    assert month_of(start) == index
    assert month_of(end - timedelta(microseconds=1)) == index
    assert start.astimezone(timezone(timedelta(hours=8))).day == 1


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-11", "2026-00", "2026-11-05", "２０２６-11", "1999-12", ""])
def test_other_month_texts_are_refused(text: str) -> None:
    with pytest.raises(MonthError):
        parse_month(text)


def test_date_text_is_read() -> None:
    assert parse_date("2026-02-28") == date(2026, 2, 28)


@pytest.mark.parametrize(
    "text", ["2026-02-29", "20260228", "2026-2-28", "1999-12-31", "2026-02-28T00:00", "9999-01-01"]
)
def test_other_date_texts_are_refused(text: str) -> None:
    with pytest.raises(MonthError):
        parse_date(text)
