"""Documents of groups that were refused, malformed or expired are found without reading every group"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

IN_VAIN = "state IN ('refused', 'malformed', 'expired')"


def upgrade() -> None:
    op.create_index(
        "ix_operation_in_vain",
        "operation",
        ["settled_at"],
        unique=False,
        sqlite_where=sa.text(IN_VAIN),
        postgresql_where=sa.text(IN_VAIN),
    )
