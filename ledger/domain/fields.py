"""Reading plain JSON field by field: every value is checked once here, every problem is collected.

A reader never raises for a bad value: it notes a problem at the field's path and gives a neutral value, so
that one pass finds everything a person has to correct.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from ledger.domain.errors import FieldProblem
from ledger.domain.problems import problem

PROBLEMS_MAX = 1_000  # a hostile document of 2,000 lines could name 20,000; nobody corrects more at once
KEY_SHOWN_MAX = 40  # characters of an unknown key repeated in its path

# Controls, lone surrogates, line separators, direction overrides: what cannot be printed or hides what is printed.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufff9-\uffff]"
)
_UNPRINTABLE_IN_NOTE = re.compile(_UNPRINTABLE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_TYPE_NAMES = {dict: "object", list: "list", str: "text", int: "integer", float: "float", bool: "boolean"}

Choice = TypeVar("Choice", bound=StrEnum)


class Problems:
    """Problems found so far, in order; beyond PROBLEMS_MAX they are only counted."""

    def __init__(self) -> None:
        self._found: list[FieldProblem] = []
        self._uncounted = 0

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, path: str, code: str, **values: object) -> None:
        """Note the problem `code` at `path`."""
        if len(self._found) < PROBLEMS_MAX:
            self._found.append(problem(path, code, **values))
        else:
            self._uncounted += 1

    def paths(self) -> frozenset[str]:
        """Paths noted so far."""
        return frozenset(one.path for one in self._found)

    def all(self) -> tuple[FieldProblem, ...]:
        """Everything found; the last one counts those not listed."""
        if not self._uncounted:
            return tuple(self._found)
        return (*self._found, problem("", "more_problems", count=self._uncounted))


def type_name(value: object) -> str:
    """How a JSON value's type is called in messages."""
    return "null" if value is None else _TYPE_NAMES.get(type(value), type(value).__name__)


class FieldReader:
    """One JSON object being read: `text`, `integer` and the others take its fields, at dotted paths below `path`."""

    def __init__(self, value: object, path: str, known: frozenset[str], problems: Problems) -> None:
        self.problems = problems
        self._prefix = f"{path}." if path else ""
        self._fields: Mapping[str, object] = {}
        self._is_object = isinstance(value, dict)
        if not isinstance(value, dict):
            problems.add(path, "not_an_object", got=type_name(value))
            return
        self._fields = value
        if not value.keys() <= known:
            self._note_unknown(known)

    def path(self, key: str) -> str:
        """Dotted path of a field."""
        return self._prefix + key

    def has(self, key: str) -> bool:
        """Whether the field is given."""
        return key in self._fields

    def value(self, key: str) -> object:
        """The field as it came, None when absent."""
        return self._fields.get(key)

    def text(self, key: str, length_max: int, *, required: bool = False, note: bool = False) -> str:
        """A text without blanks around it; "" when absent. `note` allows line feeds."""
        value = self._fields.get(key, "")
        if not isinstance(value, str):
            self._wrong_type(key, value, "text", "文本")
            return ""
        text = value.strip()
        if note:
            text = text.replace("\r\n", "\n").replace("\t", " ")
        if not text:
            if required:
                self._note_absent(key)
            return ""
        if len(text) > length_max:
            self.problems.add(self.path(key), "text_too_long", count=len(text), limit=length_max)
            return ""
        bad = (_UNPRINTABLE_IN_NOTE if note else _UNPRINTABLE).search(text)
        if bad is not None:
            character = f"{ord(bad.group()):04X}"
            self.problems.add(self.path(key), "text_character", position=bad.start() + 1, character=character)
            return ""
        return text

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int | None:
        """An integer in low..high; None when a problem was noted. Required unless `default` is given."""
        if key not in self._fields:
            if default is None:
                self._note_absent(key)
            return default
        value = self._fields[key]
        if type(value) is not int:
            self._wrong_type(key, value, "an integer", "整数")
            return None
        if not low <= value <= high:
            self.problems.add(self.path(key), "integer_range", low=low, high=high)
            return None
        return value

    def choice(self, key: str, choices: type[Choice], default: Choice | None = None) -> Choice | None:
        """One of an enum's texts; None when a problem was noted. Required unless `default` is given."""
        if key not in self._fields:
            if default is None:
                self._note_absent(key)
            return default
        value = self._fields[key]
        if not isinstance(value, str):
            self._wrong_type(key, value, "text", "文本")
            return None
        try:
            return choices(value)
        except ValueError:
            self.problems.add(self.path(key), "not_a_choice", choices=", ".join(choices))
            return None

    def _note_absent(self, key: str) -> None:
        """What is no object is noted once, not again for every field it lacks."""
        if self._is_object:
            self.problems.add(self.path(key), "text_empty" if key in self._fields else "missing")

    def _wrong_type(self, key: str, value: object, expected: str, expected_zh: str) -> None:
        if isinstance(value, float):
            self.problems.add(self.path(key), "float_refused")
            return
        got = type_name(value)
        self.problems.add(self.path(key), "wrong_type", expected=expected, expected_zh=expected_zh, got=got)

    def _note_unknown(self, known: frozenset[str]) -> None:
        for key in self._fields:
            if key not in known:
                shown = key if isinstance(key, str) and key.isprintable() else ascii(key)
                self.problems.add(self.path(shown[:KEY_SHOWN_MAX]), "unknown_field")
