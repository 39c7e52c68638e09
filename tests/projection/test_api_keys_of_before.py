"""`einvoice upgrade` keeps the API keys that were made before keys had scopes and an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from ledger.identity import EVERYTHING, Vault, parse_scopes
from ledger.projection import SealingNeededError, Store, api_keys
from ledger.projection.database import _configuration, open_engine, writing
from ledger.service.credentials import MAC_KIND

KEY = bytes(range(32))
COUNT = 1_003  # more than are taken at a time
ENDED = f"{7:016x}"


@pytest.fixture
def older(tmp_path: Path) -> str:
    """Address of a database of the schema before, with keys, one of them ended."""
    url = f"sqlite:///{tmp_path / 'older.sqlite'}"
    engine = open_engine(url)
    with writing(engine) as connection:
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0010")
        for at in range(COUNT):
            connection.execute(
                text("INSERT INTO api_key VALUES (:id, :hash, :identity, :label, 9, :revoked)"),
                {
                    "id": f"{at:016x}", "hash": at.to_bytes(32, "big"), "identity": b"\x05" * 32, "label": f"till|{at}",
                    "revoked": 11 if f"{at:016x}" == ENDED else None,
                },
            )  # fmt: skip
    engine.dispose()
    return url


def test_keys_of_before_are_for_everything_have_no_end_and_their_code(older: str) -> None:
    vault = Vault(KEY)
    with Store.create(older, vault) as store, store.reading() as connection:
        for at in (0, 7, 499, 500, COUNT - 1):
            stored = api_keys.api_key(connection, f"{at:016x}")
            assert stored is not None
            assert stored.mac == vault.index(stored.text, MAC_KIND)
            assert stored.mac != Vault(KEY[::-1]).index(stored.text, MAC_KIND)
            assert parse_scopes(stored.scopes.split()) == EVERYTHING
            assert (stored.expires_at, stored.made_with, stored.made_in, stored.challenge) == (None, None, None, None)
            assert stored.revoked_at == (11 if stored.key_id == ENDED else None)
        assert len(api_keys.api_keys(connection, b"\x05" * 32, now_s=12)) == api_keys.API_KEYS_LISTED_MAX


def test_without_a_master_key_no_row_is_vouched_for(older: str) -> None:
    with pytest.raises(SealingNeededError):
        Store.create(older)
    with Store.create(older, Vault(KEY)) as store, store.reading() as connection:
        assert api_keys.api_key(connection, ENDED) is not None
