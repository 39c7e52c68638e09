"""What requests, and commands, leave in the audit log: refusals, and what officers and auditors asked for.

A request refused or a record looked at is noted when it first happens; the same again within a minute is counted, and
the count noted at that minute's end. So nobody fills the disk by asking again and again: all strangers together cause
six entries a minute, whatever they send, a credential two for each of some routes. Reads by everybody else cost no
write.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import structlog

from ledger.identity import ApiKeyError, parse_api_key
from ledger.projection import Connection, StorageError, api_keys, parties
from ledger.service.audit_log import AuditKind, note, note_alone
from ledger.service.context import Context
from ledger.service.errors import NotFound, ScopeMissing, ServiceError
from ledger.service.views import Caller

WINDOW_S: Final = 60.0
ROUTES_PER_CREDENTIAL_MAX: Final = 16  # told apart in one minute of refusals; further ones are counted together
KEPT_MAX: Final = 4_096  # told apart in one minute of one process; beyond, refusals are counted as one
OTHERS: Final = "others"  # route of refusals that are counted together

ABOUT: Final = (
    "number", "claim_id", "claim", "digest", "proposal_id", "request_id", "job", "till_id", "webhook_id", "office",
    "key_id", "officer", "person", "party", "month",
)  # fmt: skip
"""What a request or a command may name as what it asks for, the most exact one first."""
IDS: Final = frozenset({"number", "party", "subject", "month", "employer", "actor"})
"""Filters whose values are ids."""
FILTERS_LENGTH_MAX: Final = 120  # characters of the names of other filters
_STRICT_ID = re.compile(r"[0-9a-f-]{1,64}", re.ASCII)
_PAGING = frozenset({"cursor", "limit", "lang", "format"})

Clock = Callable[[], float]  # seconds, monotonic
log = structlog.get_logger("audit_log")


def about_of(values: Mapping[str, object]) -> str:
    """Id of what is asked for, "" when nothing is named in its strict form; other words are never repeated."""
    for name in ABOUT:
        value = str(values.get(name, ""))
        if _STRICT_ID.fullmatch(value):
            return value
    return ""


def filters_of(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Ids that were asked for, and under `filters` the names of what else was."""
    found: dict[str, str] = {}
    others = []
    for name, value in given:
        if name in IDS and _STRICT_ID.fullmatch(value):
            found[name] = value
        elif name not in _PAGING:
            others.append(name)
    if others:
        found["filters"] = ",".join(sorted(others))[:FILTERS_LENGTH_MAX]
    return found


@dataclass(frozen=True)
class Errand:
    """What a ledger is opened for by one command: `command` as it is typed, without what was given to it."""

    command: str
    about: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    looks: bool = True  # False for what changes something and is noted as that, or asks for the caller's own


@dataclass(frozen=True)
class _Told:
    """What is the same when it happens again; `about` and `filters` are left empty where they do not tell it apart."""

    kind: AuditKind
    actor: int | None
    credential: str
    route: str
    reason: str = ""
    about: str = ""
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def detail(self) -> dict[str, str | int]:
        said = {"route": self.route, "credential": self.credential, "reason": self.reason, **dict(self.filters)}
        return {name: value for name, value in said.items() if value}


class RequestNotes:
    """Notes of one process. Thread-safe; `close` notes what was counted."""

    def __init__(self, context: Context, clock: Clock = time.monotonic) -> None:
        self._context = context
        self._clock = clock
        self._lock = threading.Lock()  # guards what follows: requests are refused on many threads
        self._again: dict[_Told, int] = {}  # how often since it was noted, in this window
        self._since = clock()
        self._timer: threading.Timer | None = None
        self._closed = False

    def asked(self, caller: Caller, route: str, about: str, filters: Mapping[str, str]) -> None:
        """An officer or auditor asks for somebody's record; durable when this returns.

        Raises: Busy when it cannot be noted: then the record must not be shown.
        """
        told = _Told(
            AuditKind.OFFICER_QUERY, caller.party, caller.credential, route, about=about,
            filters=tuple(sorted(filters.items())),
        )  # fmt: skip
        if self._is_again(told):
            return
        note_alone(self._context, told.kind, actor=told.actor, about=about, detail=told.detail)
        with self._lock:
            if len(self._again) < KEPT_MAX:
                self._again.setdefault(told, 0)

    def refused(self, caller: Caller, route: str, error: ServiceError, about: str) -> None:
        """A caller was refused for lack of a right, or told that there is no such thing. Never raises."""
        reason = "scope_missing" if isinstance(error, ScopeMissing) else "not_permitted"
        if isinstance(error, NotFound):
            reason = "not_found"
        self._refuse(_Told(AuditKind.REFUSED, caller.party, caller.credential, route, reason), about)

    def not_admitted(self, way: str, api_key: str | None) -> None:
        """Somebody came with what does not count: `way` is api_key, session or challenge. Never raises."""
        key_id, actor = "", None
        try:
            if api_key is not None:
                key_id, actor = self._known(api_key)
        except (StorageError, ServiceError) as err:
            log.warning("credential_not_looked_up", reason=str(err))
        self._refuse(_Told(AuditKind.SIGN_IN_FAILED, actor, key_id, "", way), key_id)

    def close(self) -> None:
        """Notes what was counted."""
        with self._lock:
            self._closed = True
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._end_window()

    def _known(self, presented: str) -> tuple[str, int | None]:
        """Id of an API key that exists, and its party: what a stranger makes up is not repeated."""
        try:
            key_id = parse_api_key(presented).key_id
        except ApiKeyError:
            return "", None
        with self._context.reading() as connection:
            stored = api_keys.api_key(connection, key_id)
            party = parties.party_of_identity(connection, stored.identity) if stored is not None else None
        return (key_id if stored is not None else ""), (party.id if party is not None else None)

    def _refuse(self, told: _Told, about: str) -> None:
        told = self._within_limits(told)
        if self._is_again(told):
            return
        with self._lock:
            self._again.setdefault(told, 0)

        def write(connection: Connection) -> None:
            note(self._context, connection, told.kind, actor=told.actor, about=about, detail=told.detail)

        try:
            self._context.store.write_later(write).add_done_callback(_say_failure)
        except StorageError as err:  # full or closing
            log.warning("refusal_not_noted", reason=str(err))

    def _within_limits(self, told: _Told) -> _Told:
        """The same, or what it is counted with when this minute has seen too many kinds of refusals."""
        with self._lock:
            if told in self._again:
                return told
            mine = sum((one.kind, one.credential, one.actor) == (told.kind, told.credential, told.actor)
                       for one in self._again)  # fmt: skip
            if len(self._again) >= KEPT_MAX:
                return _Told(told.kind, None, "", OTHERS)
        if mine >= ROUTES_PER_CREDENTIAL_MAX:
            return _Told(told.kind, told.actor, told.credential, OTHERS)
        return told

    def _is_again(self, told: _Told) -> bool:
        """Whether the same was noted in this window; then it is counted."""
        if self._clock() - self._since >= WINDOW_S:
            self._end_window()
        with self._lock:
            if told not in self._again:
                return False
            self._again[told] += 1
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(WINDOW_S, self._end_window)
                self._timer.daemon = True
                self._timer.start()
            return True

    def _end_window(self) -> None:
        """Notes the counts and begins anew."""
        with self._lock:
            counted = {told: count for told, count in self._again.items() if count}
            self._again.clear()
            self._since = self._clock()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if not counted:
            return

        def write(connection: Connection) -> None:
            for told, count in counted.items():
                detail = {**told.detail, "count": count}
                note(self._context, connection, told.kind, actor=told.actor, about=told.about, detail=detail)

        try:
            self._context.store.write_later(write).add_done_callback(_say_failure)
        except StorageError as err:
            log.warning("refusals_not_noted", counted=sum(counted.values()), reason=str(err))


def _say_failure(done: Future[None]) -> None:
    error = done.exception()
    if error is not None:
        log.warning("refusal_not_noted", reason=str(error))
