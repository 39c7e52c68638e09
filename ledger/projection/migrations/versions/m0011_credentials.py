"""Scopes and ends of API keys, who made them, and a code over each row"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.projection.errors import SealingNeededError

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

EVERYTHING = "all"  # what the keys made before were for
ROWS_AT_A_TIME = 500


def upgrade() -> None:
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("scopes", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=True))
        batch_op.add_column(sa.Column("last_used_at", sa.BigInteger(), autoincrement=False, nullable=True))
        batch_op.add_column(sa.Column("made_by", sa.BigInteger(), autoincrement=False, nullable=True))
        batch_op.add_column(sa.Column("made_with", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("made_in", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("challenge", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("mac", sa.LargeBinary(length=32), nullable=True))
    _hold_rows()
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.alter_column("scopes", existing_type=sa.String(length=128), nullable=False)
        batch_op.alter_column("mac", existing_type=sa.LargeBinary(length=32), nullable=False)
        batch_op.create_index("ix_api_key_made_with", ["made_with"], unique=False)
        batch_op.create_index("ix_api_key_challenge", ["challenge"], unique=True)


def _hold_rows() -> None:
    """Each key of before gets all scopes and its code, which takes the master key."""
    connection, configuration, after = op.get_bind(), op.get_context().config, ""
    sealing = configuration.attributes.get("sealing") if configuration is not None else None
    page = sa.text("SELECT * FROM api_key WHERE key_id > :after ORDER BY key_id LIMIT :rows")
    change = sa.text("UPDATE api_key SET scopes = :scopes, mac = :mac WHERE key_id = :key_id")
    while rows := connection.execute(page, {"after": after, "rows": ROWS_AT_A_TIME}).all():
        if sealing is None:
            raise SealingNeededError("api_key")
        for row in rows:
            secret, identity, revoked = bytes(row.secret_hash).hex(), bytes(row.identity).hex(), row.revoked_at or ""
            text = f"{row.key_id}|{secret}|{identity}|{row.created_at}|{revoked}|{EVERYTHING}||||||{row.label}"
            values = {"scopes": EVERYTHING, "mac": sealing.index(text, "api key"), "key_id": row.key_id}
            connection.execute(change, values)
        after = rows[-1].key_id
