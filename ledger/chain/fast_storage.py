"""The engine's storage of one account, writing a whole block's words into the trie in one pass."""

from __future__ import annotations

from typing import Any

from eth.db.cache import CacheDB
from eth.db.journal import JournalDB
from eth.db.storage import AccountStorageDB, StorageLookup
from eth.vm.interrupt import MissingStorageTrieNode
from eth_typing import Hash32

from ledger.chain.fast_trie import TrieUpdate, read_value


class BatchedLookup(StorageLookup):
    """Storage words under the engine's journals. Writes wait until somebody asks for the root."""

    def __init__(self, nodes: Any, storage_root: Any, address: Any) -> None:
        super().__init__(nodes, storage_root, address)
        self._waiting: dict[str, bytes] = {}  # by the digits of the hashed slot

    def __getitem__(self, key: bytes) -> bytes:
        hashed = self._decode_key(key)
        digits = hashed.hex()
        if digits in self._waiting:
            return self._waiting[digits]
        changed = self._write_trie is not None
        root = Hash32(self._write_trie.root_hash if changed else self._starting_root_hash)
        try:
            return read_value(self._trie_nodes_batch if changed else self._db, root, digits)
        except KeyError as err:
            raise MissingStorageTrieNode(err.args[0], root, Hash32(hashed), None, self._address) from err

    def __setitem__(self, key: bytes, value: bytes) -> None:
        if not value:
            del self[key]
            return
        self._waiting[self._decode_key(key).hex()] = value

    def __delitem__(self, key: bytes) -> None:
        self._flush()
        super().__delitem__(key)

    def _exists(self, key: bytes) -> bool:
        return self[key] != b""

    @property
    def has_changed_root(self) -> bool:
        self._flush()
        return self._write_trie is not None

    def get_changed_root(self) -> Any:
        """Root with everything written so far."""
        self._flush()
        return super().get_changed_root()

    def commit_to(self, db: Any) -> None:
        """Puts the new nodes into `db`."""
        self._flush()
        super().commit_to(db)

    def new_trie(self) -> int:
        """Starts empty; what was written so far can be rolled back to."""
        self._flush()
        return super().new_trie()

    def rollback_trie(self, trie_index: int) -> None:
        """Back to the trie before `new_trie`; what was written since is dropped."""
        self._waiting.clear()
        super().rollback_trie(trie_index)

    def _flush(self) -> None:
        if not self._waiting:
            return
        trie = self._get_write_trie()
        update = TrieUpdate(self._trie_nodes_batch)
        root = update.apply(trie.root_hash, self._waiting)
        for digest, encoded in update.written:
            self._trie_nodes_batch[digest] = encoded
            trie.ref_count[digest] += 1  # the trie counts names of a node, so that a later delete keeps shared ones
        trie.root_hash = root
        self._waiting.clear()


class BatchedStorage(AccountStorageDB):
    """As the engine's, over a BatchedLookup."""

    def __init__(self, nodes: Any, storage_root: Any, address: Any) -> None:
        super().__init__(nodes, storage_root, address)
        self._storage_lookup = BatchedLookup(nodes, storage_root, address)
        self._storage_cache = CacheDB(self._storage_lookup)
        self._locked_changes = JournalDB(self._storage_cache)
        self._journal_storage = JournalDB(self._locked_changes)
