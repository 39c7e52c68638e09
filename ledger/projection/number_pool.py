"""Which invoice numbers a seller may take next: reserve, use, give back.

A seller issues only inside the segments allotted to it on chain. A number given out is held until it is used or
its reservation ends; numbers of refused or expired groups come back and are given out first, lowest first. The
contract refuses a number taken twice whatever this table says: the pool only keeps honest sellers from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sqlalchemy import BindParameter, Connection, and_, bindparam, delete, select, text, update

from ledger.domain.groups import Group
from ledger.projection.columns import number_text
from ledger.projection.derived import GRANT, INVOICE, SEGMENT
from ledger.projection.errors import NumberInUseError, NumbersExhaustedError
from ledger.projection.ground import NUMBER_RANGE, NUMBER_RESERVATION, NumberState
from verifier.operations import Code
from verifier.words import Grant

RESERVE_MAX = 1_000  # numbers in one call: what a till needs for a day off line
_Key = TypeVar("_Key", str, bytes)
ISSUES = frozenset({Code.ISSUE, Code.ISSUE_RED})  # operations that take a number of the seller's segment
SCAN_SIZE = 500  # keys in one IN list, under SQLite's limit of variables

# Every issue asks these. Built once: building and caching a statement costs more than running it.
_POOL = NUMBER_RESERVATION.c
_NUMBERS: BindParameter[str] = bindparam("numbers", expanding=True)
_ENDED = and_(_POOL.state == NumberState.RESERVED.value, _POOL.expires_at <= bindparam("now_s"))
_EXPIRE = update(NUMBER_RESERVATION).where(_ENDED).values(state=NumberState.FREE.value)
_EXPIRE_OF = _EXPIRE.where(_POOL.seller == bindparam("of_seller"))
_RETURNED = (
    select(_POOL.number)
    .where(_POOL.seller == bindparam("seller"), _POOL.state == NumberState.FREE)
    .order_by(_POOL.number)
    .limit(bindparam("count"))
)
_KNOWN_RANGES = select(NUMBER_RANGE.c.first_number).where(NUMBER_RANGE.c.seller == bindparam("seller"))
_NEW_SEGMENTS = select(SEGMENT).where(
    SEGMENT.c.party == bindparam("seller"), SEGMENT.c.first_number.not_in(_KNOWN_RANGES)
)
_OPEN_RANGES = (
    select(NUMBER_RANGE)
    .where(NUMBER_RANGE.c.seller == bindparam("seller"), NUMBER_RANGE.c.next_number <= NUMBER_RANGE.c.last_number)
    .order_by(NUMBER_RANGE.c.first_number)
)
_ADVANCE = (
    update(NUMBER_RANGE)
    .where(NUMBER_RANGE.c.first_number == bindparam("of_first"))
    .values(next_number=bindparam("to_next"))
)
_SEGMENTS = select(SEGMENT.c.first_number, SEGMENT.c.last_number).where(SEGMENT.c.party == bindparam("seller"))
_ISSUED = select(INVOICE.c.number).where(INVOICE.c.number.in_(_NUMBERS))
_POOLED = select(_POOL.number).where(_POOL.number.in_(_NUMBERS))
_HELD = select(NUMBER_RESERVATION).where(_POOL.number.in_(_NUMBERS))
_USE = (
    update(NUMBER_RESERVATION)
    .where(_POOL.number.in_(_NUMBERS))
    .values(state=NumberState.USED.value, digest=bindparam("by_digest"))
)


def reserve(connection: Connection, seller: int, count: int, *, expires_at: int, now_s: int) -> tuple[int, ...]:
    """The `count` lowest free numbers of `seller`, held until `expires_at` (seconds since 1970), ascending.

    Raises: NumbersExhaustedError when the segments hold fewer; ValueError outside 1..RESERVE_MAX.
    """
    if not 1 <= count <= RESERVE_MAX:
        raise ValueError(f"1..{RESERVE_MAX} numbers are reserved at a time")
    if connection.dialect.name == "postgresql":  # SQLite has one writer; here two could pick the same numbers
        connection.execute(text("SELECT pg_advisory_xact_lock(:seller)"), {"seller": seller})
    expire(connection, now_s, seller=seller)
    taken = _take_returned(connection, seller, count)
    fresh = _take_fresh(connection, seller, count - len(taken))
    if len(taken) + len(fresh) < count:
        raise NumbersExhaustedError(seller, count, len(taken) + len(fresh))
    if taken:
        connection.execute(
            update(NUMBER_RESERVATION)
            .where(NUMBER_RESERVATION.c.number.in_(taken))
            .values(state=NumberState.RESERVED.value, expires_at=expires_at, digest=None)
        )
    if fresh:
        connection.execute(
            NUMBER_RESERVATION.insert(),
            [
                {"number": number, "seller": seller, "state": NumberState.RESERVED.value, "expires_at": expires_at}
                for number in fresh
            ],
        )
    return tuple(sorted(int(number) for number in taken + fresh))


def reserved(connection: Connection, seller: int, now_s: int) -> tuple[int, ...]:
    """Numbers held for `seller` and not used, ascending."""
    rows = connection.execute(
        select(NUMBER_RESERVATION.c.number)
        .where(
            NUMBER_RESERVATION.c.seller == seller,
            NUMBER_RESERVATION.c.state == NumberState.RESERVED,
            NUMBER_RESERVATION.c.expires_at > now_s,
        )
        .order_by(NUMBER_RESERVATION.c.number)
    ).scalars()
    return tuple(int(number) for number in rows)


def give_back(connection: Connection, seller: int, numbers: Iterable[int]) -> None:
    """Ends the reservations of `seller` for `numbers`; numbers in use stay in use."""
    texts = [number_text(number) for number in numbers]
    for part in _parts(texts):
        connection.execute(
            update(NUMBER_RESERVATION)
            .where(
                NUMBER_RESERVATION.c.number.in_(part),
                NUMBER_RESERVATION.c.seller == seller,
                NUMBER_RESERVATION.c.state == NumberState.RESERVED,
            )
            .values(state=NumberState.FREE.value)
        )


def hold(connection: Connection, numbers: Iterable[int], *, expires_at: int) -> None:
    """Keeps reservations of `numbers` until `expires_at` at least, for a group that somebody has yet to sign."""
    for part in _parts([number_text(number) for number in numbers]):
        connection.execute(
            update(NUMBER_RESERVATION)
            .where(
                NUMBER_RESERVATION.c.number.in_(part),
                NUMBER_RESERVATION.c.state == NumberState.RESERVED,
                NUMBER_RESERVATION.c.expires_at < expires_at,
            )
            .values(expires_at=expires_at)
        )


def end_hold(connection: Connection, numbers: Iterable[int], *, expires_at: int) -> None:
    """Frees what `hold` kept until `expires_at`; a longer reservation of the seller's own stays."""
    for part in _parts([number_text(number) for number in numbers]):
        connection.execute(
            update(NUMBER_RESERVATION)
            .where(
                NUMBER_RESERVATION.c.number.in_(part),
                NUMBER_RESERVATION.c.state == NumberState.RESERVED,
                NUMBER_RESERVATION.c.expires_at == expires_at,
            )
            .values(state=NumberState.FREE.value)
        )


def use(connection: Connection, digest: bytes, group: Group) -> None:
    """Marks the numbers that `group` issues as used by it.

    Numbers of a group whose actor may not issue for that seller, or outside the seller's segments, are left alone:
    the contract will refuse it, and a stranger must not be able to take numbers out of a neighbour's pool.

    Raises: NumberInUseError when a number waits in another group or is on chain.
    """
    issued: dict[int, list[str]] = {}
    for operation in group.operations:
        if operation.code in ISSUES:
            issued.setdefault(operation.subject, []).append(number_text(operation.number))
    for seller, texts in issued.items():
        if not _may_issue(connection, seller, group.actor):
            continue
        segments = _segments(connection, seller)
        own = [number for number in texts if any(first <= number <= last for first, last in segments)]
        for part in _parts(own):
            _use(connection, digest, seller, part)


def expire(connection: Connection, now_s: int, *, seller: int | None = None) -> int:
    """Returns reservations that ended to the pool; how many."""
    if seller is None:
        return int(connection.execute(_EXPIRE, {"now_s": now_s}).rowcount)
    return int(connection.execute(_EXPIRE_OF, {"now_s": now_s, "of_seller": seller}).rowcount)


def return_of_groups(connection: Connection, digests: Sequence[bytes]) -> None:
    """Numbers of refused, malformed or expired groups come back to the pool."""
    for part in _parts(list(digests)):
        connection.execute(
            update(NUMBER_RESERVATION)
            .where(NUMBER_RESERVATION.c.digest.in_(part))
            .values(state=NumberState.FREE.value, digest=None)
        )


def forget_issued(connection: Connection, numbers: Sequence[str]) -> None:
    """Numbers now on chain need no reservation any more."""
    for part in _parts(list(numbers)):
        connection.execute(delete(NUMBER_RESERVATION).where(NUMBER_RESERVATION.c.number.in_(part)))


def _take_returned(connection: Connection, seller: int, count: int) -> list[str]:
    while True:
        free = list(connection.execute(_RETURNED, {"seller": seller, "count": count}).scalars())
        on_chain = _issued(connection, free)
        if not on_chain:
            return free
        forget_issued(connection, sorted(on_chain))


def _take_fresh(connection: Connection, seller: int, count: int) -> list[str]:
    if count == 0:
        return []
    _learn_ranges(connection, seller)
    ranges = connection.execute(_OPEN_RANGES, {"seller": seller}).all()
    fresh: list[str] = []
    for row in ranges:
        at, last = int(row.next_number), int(row.last_number)
        while at <= last and len(fresh) < count:
            window = [number_text(n) for n in range(at, min(last + 1, at + SCAN_SIZE, at + count - len(fresh)))]
            known = _issued(connection, window) | _pooled(connection, window)
            fresh.extend(number for number in window if number not in known)
            at += len(window)
        connection.execute(_ADVANCE, {"of_first": row.first_number, "to_next": number_text(at)})
        if len(fresh) == count:
            break
    return fresh


def _learn_ranges(connection: Connection, seller: int) -> None:
    """Segments allotted since the last time get a range."""
    segments = connection.execute(_NEW_SEGMENTS, {"seller": seller}).all()
    if segments:
        connection.execute(
            NUMBER_RANGE.insert(),
            [
                {
                    "first_number": row.first_number,
                    "seller": seller,
                    "last_number": row.last_number,
                    "next_number": row.first_number,
                }
                for row in segments
            ],
        )


def _may_issue(connection: Connection, seller: int, actor: int) -> bool:
    if seller == actor:
        return True
    bits = connection.execute(
        select(GRANT.c.bits).where(GRANT.c.enterprise == seller, GRANT.c.person == actor)
    ).scalar_one_or_none()
    return bits is not None and bool(bits & Grant.ISSUE)


def _segments(connection: Connection, seller: int) -> list[tuple[str, str]]:
    rows = connection.execute(_SEGMENTS, {"seller": seller}).all()
    return [(row.first_number, row.last_number) for row in rows]


def _use(connection: Connection, digest: bytes, seller: int, numbers: list[str]) -> None:
    on_chain = _issued(connection, numbers)
    if on_chain:
        raise NumberInUseError(int(min(on_chain)))
    rows = connection.execute(_HELD, {"numbers": numbers}).all()
    for row in rows:
        if row.state == NumberState.USED and row.digest != digest:
            raise NumberInUseError(int(row.number))
    known = {row.number for row in rows}
    if known:
        connection.execute(_USE, {"numbers": sorted(known), "by_digest": digest})
    unknown = [number for number in numbers if number not in known]
    if unknown:
        connection.execute(
            NUMBER_RESERVATION.insert(),
            [
                {"number": number, "seller": seller, "state": NumberState.USED.value, "expires_at": 0, "digest": digest}
                for number in unknown
            ],
        )


def _issued(connection: Connection, numbers: list[str]) -> set[str]:
    if not numbers:
        return set()
    return set(connection.execute(_ISSUED, {"numbers": numbers}).scalars())


def _pooled(connection: Connection, numbers: list[str]) -> set[str]:
    return set(connection.execute(_POOLED, {"numbers": numbers}).scalars())


def _parts(keys: list[_Key]) -> list[list[_Key]]:
    return [keys[at : at + SCAN_SIZE] for at in range(0, len(keys), SCAN_SIZE)]
