"""Which contracts carry the ledger by now, read from the chain itself once a head."""

from __future__ import annotations

from ledger.chain.identity import ChainIdentity
from ledger.chain.lmdb_store import Nodes
from ledger.chain.records import head_hash, head_header
from ledger.chain.state import ledger_contracts


class CurrentIdentity:
    """A chain's identity as of the head. Nothing of it is stored: a restored chain says the same as the one copied.

    Safe to use from many threads: what is kept is one value, replaced whole.
    """

    def __init__(self, founded: ChainIdentity) -> None:
        self.founded = founded
        self._known: tuple[bytes, ChainIdentity] | None = None  # head's hash, identity there

    def at_head(self, nodes: Nodes) -> ChainIdentity:
        """The identity at the head of `nodes`. Raises: BlockUnreadableError."""
        head, known = head_hash(nodes), self._known
        if known is not None and known[0] == head:
            return known[1]
        contracts = ledger_contracts(nodes, head_header(nodes), self.founded.contracts[0])
        grown = self.founded.grown(
            tuple(address for address, _ in contracts), tuple(account.code_hash for _, account in contracts)
        )
        if known is not None and known[1] == grown:
            grown = known[1]  # whose domains are computed already
        self._known = (head, grown)
        return grown
