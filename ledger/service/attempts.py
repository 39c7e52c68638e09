"""Growing pauses between failed attempts, by what the attempts have in common. Nothing is ever locked for good.

An attempt is counted before its password is looked at, so that many at once gain nothing; a right one is given back.
What an address has against it falls with time: an office behind one of them mistypes every day, a guesser is held to
one attempt in a longest pause either way. Attempts during a pause are not counted: who tries on and on does not
lengthen it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ledger.projection import Connection, sign_in
from ledger.projection.sign_in import StoredAttempts
from ledger.service.context import Context
from ledger.service.errors import TooManyAttempts

ATTEMPT_KIND = "sign-in attempt"  # of keyed hashes
FREE_BY_NAME = 5  # attempts without a pause: somebody who mistypes
FREE_BY_ADDRESS = 50  # an office behind one address
PAUSE_BY_NAME_MAX_S = 60  # 1,440 guesses a day at one account, which stand against 10^8
PAUSE_BY_ADDRESS_MAX_S = 300
FALL_BY_ADDRESS_S = PAUSE_BY_ADDRESS_MAX_S  # an attempt less; as long as the pause, so that waiting gains no free one


@dataclass(frozen=True)
class Subject:
    """What attempts have in common: a keyed hash, how many are free, how long a pause grows, how soon one falls."""

    index: bytes
    free: int
    pause_max_s: int
    fall_s: int | None = None


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
    index = context.vault.index(f"address:{network}", ATTEMPT_KIND)
    return Subject(index, FREE_BY_ADDRESS, PAUSE_BY_ADDRESS_MAX_S, FALL_BY_ADDRESS_S)


def count_attempt(context: Context, connection: Connection, *subjects: Subject) -> tuple[StoredAttempts, ...]:
    """Counts an attempt of every subject, in the caller's transaction; what stands against each from now on.

    Raises: TooManyAttempts, with nothing counted, while one of them has to pause.
    """
    now_s = context.now_s()
    found = [(one, _standing(one, sign_in.attempts(connection, one.index), now_s)) for one in subjects]
    wait_s = max(stored.next_at - now_s for _, stored in found)
    if wait_s > 0:
        raise TooManyAttempts(wait_s)
    counted = []
    for one, stored in found:
        count = stored.count + 1
        pause_s = min(one.pause_max_s, 2 ** min(count - one.free, 20)) if count >= one.free else 0
        next_at = now_s + pause_s if pause_s else 0
        since = stored.last_at if one.fall_s is not None and stored.count else now_s
        counted.append(StoredAttempts(one.index, count, next_at, since))
        sign_in.put_attempts(connection, counted[-1])
    return tuple(counted)


def give_back(connection: Connection, *counted: StoredAttempts) -> None:
    """Takes attempts that were right off again, each with the pause that it caused itself and no other."""
    for one in counted:
        stored = sign_in.attempts(connection, one.subject)
        if stored is None:
            continue
        if stored.count <= 1:
            sign_in.forget_attempts(connection, one.subject)
            continue
        next_at = 0 if stored.next_at == one.next_at else stored.next_at
        sign_in.put_attempts(connection, replace(stored, count=stored.count - 1, next_at=next_at))


def _standing(subject: Subject, stored: StoredAttempts | None, now_s: int) -> StoredAttempts:
    """What stands against a subject now; `last_at` moves by what has fallen, so that parts of `fall_s` are not lost."""
    if stored is None or now_s - stored.last_at >= sign_in.ATTEMPT_KEPT_S:
        return StoredAttempts(subject.index, 0, 0, now_s)
    if subject.fall_s is None:
        return stored
    fallen = min(stored.count, max(0, now_s - stored.last_at) // subject.fall_s)
    since = min(now_s, stored.last_at + fallen * subject.fall_s)  # a clock may have been set back
    return replace(stored, count=stored.count - fallen, last_at=since)
