"""What is asked of a data directory before a ledger is opened on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.projection import Store
from ledger.service.errors import NotReady
from ledger.service.places import require_database
from ledger.settings import Settings

VISIT = """
import sqlite3, sys
visitor = sqlite3.connect(sys.argv[1])
visitor.execute("SELECT count(*) FROM meta").fetchone()
visitor.close()
"""


def created(data_dir: Path) -> Settings:
    """Settings of a directory with a database in it."""
    settings = Settings(data_dir=data_dir)
    Store.create(settings.database).close()
    return settings


def test_a_database_is_taken(tmp_path: Path) -> None:
    require_database(created(tmp_path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing"),
        (b"", "no database"),
        (b"x", "no database"),
        (b"not a database at all" * 100, "no database"),
    ],
)
def test_a_place_without_one_is_refused_and_left_as_it_was(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "ledger.sqlite"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(NotReady, match=said):
        require_database(Settings(data_dir=tmp_path))
    assert (file.read_bytes() if file.exists() else None) == content


def test_looking_at_a_database_keeps_the_locks_this_process_holds_on_it(tmp_path: Path) -> None:
    """A lost lock shows when another process closes the file: it takes the log away under our connections."""
    settings = created(tmp_path)
    with Store.open(settings.database) as store:
        store.probe()
        require_database(settings)
        subprocess.run([sys.executable, "-c", VISIT, str(tmp_path / "ledger.sqlite")], check=True)
        assert (tmp_path / "ledger.sqlite-wal").exists()
        store.probe()
