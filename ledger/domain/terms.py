"""One fact in the two languages people read it in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A short text in English and in Chinese."""

    en: str
    zh: str
