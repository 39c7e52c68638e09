"""Operations as the service builds them: one function a code, fields as in docs/OPERATIONS.md."""

from __future__ import annotations

from ledger.domain.identities import enrolment_order
from verifier.hashing import ZERO_HASH
from verifier.operations import Code, Operation
from verifier.words import PartyKind

FIRST_HOLDER_SELLER = 0
FIRST_HOLDER_BUYER = 1
FIRST_HOLDER_PERSON = 2
KIND_SPECIAL = 1


def issue(
    *, seller: int, number: int, month: int, special: bool, first_holder: int, person: int, gross_fen: int,
    tax_fen: int, buyer_identity: bytes, commitment: bytes,
) -> Operation:  # fmt: skip
    """Issue of a new invoice. `first_holder` is one of FIRST_HOLDER_*; `person` counts for the last only."""
    return Operation(
        code=Code.ISSUE,
        subject=seller,
        number=number,
        month=month,
        party=person if first_holder == FIRST_HOLDER_PERSON else 0,
        option=(KIND_SPECIAL if special else 0) | first_holder << 2,
        terms=gross_fen | tax_fen << 48,
        who=buyer_identity,
        ref=commitment,
    )


def on_invoice(
    code: Code, *, subject: int, number: int, version: int, ref: bytes, party: int = 0, option: int = 0, terms: int = 0
) -> Operation:
    """An operation on an invoice that exists: transfer, lock, unlock, settle, book, withdraw booking."""
    return Operation(
        code=code, subject=subject, number=number, version=version, party=party, option=option, terms=terms, ref=ref
    )


def enrol(
    *, officer: int, identity: bytes, kind: PartyKind, signer: bytes, version: int, certificate_hash: bytes,
    quota_fen: int = 0, first_month: int = 0,
) -> Operation:  # fmt: skip
    """Enrolment of an enterprise or a person under the 20-byte address `signer`."""
    return Operation(
        code=Code.ENROL,
        subject=officer,
        number=enrolment_order(identity),
        version=version,
        month=first_month,
        option=kind,
        terms=int.from_bytes(signer, "big") | quota_fen << 160,
        who=identity,
        ref=certificate_hash,
    )


def appoint(
    *, authority: int, identity: bytes, kind: PartyKind, signer: bytes, certificate_hash: bytes, version: int = 0
) -> Operation:
    """Appointment of an officer or the calendar."""
    return Operation(
        code=Code.APPOINT_OFFICER,
        subject=authority,
        number=enrolment_order(identity),
        version=version,
        option=kind,
        terms=int.from_bytes(signer, "big"),
        who=identity,
        ref=certificate_hash,
    )


def retire(*, authority: int, successor: bytes, ref: bytes) -> Operation:
    """Closing of the contract in favour of the one at the 20-byte address `successor`."""
    return Operation(code=Code.RETIRE, subject=authority, number=0, terms=int.from_bytes(successor, "big"), ref=ref)


def on_party(code: Code, *, actor: int, party: int, version: int, ref: bytes = ZERO_HASH, terms: int = 0) -> Operation:
    """Suspend, reinstate, set quota, dismiss, recover or rotate: `party` is what changes."""
    return Operation(code=code, subject=actor, number=party, version=version, terms=terms, ref=ref)


def revoke_certificate(
    *, officer: int, party: int, version: int, certificate_hash: bytes, reason: int, ref: bytes
) -> Operation:
    """Revocation of the certificate with that 32-byte hash of `party`; `reason` 0..10 as in RFC 5280."""
    return Operation(
        code=Code.REVOKE_CERTIFICATE,
        subject=officer,
        number=party,
        version=version,
        terms=reason,
        who=certificate_hash,
        ref=ref,
    )


def allot(*, officer: int, enterprise: int, version: int, first_number: int, blocks: int, ref: bytes) -> Operation:
    """Allotment of `blocks` blocks of 10,000 numbers from `first_number`."""
    return Operation(
        code=Code.ALLOT_SEGMENT,
        subject=officer,
        number=first_number,
        version=version,
        party=enterprise,
        option=blocks,
        ref=ref,
    )


def grants(code: Code, *, enterprise: int, person: int, version: int, bits: int, ref: bytes) -> Operation:
    """Grant or revoke of grant bits."""
    return Operation(code=code, subject=enterprise, number=person, version=version, party=person, option=bits, ref=ref)


def open_month(*, actor: int, month: int, opens_at: int, closes_at: int, ref: bytes) -> Operation:
    """Opening of a month; times in seconds since 1970, UTC."""
    return Operation(
        code=Code.OPEN_MONTH, subject=actor, number=month, month=month, terms=opens_at | closes_at << 64, ref=ref
    )


def anchor(*, officer: int, version: int, head: bytes, entries: int, ref: bytes) -> Operation:
    """The 32-byte head of the audit log, put on chain by an officer; it stands for that many entries."""
    return Operation(
        code=Code.ANCHOR, subject=officer, number=officer, version=version, terms=entries, who=head, ref=ref
    )


def file_month(
    *, enterprise: int, month: int, version: int, totals: int, report_hash: bytes, replaced: bytes | None = None
) -> Operation:
    """Filing of a month: `totals` is the contract's totals word. With `replaced`, a refiling in that report's place."""
    return Operation(
        code=Code.FILE if replaced is None else Code.REFILE,
        subject=enterprise,
        number=month,
        version=version,
        month=month,
        terms=totals,
        who=ZERO_HASH if replaced is None else replaced,
        ref=report_hash,
    )


def register_outside(
    *, subject: int, number: int, version: int, employer: int, month: int, strength: int, special: bool, gross_fen: int,
    tax_fen: int, claim_id: int, buyer_identity: bytes, commitment: bytes,
) -> Operation:  # fmt: skip
    """Registration of an invoice of elsewhere, locked for `employer` under that claim in the same operation."""
    return Operation(
        code=Code.REGISTER_OUTSIDE,
        subject=subject,
        number=number,
        version=version,
        party=employer,
        month=month,
        option=strength | (8 if special else 0),
        terms=gross_fen | tax_fen << 48 | claim_id << 96,
        who=buyer_identity,
        ref=commitment,
    )
