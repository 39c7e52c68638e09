"""Runs migrations on the connection that database.upgrade passes in; never on its own."""

from __future__ import annotations

from alembic import context

from ledger.projection import (  # noqa: F401 - their import fills METADATA
    derived,
    ground,
    ground_audit,
    ground_claims,
    ground_districts,
    ground_enrolment,
    ground_offices,
    ground_privacy,
    ground_proposals,
    ground_providers,
    ground_sign_in,
    ground_tills,
    ground_witnesses,
    ground_work,
)
from ledger.projection.columns import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
context.run_migrations()
