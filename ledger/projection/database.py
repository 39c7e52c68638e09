"""Opening the SQL database: pragmas, transactions, schema version, and its errors in words.

SQLite runs in WAL mode with synchronous FULL, so a commit that returned is on disk. Its driver would open
transactions by itself and too late; that is switched off here, and every transaction says whether it writes:
writes take the lock at once (BEGIN IMMEDIATE), so two writers wait for each other instead of failing halfway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from ledger.projection.errors import DatabaseUnavailableError, SchemaOutdatedError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 10_000
POOL_SIZE = 8  # open connections of one process; more threads than that wait for one
POOL_OVERFLOW = 64  # bursts: one a request thread of the API's pool
SQLITE_POOL_SIZE = 48  # kept open, one a reading thread of the API: opening one costs as much as ten reads
SQLITE_POOL_OVERFLOW = 24
READ_CACHE_KIB = 8_192  # SQLite page cache a connection, at most; filled only by what it reads
WRITES = "ledger_writes"  # execution option of a connection whose transactions write

_CAUSES = (
    ("readonly", "read_only", "the database is read-only: check the file's owner and mode, and the disk"),
    ("read-only", "read_only", "the database is read-only: check the file's owner and mode, and the disk"),
    ("disk is full", "full", "the disk is full: nothing was stored; free space and send the request again"),
    ("no space", "full", "the disk is full: nothing was stored; free space and send the request again"),
    ("unable to open", "missing", "the database file cannot be opened: is the data directory there and ours?"),
    ("is locked", "locked", "the database was locked by another process for too long; try again"),
    ("malformed", "corrupt", "the database file is damaged: restore a backup, then `einvoice rebuild`"),
    ("not a database", "corrupt", "the database file is damaged: restore a backup, then `einvoice rebuild`"),
    ("disk i/o", "corrupt", "the disk failed while the database was read or written: check the disk"),
)


def open_engine(database_url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Engine:
    """Engine for `database_url` (sqlite:///path or postgresql://...); opens nothing yet.

    Raises: DatabaseUnavailableError when the directory of an SQLite file does not exist.
    """
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, pool_pre_ping=True, hide_parameters=True
        )
    path = Path(url.database or "")
    if not path.parent.is_dir():
        raise DatabaseUnavailableError(
            f"the data directory {path.parent} does not exist: run `einvoice init`", cause="missing"
        )
    engine = create_engine(
        url,
        pool_size=SQLITE_POOL_SIZE,
        max_overflow=SQLITE_POOL_OVERFLOW,
        pool_use_lifo=True,  # the connection given back last has the warmest cache
        hide_parameters=True,  # values of rows are personal data and stay out of errors and logs
        connect_args={"timeout": busy_timeout_ms / 1000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver opens no transaction by itself; `_begin_sqlite` does
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",  # a forgotten document leaves no readable pages behind
        f"cache_size = -{READ_CACHE_KIB}",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection in one read transaction: everything read through it is of one moment.

    Raises: DatabaseUnavailableError.
    """
    with translated(), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection in one write transaction, committed to disk at the end, undone by an exception.

    Raises: DatabaseUnavailableError.
    """
    with translated(), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def translated() -> Iterator[None]:
    """Turns the database's own errors of place, space and locks into DatabaseUnavailableError."""
    try:
        yield
    except OperationalError as err:
        raise unavailable(err) from err
    except sqlite3.Error as err:
        raise unavailable(err) from err
    except DBAPIError as err:
        if err.connection_invalidated or "not a database" in str(err.orig) or "malformed" in str(err.orig):
            raise unavailable(err) from err
        raise


def unavailable(err: Exception) -> DatabaseUnavailableError:
    """`err` of the database driver in words, without the statement (it may hold personal data)."""
    said = str(err.orig if isinstance(err, DBAPIError) else err).lower()
    for sign, cause, message in _CAUSES:
        if sign in said:
            return DatabaseUnavailableError(message, cause=cause)
    return DatabaseUnavailableError("the database does not answer: is its server running?", cause="unreachable")


class Sealing(Protocol):
    """What a migration seals with (ledger.identity.Vault): this layer knows no keys."""

    def seal(self, plaintext: bytes, kind: str, item_id: str) -> bytes:
        """Sealed bytes for one row."""

    def open(self, sealed: bytes, kind: str, item_id: str) -> bytes:
        """Plaintext of a sealed item."""

    def index(self, text: str, kind: str) -> bytes:
        """32 bytes that find a sealed text again."""


def upgrade(engine: Engine, sealing: Sealing | None = None) -> None:
    """Brings the schema to this program's version; a new database gets all of it.

    `sealing` is needed where rows of an older schema hold in the clear what is sealed now.

    Raises: DatabaseUnavailableError, SealingNeededError.
    """
    with translated(), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            configuration = _configuration()
            configuration.attributes["connection"] = connection
            configuration.attributes["sealing"] = sealing
            command.upgrade(configuration, "head")


def check_schema(engine: Engine) -> None:
    """Holds the schema against this program's version.

    Raises: SchemaOutdatedError when it is another, DatabaseUnavailableError when nothing can be read.
    """
    needed = ScriptDirectory.from_config(_configuration()).get_current_head() or ""
    with reading(engine) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != needed:
        raise SchemaOutdatedError(found, needed)


def probe(engine: Engine) -> None:
    """Takes the write lock and gives it back: what a readiness check asks.

    Raises: DatabaseUnavailableError when nothing could be written now.
    """
    with writing(engine) as connection:
        connection.execute(text("UPDATE meta SET value = value WHERE name = 'probe'"))


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))  # % interpolates there
    configuration.set_main_option("path_separator", "os")
    return configuration


def upsert(connection: Connection, table: Any, rows: list[dict[str, object]]) -> None:
    """Inserts `rows`, replacing those whose primary key is there; one statement for all of them."""
    if rows:
        connection.execute(_upsert_of(table, connection.dialect.name), rows)


@cache
def _upsert_of(table: Any, dialect: str) -> Any:
    """The statement of `upsert`: built once a table, as building it costs more than running it."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)
