"""One opened contract a module; each test works on it and leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.world import World, opened_world


@pytest.fixture(scope="module")
def opened() -> World:
    return opened_world()


@pytest.fixture
def world(opened: World) -> Iterator[World]:
    with opened.scratch() as scratch:
        yield scratch
