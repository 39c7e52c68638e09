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
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A founded ledger with a running sequencer."""
    made = World(tmp_path_factory.mktemp("attack"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def cast(world: World) -> Cast:
    """The parties of every attack."""
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
