"""A month's documents for its report, a page at a time: a large month does not fit in memory, nor in one transaction.

Invoices of a month are only ever added and their documents never change, so pages read one after the other add up to
the month as it is at the end; whether that is the month the totals speak of is seen from the totals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ledger.domain.document import parse_document
from ledger.domain.invoice import InvoiceDocument
from ledger.domain.numbers import block_of
from ledger.projection import keystore
from ledger.projection.keystore import DOCUMENTS_MAX
from ledger.projection.month_sums import month_invoices, number_runs
from ledger.service.context import Context
from ledger.service.proofs import opened_stored


@dataclass
class MonthDocuments:
    """Documents of a seller's month by number, those that can be read; `numbers` and `holes` are of all its invoices.

    `numbers` is what was passed so far, ascending; `holes` the first and last number passed over, by block.
    """

    context: Context
    seller: int
    month: int
    numbers: list[int] = field(default_factory=list)
    holes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[InvoiceDocument]:
        after = None
        while True:
            with self.context.reading() as connection:
                records = month_invoices(connection, self.seller, self.month, after=after, limit=DOCUMENTS_MAX)
                stored = keystore.documents(connection, [(one.number, one.digest) for one in records])
            for record in records:
                self._pass(record.number)
                found = stored.get(record.number)
                if found is not None and found.sealed_document is not None and found.sealed_seed is not None:
                    yield parse_document(opened_stored(self.context, found)[0])
            if len(records) < DOCUMENTS_MAX:
                return
            after = records[-1].number

    def elsewhere(self) -> Iterator[int]:
        """Numbers used, in any month, among those passed over: they are no gaps. To be asked after the documents."""
        for low, high in self.holes.values():
            with self.context.reading() as connection:
                runs = number_runs(connection, low, high).runs  # a block has 10,000 numbers, so these are all
            for first, last in runs:
                yield from range(first, last + 1)

    def _pass(self, number: int) -> None:
        before = self.numbers[-1] if self.numbers else None
        self.numbers.append(number)
        if before is None or number == before + 1 or block_of(before) != block_of(number):
            return
        low, _ = self.holes.get(block_of(number), (before + 1, 0))
        self.holes[block_of(number)] = (low, number - 1)
