"""Errors of the domain layer.

DomainError
|-- DocumentError     an invoice document breaks rules; carries every problem found
|-- MonthError        a month or date outside what the ledger can write
|-- NumberError       an invoice number, code or block outside its form
|-- IdentityError     an identity text of unknown kind or form
|-- CapitalsError     an amount in words that cannot be read, or an amount too large to be written
`-- SaltError         a salt of the wrong size
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one field.

    `path` is dotted with lines counted from 0 (`lines.3.net_fen`), "" for the whole document; `code` never
    changes meaning (docs/FORMATS.md); the messages say what is wrong and what to do.
    """

    path: str
    code: str
    message_en: str
    message_zh: str

    def to_json(self) -> dict[str, str]:
        """The four fields as plain JSON."""
        return {
            "path": self.path,
            "code": self.code,
            "message_en": self.message_en,
            "message_zh": self.message_zh,
        }


class DomainError(Exception):
    """Root of the domain layer's errors."""


class DocumentError(DomainError):
    """A document was refused; `problems` holds every problem found, in the document's order."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(f"{first.path or 'document'}: {first.message_en}{more}")


class MonthError(DomainError, ValueError):
    """A month outside 2000-01..2341-04 or a time without its zone; carries the value given."""

    def __init__(self, message: str, value: object) -> None:
        super().__init__(message)
        self.value = value


class NumberError(DomainError, ValueError):
    """A number, code or block that has another form; carries the value given."""

    def __init__(self, message: str, value: object) -> None:
        super().__init__(message)
        self.value = value


class IdentityError(DomainError, ValueError):
    """An identity text that names no known kind, or whose id has another form; carries the text."""

    def __init__(self, message: str, value: str) -> None:
        super().__init__(message)
        self.value = value


class CapitalsError(DomainError, ValueError):
    """An amount in words that is not one, or an amount beyond what words are written for; carries the value."""

    def __init__(self, message: str, value: object) -> None:
        super().__init__(message)
        self.value = value


class SaltError(DomainError, ValueError):
    """A salt that is not 16 bytes; carries the size given."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a salt is 16 bytes, not {size}")
        self.size = size
