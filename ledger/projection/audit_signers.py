"""Who could sign, from the chain, and what is kept here of their keys: the rows that an audit of keys goes through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from ledger.domain.blocks import Outcome
from ledger.projection.audit_groups import CERTIFYING
from ledger.projection.columns import BLOCK_ORDER_SHIFT, GROUP_ORDER_SHIFT
from ledger.projection.derived import BLOCK, GROUP, OPERATION_RECORD, PARTY
from ledger.projection.derived_rules import REVOCATION
from ledger.projection.ground import CERTIFICATE, PARTY_NAME, SIGNING_KEY
from ledger.projection.ground_witnesses import COSIGNATURE, WITNESS_ALARM
from ledger.projection.keystore import PartyName, SigningKey, StoredCertificate
from ledger.projection.witnesses import Cosignature, WitnessAlarm
from verifier.operations import Code

ROWS_AT_A_TIME: Final = 500
_ADDRESS_SIZE: Final = 20
_NUMBER_MASK: Final = (1 << 80) - 1
_SIGNER_MASK: Final = (1 << 160) - 1
_PARTY_FIELD: Final = (9, 4)  # bytes of `what` from the ninth on: the party named, which these operations do not read
_NOBODY: Final = bytes(4)


@dataclass(frozen=True)
class KeyChange:
    """An applied operation that gives a party a key: in order, with the key's address and its certificate's hash."""

    order: int
    code: int
    signer: bytes
    certificate: bytes
    time_s: int


@dataclass(frozen=True)
class Signing:
    """A group that the contract took as the party's, applied or refused, with the address that signed it."""

    order: int
    digest: bytes
    signer: bytes
    time_s: int
    applied: bool


@dataclass(frozen=True)
class AuditedParty:
    """A party by its id, with its identity hash."""

    id: int
    identity: bytes


def audited_parties(connection: Connection) -> Iterator[AuditedParty]:
    """Every party, by id."""
    statement = select(PARTY.c.id, PARTY.c.identity).order_by(PARTY.c.id)
    for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        yield AuditedParty(row.id, row.identity)


def key_changes(connection: Connection, party: AuditedParty, unusual: list[Row[Any]]) -> list[KeyChange]:
    """Each key the party was given, in order; `unusual` is what `unusual_changes` found."""
    usual = connection.execute(
        _KEY_CHANGES.where(OPERATION_RECORD.c.party == party.id, _names_party() == _NOBODY).order_by(
            OPERATION_RECORD.c.order
        )
    )
    rows = [*usual, *(row for row in unusual if _target(row, party))]
    return sorted((_change(row) for row in rows), key=lambda change: change.order)


def unusual_changes(connection: Connection) -> list[Row[Any]]:
    """Changes of keys that name a party in the field nobody reads: found under that party, though of another."""
    return list(connection.execute(_KEY_CHANGES.where(_names_party() != _NOBODY)))


def signings(connection: Connection, party: int) -> Iterator[Signing]:
    """Every group signed as the party that the contract took as such, in order."""
    statement = (
        select(GROUP.c.block, GROUP.c.position, GROUP.c.digest, GROUP.c.signer, GROUP.c.outcome, BLOCK.c.time_s)
        .join(BLOCK, BLOCK.c.number == GROUP.c.block)
        .where(GROUP.c.actor == party, GROUP.c.outcome != Outcome.MALFORMED.value)
        .order_by(GROUP.c.block, GROUP.c.position)
    )
    for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        order = row.block << BLOCK_ORDER_SHIFT | row.position << GROUP_ORDER_SHIFT
        applied = row.outcome == Outcome.APPLIED.value
        yield Signing(order, row.digest, row.signer, row.time_s, applied)


def revoked_at(connection: Connection, certificate: bytes) -> int | None:
    """When a certificate was revoked on the chain, seconds since 1970, UTC."""
    found = select(REVOCATION.c.revoked_at).where(REVOCATION.c.certificate_hash == certificate)
    return connection.execute(found).scalar_one_or_none()


def stored_certificates(connection: Connection) -> Iterator[StoredCertificate]:
    """Every certificate that is kept."""
    statement = select(CERTIFICATE).order_by(CERTIFICATE.c.certificate_hash)
    for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        yield StoredCertificate(**row._mapping)


def stored_keys(connection: Connection) -> Iterator[SigningKey]:
    """Every private key that is kept, sealed."""
    statement = select(SIGNING_KEY).order_by(SIGNING_KEY.c.address)
    for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        yield SigningKey(**row._mapping)


def stored_names(connection: Connection) -> Iterator[PartyName]:
    """Everybody whose name is kept."""
    statement = select(PARTY_NAME).order_by(PARTY_NAME.c.identity)
    for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        yield PartyName(**row._mapping)


def stored_cosignatures(connection: Connection) -> Iterator[Cosignature]:
    """Every witness's signature that is kept."""
    statement = select(COSIGNATURE).order_by(COSIGNATURE.c.block, COSIGNATURE.c.witness)
    for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        yield Cosignature(**row._mapping)


def stored_alarms(connection: Connection) -> Iterator[WitnessAlarm]:
    """Every alarm that is kept."""
    names = WitnessAlarm.__dataclass_fields__
    statement = select(WITNESS_ALARM).order_by(WITNESS_ALARM.c.seq)
    for row in connection.execute(statement.execution_options(yield_per=ROWS_AT_A_TIME)):
        yield WitnessAlarm(**{name: row._mapping[name] for name in names})


def _names_party() -> Any:
    return func.substr(OPERATION_RECORD.c.what, *_PARTY_FIELD)


def _target(row: Row[Any], party: AuditedParty) -> bool:
    if row.code in (Code.ENROL, Code.APPOINT_OFFICER):
        return bool(row.who == party.identity)
    return int.from_bytes(row.what, "big") & _NUMBER_MASK == party.id


def _change(row: Row[Any]) -> KeyChange:
    signer = int.from_bytes(row.terms, "big") & _SIGNER_MASK
    return KeyChange(row.order, row.code, signer.to_bytes(_ADDRESS_SIZE, "big"), row.ref, row.time_s)


_KEY_CHANGES = select(OPERATION_RECORD).where(
    OPERATION_RECORD.c.code.in_([int(code) for code in CERTIFYING]),
    OPERATION_RECORD.c.outcome == Outcome.APPLIED.value,
)
