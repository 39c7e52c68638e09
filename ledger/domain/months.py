"""Months: the 12-bit index the contract counts in, and China Standard Time, the only time zone of an invoice.

A month is (year - 2000) * 12 + month - 1. Issue dates and month limits are those of China Standard Time,
UTC+8 all year (no daylight saving since 1991), so the offset is fixed and needs no zone database.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NewType

from ledger.domain.errors import MonthError

Month = NewType("Month", int)
"""(year - 2000) * 12 + month - 1, 0..4095."""

CST = timezone(timedelta(hours=8), "CST")
FIRST_YEAR = 2000
MONTH_MAX = Month(4095)  # 12 bits in the signed word, docs/OPERATIONS.md; 2341-04

_MONTH_TEXT = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
_DATE_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def month_of(when: date) -> Month:
    """Month index of a date as it stands, or of an aware time converted to China Standard Time.

    Raises: MonthError for a time without a zone or outside 2000-01..2341-04.
    """
    day = cst_date(when) if isinstance(when, datetime) else when
    return check_month((day.year - FIRST_YEAR) * 12 + day.month - 1)


def cst_date(moment: datetime) -> date:
    """Calendar day in China Standard Time of an aware time.

    Raises: MonthError for a time without a zone.
    """
    if moment.tzinfo is None:
        raise MonthError("a time needs its zone; give an aware UTC time", moment)
    return moment.astimezone(CST).date()


def check_month(index: int) -> Month:
    """`index` as a month.

    Raises: MonthError outside 0..4095.
    """
    if not 0 <= index <= MONTH_MAX:
        raise MonthError(f"month index {index} is outside 0..{MONTH_MAX} (2000-01..2341-04)", index)
    return Month(index)


def format_month(index: int) -> str:
    """`YYYY-MM` of a month index."""
    years, months = divmod(check_month(index), 12)
    return f"{FIRST_YEAR + years:04d}-{months + 1:02d}"


def parse_month(text: str) -> Month:
    """Month index of `YYYY-MM`.

    Raises: MonthError for any other form.
    """
    if not _MONTH_TEXT.fullmatch(text):
        raise MonthError("a month is written YYYY-MM, for example 2026-11", text)
    return check_month((int(text[:4]) - FIRST_YEAR) * 12 + int(text[5:]) - 1)


def parse_date(text: str) -> date:
    """Day of `YYYY-MM-DD`, within the months the ledger can write.

    Raises: MonthError for any other form, or a day that does not exist.
    """
    if not _DATE_TEXT.fullmatch(text):
        raise MonthError("a date is written YYYY-MM-DD, for example 2026-11-05", text)
    try:
        day = date.fromisoformat(text)
    except ValueError as err:
        raise MonthError("no such day in the calendar", text) from err
    month_of(day)
    return day


def month_start(index: int) -> datetime:
    """First moment of the month in China Standard Time, as an aware UTC time."""
    years, months = divmod(check_month(index), 12)
    return datetime(FIRST_YEAR + years, months + 1, 1, tzinfo=CST).astimezone(UTC)


def month_end(index: int) -> datetime:
    """First moment after the month in China Standard Time, as an aware UTC time."""
    years, months = divmod(check_month(index) + 1, 12)
    return datetime(FIRST_YEAR + years, months + 1, 1, tzinfo=CST).astimezone(UTC)
