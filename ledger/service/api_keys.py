"""API keys of a party: making narrower ones, listing, ending.

A key cannot make a wider one: not another scope, not a later end. What a key made ends with it, so that whoever
notices a stolen key has to end that one alone.
"""

from __future__ import annotations

from ledger.domain.times import utc_time
from ledger.identity import EVERYTHING, NewApiKey, ScopeError, Scopes, covers, new_api_key, parse_scopes, scopes_text
from ledger.projection import Connection, api_keys, parties
from ledger.projection.api_keys import StoredApiKey
from ledger.projection.parties import PartyRecord
from ledger.service.api_key_views import ApiKeyView
from ledger.service.audit_log import AuditKind, note
from ledger.service.context import Context
from ledger.service.credentials import (
    KEY_LIFETIME_DEFAULT_S,
    KEY_LIFETIME_MAX_S,
    end_key,
    new_stored_key,
    state_of,
    time_text,
)
from ledger.service.errors import NotFound
from ledger.service.forms import PARTY_MAX, checked_text
from ledger.service.people import governs, need_authority
from ledger.service.problems import invalid
from ledger.service.views import Caller
from ledger.service.writing import remembered, request_hash, run_write
from verifier.canonical import Json
from verifier.words import PartyKind

LABEL_LENGTH_MAX = 64
KEYS_PER_PARTY_MAX = 200  # that work at once, those of challenges not counted; a till each, and some for systems
DAY_S = 86_400
LIFETIME_DAYS_MAX = KEY_LIFETIME_MAX_S // DAY_S


class ApiKeys:
    """API keys of one ledger."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def make(
        self, caller: Caller, *, label: str, scopes: list[str] | None = None, lifetime_days: int | None = None,
        idempotency_key: str,
    ) -> ApiKeyView:  # fmt: skip
        """A key that acts as the caller; its secret is in this answer alone, "" when the Idempotency-Key was used.

        Left out, scopes are the caller's own, and the key ends in a year or with the one it is made with.

        Raises: InvalidRequest at `scopes`, `lifetime_days`, `label`, or beyond KEYS_PER_PARTY_MAX;
        IdempotencyConflict; Busy.
        """
        wanted = self._checked_scopes(caller.scopes, scopes)
        ends_at = self._checked_end(caller.credential_ends_at, lifetime_days)
        text, made = checked_text("label", label, LABEL_LENGTH_MAX), new_api_key()
        request: Json = {"label": text, "scopes": scopes_text(wanted), "lifetime_days": lifetime_days}
        hashed = request_hash("api key", request)

        def write(connection: Connection) -> str:
            def take() -> dict[str, Json]:
                record = _party(connection, caller.party)
                self._put(connection, made, record, text, wanted, ends_at, by=caller)
                return {"key_id": made.key_id}

            return str(remembered(self._context, connection, caller, idempotency_key, hashed, take)["key_id"])

        key_id = run_write(self._context, write)
        return self._view(key_id, made.text if key_id == made.key_id else "")

    def make_for(
        self, party: int, label: str, *, scopes: list[str] | None = None, lifetime_days: int | None = None
    ) -> ApiKeyView:
        """A key that acts as any party, for whoever holds the data directory. Raises: NotFound, InvalidRequest."""
        wanted, ends_at = self._checked_scopes(EVERYTHING, scopes), self._checked_end(None, lifetime_days)
        text, made = checked_text("label", label, LABEL_LENGTH_MAX), new_api_key()

        def write(connection: Connection) -> None:
            self._put(connection, made, _party(connection, party), text, wanted, ends_at, by=None)

        run_write(self._context, write)
        return self._view(made.key_id, made.text)

    def keys(self, caller: Caller, party: int | None = None) -> tuple[ApiKeyView, ...]:
        """Keys of the caller, or for officers and auditors of any; ended ones last. Raises: NotFound."""
        wanted = caller.party if party is None else party
        if wanted != caller.party and not caller.oversees:
            raise NotFound("party", str(wanted))
        with self._context.reading() as connection:
            record = _party(connection, wanted)
            if wanted != caller.party and not governs(connection, caller, wanted):
                raise NotFound("party", str(wanted))
            stored = api_keys.api_keys(connection, record.identity, self._context.now_s())
            return tuple(view_of(self._context, connection, one, record) for one in stored)

    def revoke(self, caller: Caller, key_id: str, *, idempotency_key: str) -> ApiKeyView:
        """Ends a key and those made with it: of the caller, or by an officer of any enterprise or person.

        Keys of officers are ended by the authority. A key that ended before stays as it is.

        Raises: NotFound for an unknown key, also for anybody else's; NotPermitted; IdempotencyConflict; Busy.
        """
        hashed = request_hash("api key end", {"key_id": key_id})

        def write(connection: Connection) -> None:
            def take() -> dict[str, Json]:
                stored = _ended_by(connection, caller, key_id)
                if stored.revoked_at is None:
                    end_key(self._context, connection, stored)
                    self._note_end(connection, caller, key_id)
                return {}

            remembered(self._context, connection, caller, idempotency_key, hashed, take)

        run_write(self._context, write)
        return self._view(key_id)

    def _note_end(self, connection: Connection, caller: Caller, key_id: str) -> None:
        by = {"change": "api_key_revoked", **({"credential": caller.credential} if caller.credential else {})}
        note(self._context, connection, AuditKind.PERMISSION_CHANGED, actor=caller.party, about=key_id, detail=by)

    def _put(
        self, connection: Connection, made: NewApiKey, record: PartyRecord, label: str, scopes: Scopes, ends_at: int,
        *, by: Caller | None,
    ) -> None:  # fmt: skip
        living = api_keys.living_count(connection, record.identity, self._context.now_s(), signed_in=False)
        if living >= KEYS_PER_PARTY_MAX:
            raise invalid("label", "api_keys_max", high=KEYS_PER_PARTY_MAX)
        in_session = by.session if by is not None and by.session else None
        with_key = by.credential if by is not None and by.credential and in_session is None else None
        stored = new_stored_key(
            self._context, made, record.identity, label, scopes, expires_at=ends_at,
            made_by=by.party if by is not None else None, made_with=with_key, made_in=in_session,
        )  # fmt: skip
        api_keys.put_api_key(connection, stored)
        api_keys.forget_ended(connection, record.identity, self._context.now_s())
        actor = by.party if by is not None else None
        detail: dict[str, str | int] = {"change": "api_key_made", "party": record.id, "expires_at": ends_at}
        detail["scopes"] = stored.scopes
        note(self._context, connection, AuditKind.PERMISSION_CHANGED, actor=actor, about=made.key_id, detail=detail)

    def _checked_scopes(self, own: Scopes, names: list[str] | None) -> Scopes:
        if names is None:
            return own
        try:
            wanted = parse_scopes(names)
        except ScopeError as err:
            at = "scopes" if err.index is None else f"scopes.{err.index}"
            raise invalid(at, "scope_unknown") from err
        for index, name in enumerate(names):
            if not all(covers(own, scope) for scope in parse_scopes([name])):
                raise invalid(f"scopes.{index}", "scope_wider", scope=name)
        return wanted

    def _checked_end(self, own_ends_at: int | None, lifetime_days: int | None) -> int:
        now_s = self._context.now_s()
        if lifetime_days is None:
            ends_at = now_s + KEY_LIFETIME_DEFAULT_S
            return ends_at if own_ends_at is None else min(ends_at, own_ends_at)
        if not 1 <= lifetime_days <= LIFETIME_DAYS_MAX:
            raise invalid("lifetime_days", "count_range", low=1, high=LIFETIME_DAYS_MAX, given=lifetime_days)
        ends_at = now_s + lifetime_days * DAY_S
        if own_ends_at is not None and ends_at > own_ends_at:
            raise invalid("lifetime_days", "key_outlives", until=time_text(own_ends_at))
        return ends_at

    def _view(self, key_id: str, secret: str = "") -> ApiKeyView:
        with self._context.reading() as connection:
            stored = api_keys.api_key(connection, key_id)
            record = None if stored is None else parties.party_of_identity(connection, stored.identity)
            if stored is None or record is None:
                raise NotFound("key", key_id)
            return view_of(self._context, connection, stored, record, secret)


def _party(connection: Connection, party: int) -> PartyRecord:
    record = parties.party(connection, party) if 1 <= party <= PARTY_MAX else None
    if record is None:
        raise NotFound("party", str(party))
    return record


def _ended_by(connection: Connection, caller: Caller, key_id: str) -> StoredApiKey:
    """The key, when the caller may end it."""
    stored = api_keys.api_key(connection, key_id)
    record = None if stored is None else parties.party_of_identity(connection, stored.identity)
    if (
        stored is None
        or record is None
        or (record.id != caller.party and not (caller.is_officer and governs(connection, caller, record.id)))
    ):
        raise NotFound("key", key_id)
    if record.id != caller.party and record.kind not in (PartyKind.ENTERPRISE, PartyKind.PERSON):
        need_authority(caller)
    return stored


def view_of(
    context: Context, connection: Connection, stored: StoredApiKey, record: PartyRecord, secret: str = ""
) -> ApiKeyView:
    """A key of the party `record` as it stands now."""
    signer = context.signer_of(connection, record.id)
    return ApiKeyView(
        key_id=stored.key_id,
        party=record.id,
        label=stored.label,
        scopes=tuple(stored.scopes.split()),
        state=state_of(stored, record, context.now_s(), signer).value,
        signed_in=stored.challenge is not None,
        created_at=utc_time(stored.created_at),
        expires_at=utc_time(stored.expires_at) if stored.expires_at is not None else None,
        last_used_at=utc_time(stored.last_used_at) if stored.last_used_at is not None else None,
        revoked_at=utc_time(stored.revoked_at) if stored.revoked_at is not None else None,
        made_by=stored.made_by,
        made_with=stored.made_with,
        made_in=stored.made_in,
        secret=secret,
    )
