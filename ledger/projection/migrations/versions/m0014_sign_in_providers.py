"""Sign-in through enterprises' own providers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_provider",
        sa.Column("provider_id", sa.String(length=32), nullable=False),
        sa.Column("enterprise", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.String(length=512), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_with", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("pk_sign_in_provider")),
    )
    op.create_index("ix_sign_in_provider_enterprise", "sign_in_provider", ["enterprise"], unique=False)
    op.create_table(
        "provider_link",
        sa.Column("provider_id", sa.String(length=32), nullable=False),
        sa.Column("identity", sa.LargeBinary(length=32), nullable=False),
        sa.Column("subject_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("linked_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("proof", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "identity", name=op.f("pk_provider_link")),
        sa.UniqueConstraint("provider_id", "subject_index", name=op.f("uq_provider_link_provider_id_subject_index")),
    )
    op.create_index("ix_provider_link_identity", "provider_link", ["identity"], unique=False)
    op.create_table(
        "provider_answer",
        sa.Column("flow_id", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("flow_id", name=op.f("pk_provider_answer")),
    )
    op.create_index("ix_provider_answer_expiry", "provider_answer", ["expires_at"], unique=False)
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("provider_id", sa.String(length=32), nullable=True))
        batch_op.create_index("ix_session_provider", ["provider_id"], unique=False)
