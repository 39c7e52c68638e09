"""Every ground table is either exported about a person or said to hold nothing about people."""

from __future__ import annotations

import ledger.projection.migrations  # noqa: F401
from ledger.projection.columns import DERIVED_PREFIX, METADATA
from ledger.projection.personal import ABOUT, NOT_ABOUT_PEOPLE


def test_every_ground_table_is_decided_once() -> None:
    ground = {name for name in METADATA.tables if not name.startswith(DERIVED_PREFIX)}
    assert set(ABOUT) | set(NOT_ABOUT_PEOPLE) >= ground
    assert not set(ABOUT) & set(NOT_ABOUT_PEOPLE)
    assert all(NOT_ABOUT_PEOPLE.values())


def test_what_is_left_out_is_a_column() -> None:
    for name, about in ABOUT.items():
        assert about.left_out - {"mac"} <= set(METADATA.tables[name].c.keys()), name
