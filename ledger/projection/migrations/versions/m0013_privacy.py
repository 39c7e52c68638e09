"""Words of people sealed where they lay in the clear; the list of erasures"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.projection.errors import SealingNeededError
from verifier.canonical import dumps, loads

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ROWS_AT_A_TIME = 500
OPTIONS_SIZE_MAX = 4 << 20  # bytes of JSON


def upgrade() -> None:
    _erasures()
    with op.batch_alter_table("claim_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sealed_reference", sa.LargeBinary(), nullable=True))
    _each("claim_request", "claim_id", "reference", _sealed_claim)
    with op.batch_alter_table("claim_request", schema=None) as batch_op:
        batch_op.drop_column("reference")

    with op.batch_alter_table("claim_payment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reference_index", sa.LargeBinary(length=32), nullable=True))
    _each("claim_payment", "digest", "payment_reference", _indexed_payment)
    with op.batch_alter_table("claim_payment", schema=None) as batch_op:
        batch_op.drop_index("ix_claim_payment_reference")
        batch_op.drop_column("payment_reference")
        batch_op.alter_column("reference_index", existing_type=sa.LargeBinary(length=32), nullable=False)
        batch_op.create_index("ix_claim_payment_index", ["reference_index", "employer"], unique=False)

    _each("buyer_title", "seq", "party, title_hash, sealed_title", _keyed_title)
    _idempotency()
    _each("bulk_job", "job_id", "options, file_name", _sealed_sheet)
    with op.batch_alter_table("bulk_job", schema=None) as batch_op:
        batch_op.drop_column("file_name")


def _erasures() -> None:
    op.create_table(
        "erasure",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_erasure")),
        sa.UniqueConstraint("kind", "target", name=op.f("uq_erasure_kind_target")),
    )


def _idempotency() -> None:
    """Hashes of requests become keyed ones; a request sent again before and after the upgrade is one request."""
    connection = op.get_bind()
    for row in connection.execute(sa.text("SELECT party, key, request_hash FROM idempotency")).all():
        keyed = _sealing("idempotency").index(bytes(row.request_hash).hex(), "request")
        change = sa.text("UPDATE idempotency SET request_hash = :keyed WHERE party = :party AND key = :key")
        connection.execute(change, {"keyed": keyed, "party": row.party, "key": row.key})


def _sealing(table: str) -> Any:
    configuration = op.get_context().config
    sealing = configuration.attributes.get("sealing") if configuration is not None else None
    if sealing is None:
        raise SealingNeededError(table)
    return sealing


def _each(table: str, key: str, read: str, made: Callable[[Any, Any], dict[str, object]]) -> None:
    """Writes what `made` makes of each row's clear columns; asks for a master key only where there is a row."""
    connection, done = op.get_bind(), 0
    page = f"SELECT {key}, {read} FROM {table} ORDER BY {key} LIMIT {ROWS_AT_A_TIME} OFFSET :done"  # noqa: S608
    while rows := connection.execute(sa.text(page), {"done": done}).all():
        sealing = _sealing(table)
        for row in rows:
            values = made(sealing, row)
            assignments = ", ".join(f"{name} = :{name}" for name in values)
            change = sa.text(f"UPDATE {table} SET {assignments} WHERE {key} = :of_key")  # noqa: S608
            connection.execute(change, {**values, "of_key": getattr(row, key)})
        done += len(rows)


def _sealed_claim(sealing: Any, row: Any) -> dict[str, object]:
    sealed = sealing.seal(row.reference.encode(), "claim reference", row.claim_id) if row.reference else None
    return {"sealed_reference": sealed}


def _indexed_payment(sealing: Any, row: Any) -> dict[str, object]:
    return {"reference_index": sealing.index(row.payment_reference, "payment reference")}


def _keyed_title(sealing: Any, row: Any) -> dict[str, object]:
    plain = sealing.open(bytes(row.sealed_title), "buyer title", f"{row.party}-{bytes(row.title_hash).hex()}")
    keyed = sealing.index(plain.decode(), "buyer title")
    sealed = sealing.seal(plain, "buyer title", f"{row.party}-{keyed.hex()}")
    return {"title_hash": keyed, "sealed_title": sealed}


def _sealed_sheet(sealing: Any, row: Any) -> dict[str, object]:
    options = loads(bytes(row.options), OPTIONS_SIZE_MAX)
    assert isinstance(options, dict)
    return {"options": sealing.seal(dumps({**options, "file_name": row.file_name}), "sheet", row.job_id)}
