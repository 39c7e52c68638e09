"""What every part of the service works with: settings, stores, keys, the chain to read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from ledger.chain import ChainReader
from ledger.domain.groups import ChainDomain
from ledger.identity import SealedBytes, SealError, Vault
from ledger.projection import Connection, DatabaseUnavailableError, Store, keystore, parties
from ledger.sequencer import OutcomeWatch
from ledger.service.errors import Busy, NoSigningKey, NotReady
from ledger.service.key_uses import KeyUses
from ledger.settings import Settings

KEYS_CACHED_MAX = 1_024  # opened signing keys kept in memory; opening one costs two AES-GCM calls and a row

# kinds of sealed items; with the id they are what a sealed item is bound to
SEALED_KEY = "signing key"
SEALED_DOCUMENT = "document"
SEALED_SEED = "seed"
SEALED_REFERENCE = "reference"
SEALED_NAME = "name"
SEALED_CLAIM = "claim reference"
SEALED_SHEET = "sheet"

# kinds of keyed hashes, see Vault.index
INDEXED_PAYMENT = "payment reference"
INDEXED_TITLE = "buyer title"
INDEXED_REQUEST = "request"

OPERATOR_ADDRESS = "operator_address"
AUTHORITY_ROOT = "authority_root"
CHAIN_IDENTITY = "chain_identity"

log = structlog.get_logger("service")


@dataclass
class Context:
    """One process's open ledger. `operator_key` signs receipts; it is the sealer's key."""

    settings: Settings
    store: Store
    reader: ChainReader
    vault: Vault
    watch: OutcomeWatch
    operator_key: bytes = field(repr=False)
    key_uses: KeyUses = field(default_factory=KeyUses, repr=False)
    _keys: dict[bytes, bytes] = field(default_factory=dict, repr=False)

    @property
    def domain(self) -> ChainDomain:
        """What signatures bind to now: another once the contract was succeeded, also while this process runs."""
        return self.reader.identity.domain

    def now_s(self) -> int:
        """Seconds since 1970, UTC."""
        return int(time.time())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose reads are all of one moment. Raises: Busy when the database does not answer."""
        try:
            with self.store.reading() as connection:
                yield connection
        except DatabaseUnavailableError as err:
            raise busy(err) from err

    def seal(self, plaintext: bytes, kind: str, item_id: str) -> SealedBytes:
        """Sealed bytes for a row; see ledger.identity.vault."""
        return self.vault.seal(plaintext, kind, item_id)

    def opened(self, sealed: bytes, kind: str, item_id: str) -> bytes:
        """Plaintext of a sealed item. Raises: NotReady when somebody changed the row it stands in."""
        try:
            return self.vault.open(sealed, kind, item_id)
        except SealError as err:
            raise NotReady(
                f"a stored {kind} does not open: its row was changed; run `einvoice audit`, restore from a backup",
                f"已存储的 {kind} 无法解密，数据库记录被改动，请运行 einvoice audit 并从备份恢复",
            ) from err

    def private_key(self, connection: Connection, address: bytes) -> bytes | None:
        """Private key of a 20-byte address, None when it is not in our keeping. Opened ones stay in memory."""
        known = self._keys.get(address)
        if known is None:
            stored = keystore.signing_key(connection, address)
            if stored is None:
                return None
            known = self.opened(stored.sealed_key, SEALED_KEY, address.hex())
            if len(self._keys) >= KEYS_CACHED_MAX:
                self._keys.clear()
            self._keys[address] = known
        return known

    def signer_of(self, connection: Connection, party: int) -> bytes:
        """20-byte address whose signature counts as the party's today; empty when it has none."""
        found = parties.party(connection, party)
        if found is None:
            return b""
        due = found.recovery_at is not None and found.recovery_at <= self.now_s()
        if due and found.recovery_signer is not None:
            return found.recovery_signer  # the chain writes a due recovery at its first use
        return found.signer

    def kept_key(self, connection: Connection, party: int) -> bytes | None:
        """Private key the party signs with today, None when it keeps it itself. The one place that decides who signs.

        Raises: NoSigningKey for a party without any key, which nobody can sign as.
        """
        address = self.signer_of(connection, party)
        if not address:
            raise NoSigningKey(party)
        return self.private_key(connection, address)

    def signing_key(self, connection: Connection, party: int) -> bytes:
        """Private key the party signs with today. Raises: NoSigningKey when it is not in our keeping."""
        key = self.kept_key(connection, party)
        if key is None:
            raise NoSigningKey(party)
        return key


def busy(err: Exception) -> Busy:
    """The caller hears that the server is busy; why (full, locked, gone) is for the operator, in the log."""
    log.error("database_unavailable", reason=str(err))
    return Busy()
