"""Statements as of the newest block that enough witnesses signed, and what they are where they did not."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.service import Witnessed
from ledger.service.errors import NotFound, NotWitnessed, StatementDiscloses, StatementFalse
from tests.service.test_witnessed_evidence import ONE, TWO, Scene
from tests.service.world import must
from verifier import Result
from verifier.words import NUMBER_SPACE_FIRST

NEVER = itertools.count(NUMBER_SPACE_FIRST + 10**12)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.world.close()


def stated(scene: Scene, number: str, says: str, witnessed: Witnessed = Witnessed.PREFERRED) -> object:
    return json.loads(scene.world.ledger.statements.statement(scene.seller, number, says, witnessed=witnessed))


def never_issued(scene: Scene, witnessed: Witnessed = Witnessed.PREFERRED) -> object:
    for number in itertools.islice(NEVER, 100):
        try:
            return stated(scene, f"{number:020d}", "not_issued", witnessed)
        except StatementDiscloses:
            continue
    raise AssertionError("no number in a hundred")


@pytest.mark.parametrize("witnessed", [Witnessed.PREFERRED, Witnessed.REQUIRED])
def test_a_statement_is_as_of_the_newest_block_that_enough_have_signed(scene: Scene, witnessed: Witnessed) -> None:
    block = scene.signed(ONE, TWO)
    scene.grow()
    for file in (never_issued(scene, witnessed), stated(scene, scene.number, "not_settled", witnessed)):
        report = scene.report(file)
        assert (report.verdict, report.block) == (Result.VALID, block), report.to_text("en")
        assert len(file["witnesses"]) == 2


def test_with_too_few_signatures_it_is_as_of_the_head_and_says_so(scene: Scene) -> None:
    head = scene.signed(ONE)
    for file in (never_issued(scene), stated(scene, scene.number, "not_settled")):
        report = scene.report(file, witnesses_needed=1)
        assert (report.verdict, report.block, len(file["witnesses"])) == (Result.VALID, head, 1)
        assert scene.report(file).verdict is Result.UNCHECKED
    bare = never_issued(scene, Witnessed.NONE)
    assert (bare["checkpoint"], bare["witnesses"]) == (None, [])
    assert scene.report(bare, witnesses_needed=0).verdict is Result.VALID
    assert scene.report(bare).verdict is Result.UNCHECKED
    with pytest.raises(NotWitnessed):
        never_issued(scene, Witnessed.REQUIRED)
    with pytest.raises(NotWitnessed):
        stated(scene, scene.number, "not_settled", Witnessed.REQUIRED)


def test_an_invoice_newer_than_the_witnessed_block_is_stated_as_of_the_head(scene: Scene) -> None:
    block = scene.signed(ONE, TWO)
    number = scene.world.issued(scene.seller, scene.holder)
    file = stated(scene, number, "not_settled")
    assert scene.report(file, witnesses_needed=0).block > block
    with pytest.raises(NotWitnessed):
        stated(scene, number, "not_settled", Witnessed.REQUIRED)


def test_what_became_false_since_the_witnessed_block_is_not_stated(scene: Scene) -> None:
    """The old block would prove both, and both would be valid as of it."""
    world = scene.world
    employer = world.enterprise("雇主")
    claimant, cashier = world.person("李四", (employer, ["claim"])), world.person("王五", (employer, ["finance"]))
    number = world.issued(scene.seller, claimant)
    scene.signed(ONE, TWO)
    later = world.issued(scene.seller, claimant)
    must(
        world.ledger.approve_claim(
            cashier, world.claimed(claimant, employer, number), payment_reference="P", idempotency_key=world.key()
        )
    )
    for asked, says in ((later, "not_issued"), (number, "not_settled")):
        with pytest.raises(StatementFalse):
            stated(scene, asked, says)
    with pytest.raises(NotFound):
        stated(scene, "9" * 20, "not_settled")
