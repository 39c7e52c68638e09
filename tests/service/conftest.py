"""One founded ledger for all tests of the service; every test brings its own parties or uses the shared cast."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher

from ledger.identity import passwords
from ledger.service import Caller
from ledger.service.context import Context
from ledger.service.invitations import Invitations
from ledger.service.sign_in import SignIn
from tests.service.world import World


@dataclass(frozen=True)
class Cast:
    """Parties that tests share: none is suspended, rotated or filed."""

    seller: Caller
    employer: Caller
    other_employer: Caller
    stranger: Caller  # an enterprise with no part in anything
    claimant: Caller  # claim grants of both employers
    cashier: Caller  # finance of employer
    other_cashier: Caller  # finance of other_employer
    clerk: Caller  # issue grant of seller
    bookkeeper: Caller  # finance of seller


@pytest.fixture(scope="session")
def resting_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A founded ledger; its sequencer rests."""
    made = World(tmp_path_factory.mktemp("service"))
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
    """The shared parties."""
    with resting_world.sequencing.running():
        return _cast(resting_world)


def _cast(world: World) -> Cast:
    seller = world.enterprise("深圳咖啡有限公司", segment=True)
    employer = world.enterprise("雇主公司")
    other = world.enterprise("另一雇主公司")
    return Cast(
        seller=seller,
        employer=employer,
        other_employer=other,
        stranger=world.enterprise("陌生公司", segment=True),
        claimant=world.person("张三", (employer, ["claim"]), (other, ["claim"])),
        cashier=world.person("李财务", (employer, ["finance"])),
        other_cashier=world.person("赵财务", (other, ["finance"])),
        clerk=world.person("周开票", (seller, ["issue"])),
        bookkeeper=world.person("吴会计", (seller, ["finance"])),
    )


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A hash of 1 MiB takes a hundredth of the time; those that measure it are marked to use the real one."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1))


@pytest.fixture
def clock(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ledger's clock stands still; seconds added to it."""
    ahead, begun = [0], int(time.time())
    monkeypatch.setattr(Context, "now_s", lambda _self: begun + ahead[0])
    return ahead


@pytest.fixture(scope="module")
def doors(world: World) -> tuple[SignIn, Invitations]:
    """Where people sign in, and where they are invited."""
    return world.ledger.sign_in, world.ledger.invitations
