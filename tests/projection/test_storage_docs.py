"""docs/STORAGE.md names every setting and every table, with the values the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from ledger.projection.columns import METADATA
from ledger.projection.derived import derived_tables
from ledger.settings import Settings

TEXT = (Path(__file__).parents[2] / "docs" / "STORAGE.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(re.findall(r"^\| `EINVOICE_([A-Z_]+)` \| `?([^|`]*)`? \|", TEXT, re.MULTILINE))
    expected = {
        name.upper(): "-" if field.default in (None, "") else _written(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert {name: default.strip() for name, default in documented.items()} == expected


def _written(default: object) -> str:
    """A default as one writes it in the environment."""
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description in TEXT, name


def test_every_table_is_documented_as_what_it_is() -> None:
    ground, derived = TEXT.split("### Derived tables")
    names = {table.name for table in derived_tables()}
    assert set(re.findall(r"^\| `(p_[a-z_]+)` \|", derived, re.MULTILINE)) == names
    assert set(re.findall(r"^\| `([a-z_]+)` \|", ground, re.MULTILINE)) == set(METADATA.tables) - names


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EINVOICE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("EINVOICE_BATCH_OPERATIONS_MAX", "7")
    settings = Settings()
    assert settings.database == f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    assert (settings.batch_operations_max, settings.chain_dir) == (7, tmp_path / "chain")
    assert settings.master_key_path == tmp_path / "master.key"


@pytest.mark.parametrize(
    ("name", "value"),
    [("BATCH_OPERATIONS_MAX", "513"), ("PAGE_SIZE_MAX", "0"), ("POST_WAIT_MS", "soon"), ("LOG_LEVEL", "loud")],
)
def test_setting_out_of_range_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"EINVOICE_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()
