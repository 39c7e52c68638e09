"""One ledger that was told all of the planted data, running, for the tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.privacy.planted import Planted
from tests.projection.conftest import postgres, postgres_url  # noqa: F401 - fixtures
from tests.service.world import World


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """The ledger; its sequencer runs while the tests of this directory do."""
    world = World(tmp_path_factory.mktemp("planted"))
    try:
        yield Planted(world)
    finally:
        world.close()
