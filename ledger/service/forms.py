"""Values of a request that need no table: numbers, months, texts, references."""

from __future__ import annotations

import unicodedata

from ledger.domain.errors import MonthError, NumberError
from ledger.domain.months import Month, parse_month
from ledger.domain.numbers import parse_number
from ledger.domain.references import new_reference
from ledger.projection import NewReference
from ledger.service.context import SEALED_REFERENCE, Context
from ledger.service.errors import NotFound
from ledger.service.problems import invalid
from ledger.service.views import Caller


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
