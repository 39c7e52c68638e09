"""Pages of a list: newest first, a cursor that stays right while rows are added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from ledger.projection.errors import CursorError

PAGE_SIZE_MAX = 1_000  # rows in one page, whatever the settings say: memory of one answer

T = TypeVar("T")
_FORM = re.compile(r"[0-9a-f]{1,16}", re.ASCII)


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursor of the rows after them; `next_cursor` is None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None


def parse_cursor(cursor: str | None) -> int | None:
    """Position a cursor stands for, None for the first page.

    Raises: CursorError.
    """
    if cursor is None:
        return None
    if not _FORM.fullmatch(cursor) or int(cursor, 16) >= 1 << 63:
        raise CursorError
    return int(cursor, 16)


def page_size(limit: int) -> int:
    """`limit` if it is in range.

    Raises: ValueError outside 1..PAGE_SIZE_MAX.
    """
    if not 1 <= limit <= PAGE_SIZE_MAX:
        raise ValueError(f"a page has 1..{PAGE_SIZE_MAX} rows")
    return limit


def page_of(found: list[tuple[int, T]], limit: int) -> Page[T]:
    """Page of the first `limit` of `found`, which holds (position, item) pairs, one more than fit if there are more."""
    more = len(found) > limit
    return Page(
        items=tuple(item for _, item in found[:limit]), next_cursor=f"{found[limit - 1][0]:x}" if more else None
    )
