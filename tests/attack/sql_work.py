"""What an answer costs the database and the vault, counted: statements, rows, items opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event

from ledger.identity.vault import Vault
from ledger.service import ServiceError
from tests.service.world import World


@dataclass
class Work:
    """In order: each statement without its values, and how many rows of it were read; bytes that were opened."""

    statements: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    opened: int = 0


@contextmanager
def counted(world: World) -> Iterator[Work]:
    """Counts inside; the ledger's sequencer must rest."""
    engine, work = world.ledger.context.store.engine, Work()
    opens = Vault.open

    def before(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        at = len(work.rows)
        work.statements.append(statement)
        work.rows.append(0)

        def row(_cursor: Any, values: tuple[Any, ...]) -> tuple[Any, ...]:
            work.rows[at] += 1
            return values

        cursor.row_factory = row

    def opened(vault: Vault, sealed: bytes, *of: Any) -> bytes:
        work.opened += len(sealed)
        return opens(vault, sealed, *of)

    event.listen(engine, "before_cursor_execute", before)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Vault, "open", opened)
            yield work
    finally:
        event.remove(engine, "before_cursor_execute", before)


def work_of(world: World, ask: Callable[[], Any]) -> Work:
    """What asking costs, whether it is answered or refused."""
    with counted(world) as work, suppress(ServiceError):
        ask()
    return work
