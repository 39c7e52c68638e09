"""How far a full audit has come, on disk: the projection that its own replay gave, in an SQLite file.

Blocks are put in as they were executed, some at a time in one transaction, so its last block is the last one executed:
an audit that is killed goes on after it. The file holds what derived tables hold and is its owner's alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import DatabaseError

from ledger.domain.blocks import BlockHead, ChainBlock
from ledger.projection.apply import apply_block, projected_head
from ledger.projection.database import check_schema, open_engine, reading, upgrade, writing
from ledger.projection.derived import BLOCK
from ledger.projection.errors import AuditStateError, DatabaseUnavailableError, SchemaOutdatedError
from ledger.projection.keystore import meta, put_meta

AUDITED_CHAIN = "audited_chain"
SIDE_FILES = ("-wal", "-shm")
ROWS_AT_A_TIME = 1_000


class AuditState:
    """An open state file. Close it; `remove` deletes it."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self.engine = engine

    @classmethod
    def open(cls, path: Path, chain: str) -> AuditState:
        """The state at `path`, a new one where nothing or an empty file is; `chain` is any text that names the chain.

        Raises: AuditStateError when the file is anything else, or of another chain or release; OSError.
        """
        if not path.exists() or not path.stat().st_size:
            _create(path, chain)
        engine = open_engine(f"sqlite:///{path}")
        try:
            with reading(engine) as connection:
                named = meta(connection).get(AUDITED_CHAIN)
            if named is not None:
                check_schema(engine)
        except SchemaOutdatedError as err:
            engine.dispose()
            raise AuditStateError(str(path), "made by another release: delete it and begin again") from err
        except (DatabaseUnavailableError, DatabaseError) as err:
            engine.dispose()
            raise AuditStateError(str(path), "is no state of an audit: name another file") from err
        if named != chain:
            engine.dispose()
            what = "is no state of an audit" if named is None else "is of another chain"
            raise AuditStateError(str(path), f"{what}: name another file")
        return cls(path, engine)

    def executed(self) -> BlockHead | None:
        """The last block that was executed, None before genesis."""
        with reading(self.engine) as connection:
            return projected_head(connection)

    def blocks(self) -> Iterator[BlockHead]:
        """Every block that was executed, from genesis."""
        with reading(self.engine) as connection:
            statement = select(BLOCK).order_by(BLOCK.c.number).execution_options(yield_per=ROWS_AT_A_TIME)
            for row in connection.execute(statement):
                yield BlockHead(row.number, row.hash, row.time_s)

    def keep(self, blocks: Sequence[ChainBlock]) -> None:
        """Applies executed blocks, the next ones in order. On disk when it returns.

        Raises: ProjectionError when one contradicts itself.
        """
        with writing(self.engine) as connection:
            for block in blocks:
                apply_block(connection, block)

    def close(self) -> None:
        """Closes the file; what it holds is kept."""
        self.engine.dispose()

    def remove(self) -> None:
        """Closes and deletes the file."""
        self.close()
        for name in (self.path, *(self.path.with_name(self.path.name + side) for side in SIDE_FILES)):
            name.unlink(missing_ok=True)


def _create(path: Path, chain: str) -> None:
    """Makes a state beside its place and renames it there, so that what is found there is whole."""
    building = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    os.close(os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    engine = open_engine(f"sqlite:///{building}")
    try:
        upgrade(engine)
        with writing(engine) as connection:
            put_meta(connection, AUDITED_CHAIN, chain)
        engine.dispose()
        building.rename(path)
    finally:
        engine.dispose()
        for side in ("", *SIDE_FILES):
            with suppress(FileNotFoundError):
                building.with_name(building.name + side).unlink()
