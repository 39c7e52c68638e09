"""What makes a stored credential good: its code, its end, its party.

A row of `api_key` carries a code (HMAC) over all that decides what it opens. Whoever writes SQL but has no master key
can make no row that opens anything, widen none and lengthen none; taking rows away is all that is left.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from ledger.domain.times import utc_time
from ledger.identity import NewApiKey, Scopes, scopes_text
from ledger.projection import Connection, api_keys, parties, sign_in, webhooks
from ledger.projection.api_keys import StoredApiKey
from ledger.projection.parties import PartyRecord
from ledger.service.context import Context
from verifier.words import PartyKind

KEY_LIFETIME_DEFAULT_S = 365 * 86_400  # a key nobody renews is a key nobody looks after
KEY_LIFETIME_MAX_S = 5 * 365 * 86_400  # as long as a certificate
MAC_KIND = "api key"  # what the code is over, as migration 0011 has it too


class KeyState(StrEnum):
    """Whether a credential opens anything, and why not."""

    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"
    DISMISSED = "dismissed"  # its officer's appointment ended
    ROTATED = "rotated"  # the party signs with another key than the one that answered the challenge


def new_stored_key(
    context: Context, made: NewApiKey, identity: bytes, label: str, scopes: Scopes, *,
    expires_at: int, made_by: int | None = None, made_with: str | None = None, made_in: str | None = None,
    challenge: bytes | None = None,
) -> StoredApiKey:  # fmt: skip
    """The row of a key just made."""
    return with_mac(
        context,
        StoredApiKey(
            key_id=made.key_id,
            secret_hash=made.secret_hash,
            identity=identity,
            label=label,
            created_at=context.now_s(),
            revoked_at=None,
            scopes=scopes_text(scopes),
            expires_at=expires_at,
            last_used_at=None,
            made_by=made_by,
            made_with=made_with,
            made_in=made_in,
            challenge=challenge,
            mac=b"",
        ),
    )


def with_mac(context: Context, stored: StoredApiKey) -> StoredApiKey:
    """The row with the code that belongs to it as it stands."""
    return replace(stored, mac=context.vault.index(stored.text, MAC_KIND))


def is_genuine(context: Context, stored: StoredApiKey) -> bool:
    """Whether the row is as this program wrote it."""
    return hmac.compare_digest(stored.mac, context.vault.index(stored.text, MAC_KIND))


def signed_in_label(address: bytes) -> str:
    """Label of a key that answers a challenge: it is good while that 20-byte address signs for the party."""
    return f"0x{address.hex()}"


def state_of(stored: StoredApiKey, party: PartyRecord | None, now_s: int, signer: bytes) -> KeyState:
    """Whether a genuine credential of `party`, whose signatures are those of `signer`, opens anything now."""
    if stored.revoked_at is not None:
        return KeyState.REVOKED
    if party is not None and party.kind == PartyKind.OFFICER and party.suspended:
        return KeyState.DISMISSED  # an officer is appointed once; one who comes back is another party
    if stored.challenge is not None and stored.label != signed_in_label(signer):
        return KeyState.ROTATED
    if stored.expires_at is not None and stored.expires_at <= now_s:
        return KeyState.EXPIRED
    return KeyState.ACTIVE


def end_key(context: Context, connection: Connection, stored: StoredApiKey) -> None:
    """Ends a credential and all that was made with it, at once in every process: each request reads its row.

    That is its keys, webhooks, invitations, and the passwords of those, with what was made in their sessions.
    """
    waiting, now_s = [stored], context.now_s()
    while waiting:
        one = waiting.pop()
        api_keys.put_api_key(connection, with_mac(context, replace(one, revoked_at=now_s)))
        waiting.extend(api_keys.made_with(connection, one.key_id))
        webhooks.end_made_with(connection, one.key_id, now_s)
        for identity in sign_in.end_made_with(connection, one.key_id):
            waiting.extend(api_keys.unended(connection, identity, in_sessions=True))


def lineage(connection: Connection, key_id: str | None) -> Iterator[StoredApiKey]:
    """A key, the one it was made with, and so on; one forgotten since ends the row, as ending it would have."""
    while key_id is not None:
        stored = api_keys.api_key(connection, key_id)
        if stored is None:
            return
        yield stored
        key_id = stored.made_with


def stands(context: Context, connection: Connection, key_id: str | None) -> bool:
    """Whether what was made with a key counts still, None for what was made with none.

    It does beyond the time of that key, but not when the key or one before it was ended, or answers a challenge with
    a signing key that has been rotated.
    """
    for stored in lineage(connection, key_id):
        if stored.revoked_at is not None or not is_genuine(context, stored):
            return False
        if stored.challenge is not None:
            party = parties.party_of_identity(connection, stored.identity)
            if party is None or stored.label != signed_in_label(context.signer_of(connection, party.id)):
                return False
    return True


def end_keys(context: Context, connection: Connection, identity: bytes, *, in_sessions: bool = False) -> int:
    """Ends every credential of a party, with `in_sessions` those made in a session; how many, their own not counted.

    What is made in a session lasts no longer than trust in the password that opened it: whoever knew the password, or
    found the session open, could have made it.
    """
    found = api_keys.unended(connection, identity, in_sessions=in_sessions)
    for stored in found:
        end_key(context, connection, stored)
    return len(found)


def time_text(seconds: int) -> str:
    """A time as an answer shows it, RFC 3339 in UTC."""
    return utc_time(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")
