"""The queue between acceptance and the chain: what waits, what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from ledger.domain.blocks import ChainBlock, Outcome
from ledger.domain.groups import SignedGroup
from ledger.projection import number_pool
from ledger.projection.columns import number_text
from ledger.projection.derived import BLOCK, GROUP
from ledger.projection.ground import IDEMPOTENCY, OPERATION, WAITING, QueueState
from ledger.projection.packing import SIGNATURE_AT, SIGNATURE_SIZE, unpack_signed

DIGESTS_MAX = 500  # digests in one question, under SQLite's limit of variables
_SIGNED = select(OPERATION.c.signed).where(OPERATION.c.digest == bindparam("digest"))
_OF_DIGESTS = select(OPERATION).where(OPERATION.c.digest.in_(bindparam("digests", expanding=True)))

# Bytes of calldata (docs/OPERATIONS.md): selector, offsets and counts; three words a group; four an operation.
CALLDATA_FIXED_SIZE = 4 + 4 * 32
CALLDATA_HEAD_SIZE = 3 * 32
CALLDATA_OPERATION_SIZE = 4 * 32

_STATES = {
    Outcome.APPLIED: QueueState.RECORDED,
    Outcome.REFUSED: QueueState.REFUSED,
    Outcome.MALFORMED: QueueState.MALFORMED,
}

FAILED = frozenset({QueueState.REFUSED, QueueState.MALFORMED, QueueState.EXPIRED})
"""Ends of a group that leave nothing of it on the ledger but, when refused, the attempt."""


@dataclass(frozen=True)
class WaitingGroup:
    """A group that waits to be sequenced, in order of acceptance."""

    seq: int
    digest: bytes
    signed: SignedGroup


@dataclass(frozen=True)
class GroupStatus:
    """What became of a group: `reason` and `refused_number` are set when refused, `block` once it is on chain.

    Times are seconds since 1970, UTC; `accepted_at` is None for a group that came to the chain by another way.
    """

    digest: bytes
    actor: int
    state: QueueState
    reason: int
    refused_number: int | None
    block: int | None
    accepted_at: int | None
    settled_at: int | None
    valid_until: int


@dataclass(frozen=True)
class QueueDepth:
    """How much waits: groups, operations, and when the oldest was accepted."""

    groups: int
    operations: int
    oldest_accepted_at: int | None


def take(
    connection: Connection, *, operations_max: int, calldata_size_max: int, skip: Collection[bytes] = ()
) -> list[WaitingGroup]:
    """The oldest waiting groups that fit in one transaction together; at least one if any waits.

    `skip` are digests to leave out this time, at most DIGESTS_MAX.
    """
    rows = connection.execute(
        select(OPERATION.c.seq, OPERATION.c.digest, OPERATION.c.operation_count, OPERATION.c.signed)
        .where(WAITING, OPERATION.c.digest.not_in(list(skip)))
        .order_by(OPERATION.c.seq)
        .limit(operations_max)
    )
    taken: list[WaitingGroup] = []
    count, size = 0, CALLDATA_FIXED_SIZE
    for row in rows:
        count += row.operation_count
        size += CALLDATA_HEAD_SIZE + CALLDATA_OPERATION_SIZE * row.operation_count
        if taken and (count > operations_max or size > calldata_size_max):
            break
        taken.append(WaitingGroup(row.seq, row.digest, unpack_signed(row.signed)))
    return taken


def any_expired(connection: Connection, now_s: int) -> bool:
    """Whether a waiting group's valid_until has passed."""
    ended = WAITING & (OPERATION.c.valid_until < now_s)
    return connection.execute(select(OPERATION.c.seq).where(ended).limit(1)).one_or_none() is not None


def signed_group(connection: Connection, digest: bytes) -> SignedGroup | None:
    """The group with that digest as it was accepted, None when it came to the chain by another way."""
    packed = connection.execute(_SIGNED, {"digest": digest}).scalar_one_or_none()
    return None if packed is None else unpack_signed(packed)


def depth(connection: Connection) -> QueueDepth:
    """How much waits now."""
    row = connection.execute(
        select(
            func.count(),
            func.coalesce(func.sum(OPERATION.c.operation_count), 0),
            func.min(OPERATION.c.accepted_at),
        ).where(WAITING)
    ).one()
    return QueueDepth(groups=int(row[0]), operations=int(row[1]), oldest_accepted_at=row[2])


def expire(connection: Connection, now_s: int) -> list[bytes]:
    """Ends groups whose valid_until has passed: the contract would refuse them. Their digests; numbers come back."""
    ended = WAITING & (OPERATION.c.valid_until < now_s)
    digests = list(connection.execute(select(OPERATION.c.digest).where(ended)).scalars())
    if digests:
        connection.execute(update(OPERATION).where(ended).values(state=QueueState.EXPIRED.value, settled_at=now_s))
        number_pool.return_of_groups(connection, digests)
    return digests


def end(connection: Connection, digests: Sequence[bytes], now_s: int) -> None:
    """Ends waiting groups that no contract would take any more; their numbers come back. At most DIGESTS_MAX a part."""
    for at in range(0, len(digests), DIGESTS_MAX):
        part = list(digests[at : at + DIGESTS_MAX])
        ended = WAITING & OPERATION.c.digest.in_(part)
        connection.execute(update(OPERATION).where(ended).values(state=QueueState.EXPIRED.value, settled_at=now_s))
        number_pool.return_of_groups(connection, part)


def forget_idempotency(connection: Connection, now_s: int) -> int:
    """Deletes Idempotency-Keys that ended; how many."""
    return int(connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.expires_at <= now_s)).rowcount)


def settle(connection: Connection, block: ChainBlock) -> None:
    """Writes the outcome of every group of `block` to the queue and frees or forgets its numbers."""
    final: list[dict[str, Any]] = []
    malformed: list[dict[str, Any]] = []
    returned: list[bytes] = []
    issued: list[str] = []
    for group in block.groups:
        refused = group.outcome is Outcome.REFUSED
        outcome: dict[str, Any] = {
            "of_digest": group.digest,
            "to_state": _STATES[group.outcome].value,
            "to_reason": group.reason,
            "to_refused_number": number_text(group.refused_number) if refused else None,
        }
        if group.outcome is Outcome.MALFORMED:
            signed = group.signed
            signature = signed.v.to_bytes(1, "big") + signed.r.to_bytes(32, "big") + signed.s.to_bytes(32, "big")
            malformed.append({**outcome, "of_signature": signature})
            continue
        final.append(outcome)
        if refused:
            returned.append(group.digest)
        else:
            operations = group.signed.group.operations
            issued.extend(number_text(op.number) for op in operations if op.code in number_pool.ISSUES)
    written = {
        "state": bindparam("to_state"),
        "reason": bindparam("to_reason"),
        "refused_number": bindparam("to_refused_number"),
        "block": block.head.number,
        "settled_at": block.head.time_s,
    }
    of_digest = OPERATION.c.digest == bindparam("of_digest")
    if final:
        connection.execute(update(OPERATION).where(of_digest).values(written), final)
    if malformed:
        # The same digest under another signature, or a replay, says nothing about the group that waits here.
        signed_so = func.substr(OPERATION.c.signed, SIGNATURE_AT + 1, SIGNATURE_SIZE) == bindparam("of_signature")
        connection.execute(update(OPERATION).where(of_digest, WAITING, signed_so).values(written), malformed)
        returned.extend(_malformed_of(connection, block.head.number, [row["of_digest"] for row in malformed]))
    number_pool.return_of_groups(connection, returned)
    number_pool.forget_issued(connection, issued)


def reopen(connection: Connection) -> None:
    """Puts every group with an outcome from the chain back to waiting; a rebuild then settles those on chain again."""
    connection.execute(
        update(OPERATION)
        .where(OPERATION.c.block.is_not(None))
        .values(state=QueueState.ACCEPTED.value, reason=0, refused_number=None, block=None, settled_at=None)
    )


def status(connection: Connection, digest: bytes) -> GroupStatus | None:
    """What became of the group with that digest, None when neither queue nor chain knows it."""
    return statuses(connection, [digest]).get(digest)


def statuses(connection: Connection, digests: Sequence[bytes]) -> dict[bytes, GroupStatus]:
    """What became of those groups, by digest; unknown ones are left out. At most DIGESTS_MAX."""
    if len(digests) > DIGESTS_MAX:
        raise ValueError(f"at most {DIGESTS_MAX} digests are asked for at a time")
    found = {row.digest: _status(row) for row in connection.execute(_OF_DIGESTS, {"digests": digests})}
    missing = [digest for digest in digests if digest not in found]
    if missing:
        found.update(_on_chain(connection, missing))
    return found


def group_failed(connection: Connection, digest: bytes | None) -> bool:
    """Whether the group with that digest was refused, malformed or expired; False for None and while it waits."""
    if digest is None:
        return False
    found = status(connection, digest)
    return found is not None and found.state in FAILED


def _on_chain(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, GroupStatus]:
    """Groups that came to the chain by another way than this queue; a replay does not hide the first outcome."""
    rows = connection.execute(
        select(GROUP, BLOCK.c.time_s)
        .join(BLOCK, BLOCK.c.number == GROUP.c.block)
        .where(GROUP.c.digest.in_(list(digests)))
        .order_by(GROUP.c.outcome == Outcome.MALFORMED, GROUP.c.block, GROUP.c.position)
    )
    found: dict[bytes, GroupStatus] = {}
    for row in rows:
        known = GroupStatus(
            digest=row.digest,
            actor=row.actor,
            state=_STATES[Outcome(row.outcome)],
            reason=row.reason,
            refused_number=None if row.refused_number is None else int(row.refused_number),
            block=row.block,
            accepted_at=None,
            settled_at=row.time_s,
            valid_until=row.valid_until,
        )
        found.setdefault(row.digest, known)
    return found


def _status(row: Row[tuple[object, ...]]) -> GroupStatus:
    values = row._mapping
    refused = values["refused_number"]
    return GroupStatus(
        digest=values["digest"],
        actor=values["actor"],
        state=QueueState(values["state"]),
        reason=values["reason"],
        refused_number=None if refused is None else int(refused),
        block=values["block"],
        accepted_at=values["accepted_at"],
        settled_at=values["settled_at"],
        valid_until=values["valid_until"],
    )


def _malformed_of(connection: Connection, block: int, digests: list[bytes]) -> list[bytes]:
    """Those of `digests` that wait no more because of this block."""
    ended: list[bytes] = []
    for at in range(0, len(digests), DIGESTS_MAX):
        of_block = (OPERATION.c.block == block) & (OPERATION.c.state == QueueState.MALFORMED.value)
        part = OPERATION.c.digest.in_(digests[at : at + DIGESTS_MAX])
        ended.extend(connection.execute(select(OPERATION.c.digest).where(part, of_block)).scalars())
    return ended
