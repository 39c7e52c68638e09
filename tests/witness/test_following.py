"""A witness accepts growth and refuses what takes back: rollback, fork, second history, wrong headers."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.witness import (
    ConvictionError,
    ExportedSource,
    Home,
    HomeError,
    Kind,
    SourceError,
    StateOlderError,
    check_conviction,
    found_home,
    locked,
    open_home,
    parse_checkpoint,
    parse_note,
    witness_once,
)
from ledger.witness import home as home_module
from tests.chain.world import Ledger
from tests.witness.chains import NAME, Town
from verifier.shape import base64_of, based


def proof_of(home: Home) -> Path:
    [path] = (home.directory / "proofs").iterdir()
    return path


def convicted(town: Town) -> tuple[Home, Path]:
    """A witness that has seen a second history."""
    home = town.home()
    second = town.second()
    town.grow(3)
    assert town.look(home).signed is not None
    town.grow(4, second, gross=20_000)
    told = town.look(home, second)
    assert told.refusal is not None
    assert told.refusal.kind is Kind.FORK
    return home, proof_of(home)


def test_a_growing_chain_is_signed_at_its_head(town: Town) -> None:
    home = town.home()
    for _ in range(2):
        town.grow(2)
        told = town.look(home)
        head = town.ledger.reader.head()
        assert told.signed is not None
        point = told.signed.checkpoint
        assert (point.height, point.block_hash) == (head.number, head.hash)
        assert point.origin == f"einvoice.example/{town.trust.chain_id}/{town.trust.genesis.hex()}"
        note = parse_note((home.directory / "checkpoint").read_bytes())
        assert note.signed_by(home.key.verifier) is not None
        assert parse_checkpoint(note.text) == point
        assert (home.directory / "checkpoints" / str(point.size)).read_text() == told.signed.note
    assert {path.name: path.stat().st_mode & 0o777 for path in home.directory.iterdir() if path.is_file()} == {
        "witness.key": 0o600, "state.json": 0o600, "trust.json": 0o644, "checkpoint": 0o644,
    }  # fmt: skip


def test_an_unchanged_head_is_signed_again_after_an_hour(town: Town) -> None:
    home, now = town.home(), town.ledger.now()
    assert town.look(home, now_s=now).signed is not None
    assert town.look(home, now_s=now + 60).signed is None
    again = town.look(home, now_s=now + 3_600).signed
    assert again is not None
    assert again.time_s == now + 3_600


def test_a_rollback_is_refused_and_growth_after_it_is_not(town: Town) -> None:
    home = town.home()
    before = town.export()
    town.grow(2)
    town.look(home)
    kept = (home.directory / "checkpoint").read_bytes()
    source = ExportedSource(before)
    told = witness_once(home, source)
    source.close()
    assert told.refusal is not None
    assert told.refusal.kind is Kind.ROLLBACK
    assert (home.directory / "checkpoint").read_bytes() == kept
    town.grow(1)
    assert town.look(home).signed is not None
    assert [one.kind for one in home.state().refusals] == [Kind.ROLLBACK]


def test_a_second_history_is_refused_for_good_and_convicts_the_sealer(town: Town) -> None:
    home, path = convicted(town)
    found = check_conviction(path.read_bytes(), town.trust)
    first = town.ledger.reader.head().number - 2
    assert found.height == first
    assert found.is_joined
    assert found.sealer == town.ledger.identity.sealers[0]
    assert found.witnessed_hash == town.ledger.reader.block(first).head.hash
    assert found.shown_hash != found.witnessed_hash
    town.grow(1)
    again = town.look(home)  # the first history goes on, and is not signed any more
    assert again.refusal is not None
    assert again.signed is None
    assert home.state().is_forked


def test_a_shorter_second_history_is_a_fork_too(town: Town) -> None:
    home, second = town.home(), town.second()
    town.grow(4)
    town.look(home)
    town.grow(2, second, gross=20_000)
    told = town.look(home, second)
    assert told.refusal is not None
    assert told.refusal.kind is Kind.FORK
    assert check_conviction(proof_of(home).read_bytes(), town.trust).is_joined


def test_a_witness_that_never_saw_the_first_history_follows_the_second(town: Town) -> None:
    home, second = town.home(), town.second()
    town.grow(2, second, gross=20_000)
    assert town.look(home, second).signed is not None  # what one witness alone cannot see


def test_a_changed_conviction_proves_nothing(town: Town) -> None:
    _, path = convicted(town)
    data = path.read_bytes()
    value = json.loads(data)
    check_conviction(data, town.trust)

    def refused(changed: bytes, match: str = ".") -> None:
        with pytest.raises(ConvictionError, match=match):
            check_conviction(changed, town.trust)

    def written(**changes: object) -> bytes:
        return json.dumps({**value, **changes}, sort_keys=True, separators=(",", ":")).encode()

    shown = bytearray(based(value["shown"], 4_096, "shown"))
    for at in (10, 100, len(shown) - 60):  # parent, state root, seal
        bent = bytearray(shown)
        bent[at] ^= 1
        refused(written(shown=base64_of(bytes(bent))))
    refused(written(shown=value["witnessed"]), "the same")
    refused(written(genesis="00" * 32), "another ledger")
    refused(written(chain_id=value["chain_id"] + 1), "another ledger")
    refused(written(more=1), "more")
    refused(data + b"\n")
    refused(b"")
    refused(b"[" * 10_000)
    refused(b'"' + b"x" * 20_000 + b'"')
    grown = town.ledger.reader.head()
    assert grown.number > 1
    parent = ExportedSource(town.export())
    other = parent.headers(grown.number, 1)[0]
    parent.close()
    refused(written(shown=base64_of(other.encoded)), "two heights")
    stranger = replace(town.trust, sealers=(_other_key(),))
    with pytest.raises(ConvictionError, match="no sealer"):
        check_conviction(data, stranger)


def _other_key() -> bytes:
    from coincurve import PrivateKey

    return PrivateKey(b"\x07" * 32).public_key.format(compressed=False)[1:]


def test_blocks_of_a_sealer_who_is_not_pinned_are_refused(town: Town) -> None:
    trust = replace(town.trust, sealers=(_other_key(),))
    home = found_home(town.directory / "strict", name=NAME, trust_data=trust.to_bytes())
    told = town.look(home)
    assert told.refusal is not None
    assert told.refusal.kind is Kind.INVALID
    assert "no sealer" in told.refusal.text
    assert not (home.directory / "checkpoint").exists()


def test_another_genesis_is_refused(town: Town, tmp_path: Path) -> None:
    home = town.home()
    other = Ledger(tmp_path / "other", now=lambda: int(time.time()) - 100)
    town.opened.append(other)
    told = town.look(home, other)
    assert told.refusal is not None
    assert told.refusal.kind is Kind.INVALID
    assert "parent" in told.refusal.text


def test_headers_that_list_the_sealers_are_followed(tmp_path: Path) -> None:
    short = Town(tmp_path / "short", epoch_length=3)
    try:
        short.grow(6)
        assert short.look(short.home()).signed is not None
    finally:
        short.close()


def test_a_restart_goes_on_where_it_was(town: Town) -> None:
    home = town.home()
    town.look(home)
    state = home.state()
    town.grow(1)
    again = open_home(home.directory)
    assert again.state() == state
    told = town.look(again)
    assert told.signed is not None
    assert told.signed.checkpoint.height == state.height + 1


def test_a_state_older_than_what_was_signed_is_refused(town: Town) -> None:
    home = town.home()
    town.look(home)
    old = (home.directory / "state.json").read_bytes()
    town.grow(1)
    town.look(home)
    newer = (home.directory / "state.json").read_bytes()
    (home.directory / "state.json").write_bytes(old)
    with pytest.raises(StateOlderError):
        town.look(home)
    (home.directory / "checkpoint").unlink()  # the numbered one tells it too
    with pytest.raises(StateOlderError):
        town.look(home)
    (home.directory / "state.json").write_bytes(newer)
    assert town.look(home).refusal is None


def test_a_state_that_knows_another_history_than_was_signed_is_refused(town: Town) -> None:
    home, second = town.home(), town.second()
    town.grow(1)
    town.grow(1, second, gross=20_000)
    fresh = (home.directory / "state.json").read_bytes()
    town.look(home)
    kept = {path.name: path.read_bytes() for path in home.directory.iterdir() if path.is_file()}
    other = town.home("other")
    town.look(other, second)
    (home.directory / "state.json").write_bytes((other.directory / "state.json").read_bytes())
    with pytest.raises(StateOlderError):
        home.state()
    assert fresh != kept["state.json"]
    (home.directory / "state.json").write_bytes(kept["state.json"])
    assert home.state().height == second.reader.head().number


def test_damaged_or_exchanged_files_are_named(town: Town) -> None:
    home = town.home()
    town.look(home)
    signed = (home.directory / "checkpoint").read_bytes()
    for name, bad, match in (
        ("state.json", b"{}", "state.json is damaged"),
        ("state.json", b"\xff" * 2_000_000, "more than"),
        ("checkpoint", b"hello\n", "checkpoint"),
        (
            "checkpoint",
            signed.replace(b"block-time", b"block-tame"),
            "does not verify",
        ),
    ):
        before = (home.directory / name).read_bytes()
        (home.directory / name).write_bytes(bad)
        with pytest.raises(HomeError, match=match):
            home.state()
        (home.directory / name).write_bytes(before)
    (home.directory / "witness.key").chmod(0o644)
    with pytest.raises(HomeError, match="chmod 600"):
        open_home(home.directory)
    (home.directory / "witness.key").chmod(0o600)
    (home.directory / "trust.json").write_bytes(replace(town.trust, genesis=bytes(32)).to_bytes())
    with pytest.raises(HomeError, match="exchanged"):
        open_home(home.directory).state()


def test_one_process_at_a_time(town: Town) -> None:
    home = town.home()
    with locked(home.directory), pytest.raises(HomeError, match="in use"), locked(home.directory):
        pass
    with locked(home.directory):
        pass
    with pytest.raises(HomeError, match="not empty"):
        town.home()
    with pytest.raises(HomeError, match="witness init"), locked(town.directory / "nowhere"):
        pass


def test_a_wrong_beginning_leaves_nothing(town: Town) -> None:
    for name, data in (("two words", town.trust.to_bytes()), (NAME, b"{}")):
        with pytest.raises(Exception, match=r"name|trust"):
            found_home(town.directory / "none", name=name, trust_data=data)
        assert not (town.directory / "none").exists()


def test_checkpoints_are_kept_up_to_their_limit(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module, "CHECKPOINTS_KEPT_MAX", 2)
    home = town.home()
    for _ in range(4):
        town.grow(1)
        town.look(home)
    size = town.ledger.reader.head().number + 1
    assert {path.name for path in (home.directory / "checkpoints").iterdir()} == {str(size - 1), str(size)}


def test_skew_ahead_is_recorded_and_holds_signing_up(town: Town) -> None:
    home, now = town.home(), town.ledger.now()
    told = town.look(home, now_s=now - 600)
    assert told.signed is None
    assert told.ahead_s >= 590
    skew = home.state().skew
    assert skew.ahead_max_s >= 590
    assert skew.last_s > 0
    assert skew.over_limit == town.ledger.reader.head().number
    assert town.look(home, now_s=now).signed is not None


def test_blocks_in_time_have_no_skew(town: Town) -> None:
    home = town.home()
    town.look(home, now_s=town.ledger.now() + 5_000)
    assert (home.state().skew.ahead_max_s, home.state().skew.over_limit) == (0, 0)


@pytest.mark.parametrize("cut", [1, 40, 700])
def test_a_damaged_export_is_a_clear_error(town: Town, cut: int) -> None:
    export = town.export()
    path = export / "blocks.rlp"
    data = path.read_bytes()
    home = town.home()
    for bad in (data[:-cut], b"\x80" + data, b"\xff" + b"\xff" * 8 + data, bytes(cut)):
        path.write_bytes(bad)
        with pytest.raises(SourceError):
            witness_once(home, ExportedSource(export))
    assert not (home.directory / "checkpoint").exists()
    with pytest.raises(SourceError, match="chain export"):
        ExportedSource(town.directory / "nowhere")
