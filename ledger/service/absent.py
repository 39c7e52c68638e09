"""What to say where nothing is kept of an invoice: erased on purpose, or never here."""

from __future__ import annotations

from ledger.domain.numbers import format_number
from ledger.projection.erasures import erased_among
from ledger.service.context import Context
from ledger.service.errors import Erased, NotFound, ServiceError


def absent(context: Context, number: int, what: str = "document of invoice") -> ServiceError:
    """The error for a document that the caller may see and that is not here: Erased, or NotFound."""
    with context.reading() as connection:
        erased = number in erased_among(connection, [number])
    return Erased(format_number(number)) if erased else NotFound(what, format_number(number))
