"""Whose signatures count, what becomes of a checkpoint that is brought, and what an alarm keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.service import InvalidRequest, NotFound, NotPermitted
from ledger.service.errors import HistoryDiffers
from ledger.witness import PLAIN, parse_note, parse_verifier_key
from tests.service.signers import checkpoint, note, signer
from tests.service.world import World

ONE, TWO, THREE, STRANGER = map(signer, ("w.example/1", "w.example/2", "w.example/3", "w.example/stranger"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("witnessing"))
    yield made
    made.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[World]:
    """A ledger of its own with three witnesses admitted."""
    made = World(tmp_path)
    for key in (ONE, TWO, THREE):
        made.ledger.witnessing.admit(made.authority, key.verifier.to_text())
    yield made
    made.close()


def code_of(err: pytest.ExceptionInfo[InvalidRequest]) -> str:
    return err.value.problems[0].code


def test_only_the_authority_says_whose_signatures_count(world: World) -> None:
    door, line = world.ledger.witnessing, STRANGER.verifier.to_text()
    for act in (
        lambda: door.admit(world.officer, line),
        lambda: door.withdraw(world.officer, "w"),
        lambda: door.need(world.officer, 0),
    ):
        with pytest.raises(NotPermitted):
            act()
    with pytest.raises(NotPermitted):
        door.listed(world.calendar)
    assert door.listed(world.officer).witnesses == ()


def test_a_key_is_admitted_once_and_never_after_it_was_withdrawn(watched: World) -> None:
    door, authority = watched.ledger.witnessing, watched.authority
    first = door.admit(authority, f" {ONE.verifier.to_text()}\n")
    assert (first.name, first.key, first.admitted_by) == ("w.example/1", ONE.verifier.to_text(), 1)
    assert door.admit(authority, ONE.verifier.to_text()) == first
    with pytest.raises(InvalidRequest) as err:
        door.admit(authority, replace(ONE, name="w.example/other").verifier.to_text())
    assert code_of(err) == "witness_key_known"
    with pytest.raises(InvalidRequest) as err:
        door.admit(authority, replace(STRANGER, name="w.example/1").verifier.to_text())
    assert code_of(err) == "witness_name_known"
    for line in ("", "w", replace(STRANGER, kind=PLAIN).verifier.to_text(), STRANGER.to_text()):
        with pytest.raises(InvalidRequest) as err:
            door.admit(authority, line)
        assert code_of(err) == "witness_key_form"
    assert door.withdraw(authority, "w.example/1").withdrawn_by == 1
    with pytest.raises(InvalidRequest) as err:
        door.admit(authority, ONE.verifier.to_text())
    assert code_of(err) == "witness_key_known"
    with pytest.raises(NotFound):
        door.withdraw(authority, "w.example/1")
    assert [one.withdrawn_by for one in door.listed(authority).witnesses] == [1, None, None]


def test_no_more_are_needed_than_are_admitted(watched: World) -> None:
    door, authority = watched.ledger.witnessing, watched.authority
    for wrong in (-1, 4):
        with pytest.raises(InvalidRequest):
            door.need(authority, wrong)
    assert door.need(authority, 3) == 3
    with pytest.raises(InvalidRequest) as err:
        door.withdraw(authority, "w.example/2")
    assert code_of(err) == "witness_needed"
    assert door.need(authority, 2) == 2
    door.withdraw(authority, "w.example/2")
    assert door.listed(authority).needed == 2


def test_a_seventeenth_witness_is_not_admitted(watched: World) -> None:
    door = watched.ledger.witnessing
    for index in range(13):
        door.admit(watched.authority, signer(f"x.example/{index}").verifier.to_text())
    with pytest.raises(InvalidRequest) as err:
        door.admit(watched.authority, STRANGER.verifier.to_text())
    assert code_of(err) == "witnesses_max"


def test_signatures_on_a_block_add_up_and_are_handed_out_as_one_note(watched: World) -> None:
    door, point = watched.ledger.witnessing, checkpoint(watched.ledger)
    with pytest.raises(NotFound):
        door.latest()
    taken = door.take(note(point, ONE, STRANGER))
    assert (taken.block, taken.block_hash) == (point.height, point.block_hash.hex())
    assert (taken.taken, taken.unknown_count, taken.signature_count) == (("w.example/1",), 1, 1)
    assert door.take(note(point, TWO)).signature_count == 2
    assert door.take(note(point, ONE, TWO)).signature_count == 2
    found = parse_note(door.latest(2).encode())
    assert found.text == point.to_text()
    for key in (ONE, TWO):
        assert found.signed_by(key.verifier) is not None
    assert found.signed_by(STRANGER.verifier) is None
    with pytest.raises(NotFound):
        door.latest(3)
    listed = door.listed(watched.officer)
    assert [one.block for one in listed.witnesses] == [point.height, point.height, None]
    door.withdraw(watched.authority, "w.example/1")
    with pytest.raises(NotFound):
        door.latest(2)


def test_the_newest_signature_of_a_witness_stands(watched: World) -> None:
    door, point = watched.ledger.witnessing, checkpoint(watched.ledger)
    for time_s in (50, 70, 60):
        door.take(note(point, ONE, time_s=time_s))
    assert parse_note(door.latest().encode()).signatures[0].time_s == 70


def test_what_is_no_checkpoint_of_this_chain_is_refused_by_name(watched: World) -> None:
    door, point = watched.ledger.witnessing, checkpoint(watched.ledger)
    good = note(point, ONE)
    keys = [signer(f"y.example/{index}") for index in range(17)]
    short = [replace(key, name=str(index)) for index, key in enumerate(keys)]
    for data, code in (
        (b"", "note_form"),
        (b"\xff" * 9, "note_form"),
        (point.to_text().encode(), "note_form"),
        (good.replace(b"block-time", b"block-tide"), "note_form"),
        (note(replace(point, size=0), ONE), "note_form"),
        (note(replace(point, origin="elsewhere"), ONE), "note_origin"),
        (note(point, STRANGER), "note_witness_unknown"),
        (note(point, *short), "note_signatures"),
        (good + b"x" * 4_096, "note_size"),
        (good.replace(b"block-time 1", b"block-time 2"), "note_signature"),
        (note(replace(point, time_s=point.time_s + 1), ONE), "note_differs"),
        (note(replace(point, state_root=bytes(32)), ONE), "note_differs"),
    ):
        with pytest.raises(InvalidRequest) as err:
            door.take(data)
        assert code_of(err) == code, data
    with pytest.raises(NotFound):
        door.latest()
    assert door.listed(watched.officer).alarms == ()
    assert door.take(good).taken == ("w.example/1",)


def test_a_note_of_another_history_is_kept_as_an_alarm(watched: World) -> None:
    door, point = watched.ledger.witnessing, checkpoint(watched.ledger)
    other = replace(point, block_hash=b"\x77" * 32)
    with pytest.raises(InvalidRequest):
        door.take(note(other, STRANGER))  # a stranger raises none
    assert door.listed(watched.officer).alarms == ()
    for _ in range(2):
        with pytest.raises(HistoryDiffers, match=str(point.height)) as err:
            door.take(note(other, ONE))
    assert (err.value.block_hash, err.value.own_hash) == ("77" * 32, point.block_hash.hex())
    with pytest.raises(HistoryDiffers, match="ends below"):
        door.take(note(replace(point, size=point.size + 5), TWO))
    first, second = door.listed(watched.officer).alarms
    assert (first.name, first.block, first.block_hash) == ("w.example/1", point.height, "77" * 32)
    assert first.note.encode() == note(other, ONE)
    assert (second.name, second.own_hash) == ("w.example/2", None)
    with pytest.raises(NotFound):
        door.latest()


def test_the_trust_file_names_admitted_witnesses(watched: World) -> None:
    watched.ledger.witnessing.need(watched.authority, 1)
    watched.ledger.witnessing.withdraw(watched.authority, "w.example/2")
    trusted = watched.ledger.trust()["witnesses"]
    assert isinstance(trusted, dict)
    assert trusted["needed"] == 1
    keys = trusted["keys"]
    assert isinstance(keys, list)
    assert {parse_verifier_key(str(line)).name for line in keys} == {"w.example/1", "w.example/3"}


def test_signatures_on_a_block_that_the_chain_no_longer_has_count_no_more(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    door, context = watched.ledger.witnessing, watched.ledger.context
    older = checkpoint(watched.ledger, 2)
    door.take(note(older, ONE, TWO))
    door.take(note(checkpoint(watched.ledger, 3), ONE, TWO))
    header_rlp = context.reader.header_rlp
    other = header_rlp(1)  # as if the chain had been restored and had gone on otherwise at block 3
    monkeypatch.setattr(context.reader, "header_rlp", lambda number: other if number == 3 else header_rlp(number))
    assert parse_note(door.latest(2).encode()).text == older.to_text()
