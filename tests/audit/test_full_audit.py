"""A full audit of chain and rows together: what it names in the chain, and that it goes on where it ended."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest
import rlp
from coincurve import PrivateKey

from ledger.chain.lmdb_store import HEAD_KEY
from ledger.chain.records import Header
from ledger.identity import Vault, load_master_key
from ledger.projection.audit_state import AuditState
from ledger.service import Ledger, NotReady
from ledger.service.audit_keys import KeyAudit
from ledger.service.context import OPERATOR_ADDRESS, SEALED_KEY
from ledger.service.full_audit import FullAuditReport, default_state_path, full_audit
from tests.audit.lived import Place
from tests.service.world import World, must, settings_of
from tests.succession.handing_over import Town
from verifier.hashing import keccak256

pytestmark = pytest.mark.slow

STATE_ROOT, EXTRA, SEAL_SIZE = 3, 12, 65
MAP_SIZE = 1 << 40


def put(place: Place, records: dict[bytes, bytes]) -> None:
    with (
        lmdb.open(str(place.data_dir / "chain"), map_size=MAP_SIZE) as environment,
        environment.begin(write=True) as transaction,
    ):
        for key, value in records.items():
            assert transaction.put(key, value)


def stored(place: Place, key: bytes) -> bytes:
    with lmdb.open(str(place.data_dir / "chain"), map_size=MAP_SIZE) as environment, environment.begin() as reading:
        value = reading.get(key)
        assert value is not None
        return bytes(value)


def header_of(place: Place, number: int) -> Header:
    return Header.decode(stored(place, rlp.decode(stored(place, b"block-number-to-hash:%d" % number))))


def from_genesis(place: Place) -> FullAuditReport:
    with Ledger.open(settings_of(place.data_dir)) as ledger:
        return full_audit(ledger.context)


def sealer_key(place: Place) -> bytes:
    address = bytes.fromhex(place.ask(f"SELECT value FROM meta WHERE name = '{OPERATOR_ADDRESS}'"))
    sealed = place.ask(f"SELECT sealed_key FROM signing_key WHERE address = x'{address.hex()}'")
    return Vault(load_master_key(settings_of(place.data_dir))).open(sealed, SEALED_KEY, address.hex())


# -- from genesis ----------------------------------------------------------------------------


def test_an_untouched_ledger_is_executed_from_genesis_and_leaves_no_file(place: Place) -> None:
    seen: list[tuple[str, int, int]] = []
    with Ledger.open(settings_of(place.data_dir)) as ledger:
        report = full_audit(ledger.context, lambda *progress: seen.append(progress))
        assert not default_state_path(ledger.context).exists()
    assert report.difference is None
    assert (report.executed, report.resumed_after) == (report.block + 1, None)
    executed = [done for phase, done, of in seen if phase == "executing" and of == report.block + 1]
    assert executed == list(range(1, report.block + 2))
    assert {"comparing groups", "comparing ground rows", "checking keys"} <= {phase for phase, _, _ in seen}


def test_a_header_resealed_by_the_operator_with_another_state_root_is_named(place: Place) -> None:
    """The operator gives the newest block a state of its own and seals that; SQL is made to agree."""
    number = int(place.ask("SELECT max(number) FROM p_block"))
    header = header_of(place, number)
    fields = list(header.fields)
    fields[STATE_ROOT] = header_of(place, number - 1).state_root  # as if the last block had changed nothing
    fields[EXTRA] = header.extra[:-SEAL_SIZE]
    seal = PrivateKey(sealer_key(place)).sign_recoverable(keccak256(rlp.encode(fields)), hasher=None)
    fields[EXTRA] = header.extra[:-SEAL_SIZE] + seal
    encoded = bytes(rlp.encode(fields))
    name = keccak256(encoded)
    put(place, {name: encoded, HEAD_KEY: name, b"block-number-to-hash:%d" % number: rlp.encode(name)})
    place.edit("UPDATE p_block SET hash = ? WHERE number = ?", name, number)
    difference = from_genesis(place).difference
    assert difference is not None
    assert (difference.table, difference.key, difference.column) == ("block", str(number), "state_root")
    assert (difference.stored, difference.recomputed) == (fields[STATE_ROOT].hex(), header.state_root.hex())
    resumed = place.audited().difference  # an audit that executed the true block notices as well
    assert resumed is not None
    assert (resumed.table, resumed.key, resumed.column) == ("block", str(number), "hash")


def test_changed_bytes_of_a_block_are_named(place: Place) -> None:
    root = header_of(place, 5).transactions_root
    node = stored(place, root)
    put(place, {root: node[:-1] + bytes([node[-1] ^ 1])})
    for difference in (from_genesis(place).difference, place.audited().difference):
        assert difference is not None
        assert (difference.table, difference.key) == ("block", "5")


def test_a_word_changed_in_the_store_alone_is_named(place: Place) -> None:
    """A trie node under its old hash with other bytes: every reader would believe it."""
    root = header_of(place, 7).state_root
    put(place, {root: rlp.encode([b"", b"anything"])})
    difference = from_genesis(place).difference
    assert difference is not None
    assert (difference.table, difference.key, difference.column) == ("block", "7", "node")


def test_an_old_chain_under_a_newer_projection_is_named(place: Place) -> None:
    number = int(place.ask("SELECT max(number) FROM p_block"))
    put(place, {HEAD_KEY: header_of(place, number - 2).hash})
    report = from_genesis(place)
    assert report.difference is not None
    assert (report.difference.table, report.difference.key) == ("p_block", str(number))
    assert f"ends at block {number - 2}" in report.difference.recomputed
    resumed = place.audited().difference
    assert resumed is not None  # the audit before had executed blocks that are gone
    assert resumed.table in ("block", "p_block")


def test_a_chain_ahead_of_its_projection_is_executed_to_its_end(place: Place) -> None:
    """A node killed between block and rows: nothing differs, and the last block counts too."""
    number = int(place.ask("SELECT max(number) FROM p_block"))
    untouched = place.audited()
    assert (untouched.block, untouched.difference) == (number, None)


# -- going on --------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def test_a_kept_state_goes_on_with_what_came_since(small: World, tmp_path: Path) -> None:
    seller = small.enterprise("增长公司", segment=True)
    state = tmp_path / "state"
    first = full_audit(small.ledger.context, state_path=state)
    assert (first.executed, first.difference) == (first.block + 1, None)
    small.issued(seller)
    second = full_audit(small.ledger.context, state_path=state)
    assert (second.resumed_after, second.executed, second.difference) == (first.block, 1, None)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


def test_an_audit_runs_beside_a_ledger_that_issues(small: World) -> None:
    seller = small.enterprise("忙碌公司", segment=True)
    done = 0

    def issue(phase: str, _done: int, _of: int) -> None:
        nonlocal done
        if phase in ("executing", "comparing rows") and done < 6:
            done += 1
            small.issued(seller)

    report = full_audit(small.ledger.context, issue)
    assert report.difference is None
    assert done == 6


def test_a_ledger_handed_over_to_another_contract_is_audited_through_both(tmp_path: Path) -> None:
    town = Town(tmp_path)
    try:
        number = town.issued(town.seller, town.claimant)
        town.succeeded()
        must(town.ledger.rotate_key(town.again(town.claimant), idempotency_key=town.key()))
        town.claimed(town.again(town.claimant), town.employer, number)
        town.issued(town.seller, town.claimant)
        report = full_audit(town.ledger.context)
        assert report.difference is None
        assert len(town.contracts) == 2
    finally:
        town.close()


def test_a_killed_audit_goes_on_and_says_the_same(place: Place) -> None:
    """SIGKILL while blocks are executed; the next run begins after the last block kept."""
    place.state.unlink()
    with Ledger.open(settings_of(place.data_dir)) as ledger:
        path = default_state_path(ledger.context)
        chain = ledger.context.reader.identity.to_bytes().decode()
    environment = {**os.environ, "EINVOICE_DATA_DIR": str(place.data_dir), "AUDIT_BATCH": "2"}
    code = (
        "import os, ledger.service.full_audit as audit; audit.BATCH_BLOCKS_MAX = int(os.environ['AUDIT_BATCH']);"
        "from ledger.cli.app import app; app(['audit', '--full'])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None and kept_blocks(path, chain) < 6:
            time.sleep(0.05)
        assert process.poll() is None, "the audit ended before it could be killed"
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    kept = kept_blocks(path, chain)
    assert kept >= 6
    report = from_genesis(place)
    assert report.difference is None
    assert report.resumed_after == kept - 1
    assert report.executed == report.block + 1 - kept
    assert not path.exists()
    whole = from_genesis(place)
    assert (whole.rows, whole.invoices, whole.documents, whole.ground, whole.signatures) == (
        report.rows,
        report.invoices,
        report.documents,
        report.ground,
        report.signatures,
    )


def kept_blocks(path: Path, chain: str) -> int:
    if not path.exists():
        return 0
    state = AuditState.open(path, chain)
    try:
        head = state.executed()
    finally:
        state.close()
    return head.number + 1 if head is not None else 0


def test_a_difference_keeps_the_state_so_that_mending_needs_no_second_execution(place: Place) -> None:
    place.edit("UPDATE p_party SET quota_fen = quota_fen + 1 WHERE id = 4")
    with Ledger.open(settings_of(place.data_dir)) as ledger:
        found = full_audit(ledger.context)
        assert found.difference is not None
        assert (found.difference.table, found.difference.key) == ("p_party", "4")
        assert default_state_path(ledger.context).exists()
    place.edit("UPDATE p_party SET quota_fen = quota_fen - 1 WHERE id = 4")
    mended = from_genesis(place)
    assert (mended.difference, mended.executed, mended.resumed_after) == (None, 0, found.block)


# -- the state file --------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"notes of mine", b"SQLite format 3\0" + bytes(200)])
def test_a_file_of_somebody_else_is_not_taken_for_a_state(place: Place, content: bytes) -> None:
    place.state.write_bytes(content)
    with pytest.raises(NotReady, match="name another file"):
        place.audited()
    assert place.state.read_bytes() == content


def test_an_empty_file_is_a_new_state(place: Place) -> None:
    place.state.write_bytes(b"")
    report = place.audited()
    assert (report.difference, report.resumed_after) == (None, None)


def test_the_ledgers_own_database_is_not_taken_for_a_state(place: Place) -> None:
    copy = place.state.with_name("ledger-copy")
    shutil.copy(place.data_dir / "ledger.sqlite", copy)
    with Ledger.open(settings_of(place.data_dir)) as ledger, pytest.raises(NotReady, match="no state of an audit"):
        full_audit(ledger.context, state_path=copy)


def test_a_state_of_another_ledger_is_not_gone_on_with(place: Place, small: World) -> None:
    with pytest.raises(NotReady, match="of another chain"):
        full_audit(small.ledger.context, state_path=place.state)


def test_a_state_whose_place_cannot_be_written_is_refused(place: Place) -> None:
    with Ledger.open(settings_of(place.data_dir)) as ledger, pytest.raises(NotReady, match="--state"):
        full_audit(ledger.context, state_path=place.state.with_name("nowhere") / "state")


# -- keys ------------------------------------------------------------------------------------


def test_every_signature_of_rotated_and_recovering_parties_is_checked(place: Place) -> None:
    with Ledger.open(settings_of(place.data_dir)) as ledger, ledger.context.reading() as connection:
        keys = KeyAudit(ledger.context, connection)
        assert [found for found in keys.check() if found is not None] == []
        assert keys.signatures == place.ask("SELECT count(*) FROM p_group WHERE outcome != 'malformed'")


def test_a_revoked_certificate_that_went_on_signing_is_named(small: World) -> None:
    seller = small.enterprise("被吊销公司", segment=True)
    small.issued(seller)
    time.sleep(1.1)  # what was signed in the second of a revocation counts as after it
    certificate = _certificate_of(small, seller.party)
    revoke = small.ledger.revoke_certificate
    must(revoke(small.officer, seller.party, reason="key_compromise", idempotency_key=small.key()))
    assert full_audit(small.ledger.context).difference is None
    small.issued(seller)
    difference = full_audit(small.ledger.context).difference
    assert difference is not None
    assert (difference.table, difference.key) == ("certificate", certificate.hex())
    assert "revoked" in difference.stored


def _certificate_of(world: World, party: int) -> bytes:
    from ledger.projection import parties

    with world.ledger.context.reading() as connection:
        record = parties.party(connection, party)
        assert record is not None
        return record.certificate_hash
