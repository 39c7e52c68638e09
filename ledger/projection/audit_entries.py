"""The audit log held against itself and against the chain: no entry changed, dropped, inserted or cut off.

Every hash is computed again from the entry before. Who can write SQL cannot make the MACs beside the hashes; who has
the master key as well can write the whole log anew, but not the heads that were anchored on the chain.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, text

from ledger.domain.groups import ChainDomain
from ledger.projection.audit_log import Mac, entry, hash_of
from ledger.projection.audit_words import Difference
from ledger.projection.columns import BLOCK_ORDER_SHIFT
from ledger.projection.derived_rules import ANCHOR
from ledger.projection.errors import StorageError
from ledger.projection.ground import OPERATION
from ledger.projection.ground_audit import AUDIT_ENTRY
from ledger.projection.packing import unpack_signed
from verifier.errors import EvidenceError
from verifier.operations import Code

ROWS_AT_A_TIME = 1_000  # 600 bytes each
ANCHORS_LOOKED_AT_MAX = 100  # an officer who signs elsewhere may anchor what he likes; so many are passed over
SEQ_MAX = 2**63 - 1  # an anchor may name any 256-bit number
_TRIGGERS = {
    "sqlite": text("SELECT tbl_name AS of_table, name FROM sqlite_master WHERE type = 'trigger' ORDER BY name LIMIT 1"),
    "postgresql": text(
        "SELECT event_object_table AS of_table, trigger_name AS name FROM information_schema.triggers"
        " WHERE trigger_schema = current_schema() ORDER BY trigger_name LIMIT 1"
    ),
}
_NO_ROW, _ROW = "no row", "a row"


@dataclass(frozen=True)
class LogAnchor:
    """A head that `party` put on chain in `block`: `entry_hash` is that of entry `seq`."""

    seq: int
    entry_hash: bytes
    block: int
    party: int


def check_entries(
    connection: Connection, *, origin: bytes, mac: Mac, domains: Sequence[ChainDomain]
) -> Iterator[Difference | None]:
    """One item an entry: None when it follows from the one before and agrees with what was anchored."""
    trigger = _trigger(connection)
    if trigger is not None:
        yield trigger
        return
    anchors: dict[int, list[LogAnchor]] = {}
    for found in _anchors(connection, domains):
        if isinstance(found, Difference):
            yield found
            return
        anchors.setdefault(found.seq, []).append(found)
    previous, seq, agreed = origin, 0, 0
    statement = select(AUDIT_ENTRY).order_by(AUDIT_ENTRY.c.seq).execution_options(yield_per=ROWS_AT_A_TIME)
    for row in connection.execute(statement):
        seq += 1
        difference = _entry_difference(row, seq, previous, mac)
        for anchor in anchors.pop(seq, ()) if difference is None else ():
            if anchor.entry_hash != row.entry_hash:
                difference = difference or _rewritten(anchor, agreed, row.entry_hash)
            agreed = seq
        yield difference
        if difference is not None:
            return
        previous = row.entry_hash
    for at in sorted(anchors):
        yield Difference(AUDIT_ENTRY.name, str(seq + 1), "", _NO_ROW, f"{_ROW}: {_said(anchors[at][0])}")
        return


def _trigger(connection: Connection) -> Difference | None:
    """A trigger, of which this ledger has none: it could take an entry away in the transaction that notes it."""
    found = connection.execute(_TRIGGERS[connection.dialect.name]).first()
    return None if found is None else Difference(found.of_table, found.name, "", "a trigger", "no trigger")


def newest_anchor(connection: Connection, domains: Sequence[ChainDomain]) -> LogAnchor | None:
    """The newest head on the chain that is of an entry of this log as it stands; None while there is none."""
    statement = select(ANCHOR, OPERATION.c.signed).join(OPERATION, OPERATION.c.digest == ANCHOR.c.digest)
    for row in connection.execute(statement.order_by(ANCHOR.c.order.desc()).limit(ANCHORS_LOOKED_AT_MAX)):
        for anchor in _anchors_of(row, domains):
            if isinstance(anchor, LogAnchor) and _is_noted(connection, anchor):
                return anchor
    return None


def _is_noted(connection: Connection, anchor: LogAnchor) -> bool:
    noted = entry(connection, anchor.seq) if anchor.seq <= SEQ_MAX else None
    return noted is not None and noted.entry_hash == anchor.entry_hash


def _anchors(connection: Connection, domains: Sequence[ChainDomain]) -> Iterator[LogAnchor | Difference]:
    """Heads of this log on the chain, oldest first."""
    statement = select(ANCHOR, OPERATION.c.signed).outerjoin(OPERATION, OPERATION.c.digest == ANCHOR.c.digest)
    for row in connection.execute(statement.order_by(ANCHOR.c.order).execution_options(yield_per=ROWS_AT_A_TIME)):
        yield from _anchors_of(row, domains)


def _anchors_of(row: Row[Any], domains: Sequence[ChainDomain]) -> Iterator[LogAnchor | Difference]:
    """The number of the anchored entry is in the signed bytes only: the digest says whether they are those signed."""
    key = row.digest.hex()
    if row.signed is None:
        yield Difference(OPERATION.name, key, "", _NO_ROW, f"{_ROW}: the group that anchored the audit log")
        return
    try:
        group = unpack_signed(row.signed).group
    except StorageError as err:
        yield Difference(OPERATION.name, key, "signed", str(err), "a signed group")
        return
    if not any(group.digest(domain) == row.digest for domain in domains):
        yield Difference(OPERATION.name, key, "signed", group.digest(domains[-1]).hex(), key)
        return
    for operation in group.operations:
        if operation.code == Code.ANCHOR and operation.who == row.log_head and operation.terms:
            yield LogAnchor(operation.terms, row.log_head, row.order >> BLOCK_ORDER_SHIFT, row.party)


def _entry_difference(row: Row[Any], seq: int, previous: bytes, mac: Mac) -> Difference | None:
    """What is wrong with the entry that should be number `seq`, after the one with the hash `previous`."""
    if row.seq != seq:
        missing = row.seq > seq
        at, stored, wanted = (seq, _NO_ROW, _ROW) if missing else (row.seq, _ROW, _NO_ROW)
        return Difference(AUDIT_ENTRY.name, str(at), "", stored, wanted)
    if not hmac.compare_digest(row.mac, mac(row.entry_hash)):
        return Difference(AUDIT_ENTRY.name, str(seq), "mac", row.mac.hex(), "a MAC under this ledger's master key")
    try:
        wanted_hash = hash_of(
            previous, seq=row.seq, noted_at=row.noted_at, kind=row.kind, actor=row.actor, about=row.about,
            detail=row.detail,
        ).hex()  # fmt: skip
    except EvidenceError as err:
        wanted_hash = f"a hash of the row: {err}"
    if row.entry_hash.hex() != wanted_hash:
        return Difference(AUDIT_ENTRY.name, str(seq), "entry_hash", row.entry_hash.hex(), wanted_hash)
    return None


def _rewritten(anchor: LogAnchor, agreed: int, stored: bytes) -> Difference:
    """The log is whole in itself but not what was anchored: the first changed entry is after the last that agreed."""
    key = f"{agreed + 1}..{anchor.seq}"
    return Difference(AUDIT_ENTRY.name, key, "entry_hash", stored.hex(), f"{anchor.entry_hash.hex()}: {_said(anchor)}")


def _said(anchor: LogAnchor) -> str:
    return f"party {anchor.party} anchored {anchor.seq} entries in block {anchor.block}"
