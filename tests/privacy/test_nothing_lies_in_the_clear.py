"""Who has the data directory, a backup or a dump but no master key finds nobody's name, number or key."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ledger.projection.columns import DERIVED_PREFIX, METADATA
from ledger.service.audit_opening import SEALED_ITEMS
from ledger.service.context import SEALED_DOCUMENT, SEALED_KEY
from ledger.service.copies import backup
from ledger.service.outside_papers import SEALED_OUTSIDE_DOCUMENT
from tests.privacy.planted import WORDS, Planted, binary_forms, bytes_of, forms, leaks

MASTER_KEY = "master.key"
DOCUMENTS = {
    ("document", "sealed_document"): (SEALED_DOCUMENT, lambda row: row.number),
    ("signing_key", "sealed_key"): (SEALED_KEY, lambda row: row.address.hex()),
    ("outside_document", "sealed_document"): (SEALED_OUTSIDE_DOCUMENT, lambda row: row.number),
}


def test_every_form_of_a_text_is_found() -> None:
    for name, form in forms("秦栖霞甲").items():
        assert leaks(b"\x00before" + form + b"after", {"it": "秦栖霞甲"}), name
    for name, form in binary_forms(bytes(range(32))).items():
        assert leaks(b"before" + form, {}, {"it": bytes(range(32))}), name
    assert leaks("秦栖霞乙".encode(), {"it": "秦栖霞甲"}) == []


def test_the_data_directory_holds_nothing_in_the_clear(planted: Planted) -> None:
    held = bytes_of(planted.world.settings.data_dir, without=[MASTER_KEY])
    assert len(held) > 1 << 20
    assert leaks(held, WORDS, planted.secrets) == []


def test_a_backup_holds_nothing_in_the_clear(planted: Planted, tmp_path: Path) -> None:
    report = backup(planted.world.ledger.context, tmp_path / "copy")
    assert not report.master_key
    assert leaks(bytes_of(report.directory), WORDS, planted.secrets) == []


def test_the_search_finds_what_is_public(planted: Planted) -> None:
    held = bytes_of(planted.world.settings.data_dir, without=[MASTER_KEY])
    assert leaks(held, {"an enterprise": "销售公司"}) == ["an enterprise (UTF-8)"]


def test_with_the_master_key_everything_is_there(planted: Planted) -> None:
    context, plain = planted.world.ledger.context, []
    with context.reading() as connection:
        for (table, column), (kind, item_id) in {**SEALED_ITEMS, **DOCUMENTS}.items():
            for row in connection.execute(METADATA.tables[table].select()):
                sealed = getattr(row, column)
                if sealed is not None:
                    plain.append(context.vault.open(sealed, kind, item_id(row)))
    held = b"\n".join(plain)
    missing = {name for name, text in WORDS.items() if text.encode() not in held}
    assert missing == set()
    for name in ("operator's key", f"signing key of {planted.claimant.party}", "webhook's secret"):
        assert leaks(held, {}, {name: planted.secrets[name]}), name


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is not installed")
def test_a_dump_of_postgresql_holds_nothing_in_the_clear(planted: Planted, postgres: Any) -> None:
    """The same rows on the other database: its text dump is what an administrator carries away."""
    with planted.world.ledger.context.reading() as connection, postgres.writing_alone() as other:
        for name, table in METADATA.tables.items():
            rows = [dict(row._mapping) for row in connection.execute(table.select())]
            if rows and not name.startswith(DERIVED_PREFIX):
                other.execute(table.delete())  # what a migration put there
                other.execute(table.insert(), rows)
    url = postgres.engine.url
    at = ["-h", str(url.query["host"]), "-U", str(url.username), str(url.database)]
    made = subprocess.run(["pg_dump", *at], capture_output=True, check=True)
    assert b"COPY public.claim_payment" in made.stdout
    assert leaks(made.stdout, {"an enterprise": "销售公司"})
    assert leaks(made.stdout, WORDS, planted.secrets) == []
