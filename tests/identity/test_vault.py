"""Sealed items open with the key, kind and id they were sealed with, and with nothing else."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.identity import MasterKeyError, SealError, Vault

KEY = bytes(range(32))


@given(plaintext=st.binary(max_size=300), kind=st.text(max_size=20), item_id=st.text(max_size=20))
def test_sealed_item_opens_again(plaintext: bytes, kind: str, item_id: str) -> None:
    vault = Vault(KEY)
    assert vault.open(vault.seal(plaintext, kind, item_id), kind, item_id) == plaintext


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_any_changed_bit_is_refused(position: int, bit: int) -> None:
    vault = Vault(KEY)
    sealed = bytearray(vault.seal(b"a document", "document", "90000000000000000001"))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises(SealError):
        vault.open(bytes(sealed), "document", "90000000000000000001")


@pytest.mark.parametrize(("kind", "item_id"), [("seed", "1"), ("document", "2"), ("documen", "t1")])
def test_item_of_another_row_does_not_open(kind: str, item_id: str) -> None:
    vault = Vault(KEY)
    with pytest.raises(SealError) as caught:
        vault.open(vault.seal(b"text", "document", "1"), kind, item_id)
    assert (caught.value.kind, caught.value.item_id) == (kind, item_id)


def test_another_master_key_does_not_open() -> None:
    sealed = Vault(KEY).seal(b"text", "document", "1")
    with pytest.raises(SealError):
        Vault(secrets.token_bytes(32)).open(sealed, "document", "1")


def test_short_or_foreign_bytes_are_refused_by_name() -> None:
    vault = Vault(KEY)
    for garbage in (b"", b"\x01", b"\x02" + bytes(200), bytes(88)):
        with pytest.raises(SealError, match="not a sealed document"):
            vault.open(garbage, "document", "1")


def test_two_seals_of_one_text_share_nothing() -> None:
    vault = Vault(KEY)
    first, second = vault.seal(b"text", "document", "1"), vault.seal(b"text", "document", "1")
    assert first[1:33] != second[1:33]
    assert first[-20:] != second[-20:]


def test_master_key_of_another_size_is_refused() -> None:
    with pytest.raises(MasterKeyError):
        Vault(KEY[:16])
