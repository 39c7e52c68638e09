"""Migrations make exactly the tables the models describe, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from ledger.projection import SchemaOutdatedError, Store
from ledger.projection.columns import DERIVED_PREFIX, METADATA
from ledger.projection.database import check_schema, open_engine, upgrade
from ledger.projection.derived import derived_tables


def _differences(store: Store) -> list[object]:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))


def test_migrations_and_models_agree_on_sqlite(store: Store) -> None:
    assert _differences(store) == []


@pytest.mark.slow
def test_migrations_and_models_agree_on_postgresql(postgres: Store) -> None:
    assert _differences(postgres) == []


def test_a_missing_index_would_be_noticed(store: Store) -> None:
    with store.writing_alone() as connection:
        connection.execute(text("DROP INDEX ix_p_invoice_seller"))
    assert len(_differences(store)) == 1


def test_upgrade_twice_changes_nothing(store: Store) -> None:
    upgrade(store.engine)
    check_schema(store.engine)
    assert _differences(store) == []


def test_database_of_another_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    with pytest.raises(SchemaOutdatedError, match="einvoice upgrade"):
        Store.open(url)
    with Store.create(url) as made, made.writing_alone() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaOutdatedError, match="9999"):
        Store.open(url)


def test_upgraded_database_opens(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    upgrade(open_engine(url))
    with Store.open(url) as opened:
        opened.probe()


def test_every_derived_table_has_the_prefix_and_no_ground_table_has() -> None:
    derived = {table.name for table in derived_tables()}
    assert len(derived) == 23
    assert all(name.startswith(DERIVED_PREFIX) for name in derived)
    assert {"operation", "document", "idempotency", "signing_key"} <= set(METADATA.tables) - derived
