"""Links to providers' accounts end with the key and the office that invited"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("provider_link", schema=None) as batch_op:
        batch_op.add_column(sa.Column("made_with", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("acted_by", sa.BigInteger(), autoincrement=False, nullable=True))
