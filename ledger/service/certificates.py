"""Certificates of parties: which there are, and revoking one.

Revoking says from which moment a certificate vouches for nobody: what is signed under it then makes its evidence
invalid. It does not stop the key, by which the contract goes; suspending a person, rotating or recovering the key do.
"""

from __future__ import annotations

import re
from enum import IntEnum

from ledger.domain.times import utc_time
from ledger.identity import certificate_hash as hash_of
from ledger.identity.certificates import read_certificate
from ledger.projection import Connection, keystore, parties
from ledger.projection.audit_signers import AuditedParty, key_changes
from ledger.projection.parties import PartyRecord
from ledger.service import instructions
from ledger.service.certifying import root_certificate
from ledger.service.context import Context
from ledger.service.errors import NotFound, NotPermitted
from ledger.service.forms import PARTY_MAX, checked_party, salted
from ledger.service.people import governs, need_governed, need_officer
from ledger.service.problems import invalid
from ledger.service.views import Caller, CertificateView, Written
from ledger.service.writing import Draft, request_hash, submit, written
from verifier.words import AUTHORITY_PARTY

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class RevocationReason(IntEnum):
    """Why a certificate is revoked, numbered as in RFC 5280, 5.3.1; 7 stands for nothing there."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    REMOVE_FROM_CRL = 8
    PRIVILEGE_WITHDRAWN = 9
    AA_COMPROMISE = 10


# What can be given here. A hold and its end are not: a revocation on chain is never taken back.
REVOCATION_REASONS = {
    one.name.lower(): one
    for one in RevocationReason
    if one not in (RevocationReason.CERTIFICATE_HOLD, RevocationReason.REMOVE_FROM_CRL)
}


def revoke_certificate(
    context: Context, caller: Caller, party: int, *, reason: str, certificate_hash: str | None, idempotency_key: str
) -> Written:
    """An officer revokes a certificate of a party, of its officers and the calendar the authority alone; for good.

    `reason` is one of REVOCATION_REASONS; `certificate_hash` 64 hex digits, None for the one the party has now.

    Raises: NotPermitted; InvalidRequest for a certificate that is not the party's, the root, or no reason; and the
    errors of a write.
    """
    need_officer(caller)
    checked_party("party", party)
    if reason not in REVOCATION_REASONS:
        raise invalid(
            "reason", "revocation_reason_unknown", given=reason[:40], choices=", ".join(sorted(REVOCATION_REASONS))
        )
    named = None if certificate_hash is None else _checked_hash(certificate_hash)

    def prepare(connection: Connection) -> Draft:
        record = need_governed(connection, caller, party)
        chosen = _certificate(context, connection, record, named)
        reference = salted(context, caller, "revoke certificate", "")
        operation = instructions.revoke_certificate(
            officer=caller.party,
            party=party,
            version=record.version,
            certificate_hash=chosen,
            reason=REVOCATION_REASONS[reason],
            ref=reference.ref,
        )
        return Draft((operation,), references=(reference,))

    hashed = request_hash("revoke certificate", {"party": party, "reason": reason, "certificate": certificate_hash})
    return written(context, caller, submit(context, caller, idempotency_key, hashed, prepare))


def certificates(context: Context, caller: Caller, party: int) -> tuple[CertificateView, ...]:
    """Certificates of a party that are kept here, newest first, with what is revoked; for itself and officers.

    Raises: NotPermitted; NotFound for no such party.
    """
    if not caller.oversees and caller.party != party:
        raise NotPermitted(
            "only the party itself and tax officers see its certificates", "仅本参与方和税务人员可查看其证书"
        )
    with context.reading() as connection:
        record = parties.party(connection, party) if 1 <= party <= PARTY_MAX else None
        seen = caller.party == party or governs(connection, caller, party)  # asked of those there are none of, too
        if record is None or not seen:
            raise NotFound("party", str(party))
        current = _current(context, connection, record)
        revoked = {one.certificate_hash: one for one in parties.revocations(connection, party)}
        views = []
        for stored in _stored(connection, record):
            gone = revoked.get(stored.certificate_hash)
            pending = stored.certificate_hash == record.recovery_certificate
            views.append(
                CertificateView(
                    certificate_hash=stored.certificate_hash.hex(),
                    state="current" if stored.certificate_hash == current else "recovering" if pending else "former",
                    made_at=utc_time(stored.created_at),
                    revoked_at=None if gone is None else utc_time(gone.revoked_at),
                    revoked_by=None if gone is None else gone.revoked_by,
                    reason=None if gone is None else _reason_name(gone.reason),
                    ends_at=read_certificate(stored.der).not_after,
                )
            )
        return tuple(views)


def _stored(connection: Connection, record: PartyRecord) -> list[keystore.StoredCertificate]:
    """Certificates of a party, newest first; of those made in one second, the one the chain was told of last."""
    known = keystore.party_name(connection, record.identity)
    if known is None:
        return []
    changes = key_changes(connection, AuditedParty(record.id, record.identity), [])
    told = {change.certificate: change.order for change in changes}
    found = keystore.certificates_of(connection, known.identity_text)
    return sorted(found, key=lambda one: (one.created_at, told.get(one.certificate_hash, -1)), reverse=True)


def _certificate(context: Context, connection: Connection, record: PartyRecord, named: bytes | None) -> bytes:
    """Hash of the certificate that is meant, which must be this party's: the contract takes any hash there is."""
    chosen = _current(context, connection, record) if named is None else named
    if chosen == hash_of(root_certificate(connection).der):
        raise invalid("certificate_hash", "certificate_root")
    own = {record.certificate_hash, record.recovery_certificate}
    if not any(chosen) or (
        chosen not in own and all(one.certificate_hash != chosen for one in _stored(connection, record))
    ):
        raise invalid("certificate_hash", "certificate_unknown", party=record.id)
    return chosen


def _current(context: Context, connection: Connection, record: PartyRecord) -> bytes:
    """Hash of the certificate of the key that counts now; zeros when the party has none."""
    due = record.recovery_at is not None and record.recovery_at <= context.now_s()
    if due and record.recovery_certificate is not None:
        return record.recovery_certificate  # the chain writes a due recovery at its first use
    if record.id == AUTHORITY_PARTY and not any(record.certificate_hash):
        return hash_of(root_certificate(connection).der)  # its first certificate, which no operation named
    return record.certificate_hash


def _checked_hash(text: str) -> bytes:
    if not _HASH.fullmatch(text):
        raise invalid("certificate_hash", "hash_form")
    return bytes.fromhex(text)


def _reason_name(reason: int) -> str:
    names = {one.value: one.name.lower() for one in RevocationReason}
    return names.get(reason, str(reason))
