"""The engine's state with a faster computation and storage; see fast_computation and fast_storage."""

from __future__ import annotations

from typing import Any

from eth.db.account import AccountDB
from eth.vm.forks.london.state import LondonState

from ledger.chain.fast_computation import FastComputation
from ledger.chain.fast_storage import BatchedStorage


class LedgerAccounts(AccountDB):
    """Accounts whose storage goes into the trie in one pass a block, and that keep no list of what was read."""

    def _get_address_store(self, address: Any) -> Any:
        store = self._account_stores.get(address)
        if store is None:
            store = BatchedStorage(self._raw_store_db, self._get_storage_root(address), address)
            self._account_stores[address] = store
        return store

    def _get_accessed_node_hashes(self) -> Any:
        return frozenset()  # a list for stateless clients; nobody here asks for it


class LedgerState(LondonState):
    """London's state."""

    computation_class = FastComputation
    account_db_class = LedgerAccounts
