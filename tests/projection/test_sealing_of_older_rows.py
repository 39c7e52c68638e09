"""`einvoice upgrade` seals what an older schema kept in the clear, and leaves nothing of it in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from ledger.identity import Vault
from ledger.projection import SealingNeededError, Store
from ledger.projection.database import _configuration, open_engine, writing
from verifier.hashing import keccak256

KEY = bytes(range(32))
CLAIM_ID = "0" * 31 + "7"
WORDS, PAID, SHEET = "出差-王小明-BX-7741", "PAY-王小明-9931", "王小明工资.csv"
TITLE = '{"name":"王小明","tax_id":""}'


@pytest.fixture
def older(tmp_path: Path) -> str:
    """Address of a database of the schema before, with a row in each table that was in the clear."""
    url = f"sqlite:///{tmp_path / 'older.sqlite'}"
    engine = open_engine(url)
    with writing(engine) as connection:
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0012")
        for at in range(1_203):  # more than are sealed at a time
            connection.execute(
                text("INSERT INTO claim_request VALUES (:id, 4, 5, :words, 9)"),
                {"id": f"{at:032x}", "words": WORDS if at != 8 else ""},
            )
        connection.execute(
            text("INSERT INTO claim_payment VALUES (:digest, :id, 5, :paid, 9)"),
            {"digest": b"\x01" * 32, "id": CLAIM_ID, "paid": PAID},
        )
        connection.execute(
            text(
                "INSERT INTO bulk_job (job_id, subject, party, kind, file_name, file_hash, options, state, row_count, "
                "created_at, updated_at) VALUES ('ab', 4, 4, 'issue', :name, :hash, :options, 'done', 1, 9, 9)"
            ),
            {"name": SHEET, "hash": b"\x02" * 32, "options": b'{"signer":4}'},
        )
        plain = TITLE.encode()
        connection.execute(
            text("INSERT INTO buyer_title (party, title_hash, sealed_title, used_at) VALUES (6, :hash, :sealed, 9)"),
            {"hash": keccak256(plain), "sealed": Vault(KEY).seal(plain, "buyer title", f"6-{keccak256(plain).hex()}")},
        )
        connection.execute(
            text("INSERT INTO idempotency VALUES (6, 'k', :hash, :none, NULL, 9, 99)"),
            {"hash": keccak256(plain), "none": b""},
        )
    engine.dispose()
    return url


def test_rows_are_sealed_and_open_with_the_key(older: str) -> None:
    vault = Vault(KEY)
    with Store.create(older, vault) as store, store.reading() as connection:
        sealed = dict(connection.execute(text("SELECT claim_id, sealed_reference FROM claim_request")).all())
        assert len(sealed) == 1_203
        assert vault.open(sealed[CLAIM_ID], "claim reference", CLAIM_ID).decode() == WORDS
        assert sealed[f"{8:032x}"] is None
        paid = connection.execute(text("SELECT reference_index FROM claim_payment")).scalar_one()
        assert paid == vault.index(PAID, "payment reference") != vault.index(PAID + "1", "payment reference")
        options = connection.execute(text("SELECT options FROM bulk_job")).scalar_one()
        assert json.loads(vault.open(options, "sheet", "ab")) == {"signer": 4, "file_name": SHEET}
        hashed, title = connection.execute(text("SELECT title_hash, sealed_title FROM buyer_title")).one()
        assert hashed == vault.index(TITLE, "buyer title")
        assert vault.open(title, "buyer title", f"6-{hashed.hex()}").decode() == TITLE
        kept = connection.execute(text("SELECT request_hash FROM idempotency")).scalar_one()
        assert kept == vault.index(keccak256(TITLE.encode()).hex(), "request")


def test_nothing_of_it_is_left_in_the_file(older: str, tmp_path: Path) -> None:
    def found() -> set[str]:
        held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        lying = {words: words.encode() for words in (WORDS, PAID, SHEET)} | {"hash": keccak256(TITLE.encode())}
        return {words for words, form in lying.items() if form in held}

    assert found() == {WORDS, PAID, SHEET, "hash"}
    Store.create(older, Vault(KEY)).close()
    assert found() == set()


def test_without_a_master_key_nothing_is_changed(older: str) -> None:
    with pytest.raises(SealingNeededError, match="claim_request"):
        Store.create(older)
    with writing(open_engine(older)) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "0012"
        left = text("SELECT count(*) FROM claim_request WHERE reference != ''")
        assert connection.execute(left).scalar_one() == 1_202
