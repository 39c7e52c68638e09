"""`einvoice audit` names the first difference, whatever was edited; `rebuild` mends what is derived."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.projection.derived import derived_tables
from tests.cli.town import Shell, Town

pytestmark = pytest.mark.slow


def edit(shell: Shell, statement: str, *values: object) -> int:
    with closing(sqlite3.connect(shell.data_dir / "ledger.sqlite")) as connection, connection:
        return connection.execute(statement, values).rowcount


def tables_with_rows(shell: Shell) -> list[str]:
    with closing(sqlite3.connect(shell.data_dir / "ledger.sqlite")) as connection:
        names = [table.name for table in derived_tables()]
        return [name for name in names if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()]


@pytest.fixture
def shell(town: Town, tmp_path: Path) -> Shell:
    return town.shell.copy_to(tmp_path / "copy")


def test_an_untouched_ledger_has_no_difference(town: Town) -> None:
    assert "1 invoices against the contract, 1 documents" in town.shell.done("audit").out
    answer = town.shell.done("audit", "--json").json
    assert answer["difference"] is None
    assert (answer["invoices"], answer["documents"]) == (1, 1)


EDITS = [
    ("p_invoice", "seller", "UPDATE p_invoice SET seller = seller + 1"),
    ("p_invoice", "state", "UPDATE p_invoice SET state = zeroblob(32)"),
    ("p_invoice", "head", "UPDATE p_invoice SET head = zeroblob(32)"),
    ("p_invoice", "gross_fen", "UPDATE p_invoice SET gross_fen = gross_fen + 1"),
    ("p_invoice", "", "DELETE FROM p_invoice"),
    ("p_party", "quota_fen", "UPDATE p_party SET quota_fen = 1 WHERE id = 4"),
    ("p_party", "suspended", "UPDATE p_party SET suspended = 1 WHERE id = 5"),
    ("p_party", "", "DELETE FROM p_party WHERE id = 5"),
]


@pytest.mark.parametrize(("table", "column", "statement"), EDITS, ids=[edit[2] for edit in EDITS])
def test_an_edited_derived_row_is_named_and_mended(shell: Shell, table: str, column: str, statement: str) -> None:
    assert edit(shell, statement) == 1
    answer = shell.run("audit")
    assert answer.code == 1
    assert f"einvoice: {table} " in answer.err
    assert f"{column}: stored" in answer.err or not column
    assert "不一致" in answer.err
    reported = shell.run("audit", "--json")
    assert reported.code == 1
    assert (reported.json["difference"]["table"], reported.json["difference"]["column"]) == (table, column)
    shell.done("rebuild")
    shell.done("audit")


def test_every_derived_table_is_compared(shell: Shell) -> None:
    names = tables_with_rows(shell)
    assert len(names) >= 5
    for name in reversed(names):
        assert edit(shell, f"DELETE FROM {name}") >= 1
    answer = shell.run("audit")
    assert answer.code == 0 or names[0] in answer.err  # without a head nothing was projected yet: nothing to compare
    shell.done("rebuild", "--json")
    shell.done("audit")


@pytest.mark.parametrize("name_at", range(5))
def test_a_row_that_is_missing_is_named_with_its_table(shell: Shell, name_at: int) -> None:
    names = [name for name in tables_with_rows(shell) if "head" not in name and "block" not in name]
    name = names[name_at % len(names)]
    try:
        edit(shell, f"DELETE FROM {name} WHERE rowid = (SELECT min(rowid) FROM {name})")
    except sqlite3.OperationalError:  # a table without row ids
        edit(shell, f"DELETE FROM {name}")
    answer = shell.run("audit", "--json")
    assert answer.code == 1
    assert answer.json["difference"]["table"] == name
    assert answer.json["difference"]["stored"] == "no row"


DOCUMENT_EDITS = [
    ("commitment", "UPDATE document SET commitment = zeroblob(32)"),
    ("sealed_document", "UPDATE document SET sealed_document = zeroblob(length(sealed_document))"),
    ("sealed_document", "UPDATE document SET sealed_seed = zeroblob(length(sealed_seed))"),
    ("sealed_document", "DELETE FROM document"),
]


@pytest.mark.parametrize(("column", "statement"), DOCUMENT_EDITS, ids=[edit[1] for edit in DOCUMENT_EDITS])
def test_an_edited_document_is_named_and_no_rebuild_mends_it(
    town: Town, shell: Shell, column: str, statement: str
) -> None:
    assert edit(shell, statement) == 1
    answer = shell.run("audit")
    assert answer.code == 1
    assert f"document {town.number}: {column}" in answer.err
    shell.done("rebuild")
    assert shell.run("audit").code == 1
    evidence = shell.run("evidence", town.number, "--as", town.seller, "-o", shell.data_dir / "e.json")
    assert evidence.code == (1 if column == "sealed_document" else 0)  # the document itself is whole


def test_an_outcome_that_the_chain_did_not_give_is_named(shell: Shell) -> None:
    assert edit(shell, "UPDATE operation SET state = 'refused' WHERE rowid = (SELECT max(rowid) FROM operation)") == 1
    answer = shell.run("audit")
    assert answer.code == 1
    assert "operation" in answer.err
    assert "state: stored refused" in answer.err
    shell.done("rebuild")
    shell.done("audit")


def test_audit_runs_beside_a_node_and_rebuild_does_not(shell: Shell, ended: list) -> None:
    node = shell.spawn("node")
    ended.append(node)
    assert node.stdout.readline() == "ready node\n"
    shell.done("audit")
    answer = shell.run("rebuild")
    assert answer.code == 1
    assert "stop it first" in answer.err
    assert "停止" in answer.err
    node.terminate()
    assert node.wait(timeout=30) == 0
    shell.done("rebuild")
