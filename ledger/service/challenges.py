"""Signing in with the party's own chain key: nothing secret is stored, on either side.

A challenge is kept nowhere: its id holds what it is about, under a code of the master key, which is also the nonce that
is signed. So asking costs no row, says nothing of who is enrolled, and every process knows every challenge. Answering
makes an API key of an hour, whose row holds the nonce; a second answer finds it there.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from ledger.domain.challenge import Challenge
from ledger.domain.times import utc_time
from ledger.identity import (
    EVERYTHING,
    Scope,
    ScopeError,
    Scopes,
    SigningError,
    address_of_public_key,
    new_api_key,
    parse_scopes,
    public_key_of_signature,
    read_signature,
    scopes_text,
)
from ledger.projection import Connection, api_keys, parties
from ledger.projection.api_keys import StoredApiKey
from ledger.service.api_key_views import ApiKeyView
from ledger.service.api_keys import view_of
from ledger.service.audit_log import AuditKind, note
from ledger.service.context import Context
from ledger.service.credentials import KeyState, new_stored_key, signed_in_label, state_of
from ledger.service.errors import ChallengeEnded, ChallengeRefused, NotFound
from ledger.service.forms import checked_party
from ledger.service.problems import invalid
from ledger.service.request_notes import RequestNotes
from ledger.service.writing import run_write
from verifier.canonical import Json

CHALLENGE_LIFETIME_S = 120  # a program signs at once; a person with a wallet in a minute
SIGNED_IN_LIFETIME_S = 3_600  # the key an answer gives
SIGNED_IN_MAX = 200  # keys of answers that one party has at once: one an hour is enough for a program
MAC_KIND = "challenge"
_SIZES = (4, 8, 1, 16)  # bytes of party, end, scopes as bits, random; then 32 of the code
_FACTS_SIZE = sum(_SIZES)
CHALLENGE_ID_LENGTH = 2 * (_FACTS_SIZE + 32)  # hex digits
_SCOPES = tuple(Scope)  # a bit each, in their order


@dataclass(frozen=True)
class ChallengeView:
    """What to sign: EIP-712 typed data for any wallet, until `expires_at`."""

    challenge_id: str
    expires_at: datetime
    typed_data: dict[str, Json]


class Challenges:
    """Challenges of one ledger."""

    def __init__(self, context: Context, notes: RequestNotes) -> None:
        self._context = context
        self._notes = notes  # of failures: whoever fails at one party after the other is one stranger

    def ask(self, party: int, scopes: list[str] | None = None) -> ChallengeView:
        """A new challenge for a party, enrolled or not: the answer is the same. Raises: InvalidRequest at `scopes`."""
        checked_party("party", party)
        wanted = _checked_scopes(scopes)
        expires = self._context.now_s() + CHALLENGE_LIFETIME_S
        facts = b"".join(
            (
                party.to_bytes(_SIZES[0], "big"),
                expires.to_bytes(_SIZES[1], "big"),
                bytes((sum(1 << at for at, name in enumerate(_SCOPES) if name in wanted),)),
                secrets.token_bytes(_SIZES[3]),
            )
        )
        nonce = self._nonce(facts)
        challenge = Challenge(party, scopes_text(wanted), nonce, expires)
        return ChallengeView(
            challenge_id=(facts + nonce).hex(),
            expires_at=utc_time(expires),
            typed_data=challenge.typed_data(self._context.domain),
        )

    def answer(self, challenge_id: str, signature: str) -> ApiKeyView:
        """A key of an hour for the party whose key signed the challenge; its secret is in this answer alone.

        Raises: NotFound for a challenge that was not asked here; ChallengeEnded when its time is over or it was
        answered; InvalidRequest at `signature` for one that no key makes, a high s among them; ChallengeRefused when
        it is not by the key that counts as the party's now.
        """
        challenge = self._read(challenge_id)
        if challenge.expires < self._context.now_s():
            raise ChallengeEnded("expired")
        try:
            v, r, s = read_signature(signature)
            point = public_key_of_signature(challenge.digest(self._context.domain), v, r, s)
        except SigningError as err:
            raise invalid("signature", "signature_form", reason=str(err), reason_zh=err.message_zh) from err
        address = address_of_public_key(point)
        made = new_api_key()

        def write(connection: Connection) -> StoredApiKey:
            now_s = self._context.now_s()
            record = parties.party(connection, challenge.party)
            if record is None or address != self._context.signer_of(connection, challenge.party):
                raise ChallengeRefused(address.hex())
            if api_keys.is_answered(connection, challenge.nonce):
                raise ChallengeEnded("answered")
            api_keys.forget_signed_in(connection, record.identity, now_s)
            if api_keys.living_count(connection, record.identity, now_s, signed_in=True) >= SIGNED_IN_MAX:
                raise invalid("signature", "api_keys_max", high=SIGNED_IN_MAX)
            stored = new_stored_key(
                self._context, made, record.identity, signed_in_label(address), parse_scopes(challenge.scopes.split()),
                expires_at=now_s + SIGNED_IN_LIFETIME_S, made_by=record.id, challenge=challenge.nonce,
            )  # fmt: skip
            if state_of(stored, record, now_s, address) is not KeyState.ACTIVE:
                raise ChallengeRefused(address.hex())  # an officer who was dismissed
            api_keys.put_api_key(connection, stored)
            detail: dict[str, str | int] = {"by": "challenge", "scopes": stored.scopes}
            note(self._context, connection, AuditKind.SIGN_IN, actor=record.id, about=made.key_id, detail=detail)
            return stored

        try:
            stored = run_write(self._context, write)
        except ChallengeRefused:
            self._notes.not_admitted("challenge", None)
            raise
        with self._context.reading() as connection:
            record = parties.party_of_identity(connection, stored.identity)
            assert record is not None, "a party is never removed"
            return view_of(self._context, connection, stored, record, made.text)

    def _read(self, challenge_id: str) -> Challenge:
        """The challenge with that id, once it is seen to be one of ours."""
        try:
            given = bytes.fromhex(challenge_id)
        except ValueError:
            given = b""
        facts, nonce = given[:_FACTS_SIZE], given[_FACTS_SIZE:]
        if len(challenge_id) != CHALLENGE_ID_LENGTH or not hmac.compare_digest(nonce, self._nonce(facts)):
            raise NotFound("challenge", challenge_id[:CHALLENGE_ID_LENGTH])
        party, expires, bits = facts[:4], facts[4:12], facts[12]
        scopes = parse_scopes(name for at, name in enumerate(_SCOPES) if bits >> at & 1)
        return Challenge(int.from_bytes(party, "big"), scopes_text(scopes), nonce, int.from_bytes(expires, "big"))

    def _nonce(self, facts: bytes) -> bytes:
        return self._context.vault.index(facts.hex(), MAC_KIND)


def _checked_scopes(names: list[str] | None) -> Scopes:
    if names is None:
        return EVERYTHING
    try:
        return parse_scopes(names)
    except ScopeError as err:
        raise invalid("scopes" if err.index is None else f"scopes.{err.index}", "scope_unknown") from err
