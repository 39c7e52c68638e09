"""A founded ledger to attack: a seller, an employer and its people, and a stranger with a firm of his own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ledger.service import Caller
from tests.service.world import World


@dataclass(frozen=True)
class Cast:
    """Who is attacked, and who attacks."""

    seller: Caller
    employer: Caller
    claimant: Caller  # claim grant of employer
    cashier: Caller  # finance of employer
    front: Caller  # the attacker's own enterprise
    attacker: Caller  # all grants of front, none of anybody else


@pytest.fixture(scope="session")
def resting_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A founded ledger; its sequencer rests."""
    made = World(tmp_path_factory.mktemp("attack"))
    made.sequencing.stop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(resting_world: World) -> Iterator[World]:
    """The same, its sequencer running while the tests of one file do."""
    with resting_world.sequencing.running():
        yield resting_world


@pytest.fixture(scope="session")
def cast(resting_world: World) -> Cast:
    """The parties of every attack."""
    with resting_world.sequencing.running():
        return make_cast(resting_world)


def make_cast(world: World) -> Cast:
    """A seller, an employer with its people, and an attacker with a firm."""
    employer = world.enterprise("雇主公司")
    front = world.enterprise("门面公司", segment=True)
    return Cast(
        seller=world.enterprise("深圳咖啡有限公司", segment=True),
        employer=employer,
        claimant=world.person("张三", (employer, ["claim"])),
        cashier=world.person("李财务", (employer, ["finance"])),
        front=front,
        attacker=world.person("恶人", (front, ["issue", "finance", "claim"])),
    )
