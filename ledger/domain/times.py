"""Times as the ledger's answers show them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_time(seconds: int) -> datetime:
    """The aware UTC time of a count of seconds since 1970, as blocks and rows hold it."""
    return datetime.fromtimestamp(seconds, UTC)
