"""Entries of the audit log: each bound to all before it, found again by what they tell."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from ledger.projection import Connection, CursorError, DatabaseUnavailableError, Store
from ledger.projection.audit_log import LogHead, append_entry, entries, entry, hash_of, log_head, origin_of

ORIGIN = origin_of(bytes(32))


def _append(
    store: Store, *, now_s: int = 1_000, kind: str = "refused", actor: int | None = 7, about: str = ""
) -> LogHead:
    with store.writing_alone() as connection:
        return append_entry(
            connection, origin=ORIGIN, mac=lambda hashed: hashed[::-1], now_s=now_s, kind=kind, actor=actor,
            about=about, detail="{}",
        )  # fmt: skip


def test_an_entry_s_hash_covers_the_one_before_and_every_field(store: Store) -> None:
    first, second = _append(store), _append(store, about="9")
    fields = {"seq": 2, "noted_at": 1_000, "kind": "refused", "actor": 7, "about": "9", "detail": "{}"}
    assert hash_of(first.entry_hash, **fields) == second.entry_hash  # type: ignore[arg-type]
    others = [{"seq": 3}, {"noted_at": 1_001}, {"kind": "sign_in"}, {"actor": None}, {"about": "8"}, {"detail": "[]"}]
    hashes = {hash_of(first.entry_hash, **{**fields, **other}) for other in others}  # type: ignore[arg-type]
    hashes |= {hash_of(ORIGIN, **fields), second.entry_hash}  # type: ignore[arg-type]
    assert len(hashes) == len(others) + 2


def test_two_ledgers_logs_do_not_fit_each_other() -> None:
    assert origin_of(bytes(32)) != origin_of(bytes(31) + b"\1")


def test_entries_are_numbered_without_a_gap_and_a_clock_set_back_does_not_reorder_them(store: Store) -> None:
    heads = [_append(store, now_s=now_s) for now_s in (1_000, 900, 1_100)]
    assert [(head.seq, head.noted_at) for head in heads] == [(1, 1_000), (2, 1_000), (3, 1_100)]
    with store.reading() as connection:
        assert log_head(connection) == heads[-1]
        newest = entry(connection, 3)
    assert newest is not None
    assert newest.mac == heads[-1].entry_hash[::-1]


def test_an_entry_whose_transaction_fails_leaves_no_gap(store: Store) -> None:
    _append(store)

    def fails(connection: Connection) -> None:
        append_entry(connection, origin=ORIGIN, mac=bytes, now_s=1, kind="refused", actor=None, about="", detail="{}")
        raise LookupError

    with pytest.raises(LookupError):
        store.write(fails)
    assert _append(store).seq == 2


def test_an_entry_that_a_trigger_swallows_takes_what_it_tells_with_it(store: Store) -> None:
    _append(store)
    with store.writing_alone() as connection:
        swallow = "BEFORE INSERT ON audit_entry WHEN NEW.kind = 'officer_query' BEGIN SELECT RAISE(IGNORE); END"
        connection.execute(text(f"CREATE TRIGGER blind {swallow}"))
    with pytest.raises(DatabaseUnavailableError, match="trigger"):
        _append(store, kind="officer_query")
    assert _append(store).seq == 2


def test_entries_are_found_by_kind_actor_about_and_time(store: Store) -> None:
    for position in range(1, 13):
        kind = "sign_in" if position % 2 else "refused"
        _append(store, now_s=100 * position, kind=kind, actor=position % 3 or None, about=str(position % 4))
    with store.reading() as connection:

        def found(**wanted: object) -> list[int]:
            page = entries(connection, limit=50, **wanted)  # type: ignore[arg-type]
            assert page.next_cursor is None
            return [one.seq for one in page.items]

        assert found() == list(range(12, 0, -1))
        assert found(kind="sign_in") == [11, 9, 7, 5, 3, 1]
        assert found(actor=2) == [11, 8, 5, 2]
        assert found(about="3", kind="sign_in") == [11, 7, 3]
        assert found(since_s=300, until_s=500) == [4, 3]
        assert found(since_s=301, until_s=501) == [5, 4]
        assert found(since_s=0, until_s=100) == []
        assert found(since_s=1_201) == []
        first = entries(connection, limit=5, kind="sign_in")
        assert [one.seq for one in first.items] == [11, 9, 7, 5, 3]
        rest = entries(connection, limit=5, kind="sign_in", cursor=first.next_cursor)
        assert ([one.seq for one in rest.items], rest.next_cursor) == ([1], None)
        with pytest.raises(CursorError):
            entries(connection, limit=5, cursor="none of ours")


def test_an_empty_log_has_no_head_and_no_entries(store: Store) -> None:
    with store.reading() as connection:
        assert log_head(connection) is None
        assert entries(connection, limit=5, since_s=1, until_s=2).items == ()


@pytest.mark.slow
def test_writers_of_a_server_take_turns(postgres: Store) -> None:
    def work() -> None:
        for _ in range(20):
            _append(postgres)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with postgres.reading() as connection:
        assert connection.execute(text("SELECT count(*), max(seq) FROM audit_entry")).one() == (80, 80)
