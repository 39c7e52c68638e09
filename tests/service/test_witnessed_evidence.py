"""Evidence as of the newest block that enough witnesses signed, and what it is where they did not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.chain import ChainError
from ledger.service import Caller, Witnessed
from ledger.service.errors import NotWitnessed
from ledger.witness import SignerKey
from tests.service.signers import checkpoint, note, signer
from tests.service.world import World, must
from verifier import Report, Result, parse_trust, verify
from verifier.canonical import dumps
from verifier.reasons import Reason

ONE, TWO, THREE = map(signer, ("w.example/1", "w.example/2", "w.example/3"))


class Scene:
    """A ledger with two witnesses needed of three, and an invoice of its seller."""

    def __init__(self, directory: Path) -> None:
        self.world = World(directory)
        self.door = self.world.ledger.witnessing
        for key in (ONE, TWO, THREE):
            self.door.admit(self.world.authority, key.verifier.to_text())
        self.door.need(self.world.authority, 2)
        self.seller: Caller = self.world.enterprise("卖方", segment=True)
        self.holder = self.world.person("张三")
        self.number = self.world.issued(self.seller, self.holder)

    def signed(self, *signers: Any) -> int:
        """Has the head signed; its number."""
        point = checkpoint(self.world.ledger)
        self.door.take(note(point, *signers))
        return point.height

    def grow(self) -> None:
        """A block that has nothing to do with the invoice."""
        self.world.person("路人")

    def evidence(self, witnessed: Witnessed = Witnessed.PREFERRED) -> Any:
        return json.loads(self.world.ledger.evidence(self.seller, self.number, witnessed=witnessed))

    def report(self, file: Any, **trusted: Any) -> Report:
        trust = replace(parse_trust(dumps(self.world.ledger.trust())), **trusted)
        return verify(dumps(file), trust)

    def block(self, file: Any) -> int:
        block = self.report(file).block
        assert block is not None
        return block


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.world.close()


def test_evidence_is_as_of_the_newest_block_that_enough_have_signed(scene: Scene) -> None:
    block = scene.signed(ONE, TWO)
    scene.grow()
    scene.signed(THREE)
    scene.grow()
    for witnessed in (Witnessed.PREFERRED, Witnessed.REQUIRED):
        file = scene.evidence(witnessed)
        report = scene.report(file)
        assert report.verdict is Result.VALID, report.to_text("en")
        assert report.block == block
        assert len(file["witnesses"]) == 2
        assert file["checkpoint"] == checkpoint(scene.world.ledger, block).to_text()
    bare = scene.evidence(Witnessed.NONE)
    assert (bare["checkpoint"], bare["witnesses"]) == (None, [])
    assert scene.block(bare) > block + 1


def test_too_few_signatures_could_not_be_checked_and_forged_ones_are_invalid(scene: Scene) -> None:
    scene.signed(ONE, TWO)
    file = scene.evidence()
    missing = scene.report(file, witnesses_needed=3)
    assert missing.verdict is Result.UNCHECKED
    assert Reason.WITNESSES_MISSING in {step.reason for step in missing.steps}
    fewer = {**file, "witnesses": file["witnesses"][:1]}
    assert scene.report(fewer).verdict is Result.UNCHECKED
    assert scene.report(fewer, witnesses_needed=1).verdict is Result.VALID
    stranger = note(checkpoint(scene.world.ledger), replace(TWO, seed=b"f" * 32)).decode().splitlines()[-1]
    other_time = note(checkpoint(scene.world.ledger), ONE, time_s=9).decode().splitlines()[-1]
    bent = other_time[:-4] + ("A" if other_time[-4] != "A" else "B") + other_time[-3:]
    for line, verdict in (
        (under_id_of(TWO, stranger), Result.INVALID),
        (bent, Result.INVALID),
        (stranger, Result.UNCHECKED),  # of another key under the same name: it may be a witness of a later trust file
    ):
        altered = {**file, "witnesses": sorted([file["witnesses"][0], line])}
        assert scene.report(altered).verdict is verdict


def under_id_of(key: SignerKey, line: str) -> str:
    """The signature line as if `key` had made it."""
    head, _, encoded = line.rpartition(" ")
    value = base64.b64decode(encoded)
    return f"{head} {base64.b64encode(key.verifier.key_id + value[len(key.verifier.key_id) :]).decode()}"


def test_an_invoice_that_changed_since_is_as_of_the_head_without_signatures(scene: Scene) -> None:
    scene.signed(ONE, TWO)
    must(scene.world.ledger.transfer(scene.holder, scene.number, scene.seller.party, idempotency_key=scene.world.key()))
    file = scene.evidence()
    assert (file["checkpoint"], file["witnesses"], len(file["history"])) == (None, [], 2)
    assert scene.report(file).verdict is Result.UNCHECKED
    assert scene.report(file, witnesses_needed=0).verdict is Result.VALID
    with pytest.raises(NotWitnessed):
        scene.evidence(Witnessed.REQUIRED)
    block = scene.signed(ONE, THREE)
    assert scene.block(scene.evidence(Witnessed.REQUIRED)) == block


def test_the_head_has_the_signatures_that_there_are(scene: Scene) -> None:
    scene.signed(THREE)
    file = scene.evidence()
    assert len(file["witnesses"]) == 1
    assert scene.report(file, witnesses_needed=1).verdict is Result.VALID


def test_while_none_is_needed_evidence_is_as_of_the_head(scene: Scene) -> None:
    scene.door.need(scene.world.authority, 0)
    block = scene.signed(ONE)
    assert scene.evidence()["witnesses"] == []
    scene.grow()
    assert scene.block(scene.evidence()) > block
    assert scene.block(scene.evidence(Witnessed.REQUIRED)) == block


def test_a_withdrawn_witness_counts_no_more(scene: Scene) -> None:
    scene.signed(ONE, TWO)
    scene.door.withdraw(scene.world.authority, "w.example/1")
    assert [line.split()[1] for line in scene.evidence()["witnesses"]] == ["w.example/2"]
    with pytest.raises(NotWitnessed):
        scene.evidence(Witnessed.REQUIRED)


def test_a_node_that_forgot_an_old_state_gives_the_head(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    block = scene.signed(ONE, TWO)
    scene.grow()
    reader = scene.world.ledger.context.reader
    proof = reader.proof

    def forgetful(keys: Any, at: int | None = None) -> Any:
        if at is not None:
            raise ChainError("missing trie node")
        return proof(keys)

    monkeypatch.setattr(reader, "proof", forgetful)
    assert scene.block(scene.evidence()) > block
    with pytest.raises(NotWitnessed):
        scene.evidence(Witnessed.REQUIRED)


def test_the_public_check_gives_witnessed_evidence_too(scene: Scene) -> None:
    scene.signed(ONE, TWO)
    view = scene.world.ledger.invoice(scene.seller, scene.number)
    found = scene.world.ledger.public_evidence(scene.number, view.gross_fen, view.commitment)
    assert found is not None
    assert len(json.loads(found)["witnesses"]) == 2
