"""Stores, a small town on hand-built blocks (ledger_script.py), random plays, and PostgreSQL where one is installed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from ledger.domain.blocks import (
    ChainBlock,
)
from ledger.domain.groups import ChainDomain
from ledger.projection import Store
from ledger.projection.apply import apply_block
from ledger.projection.columns import METADATA
from ledger.projection.derived import derived_tables
from tests.projection.ledger_script import DOMAIN, MONTH, LedgerScript
from verifier.operations import Code, Operation, Reason
from verifier.words import (
    Claim,
    PartyKind,
)

FIRST = 90_440_326_091_100_000_000


class Town:
    """A small ledger ready for invoices: who is who, and the script that made them."""

    def __init__(self) -> None:
        self.script = LedgerScript()
        self.first_number = FIRST // 10_000 * 10_000
        script = self.script
        self.officer = script.enrol(PartyKind.OFFICER, "officer:1")
        self.seller = script.enrol(PartyKind.ENTERPRISE, "enterprise:seller")
        self.employer = script.enrol(PartyKind.ENTERPRISE, "enterprise:employer")
        self.claimant = script.enrol(PartyKind.PERSON, "person:claimant")
        self.accountant = script.enrol(PartyKind.PERSON, "person:accountant")
        self.stranger = script.enrol(PartyKind.ENTERPRISE, "enterprise:stranger")
        script.open_month()
        script.allot(self.seller, self.first_number)
        script.grant(self.employer, self.claimant, 4)
        script.grant(self.employer, self.accountant, 2)
        script.seal()

    def number(self, index: int) -> int:
        return self.first_number + index


def play(town: Town, seed: int, steps: int) -> None:
    """Random operations that the contract would answer like this, sealed in blocks of random size."""
    chance = random.Random(seed)
    script, issued = town.script, 0
    for _ in range(steps):
        action = chance.randrange(9)
        free = [n for n, s in script.states.items() if s.claim == Claim.FREE and s.holder == town.claimant]
        locked = [n for n, s in script.states.items() if s.claim == Claim.LOCKED]
        booked = [n for n, s in script.states.items() if s.claim == Claim.SETTLED and s.entry == 0]
        if action <= 2:
            count = chance.randrange(1, 6)
            rows = [
                (town.number(issued + i), chance.randrange(100, 10**7), chance.randrange(0, 99)) for i in range(count)
            ]
            issued += count
            holder = chance.choice([0, town.claimant])
            script.issue(
                town.seller, *rows, holder=holder, buyer=chance.choice(["", "enterprise:employer", "enterprise:new"])
            )
        elif action == 3 and free:
            picked = chance.sample(free, chance.randrange(1, len(free) + 1))
            script.lock(picked, town.claimant, town.employer, chance.randrange(1, 4))
        elif action == 4 and locked:
            number = chance.choice(locked)
            script.change(Code.UNLOCK, number, town.claimant, town.claimant, terms=script.claims[number])
        elif action == 5 and locked:
            number = chance.choice(locked)
            script.change(Code.SETTLE, number, town.accountant, town.employer, terms=script.claims[number])
        elif action == 6 and booked:
            script.change(Code.BOOK, chance.choice(booked), town.accountant, town.employer, option=1)
        elif action == 7:
            operation = Operation(code=Code.LOCK, subject=town.claimant, number=town.number(0), ref=script.salt())
            script.refuse([operation], town.claimant, Reason.LOCKED)
        elif action == 8:
            operation = Operation(code=Code.LOCK, subject=town.stranger, number=town.number(1), ref=script.salt())
            script.malformed([operation], town.stranger, valid_until=2**64 - 1)
        if chance.random() < 0.4:
            script.seal(seconds_later=chance.randrange(0, 50))
    script.seal()


def project(store: Store, blocks: list[ChainBlock]) -> None:
    """Applies blocks, each in a transaction of its own."""
    for block in blocks:
        with store.writing_alone() as connection:
            apply_block(connection, block)


def rows_of(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every derived row, by table."""
    with store.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in derived_tables()
        }


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as opened:
        yield opened


@pytest.fixture
def lived(store: Store, town: Town) -> tuple[Store, Town]:
    """A store that projected the small town."""
    project(store, town.script.blocks)
    return store, town


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """Functions of this file for tests: play, project, rows_of, Town, DOMAIN."""
    return SimpleNamespace(play=play, project=project, rows_of=rows_of, Town=Town, DOMAIN=DOMAIN, MONTH=MONTH)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of its own on a socket in a temporary directory; skipped where none is installed."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries and os.environ.get("CI"):
        pytest.fail("no PostgreSQL server is installed here: CI installs one")
    if not binaries:
        pytest.skip("no PostgreSQL server is installed here")
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    directory = Path(tempfile.mkdtemp(prefix="einvoice-pg-"))
    if user is not None:
        shutil.chown(directory, user)
    bin_dir = binaries[-1].parent

    def run(*command: str) -> None:
        subprocess.run([str(bin_dir / command[0]), *command[1:]], check=True, capture_output=True, user=user, cwd="/")

    cluster = str(directory / "cluster")
    try:
        run("initdb", "-D", cluster, "-A", "trust", "-U", "ledger", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off"
        run("pg_ctl", "-D", cluster, "-w", "-l", str(directory / "log"), "-o", options, "start")
        try:
            yield f"postgresql://ledger@/postgres?host={directory}"
        finally:
            run("pg_ctl", "-D", cluster, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Store]:
    """An empty schema on PostgreSQL."""
    with Store.create(postgres_url) as opened:
        yield opened
        with opened.writing_alone() as connection:
            METADATA.drop_all(connection)
            connection.exec_driver_sql("DROP TABLE alembic_version")


@pytest.fixture(scope="session")
def domain() -> ChainDomain:
    """The ledger that the digests of these tests are for."""
    return DOMAIN
