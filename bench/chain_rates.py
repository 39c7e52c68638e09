"""The chain alone: signed groups straight into the writer, every block sealed and on disk, no HTTP and no SQL."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

from bench.timing import Taken, timed
from bench.town import Seller, Town
from ledger.domain.blocks import Outcome
from ledger.domain.groups import ChainDomain, Group, SignedGroup
from ledger.domain.months import month_of
from ledger.identity import sign_group
from ledger.service import Ledger, instructions, open_sequencer
from ledger.service.instructions import FIRST_HOLDER_BUYER

BATCH_OPERATIONS = 256
GROUP_LIFETIME_S = 3_600


class ChainBench:
    """The chain of a town, written to by one process."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._ledger = Ledger.open(town.settings)
        _, self._writer = open_sequencer(self._ledger.context)
        self._reader = self._ledger.context.reader
        self._domain: ChainDomain = self._reader.identity.domain
        self._numbers = {seller.party: count(seller.first_number) for seller in town.sellers}
        self._month = month_of(datetime.now(UTC))

    def close(self) -> None:
        """Ends writing."""
        self._writer.close()
        self._ledger.close()

    def issues(self, operations: int, group_size: int, advance: Callable[[int], None]) -> Taken:
        """Time to record `operations` issues in blocks of 256, each group of `group_size` by one seller.

        Signing is not in it: parties sign. Every block is read back, outside the time, to see that all were applied.
        """
        batches = [self._batch(group_size) for _ in range(operations // BATCH_OPERATIONS)]
        heads = []
        with timed() as taken:
            for batch in batches:
                heads.append(self._writer.commit(batch))
                advance(BATCH_OPERATIONS)
        for head in heads:
            groups = self._reader.block(head.number).groups
            if any(group.outcome is not Outcome.APPLIED for group in groups):
                raise RuntimeError(f"block {head.number} holds a group that was not applied")
        return taken

    def _batch(self, group_size: int) -> list[SignedGroup]:
        sellers = self._town.sellers
        at = self._reader.head().number
        return [
            self._signed(sellers[(at + index) % len(sellers)], group_size)
            for index in range(BATCH_OPERATIONS // group_size)
        ]

    def _signed(self, seller: Seller, size: int) -> SignedGroup:
        now_s = self._ledger.context.now_s()
        numbers = self._numbers[seller.party]
        operations = tuple(
            instructions.issue(
                seller=seller.party,
                number=next(numbers),
                month=self._month,
                special=False,
                first_holder=FIRST_HOLDER_BUYER,
                person=0,
                gross_fen=10_600,
                tax_fen=600,
                buyer_identity=self._town.buyer_identity,
                commitment=secrets.token_bytes(32),
            )
            for _ in range(size)
        )
        return sign_group(seller.signing_key, Group(seller.party, now_s + GROUP_LIFETIME_S, operations), self._domain)
