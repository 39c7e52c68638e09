"""Growing pauses between failed attempts, by what the attempts have in common. Nothing is ever locked for good.

An attempt is counted before its password is looked at, so that many at once gain nothing; a right one is forgotten.
Attempts during a pause are not counted: who tries on and on does not lengthen it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.projection import Connection, sign_in
from ledger.projection.sign_in import StoredAttempts
from ledger.service.context import Context
from ledger.service.errors import TooManyAttempts

ATTEMPT_KIND = "sign-in attempt"  # of keyed hashes
FREE_BY_NAME = 5  # attempts without a pause: somebody who mistypes
FREE_BY_ADDRESS = 50  # an office behind one address
PAUSE_BY_NAME_MAX_S = 60  # 1,440 guesses a day at one account, which stand against 10^8
PAUSE_BY_ADDRESS_MAX_S = 300


@dataclass(frozen=True)
class Subject:
    """What attempts have in common: a keyed hash, how many are free, how long a pause grows."""

    index: bytes
    free: int
    pause_max_s: int


def by_name(context: Context, name: str) -> Subject:
    """Attempts at one sign-in name, whether anybody has it or not."""
    return Subject(context.vault.index(f"name:{name}", ATTEMPT_KIND), FREE_BY_NAME, PAUSE_BY_NAME_MAX_S)


def by_device(context: Context, device: str) -> Subject:
    """Attempts of a browser that signed in to the account before: strangers' attempts at the name do not slow it."""
    return Subject(context.vault.index(f"device:{device}", ATTEMPT_KIND), FREE_BY_NAME, PAUSE_BY_NAME_MAX_S)


def by_session(context: Context, session_id: str) -> Subject:
    """Attempts at the password from inside a session: strangers' attempts at the name do not slow these either."""
    return Subject(context.vault.index(f"session:{session_id}", ATTEMPT_KIND), FREE_BY_NAME, PAUSE_BY_NAME_MAX_S)


def by_address(context: Context, address: str) -> Subject:
    """Attempts from one network address; of IPv6 from one /64, which is what one subscriber has."""
    network = address
    if ":" in address:
        import ipaddress

        try:
            network = str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
        except ValueError:
            network = address
    return Subject(context.vault.index(f"address:{network}", ATTEMPT_KIND), FREE_BY_ADDRESS, PAUSE_BY_ADDRESS_MAX_S)


def count_attempt(context: Context, connection: Connection, *subjects: Subject) -> None:
    """Counts an attempt of every subject, in the caller's transaction.

    Raises: TooManyAttempts, with nothing counted, while one of them has to pause.
    """
    now_s = context.now_s()
    found = [(one, _standing(sign_in.attempts(connection, one.index), now_s)) for one in subjects]
    wait_s = max((stored.next_at - now_s for _, stored in found if stored is not None), default=0)
    if wait_s > 0:
        raise TooManyAttempts(wait_s)
    for one, stored in found:
        count = (stored.count if stored is not None else 0) + 1
        pause_s = min(one.pause_max_s, 2 ** min(count - one.free, 20)) if count >= one.free else 0
        next_at = now_s + pause_s if pause_s else 0
        sign_in.put_attempts(connection, StoredAttempts(one.index, count, next_at, now_s))


def _standing(stored: StoredAttempts | None, now_s: int) -> StoredAttempts | None:
    return stored if stored is not None and now_s - stored.last_at < sign_in.ATTEMPT_KEPT_S else None
