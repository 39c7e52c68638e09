"""Texts behind salted references, for those who may see the operation they belong to."""

from __future__ import annotations

from ledger.domain.references import SALT_SIZE
from ledger.projection import Connection, keystore
from ledger.service.context import SEALED_CLAIM, SEALED_REFERENCE, Context


def salted_text(context: Context, connection: Connection, ref: bytes, signer: int) -> str | None:
    """The text behind `ref` of an operation signed by `signer`; None where it is not kept here, or forgotten.

    A reference somebody else wrote stays closed: a `ref` is on chain, and copying it must not open its text.
    """
    stored = keystore.reference(connection, ref)
    if stored is None or stored.sealed is None or stored.party != signer:
        return None
    return context.opened(stored.sealed, SEALED_REFERENCE, ref.hex())[SALT_SIZE:].decode()


def sealed_claim_reference(context: Context, claim_id: str, text: str) -> bytes | None:
    """A claimant's own words beside a claim, sealed; None for none."""
    return context.seal(text.encode(), SEALED_CLAIM, claim_id) if text else None


def claim_reference(context: Context, connection: Connection, claim_id: str) -> str:
    """A claimant's own words beside a claim; "" without any, and once they were erased."""
    request = keystore.claim_request(connection, claim_id)
    if request is None or request.sealed_reference is None:
        return ""
    return context.opened(request.sealed_reference, SEALED_CLAIM, claim_id).decode()
