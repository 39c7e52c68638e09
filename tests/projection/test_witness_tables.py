"""Witnesses' keys, policy, signatures and alarms as they are stored."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.projection import Connection, StorageError, Store, witnesses
from ledger.projection.witnesses import Cosignature, WitnessAlarm

NOW_S = 1_790_000_500
HASH, OTHER = b"\x11" * 32, b"\x22" * 32


def admitted(store: Store, *names: str) -> list[int]:
    def write(connection: Connection) -> None:
        for index, name in enumerate(names):
            witnesses.admit_witness(
                connection, name=name, key_id=b"abcd", public_key=bytes([index]) * 32, line=f"{name}+x+y",
                admitted_by=1, now_s=NOW_S,
            )  # fmt: skip

    store.write(write)
    with store.reading() as connection:
        return [one.seq for one in witnesses.witness_keys(connection)]


def needs(store: Store, needed: int) -> None:
    store.write(lambda connection: witnesses.set_needed_witnesses(connection, needed, set_by=1, now_s=NOW_S))


def signed(
    store: Store, witness: int, block: int, *, signed_at: int = 5, block_hash: bytes = HASH, **more: Any
) -> bool:
    new = Cosignature(block, witness, block_hash, signed_at, NOW_S, f"line {witness} {block} {signed_at}")
    return store.write(lambda connection: witnesses.put_cosignature(connection, new, **more))


def test_a_key_is_admitted_once_and_withdrawn_for_good(store: Store) -> None:
    first, second = admitted(store, "a", "b")
    store.write(lambda connection: witnesses.withdraw_witness(connection, first, withdrawn_by=2, now_s=NOW_S + 9))
    store.write(lambda connection: witnesses.withdraw_witness(connection, first, withdrawn_by=3, now_s=NOW_S + 10))
    with store.reading() as connection:
        assert [one.seq for one in witnesses.witness_keys(connection)] == [second]
        gone, _ = witnesses.witness_keys(connection, admitted_only=False)
        assert (gone.withdrawn_by, gone.withdrawn_at) == (2, NOW_S + 9)
        assert witnesses.witness_key_of(connection, gone.public_key) == gone
        assert witnesses.witness_key_of(connection, b"\xff" * 32) is None
    with pytest.raises(StorageError, match="there already"):
        admitted(store, "again")


def test_the_newest_policy_counts(store: Store) -> None:
    with store.reading() as connection:
        assert witnesses.needed_witnesses(connection) == 0
    for needed in (2, 1):
        needs(store, needed)
    with store.reading() as connection:
        assert witnesses.needed_witnesses(connection) == 1


def test_a_block_counts_once_enough_admitted_witnesses_signed_it(store: Store) -> None:
    one, two, three = admitted(store, "a", "b", "c")
    for witness, block in ((one, 4), (two, 4), (one, 7), (three, 7), (two, 9)):
        assert signed(store, witness, block)
    with store.reading() as connection:
        assert witnesses.cosigned_blocks(connection, [one, two, three], 1, limit=9) == (9, 7, 4)
        assert witnesses.cosigned_blocks(connection, [one, two, three], 2, limit=1) == (7,)
        assert witnesses.cosigned_blocks(connection, [one, two], 2, limit=9) == (4,)
        assert witnesses.cosigned_blocks(connection, [one, two, three], 3, limit=9) == ()
        found = witnesses.cosignatures_of(connection, 4, HASH, [one, two, three])
        assert [found_one.witness for found_one in found] == [one, two]
        assert witnesses.cosignatures_of(connection, 4, OTHER, [one, two, three]) == ()
        assert {seq: newest.block for seq, newest in witnesses.newest_cosignatures(connection).items()} == {
            one: 7, two: 9, three: 7,
        }  # fmt: skip


def test_the_newer_signature_of_a_witness_stands(store: Store) -> None:
    (one,) = admitted(store, "a")
    assert signed(store, one, 4, signed_at=5)
    assert not signed(store, one, 4, signed_at=5)
    assert not signed(store, one, 4, signed_at=4)
    assert signed(store, one, 4, signed_at=6)
    assert signed(store, one, 4, signed_at=1, block_hash=OTHER)  # the chain was restored and went on otherwise
    with store.reading() as connection:
        (found,) = witnesses.cosignatures_of(connection, 4, OTHER, [one])
        assert found.signed_at == 1
        assert witnesses.has_cosignature(connection, found)
        assert not witnesses.has_cosignature(connection, Cosignature(4, one, OTHER, 2, NOW_S, ""))


def test_old_signatures_go_but_for_the_block_that_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnesses, "COSIGNATURES_KEPT_MAX", 3)
    one, two = admitted(store, "a", "b")
    signed(store, two, 1)
    for block in range(1, 8):
        signed(store, one, block, keep=2)
    with store.reading() as connection:
        blocks = witnesses.cosigned_blocks(connection, [one, two], 1, limit=99)
    assert blocks == (7, 6, 5, 2, 1)  # 1 is the other witness's


def test_an_alarm_is_kept_once_and_not_without_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnesses, "ALARMS_KEPT_MAX", 2)
    one, two = admitted(store, "a", "b")

    def raised(witness: int, block: int) -> bool:
        new = WitnessAlarm(witness, block, OTHER, HASH if block < 9 else None, NOW_S, b"note")
        return store.write(lambda connection: witnesses.put_alarm(connection, new))

    assert [raised(one, 4), raised(one, 4), raised(one, 9), raised(one, 5), raised(two, 4)] == [
        True, False, True, False, True,
    ]  # fmt: skip
    with store.reading() as connection:
        assert [(found.witness, found.block, found.own_hash) for found in witnesses.witness_alarms(connection)] == [
            (one, 4, HASH), (one, 9, None), (two, 4, HASH),
        ]  # fmt: skip
