"""Passwords, sessions and invitations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "password",
        sa.Column("identity", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_hash", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_with", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_password")),
        sa.UniqueConstraint("name_index", name=op.f("uq_password_name_index")),
    )
    op.create_index("ix_password_made_with", "password", ["made_with"], unique=False)
    op.create_table(
        "session",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("identity", sa.LargeBinary(length=32), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("proof", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("password_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("while_suspended", sa.Boolean(), nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=False),
        sa.Column("made_with", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_session")),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index("ix_session_identity", ["identity", "created_at"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("invitation_id", sa.String(length=32), nullable=False),
        sa.Column("identity", sa.LargeBinary(length=32), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("proof", sa.LargeBinary(length=32), nullable=False),
        sa.Column("invited_by", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("acted_by", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_with", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("refused_names", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("invitation_id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("identity", name=op.f("uq_invitation_identity")),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("count", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("next_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_attempt")),
    )
    with op.batch_alter_table("sign_in_attempt", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_attempt_last", ["last_at"], unique=False)
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("made_with", sa.String(length=16), nullable=True))
        batch_op.create_index("ix_webhook_made_with", ["made_with"], unique=False)
