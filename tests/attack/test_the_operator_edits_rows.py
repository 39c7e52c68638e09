"""An operator with SQL access rewrites what the queue says of groups the chain has decided; the audit names it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.service import Ledger
from ledger.service.errors import NotReady
from ledger.service.maintenance import audit
from tests.service.world import World, must, refused


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str, str]:
    """A ledger at rest, and the digests of an issue that was applied and of a transfer that was refused."""
    world = World(tmp_path_factory.mktemp("edited"))
    try:
        seller = world.enterprise("深圳咖啡有限公司", segment=True)
        applied = must(world.ledger.issue(seller, world.draft(), idempotency_key=world.key()))
        number = world.issued(seller, world.person("张三"))
        moved = refused(world.ledger.transfer(seller, number, seller.party, idempotency_key=world.key()), "not_holder")
    finally:
        world.close()
    return world, applied.digest, moved.digest


def edit(world: World, statement: str, digest: str) -> None:
    with closing(sqlite3.connect(world.settings.data_dir / "ledger.sqlite")) as connection, connection:
        assert connection.execute(statement, (bytes.fromhex(digest),)).rowcount == 1


def rows(world: World) -> tuple[Path, bytes]:
    path = world.settings.data_dir / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:  # one left open would hold on to the log that is removed
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path, path.read_bytes()


@pytest.mark.parametrize(
    ("column", "statement", "of_refused"),
    [
        ("state", "UPDATE operation SET state = 'expired' WHERE digest = ?", False),
        ("state", "UPDATE operation SET state = 'accepted', block = NULL, settled_at = NULL WHERE digest = ?", False),
        ("state", "UPDATE operation SET state = 'refused', reason = 16 WHERE digest = ?", False),
        ("block", "UPDATE operation SET block = 3 WHERE digest = ?", False),
        ("reason", "UPDATE operation SET reason = 3 WHERE digest = ?", True),
        ("refused_number", "UPDATE operation SET refused_number = '94403260911000009999' WHERE digest = ?", True),
    ],
)
def test_what_the_queue_says_against_the_chain_is_named(
    lived: tuple[World, str, str], column: str, statement: str, *, of_refused: bool
) -> None:
    world, applied, moved = lived
    digest = moved if of_refused else applied
    path, before = rows(world)
    with Ledger.open(world.settings) as ledger:
        assert audit(ledger.context).difference is None
    try:
        edit(world, statement, digest)
        with Ledger.open(world.settings) as ledger:
            difference = audit(ledger.context).difference
        assert difference is not None
        assert (difference.table, difference.key, difference.column) == ("operation", digest, column)
    finally:
        for name in ("-wal", "-shm"):
            path.with_name(path.name + name).unlink(missing_ok=True)
        path.write_bytes(before)


@pytest.mark.parametrize("edited", [False, True])
def test_a_changed_root_certificate_is_named_to_who_needs_it(lived: tuple[World, str, str], *, edited: bool) -> None:
    world, path_before = lived[0], rows(lived[0])
    if edited:
        with closing(sqlite3.connect(path_before[0])) as connection, connection:
            assert connection.execute("UPDATE meta SET value = '00' WHERE name = 'authority_root'").rowcount == 1
    try:
        with Ledger.open(world.settings) as ledger:
            if edited:
                with pytest.raises(NotReady, match="authority_root in table meta"):
                    ledger.trust()
            else:
                assert ledger.trust()["authority_root"]
    finally:
        for name in ("-wal", "-shm"):
            path_before[0].with_name(path_before[0].name + name).unlink(missing_ok=True)
        path_before[0].write_bytes(path_before[1])
