"""Keys that parties keep themselves, as they come here: an address, and the proof that its key is held."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.domain.key_proof import KeyProof, Purpose
from ledger.domain.times import utc_time
from ledger.identity import SigningError, address_of_public_key, public_key_of_signature, read_signature
from ledger.service.context import Context
from ledger.service.problems import invalid

PROOF_LIFETIME_S = 86_400  # as long as a signed group may be valid
CLOCK_AHEAD_MAX_S = 600  # a wallet's clock may be that much ahead of ours
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


@dataclass(frozen=True)
class OwnKey:
    """A key that its party keeps: address as 0x..., when the proof was signed (seconds, UTC), and its signature."""

    address: str
    time: int
    signature: str


def checked_address(address: str, path: str = "address") -> bytes:
    """20 bytes of an address, in any case of its digits. Raises: InvalidRequest at `path`."""
    if not _ADDRESS.fullmatch(address):
        raise invalid(path, "address_form")
    return bytes.fromhex(address[2:])


def proven_public_key(context: Context, own: OwnKey, purpose: Purpose, identity: str, name: str) -> bytes:
    """The public key, 65 bytes, that `own` proves to be held for that purpose under that identity and name.

    Raises: InvalidRequest at `address`, `time` or `signature`.
    """
    address, now_s = checked_address(own.address), context.now_s()
    if not now_s - PROOF_LIFETIME_S <= own.time <= now_s + CLOCK_AHEAD_MAX_S:
        given = utc_time(own.time).isoformat() if 0 <= own.time < 1 << 35 else str(own.time)
        raise invalid("time", "proof_time", given=given)
    digest = KeyProof(purpose, identity, name, address, own.time).digest(context.domain)
    try:
        public_key = public_key_of_signature(digest, *read_signature(own.signature))
    except SigningError as err:
        raise invalid("signature", "signature_form", reason=str(err), reason_zh=err.message_zh) from err
    signer = address_of_public_key(public_key)
    if signer != address:
        raise invalid("signature", "proof_of_another", given=f"0x{signer.hex()}", expected=own.address.lower())
    return public_key
