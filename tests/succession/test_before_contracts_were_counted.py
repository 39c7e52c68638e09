"""A database of before groups knew their contract: all of them were sent to the first."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import select, text

from ledger.projection import Store
from ledger.projection.database import WRITES, _configuration, check_schema, open_engine, upgrade
from ledger.projection.derived import GROUP

ROW = {
    "block": 3, "position": 0, "digest": b"\1" * 32, "actor": 1, "valid_until": 5, "signature": b"\2" * 65,
    "signer": b"\3" * 20, "outcome": "applied", "reason": 0, "refused_number": None, "operation_hashes": b"\4" * 32,
}  # fmt: skip


def test_upgrading_says_that_groups_of_before_went_to_the_first_contract(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    engine = open_engine(url)
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            configuration = _configuration()
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "0006")
            names = ", ".join(ROW)
            connection.execute(
                text(f"INSERT INTO p_group ({names}) VALUES ({', '.join(f':{name}' for name in ROW)})"), ROW
            )
    with pytest.raises(Exception, match="einvoice upgrade"):
        Store.open(url)
    upgrade(engine)
    check_schema(engine)
    with engine.connect() as connection:
        (row,) = connection.execute(select(GROUP)).all()
    assert {**row._mapping} == {**ROW, "contract": 0}
    engine.dispose()
