"""The audit log's head on chain: when it is due, once, and what an audit says of a log that differs from it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ledger.domain.groups import Group
from ledger.identity import sign_group
from ledger.projection import Acceptance, Connection, NewGroup, accept, parties
from ledger.projection.audit_entries import newest_anchor
from ledger.projection.audit_log import AuditEntry, append_entry, entries, log_head, origin_of
from ledger.projection.audit_words import Difference
from ledger.service import audit, instructions
from ledger.service.anchoring import Anchoring
from ledger.service.audit_log import AuditKind, check_log, mac_of, note_alone
from ledger.service.forms import salted
from ledger.service.full_audit import full_audit
from ledger.service.people import caller_of
from tests.service.world import World

HOUR_S = 3_600
OFFICER = 2


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger of its own, whose log is anchored and edited here."""
    made = World(tmp_path_factory.mktemp("anchored"))
    yield made
    made.close()


@contextmanager
def _restored(world: World) -> Iterator[None]:
    """The log is at the end what it was before; nothing is noted meanwhile."""
    with closing(_sql(world)) as connection, connection:
        connection.execute("CREATE TABLE kept AS SELECT * FROM audit_entry")
    try:
        yield
    finally:
        with closing(_sql(world)) as connection, connection:
            connection.execute("DELETE FROM audit_entry")
            connection.execute("INSERT INTO audit_entry SELECT * FROM kept")
            connection.execute("DROP TABLE kept")


def _sql(world: World) -> sqlite3.Connection:
    return sqlite3.connect(world.settings.data_dir / "ledger.sqlite", timeout=10)


def _edit(world: World, statement: str) -> None:
    with closing(_sql(world)) as connection, connection:
        assert connection.execute(statement).rowcount >= 1, statement


def _noted(world: World, count: int = 3) -> None:
    for position in range(count):
        note_alone(world.ledger.context, AuditKind.SIGN_IN, actor=position + 1)


def _later(world: World, seconds: int = HOUR_S) -> Anchoring:
    """A node's anchoring, so much later."""
    return Anchoring(world.ledger.context, lambda: world.ledger.context.now_s() + seconds)


def _anchored(world: World) -> int:
    """Anchors what there is; how many entries it covers, once it is on chain."""
    anchoring = _later(world)
    covered = anchoring.anchor_due()
    assert covered is not None
    assert anchoring._signed is not None
    status = world.ledger.context.watch.wait(anchoring._signed, 10_000)
    assert status is not None
    assert status.block is not None, status
    return covered


def _found(world: World) -> Difference | None:
    """The first difference of the log."""
    with world.ledger.context.reading() as connection:
        return next((one for one in check_log(world.ledger.context, connection) if one is not None), None)


def _rewritten(world: World, change: str | None) -> None:
    """What an operator does who has SQL and the master key: edits entries and makes every hash and MAC anew."""
    with world.ledger.context.reading() as connection:
        kept = entries(connection, limit=1_000).items[::-1]
    with closing(_sql(world)) as connection, connection:
        connection.execute("DELETE FROM audit_entry")
    context = world.ledger.context
    origin = origin_of(context.reader.identity.founding_domain.separator)

    def rewrite(connection: Connection, old: AuditEntry) -> None:
        append_entry(
            connection, origin=origin, mac=mac_of(context), now_s=old.noted_at, kind=old.kind, actor=old.actor,
            about=change if old.seq == 2 and change else old.about, detail=old.detail,
        )  # fmt: skip

    for old in kept:
        context.store.write(lambda connection, old=old: rewrite(connection, old))  # type: ignore[misc]


def test_a_young_entry_is_not_anchored_yet_and_an_hour_old_one_is(noted: World) -> None:
    _noted(noted)
    assert _later(noted, HOUR_S - 60).anchor_due() is None
    assert _anchored(noted) >= 3
    with noted.ledger.context.reading() as connection:
        anchor = newest_anchor(connection, noted.ledger.context.reader.identity.domains)
        head = log_head(connection)
    assert anchor is not None
    assert head is not None
    assert (anchor.party, head.seq) == (OFFICER, anchor.seq + 1)  # its own entry came after


def test_an_anchor_alone_calls_for_no_other_one_however_long_it_is(noted: World) -> None:
    _noted(noted)
    _anchored(noted)
    assert _later(noted, 50 * HOUR_S).anchor_due() is None
    _noted(noted, 1)
    assert _later(noted, 50 * HOUR_S).anchor_due() is not None


def test_a_second_node_or_one_started_again_does_not_anchor_what_waits(noted: World) -> None:
    _noted(noted)
    noted.sequencing.stop()
    first, second = _later(noted), _later(noted)
    assert first.anchor_due() is not None
    assert first.anchor_due() is None
    assert second.anchor_due() is None
    noted.sequencing.start()
    assert first._signed is not None
    assert noted.ledger.context.watch.wait(first._signed, 10_000) is not None
    assert second.anchor_due() is None


def test_the_node_s_thread_anchors_what_is_due_and_ends_when_told(noted: World) -> None:
    _noted(noted)
    anchoring, stop = _later(noted), threading.Event()
    thread = threading.Thread(target=anchoring.run, args=(stop,))
    thread.start()
    while anchoring._signed is None and thread.is_alive():
        time.sleep(0.01)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert anchoring._signed is not None
    status = noted.ledger.context.watch.wait(anchoring._signed, 10_000)
    assert status is not None
    assert anchoring.anchor_due() is None


def test_without_an_officer_s_kept_key_the_authority_anchors_and_without_any_nobody(noted: World) -> None:
    context = noted.ledger.context
    _noted(noted)
    with closing(_sql(noted)) as connection, connection:
        connection.execute("CREATE TABLE keys AS SELECT * FROM signing_key")
        signer = "SELECT signer FROM p_party WHERE id = ?"
        connection.execute(f"DELETE FROM signing_key WHERE address = ({signer})", (OFFICER,))
    context._keys.clear()
    try:
        _anchored(noted)
        with context.reading() as reading:
            anchor = newest_anchor(reading, context.reader.identity.domains)
        assert anchor is not None
        assert anchor.party == 1
        _noted(noted)
        _edit(noted, "DELETE FROM signing_key")
        context._keys.clear()
        assert _later(noted).anchor_due() is None
    finally:
        _edit(noted, "INSERT OR IGNORE INTO signing_key SELECT * FROM keys")
        with closing(_sql(noted)) as connection, connection:
            connection.execute("DROP TABLE keys")


def test_the_untouched_log_agrees_in_both_audits(noted: World, tmp_path: Path) -> None:
    _noted(noted)
    _anchored(noted)
    report = audit(noted.ledger.context)
    assert report.difference is None
    with noted.ledger.context.reading() as connection:
        head = log_head(connection)
    assert head is not None
    assert report.entries == head.seq
    full = full_audit(noted.ledger.context, state_path=tmp_path / "state")
    assert full.difference is None


SWAPPED = "SELECT entry_hash, mac FROM audit_entry AS other WHERE other.seq = 3"
ALL_BUT_SEQ = "noted_at, kind, actor, about, detail, entry_hash, mac"
EDITS = [
    ("entry_hash", "UPDATE audit_entry SET actor = 9 WHERE seq = 2"),
    ("entry_hash", "UPDATE audit_entry SET actor = NULL WHERE seq = 2"),
    ("entry_hash", "UPDATE audit_entry SET noted_at = noted_at + 1 WHERE seq = 2"),
    ("mac", "UPDATE audit_entry SET (entry_hash, mac) = (zeroblob(32), zeroblob(32)) WHERE seq = 2"),
    ("entry_hash", f"UPDATE audit_entry SET (entry_hash, mac) = ({SWAPPED}) WHERE seq = 2"),
    ("", "DELETE FROM audit_entry WHERE seq = 2"),
    ("", "DELETE FROM audit_entry WHERE seq = 1"),
    ("", f"INSERT INTO audit_entry SELECT 0, {ALL_BUT_SEQ} FROM audit_entry WHERE seq = 1"),
]


@pytest.mark.parametrize(("column", "statement"), EDITS)
def test_an_entry_that_was_changed_dropped_or_inserted_is_named(noted: World, column: str, statement: str) -> None:
    _noted(noted)
    assert _found(noted) is None
    with _restored(noted):
        _edit(noted, statement)
        difference = _found(noted)
    assert difference is not None
    assert (difference.table, difference.column) == ("audit_entry", column)
    assert difference.key in ("0", "1", "2")


def test_an_invented_last_entry_is_named_by_its_mac(noted: World) -> None:
    _noted(noted)
    with noted.ledger.context.reading() as connection:
        head = log_head(connection)
    assert head is not None
    newest = "FROM audit_entry ORDER BY seq DESC LIMIT 1"
    with _restored(noted):
        invented = "SELECT seq + 1, noted_at, kind, actor, about, detail, zeroblob(32), mac"
        _edit(noted, f"INSERT INTO audit_entry {invented} {newest}")
        difference = _found(noted)
    assert difference is not None
    assert (difference.key, difference.column) == (str(head.seq + 1), "mac")


def test_who_rewrites_the_whole_log_with_the_master_key_is_caught_by_the_chain(noted: World) -> None:
    _noted(noted)
    _rewritten(noted, None)
    assert _found(noted) is None  # the same entries again have the same hashes
    _anchored(noted)
    with _restored(noted):
        _rewritten(noted, "somebody else")
        report = audit(noted.ledger.context)
    assert report.difference is not None
    assert (report.difference.table, report.difference.column) == ("audit_entry", "entry_hash")
    first, _, last = report.difference.key.partition("..")
    assert int(first) <= 2 <= int(last)
    assert " anchored " in report.difference.recomputed


def test_a_log_cut_off_at_its_end_is_caught_by_the_chain(noted: World) -> None:
    _noted(noted)
    covered = _anchored(noted)
    with _restored(noted):
        _edit(noted, f"DELETE FROM audit_entry WHERE seq > {covered}")
        assert _found(noted) is None  # what no anchor covers yet can be cut off
        _edit(noted, f"DELETE FROM audit_entry WHERE seq > {covered - 1}")
        difference = _found(noted)
    assert difference is not None
    assert (difference.key, difference.stored) == (str(covered), "no row")


def test_a_trigger_that_could_take_entries_away_is_named(noted: World) -> None:
    with closing(_sql(noted)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER blind AFTER INSERT ON audit_entry BEGIN DELETE FROM audit_entry WHERE 0; END"
        )
    report = audit(noted.ledger.context)
    with closing(_sql(noted)) as connection, connection:
        connection.execute("DROP TRIGGER blind")
    assert report.difference is not None
    assert (report.difference.table, report.difference.key) == ("audit_entry", "blind")
    assert _found(noted) is None


def test_an_anchor_whose_signed_bytes_were_taken_away_is_named(noted: World) -> None:
    _noted(noted)
    _anchored(noted)
    anchored = '(SELECT digest FROM p_anchor ORDER BY "order" DESC LIMIT 1)'
    with closing(_sql(noted)) as connection, connection:
        (signed,) = connection.execute(f"SELECT signed FROM operation WHERE digest = {anchored}").fetchone()
        (other,) = connection.execute(f"SELECT signed FROM operation WHERE digest != {anchored} LIMIT 1").fetchone()
        connection.execute(f"UPDATE operation SET signed = ? WHERE digest = {anchored}", (other,))
    difference = _found(noted)
    with closing(_sql(noted)) as connection, connection:
        connection.execute(f"UPDATE operation SET signed = ? WHERE digest = {anchored}", (signed,))
    assert difference is not None
    assert (difference.table, difference.column) == ("operation", "signed")
    assert _found(noted) is None


def test_a_head_of_another_log_that_an_officer_anchors_is_not_this_log_s(noted: World) -> None:
    """Zero entries: not a head of this log. Any other number says that it is, and must agree."""
    context = noted.ledger.context

    def sign(connection: Connection, entries_said: int) -> bytes:
        record = parties.party(connection, OFFICER)
        assert record is not None
        reference = salted(context, caller_of(context, connection, record), "anchor", "")
        operation = instructions.anchor(
            officer=OFFICER, version=record.version, head=b"\x07" * 32, entries=entries_said, ref=reference.ref
        )
        group = Group(OFFICER, context.now_s() + 600, (operation,))
        digest = group.digest(context.domain)
        key = context.signing_key(connection, OFFICER)
        new = NewGroup(digest, sign_group(key, group, context.domain))
        accept(connection, Acceptance((new,), (reference,)), queue_limit=100, now_s=context.now_s())
        return digest

    _noted(noted)
    assert context.watch.wait(context.store.write(lambda connection: sign(connection, 0)), 10_000) is not None
    assert _found(noted) is None
    _anchored(noted)  # and it does not keep the node from anchoring
    assert context.watch.wait(context.store.write(lambda connection: sign(connection, 1)), 10_000) is not None
    difference = _found(noted)
    assert difference is not None
    assert difference.key == "1..1"
    assert f"party {OFFICER} anchored 1 entries" in difference.recomputed
