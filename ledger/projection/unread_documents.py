"""Invoices of a month whose documents cannot be read here: erased, or kept by the seller itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, or_, select

from ledger.projection.derived import INVOICE
from ledger.projection.ground import DOCUMENT
from verifier.words import Kind


@dataclass(frozen=True)
class UnreadSums:
    """The contract's own sums of those invoices, in fen; `first_number` is the lowest, None when there are none."""

    first_number: int | None = None
    blue_gross_fen: int = 0
    blue_tax_fen: int = 0
    blue_count: int = 0
    red_gross_fen: int = 0
    red_tax_fen: int = 0
    red_count: int = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return self.blue_count + self.red_count

    @property
    def net_fen(self) -> int:
        """Without tax, blue less red."""
        return self.blue_gross_fen - self.blue_tax_fen - self.red_gross_fen + self.red_tax_fen

    @property
    def tax_fen(self) -> int:
        """Tax, blue less red."""
        return self.blue_tax_fen - self.red_tax_fen


def unread_sums(connection: Connection, seller: int, month: int) -> UnreadSums:
    """What a seller issued in a month without a document that could be opened here."""
    of_invoice = and_(DOCUMENT.c.number == INVOICE.c.number, DOCUMENT.c.digest == INVOICE.c.digest)
    rows = connection.execute(
        select(
            INVOICE.c.kind,
            func.count().label("invoices"),
            func.sum(INVOICE.c.gross_fen).label("gross_fen"),
            func.sum(INVOICE.c.tax_fen).label("tax_fen"),
            func.min(INVOICE.c.number).label("first_number"),
        )
        .select_from(INVOICE.outerjoin(DOCUMENT, of_invoice))
        .where(
            INVOICE.c.month == month,
            INVOICE.c.seller == seller,
            or_(DOCUMENT.c.sealed_document.is_(None), DOCUMENT.c.sealed_seed.is_(None)),
        )
        .group_by(INVOICE.c.kind)
    )
    sums = dict.fromkeys(
        (f"{side}_{name}" for side in ("blue", "red") for name in ("gross_fen", "tax_fen", "count")), 0
    )
    numbers = []
    for row in rows:
        side = "red" if row.kind == Kind.RED else "blue"
        sums[f"{side}_gross_fen"] += int(row.gross_fen)
        sums[f"{side}_tax_fen"] += int(row.tax_fen)
        sums[f"{side}_count"] += int(row.invoices)
        numbers.append(int(row.first_number))
    return UnreadSums(first_number=min(numbers, default=None), **sums)
