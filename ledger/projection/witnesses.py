"""Witnesses' keys, the policy of how many are needed, their signatures on blocks, and alarms.

A signature is of one block and its hash; whether the chain still has that block is for the caller to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, case, delete, func, select, update

from ledger.projection.ground_witnesses import COSIGNATURE, WITNESS_ALARM, WITNESS_KEY, WITNESS_POLICY

KEYS_MAX = 256  # rows of one answer, withdrawn ones included
COSIGNATURES_KEPT_MAX = 1_000  # newest of one witness: three quarters of an hour of a busy chain, 300 KB
ALARMS_KEPT_MAX = 100  # of one witness: the first ones tell where the histories part
ALARMS_LISTED_MAX = 1_000


@dataclass(frozen=True)
class WitnessKey:
    """A key that was admitted; times in seconds since 1970, parties by id. `line` is the C2SP verifier key."""

    seq: int
    name: str
    key_id: bytes
    public_key: bytes
    line: str
    admitted_by: int
    admitted_at: int
    withdrawn_by: int | None
    withdrawn_at: int | None


@dataclass(frozen=True)
class Cosignature:
    """A signature line of the witness `witness` (WitnessKey.seq) on a block; `signed_at` by the witness's clock."""

    block: int
    witness: int
    block_hash: bytes
    signed_at: int
    received_at: int
    line: str


@dataclass(frozen=True)
class WitnessAlarm:
    """A valid signature on a block that this chain has otherwise, or (`own_hash` None) does not have."""

    witness: int
    block: int
    block_hash: bytes
    own_hash: bytes | None
    received_at: int
    note: bytes


def witness_keys(connection: Connection, *, admitted_only: bool = True) -> tuple[WitnessKey, ...]:
    """Keys in the order of their admission."""
    statement = select(WITNESS_KEY).order_by(WITNESS_KEY.c.seq).limit(KEYS_MAX)
    if admitted_only:
        statement = statement.where(WITNESS_KEY.c.withdrawn_at.is_(None))
    return tuple(_key(row) for row in connection.execute(statement))


def witness_key_of(connection: Connection, public_key: bytes) -> WitnessKey | None:
    """The key with those 32 bytes, also once withdrawn."""
    row = connection.execute(select(WITNESS_KEY).where(WITNESS_KEY.c.public_key == public_key)).one_or_none()
    return None if row is None else _key(row)


def admit_witness(
    connection: Connection, *, name: str, key_id: bytes, public_key: bytes, line: str, admitted_by: int, now_s: int
) -> None:
    """Stores a key that was never admitted before."""
    connection.execute(
        WITNESS_KEY.insert(),
        {
            "name": name,
            "key_id": key_id,
            "public_key": public_key,
            "line": line,
            "admitted_by": admitted_by,
            "admitted_at": now_s,
        },
    )


def withdraw_witness(connection: Connection, seq: int, *, withdrawn_by: int, now_s: int) -> None:
    """Ends a key for good."""
    connection.execute(
        update(WITNESS_KEY)
        .where(WITNESS_KEY.c.seq == seq, WITNESS_KEY.c.withdrawn_at.is_(None))
        .values(withdrawn_by=withdrawn_by, withdrawn_at=now_s)
    )


def needed_witnesses(connection: Connection) -> int:
    """How many distinct witnesses verifiers are to ask for; 0 until somebody says so."""
    found = connection.execute(select(WITNESS_POLICY.c.needed).order_by(WITNESS_POLICY.c.seq.desc()).limit(1)).scalar()
    return int(found or 0)


def set_needed_witnesses(connection: Connection, needed: int, *, set_by: int, now_s: int) -> None:
    """A new policy; earlier ones stay on record."""
    connection.execute(WITNESS_POLICY.insert(), {"needed": needed, "set_by": set_by, "set_at": now_s})


def put_cosignature(connection: Connection, new: Cosignature, *, keep: int | None = None) -> bool:
    """Stores a signature; False when one at least as new stands. Drops the witness's oldest beyond the limit.

    `keep` is a block whose signatures stay however old they are: the newest that enough witnesses signed.
    """
    known = connection.execute(
        select(COSIGNATURE).where(COSIGNATURE.c.block == new.block, COSIGNATURE.c.witness == new.witness)
    ).one_or_none()
    if known is not None:
        if known.block_hash == new.block_hash and known.signed_at >= new.signed_at:
            return False
        connection.execute(
            delete(COSIGNATURE).where(COSIGNATURE.c.block == new.block, COSIGNATURE.c.witness == new.witness)
        )
    connection.execute(COSIGNATURE.insert(), {column.name: getattr(new, column.name) for column in COSIGNATURE.c})
    oldest = connection.execute(
        select(COSIGNATURE.c.block)
        .where(COSIGNATURE.c.witness == new.witness)
        .order_by(COSIGNATURE.c.block.desc())
        .offset(COSIGNATURES_KEPT_MAX - 1)
        .limit(1)
    ).scalar()
    if oldest is not None:
        connection.execute(
            delete(COSIGNATURE).where(
                COSIGNATURE.c.witness == new.witness,
                COSIGNATURE.c.block < oldest,
                COSIGNATURE.c.block != (-1 if keep is None else keep),
            )
        )
    return True


def has_cosignature(connection: Connection, wanted: Cosignature) -> bool:
    """Whether that signature, or a newer one by the same witness on the same block, is stored."""
    found = connection.execute(
        select(COSIGNATURE.c.signed_at).where(
            COSIGNATURE.c.block == wanted.block,
            COSIGNATURE.c.witness == wanted.witness,
            COSIGNATURE.c.block_hash == wanted.block_hash,
        )
    ).scalar()
    return found is not None and int(found) >= wanted.signed_at


def cosigned_blocks(connection: Connection, witnesses: Sequence[int], count: int, *, limit: int) -> tuple[int, ...]:
    """Numbers of the newest blocks with at least `count` signatures of `witnesses`, newest first.

    Signatures of one number are of one hash unless the chain was restored and went on otherwise: count them again with
    `cosignatures_of`. Grouped by the number alone, and with nothing left out before, the blocks come in the order of
    the primary key, newest first, and the search ends with the first that are enough.
    """
    counted = func.sum(case((COSIGNATURE.c.witness.in_(witnesses), 1), else_=0))
    rows = connection.execute(
        select(COSIGNATURE.c.block)
        .group_by(COSIGNATURE.c.block)
        .having(counted >= count)
        .order_by(COSIGNATURE.c.block.desc())
        .limit(limit)
    )
    return tuple(row.block for row in rows)


def cosignatures_of(
    connection: Connection, block: int, block_hash: bytes, witnesses: Sequence[int]
) -> tuple[Cosignature, ...]:
    """Signatures of `witnesses` on that block, in the order of their admission."""
    rows = connection.execute(
        select(COSIGNATURE)
        .where(
            COSIGNATURE.c.block == block,
            COSIGNATURE.c.block_hash == block_hash,
            COSIGNATURE.c.witness.in_(witnesses),
        )
        .order_by(COSIGNATURE.c.witness)
    )
    return tuple(Cosignature(**row._mapping) for row in rows)


def newest_cosignatures(connection: Connection) -> dict[int, Cosignature]:
    """The signature on the highest block of each witness, by WitnessKey.seq."""
    newest = (
        select(COSIGNATURE.c.witness, func.max(COSIGNATURE.c.block).label("block"))
        .group_by(COSIGNATURE.c.witness)
        .subquery()
    )
    rows = connection.execute(
        select(COSIGNATURE).join(
            newest, (COSIGNATURE.c.witness == newest.c.witness) & (COSIGNATURE.c.block == newest.c.block)
        )
    )
    return {row.witness: Cosignature(**row._mapping) for row in rows}


def put_alarm(connection: Connection, new: WitnessAlarm) -> bool:
    """Keeps an alarm; False when it is known, or the witness has raised as many as are kept."""
    of_witness = WITNESS_ALARM.c.witness == new.witness
    known = connection.execute(
        select(func.count()).where(
            of_witness, WITNESS_ALARM.c.block == new.block, WITNESS_ALARM.c.block_hash == new.block_hash
        )
    ).scalar_one()
    raised = connection.execute(select(func.count()).select_from(WITNESS_ALARM).where(of_witness)).scalar_one()
    if known or raised >= ALARMS_KEPT_MAX:
        return False
    connection.execute(WITNESS_ALARM.insert(), {name: getattr(new, name) for name in WitnessAlarm.__dataclass_fields__})
    return True


def witness_alarms(connection: Connection) -> tuple[WitnessAlarm, ...]:
    """Alarms, oldest first."""
    rows = connection.execute(select(WITNESS_ALARM).order_by(WITNESS_ALARM.c.seq).limit(ALARMS_LISTED_MAX))
    return tuple(
        WitnessAlarm(**{name: row._mapping[name] for name in WitnessAlarm.__dataclass_fields__}) for row in rows
    )


def _key(row: Row[tuple[object, ...]]) -> WitnessKey:
    return WitnessKey(**row._mapping)
