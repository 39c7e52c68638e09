"""The projection can be derived again, held against the chain, and copied while in use."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from ledger.projection import (
    Acceptance,
    ChainDivergedError,
    NewDocument,
    NewGroup,
    StorageError,
    Store,
    keystore,
)
from ledger.projection.apply import projected_head
from ledger.projection.audit import audit
from ledger.projection.backup import backup
from ledger.projection.invoices import InvoiceRecord
from ledger.projection.keystore import StoredDocument
from ledger.projection.rebuild import follow, rebuild
from verifier.words import StateWord


@pytest.fixture
def busy(lived: tuple[Store, Any], tools: SimpleNamespace) -> tuple[Store, Any]:
    store, town = lived
    tools.play(town, 7, 80)
    follow(store.engine, town.script)
    return store, town


def _spoil(store: Store, statement: str) -> None:
    with store.writing_alone() as connection:
        result = connection.execute(text(statement))
        assert result.rowcount == 1


def test_untouched_projection_passes(busy: tuple[Store, Any]) -> None:
    store, town = busy
    seen: list[tuple[int, int]] = []
    report = audit(store.engine, town.script, progress=lambda at, goal: seen.append((at, goal)))
    assert report.difference is None
    assert report.block == town.script.head().number
    assert report.invoices == len(town.script.states)
    assert report.rows > report.invoices
    assert seen[-1] == (report.block, report.block)


@pytest.mark.parametrize(
    ("statement", "table", "column"),
    [
        (
            "UPDATE p_invoice SET gross_fen = gross_fen + 1 WHERE number = (SELECT max(number) FROM p_invoice)",
            "p_invoice",
            "gross_fen",
        ),
        ("UPDATE p_invoice SET holder = 999 WHERE rowid = 5", "p_invoice", "holder"),
        ("DELETE FROM p_operation WHERE rowid = (SELECT max(rowid) FROM p_operation)", "p_operation", ""),
        ("INSERT INTO p_grant (enterprise, person, bits) VALUES (3, 6, 7)", "p_grant", ""),
        ("UPDATE p_totals SET blue_gross_fen = blue_gross_fen - 1", "p_totals", "blue_gross_fen"),
        ("UPDATE p_party SET suspended = 1 WHERE id = 3", "p_party", "suspended"),
        (
            "UPDATE p_group SET outcome = 'applied' WHERE rowid = (SELECT min(rowid) FROM p_group WHERE reason = 18)",
            "p_group",
            "outcome",
        ),
        ("DELETE FROM p_month", "p_month", ""),
    ],
)
def test_edited_row_is_named_and_rebuild_mends_it(
    busy: tuple[Store, Any], statement: str, table: str, column: str
) -> None:
    store, town = busy
    _spoil(store, statement)
    difference = audit(store.engine, town.script).difference
    assert difference is not None
    assert difference.table == table
    assert difference.key
    if column:
        assert difference.column == column
        assert difference.stored != difference.recomputed
    else:
        assert {difference.stored, difference.recomputed} == {"a row", "no row"}
    rebuild(store.engine, town.script)
    assert audit(store.engine, town.script).difference is None


def test_contract_that_says_otherwise_is_noticed(busy: tuple[Store, Any]) -> None:
    store, town = busy
    number = min(town.script.states)
    town.script.states[number] = StateWord(gross=1)
    town.script.sealed_words[-1] = town.script.all_words()
    difference = audit(store.engine, town.script).difference
    assert difference is not None
    assert (difference.table, difference.key, difference.column) == ("p_invoice", f"{number:020d}", "state")
    assert difference.recomputed.endswith("on the chain")


def test_outcome_that_the_chain_never_gave_is_noticed(busy: tuple[Store, Any], domain: Any) -> None:
    store, town = busy
    signed = town.script.blocks[1].groups[0].signed
    group = NewGroup(b"\x07" * 32, signed)
    store.accept(Acceptance((group,)), queue_limit=10, now_s=0)
    _spoil(store, "UPDATE operation SET state = 'recorded', block = 1")
    difference = audit(store.engine, town.script).difference
    assert difference is not None
    assert (difference.table, difference.key) == ("operation", group.digest.hex())


def test_document_check_is_asked_for_every_invoice(busy: tuple[Store, Any]) -> None:
    store, town = busy
    asked: list[tuple[InvoiceRecord, StoredDocument | None]] = []

    def check(record: InvoiceRecord, document: StoredDocument | None) -> str | None:
        asked.append((record, document))
        return "its leaves give another root" if record.number == max(town.script.states) else None

    difference = audit(store.engine, town.script, check).difference
    assert difference is not None
    assert (difference.table, difference.stored) == ("document", "its leaves give another root")
    assert {record.number for record, _ in asked} == set(town.script.states)


def test_document_of_another_commitment_is_noticed(lived: tuple[Store, Any], domain: Any) -> None:
    store, town = lived
    number = town.number(0)
    digest = town.script.issue(town.seller, (number, 100, 1))
    group = town.script._pending[0]
    document = NewDocument(number, town.seller, b"sealed", b"seed", b"\x09" * 32)
    store.accept(Acceptance((NewGroup(digest, group.signed, (document,)),)), queue_limit=10, now_s=0)
    town.script.seal()
    follow(store.engine, town.script)
    difference = audit(store.engine, town.script, lambda _record, _document: None).difference
    assert difference is not None
    assert (difference.table, difference.column) == ("document", "commitment")


def test_audit_of_another_chain_is_refused(busy: tuple[Store, Any], tools: SimpleNamespace) -> None:
    store, _ = busy
    other = tools.Town()
    tools.play(other, 8, 300)
    with pytest.raises(ChainDivergedError):
        audit(store.engine, other.script)


def test_interrupted_rebuild_is_finished_by_following(busy: tuple[Store, Any], tools: SimpleNamespace) -> None:
    store, town = busy
    before = tools.rows_of(store)

    class Unplugged(Exception):  # noqa: N818 - a cable, not an error class
        pass

    class Source:
        head = town.script.head
        words = town.script.words

        @staticmethod
        def block(number: int) -> Any:
            if number == 3:
                raise Unplugged
            return town.script.block(number)

    with pytest.raises(Unplugged):
        rebuild(store.engine, Source())
    follow(store.engine, town.script)
    assert tools.rows_of(store) == before


def test_backup_opens_and_holds_everything(busy: tuple[Store, Any], tmp_path: Path, tools: SimpleNamespace) -> None:
    store, town = busy
    store.write(lambda connection: keystore.put_meta(connection, "name", "value"))
    size = backup(store.engine, tmp_path / "copy.sqlite")
    assert size == (tmp_path / "copy.sqlite").stat().st_size
    with Store.open(f"sqlite:///{tmp_path / 'copy.sqlite'}") as copy:
        assert tools.rows_of(copy) == tools.rows_of(store)
        with copy.reading() as connection:
            assert keystore.meta(connection) == {"name": "value"}
            assert projected_head(connection) == town.script.head()


def test_backup_while_blocks_are_applied_is_of_one_moment(
    lived: tuple[Store, Any], tmp_path: Path, tools: SimpleNamespace
) -> None:
    store, town = lived
    tools.play(town, 3, 200)
    writer = threading.Thread(target=follow, args=(store.engine, town.script))
    writer.start()
    backup(store.engine, tmp_path / "copy.sqlite")
    writer.join()
    with Store.open(f"sqlite:///{tmp_path / 'copy.sqlite'}") as copy:
        assert audit(copy.engine, _UpTo(town.script, copy)).difference is None
        follow(copy.engine, town.script)
        assert tools.rows_of(copy) == tools.rows_of(store)


class _UpTo:
    """The chain as it was at the copy's last block."""

    def __init__(self, script: Any, copy: Store) -> None:
        self._script, self._copy = script, copy

    def head(self) -> Any:
        with self._copy.reading() as connection:
            return projected_head(connection)

    def block(self, number: int) -> Any:
        return self._script.block(number)

    def words(self, keys: list[int]) -> list[int]:
        return self._script.words_at(keys, self.head().number)


def test_backup_never_overwrites_and_leaves_nothing_half_done(busy: tuple[Store, Any], tmp_path: Path) -> None:
    store, _ = busy
    (tmp_path / "there.sqlite").write_bytes(b"somebody's")
    with pytest.raises(StorageError, match="never overwrites"):
        backup(store.engine, tmp_path / "there.sqlite")
    with pytest.raises(StorageError):
        backup(store.engine, tmp_path / "nowhere" / "copy.sqlite")
    assert (tmp_path / "there.sqlite").read_bytes() == b"somebody's"
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.mark.slow
def test_postgresql_is_copied_with_its_own_tool(postgres: Store, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="pg_dump"):
        backup(postgres.engine, tmp_path / "copy.sqlite")
