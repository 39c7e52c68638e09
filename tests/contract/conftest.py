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


@pytest.fixture
def named(world: World) -> World:
    """A special invoice of the seller for the employer, its enrolled buyer and first holder."""
    world.do("clerk", world.issue_operation(special=1))
    return world


@pytest.fixture
def free(world: World) -> World:
    """An ordinary invoice for nobody in particular, held by the employee."""
    world.do("clerk", world.issue_operation(buyer=None, first_holder="employee"))
    return world
