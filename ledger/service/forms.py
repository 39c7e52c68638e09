"""Values of a request that need no table: numbers, months, texts, references."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from ledger.domain.errors import MonthError, NumberError
from ledger.domain.months import Month, parse_month
from ledger.domain.numbers import parse_number
from ledger.domain.references import new_reference
from ledger.projection import CursorError, NewReference
from ledger.service.context import SEALED_REFERENCE, Context
from ledger.service.errors import NotFound
from ledger.service.problems import invalid
from ledger.service.views import Caller

PARTY_MAX = 2**32 - 1  # a party id has 32 bits in a signed word
FEN_MAX = 2**48 - 1  # an invoice's gross has 48 bits on chain


def checked_number(number: str) -> int:
    """Key of a 20-digit number. Raises: NotFound for any other text: there is no such invoice."""
    try:
        return parse_number(number)
    except NumberError as err:
        raise NotFound("invoice", number[:40]) from err


def checked_numbers(numbers: list[str], limit: int) -> tuple[int, ...]:
    """Keys of 1..limit different numbers, ascending as a group wants them.

    Raises: InvalidRequest at `numbers` or `numbers.N`.
    """
    if not 1 <= len(numbers) <= limit:
        raise invalid("numbers", "count_range", low=1, high=limit, given=len(numbers))
    keys: list[int] = []
    for index, number in enumerate(numbers):
        try:
            key = int(parse_number(number))
        except NumberError as err:
            raise invalid(f"numbers.{index}", "number_unknown", number=number[:40]) from err
        if key in keys:
            raise invalid(f"numbers.{index}", "number_twice", number=number)
        keys.append(key)
    return tuple(sorted(keys))


def checked_party(path: str, party: int) -> int:
    """A party id in range; whether there is such a party is another question.

    Raises: InvalidRequest at `path`.
    """
    if not 1 <= party <= PARTY_MAX:
        raise invalid(path, "party_unknown", party=party)
    return party


def checked_fen(path: str, amount_fen: int | None) -> int | None:
    """An amount to compare with, None for none. Raises: InvalidRequest at `path`."""
    if amount_fen is not None and not 0 <= amount_fen <= FEN_MAX:
        raise invalid(path, "count_range", low=0, high=FEN_MAX, given=amount_fen)
    return amount_fen


def checked_page_size(context: Context, limit: int) -> int:
    """Rows of a page. Raises: InvalidRequest at `limit` outside 1..page_size_max."""
    if not 1 <= limit <= context.settings.page_size_max:
        raise invalid("limit", "count_range", low=1, high=context.settings.page_size_max, given=limit)
    return limit


@contextmanager
def checked_cursor() -> Iterator[None]:
    """Turns a cursor that no page gave into InvalidRequest at `cursor`."""
    try:
        yield
    except CursorError as err:
        raise invalid("cursor", "cursor_form") from err


def checked_text(path: str, text: str, length_max: int) -> str:
    """`text` without outer blanks. Raises: InvalidRequest when it is too long or holds control characters."""
    trimmed = text.strip()
    if len(trimmed) > length_max or any(unicodedata.category(character) in ("Cc", "Cs") for character in trimmed):
        raise invalid(path, "text_range", high=length_max)
    return trimmed


def checked_month(text: str) -> Month:
    """Month index of YYYY-MM. Raises: InvalidRequest at `month`; month 0 is no month of a signed word."""
    try:
        month = parse_month(text)
    except MonthError as err:
        raise invalid("month", "month_form") from err
    if month == 0:
        raise invalid("month", "month_range")
    return month


def salted(context: Context, caller: Caller, kind: str, text: str) -> NewReference:
    """A salted reference with its preimage sealed: what an operation's `ref` hides."""
    reference = new_reference(text)
    sealed = context.seal(reference.salt + text.encode(), SEALED_REFERENCE, reference.ref.hex())
    return NewReference(reference.ref, kind, caller.party, sealed)
